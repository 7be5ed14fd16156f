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
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..errors import InputError
from ..runtime import Params, Result, Runtime
from .budget import Limits, limits_of
from .journal.base import Journal, Rollout
from .journal.select import open_journal
from .undo import CHOICES, WAVE, undo_of
from .waves import Batch, Wave, waves_of

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
    "undo": {"type": "str", "choices": list(CHOICES), "default": WAVE},
    "resume": {"type": "bool", "default": True},
}
SPEC_RULES: Dict[str, Any] = {}


def run(params: Params, runtime: Runtime) -> Result:
    """Return the plan of a run.

    Without waves it is one wave without limits, and nothing is written: each cluster is for itself.

    Raises:
        InputError: the waves do not fit the clusters, or an unfinished rollout has another plan.
        ConflictError: another process works on this fleet.
    """
    clusters: Sequence[str] = params["clusters"]
    if params["waves"]:
        limited = params["limited"]
        waves = waves_of(params["waves"], clusters, params["groups"], limited=limited)
    else:
        waves = [Wave(1, "all", tuple(clusters))]
    limits = limits_of(params, len(clusters))
    batches = [batch for wave in waves for batch in wave.batches()]
    order = [name for batch in batches for name in batch.clusters]
    if not params["waves"] and limits != Limits():
        raise InputError(
            "a limit needs waves: without them all clusters are worked on at once",
            option="max_failures",
            hint="Give waves, such as [1, '10%', {name: rest, rest: true}]",
        )
    journal = open_journal(params["journal"], runtime.progress)
    rollout, resumed = None, False
    if params["waves"]:
        rollout, resumed = _rollout(params, journal, waves, runtime)
    for line in _lines(waves, limits, rollout, resumed):
        runtime.progress(line)
    return {
        "changed": False,
        "rollout": {
            "name": params["fleet"],
            "run": rollout.number if rollout else 0,
            "resumed": resumed,
            "journal": journal.address(params["fleet"]),
        },
        "max_failures": limits.max_failures,
        "max_deferred": limits.max_deferred,
        "undo_mode": params["undo"],
        "waves": [_wave(wave) for wave in waves],
        "batches": [_batch(batch) for batch in batches],
        "hosts": order,
        # One that an earlier run has stopped only has to be put back.
        "to_do": [] if rollout and rollout.stopped else order,
        "serial": [len(batch.clusters) for batch in batches],
        "stopped": rollout.stopped if rollout else "",
        "undo": _owed(params["undo"], journal, rollout, order),
    }


def _rollout(
    params: Params, journal: Journal, waves: Sequence[Wave], runtime: Runtime
) -> Tuple[Optional[Rollout], bool]:
    """Return the rollout that this run works on, and whether an earlier run has begun it.

    Check mode tells what a run would be told, and writes nothing.
    """
    fleet = params["fleet"]
    names = json.dumps([[wave.name, *wave.clusters] for wave in waves])
    plan = hashlib.sha256(names.encode("utf-8")).hexdigest()
    last = journal.last(fleet)
    if last is not None:
        journal.refuse_held(last)
    if last is not None and not last.ended and params["resume"]:
        if last.plan != plan:
            raise InputError(
                f"rollout {last.number} of {last.began} has not ended, and had other waves or"
                " clusters",
                option="resume",
                subject=f"fleet {fleet}",
                hint="Run it again as it was, so that it ends; or give up what is left of it with"
                " resume: false (edge_resume=false)",
            )
        if not runtime.check_mode:
            journal.take(last)
        return last, True
    if runtime.check_mode:
        return None, False
    if last is not None and not last.ended:
        journal.end(last.number, "given up")
    return journal.begin(fleet, plan), False


def _owed(
    mode: str, journal: Journal, rollout: Optional[Rollout], order: Sequence[str]
) -> Dict[str, Any]:
    """Return what a rollout that was stopped in an earlier run has still to put back."""
    if rollout is None or not rollout.stopped:
        return undo_of([], order, mode, stopped=False).as_dict()
    clusters = journal.clusters(rollout.number)
    return undo_of(clusters, order, mode, stopped=True).as_dict()


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


def _wave(wave: Wave) -> Dict[str, Any]:
    return {
        "number": wave.number,
        "name": wave.name,
        "clusters": list(wave.clusters),
        "max_failures": wave.max_failures,
        "soak": wave.soak,
    }


def _batch(batch: Batch) -> Dict[str, Any]:
    return {"wave": batch.wave.number, "clusters": list(batch.clusters)}
