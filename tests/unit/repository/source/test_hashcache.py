# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kept hashes: never wrong, seldom read twice, harmless when they cannot be kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content import manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.source import hashcache
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.hashcache import (
    PersistentCache,
    cache_directory,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths whose bytes were read."""
    seen: list[str] = []
    real = manifest._hash_file

    def note(path: str, *rest: Any) -> str:
        seen.append(path)
        return real(path, *rest)

    monkeypatch.setattr(manifest, "_hash_file", note)
    return seen


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been touched long ago."""
    monkeypatch.setattr(hashcache, "is_racy", lambda newest, now: False)


def test_a_second_process_reads_nothing(tmp_path: Path, reads: list[str], calm: None) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    wanted = (5, hashlib.sha256(b"hello").hexdigest())
    advanced: list[int] = []
    for _run in range(3):
        cache = PersistentCache(str(tmp_path / "cache"))
        assert cache.sha256(str(path), advanced.append) == wanted
        cache.save()
    assert reads == [str(path)]
    assert advanced == [5, 5, 5]


def test_the_file_is_for_its_owner_only(tmp_path: Path, calm: None) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    cache = PersistentCache(str(tmp_path / "x" / "cache"))
    cache.sha256(str(tmp_path / "a"))
    cache.save()
    assert (tmp_path / "x" / "cache").stat().st_mode & 0o077 == 0
    assert (tmp_path / "x" / "cache" / "files").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["content", "size", "back dated", "replaced", "touched"])
