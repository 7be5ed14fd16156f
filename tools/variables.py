"""`make pages`: docs/variables.md, one table of all `edge_*` variables of the inventory.

The variables are found in the roles' defaults and in the playbooks; their meaning, type and default
come from the argument spec of the role variable that takes them. With ``--check``, a step of
`make lint`, nothing is written: the command fails if a variable has no meaning or the page is not
current.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Sequence

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "variables.md"
NAME = re.compile(r"\bedge_[a-z_]+")
# The role variable is this variable, or what its default filter says.
DIRECT = re.compile(r"\{\{ *(edge_[a-z_]+)(?: *\| *default\(([^()]*)\))? *\}\}")
# Where roles tell of the same variable, the first one's words are taken.
FIRST = ("model_server", "preflight", "model_repository", "verify")

# Variables that are a part of what a role variable takes; that one's words would not fit.
PARTS = {
    "edge_auth": (
        "dict",
        "Options to reach and log in to the cluster, as every module has them: `host`, `api_key`,"
        " `ca_cert`, `proxy`, ... They win over the two variables above.",
    ),
    "edge_context": ("str", "Context of the kubeconfig; empty takes its current one."),
    "edge_kubeconfig": ("path", "Kubeconfig of the cluster; its content as a dictionary, too."),
    "edge_hosts": ("str", "Hosts or groups of the inventory that the playbooks work on."),
    "edge_repair": (
        "bool",
        "Whether `openvino.edge.audit` repairs what has drifted; without it, it changes nothing.",
    ),
}
DEFAULTS = {"edge_hosts": "`all`", "edge_repair": "`false`"}
# Variables of playbooks/site.yml for a fleet: type, default and meaning of each.
OF_FLEETS = ROOT / "tools" / "variables_of_fleets.yml"
ORDER = (
    "edge_kubeconfig",
    "edge_context",
    "edge_auth",
    "edge_namespace",
    "edge_name",
    "edge_store",
    "edge_src",
    "edge_models",
)

MARK = "<!-- From here on written by `make pages` from the roles' argument specs. -->"
TABLE = ("| variable | type | default | meaning | read by |", "|---|---|---|---|---|")


@dataclass
class Variable:
    """One variable: which role variables read it, and what it is."""

    name: str
    readers: list[str] = field(default_factory=list)
    kind: str = ""
    meaning: str = ""
    default: str = "**required**"


def markdown(text: Any) -> str:
    """Return a description of an argument spec as Markdown of one line."""
    parts = text if isinstance(text, list) else [text]
    line = " ".join(" ".join(str(part).split()) for part in parts)
    return re.sub(r"\b[OVCM]\(([^)]*)\)", r"`\1`", line)


def shown(default: Optional[str]) -> str:
    """Return the default as text for the table."""
    if default is None:
        return "**required**"
    value = yaml.safe_load(default) if default else ""
    if value in ("", [], {}, None):
        return "" if value in ("", None) else f"`{default}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def of_roles() -> dict[str, Variable]:
    """Return the variables that roles read."""
    found: dict[str, Variable] = {}
    for path in sorted(ROOT.glob("roles/*/defaults/main.yml"), key=rank):
        role = path.parents[1].name
        specs = yaml.safe_load((path.parents[1] / "meta" / "argument_specs.yml").read_text("utf-8"))
        options = specs["argument_specs"]["main"]["options"]
        for reader, value in yaml.safe_load(path.read_text("utf-8")).items():
            for name in dict.fromkeys(NAME.findall(str(value))):
                variable = found.setdefault(name, Variable(name))
                variable.readers.append(f"{role}:{reader}")
                direct = DIRECT.fullmatch(str(value))
                same = reader == f"{role}_{name.removeprefix('edge_')}"
                if (direct or same) and not variable.meaning:
                    spec = options[reader]
                    variable.kind = spec["type"]
                    variable.meaning = markdown(spec["description"])
                    variable.default = shown(direct.group(2) if direct else None)
    return found


def rank(path: Path) -> tuple[int, str]:
    """Return the order of a role."""
    role = path.parents[1].name
    return (FIRST.index(role) if role in FIRST else len(FIRST), role)


def variables() -> list[Variable]:
    """Return all variables, the ones that every inventory has first."""
    found = of_roles()
    for path in sorted(ROOT.glob("playbooks/*.yml")):
        for name in NAME.findall(path.read_text("utf-8")):
            variable = found.setdefault(name, Variable(name))
            reader = f"playbook:{path.stem}"
            # What a playbook hands on to a role is read by that role.
            if not variable.meaning and reader not in variable.readers:
                variable.readers.append(reader)
    for name, (kind, meaning) in PARTS.items():
        if name in found:
            one = found[name]
            one.kind, one.meaning, one.default = kind, meaning, DEFAULTS.get(name, "")
    for name, told in yaml.safe_load(OF_FLEETS.read_text("utf-8")).items():
        if name in found:
            one = found[name]
            one.kind, one.meaning, one.default = told["type"], told["meaning"], told["default"]
    known = [found.pop(name) for name in ORDER if name in found]
    return [*known, *(found[name] for name in sorted(found))]


def row(variable: Variable) -> str:
    """Return one line of the table."""
    roles = dict.fromkeys(reader.partition(":")[0] for reader in variable.readers)
    readers = ["playbooks" if role == "playbook" else f"`{role}`" for role in roles]
    cells = (f"`{variable.name}`", variable.kind, variable.default, variable.meaning)
    return f"| {' | '.join(cells)} | {', '.join(readers)} |"


def page() -> str:
    """Return the text of the page: what people wrote above the mark, and the table."""
    above = PAGE.read_text("utf-8").partition(MARK)[0]
    return above + "\n".join([MARK, "", *TABLE, *(row(one) for one in variables()), ""])


def check() -> list[str]:
    """Return what is wrong: a variable without a meaning, a page that is not current."""
    every = variables()
    names = {variable.name for variable in every}
    found = [f"{one.name}: no argument spec tells its meaning" for one in every if not one.meaning]
    found += [f"{name}: nothing reads it" for name in sorted(set(PARTS) - names)]
    if not found and PAGE.read_text("utf-8") != page():
        found.append("docs/variables.md is not up to date: run make pages")
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the page; with --check only tell what is wrong."""
    if list(arguments) != ["--check"]:
        PAGE.write_text(page(), encoding="utf-8")
    found = check()
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
