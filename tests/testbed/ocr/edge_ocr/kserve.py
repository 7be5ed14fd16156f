# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers of the KServe v2 REST protocol, as bytes (no socket here).

Both forms of tensors: JSON numbers (KServe "Open Inference Protocol" v2) and the binary data
extension that OVMS and Triton share: the JSON head, then the raw little-endian values, the length
of the head in the header ``Inference-Header-Content-Length``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .detection import Floats

HEAD_LENGTH = "Inference-Header-Content-Length"


class ServingError(Exception):
    """The server refused a request, or its answer is not what the protocol says."""


def infer_request(name: str, tensor: Floats, *, binary: bool) -> tuple[bytes, dict[str, str]]:
    """Return body and headers that ask for all outputs, given one FP32 input."""
    head: dict[str, Any] = {"name": name, "shape": list(tensor.shape), "datatype": "FP32"}
    if not binary:
        head["data"] = tensor.ravel().tolist()
        return json.dumps({"inputs": [head]}).encode(), {"Content-Type": "application/json"}
    raw = tensor.astype("<f4").tobytes()
    head["parameters"] = {"binary_data_size": len(raw)}
    text = json.dumps({"inputs": [head], "parameters": {"binary_data_output": True}}).encode()
    headers = {HEAD_LENGTH: str(len(text)), "Content-Type": "application/octet-stream"}
    return text + raw, headers


def first_output(body: bytes, headers: Mapping[str, str]) -> Floats:
    """Return the first output tensor of an answer, whichever form it has.

    Args:
        body: of the answer.
        headers: of the answer, keys in lower case.

    Raises:
        ServingError: the answer is no tensor.
    """
    head_length = int(headers.get(HEAD_LENGTH.lower(), len(body)))
    try:
        output = json.loads(body[:head_length])["outputs"][0]
        if output["datatype"] != "FP32":
            raise ServingError(f"output has the type {output['datatype']}, not FP32")
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            values = np.asarray(output["data"], dtype=np.float32)
        else:
            values = np.frombuffer(body[head_length : head_length + size], dtype="<f4")
        return values.reshape(output["shape"])
    except (ValueError, LookupError, TypeError) as error:
        raise ServingError(f"not an inference answer: {error}: {body[:200]!r}") from error


def checked(status: int, body: bytes, path: str) -> bytes:
    """Return the body of a good answer.

    Raises:
        ServingError: the status is not 200; the message carries the server's own words.
    """
    if status != 200:
        raise ServingError(f"{path}: HTTP {status}: {body[:300].decode(errors='replace')}")
    return body
