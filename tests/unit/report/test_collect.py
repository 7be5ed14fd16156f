# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events become a model: states, phases, bytes, failures, verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.plugin_utils.report import collect, fields, model
from ansible_collections.openvino.edge.plugins.plugin_utils.report.collect import Collector
from ansible_collections.openvino.edge.plugins.plugin_utils.report.document import document
from ansible_collections.openvino.edge.plugins.plugin_utils.report.model import Report
from invent import HOSTILE, Run, closed_gate, invented, names, statuses

COPY = "openvino.edge.model_repository"
SERVER = "openvino.edge.model_server"
STATUS = "openvino.edge.model_status"
RELEASE = "openvino.edge.release"


def collector(**about: Any) -> Collector:
    return Collector(Report("site.yml", 0.0, **about))


def plan(*waves: "list[str]", allowed: int = 1) -> "dict[str, Any]":
    return {
        "rollout": {"name": "ocr", "run": 1, "resumed": False},
        "max_failures": allowed,
        "waves": [
            {"number": n, "name": f"w{n}", "clusters": wave, "max_failures": 0, "soak": 5}
            for n, wave in enumerate(waves, 1)
        ],
    }


def says(found: Collector, name: str, state: str, at: float, **more: Any) -> None:
    told = {"cluster": name, "wave": 1, "state": state, "phase": "", "reason": ""}
    found.cluster("localhost", {**told, **more}, at)


def run(found: Collector, host: str, action: str, result: Any, at: float, to: float) -> None:
    found.begun(host, action, False, at)
    found.ended(host, action, result, to)


def test_a_turn_that_does_not_begin_tells_why() -> None:
    found = collector()
    found.plan(plan(["a", "b"]))
    away = {"msg": "no answer", "error": {"kind": "unreachable", "message": "no answer"}}
    found.failed("a", collect.CLUSTER, "Begin the turn of the cluster", away, 4)
    says(found, "a", "failed", 5, phase="begin", reason="no answer")
    a = found.report.clusters["a"]
    assert (a.state, a.phase, a.why) == ("failed", "begin", "no answer")
    assert [(item.phase, item.kind) for item in a.failures] == [("begin", "unreachable")]


def test_a_play_without_waves() -> None:
    found = collector()
    found.play(["a", "b"])
    assert not found.report.clusters
    run(found, "a", COPY, {"bytes_sent": 10, "bytes_total": 30, "models": {"m": {"1": "x"}}}, 1, 3)
    assert set(found.report.clusters) == {"a", "b"}
    found.failed("b", COPY, "Copy", {"msg": "no", "error": {"kind": "busy", "message": "no"}}, 4)
    run(found, "a", STATUS, {"statuses": statuses("a", True)}, 5, 6)
    found.finish(["b"], 7)
    a, b = found.report.clusters["a"], found.report.clusters["b"]
    assert (a.state, a.phase, a.started, a.ended) == ("done", "gate", 1, 7)
    assert a.bytes == {"sent": 10, "total": 30} and a.models == {"m": {"1": "x"}}
    assert len(a.replicas) == 4
    assert (b.state, b.why, b.failures[0].kind) == ("failed", "no", "busy")
    assert found.report.verdict == "failed"
    assert found.report.spent == 1


def test_hosts_of_plays_without_tasks_of_ours_are_no_clusters() -> None:
    found = collector()
    found.play(["localhost"])
    found.failed("localhost", "ansible.builtin.command", "x", {"msg": "no"}, 1)
    found.play(["a"])
    run(found, "a", STATUS, {}, 1, 2)
    found.finish([], 3)
    assert set(found.report.clusters) == {"a"} and found.report.verdict == "done"


