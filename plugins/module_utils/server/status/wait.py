# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a rollout is complete and old pods have ended; fails early if it cannot succeed."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Callable, List, Mapping, Sequence

from ...kube.client import KubeClient
from ...kube.follow import Snapshot, Source
from ...kube.wait import Verdict, judge_daemon_set, judge_deployment, wait_for, wait_gone
from ...runtime import Runtime
from ..render.identity import Object, pod_selector_text
from .progress import ended, leaving, ready_pods, wanted_pods
from .retry import NOTHING_TRIED, UNSCHEDULABLE, Attempts, only_news


def wait_rollout(
    client: KubeClient,
    namespace: str,
    name: str,
    timeout: float,
    runtime: Runtime,
    kind: str = "Deployment",
    mine: Callable[[Object], bool] = lambda pod: True,
    before: Mapping[str, Attempts] = NOTHING_TRIED,
) -> List[Object]:
    """Return the pods once exactly the wanted ones run and are ready.

    C(kind) is that of the object that runs the pods; C(mine) tells which pods are looked at;
    C(before) is of C(retry.try_again).

    Raises:
        WaitError: a reason that does not go away by waiting, or the time is over. The message
            says which pod and why; C(details) has the last log lines of a crashed server.
    """
    selector = pod_selector_text(name)
    sources = [
        Source("apps/v1", kind, namespace, field_selector=f"metadata.name={name}"),
        # Labels of a Deployment's pods are those of its ReplicaSets.
        Source("apps/v1", "ReplicaSet", namespace, selector, optional=True),
        Source("v1", "Pod", namespace, selector),
        Source("v1", "Event", namespace, optional=True),
    ]
    judge = judge_rollout if kind == "Deployment" else judge_nodes

    def judge_mine(snapshot: Snapshot) -> Verdict:
        workloads, sets, pods, events = snapshot
        verdict = judge([workloads, sets, [pod for pod in pods if mine(pod)], events])
        return only_news(verdict, events, before)

    pods: List[Object] = wait_for(
        client,
        sources,
        judge_mine,
        timeout,
        what=f"{kind} {namespace}/{name}",
        progress=lambda line: runtime.progress(f"{name}: {line}"),
    )
    return pods


def judge_rollout(snapshot: Snapshot) -> Verdict:
    """Judge C([deployments, replica sets, pods, events]).

    Deployments do not count pods that are ending, but an ending pod may still hold the volume or
    the device, and still answer clients with the old models. And as long as the new ReplicaSet is
    not made, the trouble of the old one's pods is none of ours.
    """
    deployments, sets, pods, events = snapshot
    if deployments and sets:
        sets = [item for item in sets if same_template(item, deployments[0])]
        if not sets:
            return Verdict(False, "pods of the previous template end")
    # A pod that a device plugin refused stays, while another one runs in its place.
    living = [pod for pod in pods if not ended(pod)]
    if deployments and sum(_runs(pod) for pod in living) >= wanted_pods(deployments[0]):
        pods = living
    verdict = judge_deployment([deployments, sets, pods, events])
    if not verdict.done:
        return _with_way_out(verdict, deployments, pods)
    ending = sum(leaving(pod) for pod in pods)
    if ending:
        message = f"{verdict.message}, {ending} terminating"
        return replace(verdict, done=False, message=message, found=None)
    if not _all_ready(living, wanted_pods(verdict.found)):
        return replace(verdict, done=False, found=None)
    return replace(verdict, found=living)


def _runs(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _with_way_out(
    verdict: Verdict, deployments: Sequence[Object], pods: Sequence[Object]
) -> Verdict:
    """Add a hint with the option that helps if a node has no room for a surge pod."""
    trouble = verdict.trouble
    if trouble is None or trouble.reason != UNSCHEDULABLE or "Insufficient" not in trouble.message:
        return verdict
    if not deployments or len(pods) <= int(deployments[0]["spec"].get("replicas", 1)):
        return verdict
    hint = "Old pods have what it asks for: set rolling_update.max_unavailable to 1"
    return replace(verdict, trouble=replace(trouble, hint=hint))


def judge_nodes(snapshot: Snapshot) -> Verdict:
    """Judge C([daemon sets, replica sets, pods, events]): one current pod on every chosen node."""
    sets, _unused, pods, events = snapshot
    verdict = judge_daemon_set([sets, pods, events])
    ending = sum(leaving(pod) for pod in pods)
    if not verdict.done:
        return verdict
    if ending:
        message = f"{verdict.message}, {ending} terminating"
        return replace(verdict, done=False, message=message, found=None)
    # Counts and pods come from different watches; either may be newer.
    if not _all_ready(pods, int(verdict.found["status"]["desiredNumberScheduled"])):
        return replace(verdict, done=False, found=None)
    return replace(verdict, found=list(pods))


def _all_ready(pods: Sequence[Object], wanted: int) -> bool:
    return len(pods) == len(ready_pods(pods)) == wanted


def same_template(replica_set: Object, deployment: Mapping[str, Any]) -> bool:
    """Tell whether a ReplicaSet is the newest, as the Deployment's controller finds it."""
    template = copy.deepcopy(replica_set["spec"]["template"])
    labels = template["metadata"].get("labels") or {}
    labels.pop("pod-template-hash", None)
    return bool(template == deployment["spec"]["template"])


def wait_pods_gone(client: KubeClient, namespace: str, name: str, timeout: float) -> None:
    """Wait until no pod of a removed server is left.

    Raises:
        WaitError: names the pods that still end.
    """
    source = Source("v1", "Pod", namespace, pod_selector_text(name))
    wait_gone(client, source, timeout, what=f"pods of server {namespace}/{name}")
