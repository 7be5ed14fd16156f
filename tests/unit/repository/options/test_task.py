# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong option is refused on every path of a task, before a cluster or a file is asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.task import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    options_from_params,
)

WAYS: dict[str, dict[str, Any]] = {
    "copy": {"src": "/models"},
    "copy with a record": {"src": "/models", "compare": "record"},
    "pull": {"pull": {"url": "s3://bucket"}},
    "removal": {"state": "absent"},
}
WRONG: dict[str, Any] = {
    "keep_versions": [0, -1],
    "bandwidth_limit": ["fast", "1K/day"],
    "bandwidth_limit_total": ["fast", "12"],
    "uid": [-1],
    "gid": [2**31],
    "parallel": [0, 65],
    "helper_idle": [-1, 3601],
    "wait_timeout": [0],
    "agent_image": [" "],
    "exec_image": [""],
    "helper_resources": [{"limits": {"cpu": "half"}}],
    "signature": [{"bundle": "b.json", "public_key": " "}],
    "models": [[{"name": "../m"}], [{"name": "m", "versions": [0]}]],
}


def params_of(**options: Any) -> dict[str, Any]:
    """Return validated parameters of a task."""
    task = {"namespace": "edge", "pvc": {"claim_name": "models"}, "models": [{"name": "m"}]}
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate({**task, **options})
    assert not checked.error_messages, checked.error_messages
    params: dict[str, Any] = checked.validated_parameters
    return params


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("option", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_option_is_refused_on_every_path(way: str, option: str, value: Any) -> None:
    params = params_of(**{**WAYS[way], option: value})
    with pytest.raises(InputError) as caught:
        options_from_params(params, read_only=False)
    assert str(caught.value.option).partition(".")[0] == option


@pytest.mark.parametrize("way", WAYS)
def test_every_path_takes_right_options(way: str) -> None:
    options = options_from_params(params_of(**WAYS[way], keep_versions=2), read_only=True)
    assert options.absent is (way == "removal")
    assert options.rules.keep_versions == (None if options.absent else 2)
    assert options.helper.read_only


def test_a_removal_names_its_models() -> None:
    with pytest.raises(InputError, match="models: state=absent needs the models to remove"):
        options_from_params(params_of(state="absent", models=[]), read_only=False)
