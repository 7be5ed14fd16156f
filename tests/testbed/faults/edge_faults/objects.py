# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects of a fault test: pure functions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_faults.models import MODEL

AGENT_IMAGE = os.environ.get("EDGE_AGENT_IMAGE", "localhost/edge-python:3.11")
SERVER_IMAGE = os.environ.get("EDGE_SERVER_IMAGE", "localhost/ovms-standin:2026.2")
#: One server in config mode that serves all versions, one in single-model mode with the newest.
SERVERS = ("server-config", "server-latest")
REST_PORT = 8081
IDENTITY = {
    "runAsNonRoot": True,
    "runAsUser": 5000,
    "runAsGroup": 5000,
    "fsGroup": 5000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CLOSED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def namespace(name: str, level: str = "restricted") -> dict[str, Any]:
    """Return a namespace under a Pod Security level."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def claim(
    storage_class: str, size: str, volume: str = "", access: str = "ReadWriteOnce"
) -> dict[str, Any]:
    """Return the claim C(models)."""
    spec: dict[str, Any] = {
        "accessModes": [access],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }
    if volume:
        spec["volumeName"] = volume
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return {**kind, "metadata": {"name": "models"}, "spec": spec}


def local_volume(name: str, path: str, node: str, size: str) -> dict[str, Any]:
    """Return a PersistentVolume over a file system that is mounted on one node."""
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    spec = {
        "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
        "capacity": {"storage": size},
        "storageClassName": "manual-local",
        "persistentVolumeReclaimPolicy": "Retain",
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
    }
    kind = {"apiVersion": "v1", "kind": "PersistentVolume"}
    return {**kind, "metadata": {"name": name}, "spec": spec}


def _pod(
    name: str,
    node: str,
    container: Mapping[str, Any],
    volumes: Sequence[Mapping[str, Any]],
    **spec: Any,
) -> dict[str, Any]:
    base = {"imagePullPolicy": "IfNotPresent", "securityContext": CLOSED, "name": "main"}
    body = {
        "nodeSelector": {"kubernetes.io/hostname": node},
        "securityContext": IDENTITY,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "enableServiceLinks": False,
        "containers": [{**base, **container}],
        "volumes": [*volumes],
        **spec,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body}


#: The store as a pod mounts it, when it is a claim.
CLAIM = {"persistentVolumeClaim": {"claimName": "models"}}


def _mount(read_only: bool) -> dict[str, Any]:
    return {"name": "models", "mountPath": "/store", "readOnly": read_only}


def receiver(node: str) -> dict[str, Any]:
    """Return the sleeping pod that the peers copy into; it also binds the claim to the node."""
    mount, volume = _mount(read_only=False), {"name": "models", **CLAIM}
    container = {"image": AGENT_IMAGE, "command": ["sleep", "86400"], "volumeMounts": [mount]}
    return _pod("receiver", node, container, [volume])


def server_config() -> dict[str, Any]:
    """Return the ConfigMap with the config.json of the server in config mode."""
    policy: dict[str, Any] = {"all": {}}
    entry = {"name": MODEL, "base_path": f"/store/models/{MODEL}", "model_version_policy": policy}
    text = json.dumps({"model_config_list": [{"config": entry}]})
    meta = {"name": "server-config"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"c.json": text}}


def servers(node: str, store: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield both servers over a store; each polls the file system every second."""
    common = ["--rest_port", str(REST_PORT), "--file_system_poll_wait_seconds", "1"]
    latest = ["--model_name", MODEL, "--model_path", f"/store/models/{MODEL}"]
    latest += ["--model_version_policy", json.dumps({"latest": {"num_versions": 1}})]
    modes = {"server-config": ["--config_path", "/config/c.json"], "server-latest": latest}
    mount, volume = _mount(read_only=True), {"name": "models", **store}
    config = {"name": "config", "configMap": {"name": "server-config"}}
    for name in SERVERS:
        container = {
            "image": SERVER_IMAGE,
            "args": [*modes[name], *common],
            "volumeMounts": [mount, {"name": "config", "mountPath": "/config", "readOnly": True}],
            "readinessProbe": {
                "httpGet": {"path": "/v2/health/live", "port": REST_PORT},
                "periodSeconds": 1,
            },
        }
        yield _pod(name, node, container, [volume, config])
