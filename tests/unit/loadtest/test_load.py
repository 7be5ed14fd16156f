# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent when, and how long it took, on a clock of the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker import load
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker.failure import Failure
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker.load import (
    Clock,
    Load,
    Schedule,
)


@dataclass
class Time:
    """A clock that goes on only when somebody sleeps or a server works."""

    now: float = 100.0

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def server(time: Time, stall_at: int = -1, stall: float = 0.0) -> Callable[[], int]:
    """Return a server that takes a millisecond for each request, and once much longer."""
    asked = 0

    def infer() -> int:
        nonlocal asked
        time.pass_by(stall if asked == stall_at else 0.001)
        asked += 1
        return 10

    return infer


def test_a_closed_loop_hides_a_stall_and_an_open_one_does_not() -> None:
    """A server stands still for 500 ms; at 100 requests/s that is the moment of 50 of them."""
    time = Time()
    closed = load.run(Load(1, requests=100), [[server(time, 20, 0.5)]], time.clock())
    assert sorted(closed.latencies)[-2:] == [1000, 500_000]

    time = Time()
    opened = load.run(Load(1, requests=100, rate=100.0), [[server(time, 20, 0.5)]], time.clock())
    slow = sorted((took for took in opened.latencies if took > 1100), reverse=True)
    # 500 ms, and each one behind it waits 9 ms less: 10 ms later begun, 1 ms for the one before.
    assert slow[:3] == pytest.approx([500_000, 491_000, 482_000], abs=2)
    assert len(slow) == 56 and opened.late == 55
    assert opened.latest == pytest.approx(490_000, abs=2)
    assert opened.seconds == pytest.approx(0.991, abs=1e-6)  # the moment of the last, and its 1 ms


def test_an_open_loop_begins_each_request_at_its_moment() -> None:
    time = Time()
    record = load.run(Load(1, duration=1.0, rate=8.0), [[server(time)]], time.clock())
    assert record.starts == [number * 125_000 for number in range(8)]
    assert record.latencies == [1000] * 8 and record.late == 0 and record.complete


def test_a_duration_ends_a_closed_loop() -> None:
    time = Time()
    record = load.run(Load(1, duration=0.05), [[server(time)]], time.clock())
    assert len(record.latencies) in (50, 51) and record.complete


def test_the_warm_up_is_in_no_figure() -> None:
    time = Time()
    record = load.run(Load(1, requests=3, warmup=5), [[server(time, 2, 9.0)]], time.clock())
    assert record.latencies == [1000] * 3 and record.received == 30
    assert record.seconds == pytest.approx(0.003)


def test_what_could_not_be_sent_in_time_is_told() -> None:
    time = Time()
    record = load.run(Load(1, requests=100, limit=0.0105), [[server(time)]], time.clock())
    assert len(record.latencies) == 11 and not record.complete


def test_the_most_requests_end_a_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MOST_REQUESTS", 7)
    time = Time()
    record = load.run(Load(1, duration=60.0), [[server(time)]], time.clock())
    assert len(record.latencies) == 7 and not record.complete


def test_failures_are_counted_by_kind_and_are_in_no_latency() -> None:
    time = Time()
    answers: list[Failure | None] = [
        None,
        Failure("HTTP 404", "not found"),
        Failure("refused", "nobody", lost=True),
    ]

    def infer() -> int:
        failure = answers.pop(0) if answers else None
        if failure:
            raise failure
        return 10

    record = load.run(Load(1, requests=5), [[infer]], time.clock())
    assert len(record.latencies) == 3
    assert [kind for _start, kind in record.failures] == ["HTTP 404", "refused"]
    assert record.examples == {"HTTP 404": "not found", "refused": "nobody"}
    assert time.now == pytest.approx(100 + load.PAUSE)  # only after a lost connection


def test_what_a_client_raises_otherwise_is_a_failure() -> None:
    def infer() -> int:
        raise KeyError("x")

    record = load.run(Load(2, requests=4), [[infer], [infer]], Time().clock())
    assert [kind for _start, kind in record.failures] == ["KeyError"] * 4


def test_connections_take_turns_over_the_addresses() -> None:
    record = load.run(Load(3, requests=300), [[lambda: 1, lambda: 1, lambda: 1]] * 3)
    assert len(record.latencies) == 300 == sum(record.by_target.values())
    # Each connection goes round by itself, so each differs by one at most.
    assert max(record.by_target.values()) - min(record.by_target.values()) <= 3


def test_moments_are_given_out_once() -> None:
    schedule = Schedule(Load(4, requests=3, rate=2.0), 10.0, lambda: 10.0)
    assert [schedule.take() for _turn in range(5)] == [10.0, 10.5, 11.0, None, None]
    assert not schedule.cut
