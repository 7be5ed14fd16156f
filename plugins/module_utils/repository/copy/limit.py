# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds on the bytes per second to one site, and to all of them together: token buckets."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Callable, Iterable, Iterator, Sequence

from ..delta.pack import Block

SMALLEST_SLICE = 1024
SAVED_SECONDS = 0.25  # saved up at most, so that a stream that waited for its source catches up

Clock = Callable[[], float]


class Bucket(ABC):
    """What may go, at a rate; streams get it in the order in which they ask.

    Attributes:
        rate: bytes per second.
        slice_seconds: Blocks are split so that none takes longer than this. So no socket is silent
            for long, and all streams share the link evenly.
    """

    rate: int
    slice_seconds: float

    @abstractmethod
    def reserve(self, count: int) -> float:
        """Reserve C(count) bytes and return the seconds until they may go; less than 0 is now."""


class OwnBucket(Bucket):
    """The bound of one task.

    Args:
        rate: bytes per second.
        clock: seconds, monotonic.
    """

    slice_seconds = 0.25

    def __init__(self, rate: int, clock: Clock = time.monotonic) -> None:
        self.rate, self._clock = rate, clock
        self._free_at = clock()
        self._lock = threading.Lock()

    def reserve(self, count: int) -> float:
        """Do it among the threads of this process."""
        with self._lock:
            now = self._clock()
            self._free_at = free_after(self._free_at, now, count / self.rate)
            return self._free_at - now


def free_after(free_at: float, now: float, seconds: float) -> float:
    """Return when a link is free that is free at C(free_at) and then busy for some seconds."""
    return max(free_at, now - SAVED_SECONDS) + seconds


class Limiter:
    """Lets through what every bucket has, for all threads together.

    Args:
        buckets: none for no limit.
        sleep: waits for seconds.
    """

    def __init__(
        self, buckets: Sequence[Bucket] = (), sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._buckets, self._sleep = tuple(buckets), sleep

    def take(self, count: int) -> None:
        """Wait until C(count) bytes may go."""
        wait = max((bucket.reserve(count) for bucket in self._buckets), default=0.0)
        if wait > 0:
            self._sleep(wait)

    def cut(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Split blocks into slices that each take a short time at the limited rate."""
        if not self._buckets:
            yield from blocks
            return
        least = min(bucket.rate * bucket.slice_seconds for bucket in self._buckets)
        size = max(SMALLEST_SLICE, int(least))
        for block in blocks:
            if len(block) <= size:
                yield block
                continue
            view = memoryview(block)
            for start in range(0, len(view), size):
                yield bytes(view[start : start + size])
