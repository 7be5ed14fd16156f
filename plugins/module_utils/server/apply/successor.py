# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether new pods can start beside the old ones, or why these have to end first.

A claim with ReadWriteOnce is for one node, not for one pod: a second pod on the same node may use
it. So where nothing else is in the way, the new pod is started there, and the old one ends when the
new one serves. The Deployment itself keeps its strategy C(Recreate), since nobody watches a rollout
that others start; only for the change is it allowed one pod more.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

from ...kube.client import KubeClient
from ..discover import live
from ..render.facts import ClusterFacts
from ..render.identity import Object
from ..spec.running import CONTAINER
from ..spec.server import ServerSpec
from .prepull import ends_first
from .switching import taken_by_old_pods

HOSTNAME = "kubernetes.io/hostname"


def why_first(
    client: KubeClient,
    spec: ServerSpec,
    facts: ClusterFacts,
    claim: Optional[Object],
    workload: Mapping[str, Any],
) -> str:
    """Return why old pods end first, in words; empty: they need not.

    Args:
        client: asked for the volume and the nodes.
        spec: the server.
        facts: about the cluster.
        claim: of the store, if it is one.
        workload: as it is wanted.
    """
    if not ends_first(workload):
        return ""
    taken = taken_by_old_pods(workload["spec"]["template"])
    if taken:
        return taken
    if workload["kind"] == "DaemonSet":
        return "each node of a DaemonSet runs one pod at a time"
    if (workload["spec"].get("strategy") or {}).get("type") != "Recreate":
        return "the rolling update takes a pod away before it adds one"
    if spec.strategy == "Recreate":
        return "strategy is Recreate"
    return _of_claim(client, facts, claim, workload["spec"]["template"])


def _of_claim(
    client: KubeClient, facts: ClusterFacts, claim: Optional[Object], template: Mapping[str, Any]
) -> str:
    modes = facts.access_modes or ()
    if "ReadWriteOncePod" in modes:
        return "the claim's access mode ReadWriteOncePod lets one pod use it"
    if "ReadWriteOnce" not in modes:
        return "the claim may be for one node at a time"
    if not _asks_for_memory(template):
        return (
            "without resources.requests.memory nobody can tell whether a node has room for an old"
            " and a new pod"
        )
    if not _stays_on_node(client, claim or {}):
        return "the volume is not bound to a node, and a new pod could be put on another one"
    return ""


def _asks_for_memory(template: Mapping[str, Any]) -> bool:
    """Tell whether the scheduler knows what the server needs; a limit counts as a request."""
    for container in template["spec"]["containers"]:
        if container["name"] == CONTAINER:
            resources = container.get("resources") or {}
            groups = [resources.get(name) or {} for name in ("requests", "limits")]
            return any("memory" in group for group in groups)
    return False


def _stays_on_node(client: KubeClient, claim: Mapping[str, Any]) -> bool:
    """Tell whether every pod with the claim comes to the node of the others."""
    nodes = live.list_if_allowed(client, "v1", "Node")
    if nodes is not None and len(nodes) == 1:
        return True
    volume = (claim.get("spec") or {}).get("volumeName")
    if not volume:
        return False
    found = live.get_if_allowed(client, "v1", "PersistentVolume", volume).item or {}
    affinity = (found.get("spec") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("required") or {}).get("nodeSelectorTerms") or []
    if nodes is None:
        hosts = [_values(term, HOSTNAME) for term in terms]
        return bool(hosts) and all(len(values) == 1 for values in hosts) and len(set(hosts)) == 1
    # A disk of a cloud names a zone, which mostly has several nodes.
    return sum(any(_names(term, node) for term in terms) for node in nodes) == 1


def _names(term: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Tell whether a term of an affinity may be about a node; an operator but In may."""
    labels = (node.get("metadata") or {}).get("labels") or {}
    return all(
        item.get("operator") != "In" or labels.get(item.get("key")) in (item.get("values") or ())
        for item in term.get("matchExpressions") or ()
    )


def _values(term: Mapping[str, Any], key: str) -> Tuple[str, ...]:
    """Return the values of a label that a term allows; none if it does not name the label."""
    for item in term.get("matchExpressions") or ():
        if item.get("key") == key and item.get("operator") == "In":
            return tuple(item.get("values") or ())
    return ()
