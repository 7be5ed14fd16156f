# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the audit: files and objects are what they were, and the same containers serve."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import Scenario, identities, read_picture, repository
from testinfra.host import Host

NOTES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "before.json")
SOURCE = repository()


def test_each_node_holds_exactly_the_files_of_the_repository(
    host: Host, scenario: Scenario
) -> None:
    root = f"{scenario.store['host_path']['path']}/models"
    listed = host.check_output("cd %s && find . -type f -exec sha256sum {} +", root).splitlines()
    assert {line.split()[1].removeprefix("./"): line.split()[0] for line in listed} == {
        str(path.relative_to(SOURCE)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SOURCE.glob("*/*/*")
    }


def test_the_objects_are_back(client: KubeClient, scenario: Scenario) -> None:
    where = (scenario.server, scenario.namespace)
    workload = client.get("apps/v1", "Deployment", *where)
    assert workload and workload["spec"]["revisionHistoryLimit"] == 3
    assert client.get("v1", "Service", *where)


def test_no_pod_was_restarted(replicas: list[dict[str, Any]]) -> None:
    assert identities(replicas) == json.loads(NOTES.read_text())


def test_each_replica_reads_the_words_of_a_picture(
    kubeconfig: str, scenario: Scenario, replicas: list[dict[str, Any]]
) -> None:
    assert len(read_picture(kubeconfig, scenario, SOURCE)) == len(replicas) == 2
