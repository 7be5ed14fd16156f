# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.rollout_plan: the waves of a run, and its place in the journal.

It runs once, before anything is asked of a cluster. A rollout of the same fleet that has not ended
is gone on with, so a killed run costs nothing but time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import InputError
from ..runtime import Params, Result, Runtime
from .budget import Limits, limits_of
from .journal.base import Journal, Others, Rollout
from .journal.select import open_journal
from .passing import passed
from .sites import Sites, sites_of
from .slices import Part, Share, Slice, parts_of, slice_of, whole
from .undo import CHOICES, WAVE, undo_of
from .waves import Wave, refuse_patterns, waves_of

ARGUMENT_SPEC: Dict[str, Any] = {
    "fleet": {"type": "str", "required": True},
    "journal": {"type": "raw", "required": True},
    "clusters": {"type": "list", "elements": "str", "required": True},
    "groups": {"type": "dict", "default": {}},
    "limited": {"type": "bool", "default": False},
    "waves": {"type": "list", "elements": "raw", "default": []},
    "max_failures": {"type": "raw"},
    "max_fail_percentage": {"type": "raw"},
    "max_deferred": {"type": "raw"},
    "sites": {"type": "list", "elements": "str", "default": []},
    "max_per_site": {"type": "int", "default": 0},
    "undo": {"type": "str", "choices": list(CHOICES), "default": WAVE},
    "resume": {"type": "bool", "default": True},
    "slices": {"type": "int", "default": 1},
    "rollout_id": {"type": "str", "default": ""},
    "slice_timeout": {"type": "int", "default": 600},
}
SPEC_RULES: Dict[str, Any] = {}


def run(params: Params, runtime: Runtime) -> Result:
    """Return the plan of a run.

    Without waves it is one wave without limits, and nothing is written: each cluster is for itself.

    Raises:
        InputError: the waves do not fit the clusters, a play could not name one of them, or an
            unfinished rollout has another plan.
        ConflictError: another process works on this fleet.
    """
    refuse_patterns(params["clusters"], params["groups"])
    part = slice_of(params)
    journal = open_journal(params["journal"], runtime.progress, params["fleet"], part)
    own: Sequence[str] = params["clusters"]
    fleet, rollout, resumed = _begun(params, journal, part, runtime)
    waves, limits = fleet.waves, fleet.limits
    batches = [batch for wave in waves for batch in wave.batches(fleet.sites)]
    first, parts = parts_of(batches, own)
    order = [name for item in parts for name in item.batch.clusters]
    stopped = rollout.stopped if rollout else ""
    for line in _lines(waves, limits, rollout, resumed):
        runtime.progress(line)
    if rollout is not None and first.until and not stopped:
        # Batches in which only other slices have clusters come first.
        numbered = {wave.number: wave for wave in waves}
        stopped = passed(journal, rollout.number, first, numbered, limits)[0].reason
    told = [_wave(wave, order) for wave in waves]
    owed = journal.clusters(rollout.number) if rollout is not None and stopped else []
    return {
        "changed": False,
        "rollout": {
            "name": params["fleet"],
            "run": rollout.number if rollout else 0,
            "resumed": resumed,
            "journal": journal.address(),
        },
        "max_failures": limits.max_failures,
        "max_deferred": limits.max_deferred,
        "undo_mode": params["undo"],
        "waves": [item for item in told if item["clusters"]],
        "other_waves": [item for item in told if not item["clusters"]],
        "batches": [_batch(number, item) for number, item in enumerate(parts, 1)],
        "hosts": order,
        # One that was stopped only has to be put back.
        "to_do": [] if stopped else order,
        "serial": [len(item.batch.clusters) for item in parts],
        "stopped": stopped,
        "undo": undo_of(owed, order, params["undo"], stopped=bool(stopped)).as_dict(),
    }


# What all slices of a rollout have to say alike.
_COMMON = (
    "waves",
    "max_failures",
    "max_fail_percentage",
    "max_deferred",
    "sites",
    "max_per_site",
    "undo",
)


@dataclass(frozen=True)
class _Fleet:
    """All clusters of a rollout, also those of other slices."""

    waves: Sequence[Wave]
    limits: Limits
    sites: Sites


