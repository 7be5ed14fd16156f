# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget of a fleet, and what is put back when it is spent."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.fleet.budget import (
    Limits,
    judge,
    limits_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.states import (
    BEGUN,
    DEFERRED,
    DONE,
    FAILED,
    STUCK,
    UNDONE,
    Cluster,
    phase_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.undo import undo_of
from ansible_collections.openvino.edge.plugins.module_utils.fleet.waves import Wave

SECOND = Wave(2, "second", ("c", "d"))


def options(**given: Any) -> "dict[str, Any]":
    default = {"waves": [1], "max_failures": None, "max_fail_percentage": None}
    return {**default, "max_deferred": None, **given}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Limits(0, 0)),
        ({"waves": []}, Limits(None, None)),
        ({"max_failures": 3}, Limits(3, 0)),
        ({"max_failures": "2%"}, Limits(4, 0)),
        ({"max_failures": 3, "max_fail_percentage": 1}, Limits(2, 0)),
        ({"max_fail_percentage": "0.4"}, Limits(0, 0)),
        ({"max_deferred": "10%"}, Limits(0, 20)),
    ],
)
def test_limits_are_for_the_whole_fleet(given: "dict[str, Any]", expected: Limits) -> None:
    assert limits_of(options(**given), 200) == expected


@pytest.mark.parametrize("name", ["max_failures", "max_deferred", "max_fail_percentage"])
@pytest.mark.parametrize("value", ["few", -1, True, "110%"])
def test_a_limit_that_is_no_number_names_its_option(name: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        limits_of(options(**{name: value}), 200)
    assert caught.value.option == name and caught.value.hint


def test_a_percentage_is_not_cut_by_floating_point() -> None:
    """29 / 100 * 100 is 28.999999999999996."""
    assert limits_of(options(max_failures="29%"), 100).max_failures == 29
    assert limits_of(options(max_fail_percentage=57), 100).max_failures == 57
    assert limits_of(options(max_deferred="0.29%"), 10000).max_deferred == 29


def cluster(name: str, state: str, wave: int = 2, phase: str = "", before: Any = 3) -> Cluster:
    return Cluster(name, wave, state, phase, "why", before)


def test_failures_of_all_waves_count_together() -> None:
    states = [cluster("a", FAILED, 1), cluster("b", DONE, 1), cluster("c", FAILED)]
    assert judge(states, SECOND, Limits(2, 0)).goes_on
    verdict = judge(states, SECOND, Limits(1, 0))
    assert not verdict.goes_on and verdict.spent == 2 and verdict.allowed == 1
    assert verdict.reason == "2 clusters of the fleet failed, and 1 may (max_failures)"
    assert [item.name for item in verdict.failed] == ["a", "c"]


def test_a_wave_has_a_tolerance_of_its_own() -> None:
    states = [cluster("a", FAILED, 1), cluster("c", FAILED)]
    strict = Wave(2, "second", ("c", "d"), max_failures=0)
    assert "of wave 'second' failed, and 0 may" in judge(states, strict, Limits(9, 0)).reason
    assert judge(states[:1], strict, Limits(9, 0)).goes_on


def test_deferred_ones_have_a_limit_of_their_own() -> None:
    states = [cluster("a", DEFERRED, 1), cluster("c", DEFERRED)]
    assert judge(states, SECOND, Limits(0, 2)).goes_on
    assert (
        "2 clusters of the fleet had to be deferred" in judge(states, SECOND, Limits(0, 1)).reason
    )
    assert judge(states, SECOND, Limits(None, None)).goes_on


def test_what_could_not_be_put_back_is_a_failure_what_was_not_begun_is_none() -> None:
    assert judge([cluster("a", STUCK)], SECOND, Limits(0, 0)).spent == 1
    assert judge([cluster("a", BEGUN), cluster("b", UNDONE)], SECOND, Limits(0, 0)).spent == 0


ORDER = ["a", "b", "c", "d", "e"]


def test_the_last_wave_goes_back_the_latest_first() -> None:
    states = [
        cluster("a", DONE, 1),
        cluster("b", DONE, 1),
        cluster("c", DONE),
        cluster("d", FAILED, phase="gate"),
        cluster("e", FAILED, phase="copy"),
    ]
    undo = undo_of(states, ORDER, "wave", stopped=True)
    assert (undo.clusters, undo.sizes) == (["d", "c"], [2])
    everything = undo_of(states, ORDER, "all", stopped=True)
    assert (everything.clusters, everything.sizes) == (["d", "c", "b", "a"], [2, 2])
    assert everything.before == {"a": 3, "b": 3, "c": 3, "d": 3}
    assert undo_of(states, ORDER, "none", stopped=True).clusters == []


def test_a_tolerated_failure_goes_back_alone() -> None:
    states = [cluster("a", DONE, 1), cluster("c", FAILED, phase="inference", before=0)]
    undo = undo_of(states, ORDER, "wave", stopped=False)
    assert (undo.clusters, undo.before) == (["c"], {"c": 0})


@pytest.mark.parametrize("phase", ["begin", "preflight", "check", "copy"])
def test_a_server_that_was_not_changed_is_not_put_back(phase: str) -> None:
    assert undo_of([cluster("a", FAILED, phase=phase)], ORDER, "all", stopped=True).clusters == []


def test_a_server_that_an_earlier_run_changed_is_put_back_wherever_it_fails_now() -> None:
    left = [Cluster("a", 2, FAILED, "copy", "why", 3, earlier=True)]
    assert undo_of(left, ORDER, "wave", stopped=True).clusters == ["a"]
    assert undo_of(left, ORDER, "wave", stopped=False).clusters == ["a"]


@pytest.mark.parametrize("state", [UNDONE, DEFERRED])
def test_nothing_is_put_back_twice(state: str) -> None:
    assert undo_of([cluster("a", state)], ORDER, "all", stopped=True).clusters == []


def test_phases_follow_from_the_module() -> None:
    assert phase_of("openvino.edge.model_repository") == "copy"
    assert phase_of("openvino.edge.model_server") == "deploy"
    assert phase_of("openvino.edge.model_server", check_mode=True) == "check"
    assert phase_of("ansible.builtin.assert") == "assert"
