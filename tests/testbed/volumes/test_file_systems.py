# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store on real file servers and odd file systems: a sample; all of it is `make volumes`."""

from __future__ import annotations

import importlib.util
import os
import platform
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[3]
BOOT = TREE / "tests/testbed/volumes/boot.py"
SAMPLE = ["tests/unit/repository/transport/test_file_system.py"]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or platform.machine() != "x86_64", reason="needs root on x86-64"
)


@pytest.mark.parametrize("volume", ["nfs3-soft", "nfs4-hard", "nfs4-squash", "vfat"])
def test_publish_on_a_real_file_system(volume: str) -> None:
    found = importlib.util.spec_from_file_location("boot", BOOT)
    assert found is not None and found.loader is not None
    boot = importlib.util.module_from_spec(found)
    found.loader.exec_module(boot)
    status, text = boot.in_volume(volume, SAMPLE, 400)
    assert status == 0, text[-6000:]
