# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters between Ansible and the entry points."""

from __future__ import annotations

from typing import Any, Dict, Mapping

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.entry import (
    failure,
    merge_specs,
    run_module,
)
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.plugin_utils.action import censor


class _Ended(Exception):
    """The process of a module ends in exit_json or fail_json."""


class _Module:
    """The five things that run_module may use of AnsibleModule."""

    check_mode = True
    _diff = False

    def __init__(self) -> None:
        kubeconfig = {"users": [{"name": "u", "user": {"token": "abcd-efgh"}}]}
        self.params: Dict[str, Any] = {"name": "x", "kubeconfig": kubeconfig}
        self.no_log_values: "set[str]" = set()
        self.warned: "list[str]" = []
        self.exited: Dict[str, Any] = {}
        self.failed: Dict[str, Any] = {}

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def exit_json(self, **result: Any) -> None:
        self.exited = result
        raise _Ended

    def fail_json(self, **result: Any) -> None:
        self.failed = result
        raise _Ended


def test_error_names_option_object_and_way_out() -> None:
    error = InputError(
        "version directory 'v1' is not a number",
        option="src",
        subject="models/ocr/v1",
        hint="Rename it to '1'",
    )
    assert str(error) == (
        "src: models/ocr/v1: version directory 'v1' is not a number. Rename it to '1'."
    )
    assert failure(error)["error"] == {
        "kind": "input",
        "message": "version directory 'v1' is not a number",
        "option": "src",
        "subject": "models/ocr/v1",
        "hint": "Rename it to '1'",
    }


def test_failure_says_when_something_was_changed_before() -> None:
    assert failure(EdgeError("x"))["changed"] is False
    assert failure(EdgeError("x", details={"changed": True}))["changed"] is True


def test_module_passes_mode_warnings_and_result() -> None:
    module = _Module()

    def run(params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        runtime.warn("careful")
        return {"changed": runtime.check_mode, "name": params["name"]}

    with pytest.raises(_Ended):
        run_module(module, run)
    told = module.exited.pop("invocation")["module_args"]
    assert told["kubeconfig"] == {"users": [{"name": "u", "user": {"token": "********"}}]}
    assert module.exited == {"changed": True, "name": "x"}
    assert module.warned == ["careful"]
    assert module.no_log_values == {"abcd-efgh"}


def test_module_turns_an_edge_error_into_a_failed_task() -> None:
    module = _Module()

    def run(params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        raise InputError("bad", option="src")

    with pytest.raises(_Ended):
        run_module(module, run)
    assert module.failed["msg"] == "src: bad."
    assert module.failed["error"]["option"] == "src"


def test_censor_removes_secrets_at_any_depth() -> None:
    result = {"a": "token-12345 inside", "b": ["token-12345"], "c": {"d": "plain"}}
    cleaned = censor(result, {"token-12345"})
    assert "token-12345" not in str(cleaned)
    assert cleaned["c"] == {"d": "plain"}


def test_censor_without_secrets_is_the_same_object() -> None:
    result = {"a": 1}
    assert censor(result, set()) is result


def test_merge_specs_later_wins_and_inputs_stay() -> None:
    first = {"a": {"type": "str"}, "b": {"type": "int"}}
    merged = merge_specs(first, {"b": {"type": "bool"}})
    assert merged == {"a": {"type": "str"}, "b": {"type": "bool"}}
    assert first["b"] == {"type": "int"}
