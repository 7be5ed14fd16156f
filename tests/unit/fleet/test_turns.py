# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task goes through the turns of a batch: each is written as its own tasks would write it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    InputError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet import cluster, turns
from ansible_collections.openvino.edge.plugins.module_utils.fleet import plan as planning
from ansible_collections.openvino.edge.plugins.module_utils.fleet.cluster import Answer
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.select import (
    open_journal,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.states import (
    BEGUN,
    DEFERRED,
    DONE,
    FAILED,
    Cluster,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.turn import Step, Turn
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

NAMES = ["a", "b", "c"]
STEPS = ("model_server", "model_repository", "model_server", "model_status")


class Bench:
    """A batch of three clusters, and what the steps of each do."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, waves: Any = (3,)) -> None:
        self.answers: dict[str, Any] = {}
        self.results: dict[str, Any] = {}
        self.begins: dict[str, Any] = {}
        self.orders: dict[str, Exception] = {}
        self.throttle = 0
        self.did: list[tuple[str, str, bool]] = []
        self.lines: list[str] = []
        self.runtime = Runtime(progress=self.lines.append)
        self.journal_path = folder / "journal.sqlite"
        params = {
            **{name: item.get("default") for name, item in planning.ARGUMENT_SPEC.items()},
            "fleet": "tests",
            "journal": str(self.journal_path),
            "clusters": NAMES,
            "waves": list(waves),
        }
        self.plan = planning.run(params, Runtime())
        monkeypatch.setattr(cluster, "looked", self._looked)

    def _looked(self, begin: Any) -> Answer:
        return self.answers.get(begin["cluster"], Answer(before=4))  # type: ignore[no-any-return]

    def turn(self, name: str) -> Turn:
        if name in self.orders:
            raise self.orders[name]
        begin = {
            **{key: item.get("default") for key, item in cluster.ARGUMENT_SPEC.items()},
            "journal": str(self.journal_path),
            "rollout": self.plan["rollout"]["run"],
            "cluster": name,
            "wave": 1,
            "state": BEGUN,
            "namespace": "edge",
            "name": "ovms",
            "wanted": "digest",
            **self.begins.get(name, {}),
        }
        steps = [self.step(name, kind, check=number == 0) for number, kind in enumerate(STEPS)]
        return Turn(begin, steps, lambda result: _without(result, "pass" + "word"))

    def step(self, name: str, kind: str, *, check: bool) -> Step:
        def run(params: Any, runtime: Runtime) -> dict[str, Any]:
            assert runtime.check_mode == check, "only the check is in check mode"
            states = self.states()
            assert states[name] == BEGUN, "the journal knows before anything is changed"
            self.did.append((name, kind, check))
            found = self.results.get(name, {}).get(kind, {"changed": not check, "rows": 3})
            if isinstance(found, Exception):
                raise found
            if callable(found):
                found = found(runtime)
            return dict(found)

        register = "" if check else f"{kind}_result"
        return Step(
            f"openvino.edge.{kind}",
            register,
            run,
            {},
            lambda result: "",
            ("rows",),
            check_mode=check,
            throttle=self.throttle,
        )

    def run(self, *names: str, **more: Any) -> dict[str, Any]:
        params = {"plan": self.plan, "clusters": list(names or NAMES), "forks": 3, **more}
        return turns.run(params, self.runtime, self.turn)

    @property
    def journal(self) -> Any:
        return open_journal(str(self.journal_path), lambda text: None)

    def known(self, name: str) -> Any:
        return self.journal.cluster(1, name)

    def states(self) -> dict[str, str]:
        return {item.name: item.state for item in self.journal.clusters(1)}


def _without(value: Any, secret: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, secret) for item in value]
    return value.replace(secret, "***") if isinstance(value, str) else value


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_each_turn_goes_through_its_steps_in_their_order(bench: Bench) -> None:
    found = bench.run()
    assert found["changed"] and found["over"] == NAMES and found["why"] == {}
    assert found["left_out"] == ["b", "c"], "one stays, so that the gate is asked"
    assert bench.states() == dict.fromkeys(NAMES, DONE)
    for name in NAMES:
        own = [(kind, check) for who, kind, check in bench.did if who == name]
        assert own == [(kind, number == 0) for number, kind in enumerate(STEPS)]
        assert [row["module"] for row in found["steps"][name]] == [
            f"openvino.edge.{kind}" for kind in STEPS
        ]
    assert found["results"]["a"]["model_status_result"] == {"rows": 3}
    known = bench.known("b")
    assert (known.before, known.wanted, known.wave) == (4, "digest", 1)
    assert "a: done" in bench.lines


def test_a_run_that_changes_nothing_says_so(bench: Bench) -> None:
    """What a check would change does not count: its task says changed_when false."""
    for name in NAMES:
        bench.results[name] = {kind: {"changed": False} for kind in STEPS}
    assert bench.run()["changed"] is False
    bench.results["b"]["model_repository"] = {"changed": True}
    assert bench.run("b")["changed"] is False, "it is done, so it is only asked again"
    bench.begins["b"] = {"wanted": "another digest"}
    assert bench.run("b")["changed"] is True


@pytest.mark.parametrize(
    ("kind", "phase", "count"),
    [("model_repository", "copy", 2), ("model_status", "gate", 4)],
)
def test_a_step_that_fails_ends_the_turn_of_its_cluster_alone(
    bench: Bench, kind: str, phase: str, count: int
) -> None:
    bench.results["b"] = {kind: ApiError("the store is full\nof pass" + "word", status=507)}
    found = bench.run()
    assert bench.states() == {"a": DONE, "b": FAILED, "c": DONE} and found["over"] == NAMES
    known = bench.known("b")
    assert (known.phase, known.reason) == (phase, "the store is full of ***.")
    assert known.before == 4, "it can be put back"
    assert len([who for who, _kind, _check in bench.did if who == "b"]) == count
    assert found["steps"]["b"][-1]["failed"] and not found["steps"]["b"][0]["failed"]
    kept = found["results"]["b"][f"{kind}_result"]
    assert kept["failed"] and kept["error"]["kind"] == "api"
    assert any(line.startswith(f"b: failed in phase {phase}: the store") for line in bench.lines)


def test_a_check_that_fails_has_its_own_phase(bench: Bench) -> None:
    bench.results["b"] = {"model_server": InputError("no such device", option="device")}
    found = bench.run()
    known = bench.known("b")
    assert known.phase == "check" and not known.touched
    assert found["results"]["b"]["openvino.edge.model_server"]["error"]["option"] == "device"


def test_what_fails_unforeseen_is_a_failure_of_that_cluster(bench: Bench) -> None:
    bench.results["b"] = {"model_status": KeyError("x")}
    bench.run()
    assert bench.states() == {"a": DONE, "b": FAILED, "c": DONE}
    assert bench.known("b").reason == "KeyError('x')"


def test_a_site_that_says_not_now_is_deferred(bench: Bench) -> None:
    bench.answers["b"] = Answer(hold="on hold: inventory day")
    bench.answers["c"] = Answer(error=UnreachableError("nobody answers"))
    bench.begins["c"] = {"defer_offline": True}
    found = bench.run()
    assert bench.states() == {"a": DONE, "b": DEFERRED, "c": DEFERRED}
    assert {who for who, _kind, _check in bench.did} == {"a"} and found["over"] == NAMES
    assert "b: deferred: on hold: inventory day" in bench.lines


def test_what_an_earlier_run_has_finished_is_asked_again(bench: Bench) -> None:
    known = Cluster("b", 1, DONE, before=2, wanted="digest")
    bench.journal.write(1, known)
    bench.journal.write(1, Cluster("c", 1, BEGUN, before=1, wanted="digest"))
    found = bench.run()
    assert found["again"] == ["b"] and "b" in found["over"]
    assert {who for who, _kind, _check in bench.did} == {"a", "c"}
    assert bench.known("b") == known
    assert bench.known("c").before == 1, "what served before the first run, not what it left"


def test_a_turn_that_cannot_be_resolved_is_left_untouched(bench: Bench) -> None:
    bench.orders["b"] = UnsupportedError("nothing can be said of the task 'x': it is a loop")
    bench.begins["c"] = {"deadline": "60"}
    found = bench.run()
    assert found["over"] == found["left_out"] == ["a"] and bench.states() == {"a": DONE}
    assert "it is a loop" in found["why"]["b"] and found["why"]["c"] == "it has a deadline"


def test_a_journal_that_cannot_be_written_leaves_the_turn_to_its_tasks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = type(bench.journal).write

    def write(self: Any, number: int, item: Cluster) -> None:
        if (item.name, item.state) in (("b", BEGUN), ("c", DONE)):
            raise UnreachableError("the hub is away")
        written(self, number, item)

    monkeypatch.setattr(type(bench.journal), "write", write)
    found = bench.run()
    assert found["over"] == ["a"] and bench.states() == {"a": DONE, "c": BEGUN}
    assert all("the hub is away" in found["why"][name] for name in ("b", "c"))
    assert "b" not in {who for who, _kind, _check in bench.did}


def test_the_keyword_throttle_holds(bench: Bench) -> None:
    together = threading.Barrier(3)

    def meet(runtime: Runtime) -> dict[str, Any]:
        together.wait(20)
        return {"changed": True}

    bench.results = {name: {"model_repository": meet} for name in NAMES}
    bench.run()
    assert set(bench.states().values()) == {DONE}, "all three are at it at once"
    guard, met = threading.Lock(), []

    def alone(runtime: Runtime) -> dict[str, Any]:
        met.append(guard.acquire(blocking=False))
        time.sleep(0.02)
        guard.release()
        return {"changed": True}

    bench.throttle = 1
    bench.results = {name: {"model_repository": alone} for name in NAMES}
    bench.begins = {name: {"wanted": "another digest"} for name in NAMES}
    bench.run()
    assert met == [True, True, True]


def test_nothing_more_is_begun_when_the_controller_is_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents = iter([10, 10, 10])
    monkeypatch.setattr(turns, "getppid", lambda: next(parents, 1))
    bench.run(forks=1)
    assert bench.did == [("a", "model_server", True)] and bench.states() == {"a": BEGUN}


def test_an_orphan_does_not_write_over_what_the_next_run_has_come_to(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last step goes on when the controller was killed, and may fail later."""
    parents = iter([10, 10, 10, 10, 10, 10])
    monkeypatch.setattr(turns, "getppid", lambda: next(parents, 1))
    next_run = Cluster("a", 1, DONE, before=4, wanted="digest")

    def overtaken(runtime: Runtime) -> dict[str, Any]:
        bench.journal.write(1, next_run)
        raise ApiError("the helper was replaced", status=409)

    bench.results["a"] = {"model_status": overtaken}
    bench.run("a", forks=1)
    assert len(bench.did) == len(STEPS) and bench.known("a") == next_run


def test_an_interrupted_task_begins_nothing_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(asked: Any) -> Any:
        raise KeyboardInterrupt

    held = threading.Event()

    def wait(runtime: Runtime) -> dict[str, Any]:
        held.wait(10)
        return {"changed": True}

    bench.results["a"] = {"model_repository": wait}
    monkeypatch.setattr(turns, "as_completed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.run(forks=1)
    held.set()
    for thread in threading.enumerate():
        if thread.name.startswith("turn"):
            thread.join(10)
    assert [kind for _who, kind, _check in bench.did] in (
        [],
        ["model_server"],
        ["model_server", "model_repository"],
    )


def test_a_run_without_waves_writes_nothing_and_tells_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Bench(tmp_path, monkeypatch, waves=())
    monkeypatch.setattr(alone, "states", lambda: dict.fromkeys(NAMES, BEGUN))
    alone.results["b"] = {"model_repository": ApiError("the store is full", status=507)}
    found = alone.run()
    assert [(item["cluster"], item["state"], item["phase"]) for item in found["clusters"]] == [
        ("a", DONE, ""),
        ("b", FAILED, "copy"),
        ("c", DONE, ""),
    ]
    assert not alone.journal_path.exists()


def test_check_mode_leaves_all_to_their_tasks(bench: Bench) -> None:
    bench.runtime = Runtime(check_mode=True)
    found = bench.run()
    assert not found["changed"] and found["over"] == [] and set(found["why"]) == set(NAMES)
    assert bench.did == [] and bench.states() == {}


def test_bad_numbers_are_refused_and_warnings_name_their_cluster(bench: Bench) -> None:
    with pytest.raises(InputError, match="forks"):
        bench.run(forks=0)
    assert bench.states() == {}

    def warn(runtime: Runtime) -> dict[str, Any]:
        runtime.warn("the claim is small")
        return {"changed": False}

    bench.results["b"] = {"model_repository": warn}
    bench.run()
    assert bench.runtime.warnings == ["b: the claim is small"]


def test_turns_are_resolved_as_there_is_room_for_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after one that cannot be resolved; what waits takes memory."""
    monkeypatch.setattr(turns, "AHEAD", 1)
    bench.orders["a"] = UnsupportedError("a task of it cannot be looked at")
    ended: list[bool] = []
    resolve = bench.turn

    def turn(name: str) -> Turn:
        if name == "c":
            ended.append(bench.states().get("b") == DONE)
        return resolve(name)

    monkeypatch.setattr(bench, "turn", turn)
    found = bench.run(forks=1)
    assert found["over"] == ["b", "c"] and ended == [True]
