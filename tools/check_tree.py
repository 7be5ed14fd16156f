"""Check what no other linter checks: sizes, headers, links and names that do not belong here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
HEADER = (
    "# Copyright (c) 2026, openvino.edge contributors\n"
    "# GNU General Public License v3.0+ "
    "(see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    "# SPDX-License-Identifier: GPL-3.0-or-later\n"
)
# A path or host of one machine would break every other; each pattern says why it is refused.
FOREIGN = (
    (re.compile(r"(?<![\w./-])/work/"), "a path of one machine"),
    (re.compile(r"(?<![\w.}-])/root/"), "a path of one user"),
    (re.compile(r"(?<![\w./-])/home/\w+/"), "a path of one user"),
    (re.compile(r"files\.pythonhosted|pypi\.org/simple|proxy\.golang\.org"), "a registry host"),
    (re.compile(r"--index-url\s+http|--extra-index-url|GOPROXY=http"), "a registry host"),
)
BINARY_SUFFIXES = {".gz", ".tar", ".whl", ".so", ".bin", ".onnx", ".png", ".jpg", ".pyc", ".zip"}
LINK = "collections/ansible_collections/openvino/edge"


def tracked(root: Path) -> list[Path]:
    """Return the files that are or would be committed, relative to the root."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-c", "-o", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(Path(name) for name in set(names) if name and (root / name).is_file())


def check_python(path: Path, text: str) -> Iterator[str]:
    """Yield what is wrong with the sizes and the head of one Python file."""
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{path}: {lines} lines, more than {MAX_FILE_LINES}"
    for node in ast.walk(ast.parse(text, filename=str(path))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines"
    if path.parts[0] == "plugins":
        yield from check_plugin(path, text)


def check_plugin(path: Path, text: str) -> Iterator[str]:
    """Yield what is wrong with the head of a file that ships as a plugin."""
    if path.name == "__init__.py":
        if text:
            yield f"{path}: must be empty (ansible-test: empty-init)"
        return
    head = text.split("\n", 1)[1] if text.startswith("#!") else text
    head = head.split("\n", 1)[1] if head.startswith("# -*-") else head
    if not head.startswith(HEADER):
        yield f"{path}: the licence header is missing or differs"
    if "from __future__ import annotations" not in text:
        yield f"{path}: no 'from __future__ import annotations'"


def check_text(path: Path, text: str) -> Iterator[str]:
    """Yield the lines that name one machine, one user or one registry."""
    if path.suffix == ".sum":
        return
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, why in FOREIGN:
            if pattern.search(line) and path.name != "check_tree.py":
                yield f"{path}:{number}: {why}: {line.strip()[:80]}"


def check_file(root: Path, path: Path) -> Iterator[str]:
    """Yield what is wrong with one file."""
    full = root / path
    if full.is_symlink() and path.as_posix() != LINK:
        yield f"{path}: a symbolic link"
        return
    data = full.read_bytes()
    if path.suffix in BINARY_SUFFIXES or b"\0" in data:
        yield f"{path}: a binary file"
        return
    text = data.decode("utf-8")
    yield from check_text(path, text)
    if path.suffix == ".py":
        yield from check_python(path, text)


def check_tree(root: Path, paths: Iterable[Path]) -> list[str]:
    """Return all problems of the given files."""
    found = [problem for path in paths for problem in check_file(root, path)]
    if not (root / LINK).is_symlink():
        found.append(f"{LINK}: must be the link that makes this checkout the collection")
    return found


def main() -> int:
    """Print the problems of the checkout and return the exit status."""
    paths = tracked(ROOT)
    found = check_tree(ROOT, paths)
    for problem in found:
        print(problem)
    print(f"check_tree: {len(paths)} files, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
