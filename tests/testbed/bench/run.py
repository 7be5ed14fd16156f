# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks and print (or write) the tables."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

import bench_clients
import bench_copy
import bench_deploy
import bench_forward
import bench_gate
import bench_helm
import bench_idle
import bench_layer7
import bench_many
import bench_updates
import measure

PARTS = [
    "copy",
    "deploy",
    "helm",
    "gate",
    "updates",
    "many",
    "idle",
    "clients",
    "layer7",
    "forward",
]


def machine() -> str:
    """Return one line on the machine, as figures mean nothing without it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"Machine: {os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.machine()}, "
        f"Python {platform.python_version()}. The server is the OVMS stand-in."
    )


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each candidate")
    parser.add_argument("--mib", type=int, default=300, help="size of the copied model in MiB")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    return parser.parse_args()


def part(name: str, work: Path, options: argparse.Namespace) -> str:
    """Run one part and return its tables."""
    sized = {"copy": bench_copy, "forward": bench_forward, "many": bench_many}
    plain = {
        "deploy": bench_deploy,
        "helm": bench_helm,
        "idle": bench_idle,
        "layer7": bench_layer7,
        "updates": bench_updates,
    }
    if name in sized:
        return str(sized[name].bench(work, options.rounds, options.mib))
    if name in plain:
        return str(plain[name].bench(work, options.rounds))
    if name == "clients":
        return bench_clients.bench_in_pod(work, options.rounds)
    return bench_gate.bench(work, 2 * options.rounds)


def main() -> int:
    """Run what was asked for; exit code 1 when a candidate failed."""
    options = arguments()
    chosen = options.only or PARTS
    parts = [machine() + "\n"]
    try:
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
            for name in chosen:
                work = Path(folder) / name
                work.mkdir()
                parts.append(part(name, work, options))
                print(parts[-1], flush=True)
    except measure.BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    if options.output:
        options.output.write_text("\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
