# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""golden_record over pods in memory: what is written, when, and what is refused."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    DATATYPES,
    pack,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.entry import (
    InferenceError,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.record import (
    plain,
    values_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.tensors import (
    from_data,
    from_raw,
)
from hypothesis import given
from hypothesis import strategies as st

from .conftest import CASES

Make = Callable[..., Any]


def recorded(made: Any, name: str = "golden.yml") -> Any:
    return yaml.safe_load((made.folder / name).read_text(encoding="utf-8"))


def test_what_is_recorded_passes_and_a_second_run_changes_nothing(bench: Make) -> None:
    made = bench()
    src = made.write("in.yml", CASES)
    result = made.record(src, requests=2)
    assert result["changed"] and result["replicas"] == 2
    document = recorded(made)
    assert (document["golden"], document["model"]) == (1, "m")
    (case,) = document["cases"]
    assert case["recorded"]["version"] == 1 and case["recorded"]["answers"] == 6
    (output,) = case["outputs"]
    assert output == {
        "name": "y",
        "datatype": "FP32",
        "shape": [1, 3],
        "rtol": 1e-3,
        "atol": 1e-5,
        "spread": {"max_abs": 0.0, "max_rel": 0.0},
        "data": [2.0, 4.0, 6.0],
    }
    assert made.ask(result["dest"])["passed"]
    before = os.stat(result["dest"])
    again = made.record(src)
    assert (again["changed"], os.stat(result["dest"])) == (False, before) and "diff" not in again
    assert made.record(src, force=True)["changed"]


def test_check_mode_asks_and_writes_nothing(bench: Make) -> None:
    made = bench()
    result = made.record(made.write("in.yml", CASES), check=True)
    assert result["changed"] and not os.path.exists(result["dest"])
    assert result["cases"][0]["outputs"][0]["name"] == "y"
    assert result["diff"]["before"] == "" and "[2.0, 4.0, 6.0]" in result["diff"]["after"]


def test_other_answers_are_written_anew(bench: Make) -> None:
    made = bench(a={1: 2.0})
    src = made.write("in.yml", CASES)
    made.record(src)
    made.pods.weights["a"][1] = 3.0
    result = made.record(src)
    assert result["changed"] and "[2.0, 4.0, 6.0]" in result["diff"]["before"]
    assert recorded(made)["cases"][0]["outputs"][0]["data"] == [3.0, 6.0, 9.0]


@pytest.mark.parametrize("given", [{"rtol": 0.5}, {"atol": 0.5}])
def test_other_tolerances_are_written_anew(bench: Make, given: dict[str, float]) -> None:
    made = bench(a={1: 2.0})
    src = made.write("in.yml", CASES)
    made.record(src)
    assert made.record(src, **given)["changed"] and not made.record(src, **given)["changed"]


def test_other_inputs_are_written_anew(bench: Make) -> None:
    made = bench(a={1: 0.0})
    made.record(made.write("in.yml", CASES))
    entry = {**CASES["cases"][0]["inputs"][0], "data": [4, 5, 6]}
    src = made.write("in.yml", {**CASES, "cases": [{"name": "one", "inputs": [entry]}]})
    assert made.record(src)["changed"]


def test_a_spread_widens_the_tolerance_so_that_all_answers_keep_it(bench: Make) -> None:
    made = bench(a={1: 2.0})
    made.pods.noise = [0.0, 0.5, -0.5, 0.0, 0.0, 0.0]
    src = made.write("in.yml", CASES)
    result = made.record(src, requests=5)
    (output,) = recorded(made)["cases"][0]["outputs"]
    assert output["spread"] == {"max_abs": 0.5, "max_rel": 0.0833}
    assert output["atol"] == pytest.approx(2 * (0.5 - 6e-3), rel=0.01)
    assert result["cases"][0]["outputs"][0]["spread"] == output["spread"]
    made.pods.noise = [0.9]
    assert made.ask(result["dest"])["passed"]
    made.pods.noise = [1.1]
    assert not made.ask(result["dest"], report_only=True)["passed"]
    assert not made.record(src)["changed"]


def test_a_relative_tolerance_is_at_least_one_step(bench: Make) -> None:
    made = bench(a={1: 2.0})
    made.record(made.write("in.yml", CASES), rtol=0.0, atol=0.0)
    (output,) = recorded(made)["cases"][0]["outputs"]
    assert (output["rtol"], output["atol"]) == (2.0**-23, 0.0)


def test_the_source_says_how_outputs_are_compared(bench: Make) -> None:
    made = bench(a={1: 2.0})
    output = {"name": "y", "compare": "classes", "top_k": 2}
    src = made.write("in.yml", {**CASES, "cases": [{**CASES["cases"][0], "outputs": [output]}]})
    made.record(src)
    (written,) = recorded(made)["cases"][0]["outputs"]
    assert {key: written[key] for key in ("compare", "top_k", "data")} == {
        "compare": "classes",
        "top_k": 2,
        "data": [2.0, 4.0, 6.0],
    }
    assert made.ask(str(made.folder / "golden.yml"))["passed"]


def test_an_unclear_class_is_not_recorded(bench: Make) -> None:
    made = bench(a={1: 0.0})
    output = {"name": "y", "compare": "classes"}
    src = made.write("in.yml", {**CASES, "cases": [{**CASES["cases"][0], "outputs": [output]}]})
    with pytest.raises(InputError, match="output 'y': no class has the highest score"):
        made.record(src)


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_what_is_no_number_is_recorded_on_request_only(bench: Make, weight: float) -> None:
    made = bench(a={1: weight})
    src = made.write("in.yml", CASES)
    with pytest.raises(InputError, match="3 of 3 values are NaN or infinite.*allow_nan"):
        made.record(src)
    assert not os.path.exists(made.folder / "golden.yml")
    result = made.record(src, allow_nan=True, dest=str(made.folder / "golden.json"))
    values = json.loads(Path(result["dest"]).read_text())["cases"][0]["outputs"][0]["data"]
    assert values == ["NaN" if math.isnan(weight) else "Infinity"] * 3
    assert made.ask(result["dest"])["passed"]
    made.pods.weights["a"][1] = 2.0
    assert not made.ask(result["dest"], report_only=True)["passed"]


def test_answers_that_are_sometimes_no_number_are_refused(bench: Make) -> None:
    made = bench(a={1: 2.0})
    made.pods.noise = [0.0, math.nan, 0.0, 0.0, 0.0, 0.0]
    with pytest.raises(InputError, match="the answers differ: nan and 6"):
        made.record(made.write("in.yml", CASES))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"requests": 0}, "requests: it is a number"),
        ({"rtol": -1.0}, "rtol: it is no number from 0"),
        ({"dest": "/nowhere/g.yml"}, "dest: /nowhere/g.yml: its folder is not there"),
    ],
)
def test_bad_options_are_named_before_anyone_is_asked(
    bench: Make, given: dict[str, Any], why: str
) -> None:
    made = bench()
    with pytest.raises(InputError, match=why):
        made.record(made.write("in.yml", CASES), **given)
    assert made.pods.asked == []


