# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power goes at every flush of the disk: what the next start finds is old or new, and whole.

A real file system lies on a disk that remembers what it was told
(tests/testbed/volumes/recorder.py). For each flush there are two disks: one that holds exactly what
was flushed, and one that also kept some of what came later, in any order. Each is mounted, so that
the file system replays its journal, and looked at: nothing is half visible, nothing is lost that
was said to be done, and the next run finishes.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    disk as agent_disk,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import FileJob
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Flow,
    Have,
)

from ..agent import crash_driver as driver
from ..conftest import write_files
from ..near import NearClient, channel_of

TESTBED = Path(__file__).resolve().parents[3] / "testbed/volumes"
sys.path.append(str(TESTBED))

import fuse  # noqa: E402
import recorder  # noqa: E402

MIB = 1 << 20
# Kind, bytes of the disk, how it is made, how it is mounted.
SYSTEMS = {
    "ext4": ("ext4", 24 * MIB, ("mkfs.ext4", "-q", "-F"), "loop"),
    "ext4-writeback": ("ext4", 24 * MIB, ("mkfs.ext4", "-q", "-F"), "loop,data=writeback"),
    "xfs": ("xfs", 304 * MIB, ("mkfs.xfs", "-q", "-f"), "loop"),
}
SCENARIOS = ("publish", "remove", "repair")
# `make volumes` tries all of them (EDGE_EVERY_ERROR=1).
ALL = [
    *((system, "agent", scenario) for system in SYSTEMS for scenario in SCENARIOS),
    *((system, "exec", scenario) for system in SYSTEMS for scenario in SCENARIOS[:2]),
]
SAMPLE = [("ext4", "agent", "publish")]

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("EDGE_VOLUME"))
    or os.geteuid() != 0
    or not all(map(os.path.exists, ("/dev/fuse", "/dev/loop-control"))),
    reason="needs root, FUSE and loop devices; the file system is its own",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory: images are copied often."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="edge-power-", dir=base))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many more files in the new version than are flushed one by one."""
    labels = {f"{number % 7}/{number}.txt": b"%d\n" % number * 400 for number in range(120)}
    for version in (driver.NEW, driver.OLD):
        for path, data in labels.items():
            monkeypatch.setitem(version, path, data)


@contextmanager
def disk(image: Path, where: Path, kind: str, options: str) -> Iterator[Path]:
    """Mount an image."""
    where.mkdir(exist_ok=True)
    recorder.run("mount", "-t", kind, "-o", options, str(image), str(where))
    try:
        yield where / "store"
    finally:
        recorder.run("umount", str(where))


@contextmanager
def remembering(folder: Path, size: int) -> Iterator[tuple[Path, Path]]:
    """An empty disk that remembers: its image and its log."""
    behind, front, log = folder / "behind", folder / "front", folder / "log"
    behind.mkdir()
    front.mkdir()
    with (behind / "disk").open("wb") as stream:
        stream.truncate(size)
    argv = [sys.executable, "-B", str(TESTBED / "recorder.py"), str(behind), str(front), str(log)]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None and server.stdout.readline() == "mounted\n"
        yield front / "disk", log
    finally:
        fuse.unmount(str(front))
        server.wait(20)


Work = Callable[[Path, str], Any]


def by_exec(folder: Path) -> Work:
    """Return what does a scenario over the exec transport."""
    run = folder / "run"
    run.mkdir()

    def work(root: Path, scenario: str) -> None:
        channel = channel_of("exec", NearClient(root, run))
        channel.lock("one", "test")
        if scenario == "publish":
            source = write_files(folder / "new", driver.NEW)
            publish(channel, source, Manifest.from_dict(driver.manifest_of(2, driver.NEW)))
        else:
            assert channel.remove("ocr", 1)
        channel.close()

    return work


def publish(channel: Any, source: Path, manifest: Manifest) -> None:
    """Send and publish a version."""
    staged = channel.stage(manifest, {})
    jobs = [
        FileJob(number, str(source / entry.path), entry, staged.get(number, Have()).have)
        for number, entry in enumerate(manifest.files)
    ]
    channel.send(manifest, jobs, Flow(lambda count: None, lambda count: None, compress=False))
    channel.publish(manifest)


def record(folder: Path, system: str, work: Work, scenario: str) -> Path:
    """Do the work on a disk that remembers; return the log, with a mark where it is done."""
    kind, size, maker, options = SYSTEMS[system]
    with remembering(folder, size) as (image, log):
        recorder.run(*maker, str(image))
        with disk(image, folder / "volume", kind, options) as root:
            driver.prepare(root, scenario)
            os.sync()
            recorder.mark(log)
            work(root, scenario)
            recorder.mark(log)
    return log


def check(image: Path, folder: Path, system: str, scenario: str, done: bool) -> None:
    """Look at the disk after the power came back, and let the next run finish."""
    kind, _size, _maker, options = SYSTEMS[system]
    with disk(image, folder / "after", kind, options) as root:
        found = driver.content(root)
        assert driver.allowed(scenario, found), sorted(found)
        if done:
            assert found == driver.FINAL[scenario], "it was said to be done"
        store = driver.store_on(root, "two")
        driver.SCENARIOS[scenario](store)
        store.unlock()
        assert driver.content(root) == driver.FINAL[scenario]


def cut_everywhere(folder: Path, system: str, scenario: str, work: Work) -> int:
    """Take the power away at every flush of the work; returns how many there were."""
    log = record(folder, system, work, scenario)
    chance = random.Random(f"{system} {scenario}")
    image, trial = folder / "image", folder / "trial"
    with image.open("wb") as stream:
        stream.truncate(SYSTEMS[system][1])
    tried = 0
    for cut in recorder.cuts(log):
        recorder.apply(image, cut.certain)
        if not cut.marks:  # the store is still being made
            continue
        tried += 1
        for waiting in ([], recorder.some(cut.waiting, chance)):
            recorder.run("cp", "--sparse=auto", str(image), str(trial))
            recorder.apply(trial, waiting)
            check(trial, folder, system, scenario, cut.marks > 1)
    return tried


@pytest.mark.parametrize(
    ("system", "transport", "scenario"), ALL if os.environ.get("EDGE_EVERY_ERROR") else SAMPLE
)
def test_the_power_goes_at_every_flush(
    system: str, transport: str, scenario: str, folder: Path, many: None
) -> None:
    work: Work = by_exec(folder) if transport == "exec" else driver.work
    tried = cut_everywhere(folder, system, scenario, work)
    assert tried >= 8, "hardly any flush was seen"


def test_without_the_one_flush_of_many_files_they_are_lost(
    folder: Path, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: C(syncfs) says that it is done, and did nothing.

    Nor does C(posix_fadvise): Linux begins to write what it is told to forget
    (C(POSIX_FADV_DONTNEED), mm/fadvise.c), so that reading back alone brings the bytes to the disk.
    """
    monkeypatch.setattr(agent_disk, "sync_system", lambda path: True)
    monkeypatch.setattr(os, "posix_fadvise", lambda *args: None)
    with pytest.raises(AssertionError, match="'1', '2'"):
        cut_everywhere(folder, "ext4", "publish", driver.work)
