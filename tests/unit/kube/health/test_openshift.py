# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenShift writes on a namespace."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.health import openshift
from hypothesis import given
from hypothesis import strategies as st


def namespace(users: str, groups: str = "") -> dict[str, Any]:
    annotations = {openshift.UID_RANGE_ANNOTATION: users, openshift.GROUPS_ANNOTATION: groups}
    return {"metadata": {"annotations": annotations}}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("10/5", range(10, 15)), ("10-15", range(10, 16)), ("odd", None), ("", None), ("1/x", None)],
)
def test_users(text: str, wanted: range | None) -> None:
    assert openshift.uid_range(namespace(text)) == wanted


@pytest.mark.parametrize("item", [None, {}, {"metadata": {}}, {"metadata": {"annotations": None}}])
def test_a_namespace_of_kubernetes(item: Any) -> None:
    assert openshift.uid_range(item) is openshift.group_range(item) is None


@pytest.mark.parametrize(
    ("groups", "wanted"),
    [("20/5", range(20, 25)), ("20/5,90/5", range(20, 25)), ("", range(10, 15))],
)
def test_groups_are_the_users_where_none_are_named(groups: str, wanted: range) -> None:
    assert openshift.group_range(namespace("10/5", groups)) == wanted


@given(st.text(alphabet="0123456789/-, x", max_size=12), st.text(max_size=8))
def test_odd_annotations_do_no_harm(users: str, groups: str) -> None:
    for found in (
        openshift.uid_range(namespace(users, groups)),
        openshift.group_range(namespace(users, groups)),
    ):
        assert found is None or found.start >= 0
