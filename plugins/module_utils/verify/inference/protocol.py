# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KServe v2 over HTTP: requests to bytes, bytes to answers. Pure.

Tensors go and come as raw bytes: JSON has neither NaN nor FP16 (OVMS answers 412 and 400). OVMS
sends the raw bytes of an output only where the request names it; what it sends as JSON all the same
is read, too. Source: openvinotoolkit/model_server, src/http_rest_api_handler.cpp, src/kfs_frontend.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from .datatypes import datatype_of
from .tensors import Tensor, from_data, from_raw, shape_of

HEADER_LENGTH = "Inference-Header-Content-Length"
LIVE_PATH = "/v2/health/live"


@dataclass(frozen=True)
class Metadata:
    """What a server says of a model.

    Attributes:
        inputs: datatypes of what goes in, by name.
        outputs: datatypes of what comes out, by name.
        shapes: of the inputs, by name; a free dimension is -1.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The outputs of one inference, and the version that the server says it was."""

    version: Optional[int]
    outputs: Mapping[str, Tensor]


def model_path(model: str, version: Optional[int]) -> str:
    """Return the path of a model, and of a version if one is given."""
    path = f"/v2/models/{quote(model, safe='')}"
    return path if version is None else f"{path}/versions/{version}"


def infer_path(model: str, version: Optional[int]) -> str:
    """Return the path of inferences."""
    return f"{model_path(model, version)}/infer"


def encode(inputs: Sequence[Tensor], outputs: Sequence[str]) -> Tuple[bytes, Dict[str, str]]:
    """Return body and headers of an inference; C(outputs) are those that answer in raw bytes."""
    described = [
        describe(tensor.name, tensor.datatype.name, tensor.shape, len(tensor.raw))
        for tensor in inputs
    ]
    head, headers = encode_head(described, outputs)
    return head + b"".join(tensor.raw for tensor in inputs), headers


def encode_head(
    inputs: Sequence[Mapping[str, Any]], outputs: Sequence[str]
) -> Tuple[bytes, Dict[str, str]]:
    """Return the JSON that comes before the raw bytes of described inputs, and the headers."""
    document: Dict[str, Any] = {"inputs": list(inputs)}
    if outputs:
        wanted = {"binary_data": True}
        document["outputs"] = [{"name": name, "parameters": wanted} for name in outputs]
    head = json.dumps(document).encode("utf-8")
    return head, {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}


def describe(name: str, datatype: str, shape: Sequence[int], size: int) -> Dict[str, Any]:
    """Return what a request says of an input whose raw bytes follow."""
    return {
        "name": name,
        "shape": list(shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": size},
    }


def decode(headers: Mapping[str, str], body: bytes) -> Answer:
    """Return the outputs of an answer.

    Args:
        headers: with names in lower case.
        body: the whole of it.

    Raises:
        ValueError: it is no answer to an inference.
    """
    length = int(headers.get(HEADER_LENGTH.lower(), len(body)))
    document = json.loads(body[:length].decode("utf-8"))
    if not isinstance(document, dict) or not isinstance(document.get("outputs"), list):
        raise ValueError("the answer has no outputs")
    outputs: Dict[str, Tensor] = {}
    position = length
    for item in document["outputs"]:
        tensor, position = _output(item, body, position)
        outputs[tensor.name] = tensor
    version = str(document.get("model_version") or "")
    return Answer(int(version) if version.isdigit() else None, outputs)


def _output(item: Mapping[str, Any], body: bytes, position: int) -> Tuple[Tensor, int]:
    try:
        name, shape = str(item["name"]), shape_of(item["shape"])
        datatype = datatype_of(item["datatype"])
        size = (item.get("parameters") or {}).get("binary_data_size")
        if size is None:
            return from_data(name, datatype, shape, item["data"]), position
        end = position + int(size)
        return from_raw(name, datatype, shape, body[position:end]), end
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer has an output that cannot be read: {error!r}") from None


def parse_metadata(body: bytes) -> Metadata:
    """Return what the answer to C(GET /v2/models/NAME) says.

    Raises:
        ValueError: it is no such answer.
    """
    try:
        document = json.loads(body.decode("utf-8"))
        shapes = {
            str(item["name"]): tuple(int(size) for size in item.get("shape") or ())
            for item in document.get("inputs") or ()
        }
        return Metadata(_ports(document.get("inputs")), _ports(document.get("outputs")), shapes)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no metadata of a model: {error!r}") from None


def _ports(items: Any) -> Dict[str, str]:
    return {str(item["name"]): str(item.get("datatype")) for item in items or ()}


def reason(body: bytes) -> str:
    """Return what a server says in an answer that is an error."""
    text = body[:300].decode("utf-8", "replace").strip()
    try:
        document = json.loads(body.decode("utf-8"))
        return str(document["error"]) if isinstance(document, dict) else text
    except (ValueError, KeyError):
        return text


def unknown_names(asked: Sequence[str], known: Mapping[str, str]) -> List[str]:
    """Return the names that a model does not have; one that tells none may have any."""
    return [name for name in asked if name not in known] if known else []
