# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has nodes try now what failed before this run, and tells old failures from new ones.

The kubelet waits longer after each failure to pull an image or to start a container, up to five
minutes, and the pod shows the old failure meanwhile; its cause may be mended already. A new pod is
tried at once, since the kubelet counts failures by pod.
"""

from __future__ import annotations

import time
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ...errors import EdgeError
from ...kube.client import KubeClient
from ...kube.health.pods import creation_trouble, pod_trouble
from ...kube.health.workloads import Verdict
from ...runtime import Runtime
from ..render.identity import Object
from .progress import leaving, ready_pods

# A change of the Deployment updates its ReplicaSet, whose controller then retries at once; a change
# of its template makes new pods.
RETRY_ANNOTATION = "openvino.edge/retried"
# The scheduler retries by itself as soon as something changes.
UNSCHEDULABLE = "Unschedulable"

# How often a pod's containers were started, and its failed pulls: name, count, time of each event.
Attempts = Tuple[int, Tuple[Tuple[str, int, str], ...]]
NOTHING_TRIED: Mapping[str, Attempts] = MappingProxyType({})


def try_again(
    client: KubeClient,
    workload: Object,
    pods: Sequence[Object],
    runtime: Runtime,
) -> Dict[str, Attempts]:
    """Make controllers and nodes retry pods that are stuck since an earlier run.

    A stuck pod is deleted, or, without the right for it and where no pod is ready, all pods are
    replaced by a mark in the template. Where neither can be, the failures that there were are
    returned by the uid of the pod, for C(only_news); the wait then takes longer.
    """
    metadata = workload["metadata"]
    namespace = metadata["namespace"]
    events = _events(client, namespace) if pods else []
    left: Dict[str, Attempts] = {}
    for pod in pods:
        trouble = None if leaving(pod) else pod_trouble({"kind": "Pod", **pod}, events)
        if trouble is None or not trouble.fatal or trouble.reason == UNSCHEDULABLE:
            continue
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        runtime.progress(f"{metadata['name']}: tries again after {trouble.reason}")
        if not _allowed(client.delete, "v1", "Pod", name, namespace, uid=uid):
            left[uid] = attempts(pod, events)
    mark = {RETRY_ANNOTATION: str(int(time.time()))}
    place = ("apps/v1", workload["kind"], metadata["name"], namespace)
    noted: Dict[str, Any] = {"metadata": {"annotations": mark}}
    if (
        left
        and not ready_pods(pods)
        and _allowed(client.patch, *place, {"spec": {"template": noted}})
    ):
        return {}
    if creation_trouble(workload):
        runtime.progress(f"{metadata['name']}: tries again to make pods")
        _allowed(client.patch, *place, noted)
    return left


def attempts(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Attempts:
    """Return what a node has tried with a pod; it differs as soon as it has tried once more."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    starts = sum(int(item.get("restartCount") or 0) for item in statuses)
    uid = pod["metadata"]["uid"]
    failed = [
        (
            str(event["metadata"].get("name")),
            int(event.get("count") or 0),
            str(event.get("lastTimestamp") or event.get("eventTime") or ""),
        )
        for event in events
        if (event.get("involvedObject") or {}).get("uid") == uid
        # Other messages of this reason only repeat that the kubelet waits.
        and event.get("reason") == "Failed"
        and str(event.get("message") or "").startswith("Failed to pull image")
    ]
    return starts, tuple(sorted(failed))


def only_news(
    verdict: Verdict, events: Sequence[Mapping[str, Any]], before: Mapping[str, Attempts]
) -> Verdict:
    """Return the verdict without the finality of a failure that was there before this run."""
    trouble, pod = verdict.trouble, verdict.pod
    if trouble is None or pod is None or not trouble.fatal:
        return verdict
    old = before.get(str(pod["metadata"].get("uid")))
    if old is None or old != attempts(pod, events):
        return verdict
    return replace(verdict, trouble=replace(trouble, fatal=False))


def _events(client: KubeClient, namespace: str) -> List[Object]:
    try:
        return client.list("v1", "Event", namespace, field_selector="involvedObject.kind=Pod")[0]
    except EdgeError:
        return []


def _allowed(request: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Tell whether a request was granted; that there is nothing any more is as good."""
    try:
        request(*args, **kwargs)
    except EdgeError:
        return False
    return True
