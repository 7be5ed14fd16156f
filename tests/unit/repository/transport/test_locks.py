# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock is judged by whether it changes, whatever the clocks of clients and servers say."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import BusyError
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import files as fs
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    lock,
    upkeep,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import base

from ..near import NearClient, channel_of

DAY = 86400
YEARS = {"in ten years": 10 * 365 * DAY, "now": 0, "30 s behind": -30, "in 1970": -50 * 365 * DAY}


class Clock:
    """The steady clock of one process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def locks(tmp_path: Path, count: int) -> list[lock.StoreLock]:
    return [lock.StoreLock(str(tmp_path)) for _number in range(count)]


def set_times(tmp_path: Path, shift: float) -> None:
    """Give all files of the lock the time of a client whose clock is wrong."""
    when = time.time() + shift
    for path in (tmp_path / "store").iterdir():
        os.utime(path, (when, when))


@pytest.mark.parametrize("shift", YEARS.values(), ids=YEARS.keys())
def test_case_36_a_dead_writer_is_followed_whatever_the_time_of_its_lock(
    shift: float, tmp_path: Path, clock: Clock
) -> None:
    dead, next_one = locks(tmp_path, 2)
    dead.acquire("dead", "")
    set_times(tmp_path, shift)
    with pytest.raises(fs.Refused):
        next_one.acquire("next", "")
    clock.now = lock.LOCK_LEASE - 0.1
    with pytest.raises(fs.Refused):
        next_one.acquire("next", "")
    clock.now = lock.LOCK_LEASE
    assert next_one.acquire("next", "")
    with pytest.raises(fs.Refused, match="another writer took the store over"):
        dead.check()


@pytest.mark.parametrize("shift", YEARS.values(), ids=YEARS.keys())
def test_case_36_a_live_writer_keeps_its_lock_whatever_its_clock_says(
    shift: float, tmp_path: Path, clock: Clock
) -> None:
    live, other = locks(tmp_path, 2)
    live.acquire("live", "")
    for beat in range(1, 20):
        live.beat()
        set_times(tmp_path, shift)  # the same time for each: only the counter tells
        clock.now = beat * lock.LOCK_LEASE * 0.9
        with pytest.raises(fs.Refused, match="another writer holds the store"):
            other.acquire("other", "")
    live.check()


@pytest.mark.parametrize("shift", YEARS.values(), ids=YEARS.keys())
def test_case_36_a_lost_mark_is_judged_by_change_too(
    shift: float, tmp_path: Path, clock: Clock
) -> None:
    live, other = locks(tmp_path, 2)
    live.acquire("live", "")
    for turn in range(5):  # cut off and back again, each time before the short lease is over
        live.lose()
        set_times(tmp_path, shift)
        clock.now = turn * lock.LOST_LEASE * 0.9
        with pytest.raises(fs.Refused):
            other.acquire("other", "")
        live.found()
    live.lose()
    set_times(tmp_path, shift)
    clock.now += 0.1
    with pytest.raises(fs.Refused):
        other.acquire("other", "")
    clock.now += lock.LOST_LEASE
    assert other.acquire("other", "")


LIMIT = {"a": 100}


def test_case_36_ages_grow_with_what_passed_and_no_clock_makes_anything_old() -> None:
    def after(*runs: tuple[str, int]) -> int:
        before: tuple[int, upkeep.Known] = (0, {})
        for look, now in runs:
            before = (now, upkeep.grown(before, {"a": look}, now, LIMIT))
        return before[1]["a"][1]

    assert after(("1", 1000)) == 0
    assert after(("1", 1000), ("1", 1030)) == 30
    assert after(("1", 1000), ("2", 1030)) == 0  # it was used
    assert after(("1", 1000), ("1", 1030), ("1", 1090)) == 80  # half of the limit at most
    assert after(("9" * 18, 1000), ("9" * 18, 1050), ("9" * 18, 1100)) == 100  # of the future
    assert after(("1", 5), ("1", 10**18), ("1", 6)) == 50  # a board that woke up in 1970


def test_ages_survive_what_is_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ages"
    path.write_bytes(b"clock x 0\nclock 100 0\na 1 5\nb \xff 7\nc 1\n")
    assert upkeep.update(str(path), {"a": "1", "b": "2"}, 110, {"a": 100, "b": 100}) == {
        "a": ("1", 15),
        "b": ("2", 0),
    }
    assert upkeep.update(str(path), {}, 120, {}) == {}
    assert not path.exists()


# -- the same files, kept by the script of the exec transport ------------------------------------


@pytest.fixture
def script(tmp_path: Path) -> NearClient:
    root, run = tmp_path / "store", tmp_path / "run"
    root.mkdir()
    run.mkdir()
    return NearClient(root, run)


@pytest.mark.parametrize("shift", [YEARS["in ten years"], YEARS["in 1970"]])
def test_case_36_exec_follows_a_dead_writer_after_watching_it(
    shift: float, script: NearClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = channel_of("exec", script)
    first.lock("dead", "test")
    set_times(script.root / ".edge/locks", shift)
    monkeypatch.setattr(base, "LOCK_WAIT", 0.0)
    second = channel_of("exec", script)
    with pytest.raises(BusyError):
        second.lock("next", "test")
    monkeypatch.setattr(base, "LOCK_WAIT", 30.0)
    second.lock("next", "test")
    assert json.loads((script.root / ".edge/locks/store/owner").read_text())["id"] == "next"


def test_case_36_exec_does_not_follow_a_live_writer(
    script: NearClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = channel_of("exec", script), channel_of("exec", script)
    first.lock("live", "test")
    done = threading.Event()

    def live() -> None:
        while not done.wait(0.5):
            first.facts()  # a sign of life
            set_times(script.root / ".edge/locks", -3600)

    writer = threading.Thread(target=live)
    writer.start()
    try:
        monkeypatch.setattr(base, "LIVE_BEATS", 4)
        with pytest.raises(BusyError):
            second.lock("next", "test")
    finally:
        done.set()
        writer.join()
    assert json.loads((script.root / ".edge/locks/store/owner").read_text())["id"] == "live"


def test_case_36_agent_and_exec_know_each_others_signs(
    script: NearClient, tmp_path: Path, make_agent: Any
) -> None:
    agent = make_agent(script.root)
    agent.lock("one")
    agent.ok("/v1/unlock")
    channel = channel_of("exec", script)
    channel.lock("two", "test")
    channel.facts()
    before = agent.call("/v1/lock", {"owner": "three", "note": ""})[1]["beat"]
    channel.facts()
    after = agent.call("/v1/lock", {"owner": "three", "note": ""})[1]["beat"]
    assert before != after


def test_case_36_exec_forgets_stages_by_the_same_ledger(script: NearClient) -> None:
    stages = script.root / ".edge/staging"
    for name in ("sha256-old", "sha256-new"):
        (stages / name / "tree").mkdir(parents=True)
        os.utime(stages / name, (2e9, 2e9))
    (script.root / ".edge/locks").mkdir()
    ledger = script.root / ".edge/locks/ages"
    look = 2 * 10**18
    now = time.time_ns() - 60 * 10**9
    old = upkeep.OLD_STAGE - 30 * 10**9
    known = {"staging/sha256-old": (str(look), old), "staging/sha256-new": (str(look), 0)}
    ledger.write_bytes(upkeep.render(now, known))
    channel_of("exec", script).lock("one", "test")
    assert sorted(path.name for path in stages.iterdir()) == ["sha256-new"]
    clock, found = upkeep.parse(ledger.read_text())
    assert clock > now and 60 * 10**9 <= found["staging/sha256-new"][1] < 3600 * 10**9