def test_a_failure_that_is_rescued_is_kept_but_not_counted() -> None:
    found = collector()
    found.play(["a"])
    found.begun("a", COPY, False, 1)
    found.failed("a", COPY, "Copy", {"msg": "no", "error": {"message": "no"}}, 2)
    assert found.report.clusters["a"].state == "failed"
    run(found, "a", SERVER, {"release": {"number": 3, "verdict": "good"}}, 3, 4)
    assert found.report.clusters["a"].state == "begun"
    found.finish([], 5)
    a = found.report.clusters["a"]
    assert (a.state, a.why, len(a.failures), a.release["number"]) == ("done", "", 1, 3)
    assert [span.failed for span in a.spans] == [True, False]


def test_waves_lead_and_their_word_counts() -> None:
    found = collector()
    found.play(["a", "b", "c", "localhost"])
    found.plan(plan(["a"], ["b", "c"]))
    assert [change.kind for change in found.news()] == ["plan"]
    says(found, "a", "begun", 1, phase="preflight")
    assert [(c.kind, c.name) for c in found.news()] == [("wave", "1"), ("cluster", "a")]
    found.begun("a", STATUS, False, 2)
    found.failed("a", STATUS, "Ask", closed_gate("a"), 3)
    assert found.report.clusters["a"].state == "begun", "the engine may try again"
    says(found, "a", "failed", 4, phase="gate", reason="cannot be loaded")
    run(found, "a", RELEASE, {"release": {"number": 9, "restores": 7}}, 5, 6)
    says(found, "a", "undone", 7, phase="gate")
    why = "1 has failed, 0 may"
    found.gate({"wave": 1, "verdict": "stop", "reason": why, "spent": 1, "allowed": 0}, 8)
    found.failed("b", "ansible.builtin.fail", "Stop", {"msg": "stopped"}, 9)
    found.finish(["a", "b", "c"], 9)
    a, b = found.report.clusters["a"], found.report.clusters["b"]
    assert (a.state, a.why, a.phase) == ("undone", "cannot be loaded", "gate")
    assert [span.phase for span in a.spans] == ["gate", "undo"]
    assert (b.state, b.started) == ("stopped", None)
    assert (found.report.verdict, found.report.stopped) == ("stopped", why)
    assert "localhost" not in found.report.clusters


def test_the_word_of_a_gate_is_no_failure_of_who_is_done() -> None:
    found = collector()
    found.plan(plan(["a", "b"]))
    for name in ("a", "b"):
        says(found, name, "begun", 1)
        says(found, name, "done", 2)
    found.gate({"wave": 1, "verdict": "stop", "spent": 1, "allowed": 0}, 3)
    found.failed("a", collect.GATE, "Judge", {"msg": "stop"}, 3)
    found.failed("a", "ansible.builtin.assert", "Stop", {"msg": "stop"}, 4)
    found.finish(["a", "b"], 5)
    a = found.report.clusters["a"]
    assert (a.state, a.failures) == ("done", [])


def test_clusters_that_need_no_turn_are_done_with_the_reason() -> None:
    found = collector()
    found.plan(plan(["a", "b", "c"]))
    row = {"replica": "p", "model": "m", "version": 1, "state": "AVAILABLE", "wanted": True}
    states = [{"cluster": "a", "wave": 1, "state": "unchanged"}]
    states.append({"cluster": "b", "wave": 1, "state": "done"})
    seen = {"verify_result": {"available": True, "statuses": [row]}}
    found.look({"clusters": states, "results": {"a": seen}}, 3)
    says(found, "c", "begun", 4)
    says(found, "c", "done", 5)
    found.finish([], 6)
    a, b = found.report.clusters["a"], found.report.clusters["b"]
    assert (a.state, b.state, found.report.verdict) == ("done", "done", "done")
    assert a.why == collect.HAD_IT and b.why == "", "an earlier run has changed b"
    assert [item["model"] for item in a.replicas] == ["m"]


def step(module: str, began: float, seconds: float, **more: Any) -> "dict[str, Any]":
    named = {"module": f"openvino.edge.{module}", "register": f"{module}_result"}
    return {**named, "check": False, "began": began, "seconds": seconds, "failed": False, **more}


