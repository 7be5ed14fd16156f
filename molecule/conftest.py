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
from typing import Any, cast

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL
from edge_checks import LAB, Scenario, lab_cluster
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

SITES = Scenario.read(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "inventory"))
CLUSTERS = {site.cluster: lab_cluster(site.cluster) for site in SITES}
NODES = [(site, node["name"]) for site in SITES for node in CLUSTERS[site.cluster]["nodes"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks about a node for each node, and all else for each cluster."""
    if "node" in metafunc.fixturenames:
        ids = [node for _site, node in NODES]
        metafunc.parametrize(("scenario", "node"), NODES, ids=ids, indirect=True, scope="session")
    elif "scenario" in metafunc.fixturenames:
        ids = [site.cluster for site in SITES]
        metafunc.parametrize("scenario", SITES, ids=ids, indirect=True, scope="session")


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
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Give the names that the scenario's inventory uses for one of its clusters."""
    return cast(Scenario, request.param)


@pytest.fixture(scope="session")
def kubeconfig(scenario: Scenario) -> str:
    """Give the path of the cluster's kubeconfig file."""
    return str(CLUSTERS[scenario.cluster]["kubeconfig"])


@pytest.fixture(scope="session")
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
def replicas(client: KubeClient, scenario: Scenario) -> list[dict[str, Any]]:
    """Give the pods of the model server."""
    selector = f"{SERVER_LABEL}={scenario.server}"
    pods, _version = client.list("v1", "Pod", scenario.namespace, label_selector=selector)
    return pods


@pytest.fixture(scope="session")
def here(replicas: list[dict[str, Any]], node: str) -> dict[str, Any]:
    """Give a replica that runs on C(node)."""
    return next(pod for pod in replicas if pod["spec"]["nodeName"] == node)
