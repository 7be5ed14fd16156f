"""Measure the floor plan of the engine, and fail when it is broken.

An area is a folder of plugins/module_utils. Its rooms are its folders, and the files that lie in it
directly. An import anywhere in a file counts, one within a function as well. For each area a line
tells the files, the largest folder, the floors (rooms on the longest chain of imports), the circles
between rooms and between files, the lengths of functions, and the share of packages that say in a
README.md what they are for. (ansible-test wants every `__init__.py` below plugins to be empty.)
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "plugins" / "module_utils"
MAX_FILES = 20
MAX_P90 = 30
MAX_LENGTH = 60
README_LINES = (3, 8)
# A share of a handful of functions says nothing.
ENOUGH = 30
Graph = Dict[str, Set[str]]


@dataclass
class Area:
    """What was measured of one folder of the engine."""

    name: str
    files: int = 0
    folders: Dict[str, int] = field(default_factory=dict)
    lengths: List[int] = field(default_factory=list)
    rooms: Graph = field(default_factory=dict)
    modules: Graph = field(default_factory=dict)
    silent: List[str] = field(default_factory=list)

    @property
    def p90(self) -> int:
        """Return the length in lines that nine of ten functions do not exceed."""
        ordered = sorted(self.lengths) or [0]
        return ordered[min(len(ordered) - 1, (len(ordered) * 9) // 10)]

    @property
    def told(self) -> float:
        """Return the share of packages with a README, in percent."""
        return 100.0 * (1 - len(self.silent) / max(1, len(self.folders)))


def imports(path: Path, package: Tuple[str, ...]) -> Iterator[Tuple[str, ...]]:
    """Yield what a file imports from the engine, as parts of dotted names below it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - node.level + 1]
        base += tuple(node.module.split(".")) if node.module else ()
        for alias in node.names:
            yield (*base, alias.name)


def module_of(parts: Tuple[str, ...]) -> Tuple[str, ...]:
    """Return the file that an imported name lies in, as parts; empty when it is none of ours."""
    for end in (len(parts), len(parts) - 1):
        if ENGINE.joinpath(*parts[:end]).with_suffix(".py").is_file():
            return parts[:end]
    return ()


def measure(folder: Path) -> Area:
    """Return the measures of one area."""
    area = Area(folder.name)
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ENGINE).with_suffix("").parts
        package = parts[:-1]
        if path.name == "__init__.py":
            area.folders.setdefault("/".join(package), 0)
            area.silent += _silence(path.parent)
            continue
        area.files += 1
        area.folders["/".join(package)] = area.folders.get("/".join(package), 0) + 1
        area.lengths += _lengths(path)
        room, module = _room(parts), ".".join(parts)
        area.rooms.setdefault(room, set())
        area.modules.setdefault(module, set())
        for found in map(module_of, imports(path, package)):
            if not found or found[0] != area.name or found == parts:
                continue
            area.modules[module].add(".".join(found))
            if _room(found) != room:
                area.rooms[room].add(_room(found))
    return area


def _room(parts: Tuple[str, ...]) -> str:
    return parts[1]


def _lengths(path: Path) -> List[int]:
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def _silence(folder: Path) -> List[str]:
    """Return the folder if its README is missing, too short or too long to be read at once."""
    page = folder / "README.md"
    lines = page.read_text(encoding="utf-8").splitlines() if page.is_file() else []
    return [] if README_LINES[0] <= len(lines) <= README_LINES[1] else [str(folder.name)]


def circles(graph: Graph) -> List[List[str]]:
    """Return the groups of nodes that reach each other (Tarjan's strongly connected components)."""
    index: Dict[str, int] = {}
    low: Dict[str, int] = {}
    stack: List[str] = []
    found: List[List[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def floors(graph: Graph) -> int:
    """Return the number of nodes on the longest chain; circles count as one node each."""
    known: Dict[str, int] = {}

    def height(node: str, above: Tuple[str, ...]) -> int:
        if node not in known:
            below = [item for item in graph.get(node, ()) if item not in above]
            known[node] = 1 + max((height(item, (*above, node)) for item in below), default=0)
        return known[node]

    return max((height(node, ()) for node in graph), default=0)


def problems(area: Area) -> Iterator[str]:
    """Yield what is broken in an area."""
    for folder, count in sorted(area.folders.items()):
        if count > MAX_FILES:
            yield f"{folder}: {count} files, more than {MAX_FILES}"
    for kind, graph in (("folders", area.rooms), ("files", area.modules)):
        for group in circles(graph):
            yield f"{area.name}: a circle of {kind}: {', '.join(group)}"
    if len(area.lengths) >= ENOUGH and area.p90 > MAX_P90:
        yield f"{area.name}: p90 of functions is {area.p90} lines, more than {MAX_P90}"
    longest = max(area.lengths, default=0)
    if longest > MAX_LENGTH:
        yield f"{area.name}: the longest function has {longest} lines, more than {MAX_LENGTH}"
    for folder in area.silent:
        low, high = README_LINES
        yield f"{area.name}: {folder} has no README.md of {low} to {high} lines"


def main() -> int:
    """Print a line for each area and what is broken; return the exit status."""
    folders = [path for path in sorted(ENGINE.iterdir()) if (path / "__init__.py").is_file()]
    areas = [measure(folder) for folder in folders]
    print("area          files  largest  floors  circles  p90  longest  told")
    for area in areas:
        count = len(circles(area.rooms)) + len(circles(area.modules))
        print(
            f"{area.name:<12} {area.files:6} {max(area.folders.values()):8}"
            f" {floors(area.rooms):7} {count:8} {area.p90:4} {max(area.lengths, default=0):8}"
            f" {area.told:4.0f}%"
        )
    found = [problem for area in areas for problem in problems(area)]
    for problem in found:
        print(problem)
    print(f"house: {len(areas)} areas, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
