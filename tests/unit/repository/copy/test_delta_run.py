# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tasks that send less than the files hold: deltas, links, twins and what was left before."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry
from ansible_collections.openvino.edge.plugins.module_utils.repository.source import hashcache
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.http import (
    AgentChannel,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import write_files
from ..test_entry import Near, connect, run

MIB = 1 << 20


@pytest.fixture
def one(tmp_path: Path, monkeypatch: Any) -> Any:
    made = Near(tmp_path / "nodes")
    made.add("n1")
    connect(made, monkeypatch)
    yield made
    made.end()


def changed(data: bytes, *regions: tuple[int, int], insert: tuple[int, int] | None = None) -> bytes:
    """Return a copy with other bytes at (offset, length), and perhaps some put in."""
    new = bytearray(data)
    for offset, length in regions:
        new[offset : offset + length] = os.urandom(length)
    if insert:
        new[insert[0] : insert[0]] = os.urandom(insert[1])
    return bytes(new)


@pytest.mark.parametrize("insert", [None, (5 * MIB + 77, 12_345)])
def test_a_changed_file_is_sent_as_a_delta(
    one: Near, tmp_path: Path, insert: tuple[int, int] | None
) -> None:
    old = os.urandom(16 * MIB)
    new = changed(old, (3 * MIB, 100_000), (9 * MIB + 5, 50_000), insert=insert)
    src = write_files(tmp_path / "src", {"m/1/a.onnx": old})
    run(entry, src=str(src))
    write_files(src, {"m/2/a.onnx": new})
    dry = run(entry, check_mode=True, src=str(src))
    real = run(entry, src=str(src))
    assert dry["bytes_planned"] == real["bytes_sent"] < 300_000
    assert 0 < real["bytes_received_hashes"] < 200_000
    assert (one.folder / "n1/models/m/2/a.onnx").read_bytes() == new
    whole = run(entry, check_mode=True, src=str(write_files(tmp_path / "s3", {"m/3/a.onnx": new})))
    assert whole["bytes_planned"] == 0 and whole["bytes_linked"] == len(new)


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of hashes of its own, as if every file had been touched long ago."""
    monkeypatch.setenv("EDGE_HASH_CACHE", str(tmp_path / "hashes"))
    monkeypatch.setattr(hashcache, "is_racy", lambda newest, now: False)


@pytest.mark.parametrize("insert", [None, (5 * MIB + 77, 12_345)])
def test_where_the_old_version_is_here_no_block_table_is_asked_for(
    one: Near,
    tmp_path: Path,
    known: None,
    monkeypatch: pytest.MonkeyPatch,
    insert: tuple[int, int] | None,
) -> None:
    old = os.urandom(16 * MIB)
    new = changed(old, (3 * MIB, 100_000), (9 * MIB + 5, 50_000), insert=insert)
    src = write_files(tmp_path / "src", {"m/1/a.onnx": old})
    run(entry, src=str(src))
    write_files(src, {"m/2/a.onnx": new})
    monkeypatch.setattr(AgentChannel, "signature", None)
    dry = run(entry, check_mode=True, src=str(src))
    real = run(entry, src=str(src))
    fresh = 150_000 + (insert[1] if insert else 0)
    assert fresh <= dry["bytes_planned"] == real["bytes_sent"] <= fresh + 200
    assert real["bytes_received_hashes"] == 0
    assert (one.folder / "n1/models/m/2/a.onnx").read_bytes() == new


def test_an_old_file_that_rotted_on_the_store_is_seen_and_the_new_one_mended(
    one: Near, tmp_path: Path, known: None
) -> None:
    """Its record and its stamps still say what the controller has, too."""
    old = os.urandom(4 * MIB)
    src = write_files(tmp_path / "src", {"m/1/a.onnx": old})
    run(entry, src=str(src))
    published = one.folder / "n1/models/m/1/a.onnx"
    times = published.stat()
    with published.open("r+b") as stream:
        stream.seek(MIB)
        stream.write(bytes([old[MIB] ^ 1]))
    os.utime(published, ns=(times.st_atime_ns, times.st_mtime_ns))
    new = changed(old, (3 * MIB, 10_000))
    write_files(src, {"m/2/a.onnx": new})
    real = run(entry, src=str(src))
    assert real["bytes_received_hashes"] > 0
    assert 10_000 < real["bytes_sent"] < 100_000
    assert (one.folder / "n1/models/m/2/a.onnx").read_bytes() == new


def test_a_cache_that_names_another_file_costs_bytes_only(
    one: Near, tmp_path: Path, known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, other = os.urandom(2 * MIB), os.urandom(2 * MIB)
    src = write_files(tmp_path / "src", {"m/1/a.onnx": old})
    run(entry, src=str(src))
    new = other[: 2 * MIB - 50_000] + os.urandom(50_000)
    write_files(src, {"m/2/a.onnx": new})
    wrong = tmp_path / "other"
    wrong.write_bytes(other)
    monkeypatch.setattr(hashcache.PersistentCache, "path_of", lambda *args: str(wrong))
    real = run(entry, src=str(src))
    assert real["bytes_sent"] > 2 * MIB
    assert (one.folder / "n1/models/m/2/a.onnx").read_bytes() == new


def test_a_file_that_rots_in_the_stage_is_mended(
    one: Near, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size, times and inode are those of the moment when it was verified."""
    data = os.urandom(4 * MIB)
    src = write_files(tmp_path / "src", {"m/1/a.onnx": data, "m/1/b.txt": b"b"})

    def dies(self: AgentChannel, manifest: Any) -> None:
        raise EdgeError("the controller is killed here")

    with monkeypatch.context() as patch:
        patch.setattr(AgentChannel, "publish", dies)
        with pytest.raises(EdgeError, match="killed here"):
            run(entry, src=str(src))
    (staged,) = (one.folder / "n1/.edge/staging").glob("*/tree/a.onnx")
    times = staged.stat()
    with staged.open("r+b") as stream:
        stream.seek(MIB)
        stream.write(bytes([data[MIB] ^ 1]))
    os.utime(staged, ns=(times.st_atime_ns, times.st_mtime_ns))
    again = run(entry, src=str(src))
    assert 0 < again["bytes_sent"] < 100_000
    assert (one.folder / "n1/models/m/1/a.onnx").read_bytes() == data


@pytest.mark.parametrize("compare, believed", [("stamps", True), ("hash", False)])
def test_a_file_of_another_version_is_believed_as_compare_says(
    one: Near, tmp_path: Path, compare: str, believed: bool
) -> None:
    data = os.urandom(MIB)
    run(entry, src=str(write_files(tmp_path / "s1", {"m/1/a.onnx": data})))
    there = one.folder / "n1/models/m/1/a.onnx"
    times = there.stat()
    with there.open("r+b") as stream:  # a change that no stamp shows
        stream.write(bytes([data[0] ^ 1]))
    os.utime(there, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = str(write_files(tmp_path / "s2", {"m/2/a.onnx": data}))
    told: list[str] = []
    real = run(entry, warnings=told, src=second, compare=compare)
    assert any("m/1/a.onnx has other bytes than were published" in text for text in told) is (
        not believed
    )
    made = one.folder / "n1/models/m/2/a.onnx"
    assert (made.stat().st_ino == there.stat().st_ino) is believed
    assert real["bytes_linked"] == (MIB if believed else 0)
    assert (real["bytes_sent"] > 0) is not believed
    assert believed or made.read_bytes() == data


def test_without_deltas_it_is_sent_whole(one: Near, tmp_path: Path) -> None:
    old = os.urandom(MIB)
    src = write_files(tmp_path / "src", {"m/1/a.onnx": old})
    run(entry, src=str(src))
    write_files(src, {"m/2/a.onnx": changed(old, (1000, 50))})
    assert run(entry, src=str(src), delta="never")["bytes_sent"] > MIB


def test_twins_and_equal_versions_are_sent_once(one: Near, tmp_path: Path) -> None:
    weights = os.urandom(MIB)
    files = {"m/1/a.onnx": weights, "n/1/b.onnx": weights, "n/1/c.txt": b"c", "m/4/a.onnx": weights}
    src = write_files(tmp_path / "src", files)
    dry = run(entry, check_mode=True, src=str(src))
    real = run(entry, src=str(src))
    assert dry["bytes_planned"] == real["bytes_sent"] < MIB + 1000
    assert real["bytes_linked"] == dry["bytes_linked"] == 2 * MIB
    for name, data in files.items():
        assert (one.folder / "n1/models" / name).read_bytes() == data


BODIES = st.tuples(st.integers(0, 3), st.lists(st.integers(0, 200_000), max_size=3))


def body(seed: int, spots: list[int]) -> bytes:
    """Return one of four big files, with a few spots changed."""
    data = bytearray(random.Random(seed).randbytes(150_000 + 40_000 * seed))
    for spot in spots:
        data[spot : spot + 100] = random.Random(spot).randbytes(100)
    return bytes(data)


BIG = st.dictionaries(
    st.sampled_from(["m/1/a.onnx", "m/2/a.onnx", "m/3/a.onnx", "n/1/a.onnx", "n/1/w/x.bin"]),
    BODIES,
    min_size=1,
).map(lambda files: {**files, **({"n/1/a.onnx": (0, [])} if "n/1/w/x.bin" in files else {})})


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(BIG, BIG, st.booleans())
def test_predicted_is_sent_with_big_files(
    tmp_path_factory: Any, old: dict[str, Any], new: dict[str, Any], compress: bool
) -> None:
    """For any two repositories whose files resemble each other."""
    folder = tmp_path_factory.mktemp("pair")
    near = Near(folder / "nodes")
    near.add("n1")
    before = {name.partition("/")[0] + "/" + name.split("/")[1] for name in old}
    fresh = {
        name: item for name, item in new.items() if "/".join(name.split("/")[:2]) not in before
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            connect(near, patch)
            options: dict[str, Any] = {"compress": "auto" if compress else "never"}
            run(entry, src=str(write_files(folder / "old", _bytes(old))), **options)
            if not fresh:
                return
            src = str(write_files(folder / "new", _bytes(fresh)))
            dry = run(entry, check_mode=True, src=src, **options)
            real = run(entry, src=src, **options)
            assert dry["bytes_planned"] == real["bytes_sent"]
            assert dry["bytes_linked"] == real["bytes_linked"]
            assert run(entry, src=src)["bytes_sent"] == 0
    finally:
        near.end()


def _bytes(files: dict[str, Any]) -> dict[str, bytes]:
    return {name: body(*item) for name, item in files.items()}
