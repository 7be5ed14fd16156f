# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects every lab cluster starts with: DNS, storage classes, rights of the add-ons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge_lab.pki import USERS
from edge_lab.plan import Cluster

#: The name the provisioner program answers to.
PROVISIONER = "openvino.edge/lab"
RBAC = "rbac.authorization.k8s.io/v1"


def dns_service(cluster: Cluster) -> dict[str, Any]:
    """Service kube-dns without a selector: its endpoint is no pod."""
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"},
        },
        "spec": {"clusterIP": cluster.dns_service, "ports": ports},
    }


def dns_endpoints(cluster: Cluster) -> dict[str, Any]:
    """The endpoint of kube-dns: CoreDNS on the control machine."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns-control",
            "namespace": "kube-system",
            "labels": {
                "kubernetes.io/service-name": "kube-dns",
                "endpointslice.kubernetes.io/managed-by": "edge-lab",
            },
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [cluster.control.address], "conditions": {"ready": True}}],
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ],
    }


def storage_class(
    name: str, provisioner: str, binding: str, kind: str = "", default: bool = False
) -> dict[str, Any]:
    """One StorageClass; `kind` is the provisioner's parameter."""
    flag = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": flag},
        "provisioner": provisioner,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": binding,
        **({"parameters": {"kind": kind}} if kind else {}),
    }


def role(name: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A ClusterRole and its binding to the add-on user of that name."""
    user = USERS[name][0]
    meta = {"name": user}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
    return [
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": meta, "rules": rules},
        {
            "apiVersion": RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": meta,
            "roleRef": reference,
            "subjects": [subject],
        },
    ]


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def rights() -> Iterator[dict[str, Any]]:
    """What the DNS server and the provisioner may do."""
    look = ["get", "list", "watch"]
    yield from role(
        "dns",
        [
            _rule("", ["services", "pods", "namespaces"], ["list", "watch"]),
            _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
        ],
    )
    yield from role(
        "provisioner",
        [
            _rule("", ["persistentvolumes"], [*look, "create", "delete", "patch", "update"]),
            _rule("", ["persistentvolumeclaims"], [*look, "update"]),
            _rule("", ["nodes"], look),
            _rule("", ["events"], ["create", "patch", "update"]),
            _rule("storage.k8s.io", ["storageclasses"], look),
        ],
    )


def base(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """All objects, in the order of applying."""
    yield from rights()
    late = "WaitForFirstConsumer"
    yield storage_class("standard", PROVISIONER, late, "local", default=True)
    yield storage_class("shared", PROVISIONER, "Immediate", "shared")
    yield storage_class("manual-local", "kubernetes.io/no-provisioner", late)
    yield dns_service(cluster)
    yield dns_endpoints(cluster)
