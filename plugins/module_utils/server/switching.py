# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Deployment to a DaemonSet and back: new pods first, where they have room beside the old.

Both kinds' pods have the labels that the Service chooses, so requests go to whoever is ready.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import kinds, waiting
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    ClusterFacts,
    Object,
    holds_device,
    rollout_strategy,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec

# Owners of the pods of each kind of workload.
_OWNERS = {"Deployment": "ReplicaSet", "DaemonSet": "DaemonSet"}
# What the scheduler says of nodes that would do if the old pods were not there
# (k8s.io/kubernetes, pkg/scheduler/framework/plugins).
_TAKEN = ("Insufficient", "free ports", "anti-affinity", "topology spread", "Too many pods")


def leaving_workload(stale: Sequence[Object]) -> Optional[Object]:
    """Return what runs the old pods and is no longer wanted, C(None) if the kind stays."""
    return next((item for item in stale if item["kind"] in kinds.WORKLOADS), None)


def in_the_way(spec: ServerSpec, facts: ClusterFacts, template: Mapping[str, Any]) -> str:
    """Return why old pods have to end before new ones can start, C("") if they need not."""
    if holds_device(template):
        return "the old pods hold the devices that new ones ask for"
    pod = template["spec"]
    ports = [port for item in pod["containers"] for port in item.get("ports") or ()]
    if pod.get("hostNetwork") or any(port.get("hostPort") for port in ports):
        return "the old pods have the ports of the nodes that new ones ask for"
    if spec.strategy == "Recreate":
        return "strategy is Recreate"
    if rollout_strategy(spec, facts)["type"] == "Recreate":
        return "the claim may be for one node at a time"
    return ""


def held_back(wanted: Sequence[Object], old: Object) -> Tuple[List[Object], List[Object]]:
    """Return what is sent before the old workload goes, and after it.

    The Service that no longer names the old kind comes after it: its record is how a later run
    finds what a run that was cut off has left.
    """
    named = kinds.optional([old])
    before = [item for item in wanted if not (named and item["kind"] == "Service")]
    return before, [item for item in wanted if item not in before]


def wait_beside(
    client: KubeClient, spec: ServerSpec, kind: str, timeout: float, runtime: Runtime
) -> None:
    """Wait until the pods of the new kind serve, whatever the old ones do.

    Where they find no room beside the old ones, it is time for those to go; not where no node would
    do at all.

    Raises:
        WaitError: another reason, or the time is over; the old pods still serve.
    """
    try:
        waiting.wait_rollout(
            client,
            spec.namespace,
            spec.name,
            timeout,
            runtime,
            kind,
            mine=lambda pod: owned_by(pod, _OWNERS[kind]),
        )
    except WaitError as error:
        if error.details.get("reason") != waiting.UNSCHEDULABLE:
            raise
        if not any(words in error.message for words in _TAKEN):
            raise
        runtime.progress(f"{spec.name}: no room beside the old pods, so they end first")


def owned_by(pod: Mapping[str, Any], kind: str) -> bool:
    """Tell whether a pod belongs to an object of that kind."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == kind for owner in owners)
