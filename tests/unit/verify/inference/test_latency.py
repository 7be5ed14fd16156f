# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times: medians, baselines and bounds, with a clock of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.ask import Asker
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.check import (
    Check,
    check_values,
    measure,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.files import read_cases
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.judge import questions
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.latency import (
    SMALLEST_MS,
    bounds_from_params,
    middle,
    slower,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import Replica

Make = Callable[..., Any]


def measured(made: Any, golden: str, **bounds: Any) -> Check:
    asker = Asker(made.pods.cluster, "edge", 8081, clock=made.pods.clock)
    asked = questions(read_cases([golden]), {"m": [max(made.pods.weights["a"])]})
    checks = check_values(asker, [Replica("a")], asked, lambda line: None)
    (found,) = measure(asker, checks, bounds_from_params(bounds), every=bool(bounds))
    return found


def told(check: Check) -> list[str]:
    return [finding.code for finding in check.findings]


def test_a_median_without_the_way() -> None:
    assert middle([0.05, 0.9, 0.03], [0.01, 0.01, 0.5]) == 40.0
    assert middle([0.01], [0.02]) == 0.0


def test_small_differences_are_never_too_slow() -> None:
    assert slower(1.0 + SMALLEST_MS, 1.0, 2.0, "x") == ""
    assert "6.0 times the 1.0 ms of x; 2 times are allowed" in slower(6.01, 1.0, 2.0, "x")
    assert slower(40.0, 20.0, 2.0, "x") == "" and slower(40.1, 20.0, 2.0, "x") != ""


def test_without_a_bound_nothing_is_measured(bench: Make) -> None:
    made = bench(a={1: 2.0})
    check = measured(made, made.golden([2, 4, 6]))
    assert check.latency_ms is None and len(made.pods.asked) == 2


def test_the_older_version_is_measured_in_turns_on_the_same_replica(bench: Make) -> None:
    made = bench(a={1: 2.0, 2: 2.0})
    made.pods.took = {1: 0.02, 2: 0.05}
    golden = made.golden([2, 4, 6])
    check = measured(made, golden, max_ratio=2.0, baseline_version=1, requests=3)
    assert (check.latency_ms, check.baseline_ms, check.baseline) == (50.0, 20.0, "version 1")
    assert told(check) == ["slow"]
    posts = [line.split("/")[5] for line in made.pods.asked if "POST" in line]
    assert posts == ["2", "2", "1", "2", "1", "2", "1", "2", "1"]
    assert told(measured(made, golden, max_ratio=2.5, baseline_version=1)) == []


def test_what_was_measured_before_counts_if_the_older_version_is_gone(bench: Make) -> None:
    made = bench(a={2: 2.0})
    made.pods.took = {2: 0.05}
    golden = made.golden([2, 4, 6])
    before = [
        {"model": "m", "case": "one", "median_ms": 30.0},
        {"model": "m", "case": "one", "median_ms": 20.0},
        {"model": "m", "case": "two", "median_ms": 1.0},
    ]
    check = measured(made, golden, max_ratio=2.0, baseline_version=1, baseline=before)
    assert (check.baseline_ms, check.baseline) == (20.0, "the measurement before")
    assert told(check) == ["slow"]


def test_what_was_recorded_counts_else(bench: Make) -> None:
    made = bench(a={2: 2.0})
    made.pods.took = {2: 0.05}
    golden = made.golden([2, 4, 6], case={"recorded": {"latency_ms": 30.0}})
    check = measured(made, golden, max_ratio=2.0)
    assert (check.baseline, told(check)) == ("the golden file", [])


def test_a_ratio_of_nothing_is_a_failure(bench: Make) -> None:
    made = bench(a={2: 2.0})
    check = measured(made, made.golden([2, 4, 6]), max_ratio=2.0, baseline_version=1)
    assert told(check) == ["no_baseline"]


@pytest.mark.parametrize(("bound", "codes"), [(49.0, ["slow"]), (51.0, [])])
def test_absolute_bounds_of_the_task_and_of_the_file(
    bench: Make, bound: float, codes: list[str]
) -> None:
    made = bench(a={1: 2.0})
    made.pods.took = {1: 0.05}
    assert told(measured(made, made.golden([2, 4, 6]), max_ms=bound)) == codes
    golden = made.golden([2, 4, 6], case={"max_latency_ms": bound})
    assert told(measured(made, golden)) == codes


def test_wrong_values_are_not_measured(bench: Make) -> None:
    made = bench(a={1: 3.0})
    check = measured(made, made.golden([2, 4, 6]), max_ms=1)
    assert told(check) == ["value"] and check.latency_ms is None
