# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the release to go back to. Pure."""

from __future__ import annotations

from typing import Sequence

from ..errors import InputError
from ..releases import Release, last_good

LAST_GOOD = "last_good"


def chosen(releases: Sequence[Release], to: str) -> Release:
    """Return the release that the option C(to) means: C(last_good), or a number.

    Raises:
        InputError: there is no such release, or the record does not hold what it ran.
    """
    if not releases:
        raise InputError(
            "no release of this server is recorded",
            option="name",
            hint="model_server records one when it changes a server, unless release_history is 0",
        )
    release = _last_good(releases) if to == LAST_GOOD else _numbered(releases, to)
    if release.own_config:
        raise InputError(
            f"release {release.number} has a configuration that the collection did not make, so the"
            " record does not hold it",
            option="to",
            hint="Put the old configuration back where it came from (config_map, config_path)",
        )
    return release


def _last_good(releases: Sequence[Release]) -> Release:
    found = last_good(releases)
    if found is None:
        raise InputError(
            "no other release before the newest one has passed the gate",
            option="to",
            hint=f"Name one of {numbers(releases)}, or deploy what worked with model_server",
        )
    return found


def _numbered(releases: Sequence[Release], to: str) -> Release:
    for release in releases:
        if str(release.number) == to:
            return release
    raise InputError(
        f"there is no release '{to}'",
        option="to",
        hint=f"Recorded are {numbers(releases)}; {LAST_GOOD} chooses by itself",
    )


def numbers(releases: Sequence[Release]) -> str:
    """Return the numbers with their verdicts, for a message."""
    ordered = sorted(releases, key=lambda item: item.number)
    return ", ".join(f"{item.number} ({item.verdict})" for item in ordered)
