# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleans C(.edge): reports unexpected objects, and deletes what has not been used for long.

No clock is believed. A file C(.edge/locks/ages) holds, for what may be deleted one day, how it
looked when a writer saw it last, and for how long it has looked like that. A writer adds the time
that passed since the writer before, by the store's clock, but never more than half a limit: so no
single clock that is wrong (a board that starts in 1970) makes anything old, and nothing with a
time in the future stays for ever. One line for each, C(<name> <look> <nanoseconds>), and first
C(clock <now> 0). The exec transport keeps the same file (C(exec_script.py)).
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

from . import files as fs

AGES = "ages"
LIMIT = 4 << 20  # bytes of that file
OLD_NOTE = 24 * 3600 * 10**9  # ns that the note of a broken lock is kept
OLD_STAGE = 7 * 24 * 3600 * 10**9  # ns without use, after which a stage nobody wants is deleted
DIRECTORIES = ("staging", "manifests", "locks", "trash", "trust", "pulls", "blocks")
LOCKS = ("store", "new-", "gone-", "stale-")  # prefixes of the lock and of its leftovers

Known = Dict[str, Tuple[str, int]]


def parse(text: str) -> Tuple[int, Known]:
    """Return the time of the last writer, and look and age by name."""
    clock, known = 0, {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) != 3 or not all(word.isdigit() and len(word) < 20 for word in words[1:]):
            continue
        if words[0] == "clock":
            clock = int(words[1])
        else:
            known[words[0]] = (words[1], int(words[2]))
    return clock, known


def grown(
    before: Tuple[int, Known], looks: Mapping[str, str], now: int, limits: Mapping[str, int]
) -> Known:
    """Return look and age of everything that is there now.

    Args:
        before: what the last writer saw.
        looks: how each thing looks now.
        now: the time by the store.
        limits: age at which each thing is too old.
    """
    clock, known = before
    passed = max(0, now - clock) if clock else 0
    found: Known = {}
    for name, look in looks.items():
        then, age = known.get(name, ("", 0))
        found[name] = (look, age + min(passed, limits[name] // 2) if then == look else 0)
    return found


def render(now: int, known: Known) -> bytes:
    """Return the file."""
    lines = [f"clock {now} 0"] + [f"{name} {look} {age}" for name, (look, age) in known.items()]
    return ("\n".join(lines) + "\n").encode()


def update(path: str, looks: Mapping[str, str], now: int, limits: Mapping[str, int]) -> Known:
    """Return look and age of everything that is there now, and keep them in the file."""
    try:
        text = fs.load(path, LIMIT).decode("ascii", "replace")
    except (FileNotFoundError, fs.Odd):
        text = ""
    known = grown(parse(text), looks, now, limits)
    if known:
        fs.save(path, render(now, known))
    elif text:
        fs.discard(path)
    return known


def used(path: str) -> int:
    """Return when a stage was used last, by whatever clock its file system has."""
    return fs.mtime(os.path.join(path, "manifest.json")) or fs.mtime(path) or 0


def sizes(staging: str) -> Dict[str, int]:
    """Return the bytes that each stage takes, by digest; what is linked is not its own."""
    found: Dict[str, int] = {}
    for name, path in fs.children(staging):
        if fs.is_dir(path):
            files = (os.lstat(full) for _inner, full in fs.walk(path))
            used = sum(item.st_blocks * 512 for item in files if item.st_nlink == 1)
            found[name.replace("-", ":", 1)] = used
    return found


def forget(
    work: str,
    stages: Sequence[Tuple[str, str]],
    notes: Mapping[str, str],
    clock: Callable[[], int],
) -> None:
    """Delete stages that nobody wanted for long, those that were published, and old notes.

    Args:
        work: C(.edge) of the store.
        stages: digest and path of those that this run does not want.
        notes: paths of what killed helpers left beside the lock, by name.
        clock: returns the time by the store.
    """
    paths = {f"locks/{name}": path for name, path in notes.items()}
    limits = dict.fromkeys(paths, OLD_NOTE)
    for _digest, path in stages:
        names = fs.names_in(path)
        # Its tree was published; what is held for a listing (look.py) has none.
        if "tree" not in names and not any(name.startswith("hold-") for name in names):
            fs.discard(path)
            continue
        name = os.path.basename(path)
        paths[f"staging/{name}"], limits[f"staging/{name}"] = path, OLD_STAGE
    ledger = os.path.join(work, "locks", AGES)
    if not paths and not os.path.lexists(ledger):
        return
    looks = {name: str(abs(used(path))) for name, path in paths.items()}
    for name, (_look, age) in update(ledger, looks, clock(), limits).items():
        if age >= limits[name]:
            fs.discard(paths[name])


def survey(work: str) -> List[str]:
    """Note in C(fs.odd) what is in C(.edge) and is of another kind than what belongs there.

    Reads directories only: what is in a file is checked by who reads it.

    Returns:
        The paths of the stages.
    """
    stages: List[str] = []
    _survey(work, (), stages)
    return stages


def odd_in(work: str) -> List[List[str]]:
    """Return [path below the store, why] of all that was noted and is still there."""
    top = os.path.dirname(work)
    found = [(path, why) for path, why in list(fs.odd.items()) if path.startswith(work + os.sep)]
    return [[os.path.relpath(path, top), why] for path, why in sorted(found) if _is_there(path)]


def _is_there(path: str) -> bool:
    there = os.path.lexists(path)
    if not there:
        fs.odd.pop(path, None)
    return there


def _survey(directory: str, parts: Sequence[str], stages: List[str]) -> None:
    try:
        inside = fs.children(directory)
    except OSError as error:
        fs.odd[directory] = f"it cannot be read: {error.strerror or error}"
        return
    for name, path in inside:
        wanted = _kind_at((*parts, name))
        if not wanted:
            continue
        try:
            kind = fs.kind_of(os.lstat(path).st_mode)
        except OSError:  # it went just now
            continue
        if kind != wanted:
            fs.odd[path] = f"it is a {kind}"
        elif kind == "directory" and len(parts) < 2:
            _survey(path, (*parts, name), stages)
            if parts == ("staging",):
                stages.append(path)


def _kind_at(parts: Sequence[str]) -> str:
    """Return what belongs at a path below C(.edge), C("") where anything may lie."""
    place = parts[0] if parts[0] in DIRECTORIES else ""
    if len(parts) == 1:
        return "directory" if place else ""
    if place in ("", "trash", "blocks"):  # block tables are a cache that checks itself
        return ""
    if len(parts) == 2:
        if place == "locks":
            return "directory" if parts[1].startswith(LOCKS) else "file"
        return "directory" if place in ("staging", "manifests") else "file"
    return "directory" if place == "staging" and parts[2] == "tree" else "file"
