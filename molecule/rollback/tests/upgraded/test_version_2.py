# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the upgrade: version 2 serves and version 1 is retired, in the processes of before."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import (
    Scenario,
    identities,
    process_of,
    read_picture,
    repository,
    serves_in_the_end,
)
from testinfra.host import Host

NOTES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "before.json")


def test_version_2_serves_and_version_1_is_retired(
    client: KubeClient, replicas: list[dict[str, Any]]
) -> None:
    wanted = {
        ("ocr_detection", "1"): "AVAILABLE",
        ("ocr_recognition", "1"): "END",
        ("ocr_recognition", "2"): "AVAILABLE",
    }
    assert replicas
    for pod in replicas:
        assert serves_in_the_end(client, pod, wanted) == wanted


def test_no_pod_was_restarted(replicas: list[dict[str, Any]]) -> None:
    assert identities(replicas) == json.loads(NOTES.read_text())


def test_both_versions_are_on_the_store(host: Host, here: dict[str, Any]) -> None:
    root = f"/proc/{process_of(host, here)}/root/models"
    assert sorted(host.file(f"{root}/ocr_recognition").listdir()) == ["1", "2"]
    sizes = [host.file(f"{root}/ocr_recognition/{version}/model.bin").size for version in (1, 2)]
    assert sizes[1] > 1.5 * sizes[0]


def test_version_2_reads_a_picture(kubeconfig: str, scenario: Scenario) -> None:
    assert read_picture(kubeconfig, scenario, repository("--with-version-2"))
