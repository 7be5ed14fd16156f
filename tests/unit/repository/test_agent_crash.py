# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed before any file operation: models/ holds only whole versions, the next run finishes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")


@pytest.mark.parametrize(("scenario", "least"), [("publish", 60), ("remove", 40), ("repair", 60)])
def test_killed_before_every_operation(scenario: str, least: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), scenario, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        env=dict(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kills"] >= least
