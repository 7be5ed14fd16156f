# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorFlow Serving's REST API of the old generation: predict and metadata.

Sources, of the last release that had it: src/rest_parser.cpp, src/rest_utils.cpp,
src/tfs_frontend/.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ovms_standin.kserve import DATATYPES, NUMPY
from ovms_standin.status import (
    JSON_INVALID,
    REST_BAD_INPUT,
    REST_BODY_NOT_OBJECT,
    REST_NO_INPUTS,
    REST_NO_INSTANCES,
    REST_UNKNOWN_ORDER,
    StatusError,
)

if TYPE_CHECKING:
    from ovms_standin.model import Array, LoadedModel, TensorInfo

#: OpenVINO's type names to (name, number) of tensorflow.DataType (types.proto).
TF_TYPES = {
    "f32": ("DT_FLOAT", 1),
    "f64": ("DT_DOUBLE", 2),
    "i32": ("DT_INT32", 3),
    "u8": ("DT_UINT8", 4),
    "i16": ("DT_INT16", 5),
    "i8": ("DT_INT8", 6),
    "string": ("DT_STRING", 7),
    "i64": ("DT_INT64", 9),
    "boolean": ("DT_BOOL", 10),
    "bf16": ("DT_BFLOAT16", 14),
    "u16": ("DT_UINT16", 17),
    "f16": ("DT_HALF", 19),
    "u32": ("DT_UINT32", 22),
    "u64": ("DT_UINT64", 23),
}


def _tensor_info(info: TensorInfo) -> dict[str, Any]:
    return {
        "dtype": TF_TYPES.get(info.precision, ("DT_INVALID", 0))[0],
        "tensorShape": {
            "dim": [{"size": str(size), "name": ""} for size in info.shape],
            "unknownRank": False,
        },
        "name": info.name,
    }


def metadata(name: str, version: int, model: LoadedModel) -> bytes:
    """GET /v1/models/{m}/metadata."""
    signature = {
        "inputs": {info.name: _tensor_info(info) for info in model.inputs},
        "outputs": {info.name: _tensor_info(info) for info in model.outputs},
        "methodName": "",
        "defaults": {},
    }
    body = {
        "modelSpec": {"name": name, "signatureName": "", "version": str(version)},
        "metadata": {
            "signature_def": {
                "@type": "type.googleapis.com/tensorflow.serving.SignatureDefMap",
                "signatureDef": {"serving_default": signature},
            }
        },
    }
    return (json.dumps(body, indent=1) + "\n").encode()


def decode(body: bytes, model: LoadedModel) -> tuple[dict[str, Array], bool]:
    """The tensors of a predict call, and whether it came in row order. Raises StatusError."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise StatusError(JSON_INVALID) from error
    if not isinstance(document, dict):
        raise StatusError(REST_BODY_NOT_OBJECT)
    if ("inputs" in document) == ("instances" in document):
        raise StatusError(REST_UNKNOWN_ORDER)
    if "instances" in document:
        return _rows(document["instances"], model), True
    return _columns(document["inputs"], model), False


def _rows(instances: Any, model: LoadedModel) -> dict[str, Array]:
    if not isinstance(instances, list) or not instances:
        raise StatusError(REST_NO_INSTANCES)
    if all(isinstance(row, dict) and "b64" not in row for row in instances):
        names = instances[0].keys()
        if any(row.keys() != names for row in instances):
            raise StatusError(REST_BAD_INPUT)
        return {name: _array(name, [row[name] for row in instances], model) for name in names}
    return {model.inputs[0].name: _array(model.inputs[0].name, instances, model)}


def _columns(inputs: Any, model: LoadedModel) -> dict[str, Array]:
    if inputs in ({}, []):
        raise StatusError(REST_NO_INPUTS)
    if isinstance(inputs, dict) and "b64" not in inputs:
        return {name: _array(name, value, model) for name, value in inputs.items()}
    return {model.inputs[0].name: _array(model.inputs[0].name, inputs, model)}


def _array(name: str, value: Any, model: LoadedModel) -> Array:
    precision = next((i.precision for i in model.inputs if i.name == name), "f32")
    dtype = NUMPY[DATATYPES.get(precision, "FP32")]
    try:
        return np.array(_decoded(value), dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise StatusError(REST_BAD_INPUT) from error


def _decoded(value: Any) -> Any:
    """Base64 objects as the bytes they hold."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"])
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value


def encode(results: dict[str, Array], *, rows: bool) -> bytes:
    """The body of a predict answer, in the order the request had."""
    plain = {name: array.tolist() for name, array in results.items()}
    single = next(iter(plain.values())) if len(plain) == 1 else None
    if not rows:
        return _pretty({"outputs": plain if single is None else single})
    if single is not None:
        return _pretty({"predictions": single})
    count = min(len(value) for value in plain.values())
    named = [{name: value[row] for name, value in plain.items()} for row in range(count)]
    return _pretty({"predictions": named})


def _pretty(value: Any) -> bytes:
    return json.dumps(value, indent=4).encode()
