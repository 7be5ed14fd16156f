# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests have in common: in a cluster in memory nothing comes by waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import prepull

from .fakes.pulling import one_look


@pytest.fixture(scope="session", autouse=True)
def _pulls_at_once() -> Iterator[None]:
    """Nodes of a cluster in memory pull in no time, or never."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepull, "wait_for", one_look)
        yield
