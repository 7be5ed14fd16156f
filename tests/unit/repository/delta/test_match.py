# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block match: right for all bytes, and never dearer than its bound."""

from __future__ import annotations

import hashlib
import random
import tempfile
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    blocks as agent_blocks,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.match import (
    Copy,
    Literal,
    lengths,
    match,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.signature import (
    Signature,
    block_size,
    parse_signature,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**48)


def signature_of(data: bytes, block: int) -> Signature:
    with tempfile.NamedTemporaryFile() as stream:
        stream.write(data)
        stream.flush()
        return parse_signature(agent_blocks.signature_bytes(stream.name, block))


def ops_of(old: bytes, new: bytes, block: int, start: int = 0) -> list[Any]:
    def read(offset: int, length: int) -> bytes:
        assert offset >= 0 and length > 0 and offset + length <= len(new)
        return new[offset : offset + length]

    return list(match(read, len(new), signature_of(old, block), start))


def applied(ops: list[Any], old: bytes, new: bytes, start: int = 0) -> bytes:
    made = bytearray(new[:start])
    for op in ops:
        assert op.length > 0
        if isinstance(op, Literal):
            assert op.offset == len(made)
        made += (old if isinstance(op, Copy) else new)[op.offset : op.offset + op.length]
    return bytes(made)


def content(kind: str, size: int, source: random.Random) -> bytes:
    if kind == "zeros":
        return bytes(size)
    if kind == "period":
        period = source.randbytes(source.randint(1, 200))
        return (period * (size // len(period) + 1))[:size]
    if kind == "mixed":
        parts = [
            content(source.choice(["random", "zeros", "two"]), source.randint(1, 500), source)
            for _ in range(1 + size // 250)
        ]
        return b"".join(parts)[:size]
    letters = {"two": b"ab", "few": b"\0\1\2\3"}.get(kind)
    return bytes(source.choices(letters, k=size)) if letters else source.randbytes(size)


KINDS = ["random", "zeros", "period", "mixed", "two", "few"]


def edited(old: bytes, edits: int, source: random.Random) -> tuple[bytes, int, int]:
    """Return new bytes, how many of them are new, and the joints between what stayed."""
    parts: list[tuple[int, int, bytes]] = [(0, len(old), b"")]  # from, to, or fresh bytes
    for _ in range(edits):
        action = source.choice(["replace", "insert", "delete", "move"])
        at = source.randint(0, sum(part_size(part) for part in parts))
        count = source.choice([1, 7, 64, 300, 1500])
        left, rest = split(parts, at)
        if action == "insert":
            parts = [*left, (0, 0, source.randbytes(count)), *rest]
            continue
        middle, right = split(rest, count)
        if action == "delete":
            parts = left + right
        elif action == "replace":
            fresh = source.randbytes(sum(part_size(part) for part in middle))
            parts = [*left, (0, 0, fresh), *right]
        else:
            there = source.randint(0, sum(part_size(part) for part in right))
            before, after = split(right, there)
            parts = left + before + middle + after
    return described(old, [part for part in parts if part_size(part)])


def part_size(part: tuple[int, int, bytes]) -> int:
    return part[1] - part[0] + len(part[2])


def split(parts: list[Any], at: int) -> tuple[list[Any], list[Any]]:
    left: list[Any] = []
    for index, part in enumerate(parts):
        size = part_size(part)
        if at < size:
            first, last, fresh = part
            cut = first + at if not fresh else 0
            head = (first, cut, b"") if not fresh else (0, 0, fresh[:at])
            tail = (cut, last, b"") if not fresh else (0, 0, fresh[at:])
            return [*left, head], [tail, *parts[index + 1 :]]
        left.append(part)
        at -= size
    return left, []


def described(old: bytes, parts: list[Any]) -> tuple[bytes, int, int]:
    """Count each place where what stayed does not follow what stayed before it."""
    new, changed, joints, expected = bytearray(), 0, 0, 0
    fresh_before = False
    for first, last, fresh in [*parts, (len(old), len(old), b"")]:
        if fresh:
            changed += len(fresh)
            fresh_before = True
        else:
            joints += fresh_before or first != expected
            expected, fresh_before = last, False
        new += fresh or old[first:last]
    return bytes(new), changed, joints


def unfindable(old: bytes, block: int) -> int:
    """Count the blocks that no marker byte stands in, though they are not all one byte value.

    Such a block is found where it stood, and through its neighbours, but not by itself elsewhere.
    """
    offsets = signature_of(old, block).offsets
    starts = range(0, len(old) - block + 1, block)
    bare = [at for at in starts if offsets[at // block] == agent_blocks.NO_KEY]
    return sum(1 for at in bare if len(set(old[at : at + block])) > 1)


# The bound of docs/delta.md at the block size of files up to 64 MiB; smaller ones never ship.
@settings(max_examples=250, deadline=None)
@given(SEEDS, st.sampled_from(KINDS), st.integers(0, 5))
def test_match_rebuilds_and_keeps_the_bound(seed: int, kind: str, edits: int) -> None:
    source = random.Random(seed)
    block = block_size(0)
    old = content(kind, source.randint(0, 60 * block), source)
    new, changed, joints = edited(old, edits, source)
    ops = ops_of(old, new, block)
    assert applied(ops, old, new) == new
    assert lengths(ops)[1] <= changed + 2 * joints * block


@settings(max_examples=400, deadline=None)
@given(SEEDS, st.sampled_from(KINDS), st.sampled_from([32, 64, 256]), st.integers(0, 5))
def test_small_blocks_keep_the_bound_but_for_those_without_a_key(
    seed: int, kind: str, block: int, edits: int
) -> None:
    source = random.Random(seed)
    old = content(kind, source.randint(0, 12_000), source)
    new, changed, joints = edited(old, edits, source)
    ops = ops_of(old, new, block)
    assert applied(ops, old, new) == new
    assert lengths(ops)[1] <= changed + (2 * joints + unfindable(old, block)) * block


@pytest.mark.parametrize(
    ("seed", "kind", "block", "edits"),
    [
        (38367, "period", 32, 3),  # the tail lies below a copy from elsewhere
        (94723, "zeros", 256, 3),  # so do whole blocks of the end
        (30272585504936, "period", 256, 5),  # a key is everywhere, its block fits only later
    ],
)
def test_patterns_that_repeat_keep_the_bound(seed: int, kind: str, block: int, edits: int) -> None:
    source = random.Random(seed)
    old = content(kind, source.randint(0, 12_000), source)
    new, changed, joints = edited(old, edits, source)
    assert lengths(ops_of(old, new, block))[1] <= changed + 2 * joints * block


@settings(max_examples=300, deadline=None)
@given(SEEDS, st.sampled_from(KINDS), st.sampled_from(KINDS), st.sampled_from([16, 64, 512]))
def test_match_rebuilds_any_file_from_any_other(
    seed: int, kind: str, other: str, block: int
) -> None:
    source = random.Random(seed)
    old = content(kind, source.randint(0, 9000), source)
    new = edited(old + content(other, 3000, source), 3, source)[0] + old[:999]
    start = source.randint(0, len(new))
    ops = ops_of(old, new, block, start)
    assert applied(ops, old, new, start) == new


def test_unchanged_files_are_one_copy() -> None:
    data = random.Random(1).randbytes(100_001)
    assert ops_of(data, data, 4096) == [Copy(0, len(data))]
    assert ops_of(data, data, 4096, 70_001) == [Copy(70_001, 30_000)]


def test_a_shifted_file_costs_one_block() -> None:
    data = random.Random(2).randbytes(400_000)
    new = b"inserted" + data
    assert ops_of(data, new, 4096) == [Literal(0, 8), Copy(0, len(data))]


def test_a_big_file_without_known_parts_goes_whole_after_few_looks() -> None:
    block, size = 64, 64 * 4000
    old, new = (random.Random(seed).randbytes(size) for seed in (3, 4))
    looked = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal looked
        looked += length
        return (
            new[offset : offset + min(length, 4096)]
            if length > size
            else new[offset : offset + length]
        )

    assert list(match(read, size, signature_of(old, block))) == [Literal(0, size)]
    assert ops_of(old, old[: size // 2] + new[: size // 2], block)[0] == Copy(0, size // 2)


def test_equal_keys_everywhere_cost_linear_work(monkeypatch: Any) -> None:
    hashed = 0
    real = hashlib.sha256

    def counting(data: Any) -> Any:
        nonlocal hashed
        hashed += len(data)
        return real(data)

    source = random.Random(5)
    mark = bytes(range(64))
    old = b"".join(mark + source.randbytes(192) for _ in range(2000))
    new = b"".join(source.randbytes(64) + mark for _ in range(4000))
    signature = signature_of(old, 256)
    monkeypatch.setattr(hashlib, "sha256", counting)
    ops = list(match(lambda at, count: new[at : at + count], len(new), signature))
    assert applied(ops, old, new) == new
    assert hashed <= 6 * len(new) + (8 << 20)


def test_block_sizes_follow_the_root() -> None:
    sizes = {0: 4096, 64 << 20: 4096, 1 << 28: 8192, 1 << 30: 16384, 1 << 32: 32768, 1 << 40: 65536}
    assert {size: block_size(size) for size in sizes} == sizes


def test_a_signature_takes_14_bytes_a_block() -> None:
    for size in (0, 1, 4096, 4097, 300_000):
        blocks = (size + 4095) // 4096
        assert signature_of(random.Random(size).randbytes(size), 4096).wire == 64 + 14 * blocks
