# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of hubs and kubeconfigs as these tests need them."""

from __future__ import annotations

import base64
from typing import Any

Object = dict[str, Any]


def managed(name: str, **changes: Any) -> Object:
    """A ManagedCluster that the hub has accepted and that has an address."""
    spec = {
        "hubAcceptsClient": True,
        "managedClusterClientConfigs": [{"url": f"https://{name}.example.com", "caBundle": "Q0E="}],
    }
    return {
        "apiVersion": "cluster.open-cluster-management.io/v1",
        "kind": "ManagedCluster",
        "metadata": {"name": name, **changes.get("metadata", {})},
        "spec": {**spec, **changes.get("spec", {})},
        "status": changes.get("status", {}),
    }


def cluster(name: str, namespace: str = "fleet", **changes: Any) -> Object:
    """A Cluster of Cluster API."""
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace, **changes.get("metadata", {})},
        "spec": changes.get("spec", {}),
        "status": changes.get("status", {}),
    }


def secret(namespace: str, name: str, **values: str) -> Object:
    """A Secret."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def kubeconfig(*contexts: str, server: str = "https://127.0.0.1:1", **user: Any) -> Object:
    """A kubeconfig; the first context is the current one."""
    named = {"cluster": "c", "user": "u"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts[0],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": name, "context": named} for name in contexts],
        "users": [{"name": "u", "user": user or {"token": "of-a-kubeconfig"}}],
    }
