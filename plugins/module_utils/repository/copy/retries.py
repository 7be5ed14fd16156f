# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retries a step after a broken connection or a lost helper pod while the retries make progress."""

from __future__ import annotations

import time
from typing import Callable

from ...errors import EdgeError, UnreachableError
from ..transport.base import Channel, HelperGone, Interrupted, Target
from .work import Work

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
HELPERS = 5  # helper pods started on one target without a byte of progress

Step = Callable[[Work], None]


class Steady:
    """Runs steps with retries; each step can be repeated safely.

    Args:
        open_channel: opens a target.
        relock: takes the lock through a new helper.
        patience: seconds without progress after which the error is raised.
        stopped: tells when the task is to end early.
        say: shows one line.
    """

    def __init__(
        self,
        open_channel: Callable[[Target], Channel],
        relock: Step,
        patience: float,
        stopped: Callable[[], bool],
        say: Callable[[str], None],
    ) -> None:
        self._open, self._relock, self._patience = open_channel, relock, patience
        self._stopped, self._say = stopped, say

    def run(self, work: Work, step: Step) -> None:
        """Run a step, with retries and if necessary with a new helper pod.

        Raises:
            EdgeError: any error but a broken connection; that one when the retries make no
                progress.
        """
        tries = _Tries(self._patience)
        while True:
            try:
                if work.channel is None:
                    self._reopen(work)
                step(work)
                return
            except (Interrupted, UnreachableError) as error:
                gone = isinstance(error, HelperGone)
                if not tries.again(sum(work.staged_bytes.values()), gone) or self._stopped():
                    raise
                self._tell(work, error)
                if gone:
                    self._drop(work)
                time.sleep(tries.pause)

    def _tell(self, work: Work, error: EdgeError) -> None:
        what = "starting another" if isinstance(error, HelperGone) else "going on"
        self._say(f"{work.target.short}: {error.message}, {what}")

    @staticmethod
    def _drop(work: Work) -> None:
        if work.channel is not None:
            channel, work.channel = work.channel, None
            channel.close()

    def _reopen(self, work: Work) -> None:
        work.channel = self._open(work.target)
        if work.locked:
            self._relock(work)


class _Tries:
    """Counts the attempts without progress."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._best = -1
        self._since = time.monotonic()
        self._failures = 0
        self.helpers = 0

    @property
    def pause(self) -> float:
        """Seconds to wait before the next try."""
        longer: float = FIRST_PAUSE * 2.0 ** min(self._failures - 1, 8)
        return min(longer, LONGEST_PAUSE)

    def again(self, progress: int, gone: bool) -> bool:
        """Return whether to retry; C(progress) is the number of bytes staged on the target."""
        if progress > self._best:
            self._best, self._since = progress, time.monotonic()
            self._failures = self.helpers = 0
        self._failures += 1
        self.helpers += gone
        return self.helpers <= HELPERS and time.monotonic() - self._since < self._patience
