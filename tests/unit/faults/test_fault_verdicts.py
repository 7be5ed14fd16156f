# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault tests' own logic: what the watcher calls partial, what a verdict falls short of."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

TESTBED = Path(__file__).resolve().parents[2] / "testbed"
sys.path[:0] = [str(TESTBED / name) for name in ("faults", "lab", "volumes")]

from edge_faults import candidates, netlab, servers, stores, verdict, watcher, world  # noqa: E402
from edge_faults.models import _mixed  # noqa: E402
from edge_faults.verdict import Tally, Trial  # noqa: E402

FILES = {"model.xml": [6, "a"], "extra/x": [3, "b"]}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"model.xml": 6, "extra/x": 3}, ""),
        ({"model.xml": 6}, "extra/x is missing (1 of 2)"),
        ({}, "extra/x is missing (2 of 2)"),
        ({"model.xml": 6, "extra/x": 2}, "extra/x has 2 of 3 bytes"),
        ({"model.xml": 6, "extra/x": 3, "part-1": 1}, "part-1 is there and should not be"),
    ],
)
def test_what_is_whole(seen: dict[str, int], words: str) -> None:
    fault = watcher.fault_of("m/2", FILES, seen)
    assert fault == (f"m/2: {words}" if words else "")


def test_a_version_nobody_publishes_is_a_fault() -> None:
    assert "nobody publishes" in watcher.fault_of("m/9", None, {})


def files(root: Path, **texts: str) -> dict[str, list[Any]]:
    """Write files and return what the watcher is told of them."""
    root.mkdir(parents=True)
    described = {}
    for name, text in texts.items():
        (root / name).write_text(text)
        described[name] = [len(text), hashlib.sha256(text.encode()).hexdigest()]
    return described


