# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a namespace and on a store, so that a test can say that nothing was changed."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

KINDS = (
    "api/v1/{}/configmaps",
    "api/v1/{}/persistentvolumeclaims",
    "api/v1/{}/pods",
    "api/v1/{}/secrets",
    "api/v1/{}/serviceaccounts",
    "api/v1/{}/services",
    "apis/apps/v1/{}/deployments",
    "apis/apps/v1/{}/replicasets",
    "apis/batch/v1/{}/jobs",
)
# What the cluster itself writes while a claim is bound or a pod is run.
CLUSTER_MADE = ("status",)
CLUSTER_META = ("managedFields", "resourceVersion", "generation")
CLAIM_NOTES = ("pv.kubernetes.io/", "volume.", "volume.beta.")
Snapshot = dict[str, str]


def headers(api: Any) -> dict[str, str]:
    """Return the login of an API client for requests of our own, if it logs in with a token."""
    token = api.configuration.auth_settings().get("BearerToken")
    return {"Authorization": str(token["value"])} if token else {}


def raw(cluster: Any, path: str) -> dict[str, Any]:
    """GET a path of the API server, as plain data, with any version of the kubernetes package."""
    api = cluster.api
    url = f"{api.configuration.host}/{path}"
    answer = api.rest_client.pool_manager.request("GET", url, headers=headers(api))
    if answer.status != 200:
        raise LookupError(f"GET /{path}: {answer.status}")
    found: dict[str, Any] = json.loads(answer.data)
    return found


def snapshot(cluster: Any, namespace: str) -> Snapshot:
    """Return a digest of each object of a namespace, and of the namespace's labels."""
    seen = {}
    for path in KINDS:
        kind = path.rsplit("/", 1)[1]
        for item in raw(cluster, path.format(f"namespaces/{namespace}"))["items"]:
            seen[f"{kind}/{item['metadata']['name']}"] = _digest(item)
    labels = raw(cluster, f"api/v1/namespaces/{namespace}")["metadata"].get("labels")
    return {**seen, "namespace": json.dumps(labels, sort_keys=True)}


def idle(cluster: Any, namespace: str, seconds: float = 45.0) -> Snapshot:
    """Return the snapshot once the helper pods of tasks that ended are gone."""
    end = time.monotonic() + seconds
    while True:
        seen = snapshot(cluster, namespace)
        if not any(name.startswith("pods/edge-agent-") for name in seen):
            return seen
        assert time.monotonic() < end, "helper pods are left"
        time.sleep(0.5)


def settled(cluster: Any, namespace: str, before: Snapshot, seconds: float = 45.0) -> Snapshot:
    """Return the snapshot once it equals ``before``, or the last one.

    A refused task may have looked through a helper pod; the cluster takes a moment to remove it.
    """
    end = time.monotonic() + seconds
    while (after := snapshot(cluster, namespace)) != before and time.monotonic() < end:
        time.sleep(0.5)
    return after


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the names of the objects that differ."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _digest(item: dict[str, Any]) -> str:
    kept = {key: value for key, value in item.items() if key not in CLUSTER_MADE}
    meta = {key: value for key, value in item["metadata"].items() if key not in CLUSTER_META}
    notes = meta.pop("annotations", None) or {}
    meta["annotations"] = {
        key: value for key, value in notes.items() if not key.startswith(CLAIM_NOTES)
    }
    kept["metadata"] = meta
    spec = dict(kept.get("spec") or {})
    for made in ("volumeName", "nodeName") if "accessModes" in spec else ():
        spec.pop(made, None)
    kept["spec"] = spec
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
