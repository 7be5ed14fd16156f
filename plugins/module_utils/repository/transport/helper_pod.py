# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a helper, waits for its pod, and always removes it at the end."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional

from ...errors import EdgeError, ForbiddenError, WaitError
from ...kube.client import KubeClient
from ...kube.health.pods import Trouble, creation_trouble, pod_trouble
from ...store import AGENT_LABEL, HostPathStore, PvcStore
from ..options.helper import HelperOptions
from .base import Target
from .helper_job import (
    HOSTNAME_LABEL,
    Program,
    object_name,
    render_config_map,
    render_job,
    render_network_policy,
    render_secret,
)
from .kept import Kept

QUOTA_HINT = (
    "Set what the quota or LimitRange of the namespace wants in helper_resources, like"
    " {limits: {cpu: 500m}}, or have it raised"
)
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
    """One helper on one target; C(pod) and C(node) tell where it runs, once it does.

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
        self.address = ""
        self.node = ""
        self._client, self._target = client, target
        self._options, self._program, self._stopped = options, program, stopped
        self._job: Optional[Dict[str, Any]] = None
        self._made = False

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
            if self._options.allow_from:
                guard = render_network_policy(self.id, self._job, self._options.allow_from)
                self._client.create(guard, brief=True)
            files = render_config_map(self.id, self._job, self._program)
            self._client.create(files, brief=True)
            if self._options.secret is not None and self._options.secret.data:
                secret = render_secret(self.id, self._job, self._options.secret)
                self._client.create(secret, brief=True)
            self.pod = self._wait()
        except BaseException:
            self.shut()
            raise
        return self.pod

    def resume(self, kept: Kept) -> None:
        """Be the helper that an earlier task has left."""
        self._job = {"metadata": dict(kept.job)}
        self.pod, self.address, self.node = kept.pod, kept.address, kept.node

    def kept(self, token: str, peer_secret: str, form: str) -> Kept:
        """Return what a later task needs to know of this helper."""
        meta = (self._job or {}).get("metadata") or {}
        return Kept(
            {name: str(meta[name]) for name in ("name", "namespace", "uid")},
            self.pod,
            self.address,
            self.node,
            token,
            peer_secret,
            form,
            self._options.read_only,
        )

    def shut(self) -> Optional[EdgeError]:
        """Remove the helper's objects; returns the error if that fails."""
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
        """Return why the pod no longer runs, C("") when it runs or the reason is unknown."""
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
                self.node = str((pod.get("spec") or {}).get("nodeName") or "")
                self.address = str((pod.get("status") or {}).get("podIP") or "")
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
        """Watch the pod until it runs or ends, or a time limit; return its last state."""
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
        if any(map(_tells_missing_directory, events)):
            self._without_directory(pod)
        if _has_ended(pod) and _phase(pod) == "Succeeded":
            return Trouble("Ended", "the helper ended before it was used", "run again", True)
        return pod_trouble(pod, events)

    def _without_directory(self, pod: Object) -> None:
        """Create the missing directory of a local volume, if C(create_directory_in) is given.

        Raises:
            StoreMissing: this helper only reads.
            HelperFailed: nobody makes it.
        """
        if self._options.read_only:
            raise StoreMissing("the directory does not exist", subject=self._target.name)
        store = self._target.store
        if isinstance(store, HostPathStore):
            return
        node = str((pod.get("spec") or {}).get("nodeName") or "")
        local = store.local
        if local is None or not local.create_directory_in:
            raise _no_directory(self._target, node)
        if not self._made:
            self._made = True
            self._make_directory(HostPathStore(local.create_directory_in, local.path), node)

    def _make_directory(self, store: HostPathStore, node: str) -> None:
        """Run a pod that mounts the path as hostPath, so that the kubelet creates the directory."""
        target = Target(store, node, self._target.node_selector or ((HOSTNAME_LABEL, node),))
        program = replace(
            self._program, command=("/bin/sh", "-c", "sleep 60"), env={}, files={}, archives={}
        )
        helper = Helper(self._client, target, self._options, program, self._stopped)
        helper.start()
        helper.shut()

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
        if trouble.reason == "Quota":
            return HelperFailed(
                trouble.message,
                trouble.reason,
                option="helper_resources",
                subject=self._target.name,
                hint=QUOTA_HINT,
            )
        return HelperFailed(trouble.message, trouble.reason, subject=self._target.name, hint=hint)

    def _too_late(self, trouble: Optional[Trouble]) -> EdgeError:
        seconds = self._options.wait_timeout
        message = f"the helper pod did not run within {seconds:g} s"
        if trouble:
            message += f" ({trouble.message})"
        reason = trouble.reason if trouble else "Timeout"
        return HelperFailed(message, reason, option="wait_timeout", subject=self._target.name)


def _security_hint(target: Target) -> str:
    if isinstance(target.store, PvcStore):
        return "The helper fits the restricted level; another policy of the cluster refuses it"
    return (
        "A host path needs a namespace labelled pod-security.kubernetes.io/enforce=privileged;"
        " where that is not allowed use a pvc (a local volume over the same directory)"
    )


def _no_directory(target: Target, node: str) -> HelperFailed:
    local = target.store.local if isinstance(target.store, PvcStore) else None
    path = f" {local.path}" if local else ""
    return HelperFailed(
        f"the directory{path} of the local volume does not exist on node {node}",
        "NoDirectory",
        option="pvc.local.path" if local else "pvc.claim_name",
        subject=target.name,
        hint="Make it there as root, like: mkdir -p PATH; or name a namespace that admits hostPath"
        " volumes in pvc.local.create_directory_in",
    )


def _tells_missing_directory(event: Object) -> bool:
    """Return whether a kubelet found no directory, for a hostPath or a local volume.

    (k8s.io/kubernetes pkg/volume/host_path/host_path.go, pkg/volume/local/local.go)
    """
    text = str(event.get("message"))
    missing = 'path "' in text and '" does not exist' in text
    return "hostPath type check failed" in text or ("MountVolume.NewMounter" in text and missing)


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _has_ended(pod: Object) -> bool:
    return _phase(pod) in ("Failed", "Succeeded")


def _is_running(pod: Object) -> bool:
    status = pod.get("status") or {}
    states = [item.get("state") or {} for item in status.get("containerStatuses") or ()]
    running = bool(states) and all("running" in state for state in states)
    return running and not (pod["metadata"].get("deletionTimestamp"))
