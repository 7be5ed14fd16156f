# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.rollout_end: closes a rollout and tells who is not well."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from ..runtime import Params, Result, Runtime
from .gate import handed, outcome_of
from .states import BEGUN, DEFERRED, DONE, FAILED, STUCK, UNCHANGED, UNDONE, Cluster

ARGUMENT_SPEC: Dict[str, Any] = {
    "plan": {"type": "dict", "required": True},
    "outcomes": {"type": "list", "elements": "dict", "default": []},
    "stopped": {"type": "str", "default": ""},
}
SPEC_RULES: Dict[str, Any] = {}

# How a rollout ends.
ENDED_DONE = "done"
ENDED_FAILURES = "done with failures"
ENDED_STOPPED = "stopped"


def run(params: Params, runtime: Runtime) -> Result:
    """Close the rollout.

    Raises:
        InputError: C(plan) is not what C(rollout_plan) returns.
    """
    plan, stopped = handed(params["plan"]), params["stopped"]
    journal = plan.open_journal(runtime)
    if journal is not None:
        order = set(plan.order)
        clusters: Sequence[Cluster] = [
            item for item in journal.clusters(plan.number) if item.name in order
        ]
    else:
        clusters = [outcome_of(item) for item in params["outcomes"]]
    bad = _bad(clusters, plan.order, stopped)
    if journal is not None and not stopped:
        bad = {**_forgotten(clusters, plan.order), **bad}
    counts = _counts(clusters, len(plan.order))
    verdict = ENDED_STOPPED if stopped else ENDED_FAILURES if bad else ENDED_DONE
    if journal is not None:
        journal.end(plan.number, verdict)
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    runtime.progress(f"rollout {verdict}: {told}" + (f"; {stopped}" if stopped else ""))
    return {
        "changed": False,
        "verdict": verdict,
        "reason": stopped,
        "counts": counts,
        "bad": bad,
        "clusters": [item.as_dict() for item in clusters],
    }


def _bad(clusters: Sequence[Cluster], order: Sequence[str], stopped: str) -> Dict[str, str]:
    """Return the clusters for which the play has failed, each with the reason.

    A rollout that stopped is a failure, also if it was stopped for those that were deferred, or by
    another slice before this one had begun.
    """
    bad = {item.name: _told(item, stopped) for item in clusters if item.state in _BAD}
    if stopped and not bad:
        bad = {item.name: _told(item, stopped) for item in clusters if item.state == DEFERRED}
    if stopped and not bad:
        text = f"it was not begun, since the rollout stopped: {stopped}"
        known = {item.name for item in clusters}
        bad = {name: text for name in order if name not in known}
    return bad


def _forgotten(clusters: Sequence[Cluster], order: Sequence[str]) -> Dict[str, str]:
    """Return the clusters that had no turn though nothing stopped the rollout, with why."""
    known = {item.name for item in clusters}
    text = "it was not begun, and nothing stopped the rollout: no play has reached its host"
    return {name: text for name in order if name not in known}


_BAD = (FAILED, STUCK, UNDONE, BEGUN)


def _told(cluster: Cluster, stopped: str) -> str:
    where = f" in phase {cluster.phase}" if cluster.phase else ""
    if cluster.state == DEFERRED:
        return f"deferred: {cluster.reason}; the rollout stopped: {stopped}"
    if cluster.state == BEGUN:
        return "the run ended before it came to a verdict"
    if cluster.state == UNDONE and not cluster.reason:
        return f"put back to what it served before, since the rollout stopped: {stopped}"
    text = f"failed{where}: {cluster.reason}"
    if cluster.state == UNDONE:
        return f"{text}; put back to what it served before"
    if cluster.state == STUCK:
        return f"{text}; it could not be put back, so look at it"
    return text


def _counts(clusters: Sequence[Cluster], fleet: int) -> Dict[str, int]:
    """Return the number of clusters by state; those that were never begun are C(pending)."""
    states: List[str] = [DONE, UNCHANGED, FAILED, UNDONE, STUCK, DEFERRED, BEGUN]
    counts = {state: sum(item.state == state for item in clusters) for state in states}
    counts["pending"] = fleet - len(clusters)
    return {state: count for state, count in counts.items() if count or state == DONE}
