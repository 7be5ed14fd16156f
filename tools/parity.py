"""`make parity`: what the seed article, the chart and the custom resources can say, row by row.

Each row has our option and the test that shows it. The page docs/parity.md is written from here and
from `server/parity/table.py`, the same table that `migrate_values` works by. The command ends with
`rows N, without test M` and fails while M is not 0: a test that is named has to exist. With
`--check`, a step of `make lint`, rows that name no test pass; named tests that are gone do not.
"""

from __future__ import annotations

import ast
import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Optional

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "parity.md"
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.openvino.edge.plugins.module_utils.server.chart.table import (  # noqa: E402
    FIELDS,
    Field,
)
from parity_rows import MANAGER, SEED  # noqa: E402

UNIT = "tests/unit/server"
ARRIVES = f"{UNIT}/chart/test_parity.py::test_a_value_arrives"
OLD = f"{UNIT}/chart/test_migrate.py::test_a_chart_of_2021_with_escaped_quotes"
DROPPED = f"{UNIT}/chart/test_migrate.py::test_the_whole_chart"
# Values that only the charts of 2021 have, where another test shows them.
OLD_TESTS = {
    "annotations": f"{UNIT}/render/test_objects.py::test_options_of_the_pod",
    "node_selector": f"{UNIT}/render/test_objects.py::test_options_of_the_pod",
}


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    what: str
    option: str
    test: str
    note: str = ""


@functools.lru_cache(maxsize=None)
def _names(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the functions and the texts of a test file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset(), frozenset()
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    texts = {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(functions), frozenset(texts)


def missing(test: str) -> Optional[str]:
    """Return why a test is not there, None when it is."""
    path, _, rest = test.partition("::")
    name, _, case = rest.partition("[")
    functions, texts = _names(path)
    if not test:
        return "no test is named"
    if not functions:
        return f"no file {path}"
    if name not in functions:
        return f"no test {name} in {path}"
    if case and case.rstrip("]") not in texts:
        return f"no case {case.rstrip(']')} in {path}"
    return None


def chart_rows() -> Iterator[Row]:
    """Yield the values of chart 4.0.0, which are the fields of ModelServer."""
    for field in FIELDS:
        if field.path:
            test = f"{ARRIVES}[{field.path}]" if field.option else DROPPED
            yield Row(f"`{field.path}`", _option(field), test, field.note)


def old_rows() -> Iterator[Row]:
    """Yield the values of the charts of 2021, which are the fields of Ovms."""
    for field in FIELDS:
        if not field.old:
            continue
        test = f"{ARRIVES}[{field.path}]" if field.path else OLD_TESTS.get(field.old, OLD)
        yield Row(f"`{field.old}`", _option(field), test, field.note)


def _option(field: Field) -> str:
    options = [f"`{option}`" for option in field.option.split(", ") if option]
    return ", ".join(options) or "none"


def tables() -> list[tuple[str, list[Row]]]:
    """Return all tables with their headings."""
    seed = [Row(f"{number}. {what}", *rest) for number, (what, *rest) in enumerate(SEED, 1)]
    manager = [Row(*row) for row in MANAGER]
    return [
        ("The article of 2021 on OVMS in Kubernetes and OpenShift", seed),
        ("Clients in the Inference Model Manager (2020)", manager),
        ("Chart 4.0.0 and `ModelServer`", list(chart_rows())),
        ("The charts of 2021 and `Ovms`", list(old_rows())),
    ]


def all_rows() -> list[Row]:
    """Return the rows of all tables."""
    return [row for _heading, rows in tables() for row in rows]


def page() -> str:
    """Return the text of the page."""
    lines = [
        "# Chart and operator parity",
        "",
        "Every value of the charts and field of the custom resources, with the option for it here.",
        "Written by `make parity`; change `tools/parity_rows.py` or the table that the filter",
        "`migrate_values` works by instead. [Moving from the Helm chart](from-helm.md) tells how.",
    ]
    for heading, rows in tables():
        lines += ["", f"## {heading}", "", "| | here | shown by | |", "|---|---|---|---|"]
        for row in rows:
            test = f"`{_short(row.test)}`" if row.test else "**missing**"
            lines.append(f"| {row.what} | {row.option} | {test} | {row.note} |")
    return "\n".join([*lines, ""])


def _short(test: str) -> str:
    return test.removeprefix("tests/")


def lacking(rows: Iterable[Row]) -> list[str]:
    """Return one line for each row without a test: none is named, or the named one is gone."""
    return [f"{row.what}: {why}" for row in rows if (why := missing(row.test))]


def check() -> list[str]:
    """Return what is wrong in the tree: a named test that is gone, a page that is not current."""
    complaints = lacking(row for row in all_rows() if row.test)
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        complaints.append("docs/parity.md is not up to date: run make parity")
    return complaints


def main(arguments: list[str]) -> int:
    """Write the page and print the tables; with --check only tell what is wrong."""
    if arguments == ["--check"]:
        complaints = check()
        print("\n".join(complaints), end="\n" if complaints else "")
        return 1 if complaints else 0
    text = page()
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    rows = all_rows()
    without = lacking(rows)
    print("\n".join([*without, f"rows {len(rows)}, without test {len(without)}"]))
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
