# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds: what no server can keep is refused, and what is not kept is found."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.slo import (
    Slo,
    judge,
    slo_from_params,
    words,
)

FIGURES = {"p50_ms": 5.0, "p95_ms": 12.0, "error_rate": 0.01, "throughput": 80.0}


@pytest.mark.parametrize(
    ("given", "option", "says"),
    [
        ({}, "slo", "it has no bound"),
        ({"p50_ms": 20, "p99_ms": 10}, "slo.p99_ms", "10 ms is below the 20 ms of p50_ms"),
        ({"p50_ms": 5, "p90_ms": 8, "max_ms": 7}, "slo.max_ms", "below the 8 ms of p90_ms"),
        ({"p95_ms": 0}, "slo.p95_ms", "no number above 0"),
        ({"p95_ms": float("inf")}, "slo.p95_ms", "no number above 0"),
        ({"p95_ms": float("nan")}, "slo.p95_ms", "no number above 0"),
        ({"error_rate": 1}, "slo.error_rate", "not from 0 to below 1"),
        ({"error_rate": -0.1}, "slo.error_rate", "not from 0 to below 1"),
        ({"error_rate": float("nan")}, "slo.error_rate", "not from 0 to below 1"),
        ({"throughput": 51}, "slo.throughput", "51 answers in a second cannot come of 50"),
    ],
)
def test_bounds_that_cannot_be_are_refused(given: Any, option: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        slo_from_params(given, 50.0)
    assert caught.value.option == option and caught.value.message


def test_equal_bounds_and_others_are_taken() -> None:
    slo = slo_from_params({"p50_ms": 10, "p99_ms": 10, "throughput": 50, "mean_ms": None}, 50.0)
    assert slo == Slo((("p50_ms", 10), ("p99_ms", 10), ("throughput", 50)))
    assert slo_from_params(None, 0.0) is None
    assert slo_from_params({"throughput": 9999}, 0.0) is not None  # a closed loop has no rate


def test_what_is_not_kept() -> None:
    kept = Slo((("p50_ms", 5.0), ("error_rate", 0.01), ("throughput", 80.0)))
    assert judge(kept, FIGURES) == []
    broken = Slo((("p50_ms", 4.9), ("p95_ms", 20), ("error_rate", 0.0), ("throughput", 80.1)))
    assert [words(item) for item in judge(broken, FIGURES)] == [
        "p50 is 5 ms, more than 4.9 ms",
        "the error rate is 0.01, more than 0",
        "throughput is 80 answers/s, less than 80.1",
    ]
