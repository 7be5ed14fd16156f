# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block signatures: hashes of a file on the edge, so that the controller sends only the changes.

For each block of the file the signature holds the start of the block's sha256 and a key by which
the block is found at any byte position of another file. The key is the CRC-32 of the few bytes that
follow a marker: a byte value that is rare in the file but occurs in nearly every block. So a search
looks only at the places where a marker stands, which the C library finds at memory speed.

A signature is a header and three columns, big endian::

    magic 4s, block u32, size u64, window u8, markers u8 + 8s, sha256 32s, zeros up to 64 bytes
    sha256 prefixes u64 ..., keys u32 ..., offsets of the markers in their blocks u16 ...

The last block may be short. A block without a marker has the offset C(NO_KEY).
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from array import array
from typing import Iterator, List, NamedTuple, Optional, Pattern, Set, Tuple

from . import files as fs

MAGIC = b"EBS1"
HEADER = struct.Struct(">4sIQBB8s32s6x")
BLOCK_BYTES = 8 + 4 + 2  # what each block adds to a signature
NO_KEY = 0xFFFF
NOT_HASHED = bytes(8)  # in the place of a hash that nobody compares
MIN_BLOCK, MAX_BLOCK = 16, 1 << 16
WINDOW = 32  # bytes after the marker that make a key; half a block at most
MAX_MARKERS = 8
SAMPLES = 64
SAMPLE_BYTES = 4096
COVERED = 0.95  # share of a big file's samples; neighbours find the other blocks
KEY_TRIES = 8  # places in a block, until one has a key that was not seen just before
CHUNK = 4 << 20


class Keys(NamedTuple):
    """The parameters by which keys are taken from one file."""

    window: int
    markers: bytes
    patterns: Tuple[Pattern[bytes], ...]


