# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both transports without a cluster: the agent on loopback, the script in a local bash.

The client stands where C(KubeClient) stands and does what the API server and the kubelet would do:
it passes a request on to a port, or runs a command with pipes.
"""

from __future__ import annotations

import http.client
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    TransferError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import ExecResult, Response
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.exec_stream import V4, V5
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import exec_script
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Channel,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.exec import (
    ExecChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.http import (
    PORT,
    AgentChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore

from .conftest import TOKEN

TARGET = Target(PvcStore("ns", "claim"))
LEASE = "3"  # seconds; 20 in the field
Damage = Callable[[bytes], bytes]


class LocalStream:
    """A command with pipes that looks like an C(ExecStream)."""

    def __init__(self, process: subprocess.Popen[bytes], client: NearClient) -> None:
        self.process, self.protocol, self._client = process, client.protocol, client
        self._cut = False

    def __enter__(self) -> LocalStream:
        return self

    def __exit__(self, *_args: Any) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        self.process.kill()
        self.process.wait()

    def write(self, data: bytes) -> None:
        """Write to stdin; what the command no longer reads is an error, as with the real one."""
        assert self.process.stdin is not None
        if self._client.broken_puts and b"net" in data:
            self._client.broken_puts -= 1
            self._cut = True
            self.process.stdin.close()
            raise TransferError("the connection broke")
        try:
            self.process.stdin.write(self._client.damage(data))
            self.process.stdin.flush()
        except OSError as error:
            raise TransferError("the command ended before all input was sent") from error

    def close_stdin(self) -> None:
        """End stdin; only v5 can."""
        assert self.protocol == V5 and self.process.stdin is not None
        try:
            self.process.stdin.close()
        except OSError:
            pass

    def wait(self) -> ExecResult:
        """Read all output; a connection that broke gives no exit status."""
        if self._cut:
            raise TransferError("the connection ended without an exit status")
        assert self.process.stdout is not None and self.process.stderr is not None
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return ExecResult(self.process.wait(30), out, err, self.protocol)


@dataclass
class NearClient:
    """Stands for C(KubeClient) where a helper "runs" on this machine."""

    root: Path
    run: Path
    port: int = 0
    protocol: str = V5
    prefix: tuple[str, ...] = ()
    damage: Damage = lambda data: data
    broken_puts: int = 0
    requests: list[str] = field(default_factory=list)
    carrier: str = "proxy"

    def pod_proxy(
        self,
        namespace: str,
        pod: str,
        port: int,
        method: str,
        path: str,
        *,
        body: bytes | Iterable[bytes] = b"",
        length: int | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 30.0,
        starting: bool = False,
    ) -> Response:
        """Send a request to the agent on loopback."""
        self.requests.append(f"{method} {path}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        blocks = [body] if isinstance(body, bytes) else body
        size = len(body) if isinstance(body, bytes) else length
        framing = ("Content-Length", str(size))
        if size is None:
            framing = ("Transfer-Encoding", "chunked")
        try:
            connection.putrequest(method, path)
            for name, value in (*(headers or {}).items(), framing):
                connection.putheader(name, value)
            connection.endheaders()
            for block in blocks:
                if method == "PUT" and self.broken_puts:
                    self.broken_puts -= 1
                    raise UnreachableError("cut")
                data = self.damage(block) if method == "PUT" else block
                connection.send(data if size is not None else b"%x\r\n%b\r\n" % (len(data), data))
            if size is None:
                connection.send(b"0\r\n\r\n")
            answer = connection.getresponse()
            return Response(answer.status, {}, answer.read())
        except OSError as error:
            raise UnreachableError(str(error)) from error
        finally:
            connection.close()

    def exec_stream(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        argv: list[str],
        *,
        stdin: bool = True,
        timeout: float = 60.0,
    ) -> LocalStream:
        """Run the script with the given arguments."""
        self.requests.append(" ".join(argv[4:6]))
        script = self.run / exec_script.NAME
        if not script.exists():  # a shell may be reading it
            script.write_text(exec_script.SCRIPT)
        environment = {
            "PATH": os.environ["PATH"],
            "EDGE_ROOT": str(self.root),
            "EDGE_RUN": str(self.run),
            "EDGE_IDLE": "60",
            "EDGE_LEASE": LEASE,
            "EDGE_UID": "5000",
            "EDGE_GID": "5000",
            "EDGE_PORTION": "700001",  # so that a file of some MB is a big one
        }
        process = subprocess.Popen(
            [*self.prefix, "/bin/bash", str(script), *argv[4:]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return LocalStream(process, self)


class NearChannel(AgentChannel):
    """The real channel to an agent on loopback, where each node has a port of its own."""

    def content(self, digest: str, number: int) -> tuple[str, Mapping[str, str]]:
        """Return where another agent of the test finds a file."""
        client: Any = self._client
        url, headers = super().content(digest, number)
        return url.replace(f":{PORT}/", f":{client.port}/"), headers


def channel_of(transport: str, client: Any) -> Channel:
    """Return the real channel over a near client."""
    if transport == "agent":
        here = "127.0.0.1"
        return NearChannel(
            client, TARGET, "pod", TOKEN, lambda: None, address=here, peer_secret=TOKEN
        )
    return ExecChannel(client, TARGET, "pod", str(client.root), lambda: None)


__all__ = ["V4", "V5", "NearClient", "channel_of"]
