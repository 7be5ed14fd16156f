# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_server_info: which servers run in a namespace."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..entry import merge_specs
from ..kube.auth.options import AUTH_ARGUMENT_SPEC
from ..kube.client import FIELD_MANAGER, KubeClient
from ..kube.fields import set_by_others
from ..kube.types import Access
from ..runtime import Params, Result, Runtime
from ..store import SERVER_LABEL
from .backends.select import select
from .clients.reached import from_objects
from .clients.ways import told
from .config.render import pinned_versions
from .render.config import CONFIG_FILE
from .render.exposure.objects import EXPOSED_LABEL
from .render.identity import Object, endpoints, owner_selector
from .render.kinds import recorded
from .spec.backend import BACKEND_KEY, CONTROLLED, MANIFESTS
from .spec.service import HEADLESS_LABEL

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
            for record in found[0]:
                found += _controlled(client, namespace, record)
    return {"changed": False, "servers": describe(*found)}


def _others(found: Sequence[Object]) -> List[Dict[str, Any]]:
    """Return what others have set in the objects of a server."""
    return [
        {
            "kind": item["kind"],
            "name": item["metadata"]["name"],
            "manager": manager,
            "fields": paths,
        }
        for item in found
        for manager, paths in set_by_others(item, FIELD_MANAGER).items()
    ]


def _controlled(client: KubeClient, namespace: str, record: Object) -> List[List[Object]]:
    """Return what a controller has made of the server that a record is about."""
    backend = select((record.get("data") or {}).get(BACKEND_KEY, MANIFESTS))
    return backend.observe(client, namespace, record["metadata"]["labels"][SERVER_LABEL])


def describe(*found: Sequence[Object]) -> List[Dict[str, Any]]:
    """Return one entry per server from the objects of each kind; missing parts are None."""
    parts: Dict[str, Dict[str, Object]] = {}
    for items in found:
        for item in items:
            name = item["metadata"]["labels"][SERVER_LABEL]
            part = parts.setdefault(name, {})
            if item["kind"] == "ConfigMap":
                part[_role(item)] = item
            elif HEADLESS_LABEL in item["metadata"]["labels"]:
                part["headless"] = item
            elif EXPOSED_LABEL not in item["metadata"]["labels"]:
                part[item["kind"]] = item
    return [_server(name, parts[name]) for name in sorted(parts)]


def _role(config_map: Object) -> str:
    """Return the role of a ConfigMap: configuration, record of a backend, or another."""
    data = config_map.get("data") or {}
    if CONFIG_FILE in data:
        return "ConfigMap"
    return "record" if BACKEND_KEY in data else "other"


def _server(name: str, parts: Mapping[str, Object]) -> Dict[str, Any]:
    some = next(iter(parts.values()))
    config = _config(parts.get("ConfigMap"))
    workload = parts.get("Deployment") or parts.get("DaemonSet")
    backend = parts["record"]["data"][BACKEND_KEY] if "record" in parts else MANIFESTS
    # Where a controller makes the objects, nearly everything in them is set by it.
    ours = [parts[role] for role in sorted(parts)] if backend == MANIFESTS else []
    return {
        "name": name,
        "namespace": some["metadata"]["namespace"],
        "backend": backend,
        "models": None if config is None else _models(config),
        "config": config,
        "image": _image(workload),
        "workload": None if workload is None else workload["kind"],
        "replicas": _replicas(workload),
        "service": _service(parts.get("Service")),
        "clients": _clients(parts, workload, config),
        "set_by_others": _others(ours),
    }


def _clients(
    parts: Mapping[str, Object], workload: Optional[Object], config: Optional[Dict[str, Any]]
) -> Optional[List[Dict[str, Any]]]:
    service = parts.get("Service")
    if service is None:
        return None
    return told(from_objects(service, parts.get("headless"), workload, config))


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
