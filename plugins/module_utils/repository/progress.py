# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows progress in a few lines, at most one for each tenth of the bytes.

Without a terminal user (C(CI) is set, or ansible-runner, which AWX uses, has set its directory) it
shows only one line a minute.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Callable, Mapping, Optional

from .content.units import format_bytes

QUIET_BYTES = 16 << 20  # bytes; a smaller transfer shows no progress
STEP = 0.1  # of the whole
PAUSE = 1.0  # seconds between two lines
SLOW = 15.0  # seconds after which a line is shown even below a tenth
UNWATCHED = ("CI", "AWX_HOST", "AWX_ISOLATED_DATA_DIR")  # of ansible-runner: the last
UNWATCHED_PAUSE = 60.0


def is_unwatched(environment: Optional[Mapping[str, str]] = None) -> bool:
    """Return whether the output goes into the log of a job; by default of this process."""
    given = os.environ if environment is None else environment
    return any(given.get(name) not in (None, "", "false", "0") for name in UNWATCHED)


class Meter:
    """Counts bytes from several threads and shows the progress.

    Args:
        say: shows one line.
        what: first words of each line.
        total: bytes in all.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        what: str,
        total: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._what, self._total, self._clock = say, what, total, clock
        self._quiet = is_unwatched()
        self._done = 0
        self._shown = 0.0
        self._start = self._last = clock()
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """Add bytes (or take them back) and perhaps show a line."""
        with self._lock:
            self._done += count
            line = self._line()
        if line:
            self._say(line)

    def _line(self) -> str:
        if self._total < QUIET_BYTES or self._done >= self._total:
            return ""
        now, share = self._clock(), self._done / self._total
        since = now - self._last
        if self._quiet and since < UNWATCHED_PAUSE:
            return ""
        if since < PAUSE or (share - self._shown < STEP and since < SLOW):
            return ""
        self._shown, self._last = share, now
        rate = self._done / max(now - self._start, 0.001)
        left = (self._total - self._done) / max(rate, 1.0)
        return (
            f"{self._what}: {share:.0%} of {format_bytes(self._total)},"
            f" {format_bytes(rate)}/s, {left:.0f} s left"
        )
