# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.rollout_turns: goes through the turns of a batch in one task.

Each turn is what the tasks of the play would do: it begins, every step follows in their order, and
how it ended is written to the journal, before the next step of any kind. A step that fails ends the
turn of its cluster alone. A turn that cannot be gone through here is left to the tasks of the play,
untouched.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from os import getppid
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..entry import failure
from ..errors import EdgeError
from ..kube.kept import kept_open
from ..runtime import Params, Result, Runtime
from . import cluster
from .gate import handed
from .states import DONE, FAILED
from .turn import ARGUMENT_SPEC, Step, Turn, Turns, check_forks, nobody, told

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "run"]

SPEC_RULES: Dict[str, Any] = {}

# So many turns for each thread are known before they begin.
AHEAD = 3

STATE = ("cluster", "wave", "state", "phase", "reason")
"""What is told of the state of a cluster, as the module rollout_cluster tells it."""


class Ended(Exception):
    """The run has ended: somebody has stopped it, or the controller is gone."""


class Going:
    """Knows whether the run goes on.

    The task is a process of its own. If its controller is killed, nobody waits for it any more, and
    the next run may be at work; so it must not begin anything new.
    """

    def __init__(self) -> None:
        self._parent = getppid()
        self._ended = threading.Event()

    def end(self) -> None:
        """Begin no further step."""
        self._ended.set()

    def check(self) -> None:
        """Raise an error unless the run goes on.

        Raises:
            Ended: it does not.
        """
        if self._ended.is_set() or getppid() != self._parent:
            raise Ended


@dataclass
class Course:
    """What came of the turn of one cluster.

    Attributes:
        why: why it is left to the tasks of the play; empty if it has ended here.
        state: what C(rollout_cluster) has told of it last.
        results: by the variable that a play keeps them in, what the reports show of each step; of a
            step that failed all of it, by its module if no variable keeps it.
        steps: module, begin, duration and outcome of each step, in its order; times in seconds,
            those of the begin since that of the task.
        warnings: of the steps.
        changed: whether a step has changed something.
    """

    why: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    results: Dict[str, Result] = field(default_factory=dict)
    steps: List[Result] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)
    changed: bool = False

    def take(self, step: Step, result: Result, begun: float, seconds: float) -> None:
        """Keep what a step has told."""
        if step.register or result.get("failed"):
            self.results[step.register or step.action] = result
        self.steps.append(
            {
                "module": step.action,
                "register": step.register,
                "check": step.check_mode,
                "began": round(begun, 3),
                "seconds": round(seconds, 3),
                "failed": bool(result.get("failed")),
            }
        )

    @property
    def asked_again(self) -> bool:
        """Whether an earlier run of the rollout has finished it, so that it is only asked."""
        return self.state.get("turn") == cluster.VERIFY


def run(params: Params, runtime: Runtime, turns: Turns = nobody) -> Result:
    """Go through the turns of all clusters of a batch, several at a time.

    Raises:
        InputError: C(plan) is not what C(rollout_plan) returns, or a number is out of range.
    """
    check_forks(params, "forks")
    begun = time.monotonic()
    plan, names = handed(params["plan"]), list(dict.fromkeys(params["clusters"]))
    wave = plan.part_with(names).batch.wave
    if runtime.check_mode:
        courses = {name: Course("check mode is left to the tasks") for name in names}
    else:
        courses = _All(runtime, turns, begun).run(names, params["forks"])
    over = [name for name in names if not courses[name].why]
    for name in over:
        for warning in courses[name].warnings:
            runtime.warn(f"{name}: {warning}")
    runtime.progress(
        f"wave '{wave.name}': the turns of {len(over)} of {len(names)} clusters were in one task"
    )
    return {
        "changed": any(item.changed for item in courses.values()),
        "wave": wave.number,
        "over": over,
        # A play without a host asks no gate: one stays.
        "left_out": over if len(over) < len(names) else over[1:],
        "clusters": [{key: courses[name].state[key] for key in STATE} for name in over],
        "again": [name for name in over if courses[name].asked_again],
        "results": {name: courses[name].results for name in over},
        "steps": {name: courses[name].steps for name in over},
        "why": {name: courses[name].why for name in names if courses[name].why},
        "seconds": round(time.monotonic() - begun, 3),
    }


