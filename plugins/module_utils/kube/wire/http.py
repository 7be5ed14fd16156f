# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one API server over kept-alive connections; safe to use from several threads."""

from __future__ import annotations

import http.client
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple
from urllib.parse import urlencode

from ...errors import UnreachableError
from ..types import Response
from .connection import Connection, framing
from .dial import dial
from .endpoint import Endpoint
from .unreachable import dropped_error, is_timeout, silence_error
from .upload import Upload

DEFAULT_TIMEOUT = 65.0  # seconds of silence; the API server ends plain requests after 60
MAX_IDLE = 50.0  # seconds; load balancers commonly drop idle connections after 60
ONE_SHOT_IDLE = 2.0  # seconds; a body that cannot be sent twice gets a fresher connection
THROTTLE_TRIES = 4
MAX_THROTTLE_WAIT = 5.0  # seconds per try, whatever Retry-After says

Query = Sequence[Tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """One request; C(repeatable) marks it as idempotent, so that it may be sent twice."""

    method: str
    path: str
    query: Query = ()
    headers: Optional[Mapping[str, str]] = field(default=None, repr=False)
    upload: Optional[Upload] = None
    repeatable: bool = True

    @property
    def what(self) -> str:
        """For messages."""
        return f"{self.method} {self.path}"

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent a second time."""
        return self.upload is None or self.upload.replayable


class Transport:
    """Sends requests to an endpoint and keeps idle connections for the next ones.

    Args:
        endpoint: where they go.
        connect: opens a connection to it, where that is another way than C(dial).

    Attributes:
        endpoint: where they go.
        closed: no more are sent.
        met: a Kubernetes API has answered one of them, and not with trouble of its own; who reads
            the answers says so.
    """

    def __init__(
        self, endpoint: Endpoint, connect: Optional[Callable[[], Connection]] = None
    ) -> None:
        self.endpoint = endpoint
        # No lambda over self: what refers to itself, and its TLS context, would stay until Python
        # looks for such circles, which in a task for a thousand clusters may be never.
        self._other_way = connect
        self.closed = False
        self.met = False
        self._idle: List[Connection] = []
        self._streams: Set[Connection] = set()

    def close(self) -> None:
        """Close the idle connections and end the streams that other threads read."""
        self.closed = True
        while self._idle:
            self._idle.pop().close()
        for connection in list(self._streams):
            connection.abort()

    def request(self, request: Request, timeout: float = DEFAULT_TIMEOUT) -> Response:
        """Send a request and read the whole answer.

        A 401 is tried once more after renewing the credentials, a 429 after the time the server
        asks for.

        Args:
            request: what to send.
            timeout: longest silence in seconds, not the whole duration.

        Raises:
            UnreachableError: no connection, no answer, or an answer that was cut off.
        """
        renewed = False
        if not request.replayable and self.endpoint.before is None:
            self._renew()  # such a body cannot be sent again after a 401
        for attempt in range(THROTTLE_TRIES + 1):
            response = self._once(request, timeout)
            if not request.replayable:
                break
            if response.status == 401 and not renewed and self._renew():
                renewed = True
            elif response.status == 429 and attempt < THROTTLE_TRIES:
                time.sleep(_throttle_wait(response))
            else:
                break
        return response

    @contextmanager
    def stream(self, request: Request, timeout: float) -> Iterator[http.client.HTTPResponse]:
        """Give the answer with only its head read; the connection is closed afterwards.

        Raises:
            UnreachableError: no connection or no answer.
        """
        connection, response = self._exchange(request, timeout)
        self._streams.add(connection)
        try:
            yield response
        finally:
            self._streams.discard(connection)
            response.close()
            connection.close()

    def upgrade(
        self, request: Request, timeout: float
    ) -> Tuple[Connection, http.client.HTTPResponse]:
        """Send a request that may upgrade the connection to another protocol, such as WebSocket.

        A 401 is tried once more after renewing the credentials. The caller closes the connection.

        Raises:
            UnreachableError: no connection or no answer.
        """
        self._before()
        connection, response = self._upgrade(request, timeout)
        if response.status == 401 and self._renew():
            connection.close()
            return self._upgrade(request, timeout)
        return connection, response

    def _connected(self) -> Connection:
        return self._other_way() if self._other_way else Connection(dial(self.endpoint))

    def _upgrade(
        self, request: Request, timeout: float
    ) -> Tuple[Connection, http.client.HTTPResponse]:
        connection = Connection(dial(self.endpoint, tunnel=True))
        try:
            head = self._head(request, absolute=False)
            return connection, connection.exchange(*head, request.upload, timeout, read_ahead=1)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._failed(request, error, timeout) from None

    def _once(self, request: Request, timeout: float) -> Response:
        connection, response = self._exchange(request, timeout)
        try:
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._failed(request, error, timeout) from None
        except UnreachableError:
            connection.close()
            raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        if connection.done(response) and not self.closed:
            self._idle.append(connection)
        else:
            connection.close()
        return Response(response.status, headers, body)

    def _exchange(
        self, request: Request, timeout: float
    ) -> Tuple[Connection, http.client.HTTPResponse]:
        """Send over an idle connection, or a new one; a kept one may fail once."""
        self._before()
        connection = self._take(request)
        while True:
            kept = connection.used > 0
            try:
                head = self._head(request, absolute=self._through_plain_proxy())
                return connection, connection.exchange(*head, request.upload, timeout)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if not (kept and _closed_unanswered(error) and _may_repeat(request)):
                    raise self._failed(request, error, timeout) from None
            except BaseException:
                connection.close()
                raise
            connection = self._connected()

    def _take(self, request: Request) -> Connection:
        limit = MAX_IDLE if _may_repeat(request) else ONE_SHOT_IDLE
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            tls = self.endpoint.tls
            fresh = tls is None or connection.context is tls
            if (
                fresh
                and not connection.stale()
                and time.monotonic() - connection.idle_since < limit
            ):
                return connection
            connection.close()
        return self._connected()

    def _before(self) -> None:
        before = self.endpoint.before
        if before is not None:
            before()

    def _through_plain_proxy(self) -> bool:
        return self.endpoint.proxy is not None and self.endpoint.tls is None

    def _head(self, request: Request, *, absolute: bool) -> Tuple[str, str, List[Tuple[str, str]]]:
        endpoint = self.endpoint
        target = endpoint.prefix + request.path
        if request.query:
            target += ("&" if "?" in target else "?") + urlencode(request.query)
        host = _host_header(endpoint)
        named: Dict[str, str] = {"Host": host, "Accept": "application/json"}
        named.update(framing(request.upload, request.method))
        named.update(request.headers or {})
        headers = list(named.items()) + list(endpoint.headers)
        if endpoint.authorization:
            headers.append(("Authorization", endpoint.authorization))
        if absolute:
            target = f"http://{host}{target}"
            headers += endpoint.proxy.headers if endpoint.proxy else ()
        return request.method, target, headers

    def _renew(self) -> bool:
        """Ask the kubeconfig for new credentials; True when they are other ones."""
        if self.endpoint.refresh is None:
            return False
        known, context = self.endpoint.authorization, self.endpoint.tls
        fresh = self.endpoint.refresh()
        self.endpoint.authorization = fresh
        return (bool(fresh) and fresh != known) or self.endpoint.tls is not context

    def _failed(self, request: Request, error: Exception, timeout: float) -> UnreachableError:
        if is_timeout(error):
            return silence_error(self.endpoint, request.what, timeout)
        return dropped_error(self.endpoint, request.what, error)


def _host_header(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    default = 443 if endpoint.tls else 80
    return host if endpoint.port == default else f"{host}:{endpoint.port}"


def _may_repeat(request: Request) -> bool:
    return request.repeatable and request.replayable


def _closed_unanswered(error: Exception) -> bool:
    """Return whether a connection ended before the first byte of an answer."""
    return isinstance(
        error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
    )


def _throttle_wait(response: Response) -> float:
    asked = response.headers.get("retry-after", "1")
    return min(float(asked) if asked.isdigit() else 1.0, MAX_THROTTLE_WAIT)
