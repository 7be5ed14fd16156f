# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the steps of one task on all its targets in parallel, and closes the targets at the end."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, List, Optional, Sequence

from ...closing import Closing
from ...errors import EdgeError
from ..transport.base import Channel, Target
from .work import Work

# A helper counts its controller as gone after 15 s without a request.
KEEP_SECONDS = 6.0


class Fleet(Closing):
    """Runs one step after the other on all targets; use it in a C(with) block.

    Args:
        targets: where the files go.
        open_channel: opens one.
        parallel: how many are worked on at once.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        open_channel: Callable[[Target], Channel],
        parallel: int,
        stop: threading.Event,
    ) -> None:
        self.works = [Work(target) for target in targets]
        self._open, self._stop = open_channel, stop
        self._pool = ThreadPoolExecutor(max_workers=max(1, min(parallel, len(self.works))))
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Fleet:
        self._keeper.start()
        return self

    def closing(self, error: Optional[BaseException]) -> None:
        """Stop running steps early if an error ended the block."""
        self._closing.set()
        if error is not None:
            self._stop.set()

    def close(self) -> None:
        """Wait for the running steps, then close every target."""
        self._pool.shutdown(wait=True)
        self._keeper.join()
        for work in self.works:
            if work.channel is not None:
                work.channel.close()

    def open(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Open every target, and do something else while the helpers start."""
        futures = self._submit(self._open_one, self.works)
        meanwhile()
        _collect(futures)

    def each(self, step: Callable[[Work], None], works: Optional[Sequence[Work]] = None) -> None:
        """Run a step on all targets; when some fail, the others still finish theirs.

        Raises:
            EdgeError: the first failure, with the others in C(details).
        """
        _collect(self._submit(step, self.works if works is None else works))

    def _submit(self, step: Callable[[Work], None], works: Sequence[Work]) -> List[Future[None]]:
        return [self._pool.submit(self._one, step, work) for work in works]

    def _one(self, step: Callable[[Work], None], work: Work) -> None:
        work.busy = True
        try:
            if not self._stop.is_set():
                step(work)
        finally:
            work.busy = False

    def _open_one(self, work: Work) -> None:
        work.channel = self._open(work.target)

    def _keep(self) -> None:
        """Ping idle helpers, so that they know that the controller is alive."""
        while not self._closing.wait(KEEP_SECONDS):
            for work in self.works:
                if work.busy or work.channel is None:
                    continue
                try:
                    work.channel.ping()
                except EdgeError:
                    pass  # the next command reports the error


def _collect(futures: Sequence[Future[None]]) -> None:
    """Wait for all, then raise the first failure."""
    errors = [error for error in map(_error_of, futures) if error]
    if errors:
        first = errors[0]
        if len(errors) > 1:
            first.details["others"] = [str(error) for error in errors[1:]]
        raise first


def _error_of(future: Future[None]) -> Optional[EdgeError]:
    try:
        future.result()
    except EdgeError as error:
        return error
    return None
