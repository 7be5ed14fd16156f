# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures are those that numpy has for the same latencies."""

from __future__ import annotations

import numpy as np
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import statistics
from hypothesis import given
from hypothesis import strategies as st

# Microseconds, up to an hour, as the worker writes them down.
LATENCIES = st.lists(st.integers(0, 3_600_000_000), min_size=1, max_size=300)


@given(LATENCIES)
def test_the_figures_are_those_of_numpy(micros: list[int]) -> None:
    values = np.array(micros, dtype=np.float64) / 1000
    found = statistics.summarize(list(values))
    assert found.count == len(values)
    for name, percent in statistics.PERCENTILES.items():
        assert getattr(found, name) == pytest.approx(np.percentile(values, percent), rel=1e-9)
    assert found.median_ms == pytest.approx(np.median(values), rel=1e-9)
    assert found.mean_ms == pytest.approx(np.mean(values), rel=1e-9)
    assert (found.min_ms, found.max_ms) == (values.min(), values.max())
    # numpy subtracts a mean that is rounded, so equal values have a tiny deviation there.
    assert found.stdev_ms == pytest.approx(np.std(values), rel=1e-6, abs=1e-6 * values.max())
    assert found.variance_ms2 == pytest.approx(
        np.var(values), rel=1e-6, abs=1e-9 * values.max() ** 2
    )


@given(LATENCIES)
def test_percentiles_rise(micros: list[int]) -> None:
    found = statistics.summarize([value / 1000 for value in micros])
    row = [found.min_ms, found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.p999_ms]
    assert row == sorted(row) and row[-1] <= found.max_ms


def test_without_a_latency_there_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no latency"):
        statistics.summarize([])


def test_known_figures() -> None:
    found = statistics.summarize([1.0, 2.0, 3.0, 4.0]).as_dict()
    assert found["mean_ms"] == found["median_ms"] == 2.5
    assert found["p90_ms"] == 3.7 and found["variance_ms2"] == 1.25
    assert found["stdev_ms"] == 1.118


@given(LATENCIES)
def test_every_latency_is_in_one_bar(micros: list[int]) -> None:
    bars = statistics.distribution([value / 1000 for value in micros])
    assert sum(bar.count for bar in bars) == len(micros)
    assert all(here.high == there.low for here, there in zip(bars, bars[1:]))
    assert bars[0].count and bars[-1].count  # the first and the last bar end where values do


@given(st.lists(st.floats(0, 100), max_size=200), st.floats(0.01, 7200))
def test_every_answer_is_in_one_slice(ends: list[float], seconds: float) -> None:
    step, counts = statistics.over_time([min(end, seconds) for end in ends], seconds)
    assert sum(counts) == len(ends)
    assert len(counts) <= statistics.MOST_SLICES
    assert step * len(counts) >= seconds
