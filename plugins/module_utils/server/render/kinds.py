# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects of a server, and the record of its optional kinds. Pure.

Every server has the kinds in C(ALWAYS). Each optional kind costs a request and a right, so it is
listed only if it is wanted, or if the record says that it was created: an annotation of the
server's Service lists the optional kinds. (With another C(backend) there is no Service of ours, and
a ConfigMap has the annotation.) The Service is sent before the optional objects, and these are
removed before it is sent without their kinds, so that a later run finds the leftovers of an
interrupted one.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Set, Tuple

from ...kube.kinds import KNOWN, Resource
from ..spec.backend import CONTROLLED, INFERENCE_SERVICE, MODEL_SERVER

Kind = Tuple[str, str]

# In the order in which they have to be applied; removed the other way round.
ALWAYS: Tuple[Kind, ...] = (
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
)
SERVICE_MONITOR: Kind = ("monitoring.coreos.com/v1", "ServiceMonitor")
CLAIM_TEMPLATE: Kind = ("resource.k8s.io/v1", "ResourceClaimTemplate")
INGRESS: Kind = ("networking.k8s.io/v1", "Ingress")
INGRESS_CLASS: Kind = ("networking.k8s.io/v1", "IngressClass")
ROUTE: Kind = ("route.openshift.io/v1", "Route")
HTTP_PROXY: Kind = ("projectcontour.io/v1", "HTTPProxy")
# Gateway API 1.1 and later has all of them in this version (sigs.k8s.io/gateway-api, config/crd).
GATEWAY_API = "gateway.networking.k8s.io/v1"
GATEWAY: Kind = (GATEWAY_API, "Gateway")
GATEWAY_CLASS: Kind = (GATEWAY_API, "GatewayClass")
HTTP_ROUTE: Kind = (GATEWAY_API, "HTTPRoute")
GRPC_ROUTE: Kind = (GATEWAY_API, "GRPCRoute")
# By the interface that clients come in to.
ROUTE_OF: Mapping[str, Kind] = {"rest": HTTP_ROUTE, "grpc": GRPC_ROUTE}
SOMETIMES: Tuple[Kind, ...] = (
    ("v1", "Secret"),
    CLAIM_TEMPLATE,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("apps/v1", "DaemonSet"),
    ("policy/v1", "PodDisruptionBudget"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    SERVICE_MONITOR,
    INGRESS,
    HTTP_PROXY,
    ROUTE,
    HTTP_ROUTE,
    GRPC_ROUTE,
    INFERENCE_SERVICE,
    MODEL_SERVER,
)
# The order of sending with optional kinds: first the record, then the objects that pods need.
_SENT = (
    "ServiceAccount",
    "ConfigMap",
    "Service",
    "Secret",
    "ResourceClaimTemplate",
    "RoleBinding",
    "NetworkPolicy",
    "Deployment",
    "DaemonSet",
    *CONTROLLED,
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "ServiceMonitor",
    "Ingress",
    "HTTPProxy",
    "Route",
    "HTTPRoute",
    "GRPCRoute",
)
# Cluster-scoped kinds: applied if asked for, and never removed with a server.
SHARED = ("Namespace", "SecurityContextConstraints", "ClusterRole")
ORDER: Tuple[str, ...] = (*SHARED, *(kind for _version, kind in (*ALWAYS, *SOMETIMES)))
# Kinds whose object is what runs the pods.
WORKLOADS = ("Deployment", "DaemonSet")
KINDS_ANNOTATION = "openvino.edge/kinds"
# The kinds that a cluster may not have, by the option that asks for them.
OPTIONS = {
    "ServiceMonitor": "service_monitor",
    "ResourceClaimTemplate": "device.claim",
    "HTTPProxy": "expose.client_auth",
    "Route": "expose.controller",
    **dict.fromkeys(("Gateway", "HTTPRoute", "GRPCRoute"), "expose.controller"),
    **dict.fromkeys(CONTROLLED, "backend"),
}
# Hints for a missing kind, where the remedy is not to install it.
_GATEWAY_WAY_OUT = (
    "Gateway API 1.1 and later has it in v1: install its CRDs and a controller that serves them, or"
    " set another expose.controller"
)
WAYS_OUT = {
    **dict.fromkeys(("Gateway", "HTTPRoute", "GRPCRoute"), _GATEWAY_WAY_OUT),
    "ResourceClaimTemplate": "Kubernetes 1.34 and later has it; before that use device.resource"
    " with a device plugin",
}

_EXTRA_PLURALS = {
    SERVICE_MONITOR: "servicemonitors",
    ROUTE: "routes",
    HTTP_PROXY: "httpproxies",
    GATEWAY: "gateways",
    HTTP_ROUTE: "httproutes",
    GRPC_ROUTE: "grpcroutes",
}


def optional(objects: Iterable[Mapping[str, Any]]) -> Tuple[Kind, ...]:
    """Return the kinds of objects that not every server has, in the order of C(SOMETIMES)."""
    kinds = {str(item["kind"]) for item in objects}
    return tuple(known for known in SOMETIMES if known[1] in kinds)


def with_record(
    objects: List[Dict[str, Any]], holder: Tuple[str, str] = ("Service", "")
) -> List[Dict[str, Any]]:
    """Return the objects with the optional kinds named on the Service, in the order of sending.

    To be called before hashes are made. Without optional kinds the objects stay as they are.
    C(holder) is kind and name of another object to name them on, where there is no Service.
    """
    text = ",".join(kind for _version, kind in optional(objects))
    if not text:
        return objects
    ordered = sorted(objects, key=lambda item: _SENT.index(item["kind"]))
    return [_noted(item, text) if _holds(item, holder) else item for item in ordered]


def _holds(item: Mapping[str, Any], holder: Tuple[str, str]) -> bool:
    kind, name = holder
    return bool(item["kind"] == kind and name in ("", item["metadata"]["name"]))


def _noted(item: Dict[str, Any], text: str) -> Dict[str, Any]:
    metadata = dict(item["metadata"])
    metadata["annotations"] = {**metadata.get("annotations", {}), KINDS_ANNOTATION: text}
    return {**item, "metadata": metadata}


def for_removal(objects: Iterable[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the objects in the order of removal; the record of optional kinds goes last."""
    order = {kind: -index for index, kind in enumerate(ORDER)}
    ordered = sorted(objects, key=lambda item: order[item["kind"]])
    if not optional(ordered):
        return ordered
    return sorted(ordered, key=lambda item: item["kind"] == "Service")


def recorded(live: Iterable[Mapping[str, Any]]) -> Set[str]:
    """Return the optional kinds that the record on the live objects lists."""
    found: Set[str] = set()
    for item in live:
        annotations = item["metadata"].get("annotations") or {}
        found.update(str(annotations.get(KINDS_ANNOTATION) or "").split(","))
    return found & {kind for _version, kind in SOMETIMES}


def resource(kind: Kind) -> Tuple[str, str]:
    """Return API group and plural, as rights name them."""
    known = KNOWN.get(kind) or Resource(*kind, _EXTRA_PLURALS[kind])
    return known.group, known.plural
