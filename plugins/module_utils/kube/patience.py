# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a request again while the API server is away for a moment.

A control plane of one node restarts, a load balancer answers for it meanwhile, etcd chooses a new
leader: at an edge site each of them comes with every update.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

from ..errors import UnreachableError, may_pass
from .types import Response
from .wire.http import DEFAULT_TIMEOUT, Request, Transport

AWAY = 30.0
"""Seconds since a request began in which it is sent again while nobody, or a load balancer, answers
for a server that has answered before.

A killed kube-apiserver is back after 3 to 10 s in the clusters of our tests.
"""

UNKNOWN = 5.0
"""The same for a server that never answered in this task: its address may be wrong."""

TROUBLED = 5.0
"""Seconds for a 500, which is mostly etcd between two leaders, but may also last (a webhook)."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 4.0
_GATEWAYS = (502, 503, 504)


@dataclass(frozen=True)
class Answer:
    """What came back at last.

    Attributes:
        status: of HTTP.
        body: as received.
        value: the JSON object in the body, None when there is none.
        repeated: the request was sent more than once, so an earlier one may have been carried out.
    """

    status: int
    body: bytes
    value: Optional[Dict[str, Any]]
    repeated: bool


def send(
    transport: Transport,
    request: Request,
    longest: float = AWAY,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Send a request, again where that may help, and return the last answer.

    Args:
        transport: to the API server.
        request: sent once unless it is repeatable.
        longest: seconds in which it may be sent again, 0 for never.
        clock: monotonic seconds.
        sleep: waits for seconds.

    Raises:
        UnreachableError: no answer, to the end.
    """
    began, pause, repeated = clock(), _FIRST_PAUSE, False
    while True:
        limit = min(longest, AWAY if transport.met else UNKNOWN) if request.repeatable else 0.0
        try:
            answer = _parsed(transport.request(request, DEFAULT_TIMEOUT), repeated)
        except UnreachableError as error:
            if not may_pass(error) or clock() - began + pause > limit:
                raise
        else:
            worth = _worth(answer)
            transport.met = transport.met or (answer.value is not None and not worth)
            if clock() - began + pause > min(limit, worth):
                return answer
        sleep(pause)
        pause, repeated = min(2 * pause, _LONGEST_PAUSE), True


def _parsed(response: Response, repeated: bool) -> Answer:
    try:
        value = json.loads(response.body)
    except ValueError:
        value = None
    known = value if isinstance(value, dict) else None
    return Answer(response.status, response.body, known, repeated)


def _worth(answer: Answer) -> float:
    """Return for how many seconds an answer is a reason to ask again."""
    if answer.status == 500:
        return TROUBLED
    if answer.status in _GATEWAYS:
        return AWAY
    # A success without an object is the page of something in front of the API server.
    return AWAY if answer.status < 400 and answer.value is None else 0.0