def test_turns_in_one_task_are_told_as_those_of_tasks() -> None:
    found = collector()
    found.plan(plan(["a", "b", "c", "d"]))
    says(found, "d", "done", 1)
    told = {"wave": 1, "phase": "", "reason": ""}
    full = "the store is full"
    ends = [
        {**told, "cluster": "a", "state": "done"},
        {**told, "cluster": "b", "state": "failed", "phase": "copy", "reason": full},
        {**told, "cluster": "c", "state": "deferred", "reason": "on hold"},
        {**told, "cluster": "d", "state": "done"},
    ]
    steps = {
        "a": [
            step("model_server", 1, 1, check=True, register=""),
            step("model_repository", 2, 2),
            step("model_server", 4, 1),
            step("model_status", 5, 3),
        ],
        "b": [step("model_repository", 3, 4, failed=True)],
        "c": [],
        "d": [],
    }
    results = {
        "a": {
            "model_repository_result": {"bytes_sent": 7},
            "model_server_result": {"release": {"number": 2, "verdict": "good"}},
            "model_status_result": {"statuses": statuses("a", True)},
        },
        "b": {"model_repository_result": {"failed": True, "msg": full, "bytes_sent": 1}},
    }
    result = {"clusters": ends, "steps": steps, "results": results, "again": ["d"]}
    found.turns({**result, "seconds": 10.0}, 20)
    a, b = found.report.clusters["a"], found.report.clusters["b"]
    assert [(span.phase, span.started, span.ended) for span in a.spans] == [
        ("check", 11, 12),
        ("copy", 12, 14),
        ("deploy", 14, 15),
        ("gate", 15, 18),
    ]
    assert (a.state, a.started, a.ended, a.release["number"]) == ("done", 11, 18, 2)
    assert len(a.replicas) == 4 and a.bytes == {"sent": 7}
    assert (b.state, b.phase, b.reason, b.ended) == ("failed", "copy", full, 17)
    assert [failure.message for failure in b.failures] == [full] and b.spans[0].failed
    assert found.report.clusters["c"].state == "deferred"
    assert found.report.clusters["d"].ended == 1, "nothing of it was touched"
    assert found.report.copying == 5, "from 12 to 14 and from 13 to 17"


def test_what_the_gate_tells_of_clusters_that_said_nothing() -> None:
    found = collector()
    found.plan(plan(["a", "b", "c"], allowed=2))
    says(found, "a", "begun", 1, phase="copy")
    lost = {"cluster": "a", "wave": 1, "state": "failed", "phase": "copy", "reason": "timed out"}
    late = {"cluster": "b", "wave": 1, "state": "deferred", "phase": "", "reason": "offline"}
    told = {"wave": 1, "verdict": "go_on", "spent": 1, "allowed": 2}
    found.gate({**told, "failures": [lost], "deferred": [late]}, 2)
    says(found, "c", "done", 2)
    found.finish([], 3)
    states = {name: item.state for name, item in found.report.clusters.items()}
    assert states == {"a": "failed", "b": "deferred", "c": "done"}
    assert found.report.clusters["a"].why == "timed out"
    assert found.report.clusters["b"].why == "offline"
    assert (found.report.verdict, found.report.spent) == ("tolerated", 1)


def test_the_end_of_a_rollout_has_the_last_word() -> None:
    found = collector()
    found.plan(plan(["a", "b"]))
    for name in ("a", "b"):
        says(found, name, "begun", 1)
    says(found, "a", "done", 2)
    undone = {"cluster": "a", "wave": 1, "state": "undone", "phase": "", "reason": ""}
    stuck = {"cluster": "b", "wave": 1, "state": "stuck", "phase": "undo", "reason": "no release"}
    earlier = {"cluster": "z", "wave": 1, "state": "done", "phase": "", "reason": ""}
    told = {"verdict": "stopped", "reason": "too many", "clusters": [undone, stuck, earlier]}
    found.end(told, 3)
    found.failed("b", "ansible.builtin.fail", "Tell why", {"msg": "no release"}, 4)
    found.finish(["a", "b"], 5)
    states = {name: item.state for name, item in found.report.clusters.items()}
    assert states == {"a": "undone", "b": "stuck", "z": "done"}
    assert found.report.clusters["a"].why == model.PUT_BACK
    assert found.report.clusters["b"].failures == []
    assert (found.report.verdict, found.report.stopped) == ("stopped", "too many")


