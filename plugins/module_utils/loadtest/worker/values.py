# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random values of tensors, the same ones for the same seed."""

from __future__ import annotations

import random
import struct
import sys
from array import array
from typing import Dict

CODES: Dict[str, str] = {
    "FP64": "d",
    "FP32": "f",
    "FP16": "e",
    "INT64": "q",
    "INT32": "i",
    "INT16": "h",
    "INT8": "b",
    "UINT64": "Q",
    "UINT32": "I",
    "UINT16": "H",
    "UINT8": "B",
}
TEXT_BYTES = 8  # of each element of BYTES


def size(datatype: str, count: int) -> int:
    """Return how many bytes so many random values have.

    Raises:
        KeyError: there is no such datatype.
    """
    if datatype == "BYTES":
        return count * (4 + TEXT_BYTES)
    if datatype in ("BF16", "BOOL"):
        return count * (2 if datatype == "BF16" else 1)
    return count * struct.calcsize(CODES[datatype])


def raw(datatype: str, count: int, seed: int) -> bytes:
    """Return random values: floating point ones from 0 to 1, whole ones from 0 to 127.

    Little-endian and row by row. The values of C(BYTES) are texts of eight letters.

    Raises:
        KeyError: there is no such datatype.
    """
    source = random.Random(seed)
    if datatype == "BYTES":
        letters = "abcdefghijklmnopqrstuvwxyz"
        texts = ("".join(source.choices(letters, k=TEXT_BYTES)) for _turn in range(count))
        return b"".join(struct.pack("<I", TEXT_BYTES) + text.encode() for text in texts)
    if datatype == "BOOL":
        return bytes(source.getrandbits(1) for _turn in range(count))
    if datatype == "BF16":
        # The upper half of an FP32 of the machine's own order, little-endian.
        halves = (struct.pack("<f", source.random())[2:] for _turn in range(count))
        return b"".join(halves)
    code = CODES[datatype]
    if code == "e":
        return struct.pack(f"<{count}e", *(source.random() for _turn in range(count)))
    if code in "df":
        values = array(code, (source.random() for _turn in range(count)))
    else:
        values = array(code, source.choices(range(128), k=count))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
