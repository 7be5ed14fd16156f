# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TCP connection to a port of a pod, over SPDY and the kubelet.

The container runtime reads a frame of SPDY at once, where it takes each byte out of a WebSocket
frame by itself. So this is the quicker one, wherever what stands before the API server lets it
through (k8s.io/kubelet pkg/cri/streaming/portforward/httpstream.go).
"""

from __future__ import annotations

import socket
import time
from typing import Dict, Set, Union

from . import spdy
from .channels import TLS_RECORD
from .forward_stream import ForwardStream

PROTOCOL = "portforward.k8s.io"
HANDSHAKE: Dict[str, str] = {
    "Connection": "Upgrade",
    "Upgrade": spdy.PROTOCOL,
    "X-Stream-Protocol-Version": PROTOCOL,
}
ERROR, DATA = 1, 3  # streams
# Bytes of a frame: whole records of TLS. A runtime holds up to 50 frames for a pod that is slow.
FRAME = 4 * TLS_RECORD - spdy.HEAD.size


class SpdyForwardStream(ForwardStream):
    """A forwarded port, with the methods of a socket that C(Connection) uses."""

    def __init__(self, sock: socket.socket, subject: str, timeout: float, port: int) -> None:
        super().__init__(sock, subject, timeout)
        self._frames = spdy.Decoder()
        self._finished: Set[int] = set()  # streams on which nothing more comes
        self._pings = 1
        opener = spdy.Opener()
        common = {"port": str(port), "requestid": "0"}
        error = opener.open(ERROR, {"streamtype": "error", **common}, spdy.FIN)
        self._outbox += error + opener.open(DATA, {"streamtype": "data", **common})

    def _send_data(self, channel: int, data: Union[bytes, memoryview]) -> None:
        view = memoryview(data)
        for start in range(0, len(view), FRAME):
            part = view[start : start + FRAME]
            copied = TLS_RECORD - spdy.HEAD.size
            head = spdy.data_head(DATA, len(part)) + part[:copied]
            self._send(head, part[copied:])

    def _ping(self) -> bytes:
        number, self._pings = self._pings, self._pings + 2
        return spdy.ping(number)

    def _took(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self._take_frame(frame)

    def _take_frame(self, frame: spdy.Frame) -> None:
        if frame.kind == spdy.DATA:
            self.heard = time.monotonic()
            if frame.stream == DATA and frame.payload:
                self._data.append(memoryview(frame.payload))
            elif frame.stream == ERROR:
                self._error += frame.payload
        elif frame.kind == spdy.PING and not frame.stream % 2:
            self._outbox += spdy.ping(frame.stream)
        elif frame.kind in (spdy.RST_STREAM, spdy.GOAWAY):
            self.ended = True
        if frame.kind in (spdy.DATA, spdy.SYN_REPLY) and frame.flags & spdy.FIN:
            self._finished.add(frame.stream)
        # The reason why there is no connection may come after the end of the data.
        self.ended = self.ended or self._finished >= {ERROR, DATA}
