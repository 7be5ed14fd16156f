# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the upgrade: version 1 serves. Notes who serves it, for the check after the upgrade."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import Scenario, identities, read_picture, repository, states_of

NOTES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "before.json")


def test_version_1_serves(client: KubeClient, replicas: list[dict[str, Any]]) -> None:
    assert replicas
    for pod in replicas:
        assert states_of(client, pod) == {
            ("ocr_detection", "1"): "AVAILABLE",
            ("ocr_recognition", "1"): "AVAILABLE",
        }
    NOTES.write_text(json.dumps(identities(replicas)))


def test_it_reads_a_picture(kubeconfig: str, scenario: Scenario) -> None:
    assert read_picture(kubeconfig, scenario, repository())
