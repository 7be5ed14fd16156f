# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound on the bytes per second to one site, over all its streams: a token bucket."""

from __future__ import annotations

import threading
import time
from typing import Callable, Iterable, Iterator, Optional

# Blocks are split so that none takes longer than this (seconds): no socket is silent for long, and
# all streams share the link evenly.
SLICE_SECONDS = 0.25
SMALLEST_SLICE = 1024


class Limiter:
    """Lets at most C(rate) bytes per second through, for all threads together.

    A quarter of a second may be saved up, so that a stream that waited for its source catches up.

    Args:
        rate: bytes per second; C(None) for no limit.
        clock: seconds, monotonic.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        rate: Optional[int],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._free_at = clock()
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Wait until C(count) bytes may go."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - SLICE_SECONDS) + count / self._rate
            wait = self._free_at - now
        if wait > 0:
            self._sleep(wait)

    def cut(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Split blocks into slices that each take a short time at the limited rate."""
        if self._rate is None:
            yield from blocks
            return
        size = max(SMALLEST_SLICE, int(self._rate * SLICE_SECONDS))
        for block in blocks:
            view = memoryview(block)
            for start in range(0, len(view), size):
                yield bytes(view[start : start + size])
