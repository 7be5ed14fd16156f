# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of Cluster API: a Cluster of a management cluster becomes a record. Pure.

Names of fields and conditions are those of C(cluster.x-k8s.io), C(v1beta1) and C(v1beta2).
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from .managed import condition
from .options import HubSource
from .records import Record

GROUP = "cluster.x-k8s.io"
KIND = "Cluster"
# Each Cluster NAME has a Secret with a kubeconfig, NAME and this, under this key.
SECRET_SUFFIX = "-kubeconfig"
SECRET_KEY = "value"


def left_out(obj: Mapping[str, Any]) -> Optional[str]:
    """Return why a Cluster is no cluster of the fleet, None where it is one."""
    return "it is being deleted" if obj["metadata"].get("deletionTimestamp") else None


def record(obj: Mapping[str, Any], source: HubSource) -> Record:
    """Return the record of a Cluster."""
    meta = obj["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    facts: Dict[str, Any] = {
        "source": source.option,
        "name": name,
        "namespace": namespace,
        "labels": dict(meta.get("labels") or {}),
        "available": available(status),
        "phase": status.get("phase"),
        "paused": bool(spec.get("paused")),
        "kubernetes": (spec.get("topology") or {}).get("version"),
        "server": _server(spec),
        "login": {"namespace": namespace, "secret": name + SECRET_SUFFIX},
        "hub": dict(source.hub),
    }
    host = f"{namespace}.{name}" if source.qualified_names else name
    return Record(host, f"{KIND} {namespace}/{name} of {source.option}", facts, from_hub=True)


def available(status: Mapping[str, Any]) -> Optional[bool]:
    """Return whether a cluster is available, None where it is not known.

    C(v1beta2) has the condition C(Available), C(v1beta1) the same below C(status.v1beta2) since
    its release 1.9, and before that C(Ready) alone.
    """
    conditions = status.get("conditions") or []
    later = (status.get("v1beta2") or {}).get("conditions") or []
    for among, kind in ((conditions, "Available"), (later, "Available"), (conditions, "Ready")):
        if any(one.get("type") == kind for one in among):
            return condition(among, kind)
    return None


def _server(spec: Mapping[str, Any]) -> Optional[str]:
    endpoint = spec.get("controlPlaneEndpoint") or {}
    host, port = endpoint.get("host"), endpoint.get("port")
    if not host or not port:
        return None
    return f"https://{'[' + host + ']' if ':' in host else host}:{port}"
