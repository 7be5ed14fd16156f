# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an entry point as a module: with C(AnsibleModule), C(exit_json) and C(fail_json)."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .errors import EdgeError
from .runtime import Run, Runtime
from .secrecy import secrets, shown


class EdgeModule(AnsibleModule):  # type: ignore[misc]
    """A module that masks the secret parts of its options, also in its own argument errors."""

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Fail with masked options: ansible-core before 2.21 puts the options into the result."""
        self.no_log_values.update(secrets(self.params))
        kwargs.setdefault("invocation", {"module_args": shown(self.params)})
        super().fail_json(msg, **kwargs)
        raise AssertionError("fail_json ends the process")


def run_module(module: AnsibleModule, run: Run) -> None:
    """Run an entry point as a module and end the process.

    Args:
        module: made by the module file, so that its argument spec stays visible to linters.
        run: the entry point.
    """
    module.no_log_values.update(secrets(module.params))
    told = {"module_args": shown(module.params)}
    runtime = Runtime(check_mode=module.check_mode, diff=bool(module._diff))
    try:
        result: Dict[str, Any] = run(module.params, runtime)
    except EdgeError as error:
        _emit_warnings(module, runtime)
        module.fail_json(**failure(error), invocation=told)
    else:
        _emit_warnings(module, runtime)
        module.exit_json(**result, invocation=told)


def failure(error: EdgeError) -> Dict[str, Any]:
    """Return the result of a failed task; what was changed before is in C(error.details)."""
    result = error.as_result()
    result["changed"] = bool(error.details.get("changed", False))
    return result


def _emit_warnings(module: AnsibleModule, runtime: Runtime) -> None:
    for warning in runtime.warnings:
        module.warn(warning)


def merge_specs(*specs: Mapping[str, Any]) -> Dict[str, Any]:
    """Return one argument spec; later ones win."""
    merged: Dict[str, Any] = {}
    for spec in specs:
        merged.update(spec)
    return merged
