# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of several roles, checked in one task as Ansible checks those of each role."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.fleet.cluster import ROLES
from ansible_collections.openvino.edge.plugins.plugin_utils.role_options import (
    check_roles,
    specs_of,
)

SPECS = specs_of(ROLES)
GOOD: dict[str, Any] = {
    "preflight_namespace": "edge-models",
    "preflight_store": {"pvc": {"claim_name": "models"}},
    "model_repository_namespace": "edge-models",
    "model_repository_store": {"pvc": {"claim_name": "models"}},
    "model_repository_src": "/srv/models",
    "model_repository_models": [{"name": "tiny", "versions": [1]}],
    "model_server_namespace": "edge-models",
    "model_server_store": {"pvc": {"claim_name": "models"}},
    "model_server_models": [{"name": "tiny"}],
    "verify_namespace": "edge-models",
    "verify_models": [{"name": "tiny"}],
}


def check(**changed: Any) -> None:
    variables = {**GOOD, **changed}
    check_roles(SPECS, variables, Templar(loader=DataLoader(), variables=variables))


def test_what_each_role_takes_passes() -> None:
    assert set(SPECS) == set(ROLES)
    check()


@pytest.mark.parametrize(
    ("name", "value", "role"),
    [
        ("preflight_create", "perhaps", "preflight"),
        ("model_repository_state", "gone", "model_repository"),
        ("model_server_models", {"name": "tiny"}, "model_server"),
        ("verify_forks", "many", "verify"),
    ],
)
def test_what_is_wrong_is_named_with_its_role(name: str, value: Any, role: str) -> None:
    with pytest.raises(InputError, match=rf"variable of the role {role} is not right: .*{name}"):
        check(**{name: value})


MEASURE = {"model": "tiny", "rate": 50, "duration": 5, "slo": {"p95_ms": 40, "error_rate": 0}}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": None}, "model"),
        ({"model": None, "modle": "tiny"}, "missing .*model.*; unsupported .*modle"),
        ({"slo": {"p50_ms": 9, "p99_ms": 5}}, "p99"),
        ({"slo": {"throughput": 60}}, "throughput"),
        ({"slo": {"speed": 1}}, "speed"),
        ({"requests": 10}, "requests|duration"),
        ({"concurrency": 0}, "concurrency"),
        ({"inputs": [{"name": "x", "file": "/no/such/file.npy"}]}, "/no/such/file.npy"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_turn(
    given: dict[str, Any], says: str
) -> None:
    check(verify_benchmark=MEASURE)
    wrong = {key: value for key, value in {**MEASURE, **given}.items() if value is not None}
    with pytest.raises(InputError, match=rf"could not be measured: .*({says})") as caught:
        check(verify_benchmark=wrong)
    assert caught.value.option == "verify_benchmark"
    assert "edge_benchmark" in (caught.value.hint or "")


def test_what_is_missing_is_named() -> None:
    variables = {name: value for name, value in GOOD.items() if name != "verify_models"}
    required = [name for name, option in SPECS["verify"].items() if option.get("required")]
    assert "verify_models" in required
    with pytest.raises(InputError, match="role verify .*verify_models"):
        check_roles(SPECS, variables, Templar(loader=DataLoader(), variables=variables))