class Process:
    """The watcher as the tests run it."""

    def __init__(self, root: Path) -> None:
        argv = [sys.executable, watcher.__file__, str(root)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True)

    def say(self, **request: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def report(self) -> dict[str, Any]:
        assert self.process.stdout
        self.say(report=True)
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        self.process.communicate(timeout=10)


@pytest.fixture
def watching(tmp_path: Path) -> Any:
    root = tmp_path / "models"
    (root / "m").mkdir(parents=True)
    process = Process(root)
    yield root, process
    process.close()


def test_a_rename_is_never_partial_and_a_copy_is(watching: Any, tmp_path: Path) -> None:
    root, process = watching
    whole = files(tmp_path / "stage", a="one", b="two" * 1000)
    process.say(expect={"m/1": [whole], "m/2": [whole]})
    process.report()
    (tmp_path / "stage").rename(root / "m/1")
    time.sleep(0.1)
    first = process.report()
    assert first["faults"] == {} and first["hashed"] == ["m/1"] and first["listings"] > 3
    (root / "m/2").mkdir()
    (root / "m/2/a").write_text("one")
    time.sleep(0.1)
    assert process.report()["faults"] == {"m/2": ["m/2: b is missing (1 of 2)"]}


def test_right_sizes_with_wrong_bytes_are_a_fault(watching: Any, tmp_path: Path) -> None:
    root, process = watching
    whole = files(tmp_path / "stage", a="one")
    other = files(tmp_path / "other", a="two")
    process.say(expect={"m/1": [whole], "m/2": [whole, other]})
    process.report()
    (tmp_path / "other").rename(root / "m/1")
    files(tmp_path / "third", a="two")
    (tmp_path / "third").rename(root / "m/2")
    time.sleep(0.1)
    assert process.report()["faults"] == {"m/1": ["m/1: a has other bytes"]}


def test_one_inside_a_version_that_is_taken_away_whole(watching: Any, tmp_path: Path) -> None:
    root, process = watching
    process.say(expect={"m/1": [files(tmp_path / "stage", a="one")]})
    process.report()
    for _again in range(20):
        (tmp_path / "stage").rename(root / "m/1")
        time.sleep(0.012)
        (root / "m/1").rename(tmp_path / "stage")
    assert process.report()["faults"] == {}


GOOD: dict[str, Any] = {"bytes": 1040, "undisturbed": 1000, "in_flight": 0, "resumed": True}


@pytest.mark.parametrize(
    "flaw",
    [
        {"partial": ["m/1: b is missing"]},
        {"wrong_success": 1},
        {"failed_loads": ["server: [error] x"]},
        {"resumed": False},
        {"bytes": 1051},
    ],
)
def test_each_flaw_falls_short(flaw: dict[str, Any]) -> None:
    good, bad = Trial("x", **GOOD), Trial("x", **{**GOOD, **flaw})
    assert Tally("f", "ours", True, [good]).sound
    tally = Tally("f", "ours", True, [good, bad])
    assert not tally.sound and len(tally.remarks()) == 1


def test_what_was_in_flight_is_allowed_and_no_trial_is_no_proof() -> None:
    assert Trial("x", **{**GOOD, "bytes": 1550, "in_flight": 500}).excess == 0
    assert not Tally("f", "ours", True).sound


def test_closing_line_and_page() -> None:
    ours = Tally("cut", "ours", True, [Trial("x", **GOOD), Trial("y", partial=["p"])])
    peer = Tally("cut", "kubectl cp", False, why_not="cannot: no stage")
    assert ours.line() == "cut trials=2 partial=1 wrong_success=0 resumed=1"
    text = verdict.page([ours, peer], ["head"])
    assert "| cut | 2 trials: partial 1, wrong success 0" in text
    assert "| cannot: no stage |" in text and "the next run did not finish" in text


def test_what_servers_log_at_level_error() -> None:
    stamp = "2026-01-01T00:00:00.0Z stdout F "
    lines = [
        stamp + "[2026-01-01 00:00:00.000][7][serving][info][x.cpp:1] Loading model: m",
        stamp + "[2026-01-01 00:00:00.000][7][serving][error][x.cpp:1] Error occurred",
        "cut off",
    ]
    assert servers.error_lines(lines) == [lines[1][len(stamp) :]]


def test_what_servers_still_owe() -> None:
    states = {"m/1": "AVAILABLE", "m/2": "LOADING", "m/3": "END"}
    assert servers.unfinished(states, ["m/1"]) == ["m/2 LOADING"]
    assert servers.unfinished(states, ["m/3", "m/4"]) == ["m/2 LOADING", "m/3 END", "m/4 unknown"]


def test_rules_name_one_controller_and_one_byte() -> None:
    drop = " ".join(netlab.cut_rules("10.0.0.9", "drop", 500))
    assert "ip saddr 10.0.0.9 tcp dport 6443 quota over 500 bytes counter drop" in drop
    assert "reject with tcp reset" in " ".join(netlab.cut_rules("10.0.0.9", "reset"))
    flip = " ".join(netlab.flip_rules("tcp dport 8099", "output", 4000))
    assert "@th,4000,8 set @th,4000,8 ^ 0x55" in flip and "limit rate 1/day" in flip


def test_a_changed_share_is_changed() -> None:
    old, new = bytes(16000), bytes([1]) * 16000
    assert 0.28 < sum(_mixed(old, new, 0.3)) / 16000 < 0.31


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_odd_things_take_the_place_of_a_file(tmp_path: Path) -> None:
    """The same trial does the same again; where nothing of that kind is, the lock is struck."""
    for number, place in enumerate(stores.PLACES):
        top = tmp_path / str(number)
        path = top / place.replace("*", "1")
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        words = stores.put_odd(top, number, random.Random(number))
        assert str(path.relative_to(top)) in words and path.lstat().st_uid == 5000
        mode = path.lstat().st_mode
        assert not stat.S_ISREG(mode) or path.read_text() != "{}"
    assert stores.put_odd(tmp_path / "none", 0, random.Random(0)) == "nothing was there"


class Late:
    """A fault of the tests that comes too late in its first trials."""

    name = "late"

    def __init__(self, *trials: Trial) -> None:
        self.left = list(trials)
        self.moments: list[float] = []

    def trial(self, stage: Any) -> Trial:
        self.moments.append(stage.chance.random())
        return self.left.pop(0)


class Ground:
    """As much of a site, a world and a candidate as one trial touches."""

    served = True
    seed = 7
    name = "ours"


def tried(*trials: Trial) -> "tuple[Trial, Late]":
    fault = Late(*trials)
    runner = world.Runner(Ground(), lanes=1)  # type: ignore[arg-type]
    candidate = candidates.Ours()
    return runner._trial(fault, candidate, Ground(), 0), fault  # type: ignore[arg-type]


def test_a_fault_that_came_too_late_gets_another_moment() -> None:
    late = Trial("late", resumed=True, missed=True)
    assert not Tally("x", "ours", True, [late]).sound
    found, fault = tried(late, late, Trial("hit", resumed=True))
    assert found.spot == "hit" and len(set(fault.moments)) == 3
    never, fault = tried(*[late] * world.MOMENTS)
    assert never.missed and len(fault.moments) == world.MOMENTS
    assert "too late" in Tally("x", "ours", True, [never]).remarks()[0]


def test_a_trial_that_went_wrong_is_not_tried_again() -> None:
    wrong = Trial("wrong", resumed=True, missed=True, partial=["m/2: half"])
    found, fault = tried(wrong, Trial("hit", resumed=True))
    assert found is wrong and len(fault.moments) == 1


def test_bytes_alone_are_measured_again_and_the_least_counts() -> None:
    over, more = (
        Trial("over", bytes=count, undisturbed=100, resumed=True, in_flight=10)
        for count in (130, 190)
    )
    found, fault = tried(over, more, Trial("within", bytes=110, undisturbed=100, resumed=True))
    assert found.spot == "within" and len(set(fault.moments)) == 1
    found, fault = tried(*[more, over, more][: world.MEASURED])
    assert found is over and Tally("x", "ours", True, [found]).over == 1
    assert len(fault.moments) == world.MEASURED
    wrong = Trial("wrong", bytes=10, undisturbed=100, resumed=True, wrong_success=1)
    found, fault = tried(over, wrong, Trial("hit", resumed=True))
    assert found is wrong and len(fault.moments) == 2
