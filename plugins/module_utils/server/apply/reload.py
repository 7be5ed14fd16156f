# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes running servers load a new configuration without a restart, and verifies it.

The ConfigMap is mounted as a directory, and OVMS reloads when the file's content changes. The
kubelet alone may take more than a minute to write the new file; a change of the pod makes it look
at once, so each pod gets an annotation with the hash of its new configuration.

No time proves that a server has read a file. A configuration of ours ends with a marker, which the
server reports once it has loaded it (C(verify.marker)). Of another one the file in the pod is
compared, and then the server is told to reload: whatever it answers, it has read the file. That it
answers an error says little: it does as long as any one model is wrong (OVMS 2026.3.0), and 200
also for "reloaded", for which releases before it have 201.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import ApiError, EdgeError, ForbiddenError, TransferError, WaitError
from ...kube.client import KubeClient
from ...kube.types import Response
from ...runtime import Runtime
from ...verify.marker import marker_of
from ...verify.probe import Prober
from ...verify.replicas import replicas_of
from ...verify.status import CONFIG_PATH, ConfigStatus, parse_config_status
from ..config.render import config_hash
from ..render.config import CONFIG_HASH_ANNOTATION, config_file
from ..render.identity import Object
from ..spec.server import ServerSpec
from ..status.polling import PATIENT_POLL
from ..status.reported import ADOPTED, judge, reported

# Seconds after which a pod is touched once more: the kubelet may have seen the first touch before
# it saw the new ConfigMap.
TOUCH_AGAIN = (2.0, 10.0, 30.0)
PAUSE = 0.25
RELOAD_PATH = "/v1/config/reload"
# Seconds between two requests to reload: each looks through all models.
RELOAD_PAUSE = 1.0
# Longest silence (seconds) of a reload: it answers when the models are loaded.
RELOAD_TIMEOUT = 120.0
# Seconds in which a server may have retired the old marker and not yet list the new one.
HALFWAY = 5.0
# The kubelet's own longest delay: its sync period of 60 s and the jitter on it, doubled.
LONGEST = 180.0
NOT_TAKEN = "ConfigNotTaken"
NOT_PROVEN = "ConfigNotProven"


def touch(client: KubeClient, pod: Mapping[str, Any], mark: str) -> None:
    """Change a pod's annotation, so that its kubelet refreshes the volumes at once."""
    metadata = pod["metadata"]
    body = {"metadata": {"annotations": {CONFIG_HASH_ANNOTATION: mark}}}
    client.patch("v1", "Pod", metadata["name"], metadata["namespace"], body)


