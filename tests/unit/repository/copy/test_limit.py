# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bound of the bytes per second, with a clock of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy import (
    shared_limit,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.limit import (
    Limiter,
    OwnBucket,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.shared_limit import (
    SharedBucket,
    shared_bucket,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.rate import (
    parse_rate,
)


@pytest.mark.parametrize(
    ("value", "rate"),
    [("20M", 20 << 20), ("512k", 512 << 10), ("1.5 MiB/s", 3 << 19), (1000000, 1000000)],
)
def test_rates(value: Any, rate: int) -> None:
    assert parse_rate(value) == rate
    assert parse_rate(None) is None and parse_rate("0") is None and parse_rate("") is None


@pytest.mark.parametrize("value", ["fast", "-1", "20X", "12", "M"])
def test_what_is_no_rate(value: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_rate(value)
    assert caught.value.option == "bandwidth_limit"


def test_two_streams_share_one_rate() -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limiter = Limiter([OwnBucket(1 << 20, lambda: now[0])], sleep)
    for _block in range(40):
        limiter.take(1 << 18)
    assert 9.7 <= now[0] - 100.0 <= 10.01, "10 MiB at 1 MiB/s"
    now[0] += 60
    before = now[0]
    for _block in range(4):
        limiter.take(1 << 18)
    assert now[0] - before >= 0.7, "a pause is not saved up"


def test_blocks_are_cut_short_in_time_and_stay_the_same() -> None:
    limiter = Limiter([OwnBucket(40_000, lambda: 0.0)], lambda seconds: None)
    blocks = [b"a" * 25_000, b"", b"b" * 100]
    cut = list(limiter.cut(blocks))
    assert b"".join(cut) == b"".join(blocks) and max(map(len, cut)) <= 10_000
    free = Limiter()
    assert list(free.cut(blocks)) == blocks
    free.take(1 << 60)


def test_tasks_share_one_rate_and_each_keeps_its_own(tmp_path: Path) -> None:
    now = [100.0]
    path = str(tmp_path / "new" / "bandwidth")

    def sleep(seconds: float) -> None:
        now[0] += seconds

    tasks = [
        Limiter(
            [SharedBucket(1 << 20, path, lambda: now[0]), OwnBucket(rate, lambda: now[0])], sleep
        )
        for rate in (1 << 30, 512 << 10)
    ]
    for _block in range(20):
        tasks[0].take(1 << 18)
        tasks[1].take(1 << 10)
    assert 4.7 <= now[0] - 100.0 <= 5.1, "5 MiB and 20 KiB at 1 MiB/s"
    before = now[0]
    for _block in range(4):
        tasks[1].take(1 << 18)
    assert now[0] - before >= 1.7, "1 MiB at the 512 KiB/s of that task alone"
    blocks = list(tasks[0].cut([b"a" * (1 << 20)]))
    assert max(map(len, blocks)) == int((1 << 20) * SharedBucket.slice_seconds)


RESERVER = """
import importlib, sys
limit = importlib.import_module(sys.argv[1])
bucket = limit.SharedBucket(1_000_000, sys.argv[2], lambda: 50.0)
print("ready", flush=True)
sys.stdin.readline()
for _number in range(200):
    print(round(bucket.reserve(25_000), 6))
"""


def test_processes_get_one_place_after_the_other(tmp_path: Path) -> None:
    path = str(tmp_path / "bandwidth")
    argv = [sys.executable, "-c", RESERVER, shared_limit.__name__, path]
    environment = dict(os.environ, PYTHONPATH=":".join(sys.path))
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe, text=True)
        for _number in range(8)
    ]
    assert [process.stdout.readline() for process in running if process.stdout] == ["ready\n"] * 8
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    waits = [float(word) for process in running for word in process.communicate()[0].split()]
    # While the clock stands still nothing is saved up. A slice, 50 ms, is two blocks of one task.
    assert sorted(waits) == pytest.approx([0.05 * (1 + number // 2) for number in range(1600)])


HOLDER = """
import fcntl, sys, time
stream = open(sys.argv[1], "r+b")
fcntl.flock(stream, fcntl.LOCK_EX)
stream.write(b"x")
stream.flush()
print("held", flush=True)
time.sleep(600)
"""


def test_a_killed_holder_keeps_nobody(tmp_path: Path) -> None:
    path = tmp_path / "bandwidth"
    bucket = SharedBucket(1000, str(path), lambda: 50.0)
    assert bucket.reserve(1000) == pytest.approx(1.0)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    assert bucket.reserve(1000) == pytest.approx(1.0), "what it left half written counts as nothing"
    assert bucket.reserve(1000) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"other-boot 51.0", b"BOOT nan", b"BOOT 99999.0"]
)
def test_what_cannot_be_of_this_clock_counts_as_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bandwidth"
    path.write_bytes(content.replace(b"BOOT", shared_limit._boot().encode()))
    assert SharedBucket(1000, str(path), lambda: 50.0).reserve(1000) == pytest.approx(1.0)


def test_without_a_place_the_task_ends_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as caught:
        shared_bucket(1000, {"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert caught.value.option == "bandwidth_limit_total"
    assert str(tmp_path / "file") in str(caught.value)
