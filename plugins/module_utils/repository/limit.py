# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound on the bytes per second to one site, over all its streams: a token bucket."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, Callable, Iterable, Iterator, Optional

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError

# Blocks are cut so that none takes longer than this: a socket is never silent for long, and the
# link is shared evenly.
SLICE_SECONDS = 0.25
SMALLEST_SLICE = 1024
LOWEST_RATE = 1024  # bytes per second; slower is a slip of the pen
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_rate(value: Any, option: str = "bandwidth_limit") -> Optional[int]:
    """Return bytes per second of C(20M), C(512K), C(1000000); C(None) for nothing or 0.

    Raises:
        InputError: not a rate, or less than 1 KiB/s.
    """
    text = str(value if value is not None else "").strip()
    if text in ("", "0"):
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMG]?)(?:i?B)?(?:/s)?", text, re.IGNORECASE)
    if not found:
        raise InputError(
            f"'{text}' is not a number of bytes per second",
            option=option,
            hint="Write for example 20M (MiB/s), 512K (KiB/s) or 1000000",
        )
    rate = int(float(found.group(1)) * _UNITS[found.group(2).upper()])
    if rate < LOWEST_RATE:
        raise InputError(f"'{text}' is less than 1 KiB/s", option=option)
    return rate


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
        """Yield the same bytes in slices that are short in time."""
        if self._rate is None:
            yield from blocks
            return
        size = max(SMALLEST_SLICE, int(self._rate * SLICE_SECONDS))
        for block in blocks:
            view = memoryview(block)
            for start in range(0, len(view), size):
                yield bytes(view[start : start + size])
