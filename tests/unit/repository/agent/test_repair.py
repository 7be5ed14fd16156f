# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helper's side of a repair: what it restores and what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    files as agent_files,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    repair as agent_repair,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.store import Store
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    Inventory,
    believe,
)

from ..conftest import manifests_of, write_files

FILES = {"m/1/a.onnx": b"weights" * 999, "m/1/d/b.txt": b"text"}


class Site:
    """One locked store with m/1 published, and its source."""

    def __init__(self, folder: Path) -> None:
        self.source = write_files(folder / "src", FILES)
        (self.manifest,) = manifests_of(self.source)
        self.store = Store(str(folder / "store"), 5000, 5000, False)
        self.store.lock("me", "test")
        self.send(self.manifest)
        self.store.publish(self.manifest.digest)
        self.version = folder / "store/models/m/1"

    def send(self, manifest: Manifest, *numbers: int) -> None:
        """Stage files of a version; without numbers all."""
        self.store.stage(manifest.as_dict(), {})
        stage = self.store.stage_of(manifest.digest)
        for number in numbers or range(len(manifest.files)):
            entry = manifest.files[number]
            data = (self.source / "m/1" / entry.path).read_bytes()
            Path(stage.part(number)).write_bytes(data)
            stage.finish(number, entry.sha256, False)
        stage.flush()

    def again(self) -> Store:
        """Return another helper's view of the store."""
        return Store(str(self.version.parents[2]), 5000, 5000, False)

    def repair(self, *files: int, modes: Any = (), extra: Any = ()) -> Any:
        """Ask for a repair."""
        body = {"manifest": self.manifest.as_dict(), "files": files, "modes": modes, "extra": extra}
        return agent_repair.repair(self.store, body)

    def is_sound(self) -> bool:
        """Whether all files are right and the record fits."""
        found = {
            str(path.relative_to(self.version)): path.read_bytes()
            for path in self.version.rglob("*")
            if path.is_file()
        }
        raw = Inventory.from_dict(self.store.inventory()).by_key()[("m", 1)]
        right = found == {name[4:]: data for name, data in FILES.items()}
        return right and believe(raw) is not None


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    assert made.is_sound()
    return made


def test_a_file_in_the_place_of_a_directory_and_the_other_way_round(site: Site) -> None:
    (site.version / "a.onnx").unlink()
    write_files(site.version, {"a.onnx/x": b"x"})
    (site.version / "d/b.txt").unlink()
    (site.version / "d").rmdir()
    (site.version / "d").symlink_to("/etc")
    site.send(site.manifest)
    assert site.repair(0, 1, extra=["d"]) == {"repaired": 2}
    assert site.is_sound() and not (site.version / "d").is_symlink()
    assert os.listdir(site.store.work + "/trash") == os.listdir(site.store.work + "/staging") == []


def test_an_open_damaged_file_is_not_written_to(site: Site) -> None:
    path = site.version / "a.onnx"
    path.write_bytes(b"damaged")
    with path.open("rb") as held:
        site.send(site.manifest, 0)
        site.repair(0)
        assert held.read() == b"damaged"
    assert site.is_sound()


def test_what_nfs_keeps_of_an_open_file_is_no_file_of_the_version(site: Site) -> None:
    """On a real NFS the test above makes one."""
    (site.version / ".nfs000000000000004f00000003").write_bytes(b"damaged")
    (site.version / "a.onnx").write_bytes(b"damaged")
    site.send(site.manifest, 0)
    assert site.repair(0) == {"repaired": 1}
    (site.version / ".nfs4f").write_bytes(b"not of NFS")
    with pytest.raises(agent_files.Refused, match=r"still not as it was published: \.nfs4f$"):
        site.repair()


@pytest.mark.parametrize("path", ["../1/a.onnx", "/etc/passwd", "d/../../x", "", "a\0b", "a.onnx"])
def test_only_what_does_not_belong_there_goes(site: Site, path: str) -> None:
    with pytest.raises(agent_files.Refused) as caught:
        site.repair(extra=[path])
    assert caught.value.status == 400 and site.is_sound()


def test_nothing_is_followed_out_of_the_version(site: Site, tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"x.txt": b"precious"})
    (site.version / "link").symlink_to(outside)
    with pytest.raises(agent_files.Refused, match="still not as it was published: link"):
        site.repair(extra=["link/x.txt"])
    assert (outside / "x.txt").read_bytes() == b"precious"
    site.repair(extra=["link"])
    assert site.is_sound() and outside.is_dir()


def test_a_file_that_was_not_sent_is_refused_before_anything_changes(site: Site) -> None:
    (site.version / "a.onnx").write_bytes(b"damaged")
    (site.version / "extra").write_bytes(b"")
    with pytest.raises(agent_files.Refused, match="not staged"):
        site.repair(0, extra=["extra"])
    site.send(site.manifest, 1)
    with pytest.raises(agent_files.Refused, match=r"a\.onnx has not been received"):
        site.repair(1, 0, extra=["extra"])
    assert (site.version / "extra").exists()


def test_what_is_not_right_afterwards_is_not_recorded(site: Site) -> None:
    (site.version / "a.onnx").write_bytes(b"damaged")
    (site.version / "d/b.txt").write_bytes(b"damaged too")
    site.send(site.manifest, 0)
    with pytest.raises(agent_files.Refused, match=r"still not as it was published: d/b\.txt"):
        site.repair(0)
    assert (site.version / "a.onnx").read_bytes() == FILES["m/1/a.onnx"]
    assert not site.is_sound()
    site.send(site.manifest, 1)
    site.repair(1)
    assert site.is_sound()


