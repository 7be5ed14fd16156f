# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to pods over forwarded ports, with a scripted kubelet."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire import channels
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.connection import EarlyAnswer
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.forward_stream import (
    ForwardStream,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.websocket import masked
from hypothesis import given
from hypothesis import strategies as st

from ...fakes.loopback import Received, Server, answer, read_head, read_request, status_object
from ..conftest import Authority
from .test_exec_stream import Container
from .test_websocket import frame

PORT = 8099
V4 = "v4.channel.k8s.io"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Pod(Container):
    """The server's side of one forwarded port; C(file) has what the client sends to the pod."""

    def __init__(self, sock: socket.socket, file: Any) -> None:
        super().__init__(sock, file)
        self.inward = io.BufferedReader(_Inward(self))

    def request(self) -> Received | None:
        """Read one request of the client."""
        return read_request(self.inward)

    def give(self, data: bytes, size: int = 1 << 15) -> None:
        """Send bytes of the pod, in messages of a size."""
        for start in range(0, len(data), size):
            self.send(0, data[start : start + size])

    def fail(self, reason: str) -> None:
        """Tell on the error channel why there is no connection, and close."""
        self.send(1, reason.encode())
        self.sock.sendall(frame(8, b"\x03\xe8"))


class _Inward(io.RawIOBase):
    """The data channel as a file."""

    def __init__(self, pod: Pod) -> None:
        self.pod, self.rest = pod, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            message = self.pod.receive()
            if message is None:
                return 0
            opcode, payload = message
            if opcode in (9, 10):
                self.pod.pings.append(payload)
            else:
                assert payload[:1] == b"\0"
                self.rest = payload[1:]
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        return count


def accept(sock: socket.socket, request: Received, speaks: str = V4) -> None:
    """Answer the handshake, and name the port on both channels."""
    key = request.header("Sec-WebSocket-Key") or ""
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    digest = hashlib.sha1((key + GUID).encode()).digest()
    lines += [f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}"]
    lines += [f"Sec-WebSocket-Protocol: {speaks}", "", ""]
    named = PORT.to_bytes(2, "little")
    sock.sendall("\r\n".join(lines).encode() + frame(2, b"\0" + named) + frame(2, b"\1" + named))


@contextmanager
def kubelet(serve: Callable[[Pod], None], tls: Any = None) -> Iterator[Server]:
    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        request = read_head(file)
        assert request is not None
        if request.header("Upgrade") != "websocket":
            sock.sendall(answer(400, b"something on the way knows no SPDY"))
            return
        server.requests.append(request)
        accept(sock, request)
        serve(Pod(sock, file))

    with Server(handler, tls) as server:
        yield server


@contextmanager
def connected(server: Server, **more: Any) -> Iterator[KubeClient]:
    params = {"host": server.url, "proxy": "", "pod_carrier": "portforward", **more}
    with KubeClient.from_params(params) as client:
        yield client


def ask(client: KubeClient, method: str = "GET", **more: Any) -> Any:
    return client.pod_proxy("n", "p", PORT, method, "/x?y=z", **more)


def echo(pod: Pod) -> None:
    """Answer each request with what came, in messages of three bytes."""
    while (request := pod.request()) is not None:
        digest = hashlib.sha256(request.body).hexdigest()
        about: dict[str, Any] = {"line": f"{request.method} {request.target}", "sha256": digest}
        about |= {"headers": dict(request.headers)}
        pod.sock.sendall(frame(9, b"are you there"))
        pod.give(answer(200, about), 3)


@pytest.mark.parametrize("secure", [False, True])
def test_requests_follow_each_other_on_one_connection(authority: Authority, secure: bool) -> None:
    large = bytes(range(256)) * 8192  # 2 MiB
    bodies = [None, large, iter([large[:7], large[7:]])]
    with (
        kubelet(echo, authority.server() if secure else None) as server,
        connected(server, ca_cert=authority.ca, api_key="secret") as client,
    ):
        found = [
            json.loads(ask(client, "PUT" if body else "GET", body=body).body) for body in bodies
        ]
        assert client.carrier == "portforward"
    wanted = [hashlib.sha256(data).hexdigest() for data in (b"", large, large)]
    assert [item["sha256"] for item in found] == wanted
    assert [item["line"] for item in found] == ["GET /x?y=z", "PUT /x?y=z", "PUT /x?y=z"]
    # The API server is told who asks; the pod is not.
    assert all("Authorization" not in item["headers"] for item in found)
    (request,) = server.requests
    assert request.target == f"/api/v1/namespaces/n/pods/p/portforward?ports={PORT}"
    assert request.header("Authorization") == "Bearer secret"
    assert request.header("Sec-WebSocket-Protocol") == V4


def test_nobody_listens() -> None:
    words = "error forwarding port 8099 to pod 1234: dial tcp4 127.0.0.1:8099: refused"
    with kubelet(lambda pod: pod.fail(words)) as server, connected(server) as client:
        requests: list[dict[str, Any]] = [
            {},
            {"method": "PUT", "body": iter([bytes(1 << 20)] * 50)},
        ]
        for more in requests:
            with pytest.raises(UnreachableError) as caught:
                ask(client, **more)
            text = "the kubelet cannot reach the pod: dial tcp4 127.0.0.1:8099: refused"
            assert caught.value.message == text
            assert caught.value.subject == "pod n/p port 8099"
        assert client.carrier == ""


def test_an_answer_before_the_whole_body() -> None:
    sent, read = [], threading.Event()

    def refuse(pod: Pod) -> None:
        read_head(pod.inward)
        pod.give(answer(507, {"error": "no space"}))
        read.wait(30)

    def blocks() -> Iterator[bytes]:
        for _number in range(400):
            sent.append(1)
            yield bytes(1 << 20)

    with kubelet(refuse) as server, connected(server) as client:
        assert ask(client, "PUT", body=blocks(), length=400 << 20, timeout=5).status == 507
        read.set()
    assert len(sent) < 390


def test_a_block_that_is_stuck_ends_with_the_answer() -> None:
    """Of a pod that reads no more, and does not close either."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    named = PORT.to_bytes(2, "little")
    frames = [frame(2, b"\0" + named), frame(2, b"\1" + named), frame(2, b"\0HTTP")]
    later = threading.Timer(0.3, lambda: far.sendall(b"".join(frames)))
    with far, ForwardStream(near, "pod", 5.0) as stream:
        later.start()
        with pytest.raises(EarlyAnswer):
            stream.send_until_answered(bytes(1 << 20))
        buffer = bytearray(9)
        assert stream.recv_into(buffer) == 4 and buffer[:4] == b"HTTP"
    later.join()


@pytest.mark.parametrize("secure", [False, True])
def test_a_pod_that_reads_slowly_is_not_stuck(
    authority: Authority, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame takes longer than the time-out, in which some of it arrives at any time."""
    monkeypatch.setattr(channels, "FRAME", 1 << 20)
    near, far = socket.socketpair()
    for sock, option in ((near, socket.SO_SNDBUF), (far, socket.SO_RCVBUF)):
        sock.setsockopt(socket.SOL_SOCKET, option, 32768)
    got: list[bytes] = []

    def read() -> None:
        with authority.server().wrap_socket(far, server_side=True) if secure else far as sock:
            while data := sock.recv(16384):
                got.append(data)
                time.sleep(0.06)

    reader = threading.Thread(target=read)
    reader.start()
    if secure:
        context = ssl.create_default_context(cafile=authority.ca)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the authority is a plain one
        near = context.wrap_socket(near, server_hostname="127.0.0.1")
    block = bytes(range(256)) * 1600  # 400 KiB, of which 16 KiB are read at a time
    with ForwardStream(near, "pod", 0.8) as stream:
        started = time.monotonic()
        stream.sendall(block)
        assert time.monotonic() - started > 0.8, "the sockets took all at once"
    reader.join()
    sent = b"".join(got)
    head = len(sent) - len(block)
    key = sent[head - 5 : head - 1]
    assert masked(sent[head - 1 :], key) == b"\0" + block


@given(
    st.lists(st.binary(max_size=40), max_size=12),
    st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_what_the_pod_sends_is_read_in_any_pieces(parts: list[bytes], sizes: list[int]) -> None:
    near, far = socket.socketpair()
    named = PORT.to_bytes(2, "little")
    frames = [frame(2, b"\0" + named), frame(2, b"\1" + named)]
    frames += [frame(2, b"\0" + part) for part in parts] + [frame(8, b"\x03\xe8")]
    got, turn = b"", 0
    with far, ForwardStream(near, "pod", 5.0) as stream:
        far.sendall(b"".join(frames))
        while True:
            buffer = bytearray(sizes[turn % len(sizes)])
            count = stream.recv_into(buffer)
            if not count:
                break
            got, turn = got + buffer[:count], turn + 1
    assert got == b"".join(parts)


def test_a_connection_that_breaks_is_no_answer() -> None:
    def cut(pod: Pod) -> None:
        pod.request()
        pod.give(answer(200, bytes(1000))[:-1])

    with (
        kubelet(cut) as server,
        connected(server) as client,
        pytest.raises(UnreachableError, match="closed early"),
    ):
        ask(client)


def test_silence_is_told_by_the_pod_and_not_by_pongs() -> None:
    def sleep(pod: Pod) -> None:
        for _turn in range(40):
            pod.sock.sendall(frame(10, b""))
            time.sleep(0.05)

    with (
        kubelet(sleep) as server,
        connected(server) as client,
        pytest.raises(UnreachableError, match=r"no answer within 0\.5 s") as caught,
    ):
        ask(client, timeout=0.5)
    assert caught.value.subject == "pod n/p port 8099"


def test_an_idle_connection_that_ended_is_opened_again() -> None:
    def once(pod: Pod) -> None:
        pod.request()
        pod.give(answer(200, b"one"))
        pod.sock.sendall(frame(8, b"\x03\xe8"))

    with kubelet(once) as server, connected(server) as client:
        for _turn in range(3):
            assert ask(client).body == b"one"
            time.sleep(0.05)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (403, ForbiddenError, "pods/portforward"),
        (200, UnsupportedError, "handshake"),
    ],
)
def test_no_stream(code: int, kind: type[Exception], words: str) -> None:
    def handler(sock: socket.socket, index: int) -> None:
        request = read_head(sock.makefile("rb"))
        assert request is not None
        if code == 403:
            why = 'cannot get resource "pods/portforward" in API group ""'
            sock.sendall(status_object(403, "Forbidden", why))
        else:
            text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
            sock.sendall(text.encode())

    with Server(handler) as server, connected(server) as client, pytest.raises(kind, match=words):
        ask(client)


def test_a_token_that_has_expired_is_renewed_for_a_stream() -> None:
    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        request = read_head(file)
        assert request is not None
        if request.header("Authorization") != "Bearer new":
            sock.sendall(status_object(401, "Unauthorized", "no"))
            return
        accept(sock, request)
        echo(Pod(sock, file))

    with Server(handler) as server, connected(server, api_key="old") as client:
        client.endpoint.refresh = lambda: "Bearer new"
        assert ask(client).status == 200