class Reload:
    """Brings one configuration to the running pods of one server.

    Args:
        client: of the cluster.
        spec: the server, with the port on which its pods answer.
        text: of the configuration.
        runtime: progress.
        visible: what the configuration pins differs from before, so that the status shows it.
    """

    def __init__(
        self,
        client: KubeClient,
        spec: ServerSpec,
        text: str,
        runtime: Runtime,
        *,
        visible: bool = False,
    ) -> None:
        self._client = client
        self._spec = spec
        self._text = text
        self._marker = marker_of(text)
        self._runtime = runtime
        self._visible = visible
        self._touches = 0
        self._asked: Dict[str, float] = {}
        self._halfway: Dict[str, float] = {}
        self._answers: Dict[str, str] = {}

    def begin(self, pods: Sequence[Object]) -> None:
        """Touch the pods. A deleted pod is skipped: its successor reads the new file."""
        digest = config_hash(self._text)
        mark = f"{digest}.{self._touches}" if self._touches else digest
        self._touches += 1
        for pod in pods:
            try:
                touch(self._client, pod, mark)
            except ForbiddenError:
                self._go_slow()
                return
            except EdgeError:
                if self._exists(pod):
                    raise

    def _go_slow(self) -> None:
        """Warn once why the reload takes longer."""
        text = (
            f"the account may not patch pods in namespace {self._spec.namespace}, so the new"
            " configuration reaches them when their kubelet looks, within about a minute and a"
            " half; the role openvino-edge-quick-reload has that right"
        )
        if text not in self._runtime.warnings:
            self._runtime.warn(text)

    def behind(self, pods: Sequence[Object]) -> List[Object]:
        """Return the pods that do not report the marker of the configuration now.

        Raises:
            ForbiddenError: they may not be asked.
        """
        return [pod for pod in pods if self._marker and not self._reports(pod)]

    def _reports(self, pod: Object) -> bool:
        try:
            status = self._status(pod)
        except ForbiddenError:
            raise
        except EdgeError:
            return False
        return status is not None and status.configuration == self._marker

    def confirm(self, pods: Sequence[Object], timeout: float) -> None:
        """Wait until every pod has loaded the configuration; touch those again that have not.

        Raises:
            WaitError: a server has not loaded it, or this cannot be verified; names the pod.
        """
        limit = min(timeout, LONGEST + self._spec.poll_seconds)
        begun = time.monotonic()
        again = list(TOUCH_AGAIN)
        waiting = list(pods)
        while waiting:
            waiting = [pod for pod in waiting if not self._has_loaded(pod)]
            passed = time.monotonic() - begun
            if waiting and (passed >= limit or self._stopped(waiting)):
                raise self._stuck(waiting, passed)
            if waiting and again and passed >= again[0]:
                again.pop(0)
                self.begin(waiting)
            time.sleep(PAUSE if waiting else 0)

    def _has_loaded(self, pod: Object) -> bool:
        try:
            done = self._marked(pod) if self._marker else self._compared(pod)
        except (ForbiddenError, WaitError):
            raise
        except EdgeError:
            return not self._exists(pod)
        if done:
            name = pod["metadata"]["name"]
            self._runtime.progress(f"{name}: has loaded the configuration")
        return done

    def _marked(self, pod: Object) -> bool:
        """Tell whether a pod reports the marker of the configuration."""
        status = self._status(pod)
        if status is None:
            return False
        if status.configuration == self._marker:
            # Pipelines and graphs come after all models; a request to reload waits for that.
            if self._spec.config.pipelines or any(model.is_graph for model in self._spec.models):
                self._reload(pod)
            return True
        name = str(pod["metadata"]["name"])
        if status.markers and status.configuration is None:
            self._halfway.setdefault(name, time.monotonic())
        else:
            self._halfway.pop(name, None)
        poll = self._spec.poll_seconds
        if not poll or poll > PATIENT_POLL:
            self._reload(pod)
        return False

    def _stopped(self, pods: Sequence[Object]) -> bool:
        """Tell whether a server has retired the old marker and not loaded the new one in time."""
        now = time.monotonic()
        since = [self._halfway.get(str(pod["metadata"]["name"]), now) for pod in pods]
        return any(now - begun > HALFWAY for begun in since)

    def _compared(self, pod: Object) -> bool:
        """Tell whether a pod was told to reload after the file in it was ours."""
        path = config_file(self._spec)
        replicas = replicas_of([pod], self._spec.rest_port)
        if not replicas:
            return not self._exists(pod)
        replica = replicas[0]
        place, name = self._spec.namespace, replica.name
        try:
            done = self._client.exec(place, name, replica.container, ["sha256sum", path])
        except (ForbiddenError, ApiError, TransferError) as error:
            if not self._exists(pod):
                return True
            return self._shown(pod, str(error))
        if done.rc != 0:
            return self._shown(pod, f"sha256sum in the pod ended with {done.rc}")
        wanted = hashlib.sha256(self._text.encode("utf-8")).hexdigest()
        if done.stdout.decode("utf-8", "replace").split(" ")[0] != wanted:
            return False
        self._asked.pop(name, None)
        return self._reload(pod)

    def _shown(self, pod: Object, why: str) -> bool:
        """Tell by the states alone, where they show the change.

        Raises:
            WaitError: they do not.
        """
        if not self._visible:
            raise WaitError(
                f"nobody can tell whether it has loaded the configuration: {why}",
                subject=f"Pod {self._spec.namespace}/{pod['metadata']['name']}",
                hint="Allow create on pods/exec, or replace the pod, which reads it at its start",
                details={"reason": NOT_PROVEN},
            )
        response = self._ask(pod, "GET", CONFIG_PATH, 10.0)
        alone = not any(model.is_graph for model in self._spec.models)
        states = reported(response.body) if response.status == 200 else None
        return judge(states, self._spec.wanted(), exclusive=alone) == ADOPTED

    def _status(self, pod: Object) -> Optional[ConfigStatus]:
        response = self._ask(pod, "GET", CONFIG_PATH, 10.0)
        return parse_config_status(response.body) if response.status == 200 else None

    def _reload(self, pod: Object) -> bool:
        """Send a reload request to a server; return whether it has read its files."""
        name, now = str(pod["metadata"]["name"]), time.monotonic()
        if now - self._asked.get(name, now - RELOAD_PAUSE) < RELOAD_PAUSE:
            return False
        self._asked[name] = now
        response = self._ask(pod, "POST", RELOAD_PATH, RELOAD_TIMEOUT)
        if response.status >= 400:
            text = " ".join(response.body.decode("utf-8", "replace").split())
            self._answers[name] = f"{response.status} {text}"
        else:
            self._answers.pop(name, None)
        return True

    def _ask(self, pod: Object, method: str, path: str, timeout: float) -> Response:
        metadata = pod["metadata"]
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
        answer = next((self._answers[name] for name in names if name in self._answers), "")
        told = f"; asked to reload it answers {answer}" if answer else ""
        error = WaitError(
            f"after {seconds:.0f} s it has not loaded the configuration{told}",
            subject=f"Pod {self._spec.namespace}/{', '.join(names)}",
            hint="A server that cannot read a configuration goes on with the old one; its log has"
            " the reason",
            details={"reason": NOT_TAKEN, "pods": names},
        )
        reason = self._reason(pods[0])
        if reason:
            error.details["log"] = reason.splitlines()
            error.message += f"; its log says: {reason}"
        return error

    def _reason(self, pod: Object) -> str:
        """Return the last log records of a server about its configuration or any model."""
        replicas = replicas_of([pod], self._spec.rest_port)
        with Prober(self._client, self._spec.namespace, self._spec.rest_port) as prober:
            return prober.log_reason(replicas[0], "") if replicas else ""
