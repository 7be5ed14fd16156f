# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a request takes to a pod: from the API server itself, or through the kubelet.

With C(pods/proxy) the API server connects to the pod. Where it has no route to pods (an overlay
network that the control plane is not part of, strict egress), C(pods/portforward) leads through the
kubelet, which API servers reach anyway for logs and exec.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Callable, Dict, List, Optional, Sequence, Set

from ..closing import Closing
from ..errors import EdgeError, ForbiddenError, UnsupportedError
from .pod_requests import (
    NoWayError,
    PodTarget,
    Question,
    open_forward,
    open_quick_forward,
    proxy,
    tried,
)
from .rights import carried, of_proxy
from .types import AUTO, PORTFORWARD, PROXY, Access, Response
from .wire.connection import Connection
from .wire.endpoint import Endpoint
from .wire.http import Transport
from .wire.unreachable import SilenceError

# Seconds of silence of a pod that nobody has reached yet, after which the other carrier is tried.
# Less than the gate waits for an answer; an API server gives up a connection only after 30.
FIRST_SECONDS = 3.0
# Seconds for which a pod may refuse connections without being looked at: it is about to start.
STARTING_SECONDS = 1.0
# Seconds between two looks at a pod that the kubelet cannot reach either.
LOOK_AGAIN = 5.0

# Words in an API server's reason that show that it did reach the pod, which then hung up.
_REACHED = ("EOF", "connection reset", "broken pipe", "awaiting response headers")
_REFUSED = "connection refused"

GRANT_HINT = (
    "Does the container listen there, and may the control plane reach pods? With the right to get"
    " and create pods/portforward the task would go through the kubelet"
)