def test_an_earlier_run_has_stopped_the_rollout() -> None:
    found = collector()
    found.plan({**plan(["a", "b"]), "stopped": "too many"})
    says(found, "a", "undone", 1)
    found.finish([], 2)
    assert found.report.verdict == "stopped"
    assert found.report.counts() == {"undone": 1, "stopped": 1}


def test_a_cluster_that_is_asked_again_after_it_has_served() -> None:
    found = collector()
    found.plan(plan(["a"]))
    says(found, "a", "begun", 1)
    says(found, "a", "done", 2)
    found.begun("a", STATUS, False, 9)
    found.failed("a", STATUS, "Ask again", closed_gate("a"), 10)
    says(found, "a", "failed", 10, phase="soak", reason="no more")
    found.finish([], 11)
    a = found.report.clusters["a"]
    assert [span.phase for span in a.spans] == ["soak"]
    assert (a.state, a.why, len(a.failures)) == ("failed", "no more", 1)


def test_one_task_asks_clusters_again_after_they_have_served() -> None:
    found = collector()
    found.plan(plan(["a", "b"]))
    for name in "ab":
        says(found, name, "begun", 1)
        says(found, name, "done", 2)
    answers = {"a": asked("a", False), "b": asked("b", True)}
    found.fleet({"clusters": answers, "seconds": 4.0}, 10)
    rows = [{"cluster": "a", "wave": 1, "state": "failed", "phase": "soak", "reason": "no more"}]
    found.gate({"wave": 1, "verdict": "stop", "reason": "a", "failures": rows}, 11)
    a, b = found.report.clusters["a"], found.report.clusters["b"]
    assert [span.phase for span in (*a.spans, *b.spans)] == ["soak", "soak"]
    assert (a.state, a.why, [item.phase for item in a.failures]) == ("failed", "no more", ["soak"])
    assert (b.state, b.failures) == ("done", [])


def test_failures_without_a_limit_are_failures() -> None:
    found = collector()
    found.plan({**plan(["a", "b"]), "max_failures": None, "rollout": {"name": "f", "run": 0}})
    says(found, "a", "failed", 1, reason="x")
    says(found, "b", "done", 1)
    found.gate({"wave": 1, "verdict": "go_on", "spent": 1, "allowed": None}, 2)
    found.finish(["a"], 3)
    assert (found.report.verdict, found.report.run) == ("failed", "")


def test_a_run_that_ends_in_the_middle() -> None:
    found = collector()
    found.plan(plan(["a"], ["b"]))
    says(found, "a", "begun", 1)
    found.finish([], 2)
    assert found.report.verdict == "interrupted"
    assert found.report.counts() == {"begun": 1, "waiting": 1}
    assert found.report.clusters["a"].ended is None


def test_an_unreachable_host_is_a_cluster_that_failed() -> None:
    found = collector()
    found.play(["a", "b"])
    found.unreachable("a", "Check", {"msg": "cannot connect", "unreachable": True}, 1)
    found.finish(["a"], 2)
    a = found.report.clusters["a"]
    assert (a.state, a.failures[0].kind, a.why) == ("failed", "unreachable", "cannot connect")
    assert found.report.clusters["b"].state == "waiting"


