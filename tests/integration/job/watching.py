# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that never stops asking: KServe inference every 100 ms while the job runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from kubernetes import config as k8s_config
from snapshots import headers

PERIOD_SECONDS = 0.1
ANSWER_SECONDS = 5.0
INPUT = [-2.0, -1.0, 1.0, 2.0]


@dataclass(frozen=True)
class Answer:
    """One answer: who was asked, HTTP status (0: none came), model version, first output."""

    target: str
    status: int
    version: str = ""
    values: tuple[float, ...] = ()
    text: str = ""


@dataclass
class Watcher:
    """Asks the service and each replica in turn, through the API server; use it in a with block."""

    cluster: Any
    namespace: str
    model: str
    targets: Sequence[str]
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, daemon=True)
        self._api = k8s_config.new_client_from_config(str(self.cluster.kubeconfig))

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(2 * ANSWER_SECONDS)

    def _ask_on(self) -> None:
        turn = 0
        while not self._stop.is_set():
            begun = time.monotonic()
            self.answers.append(self._ask(self.targets[turn % len(self.targets)]))
            turn += 1
            self._stop.wait(max(0.0, PERIOD_SECONDS - (time.monotonic() - begun)))

    def _ask(self, target: str) -> Answer:
        host = self._api.configuration.host
        path = f"/api/v1/namespaces/{self.namespace}/{target}:8081/proxy/v2/models/{self.model}"
        tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": INPUT}
        try:
            answer = self._api.rest_client.pool_manager.request(
                "POST",
                f"{host}{path}/infer",
                body=json.dumps({"inputs": [tensor]}),
                headers={**headers(self._api), "Content-Type": "application/json"},
                timeout=ANSWER_SECONDS,
                retries=False,
            )
        except Exception as error:  # noqa: BLE001 (whatever it is, a client saw it)
            return Answer(target, 0, text=repr(error))
        text = answer.data.decode("utf-8", "replace")
        if answer.status != 200:
            return Answer(target, answer.status, text=text)
        said = json.loads(text)
        values = tuple(float(value) for value in said["outputs"][0]["data"])
        return Answer(target, 200, str(said.get("model_version", "")), values)
