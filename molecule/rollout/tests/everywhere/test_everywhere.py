# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the good version: both clusters serve it and read a picture with it."""

from __future__ import annotations

from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import (
    Scenario,
    read_picture,
    releases_of,
    repository,
    serves_in_the_end,
)

CANARY = "shop"


def test_the_good_version_serves(
    client: KubeClient, scenario: Scenario, replicas: list[dict[str, Any]]
) -> None:
    wanted = {
        **({("ocr_recognition", "2"): "END"} if scenario.cluster == CANARY else {}),
        ("ocr_detection", "1"): "AVAILABLE",
        ("ocr_recognition", "1"): "END",
        ("ocr_recognition", "3"): "AVAILABLE",
    }
    assert replicas
    for pod in replicas:
        assert serves_in_the_end(client, pod, wanted) == wanted
    assert releases_of(client, scenario)[-1][1:] == ("good", None)


def test_it_reads_a_picture(kubeconfig: str, scenario: Scenario) -> None:
    assert read_picture(kubeconfig, scenario, repository("--with-version-2"))
