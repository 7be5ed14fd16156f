# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long after the server has loaded a model the gate says AVAILABLE.

The server (the OVMS stand-in) logs the moment at which the version became AVAILABLE; the gate runs
in this process and its return is the other moment. Both read the same machine's clock, so this
needs a cluster on this machine. Each round starts a new replica.
"""

from __future__ import annotations

import re
import statistics
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import measure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as verify
from cluster import AGENT_IMAGE, SERVER_IMAGE, Cluster, with_claim

AVAILABLE = re.compile(
    r"^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\].*STATUS CHANGE: Version 1 of model (\S+) "
    r'status change\. New status: \( "state": "AVAILABLE"',
    re.MULTILINE,
)
SERVER = "bench"


def params(spec: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Return the whole parameter dictionary, with defaults, as Ansible would."""
    checked = ArgumentSpecValidator(spec).validate(given)
    if checked.error_messages:
        raise measure.BenchError("; ".join(checked.error_messages))
    found: dict[str, Any] = checked.validated_parameters
    return found


def tiny_repository(folder: Path) -> Path:
    """Write a repository with one small IR model made by OpenVINO itself."""
    import sys

    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # no usage reports
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    version = folder / "tiny" / "1"
    version.mkdir(parents=True)
    data = ops.parameter([1, 64], np.float32, name="data")
    weights = ops.constant(np.ones((64, 64), dtype=np.float32))
    model = ov.Model([ops.matmul(data, weights, False, False)], [data], "tiny")
    ov.save_model(model, str(version / "model.xml"))
    return folder


def _prepare(cluster: Cluster) -> dict[str, Any]:
    """Put the model there and deploy the server; return the gate's parameters."""
    common = {"kubeconfig": cluster.config, "namespace": cluster.namespace}
    volume = {"claim_name": "models"}
    src = str(tiny_repository(cluster.work / "repository"))
    copy = params(repository.ARGUMENT_SPEC, src=src, pvc=volume, agent_image=AGENT_IMAGE, **common)
    repository.run(copy, Runtime())
    wanted = [{"name": "tiny", "versions": [1]}]
    deploy = params(
        server.ARGUMENT_SPEC,
        name=SERVER,
        image=SERVER_IMAGE,
        pvc=volume,
        models=wanted,
        wait_timeout=180,
        **common,
    )
    server.run(deploy, Runtime())
    return params(verify.ARGUMENT_SPEC, name=SERVER, models=wanted, wait_timeout=120, **common)


def _one(cluster: Cluster, gate: dict[str, Any]) -> float:
    """Start a new replica, wait at the gate, return the lag in seconds."""
    cluster.kubectl("scale", f"deployment/{SERVER}", "--replicas=0")
    selector = f"openvino.edge/server={SERVER}"
    cluster.kubectl("wait", "--for=delete", "pod", "-l", selector, "--timeout=60s")
    cluster.kubectl("scale", f"deployment/{SERVER}", "--replicas=1")
    result = verify.run(gate, Runtime())
    said = time.time()
    if not result["available"]:
        raise measure.BenchError(f"the gate did not pass: {result}")
    log = cluster.kubectl("logs", "-l", selector, "--tail=-1")
    match = AVAILABLE.search(log)
    if not match:
        raise measure.BenchError("the server's log has no AVAILABLE line for the model")
    stamp = datetime.strptime(match.group(1), "%Y-%m-%d %H:%M:%S.%f")
    return said - stamp.replace(tzinfo=timezone.utc).timestamp()


def bench(work: Path, rounds: int) -> str:
    """Measure the lag over several new replicas and return the table."""
    with with_claim("edge-bench-gate", work) as cluster:
        gate = _prepare(cluster)
        lags = [_one(cluster, gate) for _ in range(rounds)]
    row = [f"{1000 * value:.0f}" for value in (min(lags), statistics.median(lags), max(lags))]
    title = f"Server has loaded the model -> gate says AVAILABLE, {rounds} new replicas"
    return measure.table(title, ["min ms", "median ms", "max ms"], [row])
