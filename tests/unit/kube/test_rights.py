# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights of an account, from the rules of a namespace and from reviews."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.rights import denied, grants
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access


def rule(verbs: str, group: str, resources: str, *names: str) -> "dict[str, Any]":
    found: dict[str, Any] = {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
    }
    return {**found, "resourceNames": list(names)} if names else found


def access(verb: str, resource: str, sub: str = "", name: "str | None" = None) -> Access:
    return Access(verb, "", resource, sub, namespace="edge", name=name)


@pytest.mark.parametrize(
    ("rules", "wanted", "granted"),
    [
        (rule("get list", "", "pods"), access("list", "pods"), True),
        (rule("get", "", "pods"), access("list", "pods"), False),
        (rule("get", "apps", "pods"), access("get", "pods"), False),
        (rule("*", "*", "*"), access("update", "pods", "proxy"), True),
        (rule("update", "", "pods"), access("update", "pods", "proxy"), False),
        (rule("update", "", "pods/proxy"), access("update", "pods", "proxy"), True),
        (rule("update", "", "pods/proxy"), access("update", "pods"), False),
        (rule("update", "", "*/proxy"), access("update", "pods", "proxy"), True),
        (rule("get", "", "configmaps", "a"), access("get", "configmaps"), False),
        (rule("get", "", "configmaps", "a"), access("get", "configmaps", name="a"), True),
        (rule("get", "", "configmaps", "a"), access("get", "configmaps", name="b"), False),
        (rule("*", "*", "*"), Access("get", "", "nodes"), False),
    ],
)
def test_a_rule_grants_what_rbac_says(rules: Any, wanted: Access, granted: bool) -> None:
    assert grants([rules], wanted) is granted


def test_only_what_no_rule_grants_is_asked_for() -> None:
    wanted = [access("get", name) for name in ("pods", "secrets", "events", "services")]
    wanted += [Access("list", "", "nodes"), Access("get", "", "pods", namespace="other")]
    read: list[str] = []
    asked: list[Access] = []

    def rules_of(namespace: str) -> "list[dict[str, Any]]":
        read.append(namespace)
        return [rule("get", "", "pods services")]

    def allowed(item: Access) -> bool:
        asked.append(item)
        return item.resource == "secrets"

    found = denied([*wanted, wanted[0]], rules_of, allowed)
    assert read == ["edge"], "for one right alone no rules are read"
    assert asked == [wanted[1], wanted[2], wanted[4], wanted[5]]
    assert found == [wanted[2], wanted[4], wanted[5]]
