# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker side of an entry point.

An action runs 15 to 20 times cheaper than the module of the same name and can show progress at
once, so it is the default wherever the controller itself talks to the API server. Hosts with
another connection get the module.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Mapping, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ..module_utils.entry import failure
from ..module_utils.errors import EdgeError
from ..module_utils.runtime import Run, Runtime
from ..module_utils.secrecy import secrets, shown

IN_PROCESS_CONNECTIONS = ("local", "ansible.builtin.local")


class EdgeAction(ActionBase):  # type: ignore[misc]
    """Base of all actions of this collection; subclasses set the class attributes in capitals.

    Attributes:
        ARGUMENT_SPEC: of the module of the same name.
        SPEC_RULES: rules over several options, as AnsibleModule takes them.
        ON_CONTROLLER: run in the worker whatever connection the host has.
        FOR_FLEET: progress lines are about the whole run, not about the host that it runs for.
    """

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    ARGUMENT_SPEC: Mapping[str, Any] = {}
    SPEC_RULES: Mapping[str, Any] = {}
    ON_CONTROLLER = False
    FOR_FLEET = False

    _host = ""
    # Of the host that it runs for, for a subclass that looks beyond its own arguments.
    _task_vars: Mapping[str, Any] = {}

    def entry(self, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        """Do the work; replaced by the subclass."""
        raise NotImplementedError

    def run(
        self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None
    ) -> Dict[str, Any]:
        """Run in the worker when the connection is local, else hand over to the module."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        if not self.FOR_FLEET:
            self._host = str((task_vars or {}).get("inventory_hostname", ""))
        if not (self.ON_CONTROLLER or self._play_context.connection in IN_PROCESS_CONNECTIONS):
            module_result: Dict[str, Any] = self._execute_module(task_vars=task_vars)
            return module_result
        self._enter_environment()
        params, hidden = self._validated()
        runtime = Runtime(
            check_mode=bool(self._task.check_mode),
            diff=bool(self._task.diff),
            progress=self._show,
            folder=str(constants.DEFAULT_LOCAL_TMP),
        )
        result.update(self._guarded(self.entry, params, runtime))
        if _tells_invocation(task_vars):
            result.setdefault("invocation", {"module_args": shown(params)})
        if runtime.warnings:
            result.setdefault("warnings", []).extend(runtime.warnings)
        return censor(result, hidden)

    def _validated(self) -> "tuple[Dict[str, Any], set[str]]":
        """Check the task's arguments as a module would.

        Tagged values (ansible-core 2.19 and later) go through JSON: YAML dumpers refuse them.
        """
        rules = dict(self.SPEC_RULES)
        validator = ArgumentSpecValidator(dict(self.ARGUMENT_SPEC), **rules)
        checked = validator.validate(json.loads(json.dumps(self._task.args)))
        if checked.error_messages:
            raise AnsibleActionFail(self._refusal(checked.errors))
        params = checked.validated_parameters
        return params, set(checked._no_log_values) | secrets(params)

    def _refusal(self, errors: Any) -> str:
        """Return what AnsibleModule says of these errors: the first one, unknown options named."""
        if isinstance(errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._task.action}) module: {errors.msg}"
        return str(errors.msg)

    @staticmethod
    def _guarded(run: Run, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        try:
            return run(params, runtime)
        except EdgeError as error:
            return {"failed": True, **failure(error)}

    def _enter_environment(self) -> None:
        """Give the options' environment fallbacks what the play's C(environment) says.

        A module's process gets it from Ansible. The worker is forked anew for each task, so
        nothing set here outlives the task.
        """
        environment: Dict[str, Any] = {}
        self._compute_environment_string(environment)
        os.environ.update({str(name): str(value) for name, value in environment.items()})

    def _show(self, message: str) -> None:
        self._display.display(f"{self._host}: {message}" if self._host else message)


def _tells_invocation(task_vars: Optional[Dict[str, Any]]) -> bool:
    """Tell whether modules of this ansible-core repeat their options in the result.

    All do before the setting C(INJECT_INVOCATION) came.
    """
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
    except AnsibleError:
        return True


def censor(result: Dict[str, Any], hidden: "set[str]") -> Dict[str, Any]:
    """Return the result without secret values, as a module would.

    Actions get no masking from ansible-core before 2.22.
    """
    if not hidden:
        return result
    cleaned: Dict[str, Any] = remove_values(result, hidden)
    return cleaned
