# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that go through the API server to a pod: proxy, port-forward, log, exec."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from ..errors import ApiError, EdgeError, UnreachableError, may_pass
from .health.api_errors import api_error, parse_status
from .kinds import KNOWN
from .types import Response
from .wire import exec_stream as exec_protocol
from .wire import forward_spdy as quick
from .wire import forward_stream as forward
from .wire import websocket
from .wire.forward_stream import ForwardedConnection, ForwardStream
from .wire.http import Query, Request, Transport
from .wire.unreachable import DroppedError, SilenceError
from .wire.upload import Upload

TRIES = 3
PAUSE = 0.5  # seconds; who asks a pod asks again anyway, as a rule
FORWARD_TIMEOUT = 10.0  # seconds until API server and kubelet have made a stream
_REPEATABLE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class PodTarget:
    """A port of a pod."""

    namespace: str
    pod: str
    port: int

    def __str__(self) -> str:
        return f"pod {self.namespace}/{self.pod} port {self.port}"

    def path(self, path: str) -> str:
        """Return the API server's path that leads to C(path) on the pod."""
        base = KNOWN["v1", "Pod"].path(self.namespace, f"{self.pod}:{self.port}")
        return f"{base}/proxy{path if path.startswith('/') else '/' + path}"


@dataclass(frozen=True)
class Question:
    """A request to a pod, whichever carrier brings it there.

    Attributes:
        target: the pod and its port.
        method: of HTTP.
        path: path and query on the pod, with a leading slash.
        upload: the body.
        headers: for the pod.
        timeout: longest silence in seconds.
    """

    target: PodTarget
    method: str
    path: str
    upload: Optional[Upload] = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0

    @property
    def replayable(self) -> bool:
        """Whether it can be asked a second time."""
        return self.upload is None or self.upload.replayable

    def request(self, path: str) -> Request:
        """Return it as a request for C(path)."""
        return Request(
            self.method,
            path,
            headers={"Accept": "*/*", **self.headers},
            upload=self.upload,
            repeatable=self.method in _REPEATABLE,
        )


class NoWayError(UnreachableError):
    """The API server has no connection to a pod; C(cause) is what it says."""

    def __init__(self, cause: str, target: PodTarget) -> None:
        super().__init__(
            f"the API server cannot reach the pod: {cause}",
            subject=str(target),
            hint="Does the container listen there, and may the control plane reach pods?",
        )
        self.cause = cause


def proxy(transport: Transport, question: Question) -> Response:
    """Send a request to a pod through C(pods/proxy); see C(KubeClient.pod_proxy)."""
    request = question.request(question.target.path(question.path))

    def once() -> Response:
        response = transport.request(request, question.timeout)
        error = server_error(response, question.target)
        if error is not None:
            raise error
        return response

    return tried(once, question)


def tried(once: Callable[[], Response], question: Question) -> Response:
    """Ask a pod, again when the API server itself has a trouble of the moment, like a new leader.

    Only a GET is sent again: nobody knows what has become of another request.
    """
    for _more in range(TRIES - 1 if question.method == "GET" else 0):
        try:
            return once()
        except ApiError as error:
            if not may_pass(error):
                raise
        time.sleep(PAUSE)
    return once()


def server_error(response: Response, target: PodTarget) -> Optional[EdgeError]:
    """Return the error when an answer comes from the API server and not from the pod.

    Raised for a C(Status) object, and for the plain text that older API servers send when they
    cannot reach a pod.
    """
    if response.status < 400:
        return None
    status = parse_status(response.body)
    text = str(status.get("message")) if status else ""
    if not status and response.status >= 500 and b"Trying to reach:" in response.body:
        text = response.body[:300].decode("utf-8", "replace")
    if "error trying to reach service" in text or "Trying to reach:" in text:
        return NoWayError(_cause(text), target)
    return api_error(response.status, response.body, f"reach {target}") if status else None


def _cause(text: str) -> str:
    return text.partition("error trying to reach service: ")[2] or text.strip()


