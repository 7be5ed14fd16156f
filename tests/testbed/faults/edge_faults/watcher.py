# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher: lists a model directory every 10 ms and tells every version that is not whole.

It runs as a process of its own, so that neither the harness nor a slow disk slows it down:
``python watcher.py DIRECTORY`` takes lines of JSON on standard input (``{"expect": {"m/1": [{path:
[size, sha256]}]}}`` with every form that the version may have, ``{"report": true}``) and answers
each report with one line.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import sys
import threading
import time
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

PERIOD = 0.01
Seen = Dict[str, int]
Expected = Mapping[str, Sequence[Any]]


def fault_of(name: str, expected: Optional[Expected], seen: Seen) -> str:
    """Return what is wrong with a listed version, C("") when it is whole.

    Args:
        name: C(model/version) as in the directory.
        expected: size and sha256 by path; None when nobody was to publish such a version.
        seen: size by path, as listed.
    """
    if expected is None:
        return f"{name}: nobody publishes a version of that name"
    missing = sorted(set(expected) - set(seen))
    if missing:
        return f"{name}: {missing[0]} is missing ({len(missing)} of {len(expected)})"
    more = sorted(set(seen) - set(expected))
    if more:
        return f"{name}: {more[0]} is there and should not be"
    for path, size in seen.items():
        if size != expected[path][0]:
            return f"{name}: {path} has {size} of {expected[path][0]} bytes"
    return ""


def list_version(path: str) -> Seen:
    """Return the sizes of the files below a version directory.

    Raises:
        FileNotFoundError: something vanished while it was listed.
    """
    found: Seen = {}
    stack = [""]
    while stack:
        inner = stack.pop()
        with os.scandir(os.path.join(path, inner)) as entries:
            for entry in entries:
                name = f"{inner}/{entry.name}" if inner else entry.name
                if entry.is_dir(follow_symlinks=False):
                    stack.append(name)
                else:
                    found[name] = entry.stat(follow_symlinks=False).st_size
    return found


def list_models(root: str) -> Dict[str, str]:
    """Return the directory of every C(model/version)."""
    found: Dict[str, str] = {}
    for model in _directories(root):
        for version in _directories(os.path.join(root, model)):
            found[f"{model}/{version}"] = os.path.join(root, model, version)
    return found


def _directories(path: str) -> List[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def hash_fault(name: str, path: str, expected: Expected) -> str:
    """Return which file of a version has other bytes than expected, C("") when none."""
    for inner, (_size, wanted) in sorted(expected.items()):
        try:
            with open(os.path.join(path, inner), "rb") as stream:
                digest = hashlib.sha256()
                while block := stream.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            if not os.path.isdir(path):
                return ""  # taken out of sight whole, by the harness
            return f"{name}: {inner}: {error.strerror}"
        if digest.hexdigest() != wanted:
            return f"{name}: {inner} has other bytes"
    return ""


def best(faults: Iterable[str]) -> str:
    """Return C("") when one of the forms fits, else what is wrong with the last."""
    found = list(faults)
    return "" if "" in found else found[-1]


class Watch:
    """The state of the watcher; a version is reported once for each way in which it is wrong."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.expected: Dict[str, List[Expected]] = {}
        self.faults: Dict[str, List[str]] = {}
        self.hashed: Dict[str, Tuple[int, int]] = {}
        self.listings = 0
        self.worst = 0.0
        self.late = 0
        self.threads: List[threading.Thread] = []

    def once(self) -> None:
        """List everything once."""
        self.listings += 1
        for name, path in list_models(self.root).items():
            try:
                status = os.stat(path)
                seen = list_version(path)
            except FileNotFoundError:
                if os.path.isdir(path):
                    self.note(name, f"{name}: files vanish in a visible version")
                continue
            except OSError as error:
                self.note(name, f"{name}: {error.strerror}")
                continue
            fault = best(fault_of(name, form, seen) for form in self.forms(name))
            if fault:
                self.note(name, fault)
            elif self.hashed.get(name) != (status.st_dev, status.st_ino):
                self.hashed[name] = (status.st_dev, status.st_ino)
                self.hash_later(name, path)

    def forms(self, name: str) -> Sequence[Optional[Expected]]:
        """Return every form a version may have."""
        return self.expected.get(name) or [None]

    def pause(self, seconds: float) -> None:
        """Count the time from one listing to the next; late is more than twice the period."""
        self.worst = max(self.worst, seconds)
        self.late += seconds > 2 * PERIOD

    def note(self, name: str, fault: str) -> None:
        """Keep the first few faults of a version."""
        found = self.faults.setdefault(name, [])
        if len(found) < 3 and fault not in found:
            found.append(fault)

    def hash_later(self, name: str, path: str) -> None:
        """Read a version that just appeared, beside the listing."""
        worker = threading.Thread(target=self._hash, args=(name, path), daemon=True)
        self.threads.append(worker)
        worker.start()

    def _hash(self, name: str, path: str) -> None:
        fault = best(hash_fault(name, path, form) for form in self.expected[name])
        if fault:
            self.note(name, fault)

    def report(self) -> Dict[str, Any]:
        """Return what was seen since the start."""
        for worker in self.threads:
            worker.join(60)
        self.threads = [worker for worker in self.threads if worker.is_alive()]
        return {
            "faults": self.faults,
            "listings": self.listings,
            "late": self.late,
            "worst_gap": round(self.worst, 4),
            "hashed": sorted(self.hashed),
        }

    def take(self, line: str) -> None:
        """Do what a line of standard input asks for."""
        request = json.loads(line)
        self.expected.update(request.get("expect") or {})
        if request.get("report"):
            sys.stdout.write(json.dumps(self.report()) + "\n")
            sys.stdout.flush()


def main(root: str) -> None:
    """Watch until standard input ends."""
    watch = Watch(root)
    os.set_blocking(0, False)
    pending, due = b"", time.monotonic()
    last = due
    while True:
        watch.once()
        now = time.monotonic()
        watch.pause(now - last)
        last, due = now, max(due + PERIOD, now)
        ready, _, _ = select.select([0], [], [], due - now)
        if not ready:
            continue
        data = os.read(0, 1 << 20)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            watch.take(line.decode())


if __name__ == "__main__":
    main(sys.argv[1])
