# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX that is empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from awxkit import TOKEN, Awx, awx_awx  # isort: split

from awx_standin import serve


@pytest.fixture
def awx(tmp_path: Path) -> Iterator[Awx]:
    with serve(TOKEN) as (url, store):
        yield Awx(url, store, awx_awx(), tmp_path)
