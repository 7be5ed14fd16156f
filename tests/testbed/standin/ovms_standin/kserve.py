# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The KServe v2 inference protocol over HTTP: JSON and the binary data extension.

Sources: src/kfs_frontend/, src/rest_parser.cpp, src/rest_utils.cpp; the protocol itself is
https://github.com/kserve/open-inference-protocol and Triton's binary tensor extension.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ovms_standin import json_text
from ovms_standin.status import (
    INVALID_CONTENT_SIZE,
    INVALID_NO_OF_INPUTS,
    INVALID_VALUE_COUNT,
    JSON_INVALID,
    REST_BAD_INPUT,
    REST_BINARY_EXCEEDED,
    REST_BINARY_SIZE_INVALID,
    REST_BODY_NOT_OBJECT,
    REST_HEADER_LENGTH_EXCEEDED,
    REST_HEADER_LENGTH_INVALID,
    REST_NO_INPUTS,
    REST_UNSUPPORTED_PRECISION,
    StatusError,
)

if TYPE_CHECKING:
    from ovms_standin.model import Array, LoadedModel, TensorInfo

#: OpenVINO's type names to the protocol's.
DATATYPES = {
    "f64": "FP64",
    "f32": "FP32",
    "f16": "FP16",
    "bf16": "BF16",
    "i64": "INT64",
    "i32": "INT32",
    "i16": "INT16",
    "i8": "INT8",
    "u64": "UINT64",
    "u32": "UINT32",
    "u16": "UINT16",
    "u8": "UINT8",
    "boolean": "BOOL",
    "string": "BYTES",
}
NUMPY = {
    "FP64": np.float64,
    "FP32": np.float32,
    "FP16": np.float16,
    "INT64": np.int64,
    "INT32": np.int32,
    "INT16": np.int16,
    "INT8": np.int8,
    "UINT64": np.uint64,
    "UINT32": np.uint32,
    "UINT16": np.uint16,
    "UINT8": np.uint8,
    "BOOL": np.bool_,
    "BYTES": np.object_,
}


def tensor_metadata(info: TensorInfo) -> dict[str, Any]:
    """One input or output of GET /v2/models/{m}."""
    return {
        "name": info.name,
        "datatype": DATATYPES.get(info.precision, "FP32"),
        "shape": list(info.shape),
    }


def model_metadata(name: str, available: list[int], model: LoadedModel) -> dict[str, Any]:
    """GET /v2/models/{m}."""
    body: dict[str, Any] = {
        "name": name,
        "versions": [str(version) for version in available],
        "platform": "OpenVINO",
        "inputs": [tensor_metadata(info) for info in model.inputs],
        "outputs": [tensor_metadata(info) for info in model.outputs],
    }
    if model.rt_info:
        body["rt_info"] = {"model_info": model.rt_info}
    return body


@dataclass
class InferRequest:
    """A decoded request. Which outputs it asks for does not matter: all are answered."""

    inputs: dict[str, Array]
    request_id: str = ""
    #: Outputs wanted as raw bytes; names that the model does not have mean nothing.
    binary: frozenset[str] = frozenset()


def from_raw(data: bytes, datatype: str, shape: list[int]) -> Array:
    """A tensor from the protocol's raw bytes. Raises StatusError."""
    dtype = NUMPY.get(datatype)
    if dtype is None:
        raise StatusError(REST_UNSUPPORTED_PRECISION, datatype)
    if datatype == "BYTES":
        return from_typed(np.array(_split_bytes(data), dtype=object), shape)
    wanted = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if wanted != len(data):
        raise StatusError(
            INVALID_CONTENT_SIZE, f"Expected: {wanted} bytes; Actual: {len(data)} bytes"
        )
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _split_bytes(data: bytes) -> list[bytes]:
    """BYTES elements: each a 4-byte little-endian length and its bytes."""
    items, position = [], 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "little")
        position += 4
        if position + length > len(data):
            raise StatusError(INVALID_CONTENT_SIZE)
        items.append(data[position : position + length])
        position += length
    return items


def from_typed(array: Array, shape: list[int]) -> Array:
    """A tensor from its values in a row. Raises StatusError when their number does not fit."""
    if array.size != int(np.prod(shape, dtype=np.int64)):
        raise StatusError(INVALID_VALUE_COUNT)
    return array.reshape(shape)


def to_raw(array: Array) -> bytes:
    """The protocol's raw bytes of a tensor."""
    if array.dtype.kind in "OSU":
        flat = [_as_bytes(item) for item in array.reshape(-1)]
        return b"".join(len(item).to_bytes(4, "little") + item for item in flat)
    return np.ascontiguousarray(array).tobytes()


def _as_bytes(item: Any) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


