# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an inference may take: an absolute bound, and one relative to an older version. Pure.

A time is the median of several warm requests, less the median time of a request that the server
answers at once (C(GET /v2/health/live)): so the way to the site counts only once, with the tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from .datatypes import number

SMALLEST_MS = 5.0
"""Milliseconds that a model may always be slower than the older one. Chosen here: single requests
through an API server differ by some milliseconds, more than what a tiny model takes."""

LATENCY_ARGUMENT_SPEC: Dict[str, Any] = {
    "max_ms": {"type": "float"},
    "max_ratio": {"type": "float"},
    "baseline_version": {"type": "int"},
    "baseline": {"type": "list", "elements": "dict"},
    "requests": {"type": "int", "default": 5},
}


@dataclass(frozen=True)
class Bounds:
    """The bounds of a task.

    Attributes:
        max_ms: absolute, in milliseconds.
        max_ratio: times the baseline.
        baseline_version: the version that is asked for the baseline.
        baseline: milliseconds by (model, case) that were measured before.
        requests: warm requests for one median.
    """

    max_ms: Optional[float] = None
    max_ratio: Optional[float] = None
    baseline_version: Optional[int] = None
    baseline: Tuple[Tuple[Tuple[str, str], float], ...] = ()
    requests: int = 5

    def measured(self, model: str, case: str) -> Optional[float]:
        """Return the milliseconds that were measured before, the least of all replicas."""
        found = [value for key, value in self.baseline if key == (model, case)]
        return min(found, default=None)


def bounds_from_params(params: Optional[Mapping[str, Any]]) -> Bounds:
    """Return the bounds of the option C(latency).

    Raises:
        InputError: a number is out of range, or the baseline has no times.
    """
    given = dict(params or {})
    for name in ("max_ms", "max_ratio"):
        value = given.get(name)
        if value is not None and not 0 < value < float("inf"):
            raise InputError("it is no number above 0", option=f"latency.{name}")
    requests = given.get("requests") or 5
    if not 1 <= requests <= 1000:
        raise InputError("it is a number from 1 to 1000", option="latency.requests")
    if given.get("baseline_version") is not None and given["baseline_version"] < 1:
        raise InputError("a version is a number from 1", option="latency.baseline_version")
    try:
        baseline = tuple(
            ((str(item["model"]), str(item["case"])), number(item["median_ms"]))
            for item in given.get("baseline") or ()
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "an item has no model, case and median_ms",
            option="latency.baseline",
            hint="Give what model_inference returned as 'latencies' before",
        ) from None
    return Bounds(
        given.get("max_ms"),
        given.get("max_ratio"),
        given.get("baseline_version"),
        baseline,
        requests,
    )


def middle(times: Sequence[float], empty: Sequence[float]) -> float:
    """Return the milliseconds of an inference, from seconds of whole and of empty requests."""
    return round(max(0.0, median(times) - median(empty)) * 1000, 3)


def too_slow(took: float, bound: float) -> str:
    """Return what is wrong with a median above an absolute bound, empty if nothing is."""
    return "" if took <= bound else f"it takes {took:.1f} ms, more than {bound:g} ms"


def slower(took: float, baseline: float, ratio: float, source: str) -> str:
    """Return what is wrong with a median compared with another, empty if nothing is.

    Args:
        took: milliseconds.
        baseline: milliseconds of the other.
        ratio: how many times that it may take; C(SMALLEST_MS) more are always allowed.
        source: where the other comes from.
    """
    if took <= max(ratio * baseline, baseline + SMALLEST_MS):
        return ""
    return (
        f"it takes {took:.1f} ms, {took / max(baseline, 0.001):.1f} times the {baseline:.1f} ms of"
        f" {source}; {ratio:g} times are allowed"
    )
