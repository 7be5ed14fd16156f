# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the parts of a new file that the edge can copy from an old file on its store.

The next block of the new file is first compared with the next block of the old one, then looked up
among all of its blocks. Where both fail there is a gap: markers in it are searched for keys, which
finds blocks at any byte position, and the blocks that follow it in steps are looked up too. What is
found is extended backward, also over what was copied already. So each changed region costs at most
its own bytes and two blocks.
"""

from __future__ import annotations

import hashlib
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from .index import BlockIndex, KeyIndex
from .signature import Signature

Read = Callable[[int, int], bytes]

READ_BYTES = 1 << 20
LONG_COPY = 64 << 20  # bytes after which a copy is emitted, so that the edge can start on it
LONG_LITERAL = 8 << 20
FIRST_GAP, LONGEST_GAP = 4, 64  # blocks searched at once
# Work on keys that are found but belong to other blocks is bounded for each key and in all. In a
# pattern that repeats, a key is found everywhere, but its block only once it fits: after some
# misses the key is tried each 64th of a block, then ever more seldom, and in the end no longer.
KEY_MISSES = 64
MOST_KEY_MISSES = 16 * KEY_MISSES
FREE_MISSES = 4 << 20  # bytes; beyond that as many as the file has
SAMPLES = 48
SAMPLED_FROM = 512  # blocks; smaller files are matched without asking whether it is worth it
HOPELESS = 0.4  # share of samples known to the edge; below it the file is sent whole


class Copy(NamedTuple):
    """Bytes that stand at C(offset) in the old file."""

    offset: int
    length: int


class Literal(NamedTuple):
    """Bytes that have to be sent; C(offset) is in the new file."""

    offset: int
    length: int


Op = Union[Copy, Literal]
Found = Tuple[int, int]  # where a block begins in the new file, and its number in the old one


def match(read: Read, size: int, signature: Signature, start: int = 0) -> Iterator[Op]:
    """Yield what makes the new file from C(start) on, in order.

    Args:
        read: returns bytes of the new file by offset and length.
        size: bytes of the new file.
        signature: of the old file.
        start: bytes that are there already.
    """
    if size <= start:
        return
    matcher = Matcher(read, size, signature, start - start % signature.block)
    if matcher.hopeless():
        yield Literal(start, size - start)
        return
    position = matcher.first
    for op in matcher.run():
        before = max(0, start - position)
        position += op.length
        if before < op.length:
            yield type(op)(op.offset + before, op.length - before)


class Matcher:
    """One pass over the new file.

    State: everything before C(literal) is emitted or is in the pending copy (C(copy_offset),
    C(copy_length)), which ends at C(literal).
    """

    def __init__(self, read: Read, size: int, signature: Signature, first: int = 0) -> None:
        self._read, self._size, self._signature = read, size, signature
        self._block, self._full = signature.block, signature.full
        self._blocks = BlockIndex(signature)
        self._keys: Optional[KeyIndex] = None
        self._buffer, self._buffer_start = memoryview(b""), 0
        self._missed = 0
        self._key_misses: Dict[int, int] = {}
        self._key_rests: Dict[int, int] = {}  # the next offset to try a key that often missed
        self.first = self._literal = first
        self._copy_offset = self._copy_length = 0

    # -- bytes --------------------------------------------------------------------------------

    def _bytes(self, start: int, length: int) -> memoryview:
        begin = start - self._buffer_start
        if begin < 0:  # a read backward; keep the buffer for the next read
            return memoryview(self._read(start, length))
        if begin + length > len(self._buffer):
            count = min(max(length, READ_BYTES), self._size - start)
            self._buffer = memoryview(self._read(start, count))
            self._buffer_start, begin = start, 0
        return self._buffer[begin : begin + length]

    def _strong(self, start: int, length: int) -> int:
        digest = hashlib.sha256(self._bytes(start, length)).digest()
        return int.from_bytes(digest[:8], "big")

    # -- the pass -----------------------------------------------------------------------------

    def run(self) -> Iterator[Op]:
        """Yield what makes the file from C(first) on."""
        position, expected = self.first, self.first // self._block
        while position + self._block <= self._size:
            number = self._blocks.find(self._strong(position, self._block), expected)
            if number >= 0:
                yield from self._take(position, number * self._block, self._block)
                position, expected = position + self._block, number + 1
                continue
            if expected == self._full and self._tail_at(position):
                yield from self._take_tail(position)
                position += self._signature.tail
                expected = -1 << 62
                continue
            found, gap_end = self._gap(position)
            yield from self._tell_long(gap_end if found is None else found[0])
            if found is None:
                expected += (gap_end - position) // self._block
                position = gap_end
                continue
            position, expected = found
        yield from self._finish(position, expected)

    def _take(self, start: int, offset: int, length: int) -> Iterator[Op]:
        """Copy C(length) bytes from the old file to C(start); may give up a part of a copy."""
        if start < self._literal:
            self._copy_length -= self._literal - start
            self._literal = start
        if start == self._literal and offset == self._copy_offset + self._copy_length:
            self._copy_length += length
            self._literal = start + length
            if self._copy_length > LONG_COPY:
                yield from self._tell_copy(keep=2 * self._block)
            return
        yield from self._tell_copy()
        if start > self._literal:
            yield Literal(self._literal, start - self._literal)
        self._copy_offset, self._copy_length = offset, length
        self._literal = start + length

    def _tell_copy(self, keep: int = 0) -> Iterator[Op]:
        told = self._copy_length - keep
        if told > 0:
            yield Copy(self._copy_offset, told)
            self._copy_offset += told
            self._copy_length = keep

    def _tell_long(self, sure: int) -> Iterator[Op]:
        """Emit most of a long literal that lasts until C(sure), so that sending does not stall."""
        end = min(self._buffer_start, sure) - 2 * LONGEST_GAP * self._block
        if end - self._literal > LONG_LITERAL:
            yield from self._tell_copy()
            self._copy_length = 0
            yield Literal(self._literal, end - self._literal)
            self._literal = end

    def _finish(self, position: int, expected: int) -> Iterator[Op]:
        if expected == self._full and position >= self._literal and self._tail_at(position):
            yield from self._take_tail(position)
        elif self._size > self._literal:
            yield from self._take_end()
        yield from self._tell_copy()
        if self._size > self._literal:
            yield Literal(self._literal, self._size - self._literal)

    def _take_end(self) -> Iterator[Op]:
        """Copy what the new file ends with from the end of the old one.

        It may replace the end of the last copy: in a repeating pattern, that copy may have matched
        elsewhere.
        """
        tail = self._signature.tail
        at_end = self._size - tail
        if at_end < self._literal - self._copy_length or (tail and not self._tail_at(at_end)):
            return
        begin, number = self._backward((at_end, self._full))
        length = (self._full - number) * self._block + tail
        if length:
            yield from self._take(begin, number * self._block, length)

    def _tail_at(self, start: int) -> bool:
        tail = self._signature.tail
        if not tail or start < 0 or start + tail > self._size:
            return False
        return self._strong(start, tail) == self._signature.strong[self._full]

    def _take_tail(self, start: int) -> Iterator[Op]:
        yield from self._take(start, self._full * self._block, self._signature.tail)

    # -- gaps ---------------------------------------------------------------------------------

    def _gap(self, position: int) -> Tuple[Optional[Found], int]:
        """Return the next block that the edge has, and where the search ended without one.

        The block at C(position) is known to be none.
        """
        step, begin, count = self._block, position, FIRST_GAP
        skip = 1
        while begin < self._size:
            end = min(begin + count * step, self._size)
            on_grid = self._on_grid(begin + skip * step, end)
            shifted = self._shifted(begin, on_grid[0] if on_grid else end)
            found = self._earlier(on_grid, shifted)
            if found is not None:
                return found, end
            begin, count, skip = end, min(2 * count, LONGEST_GAP), 0
            if end - position >= LONG_LITERAL:
                break
        return None, begin

    def _earlier(self, on_grid: Optional[Found], shifted: Optional[Found]) -> Optional[Found]:
        if shifted is None:
            return on_grid
        shifted = self._backward(shifted)
        return on_grid if on_grid and on_grid[0] < shifted[0] else shifted

    def _on_grid(self, start: int, end: int) -> Optional[Found]:
        for place in range(start, min(end, self._size - self._block + 1), self._block):
            number = self._blocks.find(self._strong(place, self._block))
            if number >= 0:
                return place, number
        return None

    def _shifted(self, start: int, stop: int) -> Optional[Found]:
        """Return the first block in C([start, stop)) that is known by its key and its hash."""
        if start >= stop:
            return None
        if self._keys is None:
            self._keys = KeyIndex(self._signature)
        keys = self._keys
        origin = max(0, start - 2)  # a marker shows only against the byte before it
        length = min(stop + keys.window, self._size) - origin
        data = bytes(self._bytes(origin, length))
        tried: Dict[int, bool] = {}
        for place, key in keys.hits(data, start - origin, stop - origin):
            for _number, inside in keys.blocks(key):
                begin = place + origin - inside
                if begin in tried:
                    continue
                tried[begin] = True
                number = self._confirmed(begin, key)
                if number >= 0:
                    return begin, number
        return None

    def _confirmed(self, begin: int, key: int) -> int:
        """Return the old block that stands at C(begin), -1 for none."""
        if begin <= self._literal - self._copy_length and begin != self._literal:
            return -1
        if begin < 0 or begin + self._block > self._size:
            return -1
        if self._missed > FREE_MISSES + self._size:
            return -1
        if begin < self._key_rests.get(key, 0):
            return -1
        number = self._blocks.find(self._strong(begin, self._block))
        if number >= 0:
            self._key_misses.pop(key, None)
            self._key_rests.pop(key, None)
        else:
            self._miss(begin, key)
        return number

    def _miss(self, begin: int, key: int) -> None:
        self._missed += self._block
        misses = self._key_misses[key] = self._key_misses.get(key, 0) + 1
        if misses >= KEY_MISSES:
            self._key_rests[key] = begin + ((self._block // KEY_MISSES) << misses // KEY_MISSES - 1)
        if misses >= MOST_KEY_MISSES and self._keys is not None:
            self._keys.forget(key)

    def _backward(self, found: Found) -> Found:
        """Return the first block of the run that ends with a found one."""
        begin, number = found
        lowest = self._literal - self._copy_length
        while begin > self._literal and number > 0:
            before = begin - self._block
            if before < lowest or (before == lowest and before < self._literal):
                break
            if self._strong(before, self._block) != self._signature.strong[number - 1]:
                break
            begin, number = before, number - 1
        return begin, number

    # -- is it worth it? ----------------------------------------------------------------------

    def hopeless(self) -> bool:
        """Return whether samples show that the edge has too little of the file for a delta."""
        blocks = (self._size - self.first) // self._block
        if blocks < SAMPLED_FROM:
            return False
        known = sum(1 for number in range(SAMPLES) if self._sample(blocks * number // SAMPLES))
        # The pass starts again at the beginning of the file.
        self._buffer, self._buffer_start, self._missed = memoryview(b""), 0, 0
        self._key_misses.clear()
        self._key_rests.clear()
        return known < HOPELESS * SAMPLES

    def _sample(self, number: int) -> bool:
        start = self.first + number * self._block
        end = min(start + 3 * self._block, self._size)
        if self._on_grid(start, end - self._block):
            return True
        return self._shifted(start, end) is not None


def lengths(ops: List[Op]) -> Tuple[int, int]:
    """Return the bytes that are copied and the bytes that are sent."""
    copied = sum(op.length for op in ops if isinstance(op, Copy))
    return copied, sum(op.length for op in ops if isinstance(op, Literal))
