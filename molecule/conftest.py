# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of every scenario share: testinfra inside the lab's nodes, and the API server.

The nodes of the lab are no machines one could log in to; C(lab exec NODE) runs a command where
the node's kubelet and containers are. A testinfra backend of its own does that, so each
C(host.file), C(host.run) and so on below happens inside the node.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL
from edge_checks import LAB, Scenario, lab_cluster
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

SCENARIO = Scenario.read(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "inventory"))
CLUSTER = lab_cluster(SCENARIO.cluster)


class NodeBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Runs testinfra's commands inside one node of the lab."""

    NAME = "lab"

    def __init__(self, node: str) -> None:
        self.node = node
        super().__init__(node)

    def get_pytest_id(self) -> str:
        """Return the name of the node."""
        return self.node

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """Run a command line in the node's shell."""
        words = [sys.executable, str(LAB), "exec", self.node, "--", "sh", "-c", "%s"]
        return self.run_local(" ".join(words), self.get_command(command, *args))


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """Give the names that the scenario's inventory uses."""
    return SCENARIO


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """Give the path of the cluster's kubeconfig file."""
    return str(CLUSTER["kubeconfig"])


@pytest.fixture(scope="session", params=[node["name"] for node in CLUSTER["nodes"]])
def node(request: pytest.FixtureRequest) -> str:
    """Give the name of each node of the cluster."""
    return str(request.param)


@pytest.fixture(scope="session")
def host(node: str) -> Host:
    """Give testinfra's view of C(node), from inside."""
    return Host(NodeBackend(node))


@pytest.fixture(scope="session")
def client(kubeconfig: str) -> Iterator[KubeClient]:
    """Give a client of the cluster's API server."""
    with KubeClient.from_params({"kubeconfig": kubeconfig}) as connection:
        yield connection


@pytest.fixture(scope="session")
def replicas(client: KubeClient) -> list[dict[str, Any]]:
    """Give the pods of the model server."""
    selector = f"{SERVER_LABEL}={SCENARIO.server}"
    pods, _version = client.list("v1", "Pod", SCENARIO.namespace, label_selector=selector)
    return pods


@pytest.fixture(scope="session")
def here(replicas: list[dict[str, Any]], node: str) -> dict[str, Any]:
    """Give a replica that runs on C(node)."""
    return next(pod for pod in replicas if pod["spec"]["nodeName"] == node)
