# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas that keep a helper pod out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.preflight.quotas import check_quotas
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.helper import (
    RESOURCES,
    networks_from_params,
    resources_from_params,
)

TEAM = {
    "limits.cpu": "2",
    "limits.memory": "2Gi",
    "requests.cpu": "1",
    "requests.memory": "1Gi",
    "pods": "5",
}


def quota(hard: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "team"}, "spec": {"hard": hard, **spec}}


def limit_range(**limit: Any) -> dict[str, Any]:
    return {"spec": {"limits": [{"type": "Container", **limit}]}}


def test_case_25_a_quota_on_limits_cpu_is_told_with_the_option() -> None:
    (found,) = check_quotas([quota(TEAM)], [], RESOURCES)
    assert found.level == "problem"
    assert found.message == "the quota team admits no helper pod, since it states no limits.cpu"
    assert found.hint == "Set it in helper_resources, like {limits: {cpu: 500m}}"
    given = resources_from_params({"helper_resources": {"limits": {"cpu": "500m"}}})
    assert given["limits"] == {"cpu": "500m", "memory": "1Gi"}
    assert check_quotas([quota(TEAM)], [], given)[0].level == "ok"


@pytest.mark.parametrize(
    ("quotas", "ranges", "level"),
    [
        ([], [], "ok"),
        ([quota({"pods": "1", "count/jobs.batch": "2"})], [], "ok"),
        ([quota({"cpu": "1", "memory": "1Gi"})], [], "ok"),
        ([quota({"limits.cpu": "1"}, scopes=["Terminating"])], [], "ok"),
        ([quota({"limits.cpu": "1"}, scopes=["NotTerminating"])], [], "problem"),
        ([quota({"limits.cpu": "1"}, scopeSelector={"matchExpressions": []})], [], "ok"),
        ([quota({"limits.cpu": "1"})], [limit_range(default={"cpu": "1"})], "ok"),
        ([quota({"limits.cpu": "1"})], [limit_range(defaultRequest={"cpu": "1"})], "problem"),
    ],
)
def test_case_25_what_keeps_a_helper_out(quotas: Any, ranges: Any, level: str) -> None:
    assert check_quotas(quotas, ranges, RESOURCES)[0].level == level


def test_values_of_the_options_are_checked() -> None:
    with pytest.raises(InputError) as caught:
        resources_from_params({"helper_resources": {"limits": {"cpu": "much"}}})
    assert caught.value.option == "helper_resources.limits.cpu"
    assert networks_from_params({"helper_allow_from": ["10.0.0.1", "fd00::/8"]}) == (
        "10.0.0.1/32",
        "fd00::/8",
    )
    with pytest.raises(InputError, match="is not a network"):
        networks_from_params({"helper_allow_from": ["api.example"]})
