# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarded ports over SPDY: frames, and a scripted kubelet behind TLS."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube import pod_requests
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.forward_spdy import (
    FRAME,
    SpdyForwardStream,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.spdy import (
    DATA,
    FIN,
    GOAWAY,
    PING,
    RST_STREAM,
    SYN_REPLY,
    SYN_STREAM,
    Decoder,
    Frame,
    Opener,
    control,
    data_head,
    ping,
)
from hypothesis import given
from hypothesis import strategies as st

from ...fakes.loopback import Received, Server, answer, read_head, read_request, status_object
from ..conftest import Authority
from .test_forward_stream import PORT, Pod, accept, ask, connected, echo

ERRORS, BYTES = 1, 3


def headers(block: bytes, reader: Any) -> dict[str, str]:
    """Read a block of headers as the other side does, which has no dictionary to begin with."""
    text = reader.decompress(block)
    (count,), at, words = struct.unpack_from("!I", text), 4, []
    for _word in range(2 * count):
        (length,) = struct.unpack_from("!I", text, at)
        words.append(text[at + 4 : at + 4 + length].decode())
        at += 4 + length
    assert at == len(text)
    return dict(zip(words[::2], words[1::2], strict=True))


def test_streams_are_opened_by_headers() -> None:
    opener, reader = Opener(), zlib.decompressobj()
    wanted = [{"streamtype": "error", "port": "80"}, {"streamtype": "data", "port": "80"}]
    sent = opener.open(1, wanted[0], FIN) + opener.open(3, wanted[1])
    assert sent[:4] == bytes.fromhex("80030001")
    frames = Decoder().feed(sent)
    assert [frame[:3] for frame in frames] == [(SYN_STREAM, 1, FIN), (SYN_STREAM, 3, 0)]
    for frame, told in zip(frames, wanted, strict=True):
        assert frame.payload[:10] == struct.pack("!II", frame.stream, 0) + bytes(2)
        assert headers(frame.payload[10:], reader) == told


@given(
    st.lists(
        st.tuples(st.integers(1, 2**31 - 1), st.integers(0, 255), st.binary(max_size=300)),
        max_size=10,
    ),
    st.lists(st.integers(1, 400), min_size=1),
)
def test_any_cutting_gives_the_same_frames(
    parts: list[tuple[int, int, bytes]], sizes: list[int]
) -> None:
    wanted, stream = [], b""
    for number, flags, data in parts:
        wanted += [Frame(DATA, number, flags, data), Frame(PING, 7, 0, b"\0\0\0\7")]
        stream += data_head(number, len(data), flags) + data + ping(7)
    decoder, found, at, turn = Decoder(), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += decoder.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == wanted


# -- a scripted kubelet -----------------------------------------------------------------------


class SpdyPod:
    """The server's side of one forwarded port; C(inward) has what the client sends to the pod."""

    def __init__(self, sock: socket.socket, file: Any) -> None:
        self.sock, self.file = sock, file
        self.pings: list[int] = []
        self.sizes: list[int] = []
        self.opened: list[tuple[int, int, dict[str, str]]] = []
        self._reader = zlib.decompressobj()
        self.inward = io.BufferedReader(_Inward(self))

    def receive(self) -> Frame | None:
        head = self.file.read(8)
        if len(head) < 8:
            return None
        (frame,) = Decoder().feed(head + self.file.read(struct.unpack("!II", head)[1] & 0xFFFFFF))
        return frame

    def data(self) -> bytes:
        """The next bytes of the data stream, empty at the end."""
        while (frame := self.receive()) is not None:
            if frame.kind == SYN_STREAM:
                told = headers(frame.payload[10:], self._reader)
                self.opened.append((frame.stream, frame.flags, told))
                # What it says there is compressed by its own rules, and nobody's business.
                self.sock.sendall(control(SYN_REPLY, struct.pack("!I", frame.stream) + b"??"))
            elif frame.kind == PING:
                self.pings.append(frame.stream)
            else:
                assert (frame.kind, frame.stream, frame.flags) == (DATA, BYTES, 0)
                self.sizes.append(len(frame.payload))
                return frame.payload
        return b""

    def request(self) -> Received | None:
        return read_request(self.inward)

    def give(self, data: bytes, size: int = 1 << 15) -> None:
        for start in range(0, len(data), size):
            part = data[start : start + size]
            self.sock.sendall(data_head(BYTES, len(part)) + part)

    def fail(self, reason: str) -> None:
        """The reason comes after the end of the data, as from containerd."""
        self.data()
        self.sock.sendall(data_head(BYTES, 0, FIN))
        self.sock.sendall(data_head(ERRORS, len(reason)) + reason.encode())
        self.sock.sendall(data_head(ERRORS, 0, FIN))


class _Inward(io.RawIOBase):
    def __init__(self, pod: SpdyPod) -> None:
        self.pod, self.rest = pod, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.rest = self.rest or self.pod.data()
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


@contextmanager
def kubelet(serve: Callable[[Any], None], authority: Authority) -> Iterator[Server]:
    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        request = read_head(file)
        assert request is not None
        server.requests.append(request)
        assert request.header("Upgrade") == "SPDY/3.1"
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: SPDY/3.1", "Connection: Upgrade"]
        lines += ["X-Stream-Protocol-Version: portforward.k8s.io", "", ""]
        sock.sendall("\r\n".join(lines).encode())
        serve(SpdyPod(sock, file))

    with Server(handler, authority.server()) as server:
        yield server


def test_requests_follow_each_other_on_one_connection(authority: Authority) -> None:
    pods: list[SpdyPod] = []

    def serve(pod: SpdyPod) -> None:
        pods.append(pod)
        pod.sock.sendall(ping(2))
        while (request := pod.request()) is not None:
            digest = hashlib.sha256(request.body).hexdigest()
            line = f"{request.method} {request.target}"
            pod.give(answer(200, {"line": line, "sha256": digest}), 3)

    large = bytes(range(256)) * 8192  # 2 MiB
    bodies = [None, large, iter([large[:7], large[7:]])]
    with (
        kubelet(serve, authority) as server,
        connected(server, ca_cert=authority.ca, api_key="secret") as client,
    ):
        found = [
            json.loads(ask(client, "PUT" if body else "GET", body=body).body) for body in bodies
        ]
    wanted = [hashlib.sha256(data).hexdigest() for data in (b"", large, large)]
    assert [item["sha256"] for item in found] == wanted
    assert [item["line"] for item in found] == ["GET /x?y=z", "PUT /x?y=z", "PUT /x?y=z"]
    (request,) = server.requests
    assert request.header("Authorization") == "Bearer secret"
    common = {"port": str(PORT), "requestid": "0"}
    assert pods[0].opened == [
        (ERRORS, FIN, {"streamtype": "error", **common}),
        (BYTES, 0, {"streamtype": "data", **common}),
    ]
    assert pods[0].pings == [2], "a ping of the server is answered by itself"
    assert max(pods[0].sizes) == FRAME


def test_nobody_listens(authority: Authority) -> None:
    words = "error forwarding port 8099 to pod 1234: dial tcp4 127.0.0.1:8099: refused"
    with (
        kubelet(lambda pod: pod.fail(words), authority) as server,
        connected(server, ca_cert=authority.ca) as client,
    ):
        requests: list[dict[str, Any]] = [
            {},
            {"method": "PUT", "body": iter([bytes(1 << 20)] * 50)},
        ]
        for more in requests:
            with pytest.raises(UnreachableError) as caught:
                ask(client, **more)
            text = "the kubelet cannot reach the pod: dial tcp4 127.0.0.1:8099: refused"
            assert caught.value.message == text


@pytest.mark.parametrize(
    "end", [control(RST_STREAM, struct.pack("!II", BYTES, 5)), control(GOAWAY, bytes(8))]
)
def test_a_stream_that_breaks_is_no_answer(authority: Authority, end: bytes) -> None:
    done = threading.Event()

    def cut(pod: SpdyPod) -> None:
        pod.request()
        pod.give(answer(200, bytes(1000))[:-1])
        pod.sock.sendall(end)
        done.wait(30)

    with (
        kubelet(cut, authority) as server,
        connected(server, ca_cert=authority.ca) as client,
        pytest.raises(UnreachableError, match="closed early"),
    ):
        try:
            ask(client)
        finally:
            done.set()


def test_an_answer_before_the_whole_body(authority: Authority) -> None:
    sent, read = [], threading.Event()

    def refuse(pod: SpdyPod) -> None:
        read_head(pod.inward)
        pod.give(answer(507, {"error": "no space"}))
        read.wait(30)

    def blocks() -> Iterator[bytes]:
        for _number in range(400):
            sent.append(1)
            yield bytes(1 << 20)

    with (
        kubelet(refuse, authority) as server,
        connected(server, ca_cert=authority.ca) as client,
    ):
        assert ask(client, "PUT", body=blocks(), length=400 << 20, timeout=5).status == 507
        read.set()
    assert len(sent) < 390


def test_pings_of_ours_are_odd_and_differ() -> None:
    near, far = socket.socketpair()
    with far, SpdyForwardStream(near, "pod", 0.5, PORT) as stream:
        for _turn in range(3):  # the streams are opened first
            stream._receive(0.01)
        frames = Decoder().feed(far.recv(65536))
        assert [frame.stream for frame in frames if frame.kind == PING] == [1, 3]


@pytest.mark.parametrize("code", [400, 502, 0, -1])
def test_what_lets_no_spdy_through_gets_a_web_socket(
    authority: Authority, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is not asked for it again by this client; 0 hangs up, -1 never answers."""
    monkeypatch.setattr(pod_requests, "FORWARD_TIMEOUT", 0.5 if code < 0 else 10.0)
    over = threading.Event()
    asked: list[str] = []

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        request = read_head(file)
        assert request is not None
        asked.append(request.header("Upgrade") or "")
        if asked[-1] != "websocket":
            sock.sendall(answer(code, b"Upgrade request required") if code > 0 else b"")
            over.wait(10 if code < 0 else 0)
            return
        accept(sock, request)
        echo(Pod(sock, file))

    with (
        Server(handler, authority.server()) as server,
        connected(server, ca_cert=authority.ca) as client,
    ):
        assert ask(client).status == 200
        assert client.pod_proxy("n", "other", PORT, "GET", "/").status == 200
        over.set()
    assert asked == ["SPDY/3.1", "websocket", "websocket"]


def test_a_refusal_is_told_once(authority: Authority) -> None:
    def handler(sock: socket.socket, index: int) -> None:
        read_head(sock.makefile("rb"))
        why = 'cannot get resource "pods/portforward" in API group ""'
        sock.sendall(status_object(403, "Forbidden", why))

    with (
        Server(handler, authority.server()) as server,
        connected(server, ca_cert=authority.ca) as client,
        pytest.raises(ForbiddenError, match="pods/portforward"),
    ):
        ask(client)
