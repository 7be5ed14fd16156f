# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the .npy files of numpy without numpy. Pure.

The format: numpy/numpy, numpy/lib/format.py. Files with Python objects in them are refused: reading
one would run what is in it.
"""

from __future__ import annotations

import ast
import struct
from typing import Any, Dict, Tuple

_MAGIC = b"\x93NUMPY"
_TYPES = {
    "f8": "FP64",
    "f4": "FP32",
    "f2": "FP16",
    "i8": "INT64",
    "i4": "INT32",
    "i2": "INT16",
    "i1": "INT8",
    "u8": "UINT64",
    "u4": "UINT32",
    "u2": "UINT16",
    "u1": "UINT8",
    "b1": "BOOL",
}


def is_npy(data: bytes) -> bool:
    """Tell whether a file is one of numpy's."""
    return data.startswith(_MAGIC)


def parse_npy(data: bytes) -> Tuple[str, Tuple[int, ...], bytes]:
    """Return datatype, shape and raw bytes of a .npy file.

    Raises:
        ValueError: it is cut, of another version, or holds what no tensor can hold.
    """
    header, raw = _header(data)
    descr, shape = str(header.get("descr")), tuple(header.get("shape") or ())
    name = _TYPES.get(descr[1:])
    if name is None or descr[0] not in "<>|=":
        raise ValueError(f"the numpy type {descr} has no datatype in the KServe protocol")
    if header.get("fortran_order") and len(shape) > 1:
        raise ValueError("it is stored column by column: save numpy.ascontiguousarray(x) instead")
    size = int(descr[2:])
    if descr[0] == ">" and size > 1:
        swapped = bytearray(len(raw))
        for position in range(size):
            swapped[position::size] = raw[size - 1 - position :: size]
        raw = bytes(swapped)
    return name, shape, raw


def _header(data: bytes) -> Tuple[Dict[str, Any], bytes]:
    form = "<H" if data[6:7] == b"\x01" else "<I"
    start = 8 + struct.calcsize(form)
    try:
        (length,) = struct.unpack(form, data[8:start])
        header = ast.literal_eval(data[start : start + length].decode("utf-8"))
    except (struct.error, SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"it is no whole .npy file: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("it is no whole .npy file: its head is no mapping")
    return header, data[start + length :]
