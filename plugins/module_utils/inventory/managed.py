# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of Open Cluster Management: a ManagedCluster of a hub becomes a record. Pure.

Names of fields and conditions are those of C(cluster.open-cluster-management.io/v1).
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..secrecy import without_login
from .options import HubSource
from .records import Record

API_VERSION = "cluster.open-cluster-management.io/v1"
KIND = "ManagedCluster"
NO_ADDRESS = "the hub knows no address of this cluster (spec.managedClusterClientConfigs is empty)"


def left_out(obj: Mapping[str, Any]) -> Optional[str]:
    """Return why a ManagedCluster is no cluster of the fleet, None where it is one.

    Whoever may register at a hub chooses name, labels and address of his cluster. Before the hub
    has accepted it, tasks would send it models and credentials.
    """
    if obj["metadata"].get("deletionTimestamp"):
        return "it is being deleted"
    if not (obj.get("spec") or {}).get("hubAcceptsClient"):
        return "the hub has not accepted it"
    return None


def record(obj: Mapping[str, Any], source: HubSource) -> Record:
    """Return the record of a ManagedCluster."""
    name = obj["metadata"]["name"]
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    conditions = status.get("conditions") or []
    address = next(iter(spec.get("managedClusterClientConfigs") or []), None)
    facts: Dict[str, Any] = {
        "source": source.option,
        "name": name,
        "labels": dict(obj["metadata"].get("labels") or {}),
        "available": condition(conditions, "ManagedClusterConditionAvailable"),
        "joined": condition(conditions, "ManagedClusterJoined"),
        "taints": _taints(spec),
        "claims": _claims(status),
        "kubernetes": (status.get("version") or {}).get("kubernetes"),
        "server": without_login(address["url"]) if address else None,
    }
    origin = f"{KIND} {name} of {source.option}"
    if address is None:
        # Where compose cannot tell a way for this host, it still has one that leads nowhere.
        way, reason = {"edge_kubeconfig": nowhere()}, None if source.own_kubeconfig else NO_ADDRESS
        return Record(name, origin, facts, way, broken=reason)
    if source.service_account:
        facts["ca"] = address.get("caBundle")
        facts["login"] = {"namespace": name, "secret": source.service_account}
        facts["hub"] = dict(source.hub)
        return Record(name, origin, facts, from_hub=True)
    way = {"edge_kubeconfig": kubeconfig(facts["server"], address.get("caBundle"))}
    return Record(name, origin, facts, way)


def condition(conditions: List[Mapping[str, Any]], kind: str) -> Optional[bool]:
    """Return what a condition says, None where it is missing or C(Unknown)."""
    said = next((one.get("status") for one in conditions if one.get("type") == kind), None)
    return {"True": True, "False": False}.get(str(said))


def kubeconfig(server: str, ca: Optional[str], token: Optional[str] = None) -> Dict[str, Any]:
    """Return a kubeconfig with one context; without C(ca) the system's authorities are trusted.

    Args:
        server: the address.
        ca: the authority, PEM in base64.
        token: who asks; without it options have to say so.
    """
    cluster = {"server": server, **({"certificate-authority-data": ca} if ca else {})}
    context = {"cluster": "cluster", **({"user": "user"} if token else {})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "cluster",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "contexts": [{"name": "cluster", "context": context}],
        "users": [{"name": "user", "user": {"token": token}}] if token else [],
    }


def nowhere() -> Dict[str, Any]:
    """Return a kubeconfig that every task refuses with the reason as the missing context.

    Without one, tasks would go to the cluster of K8S_AUTH_KUBECONFIG or of ~/.kube/config.
    """
    empty: Dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": []}
    return {**empty, "users": [], "current-context": NO_ADDRESS}


def _taints(spec: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return [
        {key: taint[key] for key in ("key", "value", "effect") if taint.get(key)}
        for taint in spec.get("taints") or ()
    ]


def _claims(status: Mapping[str, Any]) -> Dict[str, str]:
    return {
        claim["name"]: claim.get("value") or ""
        for claim in status.get("clusterClaims") or ()
        if claim.get("name")
    }
