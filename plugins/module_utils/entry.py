# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module side of an entry point: C(AnsibleModule) in, C(exit_json) or C(fail_json) out."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Run, Runtime


def run_module(module: AnsibleModule, run: Run) -> None:
    """Run an entry point as a module and end the process.

    Args:
        module: made by the module file, so that its argument spec stays visible to linters.
        run: the entry point.
    """
    runtime = Runtime(check_mode=module.check_mode, diff=bool(module._diff))
    try:
        result: Dict[str, Any] = run(module.params, runtime)
    except EdgeError as error:
        _emit_warnings(module, runtime)
        module.fail_json(**failure(error))
    else:
        _emit_warnings(module, runtime)
        module.exit_json(**result)


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
