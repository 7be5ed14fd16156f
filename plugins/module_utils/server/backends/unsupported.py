# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses options that a backend does not support. Pure."""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Optional

from ...errors import InputError
from ..spec.argument_spec import SERVER_ARGUMENT_SPEC
from ..spec.server import ServerSpec

WAY_OUT = "Leave it out, or use backend: manifests"
_NOTHING: List[Any] = [None, {}, [], ""]


def refuse_others(
    params: Mapping[str, Any], said: Collection[str], subject: str, hints: Mapping[str, str]
) -> None:
    """Refuse every option that is given and not among C(said).

    Raises:
        InputError: names the first such option.
    """
    refuse_given(params, set(SERVER_ARGUMENT_SPEC).difference(said), subject, hints)


def refuse_given(
    params: Mapping[str, Any], cannot: Collection[str], subject: str, hints: Mapping[str, str]
) -> None:
    """Refuse every option of C(cannot) that is given.

    An option with its default value counts as not given.

    Raises:
        InputError: names the first such option.
    """
    for option in sorted(cannot):
        value = params.get(option)
        if value in _NOTHING or value == SERVER_ARGUMENT_SPEC[option].get("default"):
            continue
        raise unsayable(option, subject, hints.get(option))


def check_name(spec: ServerSpec, longest: int, who: str, subject: str) -> None:
    """Refuse a name that is too long for the objects that the controller creates.

    Raises:
        InputError: the name is too long.
    """
    if len(spec.name) > longest:
        raise InputError(
            f"it has {len(spec.name)} characters, and {who} can work with {longest}",
            option="name",
            subject=subject,
            hint="Use a shorter name, or backend: manifests",
        )


def unsayable(option: str, subject: str, hint: Optional[str] = None) -> InputError:
    """Return the error for one unsupported option."""
    text = f"{hint}, or use backend: manifests" if hint else WAY_OUT
    kind = subject.partition(" ")[0]
    article = "an" if kind[0] in "AEIOU" else "a"
    return InputError(
        f"{article} {kind} cannot say this", option=option, subject=subject, hint=text
    )
