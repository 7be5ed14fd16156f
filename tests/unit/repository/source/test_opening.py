# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives as sources: what comes out is what a directory would give, whatever is in them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Selection,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source import (
    archive,
    opening,
    scratch,
    streams,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.opening import (
    Source,
    opened,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ..conftest import write_files

FILES = {
    "ocr/1/model.xml": b"<net/>",
    "ocr/1/model.bin": os.urandom(300_000),
    "det/3/det.onnx": b"onnx" * 1000,
    "det/3/labels/en.txt": b"a b c",
}
NOISE = b"".join(hashlib.sha256(bytes([item])).digest() for item in range(64))
Add = Callable[[tarfile.TarFile], None]


@pytest.fixture(autouse=True)
def private_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hash cache and the temporary directory of each test are its own."""
    monkeypatch.setenv("EDGE_HASH_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def add_file(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def add_link(tar: tarfile.TarFile, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    tar.addfile(member)


def tar_bytes(files: dict[str, bytes], more: Iterable[Add] = (), prefix: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            add_file(tar, prefix + name, data)
        for add in more:
            add(tar)
    return out.getvalue()


def pack(path: Path, data: bytes) -> Path:
    if path.name.endswith((".gz", ".tgz")):
        data = gzip.compress(data)
    elif path.name.endswith(".zst"):
        data = zstandard.ZstdCompressor(write_checksum=True).compress(data)
    path.write_bytes(data)
    return path


def old(path: Path) -> Path:
    """Let a file look as if nobody touched it lately: the cache keeps nothing younger."""
    os.utime(path, (1, 1))
    return path


def digests(source: Source) -> dict[tuple[str, int], str]:
    return {(item.model, item.version): item.digest for item in source.manifests()}


def contents(source: Source) -> dict[str, bytes]:
    return {
        f"{version.model}/{version.version}/{item.path}": Path(item.source).read_bytes()
        for version in source.repository.versions
        for item in version.files
    }


@pytest.mark.parametrize("prefix", ["", "./", "release-7/", "./release-7/"])
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "no-suffix.gz"])
def test_an_archive_gives_what_the_directory_gives(
    tmp_path: Path, name: str, prefix: str, private_places: Path
) -> None:
    root = write_files(tmp_path / "src", FILES)
    path = pack(tmp_path / name, tar_bytes(FILES, prefix=prefix))
    with opened(str(root)) as directory:
        wanted = digests(directory)
    with opened(str(path)) as source:
        assert digests(source) == wanted
        assert not any(Path(item.source).exists() for item in source.repository.versions[0].files)
        source.make_ready([("ocr", 1)])
        source.make_ready([("ocr", 1), ("det", 3)])
        assert contents(source) == FILES
    assert not list(private_places.iterdir())


def test_only_what_is_needed_is_unpacked(tmp_path: Path, private_places: Path) -> None:
    path = pack(tmp_path / "a.tar.gz", tar_bytes(FILES))
    with opened(str(path), [Selection("det")]) as source:
        assert set(digests(source)) == {("det", 3)}
        source.make_ready([("det", 3), ("other", 9)])
        found = [item for item in private_places.rglob("*") if item.is_file()]
        assert sorted(item.name for item in found) == ["det.onnx", "en.txt", "lock"]
        assert all(item.stat().st_mode & 0o077 == 0 for item in found if item.name != "lock")


def test_an_unchanged_archive_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "a.tar.gz", tar_bytes({**FILES, "edge-release.json": b'{"counter":4}'}))
    monkeypatch.setattr(
        "ansible_collections.openvino.edge.plugins.module_utils.repository.source.listings.is_racy",
        lambda newest, now: False,
    )
    with opened(str(path)) as source:
        first = digests(source)
    monkeypatch.setattr(archive, "Forward", None)
    with opened(str(path)) as source:
        assert digests(source) == first
        assert source.release() == b'{"counter":4}'


def test_an_archive_of_this_moment_is_read_again(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", tar_bytes(FILES))
    with opened(str(path)) as source:
        first = digests(source)
    status = path.stat()
    changed = dict(FILES, **{"ocr/1/model.bin": b"x" * 300_000})
    with open(path, "r+b") as stream:  # same size, same inode
        stream.write(tar_bytes(changed))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with opened(str(path)) as source:
        assert digests(source)[("ocr", 1)] != first[("ocr", 1)]


def test_links_inside_are_followed(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "a.tar",
        tar_bytes(
            FILES,
            [
                lambda tar: add_link(tar, "ocr/2/model.xml", "../1/model.xml"),
                lambda tar: add_link(tar, "ocr/2/model.bin", "ocr/1/model.bin", tarfile.LNKTYPE),
                lambda tar: add_link(tar, "ocr/3", "1"),
            ],
        ),
    )
    with opened(str(path)) as source:
        found = digests(source)
        assert found[("ocr", 1)] == found[("ocr", 2)] == found[("ocr", 3)]
        source.make_ready(found)
        assert contents(source)["ocr/2/model.bin"] == FILES["ocr/1/model.bin"]


def test_what_is_never_copied_is_told(tmp_path: Path) -> None:
    more = {".git/config": b"x", "ocr/1/._model.xml": b"x", "README.md": b"x"}
    path = pack(tmp_path / "a.tar", tar_bytes({**FILES, **more}))
    with opened(str(path)) as source:
        assert sorted(source.repository.ignored) == [".git", "README.md", "ocr/1/._model.xml"]


def fifo(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("ocr/1/pipe")
    member.type = tarfile.FIFOTYPE
    tar.addfile(member)


def device(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("ocr/1/null")
    member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 3
    tar.addfile(member)


def through_a_link(tar: tarfile.TarFile) -> None:
    add_link(tar, "ocr/1/sub", "../../det")
    add_file(tar, "ocr/1/sub/x", b"x")


HOSTILE: dict[str, tuple[Add, str]] = {
    "above": (lambda tar: add_file(tar, "../evil", b"x"), "outside of the archive"),
    "above inside": (lambda tar: add_file(tar, "ocr/1/../../../evil", b"x"), "outside of"),
    "absolute": (lambda tar: add_file(tar, "/tmp/evil", b"x"), "outside of the archive"),
    "absolute link": (lambda tar: add_link(tar, "ocr/1/x", "/etc/passwd"), "leaves the archive"),
    "link up": (lambda tar: add_link(tar, "ocr/1/x", "../../../x"), "leaves the archive"),
    "link to nothing": (lambda tar: add_link(tar, "ocr/1/x", "nowhere"), "symlink"),
    "link loop": (lambda tar: add_link(tar, "ocr/1/x", "x"), "symlink"),
    "hard link up": (
        lambda tar: add_link(tar, "ocr/1/x", "../x", tarfile.LNKTYPE),
        "leaves the archive",
    ),
    "hard link to nothing": (
        lambda tar: add_link(tar, "ocr/1/x", "none", tarfile.LNKTYPE),
        "no file in it",
    ),
    "twice": (lambda tar: add_file(tar, "ocr/1/model.xml", b"y"), "twice"),
    "file and link": (lambda tar: add_link(tar, "ocr/1/model.xml", "model.bin"), "twice"),
    "below a file": (lambda tar: add_file(tar, "ocr/1/model.xml/x", b"y"), "something else"),
    "through a link": (through_a_link, "something else"),
    "fifo": (fifo, "neither a file nor a directory"),
    "device": (device, "neither a file nor a directory"),
    "long name": (lambda tar: add_file(tar, f"ocr/1/{'n' * 256}", b"y"), "no usable file name"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_members_are_refused(tmp_path: Path, name: str, private_places: Path) -> None:
    add, text = HOSTILE[name]
    path = pack(tmp_path / "a.tar.gz", tar_bytes(FILES, [add]))
    with pytest.raises(InputError) as caught, opened(str(path)):
        pass
    assert text in str(caught.value)
    assert str(path) in str(caught.value)
    assert not list(private_places.iterdir())


def test_a_link_out_of_the_top_directory_is_refused(tmp_path: Path) -> None:
    def add(tar: tarfile.TarFile) -> None:
        add_link(tar, "rel/ocr/1/x", "../../../other")

    path = pack(tmp_path / "a.tar", tar_bytes(FILES, [add], prefix="rel/"))
    with pytest.raises(InputError, match="leaves rel"), opened(str(path)):
        pass


def test_two_top_directories_are_told_by_the_layout(tmp_path: Path) -> None:
    files = {f"a/{name}": data for name, data in FILES.items()}
    files.update({f"b/{name}": data for name, data in FILES.items()})
    path = pack(tmp_path / "a.tar", tar_bytes(files))
    with pytest.raises(InputError, match="version name") as caught, opened(str(path)):
        pass
    assert caught.value.subject == str(path)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.zst"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_archive_is_never_taken_for_a_whole_one(name: str, data: st.DataObject) -> None:
    whole = tar_bytes({"ocr/1/m.onnx": b"x" * 700, "ocr/2/m.onnx": NOISE[:600]})
    with tempfile.TemporaryDirectory() as folder:
        path = pack(Path(folder) / name, whole)
        packed = path.read_bytes()
        needed = len(packed) if name != "a.tar" else 3584  # the padding after it is not needed
        cut = data.draw(st.integers(1, needed - 1 - (8 if name.endswith(".zst") else 0)))
        path.write_bytes(packed[:cut])
        with pytest.raises(InputError) as caught:
            archive.read_listing(str(path))
        assert "Copy or pack it again" in str(caught.value) or "neither" in str(caught.value)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_changed_header_is_found_or_changes_a_name(data: st.DataObject) -> None:
    """Plain tar has no checksum over contents, but has one over each header."""
    whole = bytearray(tar_bytes({"ocr/1/m.onnx": b"x" * 700, "ocr/2/m.onnx": b"y" * 600}))
    at = data.draw(st.sampled_from([0, 1536]).flatmap(lambda top: st.integers(top, top + 344)))
    change = data.draw(st.integers(1, 255))
    whole[at] ^= change
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tar"
        path.write_bytes(whole)
        try:
            found = archive.read_listing(str(path))
        except InputError:
            return
    # The checksum field itself has more than one spelling.
    assert at % 1536 in range(148, 156)
    assert sorted(found.files) == ["ocr/1/m.onnx", "ocr/2/m.onnx"]


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    whole = bytearray(tar_bytes(FILES))
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole[:200_000])
    with pytest.raises(InputError, match=r"model\.bin.*of its 300000 bytes are missing"):
        archive.read_listing(str(cut))
    at = bytes(whole).index(b"det/3/det.onnx")
    whole[at + 100] ^= 1
    cut.write_bytes(whole)
    with pytest.raises(InputError, match=r"model\.bin'.*the next header is broken"):
        archive.read_listing(str(cut))


def test_flipped_bits_are_found_where_the_format_has_a_checksum(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "a.tar.zst"):
        path = pack(tmp_path / name, tar_bytes(FILES))
        packed = bytearray(path.read_bytes())
        packed[len(packed) // 2] ^= 4
        path.write_bytes(packed)
        with pytest.raises(InputError, match="damaged"):
            archive.read_listing(str(path))


def test_two_archives_in_one_file_are_not_half_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes(FILES) + tar_bytes({"x/1/m.onnx": b"x"}))
    with pytest.raises(InputError, match="after the end mark"):
        archive.read_listing(str(path))


def test_an_endless_header_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 33
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(header.tobuf(tarfile.GNU_FORMAT) + bytes(3 << 20))
    with pytest.raises(InputError, match="a header of 8589934592 bytes"):
        archive.read_listing(str(path))


def test_sparse_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ocr" / "1").mkdir(parents=True)
    with open(tmp_path / "ocr" / "1" / "m.onnx", "wb") as stream:
        stream.truncate(10 << 20)
        stream.seek(5 << 20)
        stream.write(b"x" * 8192)
    subprocess.run(["tar", "-C", tmp_path, "-Scf", tmp_path / "a.tar", "ocr"], check=True)
    with pytest.raises(InputError, match="a sparse file"):
        archive.read_listing(str(tmp_path / "a.tar"))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"PK\x03\x04" + b"x" * 600, "zip archives are not read"),
        (b"BZh9" + b"x" * 600, "bzip2 archives are not read"),
        (b"hello", "neither a directory nor a tar archive"),
        (b"", "neither a directory nor a tar archive"),
    ],
)
def test_other_files_are_refused_by_kind(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    with pytest.raises(InputError, match=text) as caught, opened(str(path)):
        pass
    assert ".tar.zst" in str(caught.value)


def test_too_little_room_is_told_before_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private_places: Path
) -> None:
    path = pack(tmp_path / "a.tar", tar_bytes(FILES))
    usage = shutil.disk_usage(tmp_path)._replace(free=scratch.RESERVE + 100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with opened(str(path)) as source:
        source.make_ready([("det", 3)])
        with pytest.raises(InputError, match="unpacking needs") as caught:
            source.make_ready([("ocr", 1)])
        assert str(private_places) in str(caught.value)
        assert "TMPDIR" in str(caught.value)


def test_an_archive_that_is_replaced_meanwhile_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", tar_bytes(FILES))
    with opened(str(path)) as source:
        pack(path, tar_bytes(dict(FILES, **{"ocr/1/model.bin": b"other"})))
        with pytest.raises(InputError, match="not what it was when it was listed"):
            source.make_ready([("ocr", 1)])
        pack(path, tar_bytes({"ocr/1/model.xml": b"<net/>"}))
        with pytest.raises(InputError, match="no longer in it"):
            source.make_ready([("det", 3)])


def test_leftovers_of_a_killed_run_go_with_the_next(tmp_path: Path, private_places: Path) -> None:
    path = pack(tmp_path / "a.tar", tar_bytes(FILES))
    script = """
        import importlib, sys, tempfile
        tempfile.tempdir = sys.argv[2]
        with importlib.import_module(sys.argv[3]).opened(sys.argv[1]) as source:
            source.make_ready([("ocr", 1)])
            print("ready", flush=True)
            sys.stdin.read()
    """
    argv = [
        sys.executable,
        "-c",
        textwrap.dedent(script),
        str(path),
        str(private_places),
        opening.__name__,
    ]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=":".join(sys.path)),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with opened(str(path)):
            assert len(list(private_places.iterdir())) == 2  # the living one is left alone
        process.kill()
        process.wait()
    assert len(list(private_places.iterdir())) == 1
    with opened(str(path)):
        assert len(list(private_places.iterdir())) == 1
    assert not list(private_places.iterdir())


def test_zstd_by_the_package_or_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "a.tar.zst", tar_bytes(FILES))
    assert archive.read_listing(str(path)).files
    monkeypatch.setattr(streams, "_module", lambda name: None)
    with pytest.raises(Exception, match="pack it as .tar.gz"):
        archive.read_listing(str(path))


def test_a_folder_that_another_run_takes_for_a_leftover_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That run comes between the making of the lock file and the locking."""
    real = scratch._try_lock
    swept: list[int] = []

    def late(lock: Any) -> bool:
        if not swept:
            swept.append(1)
            scratch.remove_leftovers(tempfile.gettempdir())
        return real(lock)

    monkeypatch.setattr(scratch, "_try_lock", late)
    with scratch.Scratch() as place:
        assert swept and os.path.isdir(place.folder("content"))
