# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the teardown: no model is left on a node, nothing of ours in the cluster."""

from __future__ import annotations

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import Scenario
from testinfra.host import Host


def test_no_file_of_a_model_is_left(host: Host, scenario: Scenario) -> None:
    root = scenario.store["host_path"]["path"]
    assert host.file(root).is_directory
    assert host.check_output("find %s -type f -path '*/models/*'", f"{root}/models") == ""


def test_the_namespace_is_gone(client: KubeClient, scenario: Scenario) -> None:
    assert client.get("v1", "Namespace", scenario.namespace) is None
