# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of storage as Kubernetes writes them."""

from __future__ import annotations

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.units import (
    parse_amount,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.values import parse_quantity
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10Gi", 10 << 30),
        ("1.5Ki", 1536),
        ("5G", 5 * 10**9),
        ("1e3", 1000),
        ("2E", 2 * 10**18),
        ("1E3", 1000),
        ("1500m", 2),
        (".5M", 500_000),
        ("+7", 7),
        ("0", 0),
        ("", None),
        ("Gi", None),
        ("10GB", None),
        ("1K", None),
        ("1e999999999", None),
        ("-1", None),
        ("1 Gi", None),
        ("1.2.3", None),
    ],
)
def test_amounts(text: str, amount: int | None) -> None:
    assert parse_amount(text) == amount


@given(
    st.decimals(0, 10**6, places=3), st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi", "Ti"])
)
def test_the_amount_is_that_of_the_server_area_rounded_up(number: object, suffix: str) -> None:
    text = f"{number}{suffix}"
    exact, amount = parse_quantity(text), parse_amount(text)
    assert exact is not None and amount is not None
    assert 0 <= amount - exact < 1
