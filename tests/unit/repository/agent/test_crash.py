# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed before any file operation: models/ holds only whole versions, the next run finishes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")


SCENARIOS = [("publish", 60), ("publish-many", 60), ("remove", 40), ("repair", 60)]
# One for each scenario and error; `make volumes` tries them all (EDGE_EVERY_ERROR=1).
SAMPLE = [
    *(("publish-many", "ENOSPC"), ("publish-many", "EIO"), ("remove", "EROFS")),
    *(("repair", "ESTALE"), ("repair", "EDQUOT")),
]
ERRORS = ("ENOSPC", "EROFS", "ESTALE", "EIO", "EDQUOT")
EVERY = [(scenario, error) for scenario, _least in SCENARIOS for error in ERRORS]


def drive(directory: Path, *arguments: str) -> int:
    """Return how often the driver struck; a file system in memory makes it quick."""
    done = subprocess.run(
        [sys.executable, str(DRIVER), arguments[0], str(directory), *arguments[1:]],
        capture_output=True,
        text=True,
        timeout=300,
        env=dict(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["kills"])


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory, where the machine has one."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(("scenario", "least"), SCENARIOS)
def test_killed_before_every_operation(scenario: str, least: int, quick: Path) -> None:
    assert drive(quick, scenario) >= least


@pytest.mark.parametrize(
    ("scenario", "error"), EVERY if os.environ.get("EDGE_EVERY_ERROR") else SAMPLE
)
def test_every_operation_fails_once_and_the_next_run_heals(
    scenario: str, error: str, quick: Path
) -> None:
    """A clean answer in the words of the system, nothing half visible, nothing left."""
    assert drive(quick, scenario, error) >= 40
