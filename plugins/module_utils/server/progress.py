# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rollout is, from one look. Pure: objects in, verdict out."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.kube.pods import is_ready

Pod = Mapping[str, Any]
Object = Dict[str, Any]


def complete(deployment: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Tell whether a rollout is over, old pods gone included."""
    wanted = int(deployment["spec"].get("replicas", 1))
    status = deployment.get("status") or {}
    observed = int(status.get("observedGeneration", 0))
    if observed < int(deployment["metadata"].get("generation", 0)):
        return False
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    if any(int(status.get(name, 0)) != wanted for name in names):
        return False
    return len(pods) == wanted and not any(leaving(pod) for pod in pods)


def leaving(pod: Pod) -> bool:
    """Tell whether a pod is being terminated."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def ready_pods(pods: Iterable[Object]) -> List[Object]:
    """Return the pods that serve, by name."""
    return sorted(filter(is_ready, pods), key=lambda pod: str(pod["metadata"]["name"]))
