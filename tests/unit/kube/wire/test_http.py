# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests against servers that behave, and that do not."""

from __future__ import annotations

import io
import socket
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    TransferError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint import load_endpoint
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.http import Request, Transport
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.upload import Upload

from ...fakes.loopback import Received, Server, answer, api, read_head, read_request
from ..conftest import Authority

MIB = 1024 * 1024


def send(url: str, method: str = "GET", timeout: float = 5.0, **kwargs: object) -> Response:
    transport = Transport(load_endpoint({"host": url}, {}))
    try:
        return transport.request(Request(method, "/x", **kwargs), timeout)  # type: ignore[arg-type]
    finally:
        transport.close()


def test_requests_share_one_connection() -> None:
    with api(lambda request: answer(200, b"ok")) as server:
        transport = Transport(load_endpoint({"host": server.url}, {}))
        bodies = [transport.request(Request("GET", f"/{i}")).body for i in range(5)]
    assert bodies == [b"ok"] * 5
    assert server.connections == 1


def test_threads_get_connections_of_their_own() -> None:
    gate = threading.Barrier(3)

    def slow(request: Received) -> bytes:
        gate.wait(5)
        return answer(200, request.target.encode())

    with api(slow) as server:
        transport = Transport(load_endpoint({"host": server.url}, {}))
        bodies: list[bytes] = []
        threads = [
            threading.Thread(
                target=lambda i=i: bodies.append(transport.request(Request("GET", f"/{i}")).body)
            )
            for i in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(bodies) == [b"/0", b"/1", b"/2"]
    assert server.connections == 3


def closing(requests_per_connection: int) -> Server:
    """A server that answers, and then closes without having said so."""

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        for _ in range(requests_per_connection):
            request = read_request(file)
            if request is None:
                return
            server.requests.append(request)
            sock.sendall(answer(200, b"ok"))

    server = Server(handler)
    return server


def test_kept_connection_closed_by_the_server() -> None:
    with closing(1) as server:
        transport = Transport(load_endpoint({"host": server.url}, {}))
        for _ in range(3):
            assert transport.request(Request("GET", "/")).body == b"ok"
    assert len(server.requests) == 3


def test_closed_while_the_request_is_on_its_way() -> None:
    """The server reads a second request and closes: it is sent again when that is harmless."""
    asked: list[str] = []

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        for number in range(2):
            request = read_request(file)
            if request is None:
                return
            asked.append(request.method)
            if number == 0:
                sock.sendall(answer(200, b"ok"))

    with Server(handler) as server:
        transport = Transport(load_endpoint({"host": server.url}, {}))
        assert transport.request(Request("GET", "/")).body == b"ok"
        put = Request("PUT", "/", upload=Upload(b"data"))
        assert transport.request(put).body == b"ok"
        with pytest.raises(UnreachableError, match="POST /: the connection was closed early"):
            transport.request(Request("POST", "/", upload=Upload(b"data"), repeatable=False))
    assert asked == ["GET", "PUT", "PUT", "POST"]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_truncated_answer(raw: bytes) -> None:
    def handler(sock: socket.socket, index: int) -> None:
        read_head(sock.makefile("rb"))
        sock.sendall(raw)

    with Server(handler) as server, pytest.raises(UnreachableError, match="closed early"):
        send(server.url)


def test_silence() -> None:
    release = threading.Event()

    def handler(sock: socket.socket, index: int) -> None:
        release.wait(10)

    with Server(handler) as server:
        with pytest.raises(UnreachableError, match=r"GET /x: no answer within 0\.2 s"):
            send(server.url, timeout=0.2)
        release.set()


def test_throttled_request_is_repeated() -> None:
    answers = iter([answer(429, b"", Retry_After="0"), answer(200, b"ok")])
    with api(lambda request: next(answers)) as server:
        assert send(server.url).status == 200


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("known_length", [False, True])
def test_upload_of_a_stream(authority: Authority, secure: bool, known_length: bool) -> None:
    blocks = [bytes([i]) * 300_000 for i in range(5)]
    whole = b"".join(blocks)
    with api(lambda request: answer(200), authority.server() if secure else None) as server:
        transport = Transport(load_endpoint({"host": server.url, "ca_cert": authority.ca}, {}))
        upload = Upload(iter(blocks), len(whole) if known_length else None)
        assert transport.request(Request("PUT", "/f", upload=upload)).status == 200
    assert server.requests[0].body == whole


@pytest.mark.parametrize("secure", [False, True])
def test_early_error_answer_ends_the_upload(authority: Authority, secure: bool) -> None:
    """The server says no after the head and never reads the body."""
    sent = []

    def handler(sock: socket.socket, index: int) -> None:
        read_head(sock.makefile("rb", buffering=0))
        sock.sendall(answer(507, b"disk full"))
        done.wait(10)

    def blocks() -> Iterator[bytes]:
        for _ in range(1000):
            sent.append(1)
            yield bytes(MIB)

    done = threading.Event()
    with Server(handler, authority.server() if secure else None) as server:
        transport = Transport(load_endpoint({"host": server.url, "ca_cert": authority.ca}, {}))
        request = Request("PUT", "/f", upload=Upload(blocks(), 1000 * MIB))
        response = transport.request(request, 5.0)
        done.set()
    assert (response.status, response.body) == (507, b"disk full")
    assert len(sent) < 100


def test_early_answer_and_reset() -> None:
    """The answer is read even when the server closed with our bytes unread (TCP reset)."""

    def handler(sock: socket.socket, index: int) -> None:
        read_head(sock.makefile("rb", buffering=0))
        sock.sendall(answer(413, b"too large", Connection="close"))

    with Server(handler) as server:
        for _ in range(10):
            try:
                response = send(server.url, "PUT", upload=Upload(bytes(4 * MIB)))
            except UnreachableError as error:  # the reset overtook the answer: said, not hidden
                assert "closed early" in str(error)
            else:
                assert response.status == 413


def test_server_that_stops_reading() -> None:
    done = threading.Event()

    def handler(sock: socket.socket, index: int) -> None:
        done.wait(10)

    with Server(handler) as server:
        with pytest.raises(UnreachableError, match="no answer within 0.5 s"):
            send(server.url, "PUT", timeout=0.5, upload=Upload(iter([bytes(MIB)] * 64), 64 * MIB))
        done.set()


def test_upload_of_a_big_file_needs_little_memory() -> None:
    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        request = read_head(file)
        assert request is not None
        left = int(request.header("Content-Length") or 0)
        buffer = bytearray(65536)
        while left:
            left -= file.readinto(memoryview(buffer)[: min(left, 65536)])
        sock.sendall(answer(200, b"ok"))

    with Server(handler) as server, tempfile.TemporaryFile() as file:
        file.truncate(64 * MIB)
        tracemalloc.start()
        try:
            assert send(server.url, "PUT", upload=Upload(file)).status == 200
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3 * MIB


@pytest.mark.parametrize("length", [5, 15])
def test_source_that_is_not_as_long_as_announced(length: int) -> None:
    with api(lambda request: answer(200)) as server, pytest.raises(TransferError):
        send(server.url, "PUT", upload=Upload(iter([b"0123456789"]), length))


def test_file_is_sent_from_where_it_stands(tmp_path: Path) -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    upload = Upload(file)
    assert (upload.length, upload.replayable) == (6, True)
    assert b"".join(bytes(block) for block in upload.blocks()) == b"456789"
    assert b"".join(bytes(block) for block in upload.blocks()) == b"456789"
    file.seek(4)
    assert b"".join(bytes(block) for block in Upload(file, 2).blocks()) == b"45"


def test_line_break_in_a_header() -> None:
    with api(lambda request: answer(200)) as server, pytest.raises(InputError, match="line break"):
        send(server.url, headers={"X-Token": "a\r\nX-Other: b"})
