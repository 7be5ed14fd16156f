# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a version that does not load: the canary is put back, and nothing else was touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import Scenario, identities, process_of, releases_of, serves_in_the_end, states_of
from testinfra.host import Host

NOTES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
CANARY = "shop"
SERVED = {("ocr_detection", "1"): "AVAILABLE", ("ocr_recognition", "1"): "AVAILABLE"}


@pytest.fixture(name="is_canary")
def _is_canary(scenario: Scenario) -> bool:
    return scenario.cluster == CANARY


def test_version_1_serves_in_the_processes_of_before(
    client: KubeClient, scenario: Scenario, replicas: list[dict[str, Any]], is_canary: bool
) -> None:
    assert replicas
    for pod in replicas:
        if is_canary:
            broken = {("ocr_recognition", "2"): "END"}
            assert serves_in_the_end(client, pod, {**SERVED, **broken}) == {**SERVED, **broken}
        else:
            assert states_of(client, pod) == SERVED
    noted = json.loads(NOTES.joinpath(f"{scenario.cluster}.json").read_text())
    assert identities(replicas) == noted


def test_only_the_canary_has_more_releases(
    client: KubeClient, scenario: Scenario, is_canary: bool
) -> None:
    first = (1, "good", None)
    wanted = [first, (2, "failed", None), (3, "good", 1)] if is_canary else [first]
    assert releases_of(client, scenario) == wanted


def test_no_other_node_got_a_byte_of_it(
    host: Host, replicas: list[dict[str, Any]], node: str, is_canary: bool
) -> None:
    for pod in replicas:
        if pod["spec"]["nodeName"] == node:
            models = f"/proc/{process_of(host, pod)}/root/models"
            versions = ["1", "2"] if is_canary else ["1"]
            assert sorted(host.file(f"{models}/ocr_recognition").listdir()) == versions
