# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about processes from /proc, and records that stay true when a pid is used again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True)
class Record:
    """A process by its pid inside its machine and its start time (field 22 of /proc/PID/stat).

    A pid alone may be another process later; together with the start time, which is counted
    in clock ticks since boot, it is not.
    """

    pid: int
    start: int

    def text(self) -> str:
        """The record as kept in a file."""
        return f"{self.pid} {self.start}\n"


def parse_record(text: str) -> Record | None:
    """Read a record back; None when the text is not one (an unfinished write)."""
    words = text.split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return Record(int(words[0]), int(words[1]))


def read_record(path: Path) -> Record | None:
    """The record in a file; None when there is none."""
    try:
        return parse_record(path.read_text())
    except OSError:
        return None


def stat_fields(text: str) -> list[str]:
    """The fields of a /proc/PID/stat line from field 3 on: the name before may hold anything."""
    return text[text.rindex(")") + 2 :].split()


def _stat(pid: int) -> list[str] | None:
    try:
        return stat_fields(Path(f"/proc/{pid}/stat").read_text())
    except (OSError, ValueError):
        return None


def alive(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in "ZX"


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def inner_pids(pid: int) -> list[int]:
    """The process's pid in each pid namespace, this one first; empty when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return [int(word) for word in line.split()[1:]]
    except OSError:
        pass
    return []


def memory_kib(pid: int) -> int:
    """Resident memory in KiB; 0 when the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB
    except (OSError, IndexError):
        return 0


def find(record: Record, candidates: Iterable[int]) -> int | None:
    """The pid, as this host sees it, of the recorded process among `candidates`."""
    for pid in candidates:
        inner = inner_pids(pid)
        same = len(inner) > 1 and inner[-1] == record.pid and start_time(pid) == record.start
        if same and alive(pid):
            return pid
    return None


def find_init(candidates: Iterable[int]) -> int | None:
    """The process among `candidates` that is process 1 of a pid namespace below this one."""
    for pid in candidates:
        inner = inner_pids(pid)
        if len(inner) == 2 and inner[1] == 1 and alive(pid):
            return pid
    return None
