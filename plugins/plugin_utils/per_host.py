# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves the options of one task for many hosts, each as a task on that host would see them."""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any, Dict, Iterable, List, Mapping

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.template import Templar
from jinja2 import Environment

from ..module_utils.errors import InputError
from ..module_utils.fleet.status import CLUSTER_RULES, CLUSTER_SPEC, Order
from ..module_utils.secrecy import secrets
from .action import EdgeAction, censor
from .alike import Alike

ACTION = "openvino.edge.model_status"
"""The action in whose name the C(module_defaults) of the play are taken."""


def compile_once() -> None:
    """Have Jinja compile each template and condition once for this process, not for each host.

    Compiling is two thirds of what it takes to resolve a variable. The worker that calls this is
    forked for one task and ends with it, so nobody else meets the changed method.
    """
    compiled: Dict[Any, Any] = {}
    original: Any = Environment.compile

    @functools.wraps(original)
    def compile(self: Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(source, str) or kwargs:
            return original(self, source, *args, **kwargs)
        key = (self, str(source), args)
        if key not in compiled:
            compiled[key] = original(self, source, *args)
        return compiled[key]

    Environment.compile = compile  # type: ignore[method-assign]
    expressions: Dict[Any, Any] = {}
    original_expression: Any = Environment.compile_expression

    @functools.wraps(original_expression)
    def compile_expression(self: Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        # Ansible doubles backslashes in some texts and not in others that read the same.
        if not isinstance(source, str) or "\\" in source or kwargs:
            return original_expression(self, source, *args, **kwargs)
        key = (self, str(source), args)
        if key not in expressions:
            expressions[key] = original_expression(self, source, *args, **kwargs)
        return expressions[key]

    Environment.compile_expression = compile_expression  # type: ignore[method-assign]


class HostVariables:
    """Resolves what is written for each host, with the variables that a task on it would have.

    Args:
        action: the action that runs, with its task.
        task_vars: variables of the host that it runs for.
    """

    def __init__(self, action: EdgeAction, task_vars: Mapping[str, Any]) -> None:
        compile_once()
        self._play = action._task._parent._play
        self._templar = Templar(loader=action._loader)
        self._manager = action._task.get_variable_manager()
        self._known = _known(self._manager, task_vars)
        self._alike = Alike(self._templar)

    def of(self, name: str, task: Any) -> Dict[str, Any]:
        """Return the variables that a task would have on a host.

        Raises:
            InputError: no such host.
        """
        host = self._manager._inventory.get_host(name)
        if host is None:
            raise InputError(
                "there is no such host in the inventory", option="clusters", subject=name
            )
        found: Dict[str, Any] = self._manager.get_vars(
            play=self._play, host=host, task=task, **self._known
        )
        return found

    def resolved(
        self, variables: Mapping[str, Any], parts: Iterable[Any], option: str
    ) -> Dict[str, Any]:
        """Return options that are given in several parts, of which later ones count more.

        Raises:
            InputError: they cannot be resolved, or are none.
        """
        given: Dict[str, Any] = {}
        for part in parts:
            found = self._mapping(part, variables, option)
            given.update(found)
            if isinstance(part, Mapping):
                # An option that is given as omit takes away what an earlier part has for it.
                for name in set(part) - set(found):
                    given.pop(name, None)
        # Tagged values (ansible-core 2.19 and later) go through JSON: YAML dumpers refuse them.
        options: Dict[str, Any] = json.loads(
            json.dumps(without_omitted(given, variables.get("omit")))
        )
        return options

    def applies(self, conditions: Iterable[Any], variables: Mapping[str, Any]) -> bool:
        """Tell whether all conditions hold; ansible-core before 2.19 has another way to ask."""
        return all(self._alike.holds(item, variables) for item in conditions)

    def value(self, value: Any, variables: Mapping[str, Any]) -> Any:
        """Return a value of the play, resolved for a host; None if it is left out there."""
        return next(iter(self._alike.resolved(value, variables)), None)

    def variables_in(self, names: Iterable[str], variables: Mapping[str, Any]) -> Dict[str, Any]:
        """Return those of some variables that a host has, resolved."""
        return {
            name: item
            for name in names
            if name in variables
            for item in self._alike.variable(name, variables)
        }

    def _mapping(self, part: Any, variables: Mapping[str, Any], option: str) -> Mapping[str, Any]:
        try:
            found = self._found(part, variables)
        except AnsibleError as error:
            raise InputError(str(error), option=option) from None
        if not isinstance(found, Mapping):
            raise InputError("it is not a dictionary of options", option=option)
        return found

    def _found(self, part: Any, variables: Mapping[str, Any]) -> Any:
        """Return a part, resolved; of a dictionary each option for itself, since few differ."""
        if not isinstance(part, Mapping):
            return self.value(part, variables)
        return {
            name: item
            for name, value in part.items()
            for item in self._alike.resolved(value, variables)
        }


def without_omitted(value: Any, omit: Any) -> Any:
    """Return a resolved value without what was given as C(omit).

    Templates of ansible-core 2.19 and later leave it out themselves, and there is no such variable.
    """
    if omit is None:
        return value
    if isinstance(value, Mapping):
        return {key: without_omitted(item, omit) for key, item in value.items() if item != omit}
    if isinstance(value, (list, tuple)):
        return [without_omitted(item, omit) for item in value if item != omit]
    return value


class HostOptions:
    """Makes the order for each host, from a variable whose value depends on the host.

    Args:
        action: the action that runs, with its task.
        task_vars: variables of the host that it runs for.
        variable: name of the variable.
    """

    def __init__(self, action: EdgeAction, task_vars: Mapping[str, Any], variable: str) -> None:
        self._hosts = HostVariables(action, task_vars)
        self._task = action._task
        self._variable = variable
        self._validator = ArgumentSpecValidator(dict(CLUSTER_SPEC), **CLUSTER_RULES)
        # Those of the task itself are not taken: ansible-core 2.16 has resolved them, for one host.
        self._defaults = defaults_for(ACTION, self._task._parent)

    def __call__(self, name: str) -> Order:
        """Return the order for a host.

        Raises:
            InputError: no such host, or its options cannot be resolved or are not valid.
        """
        checked = self._validator.validate(self._resolved(name))
        if checked.error_messages:
            raise InputError(str(checked.errors.msg), option=self._variable)
        params = checked.validated_parameters
        hidden = set(checked._no_log_values) | secrets(params)
        return Order(params, lambda result: censor(result, hidden))

    def _resolved(self, name: str) -> Dict[str, Any]:
        """Return the options as they are given: defaults of the play, then the variable."""
        variables = self._hosts.of(name, self._task)
        if self._variable not in variables:
            raise InputError(
                f"the host has no variable '{self._variable}'",
                option="options",
                hint="Give the name of a variable with the options of model_status for each host",
            )
        parts = (*self._defaults, variables[self._variable])
        return self._hosts.resolved(variables, parts, self._variable)


def defaults_for(action: str, place: Any) -> List[Any]:
    """Return what C(module_defaults) at a place of a play have for an action, groups first.

    Args:
        action: its full name.
        place: a task, a block or what else the play is made of.
    """
    levels: List[Any] = []
    around, play = place, getattr(place, "_play", None) or place._parent._play
    while around is not None:
        levels.insert(0, around.module_defaults)
        around = around._parent
    merged: Dict[str, Any] = {}
    for level in (play.module_defaults, *levels):
        for item in level or ():
            merged.update(item)
    names = [f"group/{group}" for group in (play._action_groups or {}).get(action, ())]
    return [merged[name] for name in (*names, action) if merged.get(name)]


def _known(manager: Any, task_vars: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what is the same for every host of the play, so that it is not listed for each.

    These arguments are ansible-core's own business, so they are left out once it has them no more.
    """
    taken = inspect.signature(manager.get_vars).parameters
    if not {"_hosts", "_hosts_all"} <= set(taken):
        return {}
    return {
        "_hosts": task_vars.get("ansible_play_batch"),
        "_hosts_all": task_vars.get("ansible_play_hosts_all"),
    }
