# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of one site, and how many of them are worked on at a time."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.fleet.sites import (
    Sites,
    sites_of,
    spread,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.waves import waves_of
from hypothesis import given
from hypothesis import strategies as st

GROUPS = {"all": list("abcdef"), "site_oslo": ["a", "b", "c"], "site_rome": ["d"], "north": ["a"]}


def test_sites_are_groups() -> None:
    found = sites_of(["site_*"], 1, list("abcdef"), GROUPS)
    assert found == Sites({**dict.fromkeys("abc", "site_oslo"), "d": "site_rome"}, 1)
    assert sites_of([], 0, list("abcdef"), GROUPS) == Sites()


@pytest.mark.parametrize(
    ("patterns", "most", "words"),
    [
        (["site_*"], 0, "max_per_site"),
        ([], 2, "sites"),
        (["site_*"], -1, "-1 is no number of clusters"),
        (["town_*"], 1, "no cluster is in a group with a name like town_*"),
        (["site_*", "north"], 1, "the cluster is at site"),
    ],
)
def test_what_is_no_site_is_refused(patterns: "list[str]", most: int, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("*", r"\*")):
        sites_of(patterns, most, list("abcdef"), GROUPS)


def test_a_batch_has_so_many_of_a_site() -> None:
    sites = sites_of(["site_*"], 1, list("abcdef"), GROUPS)
    (wave,) = waves_of([{"rest": True, "batch": 3}], list("abcdef"), GROUPS)
    assert ["".join(batch.clusters) for batch in wave.batches(sites)] == ["ade", "bf", "c"]
    assert ["".join(batch.clusters) for batch in wave.batches()] == ["abc", "def"]


@given(
    st.lists(st.sampled_from(["", "x", "y", "z"]), max_size=40),
    st.integers(1, 9),
    st.integers(0, 4),
)
def test_nobody_is_lost_and_no_part_is_too_big(places: "list[str]", size: int, most: int) -> None:
    names = [str(number) for number in range(len(places))]
    sites = Sites({name: place for name, place in zip(names, places) if place}, most)
    parts = spread(names, size, sites)
    assert sorted(name for part in parts for name in part) == sorted(names)
    for part in parts:
        counts = Counter(sites.of[name] for name in part if name in sites.of)
        assert 0 < len(part) <= size and all(not most or count <= most for count in counts.values())
    for site in {*sites.of.values(), None}:
        of_site = [name for part in parts for name in part if sites.of.get(name) == site]
        assert of_site == [name for name in names if sites.of.get(name) == site], "in their order"
