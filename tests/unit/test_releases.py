# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a release record, the release to go back to, and what has to stay for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.releases import (
    FAILED,
    GOOD,
    RELEASE_KEY,
    RELEASE_OF_LABEL,
    UNKNOWN,
    Pinned,
    Release,
    UnreadableRecord,
    from_text,
    last_good,
    needed,
    needed_objects,
    to_text,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MODEST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STORE = "PersistentVolumeClaim edge/models"


def release(number: int, digest: str, verdict: str = GOOD, **fields: Any) -> Release:
    return Release(number=number, server="ocr", digest=digest, verdict=verdict, **fields)


def back_to(*releases: Release) -> int | None:
    found = last_good(releases)
    return None if found is None else found.number


def test_the_newest_good_one_before_a_bad_one_is_the_way_back() -> None:
    assert back_to(release(1, "a"), release(2, "b"), release(3, "c", FAILED)) == 2
    assert back_to(release(1, "a"), release(2, "b", FAILED), release(3, "c", UNKNOWN)) == 1


def test_a_good_release_that_misbehaves_is_left_too() -> None:
    assert back_to(release(1, "a"), release(2, "b")) == 1


def test_a_record_of_the_same_server_is_no_way_back() -> None:
    assert back_to(release(1, "a"), release(2, "b"), release(3, "b", FAILED)) == 1
    assert back_to(release(1, "b"), release(2, "b")) is None
    assert back_to() is None


def test_going_back_twice_stays_where_the_first_time_ended() -> None:
    gone_back = release(3, "a", restores=1, leaves=2)
    assert back_to(release(1, "a"), release(2, "b"), gone_back) == 3


def test_a_way_back_without_a_verdict_is_gone_again_and_no_further() -> None:
    """The run was killed, or nobody could be asked: the same command is to end where it would."""
    killed = release(4, "b", UNKNOWN, restores=2, leaves=3)
    history = [release(1, "a"), release(2, "b"), release(3, "c", FAILED)]
    assert back_to(*history, killed) == 2
    assert needed([*history, killed]) == {2, 4}
    assert back_to(release(1, "a"), release(3, "c", FAILED), killed) == 1, "its record is gone"
    odd = release(2, "b", UNKNOWN)
    assert back_to(release(1, "a"), odd, release(3, "c", FAILED), killed) == 1


def test_a_way_back_that_fails_leads_further_back_and_not_to_what_was_left() -> None:
    shut = release(4, "b", FAILED, restores=2, leaves=3)
    assert back_to(release(1, "a"), release(2, "b"), release(3, "c"), shut) == 1


def test_what_was_left_can_be_deployed_again_and_counts_then() -> None:
    history = [
        release(1, "a"),
        release(2, "b"),
        release(3, "a", restores=1, leaves=2),
        release(4, "b"),
        release(5, "c", FAILED),
    ]
    assert back_to(*history) == 4


_RELEASES = st.lists(
    st.builds(
        lambda digest, verdict, leaves: (digest, verdict, leaves),
        st.sampled_from("abc"),
        st.sampled_from((GOOD, FAILED, UNKNOWN)),
        st.none() | st.integers(1, 8),
    ),
    max_size=8,
).map(
    lambda items: [
        release(
            index + 1,
            digest,
            verdict,
            leaves=leaves if leaves and leaves <= index else None,
            restores=1 if leaves and leaves <= index else None,
        )
        for index, (digest, verdict, leaves) in enumerate(items)
    ]
)


@MODEST
@given(_RELEASES, st.randoms())
def test_the_way_back_is_good_whatever_the_order_of_the_list(items: Any, rng: Any) -> None:
    found = last_good(items)
    shuffled = list(items)
    rng.shuffle(shuffled)
    assert last_good(shuffled) == found
    if found is not None:
        assert found.verdict == GOOD
        gone_again = items[-1].verdict == UNKNOWN and found.number == items[-1].restores
        assert found == items[-1] or found.digest != items[-1].digest or gone_again
        again = release(len(items) + 1, found.digest, restores=found.number, leaves=len(items))
        assert last_good([*items, again]) == again


@MODEST
@given(_RELEASES)
def test_what_has_to_stay_is_the_newest_and_the_way_back(items: Any) -> None:
    keep = needed(items)
    assert len(keep) <= 2
    assert (len(items) in keep) == bool(items)
    found = last_good(items)
    assert found is None or found.number in keep


_TEXT = st.text(max_size=8)


@MODEST
@given(
    st.builds(
        Release,
        number=st.integers(1, 10**6),
        server=_TEXT,
        digest=_TEXT,
        options=st.dictionaries(_TEXT, _TEXT | st.integers() | st.lists(_TEXT), max_size=3),
        withheld=st.lists(_TEXT, max_size=2).map(tuple),
        models=st.lists(
            st.builds(
                Pinned,
                _TEXT,
                _TEXT,
                st.lists(st.integers(1, 99), max_size=3).map(tuple),
                st.dictionaries(_TEXT, _TEXT, max_size=2),
            ),
            max_size=2,
        ).map(tuple),
        store=_TEXT,
        image=_TEXT,
        run=_TEXT,
        verdict=st.sampled_from((GOOD, FAILED, UNKNOWN)),
        reason=_TEXT,
        restores=st.none() | st.integers(1, 9),
        leaves=st.none() | st.integers(1, 9),
        own_config=st.booleans(),
    )
)
def test_a_record_is_read_as_it_was_written(item: Release) -> None:
    assert from_text(to_text(item)) == item


@MODEST
@given(st.text(max_size=40) | st.from_type(type(None)).map(json.dumps))
def test_any_other_text_is_no_record(text: str) -> None:
    with pytest.raises(UnreadableRecord):
        from_text(text)


def test_another_form_is_not_guessed_at() -> None:
    body = json.loads(to_text(release(1, "a")))
    for change in ({"form": 2}, {"verdict": "fine"}, {"models": [{"name": "x"}]}, {"number": "x"}):
        with pytest.raises(UnreadableRecord):
            from_text(json.dumps({**body, **change}))


def record(item: Release, namespace: str = "edge") -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"{item.server}-release-{item.number}",
            "namespace": namespace,
            "labels": {RELEASE_OF_LABEL: item.server},
        },
        "data": {RELEASE_KEY: to_text(item)},
    }


def names(items: Any) -> list[str]:
    return sorted(str(item["metadata"]["name"]) for item in items)


def test_old_releases_do_not_keep_versions_on_a_store() -> None:
    history = [release(number, str(number), store=STORE) for number in range(1, 6)]
    other = Release(1, "other", "x", store=STORE)
    found = needed_objects([*map(record, history), record(other)], STORE)
    assert names(found) == ["ocr-release-4", "ocr-release-5", "other-release-1"]


def test_only_releases_on_that_store_count() -> None:
    def kept(store: str, asked: str) -> bool:
        return bool(needed_objects([record(release(1, "a", store=store))], asked))

    assert kept(STORE, STORE)
    assert not kept("PersistentVolumeClaim edge/others", STORE)
    assert not kept("", STORE)
    # The claim may be a local volume of that directory.
    assert kept("host path /srv/edge", STORE)


def test_a_record_that_cannot_be_read_counts() -> None:
    broken = {"metadata": {"name": "ocr-release-1", "namespace": "edge"}, "data": {"x": "{}"}}
    assert needed_objects([broken], STORE) == [broken]
