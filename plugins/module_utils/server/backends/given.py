# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options a task gives, and those among them that a backend cannot say. Pure."""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Optional

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.options import (
    SERVER_ARGUMENT_SPEC,
)

WAY_OUT = "Leave it out, or use backend: manifests"
_NOTHING: List[Any] = [None, {}, [], ""]


def refuse_others(
    params: Mapping[str, Any], said: Collection[str], subject: str, hints: Mapping[str, str]
) -> None:
    """Refuse every option that is given and not among C(said).

    An option that only has its default value was not asked for.

    Raises:
        InputError: names the first such option.
    """
    for option, rule in sorted(SERVER_ARGUMENT_SPEC.items()):
        value = params.get(option)
        if option in said or value in _NOTHING or value == rule.get("default"):
            continue
        raise unsayable(option, subject, hints.get(option))


def unsayable(option: str, subject: str, hint: Optional[str] = None) -> InputError:
    """Return the refusal of one option."""
    text = f"{hint}, or use backend: manifests" if hint else WAY_OUT
    kind = subject.partition(" ")[0]
    article = "an" if kind[0] in "AEIOU" else "a"
    return InputError(
        f"{article} {kind} cannot say this", option=option, subject=subject, hint=text
    )
