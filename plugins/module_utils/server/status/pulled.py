# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges whether nodes have pulled the images of pods that are there for nothing else. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...kube.health.pods import Trouble, creation_trouble, pod_trouble
from ...kube.health.workloads import Verdict
from ..render.identity import Object

# A container waits for one of these when its image is there: the kubelet pulls first
# (k8s.io/kubernetes, pkg/kubelet/kuberuntime, startContainer).
_AFTER_PULL = ("CrashLoopBackOff", "CreateContainerError", "RunContainerError", "StartError")
# Admission refuses the pod, or the cluster has no room for it: nothing is said about the image.
NOT_MADE = ("Quota", "Constraint", "PodSecurity", "FailedCreate")
# What the scheduler says of a node that has no room for one pod more
# (k8s.io/kubernetes, pkg/scheduler/framework/plugins).
NO_ROOM = ("Insufficient", "Too many pods")


def judge_pulled(
    pods: Sequence[Object], events: Sequence[Object], jobs: Mapping[str, Object]
) -> Verdict:
    """Judge the pods of C(jobs), by uid: every image of each has to be on its node.

    C(found) has one entry for each image and node: C(node), C(image), C(image_id).
    """
    mine = {_owner(pod): pod for pod in pods if _owner(pod) in jobs}
    found: List[Dict[str, str]] = []
    trouble: Optional[Trouble] = None
    stuck: Optional[Object] = None
    done = 0
    for uid, job in jobs.items():
        pod = mine.get(uid)
        there = _pulled(pod) if pod is not None else None
        if there is not None:
            done += 1
            found += there
        elif trouble is None or not trouble.fatal:
            own = _trouble(pod, job, events)
            trouble, stuck = (own, pod) if own is not None else (trouble, stuck)
    message = f"images are on {done} of {len(jobs)} nodes"
    if done == len(jobs):
        return Verdict(True, message, found=found)
    return Verdict(False, message, trouble, stuck)


def node_of(pod: Optional[Mapping[str, Any]]) -> str:
    """Return the name of the node that a pod is on, or has to be on; empty: nobody knows yet."""
    spec = (pod or {}).get("spec") or {}
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for item in term.get("matchFields") or ():
            return str(next(iter(item.get("values") or ("",))))
    return ""


def image_of(pod: Optional[Mapping[str, Any]]) -> str:
    """Return the image that the first container of a pod waits for."""
    for status in ((pod or {}).get("status") or {}).get("containerStatuses") or ():
        if not _is_there(status):
            return str(status.get("image") or "")
    return ""


def _owner(pod: Mapping[str, Any]) -> str:
    owners = pod["metadata"].get("ownerReferences") or ()
    return str(next((owner.get("uid") for owner in owners), ""))


def _pulled(pod: Mapping[str, Any]) -> Optional[List[Dict[str, str]]]:
    """Return the images of a pod, None as long as one of them is missing."""
    wanted = {item["name"]: str(item["image"]) for item in pod["spec"]["containers"]}
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    if len(statuses) < len(wanted) or not all(map(_is_there, statuses)):
        return None
    return [
        {
            "node": node_of(pod),
            "image": wanted[status["name"]],
            "image_id": str(status.get("imageID") or ""),
        }
        for status in statuses
        if status["name"] in wanted
    ]


def _is_there(status: Mapping[str, Any]) -> bool:
    """Tell whether the image of a container is on the node: it ran, or failed to be started."""
    state = status.get("state") or {}
    if state.get("running") is not None or state.get("terminated") is not None:
        return bool(status.get("imageID"))
    return (state.get("waiting") or {}).get("reason") in _AFTER_PULL


def _trouble(pod: Optional[Object], job: Object, events: Sequence[Object]) -> Optional[Trouble]:
    if pod is None:
        return creation_trouble({"kind": "Job", **job}, events)
    trouble = pod_trouble({"kind": "Pod", **pod}, events)
    # The pod has nothing to say in its log.
    return trouble and replace(trouble, container="")
