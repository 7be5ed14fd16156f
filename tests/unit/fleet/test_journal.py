# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of rollouts, and the entry points that only need it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ConflictError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.fleet import end, gate, plan
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.base import Holder
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.local import FileJournal
from ansible_collections.openvino.edge.plugins.module_utils.fleet.states import (
    BEGUN,
    DEFERRED,
    DONE,
    FAILED,
    UNDONE,
    Cluster,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

GONE = Holder("elsewhere", 1, "1")
CLUSTERS = ["a", "b", "c", "d"]


def opened(path: str, holder: Holder = GONE) -> FileJournal:
    return FileJournal(path, holder)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "rollouts.sqlite")


def planned(path: str, *, check: bool = False, **given: Any) -> "dict[str, Any]":
    params = {
        "fleet": "shops",
        "journal": path,
        "clusters": CLUSTERS,
        "groups": {},
        "limited": False,
        "waves": [1, {"name": "rest", "rest": True, "batch": 2}],
        "max_failures": None,
        "max_fail_percentage": None,
        "max_deferred": None,
        "undo": "wave",
        "resume": True,
        "slices": 1,
        "rollout_id": "",
        "slice_timeout": 600,
        "sites": [],
        "max_per_site": 0,
        **given,
    }
    return plan.run(params, Runtime(check_mode=check))


def test_what_was_written_is_read_by_another_process(path: str) -> None:
    rollout = opened(path).begin("shops", "[]")
    opened(path).write(rollout.number, Cluster("a", 1, FAILED, "copy", "full", 3, "x"))
    assert opened(path).cluster(rollout.number, "a") == Cluster(
        "a", 1, FAILED, "copy", "full", 3, "x"
    )
    assert opened(path).cluster(rollout.number, "b") is None
    assert opened(path).last("shops") == replace(rollout, began=rollout.began)
    assert opened(path).last("others") is None


def test_what_was_written_outlives_a_power_failure(path: str) -> None:
    """With less than EXTRA (3) SQLite leaves it to chance whether a commit is on the disk."""
    with opened(path)._open() as store:
        assert store.execute("PRAGMA synchronous").fetchone()[0] == 3
        assert store.execute("PRAGMA journal_mode").fetchone()[0] == "delete"


def test_many_tasks_write_at_the_same_time(path: str) -> None:
    rollout = opened(path).begin("shops", "[]")
    names = [f"c{number:03}" for number in range(200)]

    def write(name: str) -> None:
        opened(path).write(rollout.number, Cluster(name, 1, DONE))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, names))
    assert [item.name for item in opened(path).clusters(rollout.number)] == names


def test_a_second_run_is_told_who_works_on_the_fleet(path: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        rollout = opened(path, Holder.of_process(process.pid)).begin("shops", "[]")
        with pytest.raises(ConflictError) as caught:
            planned(path)
        text = str(caught.value)
        assert f"process {process.pid} on" in text and f"rollout {rollout.number}" in text
        assert "fleet shops" in text and caught.value.hint
        with pytest.raises(ConflictError):
            planned(path, check=True)
        # Another fleet is not in its way.
        assert planned(path, fleet="others")["rollout"]["run"] == rollout.number + 1
    finally:
        process.communicate(b"\n")
    # Its number may be that of another process some day, which began at another time.
    opened(path, Holder.of_process(os.getpid())).take(rollout)


def test_a_rollout_that_has_not_ended_is_gone_on_with(path: str) -> None:
    first = planned(path)
    assert first["rollout"] == {"name": "shops", "run": 1, "resumed": False, "journal": path}
    again = planned(path)
    assert again["rollout"]["run"] == 1 and again["rollout"]["resumed"]
    opened(path).end(1, "done")
    assert planned(path)["rollout"] == {
        "name": "shops",
        "run": 2,
        "resumed": False,
        "journal": path,
    }


def test_another_plan_is_refused_while_one_has_not_ended(path: str) -> None:
    planned(path)
    with pytest.raises(InputError) as caught:
        planned(path, clusters=["a", "b"])
    assert caught.value.option == "resume" and "edge_resume=false" in str(caught.value)
    assert planned(path, clusters=["a", "b"], resume=False)["rollout"]["run"] == 2
    last = opened(path).last("shops")
    assert last is not None and last.number == 2


def test_check_mode_and_a_run_without_waves_write_nothing(path: str) -> None:
    assert planned(path, check=True)["rollout"]["run"] == 0
    plain = planned(path, waves=[])
    assert plain["rollout"]["run"] == 0 and plain["serial"] == [4] and plain["hosts"] == CLUSTERS
    assert (plain["max_failures"], plain["max_deferred"]) == (None, None)
    assert not Path(path).exists()


def test_a_limit_without_waves_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="a limit needs waves"):
        planned(path, waves=[], max_failures=1)


def test_the_plan_is_what_the_plays_need(path: str) -> None:
    found = planned(path)
    assert found["hosts"] == CLUSTERS and found["serial"] == [1, 2, 1]
    assert [item["wave"] for item in found["batches"]] == [1, 2, 2]
    assert found["undo"] == {"clusters": [], "sizes": [], "before": {}}


