# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with certificates, from outside: Python's own TLS for REST, and tritonclient for gRPC.

Each tells in one word how it fared: C(served), C(handshake) where TLS ended, or the status.
"""

from __future__ import annotations

import json
import socket
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import grpc
import numpy
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException
from web.authority import Pair
from web.ingress_controller import Entrance

SERVED, HANDSHAKE = "served", "handshake"
READY = "/v2/models/adder/ready"


@dataclass
class Caller:
    """A client of one server.

    Attributes:
        where: the controller.
        trusted: certificate of the CA that signs the server's.
        host: of REST.
        grpc_host: of gRPC.
    """

    where: Entrance
    trusted: str
    host: str
    grpc_host: str

    def context(self, pair: Pair | None) -> ssl.SSLContext:
        """Return the TLS settings of a client."""
        made = ssl.create_default_context(cadata=self.trusted)
        if pair is not None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "pair.pem")
                file.write_text(pair.certificate + pair.key, encoding="ascii")
                made.load_cert_chain(file)
        return made

    def rest(
        self,
        pair: Pair | None,
        *,
        path: str = READY,
        headers: Mapping[str, str] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> str:
        """Ask by REST on a new connection."""
        try:
            with self.open(context or self.context(pair)) as opened:
                return opened.ask(path, headers or {})
        except ssl.SSLCertVerificationError:
            raise  # It is the client that does not trust the server.
        except (ConnectionError, ssl.SSLError):
            return HANDSHAKE

    def open(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None = None, name: str = ""
    ) -> Opened:
        """Open a connection that can be asked more than once."""
        plain = socket.create_connection((self.where.address, self.where.https), 10)
        try:
            made = context.wrap_socket(plain, server_hostname=name or self.host, session=session)
        except BaseException:
            plain.close()
            raise
        return Opened(made, self.host)

    def grpc(
        self, pair: Pair | None, *, headers: Mapping[str, str] | None = None, name: str = ""
    ) -> str:
        """Ask by gRPC on a new connection."""
        with self.triton(pair, name) as client:
            return grpc_word(client, headers or {})

    def triton(self, pair: Pair | None, name: str = "") -> Any:
        """Return a client that nobody here wrote, for gRPC over TLS."""
        chain = (None, None) if pair is None else (pair.key.encode(), pair.certificate.encode())
        return triton.InferenceServerClient(
            f"{self.where.address}:{self.where.https}",
            ssl=True,
            creds=grpc.ssl_channel_credentials(self.trusted.encode(), *chain),
            channel_args=[
                ("grpc.ssl_target_name_override", name or self.grpc_host),
                ("grpc.enable_http_proxy", 0),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )


def grpc_word(client: Any, headers: Mapping[str, str]) -> str:
    """Tell how a question by gRPC fared."""
    try:
        ready = client.is_model_ready("adder", headers=dict(headers), client_timeout=10)
    except InferenceServerException as error:
        status = str(error.status())
        return HANDSHAKE if status == "StatusCode.UNAVAILABLE" else status.split(".")[-1]
    return SERVED if ready else "not ready"


def infer_by_grpc(client: Any) -> list[float]:
    """Let the model add 1 to four numbers."""
    given = triton.InferInput("x", [1, 4], "FP32")
    given.set_data_from_numpy(numpy.arange(4, dtype=numpy.float32).reshape(1, 4))
    answer = client.infer("adder", [given], client_timeout=20)
    output = answer.get_response().outputs[0].name
    found: list[float] = answer.as_numpy(output)[0].tolist()
    return found


@dataclass
class Opened:
    """A connection over TLS; C(closing): the server ends it after its last answer."""

    secured: ssl.SSLSocket
    host: str
    closing: bool = False

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.secured.close()

    def ask(self, path: str = READY, headers: Mapping[str, str] | None = None) -> str:
        """Ask once more on this connection."""
        status = self.exchange(path, headers or {})[0]
        return SERVED if status == 200 else str(status)

    def infer(self) -> list[float]:
        """Let the model add 1 to four numbers."""
        tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 1, 2, 3]}
        body = json.dumps({"inputs": [tensor]}).encode()
        answer = json.loads(self.exchange("/v2/models/adder/infer", {}, body)[1])
        found: list[float] = answer["outputs"][0]["data"]
        return found

    def exchange(
        self, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Send a request, with a body by POST; return status and body of the answer."""
        lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{key}: {text}" for key, text in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.secured.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        answer = HTTPResponse(self.secured)
        answer.begin()
        text = answer.read()
        self.closing = answer.will_close
        return answer.status, text