class Forwards(Closing):
    """Asks pods over forwarded ports; connections are kept for the next requests."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._pods: Dict[PodTarget, Transport] = {}
        self._slow = False  # only WebSocket gets through

    def close(self) -> None:
        """Close the connections."""
        for way in list(self._pods.values()):
            way.close()

    def ask(self, question: Question) -> Response:
        """Send a request to a pod through C(pods/portforward).

        Raises:
            ForbiddenError, UnsupportedError, ApiError: see C(open_forward).
            UnreachableError: the kubelet, the API server or the pod does not answer.
        """
        target = question.target
        way = self._pods.get(target)
        if way is None:
            # No credentials: these go to the API server, and the pod is no part of it.
            endpoint = Endpoint(str(target), "localhost", target.port)
            way = Transport(endpoint, lambda: self._open(target))
            way = self._pods.setdefault(target, way)
        request = question.request(question.path)
        return tried(lambda: way.request(request, question.timeout), question)

    def _open(self, target: PodTarget) -> Connection:
        """Return a connection to a pod by the quickest protocol that gets through."""
        quick = None if self._slow else open_quick_forward(self._transport, target)
        if quick is not None:
            return quick
        connection = open_forward(self._transport, target)
        self._slow = True
        return connection


class Carriers(Closing):
    """Brings requests to pods, and remembers for its lifetime which carrier works.

    Attributes:
        used: the carriers by which pods have answered.

    Args:
        transport: of the API server.
        wanted: C(auto) takes the proxy, and port-forward from the moment on at which it has reached
            a pod that the API server cannot reach, or at which the account turns out to have the
            right to port-forward alone.
    """

    def __init__(self, transport: Transport, wanted: str = AUTO) -> None:
        self.used: Set[str] = set()
        self._transport = transport
        self._wanted = wanted
        self._forwards = Forwards(transport)
        self._turned = wanted == PORTFORWARD
        self._reached: Set[PodTarget] = set()  # by the proxy
        self._doubted: Set[PodTarget] = set()  # refused the API server, and not the kubelet
        self._refused_since: Dict[PodTarget, float] = {}
        self._looked: Dict[PodTarget, float] = {}
        self._barred: Optional[EdgeError] = None  # why there is no port-forward
        self._kubelet: Optional[EdgeError] = None  # what it said last about a pod

    def close(self) -> None:
        """Close the forwarded connections; the API server's own stay open."""
        self._forwards.close()

    def rights(self, wanted: Sequence[Access]) -> List[Access]:
        """Return rights with those for C(pods/proxy) turned into what the chosen carrier takes."""
        return carried(wanted, self._wanted)

    def lacking(
        self, missing: Sequence[Access], denied: Callable[[Sequence[Access]], List[Access]]
    ) -> List[Access]:
        """Return which of the rights that an account does not have are really needed.

        With C(auto), whoever lacks one for C(pods/proxy) and may port-forward needs none for the
        proxy: from then on, pods are asked through the kubelet.

        Args:
            missing: the rights that the account does not have.
            denied: returns those of some rights that it does not have.
        """
        proxied = [item for item in missing if of_proxy(item)]
        if self._wanted != AUTO or not proxied or denied(carried(proxied, PORTFORWARD)):
            return list(missing)
        self._turned = True
        return [item for item in missing if item not in proxied]

    def ask(self, question: Question, *, starting: bool = False) -> Response:
        """Send a request to a pod and return the pod's answer.

        Args:
            question: the request.
            starting: the pod may not listen yet, and the caller asks again: a refused connection
                says nothing in the first moment. The pod may get the request twice.

        Raises:
            UnreachableError: no carrier reaches the pod; the error is the proxy's.
            ForbiddenError: the account may use none; the error is the proxy's.
        """
        if self._turned:
            return self._forwarded(question)
        target = question.target
        sure = target in self._reached or self._wanted == PROXY or not question.replayable
        if sure or self._barred is not None:
            return self._proxied(question)
        # An inference may take long, and must not be made twice.
        brief = starting or question.method == "GET"
        first = min(question.timeout, FIRST_SECONDS) if brief else question.timeout
        try:
            return self._proxied(replace(question, timeout=first))
        except NoWayError as error:
            return self._after_no_way(question, error, starting)
        except ForbiddenError as error:
            return self._after_refusal(question, error)
        except SilenceError as error:
            if not brief:
                raise
            return self._after_silence(question, error, starting)

    def _after_no_way(self, question: Question, error: NoWayError, starting: bool) -> Response:
        """Answer where the API server has said that it has no connection to the pod."""
        target, refused = question.target, _REFUSED in error.cause
        if any(word in error.cause for word in _REACHED):
            raise error
        if refused and starting:
            since = self._refused_since.setdefault(target, time.monotonic())
            if time.monotonic() - since < STARTING_SECONDS:
                raise error
        looked = self._looked.get(target)
        if looked is not None and time.monotonic() - looked < LOOK_AGAIN:
            raise error
        answer = self._tried_forward(question)
        if answer is None:
            raise self._with_reason(error)
        # A pod that has begun to listen just between the two would look the same, once.
        self._turned = self._turned or not refused or target in self._doubted
        self._doubted.add(target)
        return answer

    def _after_refusal(self, question: Question, error: ForbiddenError) -> Response:
        """Answer where the account may not use the proxy, so that the pod has had no request."""
        answer = self._tried_forward(question)
        if answer is None:
            raise error
        self._turned = True
        return answer

    def _after_silence(self, question: Question, error: SilenceError, starting: bool) -> Response:
        """Answer where nothing has come through the proxy, for which the pod may be the reason."""
        begun = time.monotonic()
        answer = self._tried_forward(question)
        if answer is None and starting and self._barred is None:
            raise error
        if answer is None:
            return self._proxied(question)
        self._turned = self._turned or time.monotonic() - begun < FIRST_SECONDS
        return answer

    def _with_reason(self, error: NoWayError) -> NoWayError:
        """Return the proxy's error with the reason why the other carrier does not help."""
        if isinstance(self._barred, ForbiddenError):
            error.hint = GRANT_HINT
        other = self._barred or self._kubelet
        if other is not None:
            error.details["portforward"] = other.message
        return error

    def _tried_forward(self, question: Question) -> Optional[Response]:
        """Ask through the kubelet; None where that does not work either."""
        try:
            return self._forwarded(question)
        except (ForbiddenError, UnsupportedError) as error:
            self._barred = error
        except EdgeError as error:
            self._looked[question.target] = time.monotonic()
            self._kubelet = error
        return None

    def _proxied(self, question: Question) -> Response:
        try:
            answer = proxy(self._transport, question)
        except NoWayError as error:
            raise self._with_reason(error) from None
        self._reached.add(question.target)
        self.used.add(PROXY)
        return answer

    def _forwarded(self, question: Question) -> Response:
        answer = self._forwards.ask(question)
        self.used.add(PORTFORWARD)
        return answer