def decode(body: bytes, header_length: str | None) -> InferRequest:
    """Decode the body of an infer call. Raises StatusError."""
    head, tail = _split(body, header_length)
    try:
        document = json_text.read(head)
    except json_text.JsonError as error:
        raise StatusError(JSON_INVALID, f"Error: {error} Offset: {error.offset}") from error
    if not isinstance(document, dict):
        raise StatusError(REST_BODY_NOT_OBJECT)
    if not isinstance(document.get("inputs"), list) or not document["inputs"]:
        raise StatusError(REST_NO_INPUTS)
    inputs = {}
    for item in document["inputs"]:
        name, array, tail = _input(item, tail, alone=len(document["inputs"]) == 1)
        if name in inputs:
            count = len(document["inputs"])
            raise StatusError(INVALID_NO_OF_INPUTS, f"Expected: {count - 1}; Actual: {count}")
        inputs[name] = array
    default = bool(_parameters(document).get("binary_data_output", False))
    binary = frozenset(
        str(item["name"])
        for item in document.get("outputs", [])
        if _parameters(item).get("binary_data", default)
    )
    return InferRequest(inputs, str(document.get("id", "")), binary)


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not header_length.isdigit():
        raise StatusError(REST_HEADER_LENGTH_INVALID)
    if int(header_length) > len(body):
        raise StatusError(REST_HEADER_LENGTH_EXCEEDED)
    return body[: int(header_length)], body[int(header_length) :]


def _parameters(item: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = item.get("parameters", {})
    return parameters if isinstance(parameters, Mapping) else {}


def _input(item: Any, tail: bytes, *, alone: bool) -> tuple[str, Array, bytes]:
    if not isinstance(item, Mapping) or not {"name", "shape", "datatype"} <= set(item):
        raise StatusError(REST_BAD_INPUT)
    name, shape, datatype = str(item["name"]), list(item["shape"]), str(item["datatype"])
    if "data" in item:
        return name, _from_json(item["data"], datatype, shape), tail
    size = _parameters(item).get("binary_data_size")
    if size is None:
        size = len(tail) if alone and datatype == "BYTES" else _raw_size(datatype, shape)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise StatusError(REST_BINARY_SIZE_INVALID)
    if size > len(tail):
        raise StatusError(REST_BINARY_EXCEEDED)
    return name, from_raw(tail[:size], datatype, shape), tail[size:]


def _raw_size(datatype: str, shape: list[int]) -> int:
    dtype = NUMPY.get(datatype, np.object_)
    itemsize = 0 if dtype is np.object_ else np.dtype(dtype).itemsize
    return int(np.prod(shape, dtype=np.int64)) * itemsize


def _from_json(data: Any, datatype: str, shape: list[int]) -> Array:
    dtype = NUMPY.get(datatype)
    if datatype == "FP16":
        raise StatusError(REST_BAD_INPUT)
    if dtype is None:
        raise StatusError(REST_UNSUPPORTED_PRECISION)
    try:
        array: Array = np.array(data, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise StatusError(REST_BAD_INPUT) from error
    return from_typed(array.reshape(-1), shape)


def encode(
    name: str, version: int, model: LoadedModel, results: Mapping[str, Array], ask: InferRequest
) -> tuple[bytes, int | None]:
    """The body of an infer answer, and the length of its JSON part when raw bytes follow."""
    outputs, raw = [], []
    for info in model.outputs:
        array, datatype = results[info.name], DATATYPES.get(info.precision, "")
        item: dict[str, Any] = {"name": info.name, "shape": list(array.shape), "datatype": datatype}
        if info.name in ask.binary:
            raw.append(to_raw(array))
            item["parameters"] = {"binary_data_size": len(raw[-1])}
        elif datatype in NUMPY and datatype != "FP16":
            item["data"] = _to_json(array)
        else:
            raise StatusError(REST_UNSUPPORTED_PRECISION, f"Unsupported precision{datatype}")
        outputs.append(item)
    document: dict[str, Any] = {"model_name": name}
    if ask.request_id:
        document["id"] = ask.request_id
    document |= {"model_version": str(version), "outputs": outputs}
    head = _pretty(document).encode()
    return head + b"".join(raw), len(head) if raw else None


def _pretty(document: Mapping[str, Any]) -> str:
    """The document with its arrays of numbers each on one line, as OVMS writes it."""
    rest = {key: value for key, value in document.items() if key != "outputs"}
    outputs = [
        "{\n"
        + ",\n".join(f"{' ' * 12}{json.dumps(k)}: {_member(v)}" for k, v in item.items())
        + f"\n{' ' * 8}}}"
        for item in document["outputs"]
    ]
    lines = [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in rest.items()]
    lines.append('    "outputs": [' + ", ".join(outputs) + "]")
    return "{\n" + ",\n".join(lines) + "\n}"


def _member(value: Any) -> str:
    if not isinstance(value, Mapping):
        return json.dumps(value)
    lines = [f"{' ' * 16}{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{' ' * 12}}}"


def _to_json(array: Array) -> list[Any]:
    flat = array.reshape(-1)
    if array.dtype.kind in "OSU":
        return [_as_bytes(item).decode(errors="replace") for item in flat]
    values: list[Any] = flat.tolist()
    return values