class _All:
    """Goes through many turns in threads.

    Args:
        runtime: of the task.
        turns: tells the turn of a cluster.
        begun: when the task began, on the steady clock.
    """

    def __init__(self, runtime: Runtime, turns: Turns, begun: float) -> None:
        self._runtime, self._turns, self._begun = runtime, turns, begun
        self._going = Going()
        self._limits: Dict[Tuple[str, int], threading.BoundedSemaphore] = {}

    def run(self, names: Sequence[str], forks: int) -> Dict[str, Course]:
        """Return the course of each cluster."""
        courses: Dict[str, Course] = {}
        pool = ThreadPoolExecutor(forks, thread_name_prefix="turn")
        room = threading.Semaphore(AHEAD * forks)
        try:
            asked: Dict[Future[Course], str] = {}
            for name in names:
                # One after the other, since templates are not made for threads; work begins at
                # once, and what waits for a thread is in memory.
                room.acquire()
                try:
                    turn = self._resolved(name)
                except Exception as error:
                    # Its tasks will tell more about what is odd here.
                    courses[name] = Course(told(error))
                    room.release()
                else:
                    future = pool.submit(self._turn, name, turn)
                    future.add_done_callback(lambda done: room.release())
                    asked[future] = name
            for future in as_completed(asked):
                courses[asked.pop(future)] = future.result()
        except BaseException:
            self._going.end()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        return courses

    def _resolved(self, name: str) -> Turn:
        turn = self._turns(name)
        for step in turn.steps:
            if step.throttle:
                limit = (step.action, step.throttle)
                self._limits.setdefault(limit, threading.BoundedSemaphore(step.throttle))
        return turn

    def _turn(self, name: str, turn: Turn) -> Course:
        runtime = Runtime(
            progress=lambda line: self._runtime.progress(f"{name}: {line}"),
            folder=self._runtime.folder,
        )
        course = Course()
        try:
            # The time of a thread cannot be limited, that of a task can.
            if cluster.deadline_of(turn.begin["deadline"]):
                return Course("it has a deadline")
            with kept_open():
                self._going.check()
                course.state = cluster.run(turn.begin, runtime)
                if course.state["turn"] == cluster.GO:
                    ended = self._steps(turn, course, runtime)
                    # The next run may have come further than this step, whose end nobody waits for.
                    self._going.check()
                    course.state = cluster.run({**turn.begin, **ended}, runtime)
                    _tell(course, runtime)
        except Exception as error:
            # Nothing tells how it ended, so its tasks take it up where it was left.
            return Course(str(turn.clean({"why": told(error)})["why"]))
        course.warnings = turn.clean({"warnings": runtime.warnings})["warnings"]
        return course

    def _steps(self, turn: Turn, course: Course, runtime: Runtime) -> Params:
        """Go through the steps, and return what rollout_cluster writes of their end."""
        for step in turn.steps:
            self._going.check()
            begun = time.monotonic()
            try:
                result = self._step(step, runtime)
                shown = step.shown(result)
            except Exception as error:
                result = shown = _failed(error)
            shown = turn.clean(shown)
            course.take(step, shown, begun - self._begun, time.monotonic() - begun)
            # In check mode the result says what would be changed.
            course.changed |= bool(result["changed"]) and not step.check_mode
            if shown.get("failed"):
                return {
                    "state": FAILED,
                    "failed_module": step.action,
                    "failed_check": step.check_mode,
                    "reason": shown["msg"],
                }
        return {"state": DONE}

    def _step(self, step: Step, runtime: Runtime) -> Result:
        own = Runtime(
            check_mode=step.check_mode,
            progress=runtime.progress,
            warnings=runtime.warnings,
            folder=runtime.folder,
        )
        limit = self._limits.get((step.action, step.throttle))
        if limit is None:
            return step.run(step.params, own)
        with limit:
            return step.run(step.params, own)


def _failed(error: Exception) -> Result:
    """Return the result that the task of a failed step would have."""
    if isinstance(error, EdgeError):
        return {"failed": True, **failure(error)}
    return {"failed": True, "changed": False, "msg": told(error)}


def _tell(course: Course, runtime: Runtime) -> None:
    """Show how a turn has ended."""
    state = course.state
    where = f" in phase {state['phase']}: {state['reason']}" if state["state"] == FAILED else ""
    runtime.progress(f"{state['state']}{where}")
