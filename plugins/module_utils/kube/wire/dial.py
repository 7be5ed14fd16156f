# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a byte stream to an API server: TCP, CONNECT through a proxy, TLS."""

from __future__ import annotations

import socket
import ssl

from .endpoint import Endpoint, Proxy
from .unreachable import connect_error, dropped_error, tls_error, tunnel_error

CONNECT_TIMEOUT = 10.0  # seconds for each of: TCP, the proxy's answer, the TLS handshake
_MAX_HEAD = 65536  # bytes of a proxy's answer to CONNECT


def dial(
    endpoint: Endpoint, *, tunnel: bool = False, timeout: float = CONNECT_TIMEOUT
) -> socket.socket:
    """Return a connected socket, TLS done when the endpoint asks for it.

    Args:
        endpoint: where to.
        tunnel: use CONNECT for plain HTTP too (WebSocket through a proxy).
        timeout: seconds for each step.

    Raises:
        UnreachableError: with the reason and the option to look at.
    """
    sock = _tcp(endpoint, timeout)
    try:
        if endpoint.proxy and endpoint.proxy.tls:
            context = ssl.create_default_context()
            sock = _tls(endpoint, context, sock, endpoint.proxy.host, timeout)
        if endpoint.proxy and (endpoint.tls or tunnel):
            _connect_through(endpoint, endpoint.proxy, sock)
        if endpoint.tls:
            sock = _tls(endpoint, endpoint.tls, sock, endpoint.server_name, timeout)
        return sock
    except BaseException:
        sock.close()
        raise


def _tcp(endpoint: Endpoint, timeout: float) -> socket.socket:
    target = endpoint.proxy or endpoint
    try:
        sock = socket.create_connection((target.host, target.port), timeout)
    except (OSError, UnicodeError) as error:
        known = error if isinstance(error, OSError) else socket.gaierror("bad name")
        raise connect_error(endpoint, known, timeout) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


def _tls(
    endpoint: Endpoint, context: ssl.SSLContext, sock: socket.socket, name: str, timeout: float
) -> socket.socket:
    try:
        return context.wrap_socket(sock, server_hostname=name)
    except OSError as error:
        raise tls_error(endpoint, error, timeout) from None


def _connect_through(endpoint: Endpoint, proxy: Proxy, sock: socket.socket) -> None:
    """Ask the proxy for a tunnel (RFC 9110 section 9.3.6)."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    target = f"{host}:{endpoint.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    lines += [f"{name}: {value}" for name, value in proxy.headers]
    try:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        head = _read_head(sock)
    except OSError as error:
        raise dropped_error(endpoint, f"the proxy {proxy}", error) from None
    rest = head.partition(b" ")[2]
    code, dummy, reason = rest.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    if not code.startswith("2") or not head.startswith(b"HTTP/1."):
        raise tunnel_error(endpoint, int(code) if code.isdigit() else 0, reason)


def _read_head(sock: socket.socket) -> bytes:
    """Read up to the blank line, byte by byte: what follows belongs to TLS."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n") and len(head) < _MAX_HEAD:
        byte = sock.recv(1)
        if not byte:
            raise ConnectionResetError("closed")
        head += byte
    return bytes(head)
