# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in containers, with scripted frames and a scripted server."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    TransferError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import (
    ExecResult,
    ExecStream,
    KubeClient,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire import exec_stream as protocol
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.channels import FRAME
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.exec_stream import (
    V4,
    V5,
    ExecAccumulator,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.websocket import (
    NO_KEY,
    masked,
)

from ...fakes.loopback import Server, connect_proxy, read_head, status_object
from ..conftest import Authority
from .test_websocket import frame

SUCCESS = {"status": "Success"}
MIB = 1024 * 1024


def failed(code: int) -> dict[str, Any]:
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}


def test_accumulator() -> None:
    output = ExecAccumulator()
    for payload in (b"\1out", b"\2err", b"\1put", b"", b"\7ignored", b"\xff\1"):
        output.feed(payload)
    assert (bytes(output.stdout), bytes(output.stderr)) == (b"output", b"err")
    assert output.status is None
    with pytest.raises(TransferError, match="without an exit status"):
        output.rc("exec")
    text = json.dumps(failed(3)).encode()
    output.feed(b"\3" + text[:10])
    assert output.status is None
    output.feed(b"\3" + text[10:])
    assert output.rc("exec") == 3


@pytest.mark.parametrize(("status", "rc"), [(SUCCESS, 0), (failed(137), 137)])
def test_exit_codes(status: dict[str, Any], rc: int) -> None:
    output = ExecAccumulator()
    output.feed(b"\3" + json.dumps(status).encode())
    assert output.rc("exec") == rc


def test_command_that_was_not_run() -> None:
    output = ExecAccumulator()
    status = {"status": "Failure", "message": "no such program", "code": 500}
    output.feed(b"\3" + json.dumps(status).encode())
    with pytest.raises(ApiError, match="exec: no such program"):
        output.rc("exec")


class Container:
    """The server's side of one exec connection."""

    def __init__(self, sock: socket.socket, file: BinaryIO) -> None:
        self.sock = sock
        self.file = file
        self.pings: list[bytes] = []
        self.keys: set[bytes] = set()  # by which the client masks

    def send(self, channel: int, data: bytes) -> None:
        self.sock.sendall(frame(2, bytes((channel,)) + data))

    def end(self, status: dict[str, Any]) -> None:
        self.send(3, json.dumps(status).encode())
        self.sock.sendall(frame(8, b"\x03\xe8"))

    def receive(self) -> tuple[int, bytes] | None:
        """One client frame: opcode and unmasked payload."""
        head = self.file.read(2)
        if len(head) < 2:
            return None
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.file.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.file.read(8))
        assert head[1] & 0x80, "clients mask"
        key = self.file.read(4)
        self.keys.add(key)
        payload = self.file.read(length)
        return head[0] & 0x0F, masked(payload, key) if any(key) else payload

    def stdin(self) -> Iterator[bytes]:
        while (message := self.receive()) is not None:
            opcode, payload = message
            if opcode in (9, 10):
                self.pings.append(payload)
            elif payload == b"\xff\0":
                return
            else:
                assert payload[:1] == b"\0"
                yield payload[1:]


@contextmanager
def cluster(
    command: Callable[[Container], None], speaks: str = V5, tls: Any = None
) -> Iterator[Server]:
    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        request = read_head(file)
        assert request is not None
        server.requests.append(request)
        key = request.header("Sec-WebSocket-Key") or ""
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}"]
        lines += [f"Sec-WebSocket-Protocol: {speaks}", "", ""]
        # Head and first frame in one packet: nothing after the head may get lost.
        sock.sendall("\r\n".join(lines).encode() + frame(2, b"\1"))
        command(Container(sock, file))

    with Server(handler, tls) as server:
        yield server


def run(server: Server, *argv: str, ca: str | None = None, **kwargs: Any) -> ExecResult:
    params = {"host": server.url, "ca_cert": ca, "proxy": ""}
    with KubeClient.from_params(params) as client:
        return client.exec("n", "p", "c", argv or ("cat",), **kwargs)


@pytest.mark.parametrize("secure", [False, True])
def test_output_and_exit_code(authority: Authority, secure: bool) -> None:
    def command(container: Container) -> None:
        container.send(1, b"out")
        container.send(2, b"err")
        container.end(failed(3))

    with cluster(command, tls=authority.server() if secure else None) as server:
        result = run(server, "a b", "c", ca=authority.ca)
    assert result == ExecResult(3, b"out", b"err", V5)
    request = server.requests[0]
    assert request.target == (
        "/api/v1/namespaces/n/pods/p/exec?command=a+b&command=c&stdout=true&stderr=true&container=c"
    )
    assert request.header("Sec-WebSocket-Protocol") == f"{V5}, {V4}"


