# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the variables of several roles in one task.

Ansible checks those of each role in a task of its own, which costs a worker for each role and host.
The specifications are the same, those of C(meta/argument_specs.yml).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError

from ..module_utils.errors import EdgeError, InputError, one_line
from ..module_utils.loadtest import options as loadtest

ROLES = Path(__file__).resolve().parents[2] / "roles"
# The variable of the role verify with options of the module benchmark.
MEASURED = "verify_benchmark"
Validators = Dict[str, Tuple[List[str], ArgumentSpecValidator]]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def specs_of(names: Iterable[str]) -> Dict[str, Dict[str, Any]]:
    """Return the options of roles of this collection, by role."""
    found = {}
    for name in names:
        text = (ROLES / name / "meta" / "argument_specs.yml").read_text("utf-8")
        found[name] = yaml.load(text, Loader=_Loader)["argument_specs"]["main"]["options"]
    return found


def check_roles(
    specs: Mapping[str, Mapping[str, Any]], variables: Mapping[str, Any], templar: Any
) -> None:
    """Check what a host gives to roles.

    Args:
        specs: options by role, from C(specs_of).
        variables: of the host, with the defaults of the roles.
        templar: resolves them.

    Raises:
        InputError: a variable is missing or has another type, or is not one of the choices, or
            what is to be measured cannot be.
    """
    check_given(
        validators_of(specs),
        lambda options: templar.template(
            {name: variables[name] for name in options if name in variables}
        ),
    )


def validators_of(specs: Mapping[str, Mapping[str, Any]]) -> Validators:
    """Return what checks the options of roles, by role, with the names of these."""
    return {
        role: (list(options), ArgumentSpecValidator(dict(options)))
        for role, options in specs.items()
    }


def check_given(
    validators: Validators, given: Callable[[Sequence[str]], Mapping[str, Any]]
) -> None:
    """Check what a host gives to roles.

    Args:
        validators: of the roles, from C(validators_of).
        given: returns those of some variables that the host has, resolved.

    Raises:
        InputError: a variable is missing or has another type, or is not one of the choices, or
            what is to be measured cannot be.
    """
    for role, (options, validator) in validators.items():
        resolved = given(options)
        checked = validator.validate(resolved)
        if checked.error_messages:
            message = remove_values(_all_wrong(checked), checked._no_log_values)
            raise InputError(
                f"a variable of the role {role} is not right: {message}",
                hint="See docs/variables.md",
            )
        if resolved.get(MEASURED):
            _check_measured(resolved[MEASURED])


def _all_wrong(checked: ValidationResult) -> str:
    """Return all errors: where a name is misspelt, the first one says that another is missing."""
    texts = []
    for error in checked.errors.errors:
        # As modules say it; its own text begins with the names.
        unknown = isinstance(error, UnsupportedError)
        texts.append(f"{'unsupported parameters: ' if unknown else ''}{error.msg}")
    return "; ".join(texts)


def _check_measured(given: Mapping[str, Any]) -> None:
    """Check the options of a measurement, which comes last, before anything is changed.

    Raises:
        InputError: C(benchmark) would refuse them.
    """
    # The role itself names the server, and the way to the cluster has been checked before.
    validator = ArgumentSpecValidator(dict(loadtest.ARGUMENT_SPEC), **loadtest.SPEC_RULES)
    checked = validator.validate({**given, "namespace": "a", "name": "a"})
    why = _all_wrong(checked)
    if not why:
        try:
            loadtest.options_from_params(checked.validated_parameters)
        except EdgeError as error:
            why = one_line(str(error)).rstrip(".")
    if why:
        raise InputError(
            f"the server could not be measured: {remove_values(why, checked._no_log_values)}",
            option=MEASURED,
            hint="These are options of openvino.edge.benchmark; set by edge_benchmark in a rollout."
            " Nothing was changed",
        )
