# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The division of a fleet into waves."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.fleet.waves import (
    Wave,
    percentage,
    refuse_patterns,
    share,
    told,
    waves_of,
)
from hypothesis import given
from hypothesis import strategies as st

FLEET = [f"shop-{number}" for number in range(1, 21)]
GROUPS = {"all": FLEET, "canaries": ["shop-7"], "north": FLEET[:10], "empty": []}


def divided(*option: Any, **more: Any) -> "list[tuple[str, tuple[str, ...]]]":
    return [(wave.name, wave.clusters) for wave in waves_of(option, FLEET, GROUPS, **more)]


def test_numbers_and_percentages_take_the_next_ones() -> None:
    waves = divided(1, "10%", {"percent": 25}, {"name": "rest", "rest": True})
    assert [len(clusters) for _, clusters in waves] == [1, 2, 5, 12]
    assert [name for _, clusters in waves for name in clusters] == FLEET
    assert waves[0][0] == "wave 1" and waves[3][0] == "rest"


def test_groups_and_names_are_taken_first_whatever_the_order() -> None:
    waves = divided(
        2,
        {"name": "canary", "groups": ["canaries"], "clusters": "shop-1?"},
        {"rest": True, "name": "rest"},
    )
    assert waves[0][1] == ("shop-1", "shop-2")
    assert waves[1][1] == ("shop-7", *(f"shop-1{number}" for number in range(10)))
    assert waves[2][1] == ("shop-3", "shop-4", "shop-5", "shop-6", "shop-8", "shop-9", "shop-20")


def test_a_share_is_at_least_one_cluster() -> None:
    assert [len(clusters) for _, clusters in divided("1%", "100%")] == [1, 19]


def test_the_first_of_several_waves_tolerates_nothing() -> None:
    both = waves_of([1, "100%"], FLEET, GROUPS)
    assert [wave.max_failures for wave in both] == [0, None]
    assert waves_of([{"rest": True}], FLEET, GROUPS)[0].max_failures is None
    own = waves_of([{"count": 5, "max_failures": 2}, "100%"], FLEET, GROUPS)
    assert own[0].max_failures == 2


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ([1], "shop-2, shop-3, shop-4, shop-5, shop-6 and 14 more clusters are in no wave"),
        ([{"groups": ["north"]}, {"clusters": ["shop-1"]}, "100%"], "wave 'wave 1' and in wave"),
        ([{"groups": ["south"]}, "100%"], "no group 'south'"),
        ([{"groups": ["empty"]}, "100%"], "no cluster for this wave"),
        ([{"clusters": ["nowhere-*"]}, "100%"], "no cluster for this wave"),
        ([{"clusters": ["shop-01", "shop-2"]}, "100%"], "no host 'shop-01'"),
        (["100%", 1], "no cluster for this wave"),
        (["0%", "100%"], "a wave of 0 % has no cluster"),
        ([{"percent": 0}, "100%"], "a wave of 0 % has no cluster"),
        ([{"count": 1, "percent": 10}], "count and percent"),
        ([{"name": "x"}], "by one of groups"),
        ([{"group": "north"}], "no key 'group'"),
        ([{"count": 0}], "is no whole number of at least 1"),
        ([{"count": "1O"}], "is no whole number"),
        ([{"count": 1, "soak": -5}], "is no whole number"),
        ([{"count": True}], "is no whole number"),
        ([{"count": 1, "soak": 1.5}], "is no whole number"),
        (["101%"], "no percentage"),
        ([{"percent": "many"}], "no percentage"),
        ([{"name": "a", "count": 1}, {"name": "a", "rest": True}], "two waves have the name 'a'"),
        ([{"groups": {"a": 1}}], "a list of names"),
    ],
)
def test_what_does_not_fit_is_one_error_that_names_the_option(
    option: "list[Any]", words: str
) -> None:
    with pytest.raises(InputError) as caught:
        waves_of(option, FLEET, GROUPS)
    assert words in str(caught.value)
    assert str(caught.value.option).startswith("waves")
    assert caught.value.hint or "whole number" in words


