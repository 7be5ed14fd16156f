# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a pod: asks one server by several ways, in turns, over connections that stay open."""

from __future__ import annotations

import gc
import importlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

HOME = Path(sys.argv[1])
sys.path.insert(0, str(HOME / "worker.pyz"))
# Requests of one way before the next has its turn.
BATCH = 20


def client_of(plan: dict[str, Any]) -> Any:
    """Return what the program of C(benchmark) asks with, for one connection."""
    main = importlib.import_module("edge_benchmark.main")
    raws = main.inputs_of(plan, b"")
    addresses = [(item[0], item[1]) for item in plan["addresses"]]
    return main._clients(plan, addresses, raws)[0]


def median_of_each(plans: dict[str, dict[str, Any]], requests: int, warm: int) -> dict[str, float]:
    """Return the p50 of each way in milliseconds."""
    clients = {way: client_of(plan) for way, plan in plans.items()}
    took: dict[str, list[float]] = {way: [] for way in plans}
    for client in clients.values():
        for _ in range(warm):
            client.infer()
    ways = list(plans)
    for turn in range(requests // BATCH):
        # What comes after whom changes, so that nobody always has the same one before it.
        at = turn % len(ways)
        for way in ways[at:] + ways[:at]:
            ask = clients[way].infer
            for _ in range(BATCH):
                begun = time.perf_counter()
                ask()
                took[way].append(time.perf_counter() - begun)
    for client in clients.values():
        client.close()
    return {way: statistics.median(found) * 1000 for way, found in took.items()}


def main() -> None:
    """Measure each case so many rounds; print the p50 of each way, by case."""
    gc.disable()
    work = json.loads((HOME / "work.json").read_text(encoding="utf-8"))
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(work["rounds"]):
        for case, plans in work["cases"].items():
            medians = median_of_each(plans, work["requests"], work["warm"])
            found.setdefault(case, []).append(medians)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
