# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Services of a server and the ServiceMonitor that scrapes it. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..spec.monitor import Object
from ..spec.service import HEADLESS_LABEL, ServiceOptions


def service_monitor(
    metadata: Mapping[str, Any], options: Mapping[str, Any], selector: Mapping[str, str]
) -> Object:
    """Return the ServiceMonitor of the server's first Service; each pod is read once."""
    endpoint = {"port": "rest", "path": "/metrics", **options["times"]}
    labels = {**options["labels"], **metadata["labels"]}
    once = {"key": HEADLESS_LABEL, "operator": "DoesNotExist"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {**metadata, "labels": labels},
        "spec": {
            "selector": {"matchLabels": dict(selector), "matchExpressions": [once]},
            "endpoints": [endpoint],
        },
    }


def with_extras(metadata: Dict[str, Any], options: ServiceOptions) -> Dict[str, Any]:
    """Return the metadata of a Service with the labels and annotations for it alone."""
    made = {**metadata, "labels": {**dict(options.labels), **metadata["labels"]}}
    annotations = {**metadata.get("annotations", {}), **dict(options.annotations)}
    return {**made, "annotations": annotations} if annotations else made


def headless_name(service: str) -> str:
    """Return the name of the second Service of a server, given that of the first."""
    return f"{service}-headless"


def headless_service(service: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the second Service, made from the first.

    A gRPC client keeps one connection, to one pod; this name resolves to all pods.
    """
    metadata = dict(service["metadata"])
    metadata["name"] = headless_name(metadata["name"])
    metadata["labels"] = {**metadata["labels"], HEADLESS_LABEL: "true"}
    spec = service["spec"]
    ports = [{key: item[key] for key in item if key != "nodePort"} for item in spec["ports"]]
    fields = {"type": "ClusterIP", "clusterIP": "None", "selector": spec["selector"]}
    return {**service, "metadata": metadata, "spec": {**fields, "ports": ports}}