def test_a_limited_run_may_leave_waves_empty() -> None:
    waves = waves_of(
        [{"name": "canary", "groups": ["canaries"]}, {"name": "rest", "rest": True}],
        ["shop-3"],
        GROUPS,
        limited=True,
    )
    assert [(wave.number, wave.name, wave.clusters) for wave in waves] == [(2, "rest", ("shop-3",))]


def test_a_host_that_is_not_of_this_run_may_be_named() -> None:
    """The playbooks may be told to work on a part of the inventory (edge_hosts)."""
    option = [{"clusters": ["shop-3", "shop-20"]}, {"name": "rest", "rest": True}]
    waves = waves_of(option, FLEET[:5], GROUPS)
    assert [wave.clusters for wave in waves][0] == ("shop-3",)
    typed = [{"clusters": ["shop-3", "shop-twenty"]}, {"name": "rest", "rest": True}]
    assert len(waves_of(typed, FLEET[:5], {}, limited=True)) == 2


@pytest.mark.parametrize(
    "name",
    ["arn:aws:eks:eu-west-1:1:cluster/a", "a,b", "shop*", "shop-[1]", "!shop", "~shop", "a shop"],
)
def test_a_host_that_a_play_cannot_name_is_refused(name: str) -> None:
    """Ansible would say that nothing matches, do nothing and end with 0."""
    with pytest.raises(InputError) as caught:
        refuse_patterns(["shop-1", name], {"all": ["shop-1", name]})
    assert (caught.value.option, caught.value.subject) == ("clusters", name)
    assert "for a pattern" in str(caught.value) and caught.value.hint


def test_a_host_with_the_name_of_a_group_is_refused() -> None:
    refuse_patterns(["oslo", "shop@oslo", "fe80::1", "10.0.0.1", "\u00e5s"], {"oslo": ["oslo"]})
    with pytest.raises(InputError, match="a group of the inventory has the same name"):
        refuse_patterns(["oslo"], {"oslo": ["oslo", "bergen"]})


@given(st.integers(1, 10000), st.integers(1, 3000))
def test_a_share_is_what_was_written(hundredths: int, fleet: int) -> None:
    assert share(hundredths / 100, fleet) == hundredths * fleet // 10000


def test_a_wave_without_rest_may_be_empty() -> None:
    waves = waves_of(["100%", {"name": "rest", "rest": True}], FLEET, GROUPS)
    assert [wave.name for wave in waves] == ["wave 1"]


def test_batches_are_parts_of_their_wave() -> None:
    wave = Wave(1, "w", tuple("abcde"), batch=2)
    assert [batch.clusters for batch in wave.batches()] == [("a", "b"), ("c", "d"), ("e",)]
    assert [batch.clusters for batch in Wave(1, "w", ("a", "b")).batches()] == [("a", "b")]


@given(
    st.lists(st.one_of(st.integers(1, 8), st.integers(1, 100).map("{}%".format)), max_size=4),
    st.integers(1, 40),
)
def test_every_cluster_is_in_exactly_one_wave(option: "list[Any]", size: int) -> None:
    fleet = [str(number) for number in range(size)]
    waves = waves_of([*option, {"name": "rest", "rest": True}], fleet, {}, limited=True)
    assert [name for wave in waves for name in wave.clusters] == fleet
    assert all(wave.clusters for wave in waves)


def test_names_are_told_with_their_verb() -> None:
    assert told(["a"]) == "a is"
    assert told(["a", "b"]) == "a, b are"
    assert told(list("abcdefg")) == "a, b, c, d, e and 2 more clusters are"


def test_percentages_have_a_sign_or_none() -> None:
    assert percentage("2.5%", "x") == percentage(2.5, "x") == 2.5
