# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 requests over connections that stay open, with nothing but a socket.

C(http.client) parses each answer's headers with the parser for mail, which takes longer than a
small model. Proxies of the environment are not used: what is measured is the way to one address.
"""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any, Dict, Mapping, Optional, Tuple

from .failure import Failure

PIECE = 1 << 16
HEAD_LIMIT = 1 << 16  # bytes of status line and headers, as http.client allows for one line


class Connection:
    """A connection to one address; opened when it is needed.

    Args:
        address: host and port.
        timeout: longest silence in seconds.
        context: for TLS, None without.
        server_name: the name that the certificate has to have.
    """

    def __init__(
        self,
        address: Tuple[str, int],
        timeout: float,
        context: Optional[ssl.SSLContext] = None,
        server_name: str = "",
    ) -> None:
        self._address, self._timeout = address, timeout
        self._context, self._name = context, server_name or address[0]
        self._socket: Optional[socket.socket] = None
        self._rest = bytearray()

    def ask(self, request: bytes) -> Tuple[int, bytes]:
        """Send a whole request; return status and body of the answer.

        Raises:
            Failure: there is no whole answer.
        """
        try:
            sock = self._socket or self._open()
            sock.sendall(request)
            return self._answer(sock)
        except Failure:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise _lost(error) from None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._rest = bytearray()

    def _open(self) -> socket.socket:
        sock = socket.create_connection(self._address, self._timeout)
        self._socket = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is not None:
            self._socket = self._context.wrap_socket(sock, server_hostname=self._name)
        return self._socket

    def _answer(self, sock: socket.socket) -> Tuple[int, bytes]:
        head = self._until(sock, b"\r\n\r\n").lower()
        status_line, _end, fields = head.partition(b"\r\n")
        words = status_line.split()
        if len(words) < 2 or not words[0].startswith(b"http/1.") or not words[1].isdigit():
            raise Failure("protocol", "the answer is no HTTP/1", lost=True)
        headers = dict(_field(line) for line in fields.split(b"\r\n"))
        if headers.get(b"transfer-encoding", b"").endswith(b"chunked"):
            body = self._chunks(sock)
        elif headers.get(b"content-length", b"").isdigit():
            body = self._exactly(sock, int(headers[b"content-length"]))
        else:
            raise Failure("protocol", "the answer does not tell its length", lost=True)
        if headers.get(b"connection") == b"close" or words[0] == b"http/1.0":
            self.close()
        return int(words[1]), body

    def _more(self, sock: socket.socket) -> None:
        piece = sock.recv(PIECE)
        if not piece:
            raise Failure("closed", "the server closed the connection without an answer", lost=True)
        self._rest += piece

    def _until(self, sock: socket.socket, mark: bytes) -> bytes:
        while True:
            at = self._rest.find(mark)
            if at >= 0:
                found = bytes(self._rest[:at])
                del self._rest[: at + len(mark)]
                return found
            if len(self._rest) > HEAD_LIMIT:
                raise Failure("protocol", "the headers of the answer do not end", lost=True)
            self._more(sock)

    def _exactly(self, sock: socket.socket, length: int) -> bytes:
        while len(self._rest) < length:
            self._more(sock)
        found = bytes(self._rest[:length])
        del self._rest[:length]
        return found

    def _chunks(self, sock: socket.socket) -> bytes:
        body = b""
        while True:
            text = self._until(sock, b"\r\n").partition(b";")[0].strip()
            try:
                size = int(text, 16)
            except ValueError:
                raise Failure(
                    "protocol", "a chunk of the answer has no length", lost=True
                ) from None
            if size == 0:
                break
            body += self._exactly(sock, size)
            self._exactly(sock, 2)
        while self._until(sock, b"\r\n"):
            pass  # trailers
        return body


def _field(line: bytes) -> Tuple[bytes, bytes]:
    name, _colon, value = line.partition(b":")
    return name.strip(), value.strip()


def _lost(error: OSError) -> Failure:
    """Return the failure of a connection, by what has ended it."""
    if isinstance(error, socket.timeout):
        return Failure("timeout", "no answer in time", lost=True)
    if isinstance(error, ssl.SSLError):
        return Failure("tls", getattr(error, "verify_message", "") or str(error), lost=True)
    if isinstance(error, ConnectionRefusedError):
        return Failure("refused", "nobody listens there", lost=True)
    if isinstance(error, socket.gaierror):
        return Failure("name", f"the name has no address: {error.strerror}", lost=True)
    return Failure("connection", error.strerror or str(error), lost=True)


def context_of(tls: Optional[Mapping[str, Any]]) -> Optional[ssl.SSLContext]:
    """Return what TLS is to check and to show, None without TLS.

    Raises:
        OSError, ssl.SSLError: a file cannot be used.
    """
    if tls is None:
        return None
    context = ssl.create_default_context(cafile=tls.get("ca") or None)
    # Python 3.13 made VERIFY_X509_STRICT a default; many self-made certificates fail it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    if not tls.get("verify", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.get("cert"):
        context.load_cert_chain(tls["cert"], tls.get("key") or None)
    return context


def request(
    method: str, path: str, host: str, headers: Mapping[str, str], body: bytes = b""
) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def said(body: bytes) -> str:
    """Return what a server says in an answer that is an error."""
    text = body[:300].decode("utf-8", "replace").strip()
    try:
        found = json.loads(body.decode("utf-8"))
        return str(found["error"]) if isinstance(found, dict) else text
    except (ValueError, KeyError):
        return text


def describe(address: Tuple[str, int], plan: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a server says of a model.

    Raises:
        Failure: it gives no answer, or does not serve the model.
        OSError: a certificate cannot be used.
    """
    context = context_of(plan.get("tls"))
    connection = Connection(address, plan["timeout"], context, plan["server_name"])
    try:
        status, body = connection.ask(request("GET", plan["path"], plan["host"], {}))
    finally:
        connection.close()
    if status != 200:
        raise Failure(f"HTTP {status}", said(body))
    try:
        found = json.loads(body.decode("utf-8"))
        if isinstance(found, dict) and "inputs" in found:
            return found
    except ValueError:
        pass
    raise Failure("protocol", f"{plan['path']} is not answered with a model's metadata")


class RestClient:
    """Sends one request again and again to an address."""

    def __init__(
        self,
        address: Tuple[str, int],
        message: bytes,
        timeout: float,
        context: Optional[ssl.SSLContext] = None,
        server_name: str = "",
    ) -> None:
        self._connection = Connection(address, timeout, context, server_name)
        self._message = message

    def infer(self) -> int:
        """Ask for one inference; return the bytes of its answer.

        Raises:
            Failure: there is no answer, or another one than 200.
        """
        status, body = self._connection.ask(self._message)
        if status != 200:
            raise Failure(f"HTTP {status}", said(body))
        return len(body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
