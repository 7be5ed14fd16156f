# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that go through the API server to a pod: proxy, log, exec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Optional, Sequence, Tuple

from ..errors import EdgeError, UnreachableError
from .health.api_errors import api_error, parse_status
from .kinds import KNOWN
from .types import Response
from .wire import exec_stream as exec_protocol
from .wire import websocket
from .wire.http import Request, Transport
from .wire.upload import Upload

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


def proxy(
    transport: Transport,
    target: PodTarget,
    method: str,
    path: str,
    upload: Optional[Upload],
    headers: Mapping[str, str],
    timeout: float,
) -> Response:
    """Send a request to a pod; see C(KubeClient.pod_proxy)."""
    request = Request(
        method,
        target.path(path),
        headers={"Accept": "*/*", **headers},
        upload=upload,
        repeatable=method in _REPEATABLE,
    )
    response = transport.request(request, timeout)
    error = server_error(response, target)
    if error is not None:
        raise error
    return response


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
        return UnreachableError(
            f"the API server cannot reach the pod: {_cause(text)}",
            subject=str(target),
            hint="Does the container listen there, and may the control plane reach pods?",
        )
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
    key = websocket.new_key()
    request = Request(
        "GET",
        KNOWN["v1", "Pod"].path(namespace, pod) + "/exec",
        query=_exec_query(container, argv, stdin),
        headers={"Accept": "*/*", **websocket.handshake(key, exec_protocol.PROTOCOLS)},
    )
    what = f"exec in {namespace}/{pod}"
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
        protocol = websocket.accepted(key, exec_protocol.PROTOCOLS, dict(response.getheaders()))
        return exec_protocol.ExecStream(connection.sock, protocol, what, timeout)
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
