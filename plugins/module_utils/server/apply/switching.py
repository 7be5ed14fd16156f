# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches between Deployment and DaemonSet; new pods start first if nodes have room for both.

Pods of both kinds have the labels of the Service's selector, so all ready pods get requests.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

from ...errors import WaitError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render import kinds
from ..render.facts import ClusterFacts
from ..render.identity import Object
from ..render.strategy import holds_device, rollout_strategy
from ..spec.server import ServerSpec
from ..status import wait
from ..status.progress import wanted_pods
from ..status.retry import UNSCHEDULABLE

# Owners of the pods of each kind of workload.
_OWNERS = {"Deployment": "ReplicaSet", "DaemonSet": "DaemonSet"}
# What the scheduler says of nodes that would do if the old pods were not there
# (k8s.io/kubernetes, pkg/scheduler/framework/plugins).
_TAKEN = ("Insufficient", "free ports", "anti-affinity", "topology spread", "Too many pods")


def leaving_workload(stale: Sequence[Object]) -> Optional[Object]:
    """Return the old workload if its kind is no longer wanted, else C(None)."""
    return next((item for item in stale if item["kind"] in kinds.WORKLOADS), None)


def in_the_way(spec: ServerSpec, facts: ClusterFacts, template: Mapping[str, Any]) -> str:
    """Return why old pods must end before new ones can start, C("") if both can run."""
    taken = taken_by_old_pods(template)
    if taken:
        return taken
    if spec.strategy == "Recreate":
        return "strategy is Recreate"
    if rollout_strategy(spec, facts)["type"] == "Recreate":
        return "the claim may be for one node at a time"
    return ""


def taken_by_old_pods(template: Mapping[str, Any]) -> str:
    """Return what old pods have that new ones need for themselves, in words, if anything."""
    if holds_device(template):
        return "the old pods hold the devices that new ones ask for"
    pod = template["spec"]
    ports = [port for item in pod["containers"] for port in item.get("ports") or ()]
    if pod.get("hostNetwork") or any(port.get("hostPort") for port in ports):
        return "the old pods have the ports of the nodes that new ones ask for"
    return ""


def all_end(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether no pod of a workload serves at one time of its rollout."""
    if new["kind"] == "DaemonSet":
        return False
    if (new["spec"].get("strategy") or {}).get("type") == "Recreate":
        return True
    return wanted_pods({**old, "kind": new["kind"]}) <= 1


def lacks_room(error: WaitError) -> bool:
    """Tell whether new pods would fit if the old ones were not there."""
    if error.details.get("reason") != UNSCHEDULABLE:
        return False
    return any(words in error.message for words in _TAKEN)


def lacks_room_or_quota(error: WaitError) -> bool:
    """Tell the same, where a quota of the namespace counts as room."""
    return lacks_room(error) or error.details.get("reason") == "Quota"


def held_back(wanted: Sequence[Object], old: Object) -> Tuple[List[Object], List[Object]]:
    """Return the objects to send before and after the removal of the old workload.

    The Service is sent afterwards: until then its record lists the old kind, so that a later run
    finds what an interrupted one has left.
    """
    named = kinds.optional([old])
    before = [item for item in wanted if not (named and item["kind"] == "Service")]
    return before, [item for item in wanted if item not in before]


def wait_beside(
    client: KubeClient, spec: ServerSpec, kind: str, timeout: float, runtime: Runtime
) -> bool:
    """Wait until the pods of the new kind are ready, and tell whether they are.

    If no node has room for both, the wait ends, so that the old pods are removed; but if no node
    fits at all, this is an error.

    Raises:
        WaitError: another reason, or the time is over; the old pods still serve.
    """
    try:
        wait.wait_rollout(
            client,
            spec.namespace,
            spec.name,
            timeout,
            runtime,
            kind,
            mine=lambda pod: owned_by(pod, _OWNERS[kind]),
        )
    except WaitError as error:
        if not lacks_room(error):
            raise
        runtime.progress(f"{spec.name}: no room beside the old pods, so they end first")
        return False
    return True


def of_workload(pod: Mapping[str, Any], kind: str) -> bool:
    """Tell whether a pod is run by a workload of that kind."""
    return owned_by(pod, _OWNERS[kind])


def owned_by(pod: Mapping[str, Any], kind: str) -> bool:
    """Tell whether a pod belongs to an object of that kind."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == kind for owner in owners)
