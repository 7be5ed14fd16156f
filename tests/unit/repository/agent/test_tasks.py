# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work of the helper that goes on side by side."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import tasks


def test_each_item_is_worked_on_once_and_two_at_a_time() -> None:
    met = threading.Barrier(2)
    seen: list[int] = []

    def step(item: int) -> int:
        met.wait(20)  # nobody passes alone
        seen.append(item)
        return 2 * item

    assert tasks.side_by_side(step, list(range(20))) == list(range(0, 40, 2))
    assert sorted(seen) == list(range(20))
    assert tasks.side_by_side(step, []) == []


def test_after_a_failure_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def step(item: int) -> None:
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match=r"0|1"):
        tasks.side_by_side(step, list(range(500)))
    assert len(begun) <= tasks.AT_ONCE
