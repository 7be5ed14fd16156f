# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service level objective: bounds that make a measurement a gate. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..errors import InputError

# From the mildest to the strictest: a bound may not be below that of one before it.
RISING = ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")
SLO_ARGUMENT_SPEC: Dict[str, Any] = {
    name: {"type": "float"} for name in ("mean_ms", *RISING, "error_rate", "throughput")
}


@dataclass(frozen=True)
class Slo:
    """Bounds by name: upper ones, and a lower one for C(throughput)."""

    bounds: Tuple[Tuple[str, float], ...]


def slo_from_params(params: Optional[Mapping[str, Any]], rate: float) -> Optional[Slo]:
    """Return the bounds of the option C(slo), None without any.

    Args:
        params: the option.
        rate: requests begun in a second in an open loop, else 0.

    Raises:
        InputError: a bound that no server can keep, or that says nothing.
    """
    if params is None:
        return None
    given = {name: params[name] for name in SLO_ARGUMENT_SPEC if params.get(name) is not None}
    if not given:
        raise InputError("it has no bound", option="slo", hint="Like {p95_ms: 20, error_rate: 0}")
    for name, value in given.items():
        if name != "error_rate" and not 0 < value < float("inf"):
            raise InputError(f"{value:g} is no number above 0", option=f"slo.{name}")
    if not 0 <= given.get("error_rate", 0.0) < 1:
        raise InputError(
            f"{given['error_rate']:g} is not from 0 to below 1",
            option="slo.error_rate",
            hint="It is a share of all requests: 0.01 for one in a hundred",
        )
    _check_rising(given)
    if rate and given.get("throughput", 0.0) > rate:
        raise InputError(
            f"{given['throughput']:g} answers in a second cannot come of {rate:g} requests",
            option="slo.throughput",
            hint="Raise rate, or leave it out to send as fast as the server answers",
        )
    return Slo(tuple(given.items()))


def _check_rising(given: Mapping[str, float]) -> None:
    there = [name for name in RISING if name in given]
    for lower, upper in zip(there, there[1:]):
        if given[upper] < given[lower]:
            raise InputError(
                f"{given[upper]:g} ms is below the {given[lower]:g} ms of {lower}, and {upper} is"
                f" never less than {lower}",
                option=f"slo.{upper}",
                hint="Exchange the two, or leave one out",
            )


def judge(slo: Slo, figures: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the bounds that are not kept: C(name), C(bound), C(measured).

    Args:
        slo: the bounds.
        figures: the figures by the names of the bounds.
    """
    return [
        {"name": name, "bound": bound, "measured": figures[name]}
        for name, bound in slo.bounds
        if (figures[name] < bound if name == "throughput" else figures[name] > bound)
    ]


def words(broken: Mapping[str, Any]) -> str:
    """Return a bound that is not kept in words."""
    name, bound, measured = broken["name"], broken["bound"], broken["measured"]
    if name == "throughput":
        return f"throughput is {measured:g} answers/s, less than {bound:g}"
    if name == "error_rate":
        return f"the error rate is {measured:g}, more than {bound:g}"
    label = "p99.9" if name == "p999_ms" else name[:-3]
    return f"{label} is {measured:g} ms, more than {bound:g} ms"
