# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options about releases, as rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

from ..errors import InputError

KEEP, REMOVE = "keep", "remove"
DEFAULT_HISTORY = 10
# A record has some kB; an etcd has some GB for all objects of a cluster.
MOST_RELEASES = 100
_LONGEST_RUN = 200

RUN_ARGUMENT_SPEC: Dict[str, Any] = {"release_run": {"type": "str", "default": ""}}
RELEASE_ARGUMENT_SPEC: Dict[str, Any] = {
    "release_history": {"type": "int", "default": DEFAULT_HISTORY},
    **RUN_ARGUMENT_SPEC,
    "failed_install": {"type": "str", "choices": [KEEP, REMOVE], "default": KEEP},
}


@dataclass(frozen=True)
class Keeping:
    """How releases are recorded.

    Attributes:
        history: number of releases of one server that are kept; 0: none is recorded.
        run: who or what makes this one.
        removes: a first install that fails is removed again.
    """

    history: int = DEFAULT_HISTORY
    run: str = ""
    removes: bool = False


def keeping_from_params(params: Mapping[str, Any]) -> Keeping:
    """Return the typed options.

    Raises:
        InputError: a number out of range, or a text that is no name of a run.
    """
    history = int(params["release_history"])
    if not 0 <= history <= MOST_RELEASES or history == 1:
        raise InputError(
            f"{history} is neither 0 nor a number from 2 to {MOST_RELEASES}",
            option="release_history",
            hint="A way back needs two releases; 0 records none",
        )
    return Keeping(history, run_from_params(params), params["failed_install"] == REMOVE)


def run_from_params(params: Mapping[str, Any]) -> str:
    """Return the option C(release_run).

    Raises:
        InputError: it has more than one line, or is too long for a list.
    """
    run = str(params.get("release_run") or "").strip()
    if len(run) > _LONGEST_RUN or not run.isprintable():
        raise InputError(
            f"it is not one line of at most {_LONGEST_RUN} characters",
            option="release_run",
            hint="Give a name, a job number or a URL",
        )
    return run
