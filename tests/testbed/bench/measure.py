# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time, CPU time and peak memory of whole commands."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence


class BenchError(Exception):
    """A measured command failed; its output is in the message."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall and CPU (user + system, with children), peaks of memory in MiB.

    C(main) is the peak RSS of the command's own process, without its children; 0 if nobody looked.
    """

    wall: float
    cpu: float
    rss: float
    main: float = 0.0

    def minus(self, floor: Sample) -> Sample:
        """Return this sample without what an empty run costs (RSS stays a peak)."""
        return Sample(self.wall - floor.wall, self.cpu - floor.cpu, self.rss, self.main)


def run(argv: Sequence[str], env: Mapping[str, str], log: Path, *, tree: bool = False) -> Sample:
    """Run one command to its end.

    Args:
        argv: the command; it must not need a terminal.
        env: its whole environment.
        log: where its output goes; shown when it fails.
        tree: take as memory the most that the command and its children had at one time, pages that
            they share counted once, in the place of the peak of its largest process.

    Raises:
        BenchError: the exit code was not 0.
    """
    with log.open("wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(
            list(argv), env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        watched = TreeMemory(child.pid) if tree else None
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    memory = usage.ru_maxrss / 1024 if watched is None else watched.peak()
    main = 0.0 if watched is None else watched.main
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code
    if code != 0:
        said = shown(log.read_text(errors="replace"))
        raise BenchError(f"{' '.join(argv)} ended with {code}:\n{said}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, memory, main)


def shown(output: str, most: int = 4000) -> str:
    """Return what tells most of the output of a command that failed: its first errors and its end.

    The recap of a play over hundreds of clusters is longer than C(most) characters, and says
    nothing of why.
    """
    end = output[-most:]
    before = output[:-most].splitlines()
    errors = [line[:600] for line in before if re.search(r"fatal:|ERROR|failed[: ]", line)]
    return "\n".join([*errors[:8], end])


class TreeMemory:
    """Looks at the memory of a process and its descendants until C(peak) is asked for.

    Attributes:
        main: the most that the process alone had, in MiB.
    """

    PAUSE = 0.2  # seconds between two looks

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = self.main = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()

    def peak(self) -> float:
        """End the watch and return the most that was seen, in MiB."""
        self._stop.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._stop.wait(self.PAUSE):
            self._most = max(self._most, sum(map(_pss, _family(self._pid))) / 1024)
            self.main = max(self.main, _kib(self._pid, "status", "VmHWM:") / 1024)


def _family(pid: int) -> list[int]:
    """Return a process and its descendants, children of its threads included."""
    found = [pid]
    for known in found:
        for children in Path(f"/proc/{known}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def _pss(pid: int) -> int:
    """Return the KiB of a process, of pages that N share the Nth part; 0 if it is gone."""
    return _kib(pid, "smaps_rollup", "Pss:")


def _kib(pid: int, file: str, word: str) -> int:
    """Return a number of KiB that the kernel tells of a process; 0 if it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(word):
                return int(line.split()[1])
    return 0


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure."""
    return Sample(
        statistics.median(s.wall for s in samples),
        statistics.median(s.cpu for s in samples),
        statistics.median(s.rss for s in samples),
        statistics.median(s.main for s in samples),
    )


def interleaved(
    runs: Mapping[str, Callable[[int], Sample]], rounds: int
) -> dict[str, list[Sample]]:
    """Run every candidate once per round, so that drift of the machine hits all alike."""
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, once in runs.items():
            sample = once(number)
            samples[name].append(sample)
            sys.stderr.write(
                f"round {number + 1}/{rounds} {name}: {sample.wall:.2f} s wall, "
                f"{sample.cpu:.2f} s CPU, {sample.rss:.0f} MiB\n"
            )
    return samples


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"### {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
