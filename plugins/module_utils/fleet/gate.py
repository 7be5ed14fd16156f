# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.rollout_gate: after each batch, does the rollout go on?

It runs once for a batch and never fails because of what it finds: its verdict is data on which the
play acts. A task that fails for one host in place of all of a batch would be taken for the failure
of that host alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional, Sequence

from ..errors import InputError, one_line
from ..runtime import Params, Result, Runtime
from .budget import Limits, Verdict, judge
from .journal.base import Journal
from .journal.select import open_journal
from .passing import passed
from .slices import Part
from .states import BEGUN, DONE, FAILED, SOAK, Cluster
from .undo import undo_of
from .waves import Batch, Wave

ARGUMENT_SPEC: Dict[str, Any] = {
    "plan": {"type": "dict", "required": True},
    "present": {"type": "list", "elements": "str", "required": True},
    "not_well": {"type": "dict", "default": {}},
    "outcomes": {"type": "list", "elements": "dict", "default": []},
}
SPEC_RULES: Dict[str, Any] = {}

GO_ON = "go_on"
STOP = "stop"
LEFT = "it left the play: its connection was lost, or a task outside of the rollout failed"


@dataclass(frozen=True)
class Handed:
    """What C(rollout_plan) has returned, as far as later tasks need it.

    Attributes:
        number: of the rollout in the journal; 0 if nothing is written.
        journal: what it is opened with.
        order: all clusters of this run.
        mode: what is undone when the rollout stops.
        limits: of the fleet.
        waves: of the fleet, by number.
        parts: what this run does of each batch.
    """

    number: int
    journal: Any
    order: Sequence[str]
    mode: str
    limits: Limits
    waves: Mapping[int, Wave]
    parts: Sequence[Part]

    def part_with(self, present: Sequence[str]) -> Part:
        """Return the part of a batch that these hosts are of.

        Raises:
            InputError: they are of none.
        """
        for part in self.parts:
            if present and present[0] in part.batch.clusters:
                return part
        raise InputError(
            "no batch of the plan has these hosts",
            option="present",
            hint="Give ansible_play_batch of the play whose serial comes from the plan",
        )

    def open_journal(self, runtime: Runtime) -> Optional[Journal]:
        """Return the journal; None if nothing is written."""
        if not self.number or runtime.check_mode:
            return None
        return open_journal(self.journal, runtime.progress)


def handed(plan: Mapping[str, Any]) -> Handed:
    """Return what a plan says.

    Raises:
        InputError: it is not what C(rollout_plan) returns.
    """
    try:
        waves = {
            int(item["number"]): _wave(item) for item in [*plan["waves"], *plan["other_waves"]]
        }
        return Handed(
            int(plan["rollout"]["run"]),
            plan["rollout"]["journal"],
            plan["hosts"],
            plan["undo_mode"],
            Limits(plan["max_failures"], plan["max_deferred"]),
            waves,
            [_part(waves, item) for item in plan["batches"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"this is not what rollout_plan returns: {error}",
            option="plan",
            hint="Give the registered result of openvino.edge.rollout_plan",
        ) from error


def _wave(item: Mapping[str, Any]) -> Wave:
    return Wave(
        int(item["number"]),
        str(item["name"]),
        tuple(item["clusters"]),
        soak=int(item["soak"]),
        max_failures=item["max_failures"],
    )


def _part(waves: Mapping[int, Wave], item: Mapping[str, Any]) -> Part:
    batch = Batch(waves[int(item["wave"])], tuple(item["clusters"]))
    return Part(batch, int(item["until"]), int(item["judged"]))


def run(params: Params, runtime: Runtime) -> Result:
    """Judge a batch.

    Raises:
        InputError: C(plan) is not what C(rollout_plan) returns.
    """
    plan, present = handed(params["plan"]), params["present"]
    part = plan.part_with(present)
    wave = part.batch.wave
    journal = plan.open_journal(runtime)
    if journal is not None:
        left = [name for name in part.batch.clusters if name not in present]
        _write_left(journal, plan.number, wave.number, left)
        _write_not_well(journal, plan.number, wave.number, params["not_well"])
        verdict, clusters = passed(journal, plan.number, part, plan.waves, plan.limits)
    else:
        clusters = [outcome_of(item) for item in params["outcomes"]]
        # Without waves, and in check mode, all clusters are gone over: nothing counts over batches.
        verdict = replace(judge(clusters, wave, plan.limits), goes_on=True, reason="")
    _tell(verdict, wave, runtime)
    touched = clusters if journal else []
    undo = undo_of(touched, plan.order, plan.mode, stopped=not verdict.goes_on)
    return {
        "changed": False,
        "wave": wave.number,
        # The next batch begins only if it finds that this one was judged.
        "batch": plan.parts.index(part) + 1,
        "verdict": GO_ON if verdict.goes_on else STOP,
        "reason": verdict.reason,
        "spent": verdict.spent,
        "allowed": verdict.allowed,
        # Ansible takes a key "failed" for the verdict on the task.
        "failures": [item.as_dict() for item in verdict.failed],
        "deferred": [item.as_dict() for item in verdict.deferred],
        "undo": undo.as_dict(),
    }


def _tell(verdict: Verdict, wave: Wave, runtime: Runtime) -> None:
    if verdict.reason:
        runtime.progress(f"the rollout stops in wave '{wave.name}': {verdict.reason}")
    elif verdict.allowed is not None:
        runtime.progress(
            f"wave '{wave.name}': {verdict.spent} failed of at most {verdict.allowed} in the fleet"
        )


def _write_left(journal: Journal, number: int, wave: int, left: Sequence[str]) -> None:
    """Write those of a batch that no task reaches any more as failed, unless they have told why."""
    for name in left:
        known = journal.cluster(number, name) or Cluster(name, wave)
        if known.state == BEGUN:
            journal.write(
                number,
                Cluster(name, wave, FAILED, "", LEFT, known.before, known.wanted),
            )


def _write_not_well(journal: Journal, number: int, wave: int, reasons: Mapping[str, Any]) -> None:
    """Write those as failed that no longer served when they were asked again."""
    for name, reason in reasons.items():
        known = journal.cluster(number, name) or Cluster(name, wave)
        if known.state == DONE:
            journal.write(
                number, replace(known, state=FAILED, phase=SOAK, reason=one_line(str(reason)))
            )


def outcome_of(item: Mapping[str, Any]) -> Cluster:
    """Return the cluster that a result of C(rollout_cluster) tells of."""
    return Cluster(
        str(item["cluster"]),
        int(item["wave"]),
        str(item["state"]),
        str(item.get("phase") or ""),
        str(item.get("reason") or ""),
    )