def test_clusters_that_copy_side_by_side_share_the_time() -> None:
    found = collector()
    for host in ("a", "b"):
        found.begun(host, COPY, False, 0.0)
    found.ended("a", COPY, {}, 4.0)
    assert found.copying(5.0) == 5.0
    found.ended("b", COPY, {}, 6.0)
    found.begun("c", COPY, False, 10.0)
    found.skipped("c", 11.0)
    assert found.copying(99.0) == found.report.copying == 7.0
    assert not found.report.clusters["c"].spans


def test_a_check_before_the_copy_is_a_phase_of_its_own() -> None:
    found = collector()
    found.begun("a", SERVER, True, 1.0)
    found.ended("a", SERVER, {"release": {"number": 1}}, 2.0)
    a = found.report.clusters["a"]
    assert (a.spans[0].phase, a.release) == ("check", {})


def test_each_item_of_a_loop_counts() -> None:
    found = collector()
    found.begun("a", COPY, False, 1.0)
    for _item in range(2):
        found.ended("a", COPY, {"bytes_sent": 5}, 2.0)
    a = found.report.clusters["a"]
    assert (a.bytes["sent"], len(a.spans)) == (10, 1)


@pytest.mark.parametrize("action", ["ansible.builtin.uri", "ansible.builtin.command"])
def test_the_message_of_a_strangers_task_is_not_taken(action: str) -> None:
    found = collector()
    run(found, "a", STATUS, {}, 0, 1)
    secret = {"msg": "a-marker", "stdout": "a-marker", "cmd": "a-marker"}
    found.failed("a", action, "Ask a stranger", secret, 2)
    found.finish(["a"], 3)
    assert "Ask a stranger" in found.report.clusters["a"].why
    assert "a-marker" not in json.dumps(document(found.report))


def test_only_known_fields_are_taken() -> None:
    found = collector()
    marked = {"token": "a-marker", "invocation": {"module_args": {"api_key": "a-marker"}}}
    row = {**statuses("a", False)[0], **marked}
    problem = {"code": "x", "message": "m", **marked}
    details = {"statuses": [row], "problems": [problem], **marked}
    error = {"message": "no", "details": details, **marked}
    found.plan({**plan(["a"]), **marked})
    says(found, "a", "begun", 1, **marked)
    run(found, "a", COPY, {"bytes_sent": 1, "targets": [marked], **marked}, 1, 2)
    run(found, "a", SERVER, {"release": {"number": 1, **marked}, "config": marked, **marked}, 2, 3)
    found.failed("a", STATUS, "Ask", {"msg": "no", "error": error, **marked}, 4)
    found.finish(["a"], 5)
    assert found.report.clusters["a"].failures[0].problems == [{"code": "x", "message": "m"}]
    assert "a-marker" not in json.dumps(document(found.report))


@pytest.mark.parametrize(
    "odd",
    [None, [], "text", 7, {"a": []}, {"waves": 3, "rollout": []}, {"state": {}, "cluster": []}],
)
def test_results_of_another_shape_do_no_harm(odd: Any) -> None:
    found = collector()
    given = odd if isinstance(odd, dict) else dict.fromkeys(ALL_FIELDS, odd)
    found.play(["a"])
    found.plan(given)
    found.cluster("a", given, 1)
    found.gate(given, 1)
    found.gate({**given, "wave": 1}, 1)
    found.look({**given, "results": given}, 1)
    found.turns({**given, "results": given, "steps": given, "again": odd, "seconds": odd}, 1)
    found.end(given, 1)
    for action in collect.PHASE_OF:
        run(found, "a", action, given, 1, 2)
        found.failed("a", action, "t", given, 3)
    found.finish(["a"], 4)
    assert document(found.report)["clusters"]


ALL_FIELDS = (
    *("rollout", "max_failures", "waves", "cluster", "wave", "state", "phase", "reason"),
    *(
        "spent",
        "allowed",
        "failures",
        "deferred",
        "clusters",
        "verdict",
        "models",
        "release",
        "statuses",
        "error",
        "msg",
    ),
    *model.BYTES.values(),
)


