# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in containers: the channel protocol, pure, and the stream that drives it.

Channels of C(v4.channel.k8s.io): 0 stdin, 1 stdout, 2 stderr, 3 a C(Status) with the exit code.
C(v5.channel.k8s.io) (Kubernetes 1.30) adds the message [255, channel], which closes one channel:
only with it can a command see the end of its stdin.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any, Dict, Iterable, List, Optional, Union

from ...errors import ApiError, TransferError, UnreachableError, UnsupportedError
from ..types import ExecResult
from . import websocket
from .channels import PING_EVERY, ChannelStream

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
PROTOCOLS = (V5, V4)
STDIN, STDOUT, STDERR, STATUS, CLOSE_CHANNEL = 0, 1, 2, 3, 255

AFTER_STATUS = 2.0  # seconds for the server to close the connection once the status came


class ExecAccumulator:
    """Collects what a command gives.

    Attributes:
        stdout: bytes so far.
        stderr: bytes so far.
        status: the C(Status) that ends the command, None until it came.
    """

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.status: Optional[Dict[str, Any]] = None
        self._status_text = b""

    def feed(self, payload: bytes) -> None:
        """Take one message: a channel number and its data."""
        if not payload:
            return
        channel, data = payload[0], payload[1:]
        if channel == STDOUT:
            self.stdout += data
        elif channel == STDERR:
            self.stderr += data
        elif channel == STATUS:
            self._take_status(data)

    def _take_status(self, data: bytes) -> None:
        self._status_text += data
        try:
            status = json.loads(self._status_text)
        except ValueError:
            return
        if isinstance(status, dict):
            self.status = status

    def rc(self, what: str) -> int:
        """Return the exit code.

        Raises:
            TransferError: no status came, so nothing is known about the command.
            ApiError: the command was not run.
        """
        if self.status is None:
            raise TransferError(
                "the connection ended without an exit status; the command may have been cut off",
                subject=what,
            )
        if self.status.get("status") == "Success":
            return 0
        for cause in (self.status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode" and str(cause.get("message")).isdigit():
                return int(cause["message"])
        raise ApiError(
            str(self.status.get("message") or "the command was not run"),
            status=int(self.status.get("code") or 500),
            reason=str(self.status.get("reason") or ""),
            subject=what,
        )


class ExecStream(ChannelStream):
    """A running command. Use it in a C(with) block; closing it hangs up on the command.

    Attributes:
        protocol: the negotiated subprotocol.
        output: what came so far.
    """

    def __init__(self, sock: socket.socket, protocol: str, what: str, timeout: float) -> None:
        super().__init__(sock, timeout)
        self.protocol = protocol
        self.output = ExecAccumulator()
        self._what = what

    def need_half_close(self) -> None:
        """Raise unless the server can close stdin alone.

        Raises:
            UnsupportedError: the server speaks only v4 (Kubernetes before 1.30).
        """
        if self.protocol != V5:
            raise UnsupportedError(
                f"the server speaks {self.protocol}, which cannot end stdin",
                subject=self._what,
                hint="Let the command read a known number of bytes (head -c N)",
            )

    def write(self, data: Union[bytes, memoryview]) -> None:
        """Send to the command's stdin; returns when the socket took it.

        Raises:
            TransferError: the command ended, or the connection broke, before all was sent.
            UnreachableError: the socket took nothing for C(timeout) seconds.
        """
        self._send_data(STDIN, data)

    def send_all(self, blocks: Iterable[bytes]) -> None:
        """Send the whole stdin and end it.

        Returns early when the command ended by itself: its exit code tells why. But a server
        whose pipe to the command is full does not tell that it ended (Kubernetes 1.36; kubectl
        hangs as well): let commands that may fail drain their stdin (C(cat > /dev/null)).

        Raises:
            UnsupportedError: the server speaks only v4; nothing was sent.
            TransferError: the connection broke.
        """
        self.need_half_close()
        try:
            for block in blocks:
                self.write(block)
            self.close_stdin()
        except TransferError:
            if self.output.status is None:
                raise

    def close_stdin(self) -> None:
        """Let the command see the end of its stdin.

        Raises:
            UnsupportedError: the server speaks only v4.
        """
        self.need_half_close()
        if not self.ended:
            self._send(self._encoded(websocket.BINARY, bytes((CLOSE_CHANNEL, STDIN))))

    def wait(self) -> ExecResult:
        """Wait for the end of the command.

        Raises:
            UnreachableError: nothing came for C(timeout) seconds.
            TransferError: the connection ended without an exit status.
            ApiError: the command was not run.
        """
        started = time.monotonic()
        while not self.ended:
            self._receive(min(PING_EVERY, self._timeout))
            silent = time.monotonic() - max(self.heard, started)
            if self.output.status is not None and silent > AFTER_STATUS:
                break
            if not self.ended and silent > self._timeout:
                raise UnreachableError(
                    f"nothing came from the command within {self._timeout:g} s", subject=self._what
                )
        out, rc = self.output, self.output.rc(self._what)
        return ExecResult(rc, bytes(out.stdout), bytes(out.stderr), self.protocol)

    def take(self, payload: bytes) -> None:
        """Take a message of the command."""
        self.output.feed(payload)

    def check(self) -> None:
        """Raise when the command takes no more input."""
        if self.ended:
            raise TransferError(
                f"the command ended before all input was sent{self._last_words()}",
                subject=self._what,
            )

    def stuck(self) -> Exception:
        """Return the error for a command that reads nothing."""
        return UnreachableError(
            f"the command took no input for {self._timeout:g} s",
            subject=self._what,
            hint="It hangs, or it ended without reading all of its stdin",
        )

    def _last_words(self) -> str:
        text = bytes(self.output.stderr[-300:]).decode("utf-8", "replace").strip()
        return f": {text}" if text else ""


__all__: List[str] = ["ExecAccumulator", "ExecStream", "PROTOCOLS", "V4", "V5"]
