# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task asks many clusters: what each has answered, and what ends none of the others."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    GateError,
    InputError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet import status
from ansible_collections.openvino.edge.plugins.module_utils.fleet.status import Order
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as gate
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import (
    entry as inference,
)

OPEN = {"changed": False, "available": True, "statuses": [], "problems": [], "seconds": 0.1}


class Answers:
    """Stands in for model_status: what each cluster answers, by its namespace."""

    def __init__(self, **found: Any) -> None:
        self.found = found
        self.asked: dict[str, Any] = {}

    def __call__(self, params: Any, runtime: Runtime) -> dict[str, Any]:
        self.asked[params["namespace"]] = params
        answer = self.found.get(params["namespace"], OPEN)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(params, runtime)
        return dict(answer)


def order(cluster: str, **more: Any) -> Order:
    given = {"namespace": cluster, "golden": [], "wait": True, "wait_timeout": 300, **more}
    return Order(given, lambda result: result)


def ask(
    monkeypatch: pytest.MonkeyPatch,
    answers: Any,
    *clusters: str,
    orders: Any = order,
    runtime: Any = None,
    **more: Any,
) -> dict[str, Any]:
    monkeypatch.setattr(gate, "run", answers)
    params = {"clusters": list(clusters), "options": "asked", "forks": 4, "deadline": 0, **more}
    return status.run(params, runtime or Runtime(), orders)


def test_each_cluster_has_its_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    closed = GateError("not every replica serves", details={"statuses": [{"ok": False}]})
    answers = Answers(b=UnreachableError("no answer"), c=closed, d=ZeroDivisionError("odd"))
    runtime = Runtime(progress=told.append)
    found = ask(monkeypatch, answers, "a", "b", "c", "d", "e", runtime=runtime)
    clusters = found["clusters"]
    assert list(clusters) == ["a", "b", "c", "d", "e"], "in the order of the inventory"
    assert [item["available"] for item in clusters.values()] == [True, False, False, False, True]
    assert [item["failed"] for item in clusters.values()] == [False, True, True, True, False]
    assert clusters["b"]["error"]["kind"] == "unreachable"
    assert clusters["c"]["error"]["details"]["statuses"] == [{"ok": False}]
    assert found["bad"] == {
        "b": "no answer.",
        "c": "not every replica serves.",
        "d": "ZeroDivisionError: odd.",
    }
    assert found["counts"] == {"asked": 5, "available": 2, "bad": 3}
    assert found["changed"] is False
    assert sorted(told) == [f"{name}: {text}" for name, text in found["bad"].items()]


def test_a_look_at_a_closed_gate_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ask(monkeypatch, Answers(a={**OPEN, "available": False}), "a")
    assert found["bad"] == {} and found["counts"] == {"asked": 1, "available": 0, "bad": 0}


def test_options_that_are_no_good_are_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def orders(cluster: str) -> Order:
        if cluster == "b":
            raise InputError("missing required arguments: namespace", option="asked")
        return order(cluster)

    answers = Answers()
    found = ask(monkeypatch, answers, "a", "b", "c", orders=orders)
    assert found["bad"] == {"b": "asked: missing required arguments: namespace."}
    assert set(answers.asked) == {"a", "c"} and list(found["clusters"]) == ["a", "b", "c"]


def test_options_that_nobody_foresaw_end_nothing_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as a date in YAML, of which JSON knows nothing."""

    def orders(cluster: str) -> Order:
        if cluster == "b":
            raise TypeError("Object of type date is not JSON serializable")
        return order(cluster)

    answers = Answers()
    found = ask(monkeypatch, answers, "a", "b", "c", orders=orders)
    assert found["bad"] == {"b": "TypeError: Object of type date is not JSON serializable."}
    assert set(answers.asked) == {"a", "c"} and found["counts"]["available"] == 2


def test_so_many_are_asked_at_a_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, at_once, most = threading.Lock(), 0, 0
    together = threading.Barrier(3, timeout=20)

    def answer(params: Any, runtime: Runtime) -> dict[str, Any]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        together.wait()
        with lock:
            at_once -= 1
        return OPEN

    names = [f"c{number}" for number in range(9)]
    ask(monkeypatch, Answers(**dict.fromkeys(names, answer)), *names, forks=3)
    assert most == 3


def test_after_the_deadline_nobody_waits_and_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def answer(params: Any, runtime: Runtime) -> dict[str, Any]:
        now[0] += params["wait_timeout"]
        return OPEN

    answers = Answers(a=answer, b=answer, c=answer)
    found = ask(monkeypatch, answers, "a", "b", "c", forks=1, deadline=400)
    assert [answers.asked[name]["wait_timeout"] for name in answers.asked] == [300, 100]
    assert list(found["bad"]) == ["c"] and "deadline: it was not asked" in found["bad"]["c"]


def test_golden_files_are_asked_of_those_that_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def infer(params: Any, runtime: Runtime) -> dict[str, Any]:
        asked.append(dict(params))
        if params["namespace"] == "b":
            raise GateError("1 of 1 answers are not as expected", details={"checks": []})
        return {"passed": True}

    monkeypatch.setattr(inference, "run", infer)

    def orders(cluster: str) -> Order:
        golden = [] if cluster == "d" else ["golden.yml"]
        return order(cluster, golden=golden, wait=cluster != "a", latency=None, timeout=60)

    answers = Answers(c=UnreachableError("no answer"))
    found = ask(monkeypatch, answers, "a", "b", "c", "d", orders=orders)["clusters"]
    by_name = {item["namespace"]: item for item in asked}
    assert set(by_name) == {"a", "b"}
    assert by_name["a"]["report_only"] and not by_name["b"]["report_only"]
    assert "wait_timeout" not in by_name["a"], "only options that model_inference has"
    assert found["a"]["inference"] == {"passed": True} and not found["a"]["failed"]
    assert found["b"]["failed"] and "not as expected" in found["b"]["msg"]
    assert found["d"]["available"] and "inference" not in found["d"]


def test_results_are_cleaned_and_warnings_name_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(params: Any, runtime: Runtime) -> dict[str, Any]:
        runtime.warn("the cache is full")
        return {**OPEN, "note": "s3cret"}

    def orders(cluster: str) -> Order:
        params = order(cluster).params
        return Order(params, lambda result: {**result, "note": result["note"].upper()})

    runtime = Runtime()
    found = ask(monkeypatch, Answers(a=answer), "a", orders=orders, runtime=runtime)
    assert found["clusters"]["a"]["note"] == "S3CRET"
    assert runtime.warnings == ["a: the cache is full"]


@pytest.mark.parametrize(
    ("option", "value"), [("forks", 0), ("forks", -1), ("deadline", -1)], ids=str
)
def test_numbers_out_of_range(monkeypatch: pytest.MonkeyPatch, option: str, value: int) -> None:
    with pytest.raises(InputError) as caught:
        ask(monkeypatch, Answers(), "a", **{option: value})
    assert caught.value.option == option


def test_as_a_module_it_knows_of_no_other_host() -> None:
    params = {"clusters": ["a"], "options": "asked", "forks": 1, "deadline": 0}
    found = status.run(params, Runtime())
    assert found["clusters"]["a"]["error"]["kind"] == UnsupportedError.kind
