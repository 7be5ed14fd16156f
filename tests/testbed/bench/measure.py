# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time, CPU time and peak memory of whole commands."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence


class BenchError(Exception):
    """A measured command failed; its output is in the message."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall and CPU (user + system, with children), peak RSS in MiB."""

    wall: float
    cpu: float
    rss: float

    def minus(self, floor: Sample) -> Sample:
        """Return this sample without what an empty run costs (RSS stays a peak)."""
        return Sample(self.wall - floor.wall, self.cpu - floor.cpu, self.rss)


def run(argv: Sequence[str], env: Mapping[str, str], log: Path) -> Sample:
    """Run one command to its end.

    Args:
        argv: the command; it must not need a terminal.
        env: its whole environment.
        log: where its output goes; shown when it fails.

    Raises:
        BenchError: the exit code was not 0.
    """
    with log.open("wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(
            list(argv), env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code
    if code != 0:
        raise BenchError(f"{' '.join(argv)} ended with {code}:\n{log.read_text()[-4000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure."""
    return Sample(
        statistics.median(s.wall for s in samples),
        statistics.median(s.cpu for s in samples),
        statistics.median(s.rss for s in samples),
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
