# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replicas of a model server on a cluster, asked one by one through the API server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL

from .kserve import ServingError
from .serving import TIMEOUT, Answer, Ask


@dataclass(frozen=True)
class Server:
    """A model server: where it runs and on which port it speaks REST."""

    namespace: str
    name: str
    port: int


def is_ready(pod: Mapping[str, object]) -> bool:
    """Say whether a pod takes requests and is not on its way out."""
    status, metadata = pod.get("status"), pod.get("metadata")
    if not isinstance(status, Mapping) or not isinstance(metadata, Mapping):
        return False
    conditions = status.get("conditions") or []
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and "deletionTimestamp" not in metadata


def ask_pod(client: KubeClient, server: Server, pod: str) -> Ask:
    """Return an exchange with one replica through the pod proxy."""

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        response = client.pod_proxy(
            server.namespace,
            pod,
            server.port,
            method,
            path,
            body=body,
            headers=headers,
            timeout=TIMEOUT,
        )
        return response.status, response.headers, response.body

    return ask


def ready_replicas(client: KubeClient, server: Server) -> dict[str, Ask]:
    """Return an exchange for each ready replica, by pod name.

    Raises:
        ServingError: there is none.
    """
    selector = f"{SERVER_LABEL}={server.name}"
    pods, _version = client.list("v1", "Pod", server.namespace, label_selector=selector)
    names = sorted(pod["metadata"]["name"] for pod in pods if is_ready(pod))
    if not names:
        raise ServingError(f"no ready pod with {selector} in namespace {server.namespace}")
    return {name: ask_pod(client, server, name) for name in names}


@contextmanager
def replicas(
    kubeconfig: str | None, context: str | None, server: Server
) -> Iterator[dict[str, Ask]]:
    """Give the ready replicas of a server by pod name.

    Raises:
        ServingError: the server has none, or the cluster cannot be asked.
    """
    try:
        with KubeClient.from_params({"kubeconfig": kubeconfig, "context": context}) as client:
            yield ready_replicas(client, server)
    except EdgeError as error:
        raise ServingError(str(error)) from error
