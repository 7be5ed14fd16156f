# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the turn of a cluster is, for the entry points that go through many turns in one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Sequence

from ..errors import EdgeError, InputError, UnsupportedError, one_line
from ..runtime import Params, Result, Run

ARGUMENT_SPEC: Dict[str, Any] = {
    "plan": {"type": "dict", "required": True},
    "clusters": {"type": "list", "elements": "str", "required": True},
    "forks": {"type": "int", "default": 50},
}
"""Options that these entry points have in common."""

Difference = Callable[[Result], str]
"""Says in what a result is not that of a step without a change; empty if it is one."""


@dataclass(frozen=True)
class Step:
    """One step of a turn.

    Attributes:
        action: full name of its module.
        register: variable in which the play keeps its result; empty if it keeps none.
        run: entry point of the module.
        params: its options for this cluster.
        difference: judges its result in check mode.
        told: keys of the result that the reports over the fleet show.
        check_mode: its task only looks ahead, whatever the mode of the play.
        throttle: clusters on which the step runs at a time; 0 is no limit.
    """

    action: str
    register: str
    run: Run
    params: Params
    difference: Difference
    told: Sequence[str] = ()
    check_mode: bool = False
    throttle: int = 0

    def shown(self, result: Result) -> Result:
        """Return what the reports show of a result."""
        return {key: result[key] for key in self.told if key in result}


@dataclass(frozen=True)
class Turn:
    """What the turn of one cluster is.

    Attributes:
        begin: options of rollout_cluster at the beginning of the turn.
        steps: what follows, in the order in which it is gone through.
        clean: masks the secrets of this cluster's options in a result.
    """

    begin: Params
    steps: Sequence[Step]
    clean: Callable[[Result], Result]


Turns = Callable[[str], Turn]
"""Returns the turn of a cluster; an InputError says why nothing can be said of it."""


def nobody(cluster: str) -> Turn:
    """Refuse to tell what a turn is: outside of the controller nothing is known of other hosts.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(
        "only the controller knows the tasks and options of other hosts",
        subject=cluster,
        hint="Run it as a task; it always runs on the controller",
    )


def check_forks(params: Params, variable: str) -> None:
    """Check how many clusters are gone through at a time.

    Args:
        params: options of the entry point.
        variable: the variable of the playbook that sets it.

    Raises:
        InputError: it is less than one.
    """
    if params["forks"] < 1:
        raise InputError(
            "at least one cluster has its turn at a time",
            option="forks",
            hint=f"Give 1 or more ({variable})",
        )


def told(error: Exception) -> str:
    """Return an error in one line, as a reason."""
    return one_line(str(error) if isinstance(error, EdgeError) else repr(error))
