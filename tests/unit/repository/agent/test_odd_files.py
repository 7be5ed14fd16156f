# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever lies in the place of a file of C(.edge): it counts as absent, is named, and goes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    blocks,
    files,
    lock,
    store,
    trust,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import look

from .crash_driver import NEW, OLD, content, manifest_of, publish, send

KEY = "ab" * 32
LISTING = "sha256:" + "cd" * 32
DIGEST = str(manifest_of(2, NEW)["digest"])
STAGE = ".edge/staging/" + DIGEST.replace(":", "-")
TABLE = "e" * 64

FILES = [
    ".edge/locks/store/owner",
    ".edge/locks/store/beat",
    ".edge/locks/ages",
    ".edge/manifests/ocr/1.json",
    f"{STAGE}/manifest.json",
    f"{STAGE}/done",
    f"{STAGE}/part-1",
    f"{STAGE}/bad-1",
    f"{STAGE}/new-0",
    f"{STAGE}/tree/b.bin",
    f".edge/trust/{KEY}",
    f".edge/pulls/{LISTING.replace(':', '-')}.json",
    f".edge/blocks/{TABLE}-4096",
]
# Read as they stand, or checked by their hash: what is in them is no matter.
OPAQUE = ("done", "part-1", "bad-1", "new-0", "b.bin", "beat", "ages", "-4096")
# Not what a survey of kinds looks at: content of a version, and a cache.
UNNAMED = ("b.bin", "-4096")


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's name is short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


ODD: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a directory": lambda path: (path / "in").mkdir(parents=True),
    "a socket": _socket,
    "a link": lambda path: path.symlink_to("/dev/zero"),
    "a device": lambda path: os.mknod(path, 0o644 | stat.S_IFCHR, os.makedev(1, 5)),
    "no JSON": lambda path: path.write_bytes(b"\xff\x00{"),
    "deep JSON": lambda path: path.write_text("[" * 200_000 + "]" * 200_000),
    "half-deep JSON": lambda path: path.write_text('{"a":' * 400 + "1" + "}" * 400),
    "a list": lambda path: path.write_text('[{"id": "x"}, 1]'),
    "an object": lambda path: path.write_text('{"id": ["x"], "manifest": [1], "counter": "1"}'),
    "a number": lambda path: path.write_text("1e400"),
    "huge": _huge,
}
IN_PLACE = ("a FIFO", "a directory", "a socket", "a link", "a device")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that waits for a FIFO fails; a lock that does not change is dead at once."""
    monkeypatch.setattr(lock, "LOCK_LEASE", 0.0)

    def too_long(_number: int, _frame: Any) -> None:
        raise AssertionError("it waits for what never comes")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def a_store(root: Path) -> store.Store:
    return store.Store(str(root), os.geteuid(), os.getegid(), False)


def prepare(root: Path) -> None:
    """One version is published, another is on its way, and its writer is dead."""
    root.mkdir()
    first = a_store(root)
    first.lock("before", "test")
    manifest = manifest_of(1, OLD)
    first.stage(manifest, {})
    send(first, manifest, OLD)
    first.publish(manifest["digest"])
    first.stage(manifest_of(2, NEW), {"0": [{"model": "ocr", "version": 1, "path": "a.bin"}]})
    trust.write(first.work, KEY, 3)
    first.locked.beat()
    for name in FILES:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_bytes(b"")


def work_with(root: Path) -> list[list[str]]:
    """Do all that reads or writes C(.edge); return what was named."""
    second = a_store(root)
    second.facts()
    found = trust.read(second.work)
    assert found.get(KEY) in (3, trust.UNREADABLE, 1)
    look.known(second.work, LISTING)
    named = list(second.inventory()["odd"])
    second.lock("after", "test")
    named += second.inventory()["odd"]
    trust.write(second.work, KEY, 4)
    assert trust.read(second.work) == {KEY: 4}
    source = os.path.join(second.version_path("ocr", 1), "a.bin")
    directory = os.path.join(second.work, "blocks")
    told = blocks.signature_bytes(source, 4096, TABLE)
    assert blocks.cached_signature(directory, TABLE, source, 4096) == told
    look._remember(second.work, LISTING, ["a"])
    assert look.known(second.work, LISTING) == ["a"]
    for _round in range(2):  # what was in a part may make the first one wrong
        second.stage(manifest_of(2, NEW), {})
        send(second, manifest_of(2, NEW), NEW)
    publish(second)
    second.seal(manifest_of(1, OLD))
    second.locked.beat()
    second.unlock()
    assert content(root) == {"1": OLD, "2": NEW}
    assert a_store(root).inventory()["odd"] == []
    return named


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("odd", ODD)
def test_case_37_each_odd_thing_in_the_place_of_each_file(
    odd: str, name: str, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    prepare(root)
    path = root / name
    path.unlink()
    ODD[odd](path)
    named = dict(work_with(root))
    of_kind = odd in IN_PLACE
    if of_kind and not name.endswith(UNNAMED):
        assert named[name] == f"it is {odd}"
    elif not of_kind and not name.endswith(OPAQUE):
        assert name in named


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="edge-odd-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_case_37_what_may_not_be_read(open_folder: Path) -> None:
    root = open_folder / "store"
    prepare(root)
    names = [".edge/locks/store/owner", ".edge/manifests/ocr/1.json"]
    for name in names:
        (root / name).chmod(0)
    for path in (root / ".edge", *(root / ".edge").rglob("*/")):
        path.chmod(0o755)
    (root / ".edge/pulls").chmod(0o700)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(5000)
            os.setuid(5000)
            os.write(write, json.dumps(a_store(root).inventory()["odd"]).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    named = dict(json.loads(os.read(read, 65536)))
    os.close(read)
    for name in (*names, ".edge/pulls"):
        assert named[name] == "it cannot be read: Permission denied"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_case_37_what_cannot_be_deleted_is_named(open_folder: Path) -> None:
    """A directory of root, with something in it, stays: the helper may be any other user."""
    place = open_folder / "done"
    (place / "inner").mkdir(parents=True)
    place.chmod(0o755)
    child = os.fork()
    if not child:
        os.setuid(5000)
        try:
            files.make_way(str(place))
        except files.Refused as error:
            os._exit(0 if f"{place}: a directory is in the way, and user 5000" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_case_37_a_name_of_ours_that_is_no_directory_is_said(tmp_path: Path) -> None:
    root = tmp_path / "store"
    prepare(root)
    os.rename(root / ".edge/trash", root / ".edge/before")
    os.mkfifo(root / ".edge/trash")
    one = a_store(root)
    assert [".edge/trash", "it is a FIFO"] in one.inventory()["odd"]
    with pytest.raises(store.Refused, match=r"\.edge/trash is not a directory"):
        one.lock("one", "test")


def test_records_of_other_shapes_are_none(tmp_path: Path) -> None:
    root = tmp_path / "store"
    prepare(root)
    path = root / ".edge/manifests/ocr/1.json"
    sound = json.loads(path.read_text())
    for key, value in (("manifest", []), ("manifest", {"files": {}}), ("stamps", [])):
        path.write_text(json.dumps({**sound, key: value}))
        one = a_store(root)
        assert one.inventory()["versions"][0]["record"] is None
        assert [".edge/manifests/ocr/1.json", "it is no record"] in one.inventory()["odd"]
        assert one.recorded("ocr", 1) == {}
