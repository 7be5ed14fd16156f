# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a play of these tests without a cluster, and reads what its tasks answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def run_play(play: Path, folder: Path, inventory: "dict[str, Any]") -> "dict[str, Any]":
    """Run a play with much output; return it, and what was kept for each host."""
    (folder / "hosts.json").write_text(json.dumps(inventory))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "NO_PROXY": "127.0.0.1",
    }
    executable = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [str(executable), "-vvv", "-i", str(folder / "hosts.json"), str(play)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = {"output": done.stdout + done.stderr}
    for host in inventory["all"]["hosts"]:
        found[host] = json.loads((folder / f"{host}.json").read_text())
    return found