def judged(found: "dict[str, Any]", present: "list[str]", **given: Any) -> "dict[str, Any]":
    params = {"plan": found, "present": present, "not_well": {}, "outcomes": [], **given}
    return gate.run(params, Runtime())


def test_the_gate_writes_who_no_longer_serves(path: str) -> None:
    found = planned(path, max_failures=0)
    opened(path).write(1, Cluster("a", 1, DONE, before=3))
    assert judged(found, ["a"], not_well={})["verdict"] == "go_on"
    told = judged(found, ["a"], not_well={"a": "not every replica serves\n what is wanted"})
    assert (told["verdict"], told["undo"]["clusters"]) == ("stop", ["a"])
    after = opened(path).cluster(1, "a")
    why = "not every replica serves what is wanted"
    assert after == Cluster("a", 1, FAILED, "soak", why, before=3)


def test_what_failed_before_it_was_asked_again_stays_as_it_was(path: str) -> None:
    found = planned(path, max_failures=1)
    first = Cluster("a", 1, FAILED, "copy", "full")
    opened(path).write(1, first)
    judged(found, ["a"], not_well={"a": "nobody answers"})
    assert opened(path).cluster(1, "a") == first


def test_the_gate_counts_those_that_left_the_play(path: str) -> None:
    found, journal = planned(path), opened(path)
    journal.write(1, Cluster("a", 1, DONE))
    assert judged(found, ["a"])["verdict"] == "go_on"
    journal.write(1, Cluster("b", 2, BEGUN, before=5))
    journal.write(1, Cluster("c", 2, DONE, before=5))
    verdict = judged(found, ["c"])
    assert verdict["verdict"] == "stop" and verdict["spent"] == 1
    assert [item["cluster"] for item in verdict["failures"]] == ["b"]
    assert "left the play" in verdict["failures"][0]["reason"]
    assert verdict["undo"] == {"clusters": ["c", "b"], "sizes": [2], "before": {"b": 5, "c": 5}}
    # A run that is killed now owes the same.
    resumed = planned(path)
    assert resumed["stopped"] == verdict["reason"] and resumed["undo"] == verdict["undo"]


def closed(found: "dict[str, Any]", stopped: str = "") -> "dict[str, Any]":
    return end.run({"plan": found, "outcomes": [], "stopped": stopped}, Runtime())


def test_the_end_tells_of_each_cluster_that_is_not_well(path: str) -> None:
    found, journal = planned(path), opened(path)
    journal.write(1, Cluster("a", 1, DONE))
    journal.write(1, Cluster("b", 2, UNDONE, "gate", "no answer"))
    journal.write(1, Cluster("c", 2, UNDONE))
    result = closed(found, "too many")
    assert result["verdict"] == "stopped"
    assert result["counts"] == {"done": 1, "undone": 2, "pending": 1}
    assert set(result["bad"]) == {"b", "c"}
    assert "failed in phase gate: no answer; put back" in result["bad"]["b"]
    assert "since the rollout stopped: too many" in result["bad"]["c"]
    last = journal.last("shops")
    assert last is not None and last.verdict == "stopped"


def test_a_rollout_that_stops_for_deferred_ones_has_failed(path: str) -> None:
    found = planned(path)
    opened(path).write(1, Cluster("a", 1, DEFERRED, reason="on hold"))
    assert "on hold" in closed(found, "too many deferred")["bad"]["a"]
    for name in CLUSTERS[1:]:
        opened(path).write(1, Cluster(name, 2, DONE))
    assert closed(found)["bad"] == {}


def test_a_rollout_that_leaves_clusters_out_without_a_reason_has_failed(path: str) -> None:
    found = planned(path)
    for name in CLUSTERS[:3]:
        opened(path).write(1, Cluster(name, 1, DONE))
    result = closed(found)
    assert result["verdict"] == "done with failures" and list(result["bad"]) == ["d"]
    assert "no play has reached its host" in result["bad"]["d"]
    assert result["counts"] == {"done": 3, "pending": 1}


@pytest.mark.parametrize("what", ["a directory", "not SQLite"])
def test_a_journal_that_is_none_is_one_error(tmp_path: Path, what: str) -> None:
    path = tmp_path / "journal"
    if what == "a directory":
        path.mkdir()
    else:
        path.write_text("other content that is no database at all\n" * 9)
    with pytest.raises(InputError) as caught:
        planned(str(path))
    assert caught.value.option == "journal" and caught.value.subject == str(path)
    assert caught.value.hint
    assert what == "a directory" or path.read_text().startswith("other")


@pytest.mark.parametrize("entry", [gate.run, end.run])
def test_something_else_in_place_of_a_plan_is_refused(entry: Any) -> None:
    with pytest.raises(InputError, match="rollout_plan returns"):
        entry({"plan": {}, "present": ["a"], "outcomes": [], "stopped": ""}, Runtime())
