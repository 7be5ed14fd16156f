# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests from several threads, and writes down how long each took.

Closed loop: each connection sends its next request when it has the answer to the last one. A slow
server then gets fewer requests, and the waiting that real clients would have had is in no figure
(coordinated omission). Open loop (C(rate)): each request has its moment, whatever became of the
ones before, and its latency is counted from that moment on. If no connection is free then, the
request waits, and its waiting counts.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from .failure import Failure

# Requests of one measurement; their record has to fit a container's log, which the kubelet cuts at
# 10 MiB (containerLogMaxSize).
MOST_REQUESTS = 500_000
LATE = 0.001  # seconds after which a request counts as late
PAUSE = 0.02  # seconds before the next request over a connection that was just lost
_MICRO = 1_000_000


@dataclass(frozen=True)
class Load:
    """What is to be sent.

    Attributes:
        concurrency: connections, each with one request at a time.
        requests: how many are sent, 0 for as many as fit in C(duration).
        duration: seconds, 0 for as long as C(requests) take.
        rate: requests begun in a second, 0 for a closed loop.
        warmup: requests beforehand that are in no figure.
        limit: seconds after which no request is begun any more.
    """

    concurrency: int
    requests: int = 0
    duration: float = 0.0
    rate: float = 0.0
    warmup: int = 0
    limit: float = 600.0


@dataclass
class Record:
    """What was measured; times are microseconds, begins are counted from the first moment on.

    Attributes:
        starts: begin of each request with an answer: the moment that it should have been sent.
        latencies: of the same requests, in the same order.
        received: bytes of their answers, all together.
        failures: (begin, kind) of each request without an answer.
        examples: the first message of each kind.
        by_target: answers by number of the address.
        late: requests that were begun after their moment (open loop).
        latest: the longest that one of them was late.
        seconds: from the first moment to the last end.
        began: Unix time of the first moment.
        complete: all that was wanted was sent.
    """

    starts: List[int] = field(default_factory=list)
    latencies: List[int] = field(default_factory=list)
    received: int = 0
    failures: List[Tuple[int, str]] = field(default_factory=list)
    examples: Dict[str, str] = field(default_factory=dict)
    by_target: Dict[int, int] = field(default_factory=dict)
    late: int = 0
    latest: int = 0
    seconds: float = 0.0
    began: float = 0.0
    complete: bool = True


Infer = Callable[[], int]


@dataclass(frozen=True)
class Clock:
    """Tells and passes time, in seconds."""

    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep


class Schedule:
    """Gives out the moments of requests; may be asked by several threads."""

    def __init__(self, load: Load, begin: float, now: Callable[[], float]) -> None:
        self._load, self._begin, self._now = load, begin, now
        self._numbers = itertools.count()
        self._end = begin + (load.duration or float("inf"))
        self._limit = begin + load.limit
        self._count = min(load.requests or MOST_REQUESTS, MOST_REQUESTS)
        self.cut = False

    def take(self) -> Optional[float]:
        """Return the moment of the next request, None when there is none any more."""
        number = next(self._numbers)  # in one step, thanks to the interpreter's lock
        now = self._now()
        due = self._begin + number / self._load.rate if self._load.rate else now
        if due >= self._end or (self._load.requests and number >= self._count):
            return None
        if now > self._limit or number >= self._count:
            self.cut = True
            return None
        return due


def run(load: Load, clients: Sequence[Sequence[Infer]], clock: Clock = Clock()) -> Record:
    """Send the warm-up and then what is to be measured.

    Args:
        load: how much.
        clients: for each connection one function for each address; they take turns.
        clock: of the measurement.
    """
    if load.warmup:
        warm = Load(load.concurrency, requests=load.warmup, limit=load.limit)
        _threads(warm, clients, clock)
    began = time.time()
    record = _threads(load, clients, clock)
    record.began = began
    return record


def _threads(load: Load, clients: Sequence[Sequence[Infer]], clock: Clock) -> Record:
    begin = clock.now()
    schedule = Schedule(load, begin, clock.now)
    senders = [_Sender(schedule, client, begin, clock) for client in clients]
    threads = [
        threading.Thread(target=sender.send, args=(number,))
        for number, sender in enumerate(senders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Record(complete=not schedule.cut)
    for sender in senders:
        _add(total, sender.record)
    return total


class _Sender:
    """Sends the requests of one connection."""

    def __init__(
        self, schedule: Schedule, client: Sequence[Infer], begin: float, clock: Clock
    ) -> None:
        self._schedule, self._client, self._begin, self._clock = schedule, client, begin, clock
        self.record = Record()

    def send(self, first: int) -> None:
        """Send until there is no moment left; C(first) is the number of the first address."""
        for turn in itertools.count(first):
            due = self._schedule.take()
            if due is None:
                return
            self._wait(due)
            self._one(turn % len(self._client), due)

    def _wait(self, due: float) -> None:
        left = due - self._clock.now()
        if left > 0:
            self._clock.sleep(left)

    def _one(self, target: int, due: float) -> None:
        record, start = self.record, int((due - self._begin) * _MICRO)
        behind = self._clock.now() - due
        if behind > LATE:
            record.late += 1
            record.latest = max(record.latest, int(behind * _MICRO))
        try:
            received = self._client[target]()
        except Failure as failure:
            self._failed(start, failure)
            return
        except Exception as error:  # whatever a client raises: the request has no answer
            self._failed(start, Failure(type(error).__name__, str(error), lost=True))
            return
        now = self._clock.now()
        record.starts.append(start)
        record.latencies.append(int((now - due) * _MICRO + 0.5))
        record.received += received
        record.by_target[target] = record.by_target.get(target, 0) + 1
        record.seconds = now - self._begin

    def _failed(self, start: int, failure: Failure) -> None:
        self.record.failures.append((start, failure.kind))
        self.record.examples.setdefault(failure.kind, str(failure))
        self.record.seconds = self._clock.now() - self._begin
        if failure.lost:
            self._clock.sleep(PAUSE)


def _add(total: Record, part: Record) -> None:
    total.starts += part.starts
    total.latencies += part.latencies
    total.received += part.received
    total.failures += part.failures
    total.late += part.late
    total.latest = max(total.latest, part.latest)
    total.seconds = max(total.seconds, part.seconds)
    for kind, text in part.examples.items():
        total.examples.setdefault(kind, text)
    for target, count in part.by_target.items():
        total.by_target[target] = total.by_target.get(target, 0) + count
