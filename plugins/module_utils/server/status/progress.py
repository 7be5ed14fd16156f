# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the progress of a rollout from one reading of its objects. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ...kube.health.pods import is_ready

Pod = Mapping[str, Any]
Object = Dict[str, Any]


_DEPLOYED = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
# Without misscheduled pods: the controller removes them, and they are counted with the pods.
_ON_NODES = (
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberReady",
    "numberAvailable",
)


def wanted_pods(workload: Mapping[str, Any]) -> int:
    """Return how many pods a Deployment or DaemonSet is to have; the nodes decide for the latter.

    A DaemonSet without a node that takes its pods counts as one pod that is not there.
    """
    if workload.get("kind") == "DaemonSet":
        return max(1, int((workload.get("status") or {}).get("desiredNumberScheduled", 0)))
    return int(workload["spec"].get("replicas", 1))


def complete(workload: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Tell whether a rollout is complete, and all old pods have ended."""
    wanted = wanted_pods(workload)
    status = workload.get("status") or {}
    observed = int(status.get("observedGeneration", 0))
    if observed < int(workload["metadata"].get("generation", 0)):
        return False
    names = _ON_NODES if workload.get("kind") == "DaemonSet" else _DEPLOYED
    if any(int(status.get(name, 0)) != wanted for name in names):
        return False
    left = [pod for pod in pods if not ended(pod)]
    return len(left) == wanted and not any(leaving(pod) for pod in left)


def ended(pod: Pod) -> bool:
    """Tell whether a pod has ended but still exists; it uses nothing, and its owner replaces it."""
    if leaving(pod):
        return False
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def leaving(pod: Pod) -> bool:
    """Tell whether a pod is being terminated."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def ready_pods(pods: Iterable[Object]) -> List[Object]:
    """Return the ready pods by name."""
    return sorted(filter(is_ready, pods), key=lambda pod: str(pod["metadata"]["name"]))