def test_a_file_that_may_have_changed_is_read_again(
    tmp_path: Path, reads: list[str], calm: None, change: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    directory = str(tmp_path / "cache")
    first = PersistentCache(directory)
    first.sha256(str(path))
    first.save()
    before = path.stat()
    time.sleep(0.02)  # longer than a tick of the file system's clock
    if change in ("content", "back dated"):
        path.write_bytes(b"jello")
    elif change == "size":
        path.write_bytes(b"hello!")
    elif change == "replaced":
        (tmp_path / "b").write_bytes(b"jello")
        os.replace(tmp_path / "b", path)
    else:
        os.utime(path)
    if change != "touched":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = PersistentCache(directory)
    assert second.sha256(str(path))[1] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(reads) == 2


def test_a_file_of_this_moment_is_not_kept(tmp_path: Path, reads: list[str]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    cache = PersistentCache(str(tmp_path / "cache"))
    cache.sha256(str(path))
    cache.save()
    assert not (tmp_path / "cache").exists()


def test_a_racy_hash_is_not_kept_later_either(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    cache = PersistentCache(str(tmp_path / "cache"))
    cache.sha256(str(path))
    monkeypatch.setattr(hashcache, "is_racy", lambda newest, now: False)  # two seconds later
    cache.sha256(str(path))  # known in this process, so it is not read now
    cache.save()
    assert len(reads) == 1
    assert not (tmp_path / "cache").exists()


@given(newest=st.integers(0, 10**10), now=st.integers(0, 10**10))
def test_racy_means_younger_than_two_seconds_or_from_the_future(newest: int, now: int) -> None:
    assert hashcache.is_racy(newest, now) == (now - newest < 2 * 10**9)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "other", "directory"])
def test_a_damaged_cache_is_an_empty_one(
    tmp_path: Path, reads: list[str], calm: None, damage: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    directory = tmp_path / "cache"
    first = PersistentCache(str(directory))
    first.sha256(str(path))
    first.save()
    kept = directory / "files"
    body = bytearray(kept.read_bytes())
    if damage == "directory":
        kept.unlink()
        kept.mkdir()
    else:
        body[-3] = body[-3] ^ 1  # a digit of the hash
        kept.write_bytes(
            {
                "empty": b"",
                "cut": bytes(kept.read_bytes()[:-5]),
                "flipped": bytes(body),
                "other": b"\x00\xff something else",
            }[damage]
        )
    second = PersistentCache(str(directory))
    assert second.sha256(str(path))[1] == hashlib.sha256(b"hello").hexdigest()
    second.save()
    assert len(reads) == 2


def test_an_unwritable_place_is_no_cache(tmp_path: Path, calm: None) -> None:
    (tmp_path / "file").write_bytes(b"x")
    cache = PersistentCache(str(tmp_path / "file" / "cache"))
    assert cache.sha256(str(tmp_path / "file"))[0] == 1
    cache.save()
    assert cache.sha256(str(tmp_path / "file"))[0] == 1


def test_a_missing_file_is_an_error_as_ever(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        PersistentCache(str(tmp_path / "cache")).sha256(str(tmp_path / "none"))


def test_odd_names_do_no_harm(tmp_path: Path, calm: None) -> None:
    names = ["a\tb", "a\nb", "a", os.fsdecode(b"\xff\xfe"), "é"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    for _run in range(2):
        cache = PersistentCache(str(tmp_path / "cache"))
        for name in names:
            data = name.encode("utf-8", "surrogateescape")
            found = cache.sha256(str(tmp_path / name))
            assert found == (len(data), hashlib.sha256(data).hexdigest())
        cache.save()


def test_the_oldest_entries_go_first(tmp_path: Path, reads: list[str], calm: None) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
    directory = str(tmp_path / "cache")
    for name in "abc":
        cache = PersistentCache(directory, limit=2)
        cache.sha256(str(tmp_path / name))
        cache.save()
    body = (tmp_path / "cache" / "files").read_text()
    assert [line.split("\t")[0][-1] for line in body.splitlines()[1:]] == ["b", "c"]


def test_parallel_runs_keep_what_each_found(tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / f"f{number}"
        path.write_bytes(b"x" * number)
    script = (
        "import sys, importlib; c = importlib.import_module(sys.argv[1]);"
        "c.is_racy = lambda newest, now: False; k = c.PersistentCache(sys.argv[2]);"
        "k.sha256(sys.argv[3]); k.save()"
    )
    environment = dict(os.environ, PYTHONPATH=":".join(sys.path))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, hashcache.__name__, str(tmp_path / "cache"), str(path)],
            env=environment,
        )
        for path in sorted(tmp_path.glob("f*"))
    ]
    assert [process.wait() for process in running] == [0] * 8
    assert len((tmp_path / "cache" / "files").read_text().splitlines()) == 9
    assert sorted(os.listdir(tmp_path / "cache")) == ["files", "lock"]


def test_ten_thousand_entries_load_fast(tmp_path: Path) -> None:
    digest = "0" * 64
    lines = [
        f"/srv/models/some-model/{number}/weights/tensor-{number:05}.bin"
        f"\t64768 {number} 1048576 1764000000123456789 1764000000123456789 {digest}"
        for number in range(10_000)
    ]
    hashcache.write_checked(str(tmp_path / "files"), "\n".join(lines))
    took = []
    for _try in range(5):
        began = time.process_time()
        assert len(hashcache._load(str(tmp_path))) == 10_000
        took.append(time.process_time() - began)
    assert min(took) < 0.02


def test_where_it_lies_is_the_users_choice(tmp_path: Path) -> None:
    home = os.path.expanduser("~")
    assert cache_directory({}) == f"{home}/.cache/openvino-edge/hashes"
    assert cache_directory({"XDG_CACHE_HOME": "/c"}) == "/c/openvino-edge/hashes"
    assert cache_directory({"XDG_CACHE_HOME": "c"}) == f"{home}/.cache/openvino-edge/hashes"
    assert cache_directory({"EDGE_HASH_CACHE": "/x"}) == "/x"
    for word in ("off", "OFF", "0", "no", "false"):
        assert cache_directory({"EDGE_HASH_CACHE": word}) is None


def test_switched_off_nothing_is_kept(tmp_path: Path, reads: list[str], calm: None) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    for _run in range(2):
        cache = PersistentCache(None)
        cache.sha256(str(tmp_path / "a"))
        cache.save()
    assert len(reads) == 2


def test_a_file_is_found_by_its_bytes_while_it_is_as_it_was(tmp_path: Path, calm: None) -> None:
    directory = str(tmp_path / "cache")
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"hello")
    first = PersistentCache(directory)
    size, digest = [first.sha256(str(path)) for path in paths][0]
    assert first.path_of(size, digest) == str(paths[0])
    first.save()
    assert first.path_of(4, digest) is None and first.path_of(size, digest[::-1]) is None
    (tmp_path / "c").write_bytes(b"later")
    later = first.sha256(str(tmp_path / "c"))
    assert first.path_of(*later) == str(tmp_path / "c")
    paths[0].write_bytes(b"jello")
    assert PersistentCache(directory).path_of(size, digest) == str(paths[1])
    paths[1].unlink()
    paths[1].symlink_to(paths[0])
    assert PersistentCache(directory).path_of(size, digest) is None
    assert PersistentCache(None).path_of(size, digest) is None


def test_a_file_touched_just_now_is_not_found_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    cache = PersistentCache(str(tmp_path / "cache"))
    assert cache.path_of(*cache.sha256(str(path))) is None
