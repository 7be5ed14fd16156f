# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client of the worker, against servers on loopback that answer byte by byte."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker import rest
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker.failure import Failure

from ..fakes.loopback import Server, answer, api, read_request
from ..kube.conftest import Authority

ASK = rest.request("POST", "/v2/models/m/infer", "h:1", {"X-A": "b"}, b"body")


def client(port: int, **given: object) -> rest.RestClient:
    return rest.RestClient(("127.0.0.1", port), ASK, 5.0, **given)  # type: ignore[arg-type]


def serve(*pieces: bytes) -> Server:
    """Return a server that answers each connection's first request with these pieces."""

    def handler(sock: socket.socket, _index: int) -> None:
        read_request(sock.makefile("rb"))
        for piece in pieces:
            sock.sendall(piece)

    return Server(handler)


def test_requests_share_a_connection_and_arrive_whole() -> None:
    with api(lambda request: answer(200, b"x" * 100_000)) as server:
        asking = client(server.port)
        assert [asking.infer() for _turn in range(3)] == [100_000] * 3
        asking.close()
    assert server.connections == 1
    first = server.requests[0]
    assert (first.method, first.target, first.body) == ("POST", "/v2/models/m/infer", b"body")
    assert first.header("Host") == "h:1" and first.header("X-A") == "b"


def test_a_server_that_closes_is_asked_over_a_new_connection() -> None:
    with api(lambda request: answer(200, b"ok", Connection="close")) as server:
        asking = client(server.port)
        assert [asking.infer(), asking.infer()] == [2, 2]
    assert server.connections == 2


def test_chunks_and_pieces_are_put_together() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve(
        head[:20], head[20:], b"5;x=y\r\nhel", b"lo\r\n3\r\nabc\r\n0\r\nT: r\r\n", b"\r\n"
    ) as one:
        assert client(one.port).infer() == 8


@pytest.mark.parametrize(
    ("pieces", "kind", "says"),
    [
        ((b"",), "closed", "without an answer"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal",), "closed", "without an answer"),
        ((b"SSH-2.0-x\r\n\r\n",), "protocol", "no HTTP/1"),
        ((b"HTTP/1.1 200 OK\r\n\r\n",), "protocol", "does not tell its length"),
        ((b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000,), "protocol", "do not end"),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",),
            "protocol",
            "has no length",
        ),
        ((answer(404, {"error": "Model is not found"}),), "HTTP 404", "^Model is not found$"),
        ((answer(503, b"busy"),), "HTTP 503", "^busy$"),
    ],
)
def test_answers_that_are_none(pieces: tuple[bytes, ...], kind: str, says: str) -> None:
    with serve(*pieces) as server, pytest.raises(Failure, match=says) as caught:
        client(server.port).infer()
    assert caught.value.kind == kind
    assert caught.value.lost == (not kind.startswith("HTTP"))


def test_nobody_there_and_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        silent = rest.RestClient(("127.0.0.1", port), ASK, 0.1)
        with pytest.raises(Failure, match="no answer in time") as caught:
            silent.infer()
        assert caught.value.kind == "timeout"
    with pytest.raises(Failure, match="nobody listens") as caught:
        client(port).infer()
    assert caught.value.kind == "refused"


def test_tls_is_checked(tmp_path: Path) -> None:
    good, other = (Authority(tmp_path, name).make() for name in ("good", "other"))
    trusting = rest.context_of({"ca": good.ca})
    with api(lambda request: answer(200, b"ok"), good.server()) as server:
        assert client(server.port, context=trusting).infer() == 2
        unchecked = rest.context_of({"verify": False})
        assert client(server.port, context=unchecked).infer() == 2
        for wrong, name in ((rest.context_of({"ca": other.ca}), ""), (trusting, "ocr.example.org")):
            with pytest.raises(Failure) as caught:
                client(server.port, context=wrong, server_name=name).infer()
            assert caught.value.kind == "tls"


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    good, callers = (Authority(tmp_path, name).make() for name in ("good", "callers"))
    strict = good.server()
    strict.verify_mode = ssl.CERT_REQUIRED
    strict.load_verify_locations(callers.ca)
    with api(lambda request: answer(200, b"ok"), strict) as server:
        shown = rest.context_of({"ca": good.ca, "cert": callers.cert, "key": callers.key})
        assert client(server.port, context=shown).infer() == 2
        with pytest.raises(Failure) as caught:
            client(server.port, context=rest.context_of({"ca": good.ca})).infer()
        assert caught.value.kind in ("tls", "connection", "closed")


def test_metadata_is_told_from_any_other_page() -> None:
    plan = {"timeout": 5, "server_name": "", "path": "/v2/models/m", "host": "h"}
    with api(lambda request: answer(200, {"inputs": []})) as server:
        assert rest.describe(("127.0.0.1", server.port), plan) == {"inputs": []}
    for page in (b"<html>", b"[]", b'{"name": 1}'):
        whole = answer(200, page)
        with (
            api(lambda request, whole=whole: whole) as server,  # type: ignore[misc]
            pytest.raises(Failure, match="not answered with a model's metadata"),
        ):
            rest.describe(("127.0.0.1", server.port), plan)
