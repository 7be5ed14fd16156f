# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_server_info: which servers run in a namespace."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.entry import merge_specs
from ansible_collections.openvino.edge.plugins.module_utils.kube.args import AUTH_ARGUMENT_SPEC
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Result, Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    BACKEND_KEY,
    CONTROLLED,
    MANIFESTS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config import pinned_versions
from ansible_collections.openvino.edge.plugins.module_utils.server.exposing import EXPOSED_LABEL
from ansible_collections.openvino.edge.plugins.module_utils.server.kinds import recorded
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    Object,
    endpoints,
    owner_selector,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.services import HEADLESS_LABEL
from ansible_collections.openvino.edge.plugins.module_utils.server.template import CONFIG_FILE
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {"namespace": {"type": "str", "required": True}, "name": {"type": "str"}},
)
SPEC_RULES: Dict[str, Any] = {}

_KINDS = (("v1", "ConfigMap"), ("apps/v1", "Deployment"), ("v1", "Service"))


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    namespace = params["namespace"]
    resources = (("", "configmaps"), ("apps", "deployments"), ("", "services"))
    return [Access("list", group, name, namespace=namespace) for group, name in resources]


def run(params: Params, runtime: Runtime) -> Result:
    """Return the servers that the collection made in a namespace, by name."""
    namespace = params["namespace"]
    selector = owner_selector(params.get("name"))
    with KubeClient.from_params(params) as client:
        found = [
            client.list(api_version, kind, namespace, label_selector=selector)[0]
            for api_version, kind in _KINDS
        ]
        if "DaemonSet" in recorded(found[-1]):
            found.append(client.list("apps/v1", "DaemonSet", namespace, label_selector=selector)[0])
        if recorded(found[0]) & set(CONTROLLED):
            from ansible_collections.openvino.edge.plugins.module_utils.server.backends import seen

            found += seen.made_of(client, namespace, found[0])
    return {"changed": False, "servers": describe(*found)}


def describe(*found: Sequence[Object]) -> List[Dict[str, Any]]:
    """Return one entry per server from the objects of each kind; missing parts are None."""
    parts: Dict[str, Dict[str, Object]] = {}
    for items in found:
        for item in items:
            name = item["metadata"]["labels"][SERVER_LABEL]
            part = parts.setdefault(name, {})
            if item["kind"] == "ConfigMap":
                part[_role(item)] = item
            elif not {HEADLESS_LABEL, EXPOSED_LABEL}.intersection(item["metadata"]["labels"]):
                part[item["kind"]] = item
    return [_server(name, parts[name]) for name in sorted(parts)]


def _role(config_map: Object) -> str:
    """Tell the configuration, and the record of another backend, from other ConfigMaps."""
    data = config_map.get("data") or {}
    if CONFIG_FILE in data:
        return "ConfigMap"
    return "record" if BACKEND_KEY in data else "other"


def _server(name: str, parts: Mapping[str, Object]) -> Dict[str, Any]:
    some = next(iter(parts.values()))
    config = _config(parts.get("ConfigMap"))
    workload = parts.get("Deployment") or parts.get("DaemonSet")
    return {
        "name": name,
        "namespace": some["metadata"]["namespace"],
        "backend": parts["record"]["data"][BACKEND_KEY] if "record" in parts else MANIFESTS,
        "models": None if config is None else _models(config),
        "config": config,
        "image": _image(workload),
        "workload": None if workload is None else workload["kind"],
        "replicas": _replicas(workload),
        "service": _service(parts.get("Service")),
    }


def _config(config_map: Optional[Object]) -> Optional[Dict[str, Any]]:
    text = ((config_map or {}).get("data") or {}).get(CONFIG_FILE)
    try:
        config = json.loads(text) if text else None
    except ValueError:
        return None
    return config if isinstance(config, dict) else None


def _models(config: Mapping[str, Any]) -> List[Dict[str, Any]]:
    try:
        pinned = pinned_versions(config)
    except (KeyError, TypeError, AttributeError):
        return []
    return [{"name": name, "versions": versions} for name, versions in sorted(pinned.items())]


def _image(deployment: Optional[Object]) -> Optional[str]:
    if deployment is None:
        return None
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _replicas(deployment: Optional[Object]) -> Optional[Dict[str, int]]:
    if deployment is None:
        return None
    status = deployment.get("status") or {}
    if deployment["kind"] == "DaemonSet":
        return {
            "wanted": int(status.get("desiredNumberScheduled", 0)),
            "ready": int(status.get("numberReady", 0)),
            "updated": int(status.get("updatedNumberScheduled", 0)),
        }
    return {
        "wanted": int(deployment["spec"].get("replicas", 1)),
        "ready": int(status.get("readyReplicas", 0)),
        "updated": int(status.get("updatedReplicas", 0)),
    }


def _service(service: Optional[Object]) -> Optional[Dict[str, Any]]:
    if service is None:
        return None
    spec, metadata = service["spec"], service["metadata"]
    ports = {port["name"]: int(port["port"]) for port in spec.get("ports") or ()}
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    node_ports = {
        port["name"]: int(port["nodePort"])
        for port in spec.get("ports") or ()
        if port.get("nodePort")
    }
    return {
        "type": spec.get("type", "ClusterIP"),
        "cluster_ip": spec.get("clusterIP"),
        "node_ports": node_ports,
        "external": [item.get("ip") or item.get("hostname") for item in ingress],
        "endpoints": endpoints(metadata["name"], metadata["namespace"], ports),
    }
