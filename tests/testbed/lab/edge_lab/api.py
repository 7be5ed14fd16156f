# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests the lab itself sends to an API server, with the standard library only."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_lab.errors import LabError

#: Path prefix and plural of the kinds the lab applies; namespaced ones have {ns}.
KINDS = {
    "Service": "/api/v1/namespaces/{ns}/services",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}
APPLY_TYPE = "application/apply-patch+yaml"


class Api:
    """One API server, with one client certificate."""

    def __init__(self, url: str, pki: Path, user: str = "admin") -> None:
        self.address = urlsplit(url)
        self.context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Send one request; return status and body. Raises OSError when it cannot be sent."""
        connection = http.client.HTTPSConnection(
            str(self.address.hostname), self.address.port, timeout=30, context=self.context
        )
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, {"Content-Type": content_type})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The object at a path. Raises LabError on any status but 200."""
        status, body = self.request("GET", path)
        if status != 200:
            raise LabError(f"GET {path}: status {status}: {body[:300].decode(errors='replace')}")
        return json.loads(body)

    def apply(self, obj: Mapping[str, Any]) -> None:
        """Server-side apply one object. Raises LabError when it is refused."""
        path = object_path(obj) + "?fieldManager=edge-lab&force=true"
        status, body = self.request("PATCH", path, obj, APPLY_TYPE)
        if status not in (200, 201):
            raise LabError(f"apply {path}: status {status}: {body[:500].decode(errors='replace')}")

    def ready(self) -> bool:
        """Whether the API server says it is ready."""
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False


def object_path(obj: Mapping[str, Any]) -> str:
    """The path of an object of one of the known kinds."""
    metadata = obj["metadata"]
    collection = KINDS[obj["kind"]].format(ns=metadata.get("namespace", ""))
    return f"{collection}/{metadata['name']}"


def wait(what: str, probe: Callable[[], bool], timeout: float) -> None:
    """Ask `probe` twice a second until it says yes. Raises LabError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not probe():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not after {timeout:g} s")
        time.sleep(0.5)


def node_ready(node: Mapping[str, Any]) -> bool:
    """Whether a Node object has the condition Ready."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _uids(pods: Mapping[str, Any]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods.get("items") or []}


def node_serves(server: Api, name: str) -> bool:
    """Whether a node is Ready and its kubelet answers and knows the pods it has to run.

    The condition alone proves little: it outlives a dead kubelet by a minute, and a kubelet that
    was just started refuses exec and logs of pods it has not heard of yet.
    """
    status, body = server.request("GET", f"/api/v1/nodes/{name}")
    if status != 200 or not node_ready(json.loads(body)):
        return False
    status, body = server.request("GET", f"/api/v1/nodes/{name}/proxy/pods")
    if status != 200:
        return False
    running = f"spec.nodeName={name},status.phase=Running"
    return _uids(server.get(f"/api/v1/pods?fieldSelector={running}")) <= _uids(json.loads(body))
