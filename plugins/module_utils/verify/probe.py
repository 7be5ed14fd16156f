# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries every replica in parallel, through the API server's pod proxy.

A Service would spread the requests over the replicas, and a Ready pod may serve no model.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable, List, Optional, Sequence

from ..closing import Closing
from ..errors import ApiError, EdgeError, UnreachableError
from .gate import Observation
from .reasons import reason_lines
from .replicas import Replica
from .status import CONFIG_PATH, parse_config_status

if TYPE_CHECKING:
    from ..kube.client import KubeClient

MAX_QUESTIONS = 8
ANSWER_TIMEOUT = 5.0
"""Seconds; OVMS answers C(GET /v1/config) from memory, also while it loads models."""

SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 0.3
PAUSE_SHARE = 0.05
"""Pauses between polls in seconds: a share of the time since the last change, within two bounds.

A change is then seen late by a 40th of the load time on average, and by 0.3 s at most.
"""

LOG_TAIL = 400


def pause_after(quiet: float) -> float:
    """Return the pause before the next poll, after ``quiet`` seconds without a change."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, quiet * PAUSE_SHARE))


class Prober(Closing):
    """Polls replicas; the client has one connection for each request under way."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        rest_port: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._rest_port = rest_port
        self._clock = clock
        self._pool: Optional[ThreadPoolExecutor] = None

    def close(self) -> None:
        """End the threads; the client stays open."""
        if self._pool is not None:
            self._pool.shutdown()

    def ask_all(self, replicas: Sequence[Replica]) -> List[Observation]:
        """Return one observation per replica, in their order.

        Raises:
            ForbiddenError: the right to get pods/proxy is missing.
            AuthError: the API server no longer accepts the credentials.
        """
        if len(replicas) < 2:
            return [self._ask(replica) for replica in replicas]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MAX_QUESTIONS, thread_name_prefix="gate")
        return list(self._pool.map(self._ask, replicas))

    def _ask(self, replica: Replica) -> Observation:
        if replica.trouble is not None and replica.trouble.fatal:
            return self._silent(replica, "")
        try:
            response = self._client.pod_proxy(
                self._namespace,
                replica.name,
                self._rest_port,
                "GET",
                CONFIG_PATH,
                timeout=ANSWER_TIMEOUT,
                starting=True,
            )
            if response.status != 200:
                return self._silent(replica, _foreign(response.status, response.body))
            status = parse_config_status(response.body)
        except (UnreachableError, ApiError) as error:
            return self._silent(replica, str(error))
        return Observation(replica.name, self._clock(), status)

    def _silent(self, replica: Replica, problem: str) -> Observation:
        """Return why there is no answer; the pod's status tells more than the socket error."""
        name, at, trouble = replica.name, self._clock(), replica.trouble
        if trouble is None:
            return Observation(name, at, None, problem)
        return Observation(
            name, at, None, trouble.message, trouble.hint, trouble.fatal, trouble.grace
        )

    def log_reason(self, replica: Replica, model: str, version: Optional[int] = None) -> str:
        """Return the last records of the replica's log that tell why a version is not served."""
        try:
            text = self._client.pod_log(
                self._namespace, replica.name, replica.container or None, tail_lines=LOG_TAIL
            )
        except EdgeError as error:
            return f"(no log: {error})"
        return reason_lines(text, model, version)


def _foreign(status: int, body: bytes) -> str:
    text = body[:200].decode("utf-8", "replace").strip()
    return f"GET {CONFIG_PATH} was answered with HTTP {status}: {text}"
