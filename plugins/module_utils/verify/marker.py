# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker: a model whose name identifies the configuration that a replica has loaded. Pure.

C(GET /v1/config) tells versions and states, and nothing of devices, shapes, plugin settings or
pipelines, so two configurations may look the same from outside. The last entry of a configuration
of ours is therefore a model of one node that copies its input, and its name carries the digest of
all other entries. It lies in the volume of the configuration itself. A replica that reports it as
AVAILABLE has read this configuration, and tried every model before it: at an unknown key of
C(plugin_config) OVMS stops, and the models after it, this one included, are retired.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Dict, List, Mapping, Optional

PREFIX = "edge-config-"
# Key and path in the ConfigMap's volume; a version directory is a must before OVMS 2026.3.
MARKER_KEY = "edge-config.onnx"
MARKER_DIR = "edge-config"
MARKER_PATH = f"{MARKER_DIR}/1/model.onnx"
VERSION = 1
_DIGITS = 16
_FLOAT = 1


def marker_name(text: str) -> str:
    """Return the name of the marker of a configuration, from its text without the marker."""
    return PREFIX + hashlib.sha256(text.encode("utf-8")).hexdigest()[:_DIGITS]


def is_marker(name: str) -> bool:
    """Tell whether a model is a marker, and so none of a user's."""
    digits = name[len(PREFIX) :]
    hexadecimal = all(digit in "0123456789abcdef" for digit in digits)
    return name.startswith(PREFIX) and len(digits) == _DIGITS and hexadecimal


def marker_of(text: str) -> Optional[str]:
    """Return the marker's name in a configuration, None where it has none.

    A ConfigMap that others have written may hold any text, or none.
    """
    try:
        items = json.loads(text).get("model_config_list") or ()
        names = [str((item.get("config") or {}).get("name") or "") for item in items]
    except (ValueError, AttributeError, TypeError):
        return None
    return next((name for name in names if is_marker(name)), None)


def without_marker(config: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a configuration without its marker."""
    items = config.get("model_config_list") or ()
    kept = [item for item in items if not is_marker(str(item["config"]["name"]))]
    return {**config, "model_config_list": kept}


def marker_entry(name: str, directory: str) -> Dict[str, Any]:
    """Return the entry; C(directory) is where the server sees the configuration's volume."""
    entry = {"name": name, "base_path": f"{directory}/{MARKER_DIR}", "target_device": "CPU"}
    return {"config": entry}


def marker_data() -> Dict[str, str]:
    """Return the file as a ConfigMap's C(binaryData) has it."""
    return {MARKER_KEY: base64.b64encode(marker_model()).decode("ascii")}


def marker_items(config_file: str) -> List[Dict[str, str]]:
    """Return the files of the volume: the configuration, and the marker in a version directory."""
    return [
        {"key": config_file, "path": config_file},
        {"key": MARKER_KEY, "path": MARKER_PATH},
    ]


def marker_model() -> bytes:
    """Return an ONNX model that copies one number (onnx/onnx, onnx/onnx.proto)."""
    node = _text(1, "x") + _text(2, "y") + _text(4, "Identity")
    ports = [_part(number, _text(1, name) + _part(2, _scalar())) for number, name in _PORTS]
    graph = _part(1, node) + _text(2, "edge") + b"".join(ports)
    opset = _number(2, 13)
    return _number(1, 8) + _part(7, graph) + _part(8, opset)


# Fields of a graph: its input and its output.
_PORTS = ((11, "x"), (12, "y"))


def _scalar() -> bytes:
    """Return the type of a tensor of one number."""
    shape = _part(1, _number(1, 1))
    return _part(1, _number(1, _FLOAT) + _part(2, shape))


def _number(field: int, value: int) -> bytes:
    """Return a field with a small number (protobuf's varint of one byte)."""
    return bytes((field << 3, value))


def _part(field: int, content: bytes) -> bytes:
    """Return a field with bytes, of which there are fewer than 128."""
    return bytes((field << 3 | 2, len(content))) + content


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode("ascii"))
