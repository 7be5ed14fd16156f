# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file server that misbehaves on request, and a forward proxy that writes down who asked.

Both are for tests: unit tests on loopback, integration tests on an address that pods reach.
"""

from __future__ import annotations

import base64
import hashlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class Manners:
    """How a file server behaves.

    Attributes:
        files: bytes by path (``/model/1/a``).
        ranges: honours ``Range``.
        cut: bytes of a body after which a connection ends, one for each of the next requests.
        statuses: statuses of the next requests, before any file is given.
        redirects: path -> where it went.
        tell_sizes: answers HEAD and gives a ``Content-Length``.
        headers: sent with every answer.
        login: value of ``Authorization`` that is asked for.
        pause: seconds between two blocks of a body.
        wrong: gives other bytes of the same length.
        encoding: claims this ``Content-Encoding``.
        range_error: answers a range with another one.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cut: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    tell_sizes: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    login: str = ""
    pause: float = 0.0
    wrong: bool = False
    encoding: str = ""
    range_error: bool = False


class FileServer(ThreadingHTTPServer):
    """Serves ``manners.files``; ``asked`` has method, path and headers of every request.

    Asked as S3's ListObjectsV2 asks, it lists them by name, size and ETag, on one page, unless one
    of them has the whole question for its path.
    """

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        super().__init__((address, 0), _FileHandler)
        self.manners = Manners()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.sent = 0
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what the tests are about."""

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"{self.scheme}://{self.server_address[0]!s}:{self.server_address[1]}"

    def paths(self, method: str = "GET") -> list[str]:
        """Return the paths that were asked for."""
        return [path for verb, path, _headers in self.asked if verb == method]

    def put_tree(self, root: Path) -> None:
        """Serve a directory's files, read now."""
        for path in root.rglob("*"):
            if path.is_file():
                self.manners.files[f"/{path.relative_to(root).as_posix()}"] = path.read_bytes()


def etag(data: bytes) -> str:
    """Return what the server calls these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def _listing(files: dict[str, bytes], bucket: str, prefix: str) -> bytes:
    top = bucket.rstrip("/") + "/"
    names = [path[len(top) :] for path in sorted(files) if path.startswith(top + prefix)]
    rows = [
        f"<Contents><Key>{escape(name)}</Key><Size>{len(files[top + name])}</Size>"
        f"<ETag>&quot;{etag(files[top + name])}&quot;</ETag></Contents>"
        for name in names
    ]
    return f"<ListBucketResult>{''.join(rows)}</ListBucketResult>".encode()


class _FileHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    server: FileServer

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        manners = self.server.manners
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append((self.command, self.path, dict(self.headers.items())))
        if manners.login and self.headers.get("Authorization") != manners.login:
            return self._status(401)
        if manners.statuses:
            return self._status(manners.statuses.pop(0))
        if path in manners.redirects:
            return self._status(302, {"Location": manners.redirects[path]})
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query and self.path not in manners.files:
            prefix = query.get("prefix", [""])[0]
            return self._send(200, {}, _listing(manners.files, path, prefix), body)
        data = manners.files.get(self.path, manners.files.get(path))
        if data is None:
            return self._status(404)
        if not body and not manners.tell_sizes:
            return self._status(405)
        return self._file(data, body)

    def _file(self, data: bytes, body: bool) -> None:
        manners = self.server.manners
        tag = f'"{etag(data)}"'
        wanted = self.headers.get("Range") if manners.ranges else None
        if wanted and self.headers.get("If-Range") not in (None, tag):
            wanted = None
        fields = {"ETag": tag}
        status, start, end = 200, 0, len(data)
        if wanted:
            first, _dash, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1 if last else len(data), len(data))
            if start >= len(data):
                return self._status(416, {"Content-Range": f"bytes */{len(data)}"})
            status = 206
            shown = start + 1 if manners.range_error else start
            fields["Content-Range"] = f"bytes {shown}-{end - 1}/{len(data)}"
        if manners.encoding:
            fields["Content-Encoding"] = manners.encoding
        payload = bytes(len(data)) if manners.wrong else data
        return self._send(status, fields, payload[start:end], body)

    def _send(self, status: int, fields: dict[str, str], data: bytes, body: bool) -> None:
        manners = self.server.manners
        self.send_response(status)
        for name, value in {**fields, **manners.headers}.items():
            self.send_header(name, value)
        if manners.tell_sizes:
            self.send_header("Content-Length", str(len(data)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if body:
            self._body(data, manners.cut.pop(0) if manners.cut else len(data))

    def _body(self, data: bytes, limit: int) -> None:
        block = 16384 if self.server.manners.pause else 1 << 20
        for place in range(0, min(limit, len(data)), block):
            piece = data[place : min(place + block, limit)]
            self.wfile.write(piece)
            self.server.sent += len(piece)
            time.sleep(self.server.manners.pause)
        if limit < len(data):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _status(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        fields = {**(headers or {}), **self.server.manners.headers, "Content-Length": "0"}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class ForwardProxy(ThreadingHTTPServer):
    """Passes GET and HEAD on, tunnels CONNECT; ``log`` has a line per request.

    Args:
        address: where it listens.
        login: ``user:password`` that is asked for, if any.
        port: on which; 0 is a free one.
    """

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1", login: str = "", port: int = 0) -> None:
        super().__init__((address, port), _ProxyHandler)
        self.log: list[str] = []
        self.login = "Basic " + base64.b64encode(login.encode()).decode() if login else ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what the tests are about."""

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self.server_address[0]!s}:{self.server_address[1]}"


class _ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: ForwardProxy

    def do_CONNECT(self) -> None:
        if not self._allowed():
            return
        host, _colon, port = self.path.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as far:
            self.send_response(200)
            self.end_headers()
            _pump(self.connection, far)
        self.close_connection = True

    def do_GET(self) -> None:
        if not self._allowed():
            return
        parts = urlsplit(self.path)
        far = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        names = ("proxy-authorization", "connection")
        headers = {key: value for key, value in self.headers.items() if key.lower() not in names}
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        far.request(self.command, path, headers=headers)
        answer = far.getresponse()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        while block := answer.read(65536):
            self.wfile.write(block)
        far.close()

    do_HEAD = do_GET

    def _allowed(self) -> bool:
        self.server.log.append(f"{self.command} {self.path}")
        wanted = self.server.login
        if not wanted or self.headers.get("Proxy-Authorization") == wanted:
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _pump(near: socket.socket, far: socket.socket) -> None:
    """Pass bytes both ways until one side ends, or nothing comes for 30 s."""
    while True:
        ready, _write, _error = select.select([near, far], [], [], 30)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (far if source is near else near).sendall(data)


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[Any]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
