# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads while a rollout runs."""

from __future__ import annotations

import re
from typing import Callable

import pytest
from ansible_collections.openvino.edge.plugins.plugin_utils.report import lines
from ansible_collections.openvino.edge.plugins.plugin_utils.report.collect import (
    Change,
    Collector,
)
from ansible_collections.openvino.edge.plugins.plugin_utils.report.model import Report

from .test_collect import COPY, plan, run, says


def told(found: Collector, brief: bool = False) -> "list[str]":
    return [text for text in (lines.line(found.report, c, brief) for c in found.news()) if text]


def story(brief: bool = False) -> "list[str]":
    """Return the lines of a small run with waves, each told after its event."""
    found, shown = Collector(Report("site.yml", 0.0)), []
    reason = "detector 2\ncannot\tbe loaded"
    late = {"cluster": "c", "wave": 2, "state": "deferred", "reason": "on hold"}
    over = {"wave": 2, "verdict": "stop", "spent": 2, "allowed": 1, "deferred": [late]}
    over["reason"] = "2 have failed"
    events: "list[Callable[[], None]]" = [
        lambda: found.plan(plan(["a"], ["b"], allowed=1)),
        lambda: says(found, "a", "begun", 1, phase="preflight"),
        lambda: run(found, "a", COPY, {"bytes_sent": 2048, "bytes_reused": 1024}, 1, 3),
        lambda: says(found, "a", "done", 5),
        lambda: found.gate({"wave": 1, "verdict": "go_on", "spent": 0, "allowed": 1}, 6),
        lambda: says(found, "b", "begun", 11, wave=2),
        lambda: says(found, "b", "failed", 12, wave=2, phase="gate", reason=reason),
        lambda: found.gate(over, 13),
        lambda: found.finish([], 14),
    ]
    for event in events:
        event()
        shown += told(found, brief)
    return shown


def test_one_line_for_each_change() -> None:
    assert story() == [
        "rollout: ocr, run 1, 2 clusters in 2 waves, 1 failure allowed",
        "rollout: wave 1 of 2, w1: begins, 1 cluster, 0 failures allowed",
        "rollout: a: begun (wave 1 of 2, w1)",
        "rollout: a: done in 4 s, 2.0 KiB sent",
        "rollout: wave 1 of 2, w1: passed, 0 of 1 failure spent",
        "rollout: wave 2 of 2, w2: begins, 1 cluster, 0 failures allowed",
        "rollout: b: begun (wave 2 of 2, w2)",
        "rollout: b: FAILED in gate: detector 2 cannot be loaded",
        "rollout: c: deferred: on hold",
        "rollout: wave 2 of 2, w2: STOP, 2 of 1 failure spent: 2 have failed",
        "rollout: STOPPED: 1 failed, 1 deferred, 1 done; 2.0 KiB sent, 1.0 KiB reused; 14 s",
    ]


def test_a_terminal_gets_what_its_foot_does_not_count() -> None:
    left_out = [line for line in story() if line not in story(brief=True)]
    assert [re.sub(r" \(.*| in 4 s.*", "", line) for line in left_out] == [
        "rollout: a: begun",
        "rollout: a: done",
        "rollout: b: begun",
    ]


def test_the_foot_counts_phases_bytes_time_and_budget() -> None:
    found = Collector(Report("site.yml", 0.0))
    found.plan(plan(["a", "x"], ["b", "c", "d"], allowed=2))
    for name in ("a", "x"):
        says(found, name, "begun", 0.0)
    run(found, "a", COPY, {"bytes_sent": 40 << 20}, 0.0, 4.0)
    says(found, "a", "done", 10.0)
    says(found, "x", "failed", 10.0, phase="gate", reason="x")
    says(found, "b", "begun", 15.0, wave=2)
    found.begun("b", "openvino.edge.model_server", False, 16.0)
    first, second = lines.status(found.report, 20.0, found.copying(20.0), 200)
    assert first == "ocr | wave 2 of 2, w2 | 1 of 5 done | 1 failed | budget 1/2"
    assert second == "1 in deploy | 2 waiting | 40.0 MiB sent, 10.0 MiB/s | about 25 s left"
    assert [len(line) for line in lines.status(found.report, 20.0, 4.0, 20)] == [20, 20]


def test_the_time_left_is_that_of_clusters_side_by_side_and_of_soaking() -> None:
    found = Collector(Report("site.yml", 0.0))
    assert lines.eta(found.report, 1.0) is None
    found.plan(plan(["a"], ["b", "c", "d", "e"], ["f"]))
    says(found, "a", "begun", 0.0)
    assert lines.eta(found.report, 9.0) is None
    says(found, "a", "done", 10.0)
    assert lines.eta(found.report, 10.0) == 50.0 + 10.0, "five more, and the soak of two waves"
    for name in ("b", "c"):
        says(found, name, "begun", 20.0, wave=2)
    assert lines.eta(found.report, 24.0) == (10.0 - 4.0) + 10.0 * 3 / 2 + 5.0
    assert lines.eta(found.report, 99.0) == 10.0 * 3 / 2 + 5.0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (125, "2 min"), (7500, "2 h 5 min")]
)
def test_times(seconds: float, words: str) -> None:
    assert lines.clock(seconds) == words


def test_a_run_without_clusters_ends_without_a_word() -> None:
    found = Collector(Report("other.yml", 0.0))
    found.finish([], 1.0)
    assert [lines.line(found.report, change) for change in found.news()] == [""]


def test_a_batch_in_the_middle_of_a_wave_is_no_news() -> None:
    found = Collector(Report("site.yml", 0.0))
    found.plan(plan(["a", "b"]))
    says(found, "a", "done", 1.0)
    told(found)
    found.gate({"wave": 1, "verdict": "go_on", "spent": 0, "allowed": 1}, 2.0)
    assert told(found) == []


def test_without_waves_nobody_hears_of_one() -> None:
    found = Collector(Report("site.yml", 0.0))
    found.plan({**plan(["a"]), "rollout": {"name": "fleet", "run": 0}})
    says(found, "a", "begun", 1.0)
    says(found, "a", "done", 2.0)
    found.gate({"wave": 1, "verdict": "go_on", "spent": 0, "allowed": None}, 2.0)
    assert [line for line in told(found) if "wave" in line] == []
    assert "wave" not in " ".join(lines.status(found.report, 2.0, 0.0, 200))


def test_a_long_reason_is_cut() -> None:
    found = Collector(Report("site.yml", 0.0))
    says(found, "a", "failed", 1.0, reason="x" * 1000)
    line = lines.line(found.report, Change("cluster", "a"))
    assert line.endswith("x\u2026") and len(line) < lines.MAX_REASON + 40
