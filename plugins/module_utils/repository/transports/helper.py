# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a helper up, waits for its pod, and takes it down again whatever happens."""

from __future__ import annotations

import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.pods import (
    Trouble,
    creation_trouble,
    pod_trouble,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import Target
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.job import (
    HelperOptions,
    Program,
    object_name,
    render_config_map,
    render_job,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import AGENT_LABEL

WATCH_SECONDS = 1.0  # between two looks at the events
Object = Mapping[str, Any]


class StoreMissing(EdgeError):
    """The directory of a host path is not there, and a reader does not make it."""

    kind = "store_missing"


class HelperFailed(WaitError):
    """The helper's pod does not run; C(reason) is Kubernetes' word for why."""

    def __init__(self, message: str, reason: str, **kwargs: Any) -> None:
        super().__init__(message, details={"reason": reason}, **kwargs)
        self.reason = reason


class Helper:
    """One helper on one target.

    Args:
        client: of the cluster.
        target: whose store it mounts.
        options: how pods are made.
        program: what runs in it.
        stopped: tells when the task is to end early.
    """

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        options: HelperOptions,
        program: Program,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.id = uuid.uuid4().hex[:10]
        self.pod = ""
        self._client, self._target = client, target
        self._options, self._program, self._stopped = options, program, stopped
        self._job: Optional[Dict[str, Any]] = None

    def start(self) -> str:
        """Make the objects and return the name of the running pod.

        Raises:
            StoreMissing: see there.
            ForbiddenError: admission refuses the pod.
            HelperFailed: it cannot run, or did not in time.
        """
        job = render_job(self.id, self._target, self._options, self._program)
        try:
            self._job = self._client.create(job)
            self._client.create(render_config_map(self.id, self._job, self._program))
            self.pod = self._wait()
        except BaseException:
            self.shut()
            raise
        return self.pod

    def shut(self) -> Optional[EdgeError]:
        """Remove everything that was made; returns what kept it from doing so."""
        if self._job is None:
            return None
        meta = self._job["metadata"]
        try:
            self._client.delete("batch/v1", "Job", meta["name"], meta["namespace"], uid=meta["uid"])
        except EdgeError as error:
            return error
        self._job = None
        return None

    def obituary(self) -> str:
        """Return why the pod no longer runs, C("") when it does or nobody knows."""
        namespace = self._target.store.namespace
        try:
            pod = self._client.get("v1", "Pod", self.pod, namespace)
            if pod is None:
                return "its pod was deleted"
            if _is_running(pod):
                return ""
            trouble = pod_trouble(pod, self._events(self.pod))
            return trouble.message if trouble else f"its pod is {_phase(pod)}"
        except EdgeError:
            return ""

    def _wait(self) -> str:
        end = time.monotonic() + self._options.wait_timeout
        since: Dict[str, float] = {}
        pod: Optional[Object] = None
        while True:
            pod = self._watch(pod)
            if pod is not None and _is_running(pod):
                return str(pod["metadata"]["name"])
            now = time.monotonic()
            trouble = self._trouble(pod)
            if trouble:
                first = since.setdefault(trouble.reason, now)
                if trouble.fatal and now - first >= trouble.grace:
                    raise self._error(trouble)
            if now > end or self._stopped():
                raise self._too_late(trouble)

    def _watch(self, last: Optional[Object]) -> Optional[Object]:
        """Return the pod as soon as it runs or ends, else as it is after some time."""
        namespace = self._target.store.namespace
        selector = f"{AGENT_LABEL}={self.id}"
        for event in self._client.watch(
            "v1", "Pod", namespace, label_selector=selector, timeout=WATCH_SECONDS
        ):
            last = event.object
            if _is_running(last) or _has_ended(last):
                break
        return last

    def _trouble(self, pod: Optional[Object]) -> Optional[Trouble]:
        events: List[Dict[str, Any]] = self._events(
            str(pod["metadata"]["name"]) if pod else object_name(self.id)
        )
        if pod is None:
            return creation_trouble(self._job or {}, events)
        if self._options.read_only and any(map(_tells_missing_directory, events)):
            raise StoreMissing("the directory does not exist", subject=self._target.name)
        if _has_ended(pod) and _phase(pod) == "Succeeded":
            return Trouble("Ended", "the helper ended before it was used", "run again", True)
        return pod_trouble(pod, events)

    def _events(self, name: str) -> List[Dict[str, Any]]:
        field = f"involvedObject.name={name}"
        try:
            return self._client.list(
                "v1", "Event", self._target.store.namespace, field_selector=field
            )[0]
        except ForbiddenError:
            return []

    def _error(self, trouble: Trouble) -> EdgeError:
        if trouble.reason == "PodSecurity":
            return ForbiddenError(
                trouble.message, subject=self._target.name, hint=_security_hint(self._target)
            )
        hint = trouble.hint[:1].upper() + trouble.hint[1:] if trouble.hint else None
        return HelperFailed(trouble.message, trouble.reason, subject=self._target.name, hint=hint)

    def _too_late(self, trouble: Optional[Trouble]) -> EdgeError:
        seconds = self._options.wait_timeout
        message = f"the helper pod did not run within {seconds:g} s"
        if trouble:
            message += f" ({trouble.message})"
        reason = trouble.reason if trouble else "Timeout"
        return HelperFailed(message, reason, option="wait_timeout", subject=self._target.name)


def _security_hint(target: Target) -> str:
    if target.node is None:
        return "The helper fits the restricted level; another policy of the cluster refuses it"
    return (
        "A host path needs a namespace labelled pod-security.kubernetes.io/enforce=privileged;"
        " where that is not allowed use a pvc (a local volume over the same directory)"
    )


def _tells_missing_directory(event: Object) -> bool:
    return "hostPath type check failed" in str(event.get("message"))


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _has_ended(pod: Object) -> bool:
    return _phase(pod) in ("Failed", "Succeeded")


def _is_running(pod: Object) -> bool:
    status = pod.get("status") or {}
    states = [item.get("state") or {} for item in status.get("containerStatuses") or ()]
    running = bool(states) and all("running" in state for state in states)
    return running and not (pod["metadata"].get("deletionTimestamp"))