@pytest.mark.parametrize("secure", [False, True])
def test_a_command_that_echoes_a_lot(authority: Authority, secure: bool) -> None:
    """Both directions at once: neither side may wait for the other to read first."""

    def command(container: Container) -> None:
        digest = hashlib.sha256()
        for block in container.stdin():
            digest.update(block)
            container.send(1, block)
        container.send(2, digest.hexdigest().encode())
        container.end(SUCCESS)

    blocks = [bytes([i % 251]) * 700_000 for i in range(24)]
    whole = b"".join(blocks)
    with cluster(command, tls=authority.server() if secure else None) as server:
        result = run(server, stdin=blocks, ca=authority.ca)
    assert result.rc == 0
    assert result.stdout == whole
    assert result.stderr.decode() == hashlib.sha256(whole).hexdigest()
    assert "stdin=true" in server.requests[0].target


@pytest.mark.parametrize("secure", [False, True])
def test_nobody_on_the_way_reads_what_is_sent(authority: Authority, secure: bool) -> None:
    """In plain HTTP each frame has a key of its own; inside of TLS there is nobody to hide from."""
    keys: set[bytes] = set()

    def command(container: Container) -> None:
        list(container.stdin())
        keys.update(container.keys)
        container.end(SUCCESS)

    with cluster(command, tls=authority.server() if secure else None) as server:
        run(server, stdin=[b"GET / HTTP/1.1"] * 4, ca=authority.ca)
    assert keys == {NO_KEY} if secure else len(keys) == 5


def test_command_that_ends_before_its_input() -> None:
    def command(container: Container) -> None:
        next(container.stdin())
        container.send(2, b"no space left on device")
        container.end(failed(1))

    with cluster(command) as server:
        result = run(server, stdin=(bytes(MIB) for _ in range(100)))
    assert (result.rc, result.stderr) == (1, b"no space left on device")


def test_connection_that_breaks_is_no_success() -> None:
    def command(container: Container) -> None:
        container.send(1, b"half of the out")

    with cluster(command) as server:
        with pytest.raises(TransferError, match="without an exit status"):
            run(server)
        with pytest.raises(TransferError):
            run(server, stdin=(bytes(MIB) for _ in range(100)))


def test_old_server_cannot_end_stdin() -> None:
    def command(container: Container) -> None:
        data = b""
        for block in container.stdin():
            data += block
            if len(data) >= 4:
                break
        container.send(1, data)
        container.end(SUCCESS)

    with cluster(command, speaks=V4) as server:
        with pytest.raises(UnsupportedError, match="head -c N"):
            run(server, stdin=[b"data"])
        client = KubeClient.from_params({"host": server.url})
        with client.exec_stream("n", "p", None, ["head", "-c", "4"]) as stream:
            stream.write(b"data")
            with pytest.raises(UnsupportedError):
                stream.close_stdin()
            assert stream.wait() == ExecResult(0, b"data", b"", V4)


def test_pings_while_the_command_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PING_EVERY", 0.05)
    containers = []

    def command(container: Container) -> None:
        containers.append(container)
        container.sock.sendall(frame(9, b"are you there"))
        reader = threading.Thread(target=lambda: list(container.stdin()), daemon=True)
        reader.start()
        time.sleep(0.4)
        container.end(SUCCESS)

    with cluster(command) as server:
        assert run(server).rc == 0
    assert b"are you there" in containers[0].pings
    assert containers[0].pings.count(b"") >= 3


def test_silent_command_runs_into_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def command(container: Container) -> None:
        done.wait(10)

    with cluster(command) as server:
        with pytest.raises(UnreachableError, match="nothing came from the command within 0.3 s"):
            run(server, timeout=0.3)
        with pytest.raises(UnreachableError, match="took no input for 0.3 s"):
            run(server, timeout=0.3, stdin=(bytes(MIB) for _ in range(100)))
        done.set()


def test_through_a_proxy() -> None:
    """CONNECT even to a plain server: proxies do not forward upgrades."""

    def command(container: Container) -> None:
        container.send(1, b"".join(container.stdin()))
        container.end(SUCCESS)

    with cluster(command) as server, connect_proxy() as proxy:
        client = KubeClient.from_params({"host": server.url, "proxy": proxy.url})
        result = client.exec("n", "p", None, ["cat"], stdin=[b"data"])
    assert result == ExecResult(0, b"data", b"", V5)
    assert proxy.requests[0].method == "CONNECT"


def test_refused() -> None:
    def handler(sock: socket.socket, index: int) -> None:
        read_head(sock.makefile("rb"))
        sock.sendall(status_object(404, "NotFound", 'pods "p" not found'))

    with Server(handler) as server, pytest.raises(ApiError, match='exec in n/p: pods "p" not'):
        run(server)


def test_frames_are_not_larger_than_the_limit() -> None:
    sizes: list[int] = []

    def command(container: Container) -> None:
        sizes.extend(len(block) for block in container.stdin())
        container.end(SUCCESS)

    with cluster(command) as server:
        run(server, stdin=[bytes(MIB), b"", b"x"])
    assert max(sizes) == FRAME
    assert sum(sizes) == MIB + 1


def test_context_manager_closes() -> None:
    done = threading.Event()

    def command(container: Container) -> None:
        try:
            list(container.stdin())
        finally:
            done.set()

    with cluster(command) as server:
        client = KubeClient.from_params({"host": server.url})
        with client.exec_stream("n", "p", None, ["cat"]) as stream:
            assert isinstance(stream, ExecStream)
        assert done.wait(5)
