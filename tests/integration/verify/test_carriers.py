# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate and golden files where the API server has no route to the server's pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import GateError
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import record_entry
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.entry import (
    InferenceError,
)
from cuts import cut_off
from test_inference import ANSWER, LINEAR, WEIGHTS, ask, golden, packed


def record(site: Any, source: str, dest: Path) -> dict[str, Any]:
    params = {**site.cluster.auth, "namespace": site.namespace, "name": "ovms"}
    params |= {"src": source, "dest": str(dest)}
    return record_entry.run(fill(record_entry.ARGUMENT_SPEC, params), Runtime())


def test_gate_golden_files_and_reload_without_a_route(site: Any, tmp_path: Path) -> None:
    site.publish("linear", 1, LINEAR, weights=packed(WEIGHTS))
    site.publish("linear", 2, LINEAR, weights=packed(WEIGHTS[::-1]))
    site.serve(replicas=2, linear=[1])
    right = golden(tmp_path, "right.yml", datatype="FP32", shape=[1, 3], data=ANSWER)
    wrong = golden(tmp_path, "wrong.yml", datatype="FP32", shape=[1, 3], data=ANSWER[::-1])
    with cut_off(site.cluster) as cut:
        for pod in site.pods():
            cut.sever(pod.status.pod_ip)
        gate = site.gate(models=[{"name": "linear", "versions": [1]}])
        assert gate["available"] and gate["replicas"] == {"wanted": 2, "seen": 2}
        assert gate["carrier"] == "portforward"

        passed = ask(site, right, [1])
        assert passed["passed"] and len(passed["checks"]) == 2
        assert passed["carrier"] == "portforward"
        with pytest.raises(InferenceError):
            ask(site, wrong, [1])
        found = record(site, golden(tmp_path, "open.yml"), tmp_path / "recorded.yml")
        assert found["replicas"] == 2 and found["carrier"] == "portforward"

        # The servers are told of the new configuration on the same way.
        site.serve(replicas=2, linear=[2])
        gate = site.gate(models=[{"name": "linear", "versions": [2]}])
        assert gate["available"] and gate["carrier"] == "portforward"
        with pytest.raises(GateError, match="cannot reach the pod|no answer|did not answer"):
            site.gate(pod_carrier="proxy", wait_timeout=8)
        assert cut.packets() > 0
