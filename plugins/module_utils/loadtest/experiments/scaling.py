# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do more replicas give? Throughput by number of replicas, against a straight line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from . import fit
from .figure import CONTRADICTS, SUPPORTS, UNCLEAR, Figure, median

# Numbers of replicas without which a line says nothing.
STEPS = 3
# Residual of the line, as a part of the highest throughput, up to which it is one.
RESIDUAL = 0.05
# Least throughput of the most replicas, as a part of that of the fewest for each replica.
EFFICIENCY = 0.8
# Of a core: from here on the client is what was measured.
CLIENT = 0.9
CLAIM = "With a fixed CPU limit for each replica, throughput grows in proportion to them."


@dataclass(frozen=True)
class Measured:
    """One measurement with so many replicas; latencies in milliseconds, throughput in 1/s."""

    replicas: int
    throughput: float
    p50_ms: float
    p95_ms: float
    client_cpu: float


@dataclass(frozen=True)
class Step:
    """The medians of all measurements with so many replicas, and the range of throughput."""

    replicas: int
    throughput: float
    low: float
    high: float
    p50_ms: float
    p95_ms: float
    client_cpu: float


def steps_of(measured: Sequence[Measured]) -> List[Step]:
    """Return the medians by number of replicas, the smallest first."""
    groups: Dict[int, List[Measured]] = {}
    for item in measured:
        groups.setdefault(item.replicas, []).append(item)
    return [
        Step(
            count,
            median([item.throughput for item in groups[count]]),
            min(item.throughput for item in groups[count]),
            max(item.throughput for item in groups[count]),
            median([item.p50_ms for item in groups[count]]),
            median([item.p95_ms for item in groups[count]]),
            max(item.client_cpu for item in groups[count]),
        )
        for count in sorted(groups)
    ]


def points(steps: Sequence[Step]) -> List[Tuple[float, float]]:
    """Return replicas and throughput."""
    return [(float(step.replicas), step.throughput) for step in steps]


def efficiency(steps: Sequence[Step]) -> float:
    """Return what a replica of the most gives, as a part of what a replica of the fewest gives."""
    first, last = steps[0], steps[-1]
    alone = first.throughput / first.replicas
    return last.throughput / last.replicas / alone if alone else 0.0


def figure(measured: Sequence[Measured]) -> Figure:
    """Judge the claim by at least one measurement."""
    steps = steps_of(measured)
    rows = tuple(
        (
            str(step.replicas),
            f"{step.throughput:.1f}",
            f"{step.low:.1f} to {step.high:.1f}",
            f"{step.p50_ms:.2f}",
            f"{step.p95_ms:.2f}",
            f"{step.client_cpu * 100:.0f} %",
        )
        for step in steps
    )
    verdict, sentence = _judged(steps)
    columns = ("replicas", "answers/s", "in the rounds", "p50 ms", "p95 ms", "CPU of the client")
    return Figure("scaling", "What more replicas give", CLAIM, verdict, (sentence,), columns, rows)


def _judged(steps: Sequence[Step]) -> Tuple[str, str]:
    first, last = steps[0], steps[-1]
    told = (
        f"{last.replicas} replicas answered {last.throughput:.1f} requests/s and {first.replicas}"
        f" answered {first.throughput:.1f}"
    )
    if len(steps) < STEPS:
        return UNCLEAR, f"{told}; a line needs at least {STEPS} numbers of replicas."
    line = fit.line(points(steps))
    away = line.residual / max(step.throughput for step in steps)
    part = efficiency(steps)
    told += (
        f": {part * 100:.0f} % of as much for each. A straight line through all {len(steps)} steps"
        f" gives {line.slope:.1f} requests/s for each replica; they are {away * 100:.1f} % of the"
        " most away from it (root mean square)"
    )
    busy = max(step.client_cpu for step in steps)
    if busy > CLIENT:
        return UNCLEAR, f"{told}. But the client used {busy * 100:.0f} % of a core and is in it."
    linear = away <= RESIDUAL and part >= EFFICIENCY
    return (SUPPORTS if linear else CONTRADICTS), f"{told}."
