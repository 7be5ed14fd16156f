# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses block signatures; C(agent/blocks.py) makes them and documents the format."""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass, field
from typing import Tuple

from ..agent import blocks

SMALLEST_BLOCK = 4 << 10
LARGEST_BLOCK = 64 << 10
# Below this a file is sent whole: a question, an answer and a seek cost more than its bytes.
SMALLEST_DELTA = 64 << 10


@dataclass(frozen=True)
class Signature:
    """The block signature of a file on the edge.

    Attributes:
        block: bytes of a block.
        size: bytes of the file.
        sha256: of the file in hex, C("") when the edge did not know it.
        window: bytes after a marker that make a key.
        markers: byte values before keys.
        strong: first 64 bits of each block's sha256; the last block may be short.
        keys: CRC-32 of each block's window.
        offsets: of each block's marker, C(NO_KEY) for none.
        wire: bytes that the signature took on the link.
    """

    block: int
    size: int
    sha256: str
    window: int
    markers: bytes
    strong: array[int] = field(repr=False)
    keys: array[int] = field(repr=False)
    offsets: array[int] = field(repr=False)
    wire: int = 0

    @property
    def full(self) -> int:
        """Number of blocks of full length."""
        return self.size // self.block

    @property
    def tail(self) -> int:
        """Bytes of the short block at the end, 0 for none."""
        return self.size % self.block


def block_size(size: int) -> int:
    """Return the block size for a file: near half the root of its size, a power of two.

    Larger blocks make each change dearer, smaller ones the list of hashes; they cost the same when
    a file of C(n) bytes has some C(n / 4096) changes to it: 4 KiB up to 64 MiB, 16 KiB at 1 GiB.
    """
    block = SMALLEST_BLOCK
    while block < LARGEST_BLOCK and (2 * block) ** 2 * 4 <= size:
        block *= 2
    return block


def delta_pays(size: int) -> bool:
    """Return whether it is worth asking for the signature of a file of this size."""
    return size >= SMALLEST_DELTA


def parse_signature(data: bytes) -> Signature:
    """Parse a signature that C(agent/blocks.py) made.

    Raises:
        ValueError: it is no signature.
    """
    try:
        magic, block, size, window, count, markers, digest = blocks.HEADER.unpack_from(data)
    except struct.error as error:
        raise ValueError("not a block signature: too short") from error
    if magic != blocks.MAGIC or not _sound(block, window, count):
        raise ValueError("not a block signature: bad header")
    if len(data) != blocks.length_of(size, block):
        raise ValueError("not a block signature: the length does not fit the file")
    strong, keys, offsets = _columns(data, (size + block - 1) // block)
    known = digest.hex() if any(digest) else ""
    return Signature(
        block, size, known, window, markers[:count], strong, keys, offsets, wire=len(data)
    )


def _sound(block: int, window: int, count: int) -> bool:
    power = blocks.MIN_BLOCK <= block <= blocks.MAX_BLOCK and not block & (block - 1)
    return power and window == blocks.window_of(block) and count <= blocks.MAX_MARKERS


def _columns(data: bytes, count: int) -> Tuple[array[int], array[int], array[int]]:
    columns = (array("Q"), array("I"), array("H"))
    start = blocks.HEADER.size
    for column, width in zip(columns, (8, 4, 2)):
        column.frombytes(data[start : start + width * count])
        start += width * count
        if sys.byteorder == "little":
            column.byteswap()
    return columns
