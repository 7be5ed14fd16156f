# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program on the controller, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Dict, Mapping

from .program import PROGRAM, BenchmarkError, program, record_of
from .worker.main import INPUTS, PLAN

SUBJECT = "the controller"


def run(plan: Mapping[str, Any], inputs: bytes, seconds: float) -> Dict[str, Any]:
    """Send what a plan says, and return the record.

    A process of its own, so that neither threads nor the interpreter's lock of the play are in the
    figures.

    Args:
        plan: for the program.
        inputs: bytes of the given tensors, then those of wheels.
        seconds: after which the program is ended.

    Raises:
        EdgeError: see C(record_of).
    """
    with tempfile.TemporaryDirectory(prefix="edge-benchmark-") as folder:
        for name, data in (
            (PROGRAM, program()),
            (PLAN, json.dumps(plan).encode("utf-8")),
            (f"{INPUTS}0", inputs),
        ):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        command = [sys.executable, "-B", os.path.join(folder, PROGRAM), folder]
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkError(
                f"the requests have not ended within {seconds:g} s",
                option="run_timeout",
                subject=str(plan["host"]),
                hint="Send less, or raise it",
            ) from None
    output = done.stdout.decode("utf-8", "replace") or done.stderr.decode("utf-8", "replace")
    return record_of(output, f"{SUBJECT}, which asks {plan['host']}")
