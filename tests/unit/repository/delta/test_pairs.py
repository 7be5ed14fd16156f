# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The match of two files that are both here: right for all bytes, and changes to the byte."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import blocks
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta import pairs
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.match import (
    Copy,
    Literal,
    lengths,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pairs import (
    Basis,
    PairMatcher,
    common_prefix,
    common_suffix,
    match_files,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .test_match import KINDS, SEEDS, applied, content, edited

ANY = list(HealthCheck)


def reader(data: bytes) -> Any:
    def read(offset: int, length: int) -> bytes:
        assert offset >= 0 and length > 0 and offset + length <= len(data)
        return data[offset : offset + length]

    return read


def ops_of(folder: Path, old: bytes, new: bytes, start: int = 0, **sizes: int) -> list[Any]:
    path = folder / "old"
    path.write_bytes(old)
    basis = Basis(str(path))
    try:
        return list(PairMatcher(reader(new), len(new), basis, **sizes).run(start))
    finally:
        basis.close()


@settings(max_examples=300, deadline=None, suppress_health_check=ANY)
@given(SEEDS, st.sampled_from(KINDS), st.sampled_from(KINDS), st.sampled_from([16, 64, 512]))
def test_it_rebuilds_any_file_from_any_other(
    tmp_path: Path, seed: int, kind: str, other: str, block: int
) -> None:
    source = random.Random(seed)
    old = content(kind, source.randint(0, 9000), source)
    new = edited(old + content(other, 3000, source), 3, source)[0] + old[:999]
    start = source.randint(0, len(new))
    limits = source.choice([{}, {"ahead": 0, "free": 0}, {"ahead": 700, "free": 9}])
    ops = ops_of(tmp_path, old, new, start, grain=source.choice([16, 128]), block=block, **limits)
    assert applied(ops, old, new, start) == new


@settings(max_examples=150, deadline=None, suppress_health_check=ANY)
@given(SEEDS, st.integers(0, 5))
def test_with_keys_it_keeps_the_bound(tmp_path: Path, seed: int, edits: int) -> None:
    """That of docs/delta.md, with moved content searched for from the first change on."""
    source = random.Random(seed)
    old = source.randbytes(source.randint(0, 40 * 4096))
    new, changed, joints = edited(old, edits, source)
    ops = ops_of(tmp_path, old, new, ahead=0, free=0)
    assert applied(ops, old, new) == new
    assert lengths(ops)[1] <= changed + 2 * joints * 4096


@settings(max_examples=100, deadline=None, suppress_health_check=ANY)
@given(SEEDS, st.integers(0, 6))
def test_changes_in_place_are_found_to_the_byte(tmp_path: Path, seed: int, edits: int) -> None:
    source = random.Random(seed)
    old = source.randbytes(60 * 4096)
    new, changed = bytearray(old), 0
    for number in range(edits):
        at = number * 40_000 + source.randint(pairs.SHORT, 9000)
        length = source.randint(1, 8000)
        new[at : at + length] = bytes(byte ^ 255 for byte in old[at : at + length])
        changed += length
    ops = ops_of(tmp_path, old, bytes(new))
    assert lengths(ops) == (len(old) - changed, changed)
    assert len(ops) <= 2 * edits + 1


def test_an_insertion_costs_its_own_bytes(tmp_path: Path) -> None:
    old = random.Random(1).randbytes(9 << 20)
    new = old[: 3 << 20] + b"put in" + old[3 << 20 :]
    ops = ops_of(tmp_path, old, new, ahead=1 << 20)
    assert lengths(ops) == (len(old), 6)


def test_one_longer_change_than_ahead_makes_keys_and_shorter_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = blocks.keys_of

    def noted(descriptor: int, block: int) -> bytes:
        made.append(block)
        return real(descriptor, block)

    monkeypatch.setattr(blocks, "keys_of", noted)
    source = random.Random(2)
    old = source.randbytes(12 << 20)
    for length, keys in ((200_000, 0), (6 << 20, 1)):
        made.clear()
        new = old[: 1 << 20] + source.randbytes(length) + old[(1 << 20) + length :]
        assert lengths(ops_of(tmp_path, old, new))[1] == length
        assert len(made) == keys


@pytest.mark.parametrize("put_in, left_out", [(3 << 20, 0), (0, 5 << 20)])
def test_what_was_put_in_or_left_out_at_one_place_needs_no_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_in: int, left_out: int
) -> None:
    def unwanted(descriptor: int, block: int) -> bytes:
        raise AssertionError("keys were made")

    monkeypatch.setattr(blocks, "keys_of", unwanted)
    source = random.Random(3)
    old = source.randbytes(24 << 20)
    cut = (7 << 20) + 13
    new = old[:cut] + source.randbytes(put_in) + old[cut + left_out :]
    ops = ops_of(tmp_path, old, new)
    assert applied(ops, old, new) == new
    assert lengths(ops)[1] == put_in


def test_a_new_file_altogether_is_sent_in_pieces(tmp_path: Path) -> None:
    source = random.Random(3)
    old, new = source.randbytes(24 << 20), source.randbytes(30 << 20)
    ops = ops_of(tmp_path, old, new)
    assert applied(ops, old, new) == new and all(isinstance(op, Literal) for op in ops)
    assert max(op.length for op in ops) <= 4 * pairs.LONGEST_GAP


def test_a_long_copy_is_told_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "LONG_COPY", 1 << 20)
    data = random.Random(4).randbytes((4 << 20) + 5)
    ops = ops_of(tmp_path, data, data)
    assert ops[0] == Copy(0, 1 << 20) and applied(ops, data, data) == data


def test_a_key_that_is_everywhere_costs_bounded_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = PairMatcher._agrees

    def counted(self: PairMatcher, *places: int) -> bool:
        nonlocal looks
        looks += 1
        return real(self, *places)

    monkeypatch.setattr(PairMatcher, "_agrees", counted)
    source = random.Random(5)
    mark = bytes(range(64))
    old = b"".join(mark + source.randbytes(192) for _ in range(2000))
    new = b"".join(source.randbytes(64) + mark for _ in range(40_000))
    ops = ops_of(tmp_path, old, new, grain=256, block=256, ahead=0, free=0)
    assert applied(ops, old, new) == new
    assert looks <= 4000 * pairs.KEY_MISSES // 8


@pytest.mark.parametrize("fault", ["gone", "shorter", "unreadable"])
def test_an_old_file_that_goes_or_shrinks_costs_bytes_only(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = random.Random(6).randbytes(5 << 20)
    path = tmp_path / "old"
    path.write_bytes(old)
    if fault == "gone":
        path.unlink()
    ops = []
    for op in match_files(str(path), reader(old), len(old)):
        ops.append(op)
    if fault == "gone":
        assert ops == [Literal(0, len(old))]
        return
    basis = Basis(str(path))
    if fault == "shorter":
        with path.open("r+b") as stream:
            stream.truncate(2 << 20)
    else:

        def broken(descriptor: int, length: int, offset: int) -> bytes:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(blocks, "read_at", broken)
    ops = list(PairMatcher(reader(old), len(old), basis).run())
    basis.close()
    assert applied(ops, old[: 2 << 20], old) == old


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_common_ends(same: bytes, one: bytes, other: bytes) -> None:
    for first, second in ((same + one, same + other), (one, other)):
        count = common_prefix(first, second)
        assert first[:count] == second[:count]
        assert first[count : count + 1] != second[count : count + 1] or count == len(first)
        turned, again = first[::-1], second[::-1]
        assert common_suffix(turned, again) == count
