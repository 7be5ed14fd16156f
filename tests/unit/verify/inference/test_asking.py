# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""model_inference over pods in memory: who is asked what, and what a failure says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.entry import (
    InferenceError,
)

Make = Callable[..., Any]
DOUBLE = [2, 4, 6]


def test_every_replica_is_asked_and_passes(bench: Make) -> None:
    made = bench()
    result = made.ask(made.golden(DOUBLE))
    assert (result["passed"], result["changed"]) == (True, False)
    assert result["replicas"] == {"wanted": 2, "seen": 2}
    assert [(row["replica"], row["version"], row["ok"]) for row in result["checks"]] == [
        ("a", 1, True),
        ("b", 1, True),
    ]
    assert result["problems"] == [] and result["latencies"] == []
    assert sorted(made.pods.asked) == [
        "a GET /v2/models/m",
        "a POST /v2/models/m/infer",
        "b GET /v2/models/m",
        "b POST /v2/models/m/infer",
    ]


def test_one_wrong_replica_is_named_with_all_that_is_known(bench: Make) -> None:
    made = bench(a={1: 2.0}, b={1: 3.0})
    with pytest.raises(InferenceError) as caught:
        made.ask(made.golden(DOUBLE))
    said = str(caught.value)
    assert (
        "1 of 2 answers are not as expected: b: m, case 'one': output 'y': at index [0, 2]" in said
    )
    assert "it is 9 instead of 6 ± 0.00601 (3 of 3 values differ)" in said
    (problem,) = caught.value.details["problems"]
    assert {key: problem[key] for key in ("code", "replica", "output", "index", "got")} == {
        "code": "value",
        "replica": "b",
        "output": "y",
        "index": [0, 2],
        "got": 9.0,
    }
    assert [row["ok"] for row in caught.value.details["checks"]] == [True, False]


def test_all_findings_are_listed(bench: Make) -> None:
    made = bench(a={1: 3.0}, b={1: 3.0})
    with pytest.raises(InferenceError, match=r"2 of 2 answers(.|\n)*\n- b: m, case 'one'"):
        made.ask(made.golden(DOUBLE))


def test_the_report_does_not_fail(bench: Make) -> None:
    made = bench(a={1: math.nan})
    result = made.ask(made.golden(DOUBLE), report_only=True)
    assert result["passed"] is False and result["problems"][0]["got"] == "nan"


def test_a_case_without_a_version_is_asked_of_all_that_are_wanted(bench: Make) -> None:
    made = bench(a={1: 2.0, 2: 2.0})
    models = [{"name": "m", "versions": [2, 1]}, {"name": "other", "versions": [1]}]
    result = made.ask(made.golden(DOUBLE), models=models)
    assert [row["version"] for row in result["checks"]] == [1, 2]


def test_a_case_with_a_version_is_asked_of_that_one(bench: Make) -> None:
    made = bench(a={1: 2.0, 2: 5.0})
    golden = made.golden(DOUBLE, case={"version": 1})
    assert made.ask(golden, models=[{"name": "m", "versions": [2]}])["checks"][0]["version"] == 1
    made.pods.weights["a"].pop(1)
    with pytest.raises(
        InferenceError,
        match="HTTP 404: Model with requested version is not found.*"
        "Record the golden file of the version",
    ):
        made.ask(golden)


def test_a_name_with_a_slash_cannot_be_asked(bench: Make) -> None:
    made = bench()
    golden = made.golden(DOUBLE, case={"model": "org/m"})
    with pytest.raises(UnsupportedError, match="proxy takes the %2F in a path for a slash"):
        made.ask(golden)
    assert made.pods.asked == []


