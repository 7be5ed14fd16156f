# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a rollout goes on: a budget for the fleet, a tolerance per wave. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence

from ..errors import InputError
from .states import DEFERRED, Cluster, is_failure
from .waves import Wave, percentage, share


@dataclass(frozen=True)
class Limits:
    """What a rollout may lose before it stops; None is no limit.

    Attributes:
        max_failures: clusters of the whole fleet that may fail.
        max_deferred: clusters of the whole fleet that may be left for a later run.
    """

    max_failures: Optional[int] = None
    max_deferred: Optional[int] = None


@dataclass(frozen=True)
class Verdict:
    """Whether the next batch may begin.

    Attributes:
        goes_on: it may.
        spent: clusters of the fleet that have failed so far.
        allowed: clusters of the fleet that may fail; None is no limit.
        failed: those that have failed, with phase and reason.
        deferred: those that are left for a later run.
        reason: why it stops; empty if it goes on.
    """

    goes_on: bool
    spent: int
    allowed: Optional[int]
    failed: Sequence[Cluster]
    deferred: Sequence[Cluster]
    reason: str = ""


def limits_of(params: Mapping[str, Any], fleet: int) -> Limits:
    """Return the limits of a run over C(fleet) clusters.

    With waves the default of each is none at all. Of a number and a percentage the smaller counts.

    Raises:
        InputError: a limit is no number.
    """
    default = 0 if params["waves"] else None
    numbers: List[int] = []
    if params["max_failures"] is not None:
        numbers.append(_limit(params["max_failures"], fleet, "max_failures"))
    if params["max_fail_percentage"] is not None:
        percent = percentage(params["max_fail_percentage"], "max_fail_percentage")
        numbers.append(share(percent, fleet))
    deferred = params["max_deferred"]
    return Limits(
        min(numbers) if numbers else default,
        default if deferred is None else _limit(deferred, fleet, "max_deferred"),
    )


def _limit(value: Any, fleet: int, option: str) -> int:
    """Return a number of clusters that was given as such or as a percentage of the fleet."""
    text = str(value).strip()
    if text.endswith("%"):
        return share(percentage(text, option), fleet)
    if isinstance(value, bool) or not text.isdecimal():
        raise InputError(
            f"'{value}' is neither a number of clusters nor a percentage",
            option=option,
            hint="Write a number such as 3, or a share of the fleet such as '5%'",
        )
    return int(text)


def judge(clusters: Sequence[Cluster], wave: Wave, limits: Limits) -> Verdict:
    """Return whether the rollout goes on after a batch of C(wave).

    Args:
        clusters: all of the fleet that the rollout has met so far.
        wave: the one that was worked on last.
        limits: of the fleet.
    """
    failed = [item for item in clusters if is_failure(item.state)]
    deferred = [item for item in clusters if item.state == DEFERRED]
    here = [item for item in failed if item.wave == wave.number]
    reason = ""
    if wave.max_failures is not None and len(here) > wave.max_failures:
        reason = (
            f"{_clusters(len(here))} of wave '{wave.name}' failed, and {wave.max_failures} may"
            " (max_failures of the wave)"
        )
    elif limits.max_failures is not None and len(failed) > limits.max_failures:
        reason = (
            f"{_clusters(len(failed))} of the fleet failed, and {limits.max_failures} may"
            " (max_failures)"
        )
    elif limits.max_deferred is not None and len(deferred) > limits.max_deferred:
        reason = (
            f"{_clusters(len(deferred))} of the fleet had to be deferred, and"
            f" {limits.max_deferred} may (max_deferred)"
        )
    return Verdict(not reason, len(failed), limits.max_failures, failed, deferred, reason)


def _clusters(count: int) -> str:
    return "1 cluster" if count == 1 else f"{count} clusters"