def test_text_is_cut_and_cannot_steer_a_terminal() -> None:
    assert fields.name("a\x1b[2Jb\nc\u2028d") == "a[2Jb c d"
    assert len(fields.text("x" * 9999)) == fields.MAX_TEXT
    assert fields.text("one\ntwo\tthree") == "one\ntwo\tthree"
    assert fields.text("a\udc80b") == "ab"
    many = {"error": {"details": {"problems": [{"code": "c"}] * 999}}}
    assert len(fields.failure(many, "gate", "t", True).problems) == fields.MAX_ROWS


def test_a_message_begins_with_what_it_is_about() -> None:
    result = {"msg": "all", "error": {"subject": "Deployment edge/ovms", "message": "is not ready"}}
    assert (
        fields.failure(result, "deploy", "t", True).message == "Deployment edge/ovms: is not ready"
    )


def test_the_log_of_a_crashed_server_is_kept() -> None:
    result = {"error": {"message": "m", "details": {"log": ["one", "two"]}}}
    assert fields.failure(result, "deploy", "t", True).problems == [{"log": "one\ntwo"}]


def test_an_invented_fleet_adds_up() -> None:
    report = invented(500)
    counts = report.counts()
    assert sum(counts.values()) == len(report.clusters) == 500
    bad = [counts.get(state, 0) for state in model.BAD]
    assert report.spent == sum(bad) > 0
    assert fields.name(HOSTILE) in report.clusters
    assert report.verdict in ("tolerated", "stopped")
    assert 0 < report.copying < (report.seconds or 0)


def test_a_spent_budget_stops_the_rest() -> None:
    stopping = Run(names(400), seed=3)
    stopping._plan["max_failures"] = 0
    report = stopping.play()
    assert report.verdict == "stopped"
    assert report.counts()["stopped"] > 0 < report.counts()["done"]
    assert "waiting" not in report.counts()


def asked(name: str, opened: bool) -> "dict[str, Any]":
    result = {"statuses": statuses(name, True)} if opened else closed_gate(name)
    return {**result, "available": opened, "failed": not opened, "began": 1.0, "seconds": 2.0}


def test_one_task_tells_of_many_clusters() -> None:
    found = collector()
    found.play(["a", "b"])
    answers = {"a": asked("a", True), "b": asked("b", False)}
    found.fleet({"clusters": answers, "seconds": 4.0}, 10)
    a, b = found.report.clusters["a"], found.report.clusters["b"]
    assert (a.state, a.phase, a.started, a.ended, len(a.replicas)) == ("done", "gate", 7, 9, 4)
    assert (b.state, b.started, b.ended) == ("failed", 7, 9)
    assert [(span.phase, span.started, span.ended) for span in b.spans] == [("gate", 7, 9)]
    assert len(found.news()) == 2

    found.failed("b", "ansible.builtin.fail", "Tell why", {"msg": "b: it failed"}, 11)
    found.finish(["b"], 12)
    assert [failure.kind for failure in b.failures] == ["gate"], "it is told once"
    assert b.failures[0].problems and (a.state, b.state) == ("done", "failed")
    assert found.report.verdict == "failed"


def test_a_cluster_that_a_play_goes_on_with_is_not_done_yet() -> None:
    found = collector()
    found.play(["a"])
    found.fleet({"clusters": {"a": asked("a", False)}, "seconds": 4.0}, 10)
    run(found, "a", SERVER, {}, 11, 12)
    found.failed("a", "ansible.builtin.fail", "Tell", {"msg": "other"}, 13)
    found.finish([], 14)
    assert found.report.clusters["a"].state == "done"


def test_the_word_of_the_waves_stands_above_one_task_for_all() -> None:
    found = collector()
    found.plan(plan(["a"]))
    says(found, "a", "begun", 1)
    found.fleet({"clusters": {"a": asked("a", False)}, "seconds": 1.0}, 3)
    a = found.report.clusters["a"]
    assert (a.state, a.failures, len(a.spans)) == ("begun", [], 1)
