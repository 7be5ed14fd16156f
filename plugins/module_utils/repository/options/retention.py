# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options C(keep_versions) and C(prune) as rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ...errors import InputError

RETENTION_ARGUMENT_SPEC: Dict[str, Any] = {
    "keep_versions": {"type": "int"},
    "prune": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Rules:
    """The typed options; without C(keep_versions) and C(prune) no version is removed."""

    keep_versions: Optional[int] = None
    prune: bool = False
    force: bool = False

    @property
    def asked(self) -> bool:
        """Whether anything may go."""
        return self.prune or self.keep_versions is not None


def rules_from_params(params: Mapping[str, Any]) -> Rules:
    """Return the typed options; with C(state=absent) nothing is published, so no rule applies.

    Raises:
        InputError: a number that is none.
    """
    keep, prune = params.get("keep_versions"), bool(params.get("prune"))
    if keep is not None and keep < 1:
        raise InputError(
            f"{keep} is not at least 1",
            option="keep_versions",
            hint="Leave it out to keep all versions, or use state: absent to remove a model",
        )
    if params.get("state") == "absent":
        keep, prune = None, False
    return Rules(keep, prune, bool(params.get("force")))
