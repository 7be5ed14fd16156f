# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TCP connection to a port of a pod, over a WebSocket and the kubelet.

The kubelet connects inside of the pod's network, so the API server needs no route to the pod. The
protocol is C(v4.channel.k8s.io) with two channels for a port, 0 for its data and 1 for the reason
why there is none; the first message of each holds the number of the port
(k8s.io/kubelet pkg/cri/streaming/portforward/websocket.go). It is in every kubelet, where the newer
C(SPDY/3.1+portforward.k8s.io) begins with Kubernetes 1.30; it has no way to close one direction
only, which HTTP does not need. C(forward_spdy) is the same over SPDY itself, which is tried first.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from typing import Any, Deque, Set, cast

from ...errors import UnreachableError
from .channels import PING_EVERY, ChannelStream
from .connection import Connection, EarlyAnswer

PROTOCOLS = ("v4.channel.k8s.io",)
DATA, ERROR = 0, 1


class ForwardStream(ChannelStream):
    """A forwarded port, with the methods of a socket that C(Connection) uses."""

    def __init__(self, sock: socket.socket, subject: str, timeout: float) -> None:
        super().__init__(sock, timeout)
        self._subject = subject
        self._data: Deque[memoryview] = deque()  # what the pod has sent, none of it empty
        self._error = bytearray()
        self._named: Set[int] = set()  # channels whose first message came
        self._until_answered = False

    def settimeout(self, seconds: float) -> None:
        """Set the longest silence in seconds."""
        self._timeout = seconds

    def sendall(self, data: Any) -> None:
        """Send bytes to the pod; returns when the socket took them.

        Raises:
            UnreachableError: nobody listens on the port.
            OSError: the connection ended, or took nothing for the whole time-out.
        """
        self._send_data(DATA, data)

    def send_until_answered(self, data: Any) -> None:
        """Send a part of a body, unless the pod answers or closes before.

        Raises:
            EarlyAnswer: what the pod has sent is left to be read.
        """
        self._until_answered = True
        try:
            self.sendall(data)
        except ConnectionError:
            raise EarlyAnswer(b"") from None
        finally:
            self._until_answered = False

    def recv_into(self, buffer: Any) -> int:
        """Read into a buffer and return how many bytes it got, 0 at the end.

        Raises:
            UnreachableError: the kubelet has told why there is no connection.
            socket.timeout: nothing came for the whole time-out.
        """
        started = time.monotonic()
        while not self._data and not self.ended:
            self._receive(min(PING_EVERY, self._timeout))
            silent = time.monotonic() - max(self.heard, started)
            if not self._data and not self.ended and silent >= self._timeout:
                raise socket.timeout("receiving")
        if not self._data:
            self._raise_error()
            return 0
        first = self._data[0]
        count = min(len(buffer), len(first))
        buffer[:count] = first[:count]
        if count == len(first):
            self._data.popleft()
        else:
            self._data[0] = first[count:]
        return count

    def news(self) -> bool:
        """Return whether the pod has sent something that was not read, or the connection ended."""
        self._take_waiting()
        return bool(self._data) or self.ended

    def take(self, payload: bytes) -> None:
        """Take a message of one of the two channels."""
        channel = payload[0] if payload else -1
        if channel not in self._named:
            self._named.add(channel)  # the number of the port
        elif channel == DATA and len(payload) > 1:
            self._data.append(memoryview(payload)[1:])
        elif channel == ERROR:
            self._error += memoryview(payload)[1:]

    def check(self) -> None:
        """Raise when the pod reads no more, or need not."""
        if self._until_answered and self._data:
            raise EarlyAnswer(b"")
        if self.ended:
            self._raise_error()
            raise ConnectionResetError("the forwarded connection ended")

    def stuck(self) -> Exception:
        """Return the error for a pod that reads nothing."""
        return socket.timeout("sending")

    def _raise_error(self) -> None:
        """Raise what the kubelet has told, if it has."""
        text = " ".join(self._error.decode("utf-8", "replace").split())
        if text:
            # Before the reason, runtimes name the paths and numbers of the pod's network.
            reason = text[max(0, text.find("dial tcp")) :]
            raise UnreachableError(
                f"the kubelet cannot reach the pod: {reason}",
                subject=self._subject,
                hint="Does the container listen there, on all addresses or on localhost?",
            )


class ForwardedConnection(Connection):
    """HTTP over a forwarded port."""

    def __init__(self, stream: ForwardStream) -> None:
        # It has what Connection and HTTPResponse ask of a socket.
        super().__init__(cast(socket.socket, stream))
        self._stream = stream

    def abort(self) -> None:
        """End a read that goes on in another thread."""
        self._stream.abort()

    def stale(self) -> bool:
        """Return whether an idle connection has ended (or has stray bytes)."""
        return self._stream.news()

    def _send_block(self, view: memoryview, timeout: float) -> None:
        self._stream.settimeout(timeout)
        self._stream.send_until_answered(view)
