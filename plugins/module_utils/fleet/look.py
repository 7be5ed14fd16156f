# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.rollout_look: which clusters of a batch have what is wanted already.

Each step of a cluster's turn is run in check mode, and each replica is asked, for many clusters at
a time in one task. A cluster is unchanged only if no step would change anything and all that is
wanted is served; in any doubt its turn comes as ever. Nothing is changed here.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..errors import EdgeError, one_line
from ..kube.kept import kept_open
from ..runtime import Params, Result, Runtime
from .cluster import Answer, looked
from .gate import Handed, handed
from .journal.base import Journal
from .states import DEFERRED, DONE, UNCHANGED, Cluster
from .turn import ARGUMENT_SPEC, Turn, Turns, check_forks, nobody, told

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "run"]

SPEC_RULES: Dict[str, Any] = {}

# So many clusters are told of that have their turn.
SHOWN = 3


@dataclass(frozen=True)
class Found:
    """What a look has found.

    Attributes:
        why: why the turn of the cluster has to come; empty if it has what is wanted.
        before: number of the release that it serves.
        wanted: digest of what is wanted.
        results: by the variable that a play keeps them in, what the report shows of each step.
        warnings: of the steps.
    """

    why: str = ""
    before: Optional[int] = None
    wanted: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def run(params: Params, runtime: Runtime, turns: Turns = nobody) -> Result:
    """Look at all clusters of a batch, several at a time, and write which ones are unchanged.

    Raises:
        InputError: C(plan) is not what C(rollout_plan) returns, or a number is out of range.
    """
    check_forks(params, "edge_verify_forks")
    begun = time.monotonic()
    plan, names = handed(params["plan"]), list(dict.fromkeys(params["clusters"]))
    wave = plan.part_with(names).batch.wave
    journal = plan.open_journal(runtime)
    known = _known(journal, plan)
    found = _all(names, params["forks"], turns, known)
    same = [name for name in names if not found[name].why]
    # A play without a host asks no gate: one cluster has its turn in any case.
    left_out = same if len(same) < len(names) else same[1:]
    clusters = [_unchanged(name, wave.number, found[name], known.get(name)) for name in left_out]
    left_out = _written(journal, plan.number, clusters, known, runtime)
    for name in left_out:
        for warning in found[name].warnings:
            runtime.warn(f"{name}: {warning}")
    _tell(runtime, wave.name, names, found)
    written = set(left_out)
    return {
        "changed": False,
        "wave": wave.number,
        "left_out": left_out,
        "clusters": [item.as_dict() for item in clusters if item.name in written],
        "results": {name: dict(found[name].results) for name in left_out},
        "why": {name: found[name].why for name in names if found[name].why},
        "all_same": len(same) == len(names),
        "seconds": round(time.monotonic() - begun, 3),
    }


def _tell(runtime: Runtime, wave: str, names: Sequence[str], found: Mapping[str, Found]) -> None:
    """Show how many have a turn, and of some of them why; the result says it of all."""
    why = [f"{name}: {found[name].why}" for name in names if found[name].why]
    same = len(names) - len(why)
    runtime.progress(f"wave '{wave}': {same} of {len(names)} clusters have what is wanted already")
    for line in why[:SHOWN]:
        runtime.progress(line)
    if len(why) > SHOWN:
        runtime.progress(f"so have {len(why) - SHOWN} others their turn")


def _known(journal: Optional[Journal], plan: Handed) -> Dict[str, Cluster]:
    """Return what earlier runs of the rollout have written, by cluster."""
    if journal is None:
        return {}
    return {item.name: item for item in journal.clusters(plan.number)}


def _all(
    names: Sequence[str], forks: int, turns: Turns, known: Mapping[str, Cluster]
) -> Dict[str, Found]:
    found: Dict[str, Found] = {}
    with ThreadPoolExecutor(forks, thread_name_prefix="look") as pool:
        asked = {}
        for name in names:
            # One after the other, since templates are not made for threads; asking begins at once.
            try:
                turn = turns(name)
            except Exception as error:
                # Its own turn will tell more about what is odd here.
                found[name] = Found(told(error))
                continue
            why = _half_done(known.get(name), turn.begin["wanted"])
            if why:
                found[name] = Found(why)
            else:
                asked[pool.submit(_looked_at, turn)] = name
        for future in as_completed(asked):
            found[asked.pop(future)] = future.result()
    return found


def _half_done(known: Optional[Cluster], wanted: str) -> str:
    """Return why an earlier run of the rollout has something left to do on a cluster."""
    if known is None or (known.state in (UNCHANGED, DEFERRED) and not known.earlier):
        return ""
    if known.state == DONE and known.wanted == wanted:
        return ""
    return f"an earlier run of this rollout has left it as {known.state}"


def _looked_at(turn: Turn) -> Found:
    runtime = Runtime(check_mode=True)
    try:
        with kept_open():
            found = _steps(turn, runtime)
    except Exception as error:
        found = Found(told(error))
    clean = turn.clean({"why": found.why, "results": found.results, "warnings": runtime.warnings})
    return Found(clean["why"], found.before, found.wanted, clean["results"], clean["warnings"])


def _steps(turn: Turn, runtime: Runtime) -> Found:
    answer = looked(turn.begin)
    why = _not_same(answer)
    if why:
        return Found(why)
    results: Dict[str, Result] = {}
    for step in turn.steps:
        result = step.run(step.params, runtime)
        why = step.difference(result)
        if why:
            return Found(f"{step.action.rpartition('.')[2]}: {why}")
        if step.register:
            results[step.register] = step.shown(result)
    return Found("", answer.before, str(turn.begin["wanted"]), results)


def _not_same(answer: Answer) -> str:
    """Return why what a cluster says before its turn leaves a doubt."""
    if answer.hold or answer.offline:
        return answer.hold or f"offline: {answer.offline}"
    return "" if answer.before else "no release of it is recorded as good"


def _unchanged(name: str, wave: int, found: Found, known: Optional[Cluster]) -> Cluster:
    """Return the state of a cluster; one that an earlier run has changed stays done."""
    if known is not None and known.state == DONE:
        return known
    return Cluster(name, wave, UNCHANGED, before=found.before, wanted=found.wanted)


def _written(
    journal: Optional[Journal],
    number: int,
    clusters: Sequence[Cluster],
    known: Mapping[str, Cluster],
    runtime: Runtime,
) -> List[str]:
    """Write the states, and return the names of those that need no turn.

    When the journal cannot be written the turns come as ever, and each tells what is wrong.
    """
    done: List[str] = []
    for cluster in clusters:
        if journal is not None and known.get(cluster.name) != cluster:
            try:
                journal.write(number, cluster)
            except EdgeError as error:
                runtime.warn(f"the journal could not be written: {one_line(str(error))}")
                break
        done.append(cluster.name)
    return done
