# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden files: what is read, and what each mistake is called."""

from __future__ import annotations

import base64
import copy
import struct
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.boxes import Boxes
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.compare import (
    Classes,
    Numbers,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.files import (
    dump,
    load,
    read_cases,
    replace,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.golden import parse

GOOD: dict[str, Any] = {
    "golden": 1,
    "model": "m",
    "cases": [
        {
            "name": "one",
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}],
            "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [[3.5, 4]]}],
        }
    ],
}


def nothing(name: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the good file with one place changed; None takes it out."""
    document = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    at: Any = document
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    key: Any = int(last) if isinstance(at, list) else last
    if value is None:
        del at[key]
    else:
        at[key] = value
    return document


def test_a_file_is_read() -> None:
    (case,) = parse(GOOD, "g.yml", nothing)
    assert (case.name, case.model, case.version, str(case)) == (
        "one",
        "m",
        None,
        "g.yml, case 'one'",
    )
    assert case.inputs[0].raw == struct.pack("<2f", 1, 2)
    (output,) = case.outputs
    assert output.how == Numbers(1e-3, 1e-5) and output.tensor is not None
    assert list(output.tensor.values()) == [3.5, 4.0]


CASE, INPUT, OUTPUT = "cases.0", "cases.0.inputs.0", "cases.0.outputs.0"


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("golden", 2, "g.yml: it does not begin with 'golden: 1'"),
        ("cases", [], "no list 'cases'"),
        ("tolarance", 1, "the key 'tolarance' is unknown"),
        ("cases", ["x"], "case '1': it is no mapping"),
        ("model", None, "case 'one': it names no 'model'"),
        (f"{CASE}.version", 0, "'version' is a whole number"),
        (f"{CASE}.inputs", None, "case 'one': it has no 'inputs'"),
        (f"{CASE}.inputs", ["x"], "'inputs' is no list of mappings"),
        (f"{CASE}.outputs", None, "it has no 'outputs'. Record them: openvino.edge.golden_record"),
        (f"{CASE}.outputs", GOOD["cases"][0]["outputs"] * 2, "'outputs' has a name twice"),
        (f"{CASE}.max_latency_ms", "soon", "max_latency_ms: 'soon' is no number"),
        (f"{INPUT}.shape", [1, 3], "case 'one', input 'x': 2 values, but the shape [1, 3] has 3"),
        (f"{INPUT}.shape", [-1, 2], "is no shape"),
        (f"{INPUT}.shape", None, "it needs 'datatype' and 'shape'"),
        (f"{INPUT}.datatype", "FLOAT", "the datatype FLOAT is unknown"),
        (f"{INPUT}.data", ["a", 1], "'a' is no number"),
        (f"{INPUT}.data", None, "it has none of data, file, base64"),
        (f"{INPUT}.file", "x.npy", "it has both 'data' and 'file'"),
        (f"{INPUT}.rtol", 1, "the key 'rtol' is unknown"),
        (f"{OUTPUT}.data", None, "output 'y': it has none of data, file, base64"),
        (f"{OUTPUT}.rtol", -1, "output 'y': rtol is -1; it has to be finite and at least 0"),
        (f"{OUTPUT}.rtol", "inf", "it has to be finite"),
        (f"{OUTPUT}.compare", "equal", "it is one of numbers, classes, boxes"),
        (f"{OUTPUT}.top_k", 5, "the key 'top_k' is unknown"),
    ],
)
def test_mistakes_name_file_case_tensor_and_the_way_out(path: str, value: Any, why: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(changed(path, value), "g.yml", nothing)
    assert why in str(caught.value) and "g.yml" in str(caught.value)
    assert caught.value.option == "golden"


def test_a_file_that_is_not_there_is_named() -> None:
    document = changed(INPUT, {"name": "x", "file": "x.npy"})
    with pytest.raises(InputError, match="input 'x': the file x.npy cannot be read: No such file"):
        parse(document, "g.yml", nothing)


def test_base64_that_is_none_is_told() -> None:
    document = changed(INPUT, {**GOOD["cases"][0]["inputs"][0], "base64": "&", "data": None})
    with pytest.raises(InputError, match="input 'x'"):
        parse(document, "g.yml", nothing)


def test_a_case_twice_is_told() -> None:
    with pytest.raises(InputError, match="the case 'one' is there twice"):
        parse({**GOOD, "cases": GOOD["cases"] * 2}, "g.yml", nothing)


def test_tolerances_of_the_file_the_case_and_the_output() -> None:
    document = changed("rtol", "1e-2")
    document["cases"][0]["atol"] = 0.5
    (case,) = parse(document, "g.yml", nothing)
    assert case.outputs[0].how == Numbers(0.01, 0.5)
    document["cases"][0]["outputs"][0]["rtol"] = 0
    assert parse(document, "g.yml", nothing)[0].outputs[0].how == Numbers(0.0, 0.5)


def test_a_tolerance_for_all_outputs_is_not_one_for_whole_numbers() -> None:
    document = changed("rtol", 0.1)
    output = document["cases"][0]["outputs"][0]
    output.update(datatype="INT32", data=[3, 4])
    assert parse(document, "g.yml", nothing)[0].outputs[0].how == Numbers(0.0, 0.0)
    output["atol"] = 1
    assert parse(document, "g.yml", nothing)[0].outputs[0].how == Numbers(0.0, 1.0)


def test_classes_are_told_by_scores_or_by_number() -> None:
    document = changed(f"{OUTPUT}.compare", "classes")
    assert parse(document, "g.yml", nothing)[0].outputs[0].how == Classes(1)
    document = changed(OUTPUT, {"name": "y", "compare": "classes", "classes": [281], "top_k": 5})
    (output,) = parse(document, "g.yml", nothing)[0].outputs
    assert (output.classes, output.how, output.tensor) == ((281,), Classes(5), None)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"compare": "classes", "data": [1, 1]}, "no class has the highest score"),
        ({"compare": "classes", "classes": [1]}, "both values and 'classes'"),
        ({"compare": "classes", "data": None, "classes": ["cat"]}, "a list of numbers of classes"),
        ({"compare": "classes", "data": None, "classes": [1, 2]}, "not one number for each row"),
        ({"compare": "classes", "top_k": 0}, "'top_k' is a whole number from 1"),
        ({"compare": "boxes"}, "boxes need rows of 5, 6 or 7 floating"),
        ({"compare": "boxes", "columns": ["score"]}, "columns: columns need score and one of"),
        ({"compare": "boxes", "iou": 0}, "iou is 0"),
    ],
)
def test_mistakes_of_comparisons(more: dict[str, Any], why: str) -> None:
    output = {**GOOD["cases"][0]["outputs"][0], **more}
    with pytest.raises(InputError, match=why):
        parse(changed(OUTPUT, output), "g.yml", nothing)


def test_boxes_need_one_that_is_clear() -> None:
    row = [0.1, 0.1, 0.5, 0.5, 0.4]
    output = {"name": "y", "compare": "boxes", "datatype": "FP32", "shape": [1, 5], "data": row}
    with pytest.raises(InputError, match="no expected box has a score of at least 0.5"):
        parse(changed(OUTPUT, output), "g.yml", nothing)
    (case,) = parse(changed(OUTPUT, {**output, "min_score": 0.3}), "g.yml", nothing)
    assert case.outputs[0].how == Boxes(min_score=0.3)


def test_while_recording_outputs_may_be_missing() -> None:
    assert parse(changed(f"{CASE}.outputs", None), "g", nothing, recording=True)[0].outputs == ()
    document = changed(OUTPUT, {"name": "y", "compare": "classes", "top_k": 3})
    (output,) = parse(document, "g", nothing, recording=True)[0].outputs
    assert (output.how, output.tensor) == (Classes(3), None)


@pytest.mark.parametrize("name", ["g.yml", "g.json"])
def test_files_come_back_as_they_were_written(name: str, tmp_path: Path) -> None:
    document = copy.deepcopy(GOOD)
    document["cases"][0]["inputs"][0]["data"] = [float("nan"), float("-inf")]
    (tmp_path / "sub").mkdir()
    path = str(tmp_path / "sub" / name)
    replace(path, dump(document, path))
    (case,) = read_cases([path])
    assert case.inputs[0].raw[4:] == struct.pack("<f", float("-inf"))
    assert [item.name for item in (tmp_path / "sub").iterdir()] == [name]


def test_what_a_file_names_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "x.raw").write_bytes(struct.pack("<2f", 7, 8))
    entry = {"name": "x", "datatype": "FP32", "shape": [2], "file": "x.raw"}
    path = tmp_path / "g.yml"
    path.write_text(dump(changed(INPUT, entry), str(path)))
    encoded = base64.b64encode((tmp_path / "x.raw").read_bytes()).decode()
    (case,) = read_cases([str(path)])
    del entry["file"]
    (same,) = parse(changed(INPUT, {**entry, "base64": encoded}), "g", nothing)
    assert case.inputs == same.inputs


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("g.yml", None, "cannot be read: No such file"),
        ("g.yml", "a: [", "it is no YAML"),
        ("g.json", "{", "it is no JSON"),
        ("g.yml", "!!python/object:os.system x", "it is no YAML"),
    ],
)
def test_files_that_are_none_are_named(
    name: str, text: "str | None", why: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=why) as caught:
        load(str(tmp_path / name))
    assert caught.value.subject == str(tmp_path / name)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "g.yml").mkdir()
    with pytest.raises(InputError, match="it cannot be written"):
        replace(str(tmp_path / "g.yml"), "text")
    assert [item.name for item in tmp_path.iterdir()] == ["g.yml"]
