# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves the tasks of a cluster's turn for many hosts, in one task of the same play.

These are the play's own tasks, with their conditions, variables and defaults, so nothing has to be
written twice, and a task that is added is either looked at or a reason to say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.playbook.block import Block
from ansible.template import Templar

from ..module_utils.errors import InputError, UnsupportedError
from ..module_utils.fleet import cluster as rollout_cluster
from ..module_utils.fleet.turn import Difference, Step, Turn
from ..module_utils.kube.planned import OPTION
from ..module_utils.runtime import Run
from ..module_utils.secrecy import secrets
from .action import IN_PROCESS_CONNECTIONS, EdgeAction, censor
from .per_host import HostVariables, defaults_for
from .role_options import check_given, validators_of

CONNECTION = "ansible_connection"
BEGIN = "openvino.edge.rollout_cluster"
# What the play registers of a turn that begins, on which the conditions of its tasks rest.
TURN = {"__edge_turn": {"turn": rollout_cluster.GO, "until": 0}}


@dataclass(frozen=True)
class Kind:
    """How the tasks of one module are gone through.

    Attributes:
        spec: options of the module.
        rules: over several of them.
        run: its entry point.
        difference: see C(fleet.turn.Step).
        told: see C(fleet.turn.Step).
        fixed: options that are other ones than those of the task.
    """

    spec: Mapping[str, Any]
    rules: Mapping[str, Any]
    run: Run
    difference: Difference
    told: Sequence[str] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)


