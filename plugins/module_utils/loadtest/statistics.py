# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of latencies. Pure.

Percentiles are interpolated between the two nearest values, standard deviation and variance are
those of the whole population: what C(numpy.percentile), C(numpy.std) and C(numpy.var) do unless
told otherwise, and what the clients print that come with OVMS.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Sequence, Tuple

PERCENTILES: Dict[str, float] = {
    "p50_ms": 50.0,
    "p90_ms": 90.0,
    "p95_ms": 95.0,
    "p99_ms": 99.0,
    "p999_ms": 99.9,
}
BARS = 40  # of a distribution
MOST_SLICES = 120  # of throughput over time
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)  # seconds of a slice


@dataclass(frozen=True)
class Summary:
    """Figures of the requests that have an answer; times are in milliseconds."""

    count: int
    mean_ms: float
    median_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    stdev_ms: float
    variance_ms2: float

    def as_dict(self) -> Dict[str, Any]:
        """Return the figures, rounded to a microsecond, which is what was measured."""
        return {
            name: value if name == "count" else round(value, 6 if name == "variance_ms2" else 3)
            for name, value in asdict(self).items()
        }


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return a percentile of sorted values, of which there is at least one."""
    place = (len(ordered) - 1) * percent / 100.0
    below = int(place)
    if below + 1 >= len(ordered):
        return ordered[-1]
    low, high = ordered[below], ordered[below + 1]
    return low + (high - low) * (place - below)


def summarize(latencies_ms: Sequence[float]) -> Summary:
    """Return the figures of latencies in milliseconds.

    Raises:
        ValueError: there are none.
    """
    if not latencies_ms:
        raise ValueError("no latency to summarize")
    ordered = sorted(latencies_ms)
    count = len(ordered)
    mean = math.fsum(ordered) / count
    variance = math.fsum((value - mean) ** 2 for value in ordered) / count
    found = {name: percentile(ordered, percent) for name, percent in PERCENTILES.items()}
    return Summary(
        count=count,
        mean_ms=mean,
        median_ms=found["p50_ms"],
        min_ms=ordered[0],
        max_ms=ordered[-1],
        stdev_ms=math.sqrt(variance),
        variance_ms2=variance,
        **found,
    )


def throughput(answers: int, seconds: float) -> float:
    """Return answers in a second."""
    return answers / seconds if seconds > 0 else 0.0


@dataclass(frozen=True)
class Bar:
    """A part of a distribution: how many values lie from C(low) up to C(high)."""

    low: float
    high: float
    count: int


def distribution(values: Sequence[float], bars: int = BARS) -> List[Bar]:
    """Return how many values lie where, on a logarithmic scale: latencies have long tails."""
    if not values:
        return []
    low, high = (max(value, 1e-3) for value in (min(values), max(values)))
    if low == high:
        return [Bar(low, high, len(values))]
    span = math.log(high / low)
    counts = [0] * bars
    for value in values:
        part = math.log(max(value, low) / low) / span
        counts[min(int(part * bars), bars - 1)] += 1
    edges = [low * math.exp(span * number / bars) for number in range(bars)] + [high]
    return [Bar(edges[at], edges[at + 1], count) for at, count in enumerate(counts)]


def over_time(ends: Sequence[float], seconds: float) -> Tuple[float, List[int]]:
    """Return the length of a slice in seconds, and how many answers came in each.

    Args:
        ends: seconds since the begin at which answers were there.
        seconds: of the whole measurement.
    """
    wide = next((step for step in _STEPS if seconds / step <= MOST_SLICES), None)
    step = wide or math.ceil(seconds / MOST_SLICES)
    counts = [0] * max(1, math.ceil(seconds / step))
    for end in ends:
        counts[min(int(end / step), len(counts) - 1)] += 1
    return step, counts
