# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make running servers take a new configuration, without a restart.

The ConfigMap is mounted as a directory, and OVMS reloads when the file's content changes. The
kubelet alone may take more than a minute to write the new file; a change of the pod makes it look
at once, so each pod gets an annotation with the hash of its new configuration.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import Object
from ansible_collections.openvino.edge.plugins.module_utils.server.reported import (
    ADOPTED,
    CONFIG_PATH,
    EMPTY,
    PENDING,
    judge,
    reported,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.server.template import (
    CONFIG_HASH_ANNOTATION,
)

# Seconds after which a pod is touched once more: the kubelet may have seen the first touch before
# it saw the new ConfigMap.
TOUCH_AGAIN = (2.0, 10.0, 30.0)
PAUSE = 0.25
# A server that polls less often than this (seconds) is told to reload.
PATIENT_POLL = 2
RELOAD_PATH = "/v1/config/reload"
# Longest silence (seconds) of a reload: it answers when the models are loaded.
RELOAD_TIMEOUT = 120.0
# Seconds for a change that no status shows (nireq, plugin_config of a model that stays): the touch
# takes well under a second, the server's poll comes on top.
UNSEEN = 2.0
# Seconds after which a model that serves nothing is taken for one that has nothing to load: a touch
# and a poll are long over by then.
EMPTY_LIMIT = 15.0
# The kubelet's own longest delay: its sync period of 60 s and the jitter on it, doubled.
LONGEST = 180.0


def touch(client: KubeClient, pod: Mapping[str, Any], mark: str) -> None:
    """Change a pod's annotation, so that its kubelet refreshes the volumes at once."""
    metadata = pod["metadata"]
    body = {"metadata": {"annotations": {CONFIG_HASH_ANNOTATION: mark}}}
    client.patch("v1", "Pod", metadata["name"], metadata["namespace"], body)


class Reload:
    """Brings one configuration to the running pods of one server."""

    def __init__(self, client: KubeClient, spec: ServerSpec, digest: str, runtime: Runtime) -> None:
        self._client = client
        self._spec = spec
        self._digest = digest
        self._runtime = runtime
        self._touches = 0

    def begin(self, pods: Sequence[Object]) -> None:
        """Touch the pods. One that has gone meanwhile needs nothing: its successor reads the new
        file."""
        mark = f"{self._digest}.{self._touches}" if self._touches else self._digest
        self._touches += 1
        for pod in pods:
            try:
                touch(self._client, pod, mark)
            except EdgeError:
                if self._exists(pod):
                    raise

    def confirm(self, pods: Sequence[Object], *, visible: bool, timeout: float) -> None:
        """Wait until every pod reports the wanted versions.

        Args:
            pods: the pods that were touched.
            visible: the pinned versions differ, so that the status shows the change.
            timeout: seconds.

        Raises:
            WaitError: a server does not take the configuration; names the pod.
        """
        if not visible:
            time.sleep(min(UNSEEN, timeout))
            self.begin(pods)
            return
        limit = min(timeout, LONGEST + self._spec.poll_seconds)
        begun = time.monotonic()
        again = list(TOUCH_AGAIN)
        waiting = list(pods)
        while waiting:
            passed = time.monotonic() - begun
            verdicts = {pod["metadata"]["name"]: self._judge(pod) for pod in waiting}
            waiting = [pod for pod in waiting if verdicts[pod["metadata"]["name"]] != ADOPTED]
            patient = limit if EMPTY not in verdicts.values() else min(limit, self._empty_limit())
            if waiting and passed >= patient:
                raise self._stuck(waiting, passed)
            if waiting and again and passed >= again[0]:
                again.pop(0)
                self.begin(waiting)
            time.sleep(PAUSE if waiting else 0)

    def _empty_limit(self) -> float:
        return EMPTY_LIMIT + 2.0 * self._spec.poll_seconds

    def _judge(self, pod: Object) -> str:
        metadata = pod["metadata"]
        try:
            if self._spec.poll_seconds > PATIENT_POLL:
                self._ask(metadata, "POST", RELOAD_PATH, RELOAD_TIMEOUT)
            response = self._ask(metadata, "GET", CONFIG_PATH, 10.0)
        except EdgeError:
            return PENDING if self._exists(pod) else ADOPTED
        if response.status != 200:
            return PENDING
        alone = not any(model.is_graph for model in self._spec.models)
        verdict = judge(reported(response.body), self._spec.wanted(), exclusive=alone)
        if verdict == ADOPTED:
            self._runtime.progress(f"{metadata['name']}: took the new configuration")
        return verdict

    def _ask(self, metadata: Mapping[str, Any], method: str, path: str, timeout: float) -> Response:
        return self._client.pod_proxy(
            metadata["namespace"],
            metadata["name"],
            self._spec.rest_port,
            method,
            path,
            timeout=timeout,
        )

    def _exists(self, pod: Object) -> bool:
        metadata = pod["metadata"]
        found = self._client.get("v1", "Pod", metadata["name"], metadata["namespace"])
        return found is not None and found["metadata"]["uid"] == metadata["uid"]

    def _stuck(self, pods: Sequence[Object], seconds: float) -> WaitError:
        names: List[str] = [str(pod["metadata"]["name"]) for pod in pods]
        wanted: Dict[str, List[int]] = {k: list(v) for k, v in self._spec.wanted().items()}
        return WaitError(
            f"after {seconds:.0f} s it does not report the wanted versions",
            subject=f"Pod {self._spec.namespace}/{', '.join(names)}",
            hint="Look whether the store has every version that models names; a version without a"
            " directory is left out by the server without a word",
            details={"reason": "ConfigNotTaken", "pods": names, "wanted": wanted},
        )
