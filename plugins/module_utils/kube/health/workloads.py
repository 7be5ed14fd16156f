# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the state of Deployments, DaemonSets, pods and Jobs; pure functions over API objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .pods import CREATE_GRACE, Trouble, creation_trouble, deadline_trouble, is_ready, pod_trouble

TEMPLATE_NUMBER = "deprecated.daemonset.template.generation"
# Seconds that a DaemonSet may be without a node: one may just be joining, or lose a taint.
NODE_GRACE = 15.0

Object = Mapping[str, Any]
Snapshot = List[List[Dict[str, Any]]]  # the objects of each source, in the order of the sources


@dataclass(frozen=True)
class Verdict:
    """The state of what is waited for.

    Attributes:
        done: what was waited for is there.
        message: how far it is, for a person.
        trouble: what is in the way, None when all goes well.
        pod: the pod the trouble is about.
        found: what was waited for.
    """

    done: bool
    message: str
    trouble: Optional[Trouble] = None
    pod: Optional[Object] = None
    found: Any = None


def judge_deployment(snapshot: Snapshot) -> Verdict:
    """Judge C([deployments, replica sets, pods, events]) as C(kubectl rollout status) does."""
    deployments, sets, pods, events = snapshot
    if not deployments:
        return Verdict(False, "the Deployment is not there yet")
    deployment = deployments[0]
    status, wanted = deployment.get("status") or {}, _replicas(deployment)
    updated, available = status.get("updatedReplicas") or 0, status.get("availableReplicas") or 0
    old = (status.get("replicas") or 0) - updated
    if (status.get("observedGeneration") or 0) < deployment["metadata"].get("generation", 0):
        return Verdict(False, "the Deployment is about to be rolled out")
    message = f"{min(updated, available)} of {wanted} replicas available"
    message += f", {old} old ones end" if old > 0 else ""
    if updated >= wanted and old <= 0 and available >= wanted:
        return Verdict(True, message, found=deployment)
    current = _current_set(deployment, sets)
    mine = [pod for pod in pods if current is None or _owned(pod, current)]
    trouble, pod = _first_trouble(mine, events)
    if trouble is None and current is not None and len(mine) < _replicas(current):
        trouble = creation_trouble(_kind(current, "ReplicaSet"), events)
    trouble = trouble or deadline_trouble(deployment)
    return Verdict(False, message, trouble, pod)


def _replicas(obj: Object) -> int:
    wanted = (obj.get("spec") or {}).get("replicas")
    return 1 if wanted is None else int(wanted)


def _current_set(deployment: Object, sets: Sequence[Object]) -> Optional[Object]:
    """Return the ReplicaSet of the newest revision."""
    mine = [item for item in sets if _owned(item, deployment)]
    return max(mine, key=_revision, default=None)


def _revision(obj: Object) -> int:
    annotations = obj["metadata"].get("annotations") or {}
    return int(annotations.get("deployment.kubernetes.io/revision") or 0)


def _owned(obj: Object, owner: Object) -> bool:
    owners = obj["metadata"].get("ownerReferences") or ()
    return any(ref.get("uid") == owner["metadata"].get("uid") for ref in owners)


def _kind(obj: Object, kind: str) -> Object:
    return {"kind": kind, **obj}


def _first_trouble(
    pods: Sequence[Object], events: Sequence[Object]
) -> Tuple[Optional[Trouble], Optional[Object]]:
    """Return the worst trouble of the pods that are not being deleted."""
    found = []
    for pod in pods:
        if not pod["metadata"].get("deletionTimestamp") and not is_ready(pod):
            trouble = pod_trouble(_kind(pod, "Pod"), events)
            if trouble is not None:
                found.append((not trouble.fatal, trouble.grace, trouble, pod))
    found.sort(key=lambda item: item[:2])
    return (found[0][2], found[0][3]) if found else (None, None)


def judge_daemon_set(snapshot: Snapshot) -> Verdict:
    """Judge C([daemon sets, pods, events]) as C(kubectl rollout status) does.

    Which pods are current is told by the number of the template that its controller puts on both
    (k8s.io/kubernetes pkg/controller/daemon/util: an annotation here, a label there).
    """
    sets, pods, events = snapshot
    if not sets:
        return Verdict(False, "the DaemonSet is not there yet")
    daemon_set = _kind(sets[0], "DaemonSet")
    metadata, status = daemon_set["metadata"], daemon_set.get("status") or {}
    if (status.get("observedGeneration") or 0) < metadata.get("generation", 0):
        return Verdict(False, "the DaemonSet is about to be rolled out")
    wanted = status.get("desiredNumberScheduled") or 0
    updated, available = (
        status.get("updatedNumberScheduled") or 0,
        status.get("numberAvailable") or 0,
    )
    message = f"{min(updated, available)} of {wanted} nodes serve"
    if wanted and updated >= wanted and available >= wanted:
        return Verdict(True, message, found=sets[0])
    if not wanted:
        text = f"no node takes a pod of DaemonSet {metadata.get('name')}"
        hint = "Compare node_selector, affinity and tolerations with the nodes' labels and taints"
        return Verdict(
            False, "no node takes a pod", Trouble("NoNode", text, hint, True, NODE_GRACE)
        )
    number = (metadata.get("annotations") or {}).get(TEMPLATE_NUMBER)
    mine = [
        pod
        for pod in pods
        if number is None or _labels(pod).get("pod-template-generation") in (None, number)
    ]
    trouble, pod = _first_trouble(mine, events)
    if trouble is None and len(mine) < wanted:
        trouble = creation_trouble(daemon_set, events)
        # The event may be from an earlier attempt; a DaemonSet has no condition that clears on
        # success.
        trouble = trouble and replace(trouble, grace=max(trouble.grace, CREATE_GRACE))
    return Verdict(False, message, trouble, pod)


def _labels(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def judge_pods(snapshot: Snapshot, count: int) -> Verdict:
    """Judge C([pods, events]) or C([pods, events, jobs])."""
    pods, events = snapshot[0], snapshot[1]
    jobs = snapshot[2] if len(snapshot) > 2 else []
    ready = [pod for pod in pods if is_ready(pod)]
    message = f"{len(ready)} of {count} pods ready"
    if len(ready) >= count:
        return Verdict(True, message, found=ready)
    trouble, pod = _first_trouble(pods, events)
    if trouble is None and not pods and jobs:
        trouble = creation_trouble(_kind(jobs[0], "Job"), events)
    return Verdict(False, message, trouble, pod)


def judge_job(snapshot: Snapshot) -> Verdict:
    """Judge C([jobs, pods, events])."""
    jobs, pods, events = snapshot
    if not jobs:
        return Verdict(False, "the Job is not there yet")
    job = _kind(jobs[0], "Job")
    trouble, pod = _first_trouble(pods, events)
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return Verdict(True, "complete", found=jobs[0])
        if condition.get("type") == "Failed":
            text = f"the Job failed: {condition.get('message')}"
            failed = Trouble(str(condition.get("reason")), text, "", True)
            return Verdict(False, "failed", trouble or failed, pod)
    if trouble is None and not pods:
        trouble = creation_trouble(job, events)
    return Verdict(False, "running" if pods else "no pod yet", trouble, pod)
