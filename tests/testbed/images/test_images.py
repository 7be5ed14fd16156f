# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the image build that need neither root nor a network."""

from __future__ import annotations

import re
import sys
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from edge_images import images, mirror, process  # noqa: E402
from edge_images.archive import write_tree  # noqa: E402
from edge_images.cache import image_directory, key_of, locked, remove_others  # noqa: E402


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree with a directory, a program, a link."""
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/program").write_text("#!/bin/sh\n")
    (root / "usr/bin/program").chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    (root / "other").write_text("not asked for")
    return root


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    """Name -> entry of a tar."""
    with tarfile.open(path) as archive:
        return {info.name: info for info in archive}


def test_a_layer_has_the_trees_asked_for_with_their_parents(tree: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "a.tar", tree, ["usr/bin", "bin"], hidden=["usr/bin/tar"])
    found = members(tmp_path / "a.tar")
    assert list(found) == ["usr", "usr/bin", "usr/bin/program", "bin", "usr/bin/.wh.tar"]
    assert found["usr/bin/program"].mode == 0o755
    assert found["bin"].issym()


def test_the_same_tree_gives_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "a.tar", tree)
    (tree / "usr/bin/program").touch()
    write_tree(tmp_path / "b.tar", tree)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_keys_tell_parts_apart() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("a") == key_of(b"a")


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_CACHE", "/somewhere")
    assert image_directory() == Path("/somewhere/images")
    monkeypatch.delenv("EDGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert image_directory() == Path("/cache/openvino-edge/images")


def test_old_layers_go(tmp_path: Path) -> None:
    with locked(tmp_path):
        kept = tmp_path / "base-2.tar"
        for path in (kept, tmp_path / "base-1.tar", tmp_path / "other-1.tar"):
            path.touch()
        remove_others(tmp_path, "base-*.tar", kept)
    assert sorted(path.name for path in tmp_path.glob("*.tar")) == ["base-2.tar", "other-1.tar"]


def test_a_mirror_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DEBIAN_MIRROR", "http://mirror.example/debian")
    assert mirror.configured_mirror("bookworm") == "http://mirror.example/debian"


def test_a_list_of_mirrors_gives_its_first(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text("https://mirror.example/debian\nhttps://other.example/debian\n")
    assert mirror.plain_address(f"mirror+file:{listing}/") == "https://mirror.example/debian"
    assert mirror.plain_address("http://x/debian/") == "http://x/debian/"
    listing.write_text("")
    with pytest.raises(process.BuildError, match="EDGE_DEBIAN_MIRROR"):
        mirror.plain_address(f"mirror+file:{listing}")


def test_a_failed_command_says_its_last_words() -> None:
    with pytest.raises(process.BuildError, match="(?s)sh ended with 3:.*why"):
        process.run("sh", "-c", "echo why; exit 3")


def test_the_user_is_that_of_ovms_and_group_numbers_are_unique(tmp_path: Path) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (tmp_path / "root/etc/group").write_text("root:x:0:\nvideo:x:44:\n")
    (tmp_path / "inside").mkdir()
    images._add_user(tmp_path / "root", tmp_path / "inside")
    assert "ovms:x:5000:5000:" in (tmp_path / "inside/etc/passwd").read_text()
    groups = (tmp_path / "inside/etc/group").read_text().splitlines()
    numbers = [line.split(":")[2] for line in groups]
    assert len(numbers) == len(set(numbers))
    assert {"39", "44", "5000"} <= set(numbers)


def test_a_private_umask_does_not_reach_the_image(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d/file").touch(mode=0o600)
    (tmp_path / "d/program").touch(mode=0o700)
    images._make_readable(tmp_path)
    modes = [path.stat().st_mode & 0o777 for path in sorted(tmp_path.rglob("*"))]
    assert modes == [0o755, 0o644, 0o755]


def test_every_requirement_is_pinned_with_hashes() -> None:
    text = (HERE / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 7
    assert all(re.match(r"[\w-]+==\S+ +--hash=sha256:", line) for line in lines)
    assert "://" not in text


def test_unknown_images_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert images.main(["localhost/nothing:1"]) == 2
    assert "localhost/ovms-standin:2026.3" in capsys.readouterr().err
