# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bound of the bytes per second, with a clock of its own."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.limit import Limiter
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.rate import (
    parse_rate,
)


@pytest.mark.parametrize(
    ("value", "rate"),
    [("20M", 20 << 20), ("512k", 512 << 10), ("1.5 MiB/s", 3 << 19), (1000000, 1000000)],
)
def test_rates(value: Any, rate: int) -> None:
    assert parse_rate(value) == rate
    assert parse_rate(None) is None and parse_rate("0") is None and parse_rate("") is None


@pytest.mark.parametrize("value", ["fast", "-1", "20X", "12", "M"])
def test_what_is_no_rate(value: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_rate(value)
    assert caught.value.option == "bandwidth_limit"


def test_two_streams_share_one_rate() -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limiter = Limiter(1 << 20, lambda: now[0], sleep)
    for _block in range(40):
        limiter.take(1 << 18)
    assert 9.7 <= now[0] - 100.0 <= 10.01, "10 MiB at 1 MiB/s"
    now[0] += 60
    before = now[0]
    for _block in range(4):
        limiter.take(1 << 18)
    assert now[0] - before >= 0.7, "a pause is not saved up"


def test_blocks_are_cut_short_in_time_and_stay_the_same() -> None:
    limiter = Limiter(40_000, lambda: 0.0, lambda seconds: None)
    blocks = [b"a" * 25_000, b"", b"b" * 100]
    cut = list(limiter.cut(blocks))
    assert b"".join(cut) == b"".join(blocks) and max(map(len, cut)) <= 10_000
    free = Limiter(None)
    assert list(free.cut(blocks)) == blocks
    free.take(1 << 60)