def log(
    transport: Transport,
    namespace: str,
    pod: str,
    container: Optional[str],
    tail_lines: int,
    previous: bool,
) -> str:
    """Return the end of a log; see C(KubeClient.pod_log)."""
    query = [("tailLines", str(tail_lines))]
    if container:
        query.append(("container", container))
    if previous:
        query.append(("previous", "true"))
    path = KNOWN["v1", "Pod"].path(namespace, pod) + "/log"
    response = transport.request(Request("GET", path, query=query, headers={"Accept": "*/*"}))
    if response.status >= 400:
        raise api_error(response.status, response.body, f"read the log of {namespace}/{pod}")
    return response.body.decode("utf-8", "replace")


def open_exec(
    transport: Transport,
    namespace: str,
    pod: str,
    container: Optional[str],
    argv: Sequence[str],
    stdin: bool,
    timeout: float,
) -> exec_protocol.ExecStream:
    """Start a command; see C(KubeClient.exec_stream)."""
    what = f"exec in {namespace}/{pod}"
    path = KNOWN["v1", "Pod"].path(namespace, pod) + "/exec"
    query = _exec_query(container, argv, stdin)
    protocols = exec_protocol.PROTOCOLS
    sock, protocol = _web_socket(transport, path, query, protocols, what, timeout)
    return exec_protocol.ExecStream(sock, protocol, what, timeout)


def open_forward(transport: Transport, target: PodTarget) -> ForwardedConnection:
    """Return a connection to a port of a pod through C(pods/portforward), over a WebSocket.

    Whether somebody listens there is known when it is used.

    Raises:
        ForbiddenError: the right to get, from Kubernetes 1.35 on also to create, it is missing.
        UnreachableError, ApiError: the API server, or the kubelet behind it, does not answer.
        UnsupportedError: something on the way lets no WebSocket through.
    """
    path, query, what = _forward(target)
    sock = _web_socket(transport, path, query, forward.PROTOCOLS, what, FORWARD_TIMEOUT)[0]
    return ForwardedConnection(ForwardStream(sock, str(target), FORWARD_TIMEOUT))


def open_quick_forward(transport: Transport, target: PodTarget) -> Optional[ForwardedConnection]:
    """Return the same over SPDY, which costs the node less; None where that is not to be had.

    SPDY does not mask what is sent, so it is used inside of TLS only. What stands before the API
    server may end such a request, or never answer it.

    Raises:
        UnreachableError: there is no connection to the API server.
    """
    if transport.endpoint.tls is None:
        return None
    path, query, what = _forward(target)
    request = Request("GET", path, query=query, headers={"Accept": "*/*", **quick.HANDSHAKE})
    try:
        connection, response = transport.upgrade(request, FORWARD_TIMEOUT)
    except (DroppedError, SilenceError):
        return None
    try:
        chosen = response.getheader("X-Stream-Protocol-Version") or ""
        if response.status == 101 and chosen == quick.PROTOCOL:
            sock = connection.sock
            stream = quick.SpdyForwardStream(sock, str(target), FORWARD_TIMEOUT, target.port)
            return ForwardedConnection(stream)
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _forward(target: PodTarget) -> Tuple[str, Query, str]:
    """Return path, query and purpose of a request for a forwarded port."""
    path = KNOWN["v1", "Pod"].path(target.namespace, target.pod) + "/portforward"
    return path, [("ports", str(target.port))], f"forward {target}"


def _web_socket(
    transport: Transport,
    path: str,
    query: Query,
    protocols: Sequence[str],
    what: str,
    timeout: float,
) -> Tuple[socket.socket, str]:
    """Return a connected WebSocket, and the protocol that the server chose."""
    key = websocket.new_key()
    headers = {"Accept": "*/*", **websocket.handshake(key, protocols)}
    request = Request("GET", path, query=query, headers=headers)
    connection, response = transport.upgrade(request, timeout)
    try:
        if response.status != 101:
            source = transport.endpoint
            raise api_error(
                response.status,
                response.read(),
                what,
                authorization=source.authorization,
                source=source.source,
            )
        chosen = websocket.accepted(key, protocols, dict(response.getheaders()))
        return connection.sock, chosen
    except BaseException:
        connection.close()
        raise


def _exec_query(
    container: Optional[str], argv: Sequence[str], stdin: bool
) -> List[Tuple[str, str]]:
    query = [("command", word) for word in argv]
    query += [("stdout", "true"), ("stderr", "true")]
    if stdin:
        query.append(("stdin", "true"))
    if container:
        query.append(("container", container))
    return query
