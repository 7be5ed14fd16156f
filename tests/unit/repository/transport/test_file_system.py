# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the file system below a store can do, and what is refused where it cannot.

Runs on the file system of this machine, on those that tests/testbed/volumes/odd.py makes here, and
alone on another volume of tests/testbed/volumes, which says C(EDGE_VOLUME).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    disk,
    lock,
    verify,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    files as agent_files,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.ownership import (
    Ownership,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import FileJob
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.repair import (
    wrong_modes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Flow,
    Have,
)

from ..conftest import manifests_of
from ..near import NearClient, channel_of

sys.path.append(str(Path(__file__).resolve().parents[3] / "testbed/volumes"))

from mounted import can_mount, mounted  # noqa: E402
from odd import VOLUMES  # noqa: E402

VOLUME = os.environ.get("EDGE_VOLUME", "")


@dataclass(frozen=True)
class Row:
    """One row of the table in docs/volumes.md.

    C(refused) is the step of the probe that fails for a helper that is root; C(said), in words.
    """

    hardlink: bool = True
    case: bool = True
    reserved: bool = True
    refused: str = ""
    said: str = "give a file an owner|: owner:|no modes that can be set"


ROWS = {
    "": Row(),
    "nfs3-soft": Row(),
    "nfs4-hard": Row(),
    "nfs4-squash": Row(refused="owner"),
    "vfat": Row(hardlink=False, case=False, reserved=False, refused="owner"),
    "fuse": Row(),
    "fuse-folds": Row(case=False),
    "fuse-times": Row(),
    "fuse-inodes": Row(),
    "fuse-no-links": Row(hardlink=False),
    "fuse-no-modes": Row(),
    "fuse-no-owners": Row(refused="owner"),
    "fuse-no-space": Row(),
    "fuse-endless": Row(),
    "fuse-late": Row(),
    "fuse-share": Row(hardlink=False, case=False),
}
# `make volumes` tries all of them (EDGE_EVERY_ERROR=1).
SAMPLE = ("fuse-folds", "fuse-no-owners", "fuse-no-space", "fuse-share")
HERE = ["", *(VOLUMES if os.environ.get("EDGE_EVERY_ERROR") else SAMPLE if can_mount() else ())]


@pytest.fixture(params=[VOLUME] if VOLUME else HERE)
def volume(request: Any, tmp_path: Path) -> Iterator[tuple[Path, Row]]:
    """A folder on a file system, and what is true of it."""
    if VOLUME or not request.param:
        yield tmp_path, ROWS[request.param]
        return
    with mounted(VOLUMES[request.param]) as odd:
        yield odd.path, ROWS[request.param]


@pytest.fixture(params=["agent", "exec"])
def channel(request: Any, volume: tuple[Path, Row], tmp_path: Path, make_agent: Any) -> Any:
    root, run = volume[0] / "store", tmp_path / "run"
    root.mkdir()
    run.mkdir()
    port = make_agent(root).port if request.param == "agent" else 0
    return channel_of(request.param, NearClient(root, run, port))


def test_one_flush_for_all_is_believed_where_it_reaches_the_disk(
    volume: tuple[Path, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C(syncfs) of FUSE does nothing behind the kernel: there each file is flushed by itself."""
    kind = disk.mount_of(str(volume[0]))[0]
    flushed: list[str] = []
    monkeypatch.setattr(agent_files, "fsync", flushed.append)
    files = [str(volume[0] / str(number)) for number in range(disk.FEW_FILES + 1)]
    disk.sync_all(str(volume[0]), files)
    assert flushed == ([] if kind in ("ext4", "xfs", "tmpfs", "nfs", "nfs4") else files)


def test_many_files_are_read_in_order_whatever_lies_among_them(
    volume: tuple[Path, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no file, or is not there, is C(""); what cannot be read is an error, or skipped."""
    contents = {str(volume[0] / f"{number:03}"): b"%d" % number * 99 for number in range(200)}
    for path, data in contents.items():
        Path(path).write_bytes(data)
    odd = [str(volume[0] / name) for name in ("none", "folder", "fifo")]
    os.mkdir(odd[1])
    with contextlib.suppress(PermissionError):  # FAT has files and folders, nothing else
        os.mkfifo(odd[2])
    paths = [*list(contents)[:150], *odd, *list(contents)[150:]]
    wanted = [
        hashlib.sha256(contents[path]).hexdigest() if path in contents else "" for path in paths
    ]
    for drop in (False, True):
        found = list(disk.read_all(((path, 100) for path in paths), drop=drop))
        assert [sha256 for sha256, _stamp in found] == wanted
        stamps = [stamp for sha256, stamp in found if sha256]
        assert stamps == [agent_files.stamp(path) for path in paths if path in contents]
    broken, real = list(contents)[10], os.read

    def read(descriptor: int, count: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{descriptor}") == os.path.realpath(broken):
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, count)

    monkeypatch.setattr(os, "read", read)
    with pytest.raises(OSError, match="Input/output error") as caught:
        list(disk.read_all((path, 100) for path in paths))
    assert caught.value.filename == broken
    skipped = [
        sha256 for sha256, _stamp in disk.read_all(((path, 100) for path in paths), skip=True)
    ]
    assert skipped == [*wanted[:10], "", *wanted[11:]]


def test_a_flush_of_many_files_that_fails_names_some_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system does not tell which of them it was."""

    def flush(top: str, paths: Any) -> None:
        raise OSError(errno.EIO, "Input/output error", top)

    monkeypatch.setattr(disk, "sync_all", flush)
    entries = [{"path": f"labels/{number}.txt", "size": 0, "sha256": ""} for number in range(3)]
    stage: Any = SimpleNamespace(directory=str(tmp_path), files=entries, claims=verify.Claims())
    verifier = verify.Verifier(stage)
    for number in range(3):
        verifier.finished(verify.Whole(stage, number))
    verifier.close()
    wanted = "labels/0.txt and 2 more files cannot be flushed to the disk: Input/output error"
    assert str(verifier.error) == wanted and isinstance(verifier.error, agent_files.Refused)


def test_a_dead_writer_looks_dead_whatever_its_inode_number_is(tmp_path: Path) -> None:
    owner, other = tmp_path / "owner", tmp_path / "other"
    for path in (owner, other):
        path.write_text("{}")
        os.utime(path, (1, 1))
    look = lock._look(str(owner))
    other.replace(owner)
    assert lock._look(str(owner)) == look
    owner.write_text("{ }")
    assert lock._look(str(owner)) != look


def test_what_it_can_do_is_found_out(channel: Any, volume: tuple[Path, Row]) -> None:
    facts, row = channel.facts(), volume[1]
    assert (facts.keeps["case"], facts.keeps["reserved"]) == (row.case, row.reserved)
    if channel.transport == "agent":
        assert facts.hardlink is row.hardlink
        faults = [step for step, fault in facts.probe.items() if fault]
        assert faults == ([row.refused] if row.refused and os.geteuid() == 0 else [])


def send(channel: Any, source: Path, manifest: Manifest) -> None:
    """Stage a version."""
    staged = channel.stage(manifest, {})
    jobs = [
        FileJob(number, str(source / entry.path), entry, staged.get(number, Have()).have)
        for number, entry in enumerate(manifest.files)
        if not staged.get(number, Have()).done
    ]
    channel.send(manifest, jobs, Flow(lambda count: None, lambda count: None, compress=False))


def test_publish_and_remove_or_a_refusal_before_the_first_byte(
    channel: Any, source: Path, volume: tuple[Path, Row]
) -> None:
    store, row = volume[0] / "store", volume[1]
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    if row.refused and os.geteuid() == 0:
        with pytest.raises(EdgeError, match=row.said):
            channel.lock("me", "test")
        assert not list(store.rglob("*.bin"))
        return
    channel.lock("me", "test")
    send(channel, source / "ocr/1", manifest)
    channel.publish(manifest)
    version = store / "models/ocr/1"
    for entry in manifest.files:
        assert (version / entry.path).read_bytes() == (source / "ocr/1" / entry.path).read_bytes()
    (raw,) = channel.inventory().versions
    assert raw.key == ("ocr", 1)
    published = version.stat()
    ownership = Ownership(published.st_uid, published.st_gid)
    assert not wrong_modes(raw, ownership, {item.path for item in raw.files})
    assert channel.hashes("ocr", 1, manifest.size) == {
        item.path: item.sha256 for item in manifest.files
    }
    assert channel.remove("ocr", 1)
    assert not version.exists()
    channel.close()


def test_what_looks_other_than_when_it_was_verified_is_read_again(
    channel: Any, source: Path, volume: tuple[Path, Row]
) -> None:
    """Another inode number or another time is no other content; other bytes are."""
    store, row = volume[0] / "store", volume[1]
    if row.refused and os.geteuid() == 0:
        return
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    channel.lock("me", "test")
    send(channel, source / "ocr/1", manifest)
    (tree,) = (store / ".edge/staging").glob("*/tree")
    (tree / "model.xml").write_bytes(b"<NET />")
    with pytest.raises(EdgeError, match="model.xml"):
        channel.publish(manifest)
    (tree / "model.xml").write_bytes(b"<net/>")
    os.utime(tree / "model.xml", (1, 1))
    channel.publish(manifest)
    assert (store / "models/ocr/1/model.xml").read_bytes() == b"<net/>"
    channel.close()