def test_a_replica_that_does_not_answer_or_is_missing(bench: Make) -> None:
    made = bench(a={1: 2.0}, b={})
    made.pods.weights["b"] = {2: 2.0}
    src = made.write("in.yml", {**CASES, "version": 1})
    with pytest.raises(InferenceError, match="pod b: m 1, case 'one': HTTP 404"):
        made.record(src)
    with pytest.raises(InferenceError, match="2 of 3 replicas are there"):
        made.record(src, replicas=3)


def test_files_of_inputs_are_found_from_the_new_place(bench: Make) -> None:
    made = bench(a={1: 2.0})
    (made.folder / "out").mkdir()
    (made.folder / "x.raw").write_bytes(pack([1, 2, 3], DATATYPES["FP32"]))
    entry = {"name": "x", "datatype": "FP32", "shape": [1, 3], "file": "x.raw"}
    src = made.write("in.yml", {**CASES, "cases": [{"inputs": [entry]}]})
    result = made.record(src, dest=str(made.folder / "out" / "golden.yml"))
    (case,) = recorded(made, "out/golden.yml")["cases"]
    assert case["inputs"][0]["file"] == "../x.raw" and case["name"] == "1"
    assert made.ask(result["dest"])["passed"]
    assert not made.record(src, dest=result["dest"])["changed"]


@given(st.sampled_from(["FP64", "FP32", "FP16", "BF16"]), st.data())
def test_written_numbers_are_read_as_the_same_bytes(name: str, data: st.DataObject) -> None:
    datatype = DATATYPES[name]
    raw = data.draw(st.binary(min_size=datatype.size, max_size=datatype.size))
    (value,) = from_raw("y", datatype, (1,), raw).values()
    written = yaml.safe_load(yaml.safe_dump([plain(value, datatype)]))
    again = from_data("y", datatype, (1,), written)
    assert again.raw == raw or math.isnan(value)


def test_many_values_are_written_as_bytes_and_texts_as_texts() -> None:
    assert "data" in values_of(from_data("y", DATATYPES["FP32"], (256,), [0] * 256))
    assert "base64" in values_of(from_data("y", DATATYPES["FP32"], (257,), [0] * 257))
    assert values_of(from_data("y", DATATYPES["BYTES"], (1,), ["ä"])) == {"data": ["ä"]}
    assert "base64" in values_of(from_data("y", DATATYPES["BYTES"], (1,), [b"\xff"]))