def test_without_the_lock_nothing_is_touched(site: Site) -> None:
    site.store.unlock()
    with pytest.raises(agent_files.Refused) as caught:
        site.repair(modes=[0])
    assert caught.value.status == 423


def test_a_version_that_is_gone_is_not_made(site: Site) -> None:
    site.store.remove("m", 1)
    with pytest.raises(agent_files.Refused) as caught:
        site.repair(modes=[0])
    assert caught.value.status == 404


def test_owner_and_mode_without_being_root(site: Site, monkeypatch: Any) -> None:
    """A file of another user is replaced by a copy; a directory of one can only be named."""
    path = site.version / "a.onnx"
    path.chmod(0o664)
    os.chown(path, 0, 0)
    inode = path.stat().st_ino
    monkeypatch.setattr(os, "geteuid", lambda: 5000)
    site.repair(modes=[0])
    assert path.stat().st_ino != inode and path.stat().st_mode & 0o777 == 0o644
    assert site.is_sound()
    os.chown(site.version / "d", 0, 0)  # as what is written here by this very process is
    site.repair(modes=[0])
    os.chown(site.version / "d", 6, 6)
    with pytest.raises(agent_files.Refused, match="another user.*: d$") as caught:
        site.repair(modes=[0])
    assert caught.value.status == 403 and site.is_sound()


def test_modes_are_set_in_place_by_the_owner(site: Site) -> None:
    path = site.version / "d/b.txt"
    path.chmod(0o600)
    (site.version / "d").chmod(0o700)
    site.version.parent.chmod(0o750)
    inode = path.stat().st_ino
    site.repair(modes=[1])
    assert path.stat().st_ino == inode and path.stat().st_mode & 0o777 == 0o644
    for directory in (site.version.parent, site.version, site.version / "d"):
        assert directory.stat().st_mode & 0o7777 == 0o755
    assert not (site.version.stat().st_mode & 0o022)


def test_listing_tells_directories_and_a_bad_record(site: Site) -> None:
    (raw,) = Inventory.from_dict(site.store.inventory()).versions
    assert [item.path for item in raw.directories] == ["..", "", "d"]
    assert raw.record_fault == "" and (raw.record or {})["owner"] == [5000, 5000]
    record = Path(site.store.work) / "manifests/m/1.json"
    for text, fault in (("{", "it is no JSON"), ("[]", "it is no record")):
        record.write_text(text)
        (raw,) = Inventory.from_dict(site.store.inventory()).versions
        assert (raw.record, raw.record_fault) == (None, fault)
    record.unlink()
    record.mkdir()
    (raw,) = Inventory.from_dict(site.store.inventory()).versions
    assert raw.record is None and raw.record_fault == "it is a directory"


def test_31_what_was_set_aside_comes_back_with_the_lock(tmp_path: Path) -> None:
    site = Site(tmp_path)
    before = site.store.inventory()
    agent_repair.set_aside(site.store, "m", 1)
    assert not site.version.exists() and site.version.parent.is_dir()
    site.store.unlock()
    assert site.store.inventory() == before, "a helper whose controller is gone does this"
    site.store.lock("me", "test")
    agent_repair.set_aside(site.store, "m", 1)
    with pytest.raises(agent_files.Refused):
        agent_repair.set_aside(site.again(), "m", 1)
    shutil.rmtree(site.store.locked.path)  # the helper was killed, and its lease is over
    other = site.again()
    other.lock("other", "test")
    assert other.inventory() == before and not (tmp_path / "store/.edge/aside").exists()


def test_31_what_is_published_again_is_not_replaced_by_what_was_aside(tmp_path: Path) -> None:
    site = Site(tmp_path)
    write_files(tmp_path / "store/.edge/aside", {"m/1/old": b"old", "m/x": b"", "y": b""})
    write_files(
        tmp_path / "store/.edge/aside", {"m/2/b.onnx": b"two", "Ö/1/c": b"", "m/tmp/d": b""}
    )
    assert agent_repair.put_back(site.store) == {"back": 1}
    models = tmp_path / "store/models"
    assert sorted(path.name for path in (models / "m/1").iterdir()) == ["a.onnx", "d"]
    assert (models / "m/2/b.onnx").read_bytes() == b"two" and not (models / "Ö").exists()
    assert not (tmp_path / "store/.edge/aside").exists()


@pytest.fixture
def rotting(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A file system of its own on a loop device, and the image that is its disk."""
    if (
        os.geteuid() != 0
        or not os.path.exists("/dev/loop-control")
        or not shutil.which("mkfs.ext4")
    ):
        pytest.skip("needs root, loop devices and mkfs.ext4")
    image, top = tmp_path / "disk", tmp_path / "top"
    image.write_bytes(bytes(16 << 20))
    top.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(top)], check=True)
    yield top, image
    subprocess.run(["umount", str(top)], check=True)


def test_an_audit_sees_what_the_disk_has_and_not_the_memory(
    rotting: tuple[Path, Path],
) -> None:
    """A byte is lost on the disk while the node still has all of the file in memory."""
    top, image = rotting
    data = os.urandom(300_000)
    write_files(top, {"m/1/a.onnx": data})
    os.sync()
    version = str(top / "m/1")
    before = agent_repair.hashes_of(version)
    place = image.read_bytes().find(data[:4096])
    assert place > 0
    with image.open("r+b") as disk:
        disk.seek(place + 100)
        disk.write(bytes([data[100] ^ 1]))
    assert (top / "m/1/a.onnx").read_bytes() == data, "it is in memory"
    assert agent_repair.hashes_of(version) != before
