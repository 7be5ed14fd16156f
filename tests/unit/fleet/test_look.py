# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task looks at the clusters of a batch: which need no turn, and what leaves a doubt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    InputError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet import look
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
    UNCHANGED,
    UNDONE,
    Cluster,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.turn import Step, Turn, nobody
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

NAMES = ["a", "b", "c"]
SAME = {"changed": False, "rows": 3, "secret": "hidden"}


class Bench:
    """A batch of three clusters, and what each of them answers."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, waves: Any = (3,)) -> None:
        self.answers: dict[str, Any] = {}
        self.results: dict[str, Any] = {}
        self.orders: dict[str, Any] = {}
        self.runtime = Runtime()
        self.looks: list[tuple[str, str]] = []
        self.journal_path = folder / "journal.sqlite"
        params = {
            **{name: item.get("default") for name, item in planning.ARGUMENT_SPEC.items()},
            "fleet": "tests",
            "journal": str(self.journal_path),
            "clusters": NAMES,
            "waves": list(waves),
        }
        self.plan = planning.run(params, Runtime())
        monkeypatch.setattr(look, "looked", self._looked)

    def _looked(self, begin: Any) -> Answer:
        answer = self.answers.get(begin["cluster"], Answer(before=4))
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def turn(self, name: str) -> Turn:
        if name in self.orders:
            raise self.orders[name]

        def step(kind: str) -> Step:
            def run(params: Any, runtime: Runtime) -> dict[str, Any]:
                self.looks.append((name, kind))
                assert runtime.check_mode, "a look changes nothing"
                found = self.results.get(name, {}).get(kind, SAME)
                if isinstance(found, Exception):
                    raise found
                return dict(found)

            return Step(
                f"openvino.edge.{kind}",
                f"{kind}_result",
                run,
                {},
                lambda result: "it would change something" if result["changed"] else "",
                ("rows",),
            )

        return Turn(
            {"cluster": name, "wanted": "digest"},
            [step("server"), step("copy")],
            lambda result: result,
        )

    def run(self, *names: str, **more: Any) -> dict[str, Any]:
        params = {"plan": self.plan, "clusters": list(names or NAMES), "forks": 2, **more}
        return look.run(params, self.runtime, self.turn)

    @property
    def journal(self) -> Any:
        return open_journal(str(self.journal_path), lambda text: None)

    def states(self) -> dict[str, str]:
        return {item.name: item.state for item in self.journal.clusters(1)}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_what_no_step_would_change_needs_no_turn(bench: Bench) -> None:
    bench.results["b"] = {"copy": {"changed": True}}
    found = bench.run()
    assert found["left_out"] == ["a", "c"] and not found["all_same"]
    assert found["why"] == {"b": "copy: it would change something"}
    assert bench.states() == {"a": UNCHANGED, "c": UNCHANGED}, "b is written by its own turn"
    known = bench.journal.cluster(1, "a")
    assert known is not None and (known.before, known.wanted) == (4, "digest")
    assert not known.touched, "a rollout that stops has nothing to put back there"
    assert found["results"]["a"] == {"server_result": {"rows": 3}, "copy_result": {"rows": 3}}


def test_the_first_difference_ends_the_look(bench: Bench) -> None:
    bench.results["b"] = {"server": {"changed": True}}
    bench.run()
    assert ("b", "copy") not in bench.looks and ("a", "copy") in bench.looks


def test_one_has_its_turn_where_all_are_the_same(bench: Bench) -> None:
    found = bench.run()
    assert found["all_same"] and found["left_out"] == ["b", "c"]
    assert "a" not in bench.states()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(hold="on hold: inventory day"), "inventory day"),
        (Answer(error=UnreachableError("nobody answers")), "offline: nobody answers."),
        (Answer(before=None), "no release"),
        (Answer(before=0), "no release"),
        (InputError("no window", option="windows"), "no window"),
    ],
)
def test_what_a_cluster_says_before_its_turn_is_left_to_its_turn(
    bench: Bench, answer: Any, words: str
) -> None:
    bench.answers["b"] = answer
    found = bench.run()
    assert found["left_out"] == ["a", "c"] and words in found["why"]["b"]
    assert bench.looks.count(("b", "server")) == 0


@pytest.mark.parametrize(
    "error",
    [UnreachableError("gone"), ApiError("teapot", status=418), RuntimeError("gone"), KeyError("x")],
)
def test_an_error_is_a_doubt_and_ends_no_other_look(bench: Bench, error: Exception) -> None:
    bench.results["b"] = {"copy": error}
    bench.orders["c"] = error
    found = bench.run()
    assert found["left_out"] == ["a"] and set(found["why"]) == {"b", "c"}


@pytest.mark.parametrize("state", [BEGUN, FAILED, UNDONE])
def test_what_an_earlier_run_has_left_half_done_has_its_turn(bench: Bench, state: str) -> None:
    known = Cluster("b", 1, state, before=2, wanted="digest")
    bench.journal.write(1, known)
    found = bench.run()
    assert found["left_out"] == ["a", "c"] and state in found["why"]["b"]
    assert bench.journal.cluster(1, "b") == known and ("b", "server") not in bench.looks


def test_one_that_said_not_now_after_it_was_changed_has_its_turn(bench: Bench) -> None:
    """So that it is put back with the others when the rollout stops."""
    bench.journal.write(1, Cluster("b", 1, DEFERRED, before=4, wanted="digest", earlier=True))
    found = bench.run()
    assert "b" not in found["left_out"] and "left it as deferred" in found["why"]["b"]


def test_what_an_earlier_run_has_changed_stays_done(bench: Bench) -> None:
    """Else nobody would put it back when the rollout stops."""
    known = Cluster("b", 1, DONE, before=2, wanted="digest")
    bench.journal.write(1, known)
    bench.journal.write(1, Cluster("c", 1, DEFERRED, reason="on hold"))
    bench.results["a"] = {"copy": {"changed": True}}
    found = bench.run()
    assert found["left_out"] == ["b", "c"]
    assert bench.journal.cluster(1, "b") == known
    assert bench.states()["c"] == UNCHANGED
    other = replace(known, wanted="another digest")
    bench.journal.write(1, other)
    assert bench.run()["left_out"] == ["c"], "another thing is wanted now"


def test_check_mode_and_a_run_without_waves_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Bench(tmp_path, monkeypatch, waves=())
    assert alone.run()["left_out"] == ["b", "c"]
    assert not alone.journal_path.exists() or alone.states() == {}
    waves = Bench(tmp_path, monkeypatch)
    waves.runtime = Runtime(check_mode=True)
    assert waves.run()["left_out"] == ["b", "c"] and waves.states() == {}


def test_a_journal_that_cannot_be_written_leaves_the_turns(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = type(bench.journal).write

    def write(self: Any, number: int, cluster: Cluster) -> None:
        if cluster.name == "c":
            raise UnreachableError("the hub is away")
        written(self, number, cluster)

    monkeypatch.setattr(type(bench.journal), "write", write)
    found = bench.run()
    assert found["left_out"] == ["b"] and [item["cluster"] for item in found["clusters"]] == ["b"]
    assert any("the hub is away" in text for text in bench.runtime.warnings)


def test_bad_numbers_and_other_machines_are_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match="forks"):
        bench.run(forks=0)
    with pytest.raises(UnsupportedError, match="only the controller"):
        nobody("a")
    found = look.run({"plan": bench.plan, "clusters": NAMES, "forks": 1}, Runtime())
    assert found["left_out"] == [] and set(found["why"]) == set(NAMES)
