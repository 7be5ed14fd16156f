# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop around the gate, on a clock that only moves when someone sleeps."""

from __future__ import annotations

from typing import Any, Callable, Container, Dict, List

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import UnreachableError
from ansible_collections.openvino.edge.plugins.module_utils.verify.gate import (
    FAILED,
    PASSED,
    PENDING,
    Limits,
    Observation,
    Wanted,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import (
    Fleet,
    Replica,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.status import (
    ConfigStatus,
    ModelVersionStatus,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.watcher import Watcher

WANTED = Wanted({"ocr": frozenset({1})})


class World:
    """Time, a list of replicas and what each reports at a time."""

    def __init__(self, fleet: Fleet, report: Callable[[str, float], str]) -> None:
        self.now = 100.0
        self.fleet = fleet
        self.report = report
        self.lists = 0
        self.dark: Container[float] = ()
        self.asks: List[float] = []
        self.lines: List[str] = []

    def find(self) -> Fleet:
        self.lists += 1
        if self.now - 100 in self.dark:
            raise UnreachableError("no answer")
        return self.fleet

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def ask_all(self, replicas: List[Replica]) -> List[Observation]:
        self.asks.append(self.now - 100)
        return [self._ask(replica.name) for replica in replicas]

    def _ask(self, name: str) -> Observation:
        state = self.report(name, self.now - 100)
        if state == "down":
            return Observation(name, self.now, None, "connection refused")
        state, _, code = state.partition("/")
        item = ModelVersionStatus("ocr", 1, state, code or "OK")
        return Observation(name, self.now, ConfigStatus(("ocr",), (item,)))

    def log_reason(self, replica: Replica, model: str, version: int | None = None) -> str:
        return f"log of {replica.name} about {model} {version}"

    def watcher(self, **limits: Any) -> Watcher:
        prober: Any = self
        return Watcher(
            self.find,
            prober,
            WANTED,
            Limits(**limits),
            self.lines.append,
            clock=lambda: self.now,
            sleep=self.sleep,
        )


def two() -> Fleet:
    return Fleet(2, (Replica("a", "n1"), Replica("b", "n2")))


def loads_at(times: Dict[str, float]) -> Callable[[str, float], str]:
    return lambda name, at: "AVAILABLE" if at >= times[name] else "LOADING"


def test_passes_at_once_with_one_list_and_one_question() -> None:
    world = World(two(), loads_at({"a": 0, "b": 0}))
    assert world.watcher().wait(10).outcome == PASSED
    assert (world.lists, world.asks) == (1, [0])


def test_late_by_a_fraction_of_the_load_time() -> None:
    lateness = []
    for tenth in range(5, 120, 7):
        world = World(two(), loads_at({"a": 0, "b": tenth / 10}))
        assert world.watcher().wait(60).outcome == PASSED
        lateness.append(world.asks[-1] - tenth / 10)
    assert sorted(lateness)[len(lateness) // 2] < 0.15
    assert max(lateness) <= 0.3


def test_a_pass_on_an_old_list_is_checked_again() -> None:
    world = World(two(), loads_at({"a": 1, "b": 1}))
    watcher = world.watcher()
    watcher.look()
    world.now += 1
    world.fleet = Fleet(2, (Replica("a", "n1"), Replica("c", "n2")))
    world.report = lambda name, at: "LOADING" if name == "c" else "AVAILABLE"
    assert watcher.look().outcome == PENDING
    assert sorted(watcher.tracks) == ["a", "c"]


def test_fails_long_before_the_time_is_over() -> None:
    world = World(two(), lambda name, at: "LOADING/UNKNOWN" if name == "b" else "AVAILABLE")
    verdict = world.watcher().wait(300)
    assert verdict.outcome == FAILED
    assert world.now - 100 < 2


def test_time_is_kept_to() -> None:
    world = World(two(), lambda name, at: "LOADING")
    verdict = world.watcher(stuck_after=600).wait(5)
    assert (verdict.outcome, round(world.now - 100, 3)) == (PENDING, 5)


def test_silent_replicas_are_listed_again() -> None:
    world = World(two(), lambda name, at: "down" if at < 0.4 else "AVAILABLE")
    assert world.watcher().wait(10).outcome == PASSED
    assert world.lists >= 5


class Between:
    """Times from ``start`` up to ``end``."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def __contains__(self, at: object) -> bool:
        return isinstance(at, float) and self.start <= at < self.end


def test_an_api_server_that_restarts_is_waited_for() -> None:
    world = World(
        two(), lambda name, at: "down" if 1 <= at < 4 else loads_at({"a": 5, "b": 5})(name, at)
    )
    world.dark = Between(1, 4)
    assert world.watcher().wait(30).outcome == PASSED


def test_no_pass_on_a_list_that_cannot_be_renewed() -> None:
    world = World(two(), loads_at({"a": 1, "b": 1}))
    world.dark = Between(0.5, 99)
    verdict = world.watcher().wait(1.8)
    assert (verdict.outcome, verdict.findings[0].code) == (PENDING, "api_silent")


def test_an_api_server_that_never_answered_ends_it() -> None:
    world = World(two(), loads_at({"a": 1, "b": 1}))
    world.dark = Between(0, 99)
    with pytest.raises(UnreachableError):
        world.watcher().wait(30)


def test_one_line_per_change() -> None:
    world = World(two(), loads_at({"a": 0, "b": 3}))
    world.watcher().wait(10)
    assert world.lines == ["a: ocr 1 AVAILABLE", "b: ocr 1 LOADING", "b: ocr 1 AVAILABLE"]


def test_logs_once_per_replica_and_version() -> None:
    world = World(two(), lambda name, at: "LOADING/UNKNOWN")
    watcher = world.watcher()
    findings = watcher.with_logs(watcher.wait(10).findings)
    assert [finding.log for finding in findings] == [
        "log of a about ocr 1",
        "log of b about ocr 1",
    ]


def test_missing_replicas_carry_the_reason_of_the_deployment() -> None:
    fleet = Fleet(2, (Replica("a", "n1"),), "exceeded quota")
    verdict = World(fleet, lambda name, at: "AVAILABLE").watcher().look()
    assert [finding.message for finding in verdict.findings] == [
        "1 of 2 replicas are there: exceeded quota"
    ]


def test_the_poll_is_that_of_the_replica() -> None:
    fleet = Fleet(1, (Replica("a", "n1", poll=20.0),))
    world = World(fleet, lambda name, at: "LOADING/UNKNOWN" if at < 16.7 else "AVAILABLE")
    assert world.watcher().wait(60).outcome == PASSED
    assert world.now - 100 > 16.7
