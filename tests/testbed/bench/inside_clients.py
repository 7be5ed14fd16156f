# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a pod: the program of C(benchmark) and a bare loop of tritonclient, in turns."""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HOME = Path(sys.argv[1])
PROGRAM = HOME / "worker.pyz"
sys.path.insert(0, str(PROGRAM))


def ours(case: dict[str, Any]) -> float:
    """Return the p50 of the program in milliseconds; it is run as in its own pod."""
    main = importlib.import_module("edge_benchmark.main")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, main.PLAN).write_text(json.dumps(case["plan"]), encoding="utf-8")
        record = main.decode(_said([sys.executable, "-B", str(PROGRAM), folder]))
    if "error" in record or record["failures"]:
        raise SystemExit(f"{case['name']}: {record.get('error') or record['examples']}")
    return float(statistics.median(record["latencies"])) / 1000


def theirs(case: dict[str, Any]) -> float:
    """Return the p50 of the bare loop in milliseconds."""
    return float(_said([sys.executable, "-B", "-c", case["loop"], *case["arguments"]]))


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def main() -> None:
    """Measure each case so many rounds; print the p50 of both, by case."""
    work = json.loads((HOME / "work.json").read_text(encoding="utf-8"))
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(work["rounds"]):
        for case in work["cases"]:
            # Each is first as often as the other.
            if number % 2:
                bare = theirs(case)
                pair = (bare, ours(case))
            else:
                own = ours(case)
                pair = (theirs(case), own)
            found.setdefault(case["name"], []).append(pair)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
