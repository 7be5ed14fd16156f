# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps local copies of objects up to date by list and watch, with one thread per source."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..closing import Closing
from ..errors import EdgeError, ForbiddenError, GoneError, may_pass
from .client import KubeClient
from .health.workloads import Snapshot

_RETRY = 1.0  # seconds

__all__ = ["Follower", "Snapshot", "Source"]

Object = Dict[str, Any]


@dataclass(frozen=True)
class Source:
    """The objects to follow; an C(optional) source stays empty when listing it is forbidden."""

    api_version: str
    kind: str
    namespace: Optional[str] = None
    label_selector: Optional[str] = None
    field_selector: Optional[str] = None
    optional: bool = False


class Follower(Closing):
    """Follows sources until it is closed. Use it in a C(with) block.

    It has connections of its own to the same API server, so that closing it ends the watches.
    """

    def __init__(self, client: KubeClient, sources: Sequence[Source], timeout: float) -> None:
        self._client = KubeClient(client.endpoint)
        self._client.patience = 0.0  # what is lost has to be known when the time is over
        self._met = client.transport.met
        self._sources = sources
        self._deadline = time.monotonic() + timeout
        self._queue: "queue.Queue[Tuple[int, Any]]" = queue.Queue()
        self._objects: List[Dict[str, Object]] = [{} for source in sources]
        self._waiting = set(range(len(sources)))
        self._lost: Dict[int, EdgeError] = {}

    def __enter__(self) -> Follower:
        for index in range(len(self._sources)):
            threading.Thread(target=self._follow, args=(index,), daemon=True).start()
        return self

    def close(self) -> None:
        """End the connection, and with it the threads that read from it."""
        self._client.close()

    @property
    def lost(self) -> Optional[EdgeError]:
        """Why a source cannot be followed at the moment, None when all can."""
        return next(iter(list(self._lost.values())), None)

    def next(self, seconds: float) -> Optional[Snapshot]:
        """Wait for a change, at most C(seconds), and return the current objects of each source.

        None as long as a source has not been listed.

        Raises:
            EdgeError: a source cannot be read.
        """
        try:
            self._take(self._queue.get(timeout=max(0.0, seconds)))
            while True:
                self._take(self._queue.get_nowait())
        except queue.Empty:
            pass
        if self._waiting:
            return None
        return [list(objects.values()) for objects in self._objects]

    def _take(self, item: Tuple[int, Any]) -> None:
        index, news = item
        if isinstance(news, Exception):
            raise news
        if isinstance(news, list):
            self._objects[index] = {_key(obj): obj for obj in news}
            self._waiting.discard(index)
        elif news.type == "DELETED":
            self._objects[index].pop(_key(news.object), None)
        else:
            self._objects[index][_key(news.object)] = news.object

    def _follow(self, index: int) -> None:
        """Thread: list, then watch; list again when the watch is too old.

        An API server that has answered before is asked again when it does not, or only a load
        balancer answers for it: a single-node cluster may be in an upgrade.
        """
        source = self._sources[index]
        try:
            while not self._client.transport.closed and time.monotonic() < self._deadline:
                try:
                    self._list_and_watch(index, source)
                except GoneError:
                    continue
                except EdgeError as error:
                    known = self._met or index not in self._waiting
                    if not (known and may_pass(error)):
                        raise
                    self._lost[index] = error
                    time.sleep(_RETRY)
        except ForbiddenError as error:
            self._queue.put((index, [] if source.optional else error))
        except Exception as error:
            if not self._client.transport.closed:
                self._queue.put((index, error))

    def _list_and_watch(self, index: int, source: Source) -> None:
        where = (source.namespace, source.label_selector, source.field_selector)
        items, version = self._client.list(source.api_version, source.kind, *where)
        self._queue.put((index, items))
        self._lost.pop(index, None)
        left = self._deadline - time.monotonic()
        for event in self._client.watch(source.api_version, source.kind, *where, version, left):
            self._queue.put((index, event))


def _key(obj: Object) -> str:
    meta = obj.get("metadata") or {}
    return str(meta.get("uid") or f"{meta.get('namespace')}/{meta.get('name')}")