def test_inputs_and_outputs_that_the_model_does_not_have_are_named(bench: Make) -> None:
    made = bench(a={1: 2.0})
    wrong = {"name": "image", "datatype": "FP32", "shape": [1], "data": [1]}
    with pytest.raises(InferenceError, match="the model has no input 'image'; it has x"):
        made.ask(made.golden(DOUBLE, case={"inputs": [wrong]}))
    with pytest.raises(InferenceError, match="the model has no output 'prob'; it has y"):
        made.ask(made.golden(DOUBLE, name="prob"))
    assert not any("POST" in line for line in made.pods.asked)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(400, {}, b'{"error":"Invalid input shape"}'), "refused"),
        (Response(200, {}, b"<html>"), "unreachable"),
        (Response(200, {}, b'{"outputs":[]}'), "no_such_tensor"),
        (
            Response(
                200,
                {},
                b'{"model_version":"9","outputs":[{"name":"y","shape":[1,3],'
                b'"datatype":"FP32","data":[2,4,6]}]}',
            ),
            "version",
        ),
    ],
)
def test_answers_that_are_none(bench: Make, answer: Response, code: str) -> None:
    made = bench(a={1: 2.0})
    made.pods.wrong["a"] = answer
    models = [{"name": "m", "versions": [1]}]
    result = made.ask(made.golden(DOUBLE), models=models, report_only=True)
    assert [problem["code"] for problem in result["problems"]] == [code]


def test_a_broken_connection_is_tried_once_more(bench: Make) -> None:
    made = bench(a={1: 2.0})
    answer, broken = made.pods.answer, [True]

    def once(*args: Any, **given: Any) -> Response:
        if "POST" in args and broken.pop() if broken else False:
            raise UnreachableError("reset")
        return answer(*args, **given)  # type: ignore[no-any-return]

    made.pods.cluster.on_proxy = once
    assert made.ask(made.golden(DOUBLE))["passed"] and not broken

    def never(*args: Any, **given: Any) -> Response:
        raise UnreachableError("reset")

    made.pods.cluster.on_proxy = never
    result = made.ask(made.golden(DOUBLE), report_only=True)
    assert result["problems"][0]["code"] == "unreachable"


def test_a_missing_right_is_an_error_of_its_own(bench: Make) -> None:
    made = bench()

    def refuse(*args: Any, **given: Any) -> Response:
        raise ForbiddenError("cannot create resource pods/proxy")

    made.pods.cluster.on_proxy = refuse
    with pytest.raises(ForbiddenError):
        made.ask(made.golden(DOUBLE), report_only=True)


def test_all_replicas_have_to_be_there(bench: Make) -> None:
    made = bench()
    with pytest.raises(InferenceError, match="2 of 3 replicas are there"):
        made.ask(made.golden(DOUBLE), replicas=3)


def test_a_server_that_is_not_there(bench: Make) -> None:
    made = bench()
    given = {"label_selector": None, "name": "gone"}
    with pytest.raises(InputError, match="no such Deployment"):
        made.ask(made.golden(DOUBLE), **given)
    result = made.ask(made.golden(DOUBLE), report_only=True, **given)
    assert result["problems"][0]["code"] == "replica_count"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"timeout": 0}, "timeout: it is a number of seconds"),
        ({"latency": {"max_ms": 0}}, "latency.max_ms: it is no number above 0"),
        ({"latency": {"requests": 5000}}, "latency.requests: it is a number from 1"),
        ({"latency": {"baseline": [{"model": "m"}]}}, "latency.baseline: an item has no model"),
        ({"models": [{"name": "m"}, {"name": "m"}]}, "models.name: the model 'm' is listed twice"),
    ],
)
def test_bad_options_are_named_before_anyone_is_asked(
    bench: Make, given: dict[str, Any], why: str
) -> None:
    made = bench()
    with pytest.raises(InputError, match=why):
        made.ask(made.golden(DOUBLE), **given)
    assert made.pods.asked == []


def test_no_file_at_all_proves_nothing(bench: Make) -> None:
    with pytest.raises(InputError, match="golden: it names no file"):
        bench().ask()