def window_of(block: int) -> int:
    """Return the bytes of a key's window for a block size."""
    return min(WINDOW, block // 2)


def marker_pattern(marker: int, window: int) -> Pattern[bytes]:
    """Return a regular expression for a marker after a different byte; group 1 is the window.

    The literal comes first, so that the search is one for a single byte. Of a run of equal bytes
    only the first counts: runs, such as zeros, would be found at every place otherwise.
    """
    literal = re.escape(bytes([marker]))
    return re.compile(
        literal + b"(?<!" + literal + literal + b")(?=(.{%d}))" % window,
        re.DOTALL,
    )


def signature_bytes(path: str, block: int, sha256: str = "") -> bytes:
    """Read a file and return its signature.

    Args:
        path: a regular file.
        block: bytes of a block, a power of two.
        sha256: of the whole file in hex, if known; goes into the header.

    Raises:
        Refused: the block size makes no sense.
        OSError: the file cannot be read.
    """
    if not MIN_BLOCK <= block <= MAX_BLOCK or block & (block - 1):
        raise fs.Refused(400, "bad block size")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        return _signature(descriptor, block, sha256, hashed=True)
    finally:
        os.close(descriptor)


def keys_of(descriptor: int, block: int) -> bytes:
    """Read a file and return its signature with zeros in the place of the hashes.

    Raises:
        OSError: the file cannot be read.
    """
    return _signature(descriptor, block, "", hashed=False)


def _signature(descriptor: int, block: int, sha256: str, *, hashed: bool) -> bytes:
    size = os.fstat(descriptor).st_size
    keys = _choose_keys(descriptor, size, block)
    step = max(block, CHUNK // block * block)
    # One thread: each hash of a block gives up the interpreter's lock and asks for it again, so
    # that two threads take half as long again as one.
    parts = [
        _chunk(descriptor, start, min(start + step, size), block, keys, hashed)
        for start in range(0, size, step)
    ]
    header = HEADER.pack(
        MAGIC, block, size, keys.window, len(keys.markers), keys.markers, bytes.fromhex(sha256)
    )
    return b"".join([header, *(part[column] for column in range(3) for part in parts)])


def cached_signature(directory: str, sha256: str, path: str, block: int) -> bytes:
    """Return the signature of a file with a known sha256, from the cache if it is there.

    The cache is not trusted: a file that is built with a signature is hashed at the end.

    Raises:
        Refused: the block size makes no sense.
        OSError: the file cannot be read; a cache that cannot be written is no error.
    """
    cache = os.path.join(directory, f"{sha256}-{block}")
    found = _read_cache(cache, os.stat(path).st_size, sha256, block)
    if found is not None:
        return found
    made = signature_bytes(path, block, sha256)
    try:
        fs.make_dir(directory)
        fresh = f"{cache}.{os.getpid()}.new"
        fs.make_way(fresh)
        with open(fresh, "wb") as stream:
            stream.write(made)
        fs.make_way(cache)
        os.rename(fresh, cache)
    except OSError:
        pass
    return made


def length_of(size: int, block: int) -> int:
    """Return the bytes of a signature for a file of C(size) bytes."""
    return HEADER.size + (size + block - 1) // block * BLOCK_BYTES


def _read_cache(cache: str, size: int, sha256: str, block: int) -> Optional[bytes]:
    try:
        data = fs.load(cache, length_of(size, block))
        magic, its_block, its_size, _window, _count, _markers, digest = HEADER.unpack_from(data)
    except (OSError, fs.Odd, struct.error):
        return None
    told = (magic, its_block, its_size, digest.hex(), len(data))
    return data if told == (MAGIC, block, size, sha256, length_of(size, block)) else None


def _choose_keys(descriptor: int, size: int, block: int) -> Keys:
    window = window_of(block)
    samples = list(_samples(descriptor, size, block))
    bare = 0.0 if size <= SAMPLES * SAMPLE_BYTES else 1 - COVERED
    markers = _choose_markers(samples, int(len(samples) * bare))
    return Keys(window, markers, tuple(marker_pattern(marker, window) for marker in markers))


def _samples(descriptor: int, size: int, block: int) -> Iterator[bytes]:
    """Yield parts of the file, all of a small one."""
    if size <= SAMPLES * SAMPLE_BYTES:
        data = read_at(descriptor, size, 0)
        for start in range(0, size, block):
            yield data[start : start + block]
        return
    for number in range(SAMPLES):
        start = (size - SAMPLE_BYTES) * number // (SAMPLES - 1)
        yield read_at(descriptor, SAMPLE_BYTES, start)


def _choose_markers(samples: List[bytes], bare: int) -> bytes:
    """Return a few byte values such that all but C(bare) samples hold one of them.

    Only a byte that differs from the one before it counts. A value in nine of ten samples is
    preferred to one in all when it is rarer: rare markers make the search fast.
    """
    counts = [_changes(sample) for sample in samples]
    open_samples = [count for count in counts if any(count)]
    markers: List[int] = []
    while len(open_samples) > bare and len(markers) < MAX_MARKERS:
        cover = [sum(1 for count in open_samples if count[value]) for value in range(256)]
        enough = max(cover) * 0.9
        total = [sum(count[value] for count in counts) for value in range(256)]
        best = min(
            (value for value in range(256) if cover[value] >= enough),
            key=lambda value: (total[value], value),
        )
        markers.append(best)
        open_samples = [count for count in open_samples if not count[best]]
    return bytes(markers)


def _changes(sample: bytes) -> List[int]:
    """Return how often each byte value follows another one."""
    count = [0] * 256
    for before, value in zip(sample, sample[1:]):
        if before != value:
            count[value] += 1
    return count


def _chunk(
    descriptor: int, start: int, stop: int, block: int, keys: Keys, hashed: bool
) -> Tuple[bytes, bytes, bytes]:
    """Return the three columns of the blocks of one part of the file."""
    lead = 1 if start else 0  # a marker shows only against the byte before it
    data = read_at(descriptor, stop - start + lead + keys.window, start - lead)
    end = lead + stop - start
    view = memoryview(data)
    strong: List[bytes] = []
    crcs, offsets = array("I"), array("H")
    seen: Set[int] = set()
    for first in range(lead, end, block):
        last = min(first + block, end)
        strong.append(hashlib.sha256(view[first:last]).digest()[:8] if hashed else NOT_HASHED)
        place = _key_place(data, first, last, keys, seen)
        crcs.append(zlib.crc32(view[place + 1 : place + 1 + keys.window]) if place >= 0 else 0)
        offsets.append(place - first if place >= 0 else NO_KEY)
        seen.add(crcs[-1])
    return b"".join(strong), big_endian(crcs), big_endian(offsets)


def _key_place(data: bytes, first: int, last: int, keys: Keys, seen: Set[int]) -> int:
    """Return where the marker of a block's key stands, -1 without one.

    A window that lies in the block is best; one that reaches into the next block is found too,
    wherever that block follows.
    """
    fallback = -1
    for pattern in keys.patterns:
        start = first + 1
        for _try in range(KEY_TRIES):
            found = pattern.search(data, start, last)
            if not found:
                break
            place, start = found.start(), found.start() + 1
            if zlib.crc32(found.group(1)) not in seen:
                return place
            fallback = place if fallback < 0 else fallback
    if fallback >= 0:
        return fallback
    for pattern in keys.patterns:
        found = pattern.search(data, first, last + keys.window)
        if found and found.start() < min(last, first + NO_KEY):
            return found.start()
    return -1


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Return up to C(length) bytes at an offset; fewer only at the end of the file."""
    data = os.pread(descriptor, length, offset)
    if len(data) in (0, length):
        return data
    parts = [data]
    left = length - len(data)
    while left:
        more = os.pread(descriptor, left, offset + length - left)
        if not more:
            break
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


def big_endian(values: "array[int]") -> bytes:
    """Return an array's bytes in network order."""
    if struct.pack("=H", 1) == struct.pack("<H", 1):
        values.byteswap()
    return values.tobytes()
