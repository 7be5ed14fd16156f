# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All targets of one task: opened, examined, locked and filled side by side, closed at the end."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Callable, Dict, List, Optional, Sequence, Set, Type

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.origins import Origin
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import Plan, Step
from ansible_collections.openvino.edge.plugins.module_utils.repository.retention import Retained
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Facts,
    Inventory,
    Key,
    RemoteVersion,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import (
    Channel,
    Target,
)

# A helper counts its controller as gone after 15 s without a request.
KEEP_SECONDS = 6.0


@dataclass
class Counts:
    """Bytes of one target by where they came from, and files.

    Attributes:
        sent: handed to the socket by the controller.
        planned: that the controller has to send.
        hashes: of block tables, received by the controller.
        linked: files with the same bytes on the same store.
        from_peers: fetched from another node of the site.
        pulled: fetched from a URL.
        resumed: left by an earlier run.
        files: that were sent.
    """

    sent: int = 0
    planned: int = 0
    hashes: int = 0
    linked: int = 0
    from_peers: int = 0
    pulled: int = 0
    resumed: int = 0
    files: int = 0


@dataclass
class Incoming:
    """A version that comes to one target.

    Attributes:
        step: C(publish) or C(repair).
        manifest: its files.
        origins: where each of them comes from.
        after: another version of this run with the same files, which is published before.
        settled: numbers of files that were counted as linked.
        staged_on: the helper that knows the stage.
        tried: whether publishing was asked for; the answer may have been lost.
    """

    step: Step
    manifest: Manifest
    origins: List[Origin]
    after: Optional[Key] = None
    settled: Set[int] = field(default_factory=set)
    staged_on: Optional[Channel] = None
    tried: bool = False


@dataclass
class Work:
    """One target and what is known and done about it."""

    target: Target
    channel: Optional[Channel] = None
    facts: Optional[Facts] = None
    inventory: Inventory = field(default_factory=Inventory)
    remote: Dict[Key, RemoteVersion] = field(default_factory=dict)
    plan: Optional[Plan] = None
    published: List[Key] = field(default_factory=list)
    removed: List[Key] = field(default_factory=list)
    repaired: List[Key] = field(default_factory=list)
    retained: Sequence[Retained] = ()
    incoming: List[Incoming] = field(default_factory=list)
    staged_bytes: Dict[Key, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    locked: bool = False
    busy: bool = False

    @property
    def way(self) -> Channel:
        """The open channel."""
        if self.channel is None:
            raise EdgeError("the target was not opened", subject=self.target.name)
        return self.channel

    @property
    def todo(self) -> Plan:
        """The plan."""
        if self.plan is None:
            raise EdgeError("the target was not examined", subject=self.target.name)
        return self.plan

    @property
    def changed(self) -> bool:
        """Whether something was published, repaired or removed."""
        return bool(self.published or self.repaired or self.removed)


class Fleet:
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

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._closing.set()
        if error is not None:
            self._stop.set()
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
        """Show helpers that wait for their turn that the controller is alive."""
        while not self._closing.wait(KEEP_SECONDS):
            for work in self.works:
                if work.busy or work.channel is None:
                    continue
                try:
                    work.channel.ping()
                except EdgeError:
                    pass  # the next real request tells


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
