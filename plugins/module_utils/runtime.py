# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of an entry point to its caller: check mode, progress and warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping


def _silent(message: str) -> None:
    """Drop a progress line (a module in AnsiballZ has no live channel)."""


def _unnoticed() -> None:
    """Do nothing about the first change."""


@dataclass
class Runtime:
    """Mode of the task and the channels back to the person.

    Attributes:
        check_mode: change nothing, predict.
        diff: the caller wants C(diff) in the result.
        progress: shows one line at once (worker only); call it on a change of state, not per poll.
        warnings: collected here, shown by Ansible at the end of the task.
        folder: private directory (mode 0700) of the whole run, removed at its end; empty where
            tasks have none in common, as in a module.
        begins: called once every check has passed, before the first object is changed; not in check
            mode.
    """

    check_mode: bool = False
    diff: bool = False
    progress: Callable[[str], None] = _silent
    warnings: List[str] = field(default_factory=list)
    folder: str = ""
    begins: Callable[[], None] = _unnoticed

    def warn(self, message: str) -> None:
        """Add a warning to the result."""
        self.warnings.append(message)


Params = Mapping[str, Any]
Result = Dict[str, Any]
Run = Callable[[Params, Runtime], Result]
