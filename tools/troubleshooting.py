"""`make pages`: docs/troubleshooting.md, one section for each kind of the error family.

Kinds and their meaning are read from the classes below ``plugins/`` that derive from ``EdgeError``,
codes of the gate from ``verify/explain.py``, the words on both from ``troubleshooting_rows.py``.
With ``--check``, a step of `make lint`, nothing is written: the command fails if a kind or a code
has no entry, if an entry has no kind, if a quoted message is gone, and if the page is not current.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from pathlib import Path
from typing import Iterator, Sequence

from troubleshooting_rows import CODES, KINDS

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "plugins"
PAGE = ROOT / "docs" / "troubleshooting.md"
BASE = "EdgeError"
WIDTH = 120

MARK = (
    "<!-- From here on written by `make pages`; change tools/troubleshooting_rows.py instead. -->"
)


@functools.lru_cache(maxsize=None)
def nodes() -> tuple[ast.AST, ...]:
    """Return all syntax nodes of the code below plugins."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(PLUGINS.rglob("*.py"))]
    return tuple(node for tree in trees for node in ast.walk(tree))


def classes() -> Iterator[tuple[ast.ClassDef, list[str]]]:
    """Yield the classes below plugins with the names of their bases."""
    for node in nodes():
        if isinstance(node, ast.ClassDef):
            yield node, [base.id for base in node.bases if isinstance(base, ast.Name)]


def own_kind(node: ast.ClassDef) -> str:
    """Return the text that a class assigns to C(kind), empty if it does not."""
    for line in node.body:
        if (
            isinstance(line, ast.Assign)
            and isinstance(line.value, ast.Constant)
            and [target.id for target in line.targets if isinstance(target, ast.Name)] == ["kind"]
        ):
            return str(line.value.value)
    return ""


def family() -> dict[str, str]:
    """Return the kinds of all classes below ``EdgeError``, with the docstring's first sentence.

    The base comes last: it is the kind of what fits nowhere else.
    """
    known, found = {BASE}, {}
    every = list(classes())
    grown = True
    while grown:
        more = {node.name for node, bases in every if known.intersection(bases)} - known
        known |= more
        grown = bool(more)
    for node, _bases in every:
        if node.name in known and own_kind(node):
            text = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            found[own_kind(node)] = re.sub(r"C\(([^)]*)\)", r"`\1`", text)
    order = [kind for kind in KINDS if kind in found]
    return {kind: found[kind] for kind in (*order, *sorted(set(found) - set(order)))}


def codes() -> set[str]:
    """Return the codes that findings of the gate can have."""
    (path,) = PLUGINS.rglob("verify/explain.py")
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
            found |= {
                part.value
                for part in ast.walk(node.args[0])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            }
    return found


def texts() -> list[str]:
    """Return all constant texts of the code, joined as Python joins them."""
    return [
        node.value
        for node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def incomplete() -> list[str]:
    """Return kinds and codes without an entry, entries without a kind, messages that are gone."""
    kinds, gate, said = set(family()), codes(), texts()
    found = [f"kind {kind}: no entry in KINDS" for kind in sorted(kinds - set(KINDS))]
    found += [f"kind {kind}: no class has it" for kind in sorted(set(KINDS) - kinds)]
    found += [f"code {code}: no entry in CODES" for code in sorted(gate - set(CODES))]
    found += [f"code {code}: no finding has it" for code in sorted(set(CODES) - gate)]
    for kind, entry in KINDS.items():
        for case in entry.cases:
            if not case.theirs and not any(case.says in text for text in said):
                found.append(f"kind {kind}: no message says {case.says!r}")
    return found


def wrapped(text: str) -> list[str]:
    """Return a paragraph in lines of the pages' width."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def page() -> str:
    """Return the text of the page: what people wrote above the mark, and the sections below it."""
    above = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    lines = [MARK, "", "## Kinds of errors"]
    for kind, meaning in family().items():
        entry = KINDS[kind]
        lines += ["", f"### {kind}", "", *wrapped(f"{meaning} {entry.state}"), ""]
        lines += ["| the message says | what to do |", "|---|---|"]
        for case in entry.cases:
            lines.append(f"| `{case.says.strip()}` | {case.todo} |")
    lines += ["", "## Findings of the gate", ""]
    lines += ["`model_status` has them in `problems`, each with a `code`.", ""]
    lines += ["| code | what it is | what to do |", "|---|---|---|"]
    lines += [f"| `{code}` | {what} | {todo} |" for code, (what, todo) in CODES.items()]
    return above + "\n".join([*lines, ""])


def check() -> list[str]:
    """Return what is wrong: entries that do not fit the code, else a page that is not current."""
    found = incomplete()
    if not found and PAGE.read_text(encoding="utf-8") != page():
        found.append("docs/troubleshooting.md is not up to date: run make pages")
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the page; with --check only tell what is wrong."""
    found = check() if list(arguments) == ["--check"] else incomplete()
    print("\n".join(found), end="\n" if found else "")
    if found or list(arguments) == ["--check"]:
        return 1 if found else 0
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
