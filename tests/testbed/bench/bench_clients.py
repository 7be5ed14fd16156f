# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client of `benchmark` adds to a latency: its p50 against a bare loop of tritonclient.

Needs no cluster: both ask the stand-in for OVMS on loopback, over one connection, in turns. Each
measurement is a process of its own.

    tools/run python tests/testbed/bench/bench_clients.py --rounds 7 --requests 2000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.loadtest import entry
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

sys.path.append(str(Path(__file__).resolve().parents[1] / "standin"))

from harness import StandIn, write_ir

WARM = 50
# The bare loop: what somebody writes who wants to know how long an inference takes.
LOOP = """
import json, sys, time
import numpy as np
kind, address, rows, requests, warm = sys.argv[1:]
if kind == "grpc":
    import tritonclient.grpc as client
else:
    import tritonclient.http as client
tensor = client.InferInput("input", [int(rows), 10], "FP32")
tensor.set_data_from_numpy(np.random.default_rng(0).random((int(rows), 10), np.float32))
# Over REST, OVMS answers in JSON unless an output is named.
outputs = [client.InferRequestedOutput("output")]
server = client.InferenceServerClient(address)
took = []
for turn in range(int(requests) + int(warm)):
    begun = time.perf_counter()
    server.infer("m", [tensor], outputs=outputs)
    took.append(time.perf_counter() - begun)
print(json.dumps(sorted(took[int(warm):])[int(requests) // 2] * 1000))
"""


def theirs(kind: str, port: int, rows: int, requests: int) -> float:
    """Return the p50 of the bare loop in milliseconds."""
    arguments = [kind, f"127.0.0.1:{port}", str(rows), str(requests), str(WARM)]
    done = subprocess.run([sys.executable, "-c", LOOP, *arguments], capture_output=True, check=True)
    return float(json.loads(done.stdout))


def ours(kind: str, port: int, rows: int, requests: int) -> float:
    """Return the p50 of the module in milliseconds."""
    scheme = "grpc" if kind == "grpc" else "http"
    given: dict[str, Any] = {
        "url": f"{scheme}://127.0.0.1:{port}",
        "client": kind,
        "model": "m",
        "requests": requests,
        "warmup": WARM,
        "inputs": [{"name": "input", "shape": [rows, 10]}],
    }
    result = entry.run(fill(entry.ARGUMENT_SPEC, given), Runtime())
    return float(result["statistics"]["p50_ms"])


def bench(
    rounds: int,
    requests: int = 1000,
    sizes: Sequence[int] = (1, 1000, 15000),
    kinds: Sequence[str] = ("rest", "grpc"),
) -> str:
    """Return the section of the report: median of the rounds, ours and theirs in turns.

    Args:
        rounds: measurements of each.
        requests: of a measurement.
        sizes: rows of a tensor, 40 bytes each.
        kinds: of clients.
    """
    lines = [
        "## Clients",
        "",
        "Ours is `benchmark` with one connection, the bare loop is `tritonclient`; p50 of"
        f" {requests} requests, median of {rounds} rounds in turns. Both ask the stand-in on"
        " loopback, each from a process of its own on this machine: no image of the lab has"
        " tritonclient, so it is not from a pod. Load average before:"
        f" {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
        "",
        "| client | bytes of the tensor | bare loop, ms | ours, ms | ratio | in the rounds |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        write_ir(Path(name) / "1", dynamic=True)
        with StandIn(["--model_name", "m", "--model_path", name]) as server:
            server.wait_ready()
            for kind in kinds:
                port = server.rest if kind == "rest" else server.grpc
                for rows in sizes:
                    bare, module = [], []
                    for _ in range(rounds):
                        bare.append(theirs(kind, port, rows, requests))
                        module.append(ours(kind, port, rows, requests))
                    ratios = sorted(own / other for own, other in zip(module, bare))
                    low, high = statistics.median(bare), statistics.median(module)
                    lines.append(
                        f"| {kind} | {rows * 40} | {low:.3f} | {high:.3f} |"
                        f" {statistics.median(ratios):.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} |"
                    )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 1000, 15000])
    parser.add_argument("--clients", nargs="+", default=["rest", "grpc"])
    wanted = parser.parse_args()
    print(bench(wanted.rounds, wanted.requests, wanted.rows, wanted.clients))


if __name__ == "__main__":
    main()