class HostTurns:
    """Tells the turn of each host.

    Args:
        action: the action that runs, with its task.
        task_vars: variables of the host that it runs for.
        kinds: by the full name of the module, in the order in which a look takes them.
        specs: options of the roles whose variables are checked, by role.
        acts: the turn is not looked at but done: all steps, in the order of the play.
    """

    def __init__(
        self,
        action: EdgeAction,
        task_vars: Mapping[str, Any],
        kinds: Mapping[str, Kind],
        specs: Mapping[str, Mapping[str, Any]],
        acts: bool = False,
    ) -> None:
        self._acts = acts
        self._hosts = HostVariables(action, task_vars)
        self._templar = Templar(loader=action._loader)
        self._kinds, self._roles = kinds, validators_of(specs)
        self._begin, self._tasks = _found(action._task._parent._play, acts)
        self._places = _places((self._begin, *self._tasks))
        self._module_defaults: Dict[int, Sequence[Any]] = {}
        if not acts:
            rank = {name: number for number, name in enumerate(kinds)}
            self._tasks.sort(key=lambda task: rank.get(task.action, len(rank)))
        self._validators = {
            name: ArgumentSpecValidator(dict(kind.spec), **kind.rules)
            for name, kind in {**kinds, BEGIN: _BEGIN_KIND}.items()
        }

    def __call__(self, name: str) -> Turn:
        """Return the turn of a host.

        Raises:
            InputError: its options cannot be resolved or are not valid.
            UnsupportedError: a task of its turn cannot be looked at.
        """
        hidden: "set[str]" = set()
        known: Dict[int, Mapping[str, Any]] = {}
        variables = self._variables(name, self._begin, known)
        begin = self._params(self._begin, variables, hidden)
        if begin is None:
            raise AssertionError("a turn always begins")
        self._check_roles(begin["roles"], variables)
        steps: List[Step] = []
        for task in self._tasks:
            variables = self._variables(name, task, known)
            params = self._params(task, variables, hidden)
            if params is None:
                continue
            step = self._step(task, params, variables)
            if self._acts:
                steps.append(step)
                continue
            same = [old for old in steps if (old.action, old.params) == (step.action, params)]
            if not same:
                steps.append(step)
            elif step.register:
                # One has checked before what this one does.
                steps[steps.index(same[0])] = step
        return Turn(begin, steps, lambda result: censor(result, hidden))

    def _step(self, task: Any, params: Mapping[str, Any], variables: Mapping[str, Any]) -> Step:
        kind = self._kinds[task.action]
        return Step(
            task.action,
            _registered(task),
            kind.run,
            params,
            kind.difference,
            kind.told,
            check_mode=bool(task.check_mode),
            throttle=int(self._hosts.value(task.throttle, variables)),
        )

    def _variables(
        self, name: str, task: Any, known: Dict[int, Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Return the variables of a task on a host; tasks that have the same share them."""
        place = self._places[id(task)]
        if place not in known:
            known[place] = {**self._hosts.of(name, task), **TURN}
        return known[place]

    def _check_roles(self, roles: Sequence[str], variables: Mapping[str, Any]) -> None:
        try:
            check_given(
                {role: self._roles[role] for role in roles},
                lambda options: self._hosts.variables_in(options, variables),
            )
        except AnsibleError as error:
            raise InputError(str(error), option="roles") from None

    def _params(self, task: Any, variables: Mapping[str, Any], hidden: "set[str]") -> Any:
        """Return the options of a task on a host; None if the host leaves the task out.

        Secrets among them are added to C(hidden).
        """
        try:
            if not self._applies(task, variables):
                return None
            self._refuse_strange(task, variables)
        except AnsibleError as error:
            raise InputError(str(error), option=task.get_name()) from None
        kind = self._kinds.get(task.action, _BEGIN_KIND)
        parts = (*self._defaults(task), task.args)
        given = self._hosts.resolved(variables, parts, task.get_name())
        # What a run in check mode would have made before is not there in any other run.
        given.pop(OPTION, None)
        checked = self._validators[task.action].validate({**given, **kind.fixed})
        if checked.error_messages:
            raise InputError(str(checked.errors.msg), option=task.get_name())
        params: Dict[str, Any] = checked.validated_parameters
        hidden.update(checked._no_log_values, secrets(params))
        return params

    def _defaults(self, task: Any) -> Sequence[Any]:
        """Return what C(module_defaults) say for a task: the same for each host, unresolved."""
        key = id(task)
        if key not in self._module_defaults:
            self._module_defaults[key] = defaults_for(task.action, task)
        return self._module_defaults[key]

    def _applies(self, task: Any, variables: Mapping[str, Any]) -> bool:
        """Tell whether the conditions of a task hold; ansible-core 2.19 has another way to ask."""
        if hasattr(self._templar, "evaluate_conditional"):
            return self._hosts.applies(task.when, variables)
        self._templar.available_variables = variables
        return bool(task.evaluate_conditional(self._templar, variables))

    def _refuse_strange(self, task: Any, variables: Mapping[str, Any]) -> None:
        """Refuse what a look does not do.

        Raises:
            UnsupportedError: there is such a thing.
        """
        given = self._hosts.variables_in((CONNECTION,), variables)
        connection = given.get(CONNECTION) or self._hosts.value(task.connection, variables)
        strange = {
            "its module cannot be looked at": task.action not in self._validators,
            "it runs on another machine": connection not in IN_PROCESS_CONNECTIONS,
            "it has an environment of its own": any(task.environment or ()),
            "it is delegated": bool(task.delegate_to),
            "it is a loop": bool(task.loop or task.loop_with),
        }
        for why, found in strange.items():
            if found:
                raise UnsupportedError(
                    f"nothing can be said of the task '{task.get_name()}': {why}"
                )


_BEGIN_KIND = Kind(
    rollout_cluster.ARGUMENT_SPEC,
    rollout_cluster.SPEC_RULES,
    rollout_cluster.run,
    lambda result: "",
)


def _found(play: Any, acts: bool) -> "Tuple[Any, List[Any]]":
    """Return the task with which a turn begins, and those that follow.

    Args:
        play: with the turns of clusters.
        acts: all tasks of the turn, up to the one that writes its end, whoever has put them there;
            else those of the roles that the play imports.

    Raises:
        UnsupportedError: the play has no turns.
    """
    tasks = [task for task in _tasks_in(play.tasks) if not task.implicit]
    begins = [task for task in tasks if _writes(task, "begun")]
    ends = [number for number, task in enumerate(tasks) if _writes(task, "done")]
    if len(begins) != 1 or len(ends) != 1:
        raise UnsupportedError(
            "this play has no turns of clusters",
            hint="The task belongs into the play of openvino.edge.site",
        )
    if acts:
        return begins[0], tasks[tasks.index(begins[0]) + 1 : ends[0]]
    return begins[0], [task for task in tasks if task._role is not None]


def _places(tasks: Sequence[Any]) -> Dict[int, int]:
    """Return a number for each task, by its identity: the same for those with the same variables.

    These rest on the role, on what leads to it, and on what the task and the blocks around it have.
    """
    known: List[Any] = []
    found: Dict[int, int] = {}
    for task in tasks:
        place = (
            task._role,
            task.get_dep_chain(),
            task.get_vars(),
            task.get_include_params(),
            task.get_search_path(),
        )
        if place not in known:
            known.append(place)
        found[id(task)] = known.index(place)
    return found


def _writes(task: Any, state: str) -> bool:
    return bool(task.action == BEGIN and task.args.get("state") == state)


def _tasks_in(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, Block):
            yield from _tasks_in(item.block)
        else:
            yield item


def _registered(task: Any) -> str:
    """Return the variable that a task registers; ansible-core 2.21 may have several, by name."""
    register = task.register
    return str(next(iter(register), "") if isinstance(register, Mapping) else register or "")
