# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a test in the namespaces of a node of the lab, from where pods are reached."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LAB = Path(__file__).resolve().parents[1] / "lab" / "lab"


@contextmanager
def on_node(node: str, command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on a node; it ends with the process that entered the node."""
    entered = [str(LAB), "exec", node, "--", "setpriv", "--pdeathsig", "TERM", *command]
    with (
        log.open("wb") as output,
        subprocess.Popen(entered, stdout=output, stderr=output) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
