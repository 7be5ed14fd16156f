# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datatypes of the KServe v2 protocol: raw bytes to values and back. Pure.

Raw bytes are little-endian and row by row; an element of BYTES is its length in four bytes, then
its content (kserve/open-inference-protocol, specification/protocol/inference_rest.md; the binary
extension: triton-inference-server/server, docs/protocol/extension_binary_data.md).
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

FLOAT = "float"
INTEGER = "integer"
BOOLEAN = "boolean"
TEXT = "text"
_LENGTH = 4  # bytes before each element of BYTES


@dataclass(frozen=True)
class Datatype:
    """One datatype.

    Attributes:
        name: as the protocol has it.
        kind: what its values are.
        size: bytes of an element, 0 for BYTES, whose elements differ.
        code: of C(array) and C(struct), empty for those that these do not know.
        epsilon: the distance from 1 to the next number, 0 where numbers are exact.
        digits: decimal digits that tell two neighbours apart.
        rtol: usual relative tolerance. 1e-3 for 32 bits and more: other instruction sets change the
            last bits of each layer, another model changes everything. GPUs and CPUs with AMX
            compute in 16 bits where they may, but the answer is FP32 all the same: say more there.
        atol: usual absolute tolerance, for values near 0.
    """

    name: str
    kind: str
    size: int
    code: str = ""
    epsilon: float = 0.0
    digits: int = 17
    rtol: float = 0.0
    atol: float = 0.0


DATATYPES: Dict[str, Datatype] = {
    item.name: item
    for item in (
        Datatype("FP64", FLOAT, 8, "d", 2.0**-52, 17, 1e-3, 1e-5),
        Datatype("FP32", FLOAT, 4, "f", 2.0**-23, 9, 1e-3, 1e-5),
        Datatype("FP16", FLOAT, 2, "e", 2.0**-10, 5, 1e-2, 1e-3),
        Datatype("BF16", FLOAT, 2, "", 2.0**-7, 4, 2e-2, 1e-2),
        Datatype("INT64", INTEGER, 8, "q"),
        Datatype("INT32", INTEGER, 4, "i"),
        Datatype("INT16", INTEGER, 2, "h"),
        Datatype("INT8", INTEGER, 1, "b"),
        Datatype("UINT64", INTEGER, 8, "Q"),
        Datatype("UINT32", INTEGER, 4, "I"),
        Datatype("UINT16", INTEGER, 2, "H"),
        Datatype("UINT8", INTEGER, 1, "B"),
        Datatype("BOOL", BOOLEAN, 1, "?"),
        Datatype("BYTES", TEXT, 0),
    )
}


def datatype_of(name: Any) -> Datatype:
    """Return a datatype by its name.

    Raises:
        ValueError: the protocol has no such datatype.
    """
    found = DATATYPES.get(str(name))
    if found is None:
        raise ValueError(f"the datatype {name} is unknown; there are {', '.join(DATATYPES)}")
    return found


def unpack(raw: bytes, datatype: Datatype) -> Sequence[Any]:
    """Return the values of raw bytes, one after the other.

    Raises:
        ValueError: the bytes do not hold whole elements.
    """
    if datatype.kind == TEXT:
        return _split(raw)
    if len(raw) % datatype.size:
        raise ValueError(f"{len(raw)} bytes are no whole number of {datatype.name} values")
    if datatype.name == "BF16":
        upper = array("H", raw)
        return _native(array("f", b"".join(_upper_half(upper))))
    if datatype.code in ("e", "?"):
        return struct.unpack(f"<{len(raw) // datatype.size}{datatype.code}", raw)
    return _native(array(datatype.code, raw))


def _native(values: "array[Any]") -> "array[Any]":
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _upper_half(values: Sequence[int]) -> List[bytes]:
    """Return the four bytes of the FP32 whose upper half each value is."""
    order = "<" if sys.byteorder == "little" else ">"
    return [
        struct.pack(f"{order}2H", *((0, value) if order == "<" else (value, 0))) for value in values
    ]


def _split(raw: bytes) -> List[bytes]:
    found, position = [], 0
    while position < len(raw):
        start = position + _LENGTH
        end = start + int.from_bytes(raw[position:start], "little")
        if start > len(raw) or end > len(raw):
            raise ValueError("an element of BYTES is longer than the bytes that are there")
        found.append(raw[start:end])
        position = end
    return found


def pack(values: Sequence[Any], datatype: Datatype) -> bytes:
    """Return values as raw bytes.

    Raises:
        ValueError: a value does not fit the datatype.
    """
    if datatype.kind == TEXT:
        parts = [value if isinstance(value, bytes) else _text(value).encode() for value in values]
        return b"".join(len(part).to_bytes(_LENGTH, "little") + part for part in parts)
    wanted = [_value(value, datatype) for value in values]
    try:
        if datatype.name == "BF16":
            return b"".join(_bf16(value) for value in wanted)
        return struct.pack(f"<{len(wanted)}{datatype.code}", *wanted)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a value is out of the range of {datatype.name}: {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text, as BYTES wants it")
    return value


def _value(value: Any, datatype: Datatype) -> Any:
    """Return a value of a file as the datatype has it; YAML reads C(1e-5) as a text."""
    if datatype.kind == FLOAT:
        return number(value)
    if datatype.kind == BOOLEAN and value in (0, 1):
        return bool(value)
    if datatype.kind == INTEGER and isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} is no value of {datatype.name}")


def number(value: Any) -> float:
    """Return a number as files have it: JSON has no NaN, so texts stand for it and for infinity.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    raise ValueError(f"{value!r} is no number")


def _bf16(value: float) -> bytes:
    """Return the upper half of an FP32, rounded to the nearest, ties to even."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    if not math.isnan(value):
        bits += 0x7FFF + (bits >> 16 & 1)
    return struct.pack("<H", bits >> 16 & 0xFFFF)
