# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a store can take what has to be written."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FILE_MODE,
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    Facts,
    RawFile,
    RawVersion,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import origins, space

MIB = 1 << 20
FACTS = Facts(
    free_bytes=100 * MIB,
    total_bytes=200 * MIB,
    free_inodes=1000,
    total_inodes=2000,
    block_bytes=4096,
    writable=True,
    uid=5000,
    root_mode="2775",
    fs_type="ext4",
)
WORKS = dict.fromkeys(("write", "fsync", "rename", "fsync_dir"), "")


def refused(facts: Facts, need: space.Need, **kwargs: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        space.check("claim models", facts, need, node="factory-1", **kwargs)
    return caught.value


def files(*sizes: int) -> tuple[space.Write, ...]:
    return tuple(space.Write(size) for size in sizes)


def test_what_fits() -> None:
    space.check("x", replace(FACTS, probe=WORKS), space.Need(files(99 * MIB), 1))
    space.check("x", replace(FACTS, free_inodes=0, total_inodes=0), space.Need(files(1), 1))
    space.check("x", replace(FACTS, writable=False), space.Need())


def test_a_store_that_tells_no_sizes_is_not_too_small() -> None:
    silent = replace(FACTS, total_bytes=0, free_bytes=0, total_inodes=0, free_inodes=0)
    space.check("x", silent, space.Need(files(10 << 30), 1))


def test_too_little_space_names_node_need_free_and_the_ways_out() -> None:
    removable = space.Removable(0, (("det/1", MIB), ("ocr/1", 50 * MIB), ("a/1", 1), ("b/1", 1)))
    error = refused(FACTS, space.Need(files(100 * MIB), 1), removable=removable)
    text = str(error)
    assert error.option == "src" and error.subject == "claim models (node factory-1)"
    assert "needs 100.1 MiB, 100.0 MiB of 200.0 MiB are free" in text
    assert "ocr/1 (50.0 MiB), det/1 (1.0 MiB), a/1 (1 B) and 1 more" in text
    assert error.details["need_bytes"] > error.details["free_bytes"]


def test_the_node_is_named_once() -> None:
    with pytest.raises(InputError) as caught:
        space.check("host path /m on node n1", FACTS, space.Need(files(MIB * 101), 1), node="n1")
    assert caught.value.subject == "host path /m on node n1"


def test_unfinished_copies_of_others_count_as_free() -> None:
    need = space.Need(files(120 * MIB), 1)
    space.check("x", FACTS, need, removable=space.Removable(40 * MIB))
    text = str(refused(FACTS, need, removable=space.Removable(10 * MIB)))
    assert "10.0 MiB are left from unfinished copies" in text


def test_what_lies_in_staging_needs_no_room() -> None:
    part = space.Need((space.Write(150 * MIB, 100 * MIB),), 1)
    assert part.bytes_on(4096) < 51 * MIB and part.inodes == space.INODES_PER_VERSION
    space.check("x", FACTS, part)


def test_small_files_take_whole_blocks_and_an_inode_each() -> None:
    need = space.Need(files(*[1] * 992), 1)
    assert need.bytes_on(4096) >= 992 * 4096 and need.inodes == 1000
    space.check("x", FACTS, need)
    text = str(refused(FACTS, space.Need(files(*[1] * 993), 1)))
    assert "too few inodes: needs 1001, 1000 of 2000 are free" in text


@pytest.mark.parametrize(
    ("facts", "option", "text"),
    [
        ({"writable": False}, "uid", r"uid 5000 may not write there \(mode 2775\)"),
        (
            {"writable": False, "probe": {"write": "Read-only file system"}},
            "pvc",
            "mounted read-only on ext4",
        ),
        ({"writable": False, "fs_read_only": True}, "pvc", "mounted read-only on ext4"),
        ({"probe": {**WORKS, "rename": "Invalid argument"}}, "pvc", "cannot rename.*ext4"),
        ({"probe": {**WORKS, "fsync": "Invalid argument"}, "uid": 0}, "host_path", "cannot flush"),
        ({"probe": {**WORKS, "fsync_dir": "Bad file descriptor"}}, "pvc", "flush a directory"),
    ],
)
def test_stores_that_take_nothing(facts: dict[str, Any], option: str, text: str) -> None:
    error = refused(replace(FACTS, **facts), space.Need(files(1), 1))
    assert error.option == option and error.hint
    assert re.search(text, str(error))


def test_a_trial_that_failed_for_lack_of_space_gives_way_to_the_sizes() -> None:
    full = replace(FACTS, free_bytes=0, probe={"write": "No space left on device"})
    assert "too small" in str(refused(full, space.Need(files(1), 1)))


def origin(number: int, kind: str, size: int, start: int = 0) -> origins.Origin:
    return origins.Origin(number, FileEntry(f"f{number}", size, "0" * 64, FILE_MODE), kind, start)


def test_need_of_origins() -> None:
    version = [
        origin(0, origins.DONE, 10),
        origin(1, origins.LINKED, 20),
        origin(2, origins.TWIN, 30),
        origin(3, origins.SENT, 40, 5),
        origin(4, origins.PEER, 50),
        origin(5, origins.PULLED, 60),
    ]
    need = space.need_of([version, []], FACTS)
    assert need.versions == 2 and need.linked == 2
    assert need.files == (space.Write(40, 5), space.Write(50), space.Write(60))
    assert space.need_of([version], replace(FACTS, hardlink=False)).linked == 2, "not tried out"
    copies = space.need_of([version], replace(FACTS, hardlink=False, probe=WORKS))
    assert space.Write(20) in copies.files and not copies.linked


@pytest.mark.parametrize(
    ("mode", "reflink", "copied"), [(0o644, False, 0), (0o664, False, 1), (0o664, True, 0)]
)
def test_a_file_that_cannot_be_linked_as_it_is_needs_its_bytes(
    mode: int, reflink: bool, copied: int
) -> None:
    """The kubelet may give all files of a claim to a group (fsGroup), and a link shares that."""
    entry = FileEntry("a.onnx", MIB, "0" * 64)
    old, new = Manifest("ocr", 1, (entry,)), Manifest("ocr", 2, (entry,))
    stamp = (MIB, 1, 2)
    record = {"manifest": old.as_dict(), "stamps": {"a.onnx": stamp}}
    there = RawVersion("ocr", 1, (RawFile("a.onnx", stamp, stat.S_IFREG | mode, 0, 0),), record)
    library = origins.Library.of([there])
    found = origins.origins_of(new, {}, library, deltas=True, twins=True)
    assert [item.kind for item in found] == [origins.LINKED]
    need = space.need_of([found], replace(FACTS, reflink=reflink, probe=WORKS))
    assert (len(need.files), need.linked) == (copied, 1 - copied)


def test_what_could_be_removed() -> None:
    published = [
        RawVersion("ocr", number, (RawFile("a", (7, 0, 0), 0, 0, 0),)) for number in (1, 2)
    ]
    facts = replace(FACTS, stages={"sha256:a": 5, "sha256:b": 6})
    found = space.removable_of(facts, published, {("ocr", 2)}, {"sha256:b"})
    assert found == space.Removable(5, (("ocr/1", 7),))
