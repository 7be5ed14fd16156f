# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds blocks of a signature by hash and by key; the indexes are small and made on first use."""

from __future__ import annotations

import re
import zlib
from array import array
from bisect import bisect_left
from typing import Dict, Iterator, List, Optional, Pattern, Tuple

from ..agent import blocks as agent_blocks
from .signature import Signature

SAME_KEY = 8  # places in a block tried for one key; blocks with a common key have neighbours


class BlockIndex:
    """The full blocks of a signature by hash: two sorted columns, 12 bytes a block."""

    def __init__(self, signature: Signature) -> None:
        self._strong = signature.strong
        self._full = signature.full
        self._sorted: Optional[array[int]] = None
        self._order: array[int] = array("I")

    def find(self, strong: int, expected: int = -1) -> int:
        """Return a block with this hash, the expected one if it has it, -1 for none."""
        if 0 <= expected < self._full and self._strong[expected] == strong:
            return expected
        if self._sorted is None:
            self._order = array("I", sorted(range(self._full), key=self._strong.__getitem__))
            self._sorted = array("Q", (self._strong[number] for number in self._order))
        place = bisect_left(self._sorted, strong)
        if place < self._full and self._sorted[place] == strong:
            return self._order[place]
        return -1


class KeyIndex:
    """The keys of a signature, and the search for them."""

    def __init__(self, signature: Signature) -> None:
        self.window = signature.window
        self._patterns: Tuple[Pattern[bytes], ...] = tuple(
            agent_blocks.marker_pattern(marker, signature.window) for marker in signature.markers
        )
        self._first: Dict[int, int] = {}
        self._more: Dict[int, List[int]] = {}
        self._offsets = signature.offsets
        for number in range(signature.full):
            if signature.offsets[number] != agent_blocks.NO_KEY:
                self._add(signature.keys[number], number)

    def _add(self, key: int, number: int) -> None:
        known = self._first.setdefault(key, number)
        if known == number or self._offsets[known] == self._offsets[number]:
            return
        more = self._more.setdefault(key, [])
        offset = self._offsets[number]
        if len(more) < SAME_KEY and all(self._offsets[other] != offset for other in more):
            more.append(number)

    def forget(self, key: int) -> None:
        """Stop searching for a key that has many false matches."""
        self._first.pop(key, None)

    def hits(self, data: bytes, start: int, stop: int) -> List[Tuple[int, int]]:
        """Return (place, key) of the markers in C([start, stop)) of the data, in order.

        Without any, which is common, only the C library looks at the bytes.
        """
        found: List[Tuple[int, int]] = []
        known = self._first.keys()
        limit = min(len(data), stop + self.window)
        for pattern in self._patterns:
            if known.isdisjoint(map(zlib.crc32, pattern.findall(data, start, limit))):
                continue
            found.extend(self._places(pattern, data, start, limit))
        return sorted(place for place in found if place[0] < stop)

    def _places(
        self, pattern: re.Pattern[bytes], data: bytes, start: int, limit: int
    ) -> Iterator[Tuple[int, int]]:
        for hit in pattern.finditer(data, start, limit):
            key = zlib.crc32(hit.group(1))
            if key in self._first:
                yield hit.start(), key

    def blocks(self, key: int) -> Iterator[Tuple[int, int]]:
        """Yield blocks with a key and where in the block its marker stands."""
        first = self._first.get(key)
        if first is None:
            return
        yield first, self._offsets[first]
        for number in self._more.get(key, ()):
            yield number, self._offsets[number]
