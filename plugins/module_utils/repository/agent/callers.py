# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks the agent's clients: whether the controller is alive, and connections without a token.

Runs in the pod (see C(main.py)); stdlib only.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import Any, Callable, Dict, List, Optional

from . import store as stores
from .shared import LONGEST_PAUSE

DESERTED = 30.0  # seconds without any request after which the controller seems to be gone
LOST_DESERTED = 3.0  # the same after a request that was cut in the middle
# Limits for connections that have not sent a token: number, seconds, bytes of the head. A new
# connection over the limit closes the oldest, so that idle connections cannot lock the controller
# out.
STRANGERS = 32
STRANGER_SECONDS = 30.0
HEAD_BYTES = 32 << 10


class Presence:
    """Tracks whether the controller is alive: the time of its last request, and broken connections.

    Args:
        store: whose lock tells others.
        busy: tells whether anything is still at work.
    """

    def __init__(self, store: stores.Store, busy: Callable[[], bool]) -> None:
        self._store, self._busy = store, busy
        self._guard = threading.Lock()
        self.active = 0
        self.peers = 0
        self.last = time.monotonic()
        self.cut: Optional[float] = None
        self.pause = 0.0  # seconds for which the controller has told that no request will come
        self._marked = False

    def enter(self) -> None:
        """Count a request as begun; it clears the mark of a lost controller."""
        with self._guard:
            self.active += 1
            self.last = time.monotonic()
            self.cut, self.pause = None, 0.0
            if self._marked:
                self._store.locked.found()
                self._marked = False

    def leave(self, cut: bool) -> None:
        """Count a request as ended; C(cut) says that its connection broke in the middle."""
        with self._guard:
            self.active -= 1
            self.last = time.monotonic()
            if cut:
                self.cut = self.last
        self.mark()

    def rest(self, seconds: float) -> None:
        """Note that the next request may come so late; it ends the pause."""
        with self._guard:
            self.pause = min(seconds, LONGEST_PAUSE)

    def serve(self, step: int) -> None:
        """Count a request of another helper as begun (1) or ended (-1)."""
        with self._guard:
            self.peers += step

    def mark(self) -> None:
        """Mark the lock as lost when the controller was cut off and no task of it runs any more."""
        with self._guard:
            if self.cut is None or self._marked or self.active or self._busy():
                return
            self._marked = True
            self._store.locked.lose()

    def quiet(self) -> float:
        """Return the seconds without a request."""
        return 0.0 if self.active else time.monotonic() - self.last

    def deserted(self) -> bool:
        """Return whether the controller seems to be gone, so that running tasks can be aborted."""
        return self.quiet() > (DESERTED if self.cut is None else LOST_DESERTED)


class Strangers:
    """Tracks connections that have not sent a token yet, and closes those that take too long."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: "Dict[socket.socket, float]" = {}  # in the order in which they came

    def add(self, connection: socket.socket) -> None:
        """Add a new connection."""
        with self._guard:
            self._known[connection] = time.monotonic()
            surplus = list(self._known)[: max(0, len(self._known) - STRANGERS)]
        self._end(surplus)

    def drop(self, connection: socket.socket) -> None:
        """Forget a connection that has shown a token, or has ended."""
        with self._guard:
            self._known.pop(connection, None)

    def hurry(self) -> None:
        """Close the connections that are over their time limit."""
        before = time.monotonic() - STRANGER_SECONDS
        with self._guard:
            late = [connection for connection, since in self._known.items() if since < before]
        self._end(late)

    def _end(self, connections: List[socket.socket]) -> None:
        for connection in connections:
            self.drop(connection)
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Head:
    """Reads the head of a request, up to a limit of bytes."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left = stream, HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        """Return a line; raises what C(BaseHTTPRequestHandler) answers with 431."""
        line = bytes(self._stream.readline(min(limit, self._left + 1)))
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("head")
        return line
