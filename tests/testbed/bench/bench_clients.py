# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client of `benchmark` adds to a latency: its p50 against a bare loop of tritonclient.

Both ask the stand-in for OVMS over one connection, in turns: from one pod of a cluster, or, when
this is run by itself, from this machine on loopback, which needs no cluster. Each measurement is a
process of its own.

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
HEAD = (
    "| client | bytes of the tensor | bare loop, ms | ours, ms | ratio | in the rounds |",
    "|---|---|---|---|---|---|",
)
# The bare loop: what somebody writes who wants to know how long an inference takes.
LOOP = """
import json, sys, time
import numpy as np
kind, address, rows, requests, warm, model = sys.argv[1:]
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
    server.infer(model, [tensor], outputs=outputs)
    took.append(time.perf_counter() - begun)
print(json.dumps(sorted(took[int(warm):])[int(requests) // 2] * 1000))
"""


def theirs(kind: str, port: int, rows: int, requests: int) -> float:
    """Return the p50 of the bare loop in milliseconds."""
    arguments = [kind, f"127.0.0.1:{port}", str(rows), str(requests), str(WARM), "m"]
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
        f" loopback, each from a process of its own on this machine. {busy()}",
        "",
        *HEAD,
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
                    lines.append(row(kind, rows, list(zip(bare, module))))
    return "\n".join([*lines, ""])


def busy() -> str:
    """Return how busy the machine is, as a sentence."""
    return f"Load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."


def row(kind: str, rows: int, pairs: Sequence[Sequence[float]]) -> str:
    """Return the line of one client and size: medians, and the ratio in each round."""
    ratios = sorted(own / bare for bare, own in pairs)
    bare, own = (statistics.median(side) for side in zip(*pairs))
    return (
        f"| {kind} | {rows * 40} | {bare:.3f} | {own:.3f} | {statistics.median(ratios):.2f} |"
        f" {ratios[0]:.2f} to {ratios[-1]:.2f} |"
    )


def bench_in_pod(
    work: Path,
    rounds: int,
    requests: int = 1000,
    sizes: Sequence[int] = (1, 1000, 15000),
    kinds: Sequence[str] = ("rest", "grpc"),
) -> str:
    """Return the section of the report: both clients in one pod, in turns.

    Args:
        work: directory for the model.
        rounds: measurements of each.
        requests: of a measurement.
        sizes: rows of a tensor, 40 bytes each.
        kinds: of clients.
    """
    from ground import CLIENT_IMAGE, MODEL, ground

    before = busy()
    with ground("edge-bench-clients", work) as place:
        place.serve()
        cases = []
        for kind, rows in ((kind, rows) for kind in kinds for rows in sizes):
            inputs = [{"name": "input", "shape": [rows, 10]}]
            plan = place.plan(client=kind, inputs=inputs, requests=requests, warmup=WARM)
            host, port = plan["addresses"][0]
            arguments = [kind, f"{host}:{port}", str(rows), str(requests), str(WARM), MODEL]
            name = f"{kind} {rows}"
            cases.append({"name": name, "plan": plan, "loop": LOOP, "arguments": arguments})
        script = Path(__file__).with_name("inside_clients.py")
        found = place.in_pod(script, {"rounds": rounds, "cases": cases}, {}, 1200)
    lines = [
        "## Clients in a pod",
        "",
        "Ours is `benchmark` with one connection, the bare loop is `tritonclient`; p50 of"
        f" {requests} requests, median of {rounds} rounds in turns, in one pod ({CLIENT_IMAGE}),"
        f" through the Service of the stand-in. {before}",
        "",
        *HEAD,
    ]
    for name, pairs in found.items():
        kind, _space, rows = name.partition(" ")
        lines.append(row(kind, int(rows), pairs))
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
