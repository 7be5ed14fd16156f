# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that want the hashes of one source at once: one reads, the others find them kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.source import turns
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.turns import Turn

from ..conftest import wait_for, write_files

FILES = {"ocr/1/model.xml": b"<net/>", "ocr/1/model.bin": b"weights" * 1000, "det/3/det.onnx": b"x"}

# A controller's worker: it notes each reading of the source, takes its time for it as long as there
# is a file "slow", tells when it is about to begin, and prints what it found.
WORKER = """
import importlib, json, os, sys, time
top, src, own = sys.argv[1:]
package = "ansible_collections.openvino.edge.plugins.module_utils.repository."
manifest, hashcache, listings, opening, turns = (
    importlib.import_module(package + name) for name in
    ("content.manifest", "source.hashcache", "source.listings", "source.opening", "source.turns")
)
hashcache.is_racy = listings.is_racy = lambda newest, now: False
turns.PATIENCE = float(os.environ.get("PATIENCE", turns.PATIENCE))

def noted(real):
    def read(path, *rest):
        with open(top + "/reads", "a") as out:
            out.write(f"{os.getpid()} {path}\\n")
        while os.path.exists(top + "/slow"):
            time.sleep(0.02)
        return real(path, *rest)
    return read

manifest._hash_file = noted(manifest._hash_file)
listings.read_listing = noted(listings.read_listing)
open(f"{top}/ready-{own}", "w").close()
while not os.path.exists(top + "/go"):
    time.sleep(0.01)
with opening.opened(src, progress=lambda text: print(text, file=sys.stderr)) as source:
    print(json.dumps(sorted(item.digest for item in source.manifests())))
"""


class Crowd:
    """Workers in one folder."""

    def __init__(self, top: Path) -> None:
        self.top, self.running = top, list[subprocess.Popen[str]]()
        (top / "reads").touch()

    def begin(self, src: Path, count: int = 8, **more: str) -> None:
        """Start workers; each waits until all are there."""
        cache = str(self.top / "cache")
        environment = dict(os.environ, PYTHONPATH=":".join(sys.path), EDGE_HASH_CACHE=cache, **more)
        for own in range(count):
            argv = [sys.executable, "-c", WORKER, str(self.top), str(src), str(own)]
            pipe = subprocess.PIPE
            self.running.append(
                subprocess.Popen(argv, env=environment, stdout=pipe, stderr=pipe, text=True)
            )
        wait_for(lambda: len(list(self.top.glob("ready-*"))) == count, 60)
        (self.top / "go").touch()

    def reads(self) -> list[list[str]]:
        """Return process id and path of each reading."""
        return [line.split() for line in (self.top / "reads").read_text().splitlines()]

    def ends(self) -> list[tuple[list[str], str]]:
        """Return what each worker found and said, all the same."""
        answers = [process.communicate(timeout=60) for process in self.running]
        failed = [process.returncode > 0 for process in self.running]
        assert not any(failed), [said for (_out, said), bad in zip(answers, failed) if bad]
        return [(json.loads(out), said) for out, said in answers if out]


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def as_directory(top: Path) -> Path:
    return write_files(top / "src", FILES)


def as_archive(top: Path) -> Path:
    with tarfile.open(top / "src.tar", "w") as tar:
        tar.add(as_directory(top), "src")
    return top / "src.tar"


@pytest.mark.parametrize(("make", "wanted"), [(as_directory, 3), (as_archive, 1)])
def test_eight_at_once_read_it_once(
    crowd: Crowd, make: Callable[[Path], Path], wanted: int
) -> None:
    (crowd.top / "slow").touch()
    crowd.begin(make(crowd.top))
    wait_for(lambda: len(crowd.reads()) >= 1)
    time.sleep(0.5)  # for the others to come as far
    (crowd.top / "slow").unlink()
    found = crowd.ends()
    assert len(found) == 8 and len({tuple(digests) for digests, _said in found}) == 1
    reads = crowd.reads()
    assert len(reads) == wanted and len({pid for pid, _path in reads}) == 1
    assert not list((crowd.top / "cache").glob("reading-*"))


def test_the_next_one_takes_over_from_one_that_was_killed(crowd: Crowd) -> None:
    (crowd.top / "slow").touch()
    crowd.begin(as_directory(crowd.top), 4)
    wait_for(lambda: len(crowd.reads()) == 1)
    holder = int(crowd.reads()[0][0])
    os.kill(holder, signal.SIGKILL)
    wait_for(lambda: len(crowd.reads()) == 2)
    (crowd.top / "slow").unlink()
    assert len(crowd.ends()) == 3
    by = [int(pid) for pid, _path in crowd.reads()]
    assert by[0] == holder and len(by) == 4 and len(set(by[1:])) == 1 and by[1] != holder
    assert not list((crowd.top / "cache").glob("reading-*"))


def test_nobody_waits_for_ever_for_one_that_makes_no_headway(crowd: Crowd) -> None:
    (crowd.top / "slow").touch()
    crowd.begin(as_directory(crowd.top), 3, PATIENCE="0.5")
    wait_for(lambda: len({pid for pid, _path in crowd.reads()}) == 3)
    (crowd.top / "slow").unlink()
    found = crowd.ends()
    assert len(found) == 3 and len({tuple(digests) for digests, _said in found}) == 1
    assert sum("makes no headway" in said for _digests, said in found) == 2


def test_headway_is_waited_for(tmp_path: Path) -> None:
    now = [0.0]
    said: list[str] = []
    holder = Turn(str(tmp_path), "/src", said.append, lambda: now[0])
    other = Turn(str(tmp_path), "/src", said.append, lambda: now[0], lambda seconds: sleep())
    third = Turn(str(tmp_path), "/other", said.append, lambda: now[0])

    def sleep() -> None:
        now[0] += 20.0  # less than the patience, more than a beat
        if now[0] > 200:
            holder.close()
        else:
            holder.told(lambda count: None)(1)

    assert holder.take(lambda: None) and not holder.take(lambda: None)
    assert third.take(lambda: None), "another source is nobody's concern"
    looked: list[int] = []
    assert other.take(lambda: looked.append(1))
    assert now[0] > 200 > turns.PATIENCE and looked == [1]
    assert len(said) == 1 and "another task reads it" in said[0]
    other.close()
    third.close()
    assert not list(tmp_path.iterdir())


def test_without_a_place_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in (None, str(tmp_path / "file" / "cache")):
        with (
            Turn(directory, "/src", pytest.fail) as one,
            Turn(directory, "/src", pytest.fail) as two,
        ):
            assert one.take(lambda: None) and two.take(lambda: None)
