# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions go: never a wanted one, one in use, or one of the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Selection,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    Key,
    RawFile,
    RawVersion,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.retention import (
    Rules,
    rules_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.retention import (
    Retention,
    plan_retention,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage.in_use import users_of
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage.references import (
    Policy,
    Reference,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage.survey import Use
from hypothesis import given
from hypothesis import strategies as st

FILE = RawFile("a.onnx", (7, 1, 1), 0o100644, 5000, 5000)


def raw(key: Key) -> RawVersion:
    return RawVersion(key[0], key[1], (FILE,))


def plan(
    there: Sequence[Key],
    wanted: Sequence[Key],
    rules: Rules,
    used: Mapping[Key, str] | None = None,
    chosen: Sequence[str] = (),
) -> Retention:
    return plan_retention(
        [raw(key) for key in there],
        wanted,
        [Selection(name, ()) for name in chosen],
        rules,
        lambda keys: {key: who for key, who in (used or {}).items() if key in keys},
    )


def gone(retention: Retention) -> list[Key]:
    assert {step.action for step in retention.steps} <= {"remove"}
    return [step.key for step in retention.steps]


STORE = [("det", 1), ("det", 2), ("det", 3), ("det", 10), ("ocr", 1), ("ocr", 2)]


@pytest.mark.parametrize(
    ("rules", "chosen", "expected"),
    [
        (Rules(), [], []),
        (Rules(keep_versions=1), [], [("det", 1), ("det", 2), ("det", 3)]),
        (Rules(keep_versions=3), [], [("det", 1)]),
        (Rules(keep_versions=9), [], []),
        (Rules(prune=True), [], [*STORE[:3], *STORE[4:]]),
        (Rules(prune=True), ["det"], STORE[:3]),
        (Rules(keep_versions=3, prune=True), [], [("det", 1), *STORE[4:]]),
        (Rules(keep_versions=3, prune=True), ["det"], [("det", 1)]),
    ],
)
def test_what_each_option_does_alone_and_both_together(
    rules: Rules, chosen: list[str], expected: list[Key]
) -> None:
    """The task brings det/10; numbers are compared as numbers."""
    assert gone(plan(STORE, [("det", 10)], rules, chosen=chosen)) == expected


def test_a_version_that_is_not_there_yet_counts_among_the_newest() -> None:
    retention = plan([("det", 1), ("det", 2)], [("det", 3)], Rules(keep_versions=2))
    assert gone(retention) == [("det", 1)]


def test_what_is_used_stays_and_is_named_unless_force() -> None:
    used = {("det", 1): "pod ns/a", ("ocr", 2): "Deployment ns/b"}
    retention = plan(STORE, [("det", 10)], Rules(prune=True), used)
    assert gone(retention) == [("det", 2), ("det", 3), ("ocr", 1)]
    assert [item.as_dict() for item in retention.retained] == [
        {"model": "det", "version": 1, "by": "pod ns/a"},
        {"model": "ocr", "version": 2, "by": "Deployment ns/b"},
    ]
    forced = plan(STORE, [("det", 10)], Rules(prune=True, force=True), used)
    assert gone(forced) == [key for key in STORE if key != ("det", 10)] and not forced.retained


def test_nobody_is_asked_when_nothing_would_go() -> None:
    def ask(keys: Sequence[Key]) -> Mapping[Key, str]:
        raise AssertionError(keys)

    there = [raw(key) for key in STORE]
    for rules in (Rules(), Rules(keep_versions=9)):
        assert not plan_retention(there, STORE[:1], [], rules, ask).steps


def test_users_are_asked_about_all_versions_there_will_be() -> None:
    asked: list[Sequence[Key]] = []

    def ask(keys: Sequence[Key]) -> Mapping[Key, str]:
        asked.append(keys)
        return {}

    plan_retention([raw(("det", 1))], [("det", 2)], [], Rules(keep_versions=1), ask)
    assert asked == [[("det", 1), ("det", 2)]]


@pytest.mark.parametrize(
    ("params", "option"),
    [
        ({"keep_versions": 0}, "keep_versions"),
        ({"keep_versions": -1}, "keep_versions"),
    ],
)
def test_bad_options_are_named(params: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        rules_from_params(params)
    assert caught.value.option == option and caught.value.hint


def test_with_absent_they_have_no_effect() -> None:
    params = {"keep_versions": 2, "prune": True, "force": True, "state": "absent"}
    assert rules_from_params(params) == Rules(force=True)


KEYS = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 12))
RULES = st.builds(
    Rules, keep_versions=st.none() | st.integers(1, 4), prune=st.booleans(), force=st.booleans()
)


@given(
    st.sets(KEYS),
    st.sets(KEYS, min_size=1),
    st.sets(KEYS),
    RULES,
    st.booleans(),
)
def test_never_what_is_wanted_in_use_or_among_the_newest(
    there: set[Key], wanted: set[Key], used: set[Key], rules: Rules, choose: bool
) -> None:
    mine = {model for model, _version in wanted}
    users = dict.fromkeys(used, "somebody")
    retention = plan(sorted(there), sorted(wanted), rules, users, sorted(mine) if choose else [])
    going = set(gone(retention))
    assert going <= there and not going & wanted
    assert rules.force or not going & used
    if not rules.asked:
        assert not going
    for model in mine:
        held = {key for key in there | wanted if key[0] == model}
        newest = sorted(held, reverse=True)[: rules.keep_versions or 0]
        assert not going & set(newest)
        if rules.asked:  # and what has no reason to stay goes
            stays = {*newest, *wanted, *(set() if rules.force else used)}
            assert held - stays == going & held
    others = {key for key in there if key[0] not in mine}
    if not rules.prune or choose:
        assert not going & others
    else:
        assert going & others == others - (set() if rules.force else used)
    again = plan(
        sorted(there - going), sorted(wanted), rules, users, sorted(mine) if choose else []
    )
    assert not again.steps


POLICIES = st.one_of(
    st.just(Policy()),
    st.builds(Policy, st.just("latest"), st.integers(1, 3)),
    st.builds(Policy, st.just("specific"), versions=st.frozensets(st.integers(1, 12), max_size=3)),
)
USES = st.lists(
    st.builds(
        Use,
        st.just("somebody"),
        st.tuples(st.builds(Reference, st.sampled_from(["a", "b", "c", ""]), POLICIES)),
        st.sampled_from(["", "", "", "a riddle"]),
    ),
    max_size=4,
)


def asked_for(uses: Sequence[Use], keys: set[Key]) -> list[set[Key]]:
    """Return what each server would serve from a store with these versions."""
    served = []
    for use in uses:
        for reference in use.references:
            models = {key[0] for key in keys if reference.model in ("", key[0])}
            for model in sorted(models):
                there = [version for name, version in keys if name == model]
                served.append({(model, version) for version in reference.policy.choose(there)})
    return served


@given(st.sets(KEYS), st.sets(KEYS, min_size=1), USES, RULES)
def test_no_server_is_asked_for_anything_else_afterwards(
    there: set[Key], wanted: set[Key], uses: list[Use], rules: Rules
) -> None:
    """Whatever the policies: each server's choice is the same before and after the removal."""
    rules = Rules(rules.keep_versions, rules.prune)
    retention = plan_retention(
        [raw(key) for key in sorted(there)],
        wanted,
        [],
        rules,
        lambda keys: users_of(uses, keys),
    )
    going = set(gone(retention))
    before = [chosen for chosen in asked_for(uses, there | wanted) if chosen]
    after = [chosen for chosen in asked_for(uses, (there | wanted) - going) if chosen]
    assert before == after
    if any(use.fault for use in uses):
        assert not going
