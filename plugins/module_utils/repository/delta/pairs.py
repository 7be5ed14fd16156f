# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a new file shares with an old one when the controller has both of them.

Bytes are compared where they stand, nothing is hashed, and changes are found to the byte. Only
where much has changed, content that has moved is searched for by the keys of C(agent/blocks.py).
The ops are those of C(match.py), a function of the two files alone.
"""

from __future__ import annotations

import os
from typing import Dict, Generator, Iterator, NamedTuple, Optional, Tuple

from ..agent import blocks
from .index import KeyIndex
from .match import Copy, Literal, Op, Read
from .signature import block_size, parse_signature

GRAIN = 4 << 10  # bytes that have to be equal before a copy begins again after a change
STEP = 128 << 10  # bytes compared at once; more would leave the cache before they are compared
SHORT = 64  # bytes; a copy of fewer costs about as much as sending them
LONG_COPY = 16 << 20  # bytes after which a copy is emitted, so that the edge can start on it
FIRST_GAP, LONGEST_GAP = 64 << 10, 4 << 20  # bytes searched at once
# The keys of an old file cost some 0.7 CPU s for each GiB, and are made once one change is longer
# than a sixteenth of the file (at least AHEAD), or all of them are more than a fiftieth of it.
AHEAD = 4 << 20
AHEAD_SHARE, FREE_SHARE = 16, 50
# Bytes of one file that are looked for in the other, where it seems to go on elsewhere.
PROBE = 64
FARTHER = 3  # times the length of a change, in which the end of what was put in is looked for
JUMP = 64 << 20  # bytes of the old file that are searched for what follows a deletion
SAMPLES = 32
SAMPLED_FROM = 8 << 20  # bytes left, from which samples tell whether the search is worth it
HOPELESS = 0.4  # share of samples found; below it only bytes at their old place are copied
# False hits are bounded: content that repeats has the same key in many places.
KEY_MISSES = 64
ALL_MISSES = 100_000


class Found(NamedTuple):
    """Where old bytes begin in the new file, and how much further they stand in the old one."""

    begin: int
    shift: int


class Basis:
    """An old version of a file on the controller; bytes that cannot be read count as different.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to C(length) bytes; fewer when the file ends or fails."""
        try:
            return blocks.read_at(self._descriptor, length, offset)
        except OSError:
            return b""

    def keys(self, block: int) -> Optional[KeyIndex]:
        """Read the file and return the keys of its blocks, C(None) when it cannot be read."""
        try:
            return KeyIndex(parse_signature(blocks.keys_of(self._descriptor, block)))
        except OSError:
            return None

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def match_files(path: str, read: Read, size: int, start: int = 0) -> Iterator[Op]:
    """Yield what makes the new file from C(start) on, in order; all of it if the old one is gone.

    Args:
        path: of the old file.
        read: returns bytes of the new file by offset and length.
        size: bytes of the new file.
        start: bytes that are there already.
    """
    try:
        basis = Basis(path)
    except OSError:
        if size > start:
            yield Literal(start, size - start)
        return
    try:
        yield from PairMatcher(read, size, basis).run(start)
    finally:
        basis.close()


class PairMatcher:
    """One pass over the new file.

    Args:
        read: returns bytes of the new file by offset and length.
        size: bytes of the new file.
        basis: the old file.
        grain: bytes that have to be equal before a copy begins.
        block: bytes of a block of the old file that has a key.
        ahead: bytes of one change after which moved content is searched for.
        free: bytes of all changes after which it is.
    """

    def __init__(
        self,
        read: Read,
        size: int,
        basis: Basis,
        *,
        grain: int = GRAIN,
        block: Optional[int] = None,
        ahead: Optional[int] = None,
        free: Optional[int] = None,
    ) -> None:
        self._read, self._size, self._basis = read, size, basis
        self._grain, self._block = grain, block or block_size(basis.size)
        self._ahead = max(AHEAD, size // AHEAD_SHARE) if ahead is None else ahead
        self._free = size // FREE_SHARE if free is None else free
        self._keys: Optional[KeyIndex] = None
        self._searched = False  # whether the keys were made, be it in vain
        self._spent = self._missed = 0
        self._misses: Dict[int, int] = {}

    def run(self, start: int = 0) -> Iterator[Op]:
        """Yield what makes the new file from C(start) on, in order."""
        position = literal = start
        shift = 0
        while position < self._size:
            end, differs = self._same(position, shift)
            if end - position >= SHORT:
                if position > literal:
                    yield Literal(literal, position - literal)
                yield Copy(position + shift, end - position)
                literal = end
            position = end
            if differs:
                position, shift = yield from self._gap(literal, position, shift)
                literal = position
        if self._size > literal:
            yield Literal(literal, self._size - literal)

    def _same(self, position: int, shift: int) -> Tuple[int, bool]:
        """Return where equal bytes end, and whether others follow; looks LONG_COPY far at most."""
        stop = min(self._size, position + LONG_COPY)
        while position < stop:
            length = min(STEP, stop - position)
            new = self._read(position, length)
            old = self._old(position + shift, length)
            if new != old:
                return position + common_prefix(new, old), True
            position += length
        return position, False

    def _old(self, offset: int, length: int) -> bytes:
        return self._basis.read(offset, length) if offset >= 0 else b""

    # -- gaps ---------------------------------------------------------------------------------

    def _gap(self, literal: int, position: int, shift: int) -> Generator[Op, None, Found]:
        """Yield what has to be sent from C(literal) on; return where old bytes follow."""
        at, reach = position, FIRST_GAP
        while at < self._size:
            stop = min(at + reach, self._size)
            found = self._next(at, stop, literal, shift)
            gone = (found.begin if found else stop) - literal
            if not self._searched and (gone > self._ahead or self._spent + gone > self._free):
                found = self._jump(position, stop, literal, shift)
                if found is None:
                    self._make_keys(position, shift)
                    at, reach = position, FIRST_GAP
                    continue
            if found is not None:
                self._spent += found.begin - literal
                if found.begin > literal:
                    yield Literal(literal, found.begin - literal)
                return found
            at, reach = stop, min(4 * reach, LONGEST_GAP)
            if self._searched and at - literal > 2 * LONGEST_GAP:
                # The rest of a long gap stays open: what is found next may begin in it.
                yield Literal(literal, at - LONGEST_GAP - literal)
                self._spent += at - LONGEST_GAP - literal
                literal = at - LONGEST_GAP
        if self._size > literal:
            yield Literal(literal, self._size - literal)
        return Found(self._size, shift)

    def _next(self, at: int, stop: int, floor: int, shift: int) -> Optional[Found]:
        """Return the first old bytes that show in C([at, stop)), from their beginning on."""
        hits = [self._in_place(at, stop, shift), self._moved(at, stop)]
        starts = [self._from_beginning(hit, floor) for hit in hits if hit is not None]
        return min(starts, key=lambda found: found.begin) if starts else None

    def _in_place(self, at: int, stop: int, shift: int) -> Optional[Found]:
        length = stop - at
        new, old = self._read(at, length), self._old(at + shift, length)
        if len(old) < len(new) and at + shift < 0:
            return None
        for start in range(0, len(old), self._grain):
            piece = new[start : start + self._grain]
            if piece != old[start : start + self._grain]:
                continue
            if len(piece) == self._grain or (len(piece) >= SHORT and stop == self._size):
                return Found(at + start, shift)
        return None

    def _from_beginning(self, found: Found, floor: int) -> Found:
        """Return the same bytes from the first that is equal, not before C(floor)."""
        begin, shift = found
        while begin > floor and begin + shift > 0:
            length = min(16 * self._grain, begin - floor, begin + shift)
            new, old = self._read(begin - length, length), self._old(begin + shift - length, length)
            if new != old:
                return Found(begin - common_suffix(new, old), shift)
            begin -= length
        return Found(begin, shift)

    # -- moved content ------------------------------------------------------------------------

    def _jump(self, position: int, stop: int, floor: int, shift: int) -> Optional[Found]:
        """Return where old bytes follow if some were only put in, or only left out, at one place.

        This is the usual way in which content moves, and costs less than the keys of a file.
        """
        there = position + shift
        end = min(self._size, stop + FARTHER * (stop - position))
        begin, origin = _find(self._read, self._old(there, PROBE), position, end), there
        if begin < 0:
            probe = self._read(position, min(PROBE, self._size - position))
            end = min(there + JUMP, self._basis.size)
            begin, origin = position, _find(self._old, probe, there, end)
        if origin < 0 or not self._grain_agrees(begin, origin):
            return None
        return self._from_beginning(Found(begin, origin - begin), floor)

    def _grain_agrees(self, begin: int, there: int) -> bool:
        length = min(self._grain, self._size - begin)
        return self._read(begin, length) == self._old(there, length)

    def _make_keys(self, position: int, shift: int) -> None:
        self._searched = True
        self._keys = self._basis.keys(self._block)
        if self._keys is not None and self._is_hopeless(position, shift):
            self._keys = None

    def _is_hopeless(self, position: int, shift: int) -> bool:
        """Return whether samples show that a search through the rest finds too little."""
        left = self._size - position
        if left < SAMPLED_FROM:
            return False
        known = 0
        for number in range(SAMPLES):
            at = position + left * number // SAMPLES
            stop = min(at + 3 * self._block, self._size)
            hit = self._in_place(at, stop, shift) or self._moved(at, stop)
            known += hit is not None
        return known < HOPELESS * SAMPLES

    def _moved(self, start: int, stop: int) -> Optional[Found]:
        """Return the first bytes in C([start, stop)) that the keys find in the old file."""
        keys = self._keys
        if keys is None:
            return None
        origin = max(0, start - 2)  # a marker shows only against the byte before it
        data = self._read(origin, min(stop + keys.window, self._size) - origin)
        for place, key in keys.hits(data, start - origin, stop - origin):
            for number, inside in keys.blocks(key):
                there = number * self._block + inside
                if self._agrees(origin + place, there, inside):
                    return Found(origin + place, there - origin - place)
                self._miss(keys, key)
                if self._keys is None:
                    return None
        return None

    def _agrees(self, begin: int, there: int, inside: int) -> bool:
        """Return whether the part of a block in which a marker stands is the same in both files."""
        before = inside % self._grain
        length = min(self._grain, self._block - inside + before)
        start = begin - before
        if start < 0 or start + length > self._size:
            return False
        return self._read(start, length) == self._old(there - before, length)

    def _miss(self, keys: KeyIndex, key: int) -> None:
        self._missed += 1
        misses = self._misses[key] = self._misses.get(key, 0) + 1
        if misses >= KEY_MISSES:
            keys.forget(key)
        if self._missed >= ALL_MISSES:
            self._keys = None


def _find(read: Read, probe: bytes, start: int, stop: int) -> int:
    """Return where a probe shows first in C([start, stop)), -1 without one."""
    if len(probe) < PROBE:
        return -1
    while start + PROBE <= stop:
        length = min(LONGEST_GAP, stop - start)
        found = read(start, length).find(probe)
        if found >= 0:
            return start + found
        start += length - PROBE + 1
    return -1


def common_prefix(one: bytes, other: bytes) -> int:
    """Return how many bytes two strings have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(one: bytes, other: bytes) -> int:
    """Return how many bytes two strings have in common at their end."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low
