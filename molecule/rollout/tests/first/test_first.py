# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the first rollout: both clusters serve version 1. Notes who serves it, for later checks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import Scenario, identities, releases_of, states_of

NOTES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


def test_version_1_serves(
    client: KubeClient, scenario: Scenario, replicas: list[dict[str, Any]]
) -> None:
    assert replicas
    for pod in replicas:
        assert states_of(client, pod) == {
            ("ocr_detection", "1"): "AVAILABLE",
            ("ocr_recognition", "1"): "AVAILABLE",
        }
    assert releases_of(client, scenario) == [(1, "good", None)]
    NOTES.joinpath(f"{scenario.cluster}.json").write_text(json.dumps(identities(replicas)))
