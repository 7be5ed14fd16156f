# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers of the KServe v2 protocol, byte for byte."""

from __future__ import annotations

import json
import struct

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    datatype_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.protocol import (
    decode,
    encode,
    infer_path,
    model_path,
    parse_metadata,
    reason,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.tensors import (
    from_data,
)

X = from_data("x", datatype_of("FP32"), (1, 2), [1.0, float("nan")])
S = from_data("s", datatype_of("BYTES"), (1,), ["ab"])
KEY = "inference-header-content-length"
# As OVMS 2026.3.0 answers.
JSON_ANSWER = b"""{
    "model_name": "tiny",
    "model_version": "1",
    "outputs": [{
            "name": "y",
            "shape": [1, 2],
            "datatype": "FP32",
            "data": [1.0, 2.5]
        }]
}
"""


def test_paths() -> None:
    assert model_path("a b", None) == "/v2/models/a%20b"
    assert infer_path("m", 3) == "/v2/models/m/versions/3/infer"


def test_a_request_has_its_tensors_behind_the_json() -> None:
    body, headers = encode([X, S], ["y", "z"])
    length = int(headers["Inference-Header-Content-Length"])
    document = json.loads(body[:length])
    assert document["inputs"][0] == {
        "name": "x",
        "shape": [1, 2],
        "datatype": "FP32",
        "parameters": {"binary_data_size": 8},
    }
    assert [item["name"] for item in document["outputs"]] == ["y", "z"]
    assert all(item["parameters"] == {"binary_data": True} for item in document["outputs"])
    assert body[length:] == struct.pack("<2f", 1.0, float("nan")) + b"\x02\0\0\0ab"


def test_an_answer_in_json_is_read() -> None:
    answer = decode({"content-type": "application/json"}, JSON_ANSWER)
    assert answer.version == 1 and list(answer.outputs["y"].values()) == [1.0, 2.5]


def test_an_answer_in_bytes_is_read() -> None:
    head = json.dumps(
        {
            "model_version": "2",
            "outputs": [
                {
                    "name": "a",
                    "shape": [1],
                    "datatype": "FP16",
                    "parameters": {"binary_data_size": 2},
                },
                {"name": "b", "shape": [1], "datatype": "INT32", "data": [7]},
                {
                    "name": "c",
                    "shape": [1],
                    "datatype": "UINT8",
                    "parameters": {"binary_data_size": 1},
                },
            ],
        }
    ).encode()
    answer = decode({KEY: str(len(head))}, head + struct.pack("<e", 0.5) + b"\xff")
    found = {name: list(tensor.values()) for name, tensor in answer.outputs.items()}
    assert found == {"a": [0.5], "b": [7], "c": [255]}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"<html>"),
        ({}, b"[]"),
        ({}, b'{"outputs": [{"name": "y"}]}'),
        ({}, b'{"outputs": [{"name": "y", "shape": [2], "datatype": "FP32", "data": [1]}]}'),
        ({KEY: "x"}, b"{}"),
        (
            {KEY: "94"},
            b'{"outputs": [{"name": "y", "shape": [1], "datatype": "FP32", '
            b'"parameters": {"binary_data_size": 4}}]}\0\0',
        ),
    ],
)
def test_what_is_no_answer_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode(headers, body)


def test_metadata_names_what_goes_in_and_out() -> None:
    found = parse_metadata(
        b'{"name":"m","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[1]}],'
        b'"outputs":[{"name":"y","datatype":"FP32","shape":[1]}]}'
    )
    assert (dict(found.inputs), dict(found.outputs)) == ({"x": "FP32"}, {"y": "FP32"})
    for body in (b"x", b"[]", b'{"inputs":[1]}'):
        with pytest.raises(ValueError):  # noqa: PT011
            parse_metadata(body)


def test_the_reason_of_an_error_is_what_the_server_says() -> None:
    assert reason(b'{"error":"Model with requested name is not found"}').endswith("not found")
    assert reason(b" no json ") == "no json"