def _begun(
    params: Params, journal: Journal, part: Optional[Slice], runtime: Runtime
) -> Tuple[_Fleet, Optional[Rollout], bool]:
    """Return the fleet, its rollout and whether an earlier run has begun that.

    Slices agree on a rollout first, and learn in it which clusters the others have. In check mode
    each is for itself.
    """
    others = journal.sharing
    if part is None or others is None or runtime.check_mode:
        fleet = _divided(params, params["clusters"], params["groups"])
        if not params["waves"] or part is not None:
            return fleet, None, False
        names = json.dumps([[wave.name, *wave.clusters] for wave in fleet.waves])
        plan = hashlib.sha256(names.encode("utf-8")).hexdigest()
        return (fleet, *_rollout(params, journal, plan, runtime))
    plan = part.plan([params[name] for name in _COMMON])
    rollout, resumed = _rollout(params, journal, plan, runtime)
    number = rollout.number if rollout else 0
    try:
        return _met(params, others, number, part), rollout, resumed
    except InputError:
        # All slices are told the same, and the rollout has ended before it has begun.
        journal.end(number, "refused")
        raise


def _divided(
    params: Params, clusters: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> _Fleet:
    """Return the waves of clusters, and what the rollout may lose of them."""
    limits = limits_of(params, len(clusters))
    sites = sites_of(params["sites"], params["max_per_site"], clusters, groups)
    if params["waves"]:
        limited = params["limited"]
        return _Fleet(waves_of(params["waves"], clusters, groups, limited=limited), limits, sites)
    if limits != Limits():
        raise InputError(
            "a limit needs waves: without them all clusters are worked on at once",
            option="max_failures",
            hint="Give waves, such as [1, '10%', {name: rest, rest: true}]",
        )
    return _Fleet([Wave(1, "all", tuple(clusters))], limits, sites)


def _met(params: Params, others: Others, number: int, part: Slice) -> _Fleet:
    """Return the fleet that the slices have together; wait until all of them have come.

    Raises:
        InputError: the waves do not fit all clusters together, or one is in two slices.
        WaitError: a slice has not come.
    """
    own = params["clusters"]
    mine = set(own)
    groups = {
        group: [name for name in names if name in mine] for group, names in params["groups"].items()
    }
    others.join(number, Share(part.key, tuple(own), groups))
    return _divided(params, *whole(others.meet(number), part.count))


def _rollout(
    params: Params, journal: Journal, plan: str, runtime: Runtime
) -> Tuple[Optional[Rollout], bool]:
    """Return the rollout that this run works on, and whether an earlier run has begun it.

    Check mode tells what a run would be told, and writes nothing.

    Args:
        params: options of the task.
        journal: where it is written.
        plan: what it has in common with the run that goes on with it; what may differ is after a
            blank.
        runtime: of the task.
    """
    fleet = params["fleet"]
    last = journal.last(fleet)
    if last is not None:
        journal.refuse_held(last)
    shared = journal.sharing is not None and last is not None and last.plan == plan
    if last is not None and not last.ended and (params["resume"] or shared):
        if last.plan.partition(" ")[0] != plan.partition(" ")[0]:
            raise InputError(
                f"rollout {last.number} of {last.began} has not ended, and had other waves or"
                " clusters",
                option="resume",
                subject=f"fleet {fleet}",
                hint="Run it again as it was, so that it ends; or give up what is left of it with"
                " resume: false (edge_resume=false)",
            )
        if not runtime.check_mode:
            journal.take(replace(last, plan=plan))
        return last, True
    if runtime.check_mode:
        return None, False
    if last is not None and not last.ended:
        journal.give_up(last)
    return journal.begin(fleet, plan), False


def _lines(
    waves: Sequence[Wave], limits: Limits, rollout: Optional[Rollout], resumed: bool
) -> List[str]:
    """Return the plan for people; nothing for the plain run without waves."""
    if rollout is None and len(waves) == 1:
        return []
    lines = []
    for wave in waves:
        tolerance = "" if wave.max_failures is None else f", {wave.max_failures} may fail"
        batch = f", {wave.batch} at a time" if wave.batch else ""
        soak = f", soak {wave.soak} s" if wave.soak else ""
        count = len(wave.clusters)
        noun = "cluster" if count == 1 else "clusters"
        lines.append(f"wave {wave.number} '{wave.name}': {count} {noun}{batch}{soak}{tolerance}")
    if limits.max_failures is not None:
        lines.append(f"of the fleet {limits.max_failures} may fail")
    if resumed and rollout is not None:
        lines.append(
            f"going on with rollout {rollout.number} of {rollout.began}"
            + (f", which was stopped: {rollout.stopped}" if rollout.stopped else "")
        )
    return lines


def _wave(wave: Wave, own: Sequence[str]) -> Dict[str, Any]:
    mine = set(own)
    return {
        "number": wave.number,
        "name": wave.name,
        "clusters": [name for name in wave.clusters if name in mine],
        "max_failures": wave.max_failures,
        "soak": wave.soak,
    }


def _batch(number: int, part: Part) -> Dict[str, Any]:
    return {
        "number": number,
        "wave": part.batch.wave.number,
        "clusters": list(part.batch.clusters),
        "until": part.until,
        "judged": part.judged,
    }
