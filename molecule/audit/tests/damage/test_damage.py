# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the audit: a file is damaged on one node, and objects are changed by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from edge_checks import Scenario, identities
from testinfra.host import Host

NOTES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "before.json")
MODEL = "models/ocr_detection/1/model.bin"
# Neither the first nor the last block, so that size and format stay what they are.
OFFSET = 4096


def test_a_byte_of_a_file_changes_and_its_time_does_not(
    host: Host, node: str, scenario: Scenario
) -> None:
    if node != scenario.store["host_path"]["nodes"][0]:
        return
    path = f"{scenario.store['host_path']['path']}/{MODEL}"
    before = host.check_output("sha256sum %s", path)
    host.check_output("touch -r %s /tmp/edge-stamp", path)
    text = "dd if=/dev/urandom of=%s bs=16 count=1 seek=%s conv=notrunc"
    assert host.run(text, path, str(OFFSET // 16)).rc == 0
    host.check_output("touch -r /tmp/edge-stamp %s", path)
    host.check_output("rm /tmp/edge-stamp")
    assert host.check_output("sha256sum %s", path) != before


def test_objects_are_changed(
    client: KubeClient, scenario: Scenario, replicas: list[dict[str, Any]]
) -> None:
    NOTES.write_text(json.dumps(identities(replicas)))
    where = (scenario.server, scenario.namespace)
    client.patch("apps/v1", "Deployment", *where, {"spec": {"revisionHistoryLimit": 7}})
    assert client.delete("v1", "Service", *where)
