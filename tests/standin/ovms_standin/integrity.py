# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a model file is whole, by its own account of its length."""

from __future__ import annotations

import re
from pathlib import Path

_DATA = re.compile(rb"<data\b[^>]*>")
_ATTRIBUTE = re.compile(rb'\b(offset|size)="([0-9]+)"')
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
#: Fields of ModelProto in ONNX's onnx.proto: the graph and the operator sets it needs.
_GRAPH_FIELD, _OPSET_FIELD = 7, 8


def weights_needed(xml: bytes) -> int:
    """Bytes of `.bin` that an IR's constants reach to: the largest offset + size."""
    end = 0
    for tag in _DATA.findall(xml):
        values = {name: int(number) for name, number in _ATTRIBUTE.findall(tag)}
        if b"offset" in values and b"size" in values:
            end = max(end, values[b"offset"] + values[b"size"])
    return end


def check_ir(xml: bytes, weights: Path) -> None:
    """Raises ValueError when the xml is cut off or the weights are shorter than it says."""
    if not xml.rstrip().endswith(b"</net>"):
        raise ValueError("the xml is cut off: no closing </net>")
    needed, size = weights_needed(xml), weights.stat().st_size
    if size < needed:
        raise ValueError(f"Incorrect weights in bin file! {size} bytes of {needed}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _skip(data: bytes, kind: int, position: int) -> int:
    if kind == _VARINT:
        return _varint(data, position)[1]
    if kind == _FIXED64:
        return position + 8
    if kind == _FIXED32:
        return position + 4
    if kind != _BYTES:
        raise ValueError(f"wire type {kind} at byte {position}")
    length, position = _varint(data, position)
    return position + length


def check_onnx(data: bytes) -> None:
    """Raises ValueError when the top level of the protobuf message is not whole."""
    position, fields = 0, set()
    try:
        while position < len(data):
            key, position = _varint(data, position)
            position = _skip(data, key & 7, position)
            fields.add(key >> 3)
    except IndexError as error:
        raise ValueError("the ONNX file is cut off") from error
    if position != len(data):
        raise ValueError(f"the ONNX file is cut off: {len(data)} bytes of at least {position}")
    if not {_GRAPH_FIELD, _OPSET_FIELD} <= fields:
        raise ValueError("the ONNX file is cut off: no graph or no operator set")
