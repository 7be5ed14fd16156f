# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one watch over several connections: it reconnects and resumes when one ends."""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import Callable, Iterator, Optional, Sequence, Tuple

from ...errors import EdgeError, may_pass
from ..types import WatchEvent
from .http import Request, Transport
from .watch_events import WatchDecoder

RECONNECTS = 5  # connections that may fail in a row
RECONNECT_WAIT = 0.5  # seconds after a watch that ended at once, times the failures in a row
_READ = 65536

Selectors = Sequence[Tuple[str, str]]
Fail = Callable[[int, bytes], EdgeError]


def follow(
    transport: Transport,
    path: str,
    selectors: Selectors,
    resource_version: Optional[str],
    timeout: float,
    fail: Fail,
) -> Iterator[WatchEvent]:
    """Yield changes; see C(KubeClient.watch).

    Args:
        transport: its C(close) ends the watch, from another thread too.
        path: of the collection.
        selectors: query parameters.
        resource_version: where to start.
        timeout: seconds.
        fail: makes the error for an answer of 400 and more.
    """
    decoder = WatchDecoder(resource_version)
    deadline = time.monotonic() + timeout
    failures = 0
    while time.monotonic() < deadline and not transport.closed:
        opened = time.monotonic()
        try:
            for event in _once(transport, path, selectors, decoder, deadline, fail):
                failures = 0
                yield event
        except EdgeError as error:
            failures += 1
            if not may_pass(error) or failures > RECONNECTS or time.monotonic() >= deadline:
                raise
        if time.monotonic() - opened < RECONNECT_WAIT:
            left = max(0.0, deadline - time.monotonic())
            time.sleep(min(RECONNECT_WAIT * max(1, failures), left))


def _once(
    transport: Transport,
    path: str,
    selectors: Selectors,
    decoder: WatchDecoder,
    deadline: float,
    fail: Fail,
) -> Iterator[WatchEvent]:
    """Yield the events of one connection; returns when it ends, however it ends."""
    left = max(1, int(deadline - time.monotonic() + 0.999))
    query = [("watch", "1"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", str(left))]
    if decoder.resource_version:
        query.append(("resourceVersion", decoder.resource_version))
    decoder.reset()
    request = Request("GET", path, query=[*query, *selectors])
    with transport.stream(request, timeout=left + 2.0) as response:
        if response.status >= 400:
            raise fail(response.status, response.read())
        while True:
            try:
                data = response.read1(_READ)
            except (OSError, HTTPException):
                return
            if not data:
                return
            yield from decoder.feed(data)
