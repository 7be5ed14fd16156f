# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask every replica itself, at once, through the API server's pod proxy.

A Service would spread the questions over the replicas, and a Ready pod proves nothing.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Callable, List, Optional, Sequence, Type

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.downloads import is_store_error
from ansible_collections.openvino.edge.plugins.module_utils.verify.gate import Observation
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import Replica
from ansible_collections.openvino.edge.plugins.module_utils.verify.status import (
    CONFIG_PATH,
    parse_config_status,
)

if TYPE_CHECKING:
    from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient

MAX_QUESTIONS = 8
ANSWER_TIMEOUT = 5.0
"""Seconds; OVMS answers C(GET /v1/config) from memory, also while it loads models."""

SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 0.3
PAUSE_SHARE = 0.05
"""Pauses in seconds: a share of the time without any news, between two bounds. The news is then
late by a 40th of the load time in the middle, and never by more than 0.3 s."""

LOG_TAIL = 400
LOG_LINES = 3


def pause_after(quiet: float) -> float:
    """Return how long to wait before the next question after ``quiet`` seconds without news."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, quiet * PAUSE_SHARE))


class Prober:
    """Asks replicas; the client keeps one connection per question that is under way."""

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

    def __enter__(self) -> Prober:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; the client stays open."""
        if self._pool is not None:
            self._pool.shutdown()

    def ask_all(self, replicas: Sequence[Replica]) -> List[Observation]:
        """Return one observation per replica, in their order.

        Raises:
            ForbiddenError: the right to get pods/proxy is missing.
            AuthError: the API server no longer knows us.
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
            )
            if response.status != 200:
                return self._silent(replica, _foreign(response.status, response.body))
            status = parse_config_status(response.body)
        except (UnreachableError, ApiError) as error:
            return self._silent(replica, str(error))
        return Observation(replica.name, self._clock(), status)

    def _silent(self, replica: Replica, problem: str) -> Observation:
        """Return why there is no answer; the status of the pod knows better than a socket."""
        name, at, trouble = replica.name, self._clock(), replica.trouble
        if trouble is None:
            return Observation(name, at, None, problem)
        return Observation(
            name, at, None, trouble.message, trouble.hint, trouble.fatal, trouble.grace
        )

    def log_reason(self, replica: Replica, model: str) -> str:
        """Return the last lines of the replica's log that speak of the model or of an error."""
        try:
            text = self._client.pod_log(
                self._namespace, replica.name, replica.container or None, tail_lines=LOG_TAIL
            )
        except EdgeError as error:
            return f"(no log: {error})"
        return fitting_lines(text, model)


def _foreign(status: int, body: bytes) -> str:
    text = body[:200].decode("utf-8", "replace").strip()
    return f"GET {CONFIG_PATH} was answered with HTTP {status}: {text}"


def fitting_lines(text: str, model: str, limit: int = LOG_LINES) -> str:
    """Return the last different lines of an OVMS log that tell why a model does not load.

    Lines look like C([time][thread][module][error][file:line] text) (spdlog pattern in
    openvinotoolkit/model_server, src/logging.cpp). Errors that name the model come first, of them
    those of modelinstance.cpp: it logs the cause, its callers only that there was one. Errors of
    a bucket name that, not the model. Without such lines: other errors, warnings about the model,
    or simply the last lines.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    loud = [line for line in lines if "[error]" in line or "[critical]" in line]
    name = re.compile(rf"(?<![\w.-]){re.escape(model)}(?![\w.-])")
    named = [line for line in loud if model and (name.search(line) or is_store_error(line))]
    causes = [line for line in named if "[modelinstance.cpp:" in line]
    warned = [line for line in lines if "[warning]" in line and name.search(line)]
    chosen = [_without_time(line) for line in causes or named or loud or warned or lines]
    latest_first = list(dict.fromkeys(reversed(chosen)))
    return "\n".join(reversed(latest_first[:limit]))


def _without_time(line: str) -> str:
    """Drop the time stamp: repeated attempts then count as one line."""
    head, separator, tail = line.partition("]")
    return tail if separator and head[1:5].isdigit() else line
