# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the origins of the files that a repair restores; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List

from ..content.state import RemoteVersion
from ..delta.signature import delta_pays
from ..transport.base import Staged
from .origins import SENT, Library, Origin, origins_of
from .repair import Damage


def mending_origins(
    damage: Damage, staged: Staged, read: Iterable[RemoteVersion], *, deltas: bool
) -> List[Origin]:
    """Return the origins of the files to restore, and of no others.

    Args:
        damage: of the version.
        staged: what an earlier run left in its stage.
        read: versions of which every byte was just read: only from those a file is linked, as a
            record does not know of damage, and names that share an inode share it.
        deltas: whether the damaged file may be what the new one is built on.
    """
    library = Library()
    for remote in read:
        for entry in remote.manifest.files if remote.checked == "hash" else ():
            library.add(remote.raw.model, remote.raw.version, entry)
    found = origins_of(damage.manifest, staged, library, deltas=False, twins=False)
    numbers = set(damage.files)
    return [_based(item, damage, deltas) for item in found if item.number in numbers]


def _based(origin: Origin, damage: Damage, deltas: bool) -> Origin:
    """Return an origin that uses the damaged file as the basis of a delta."""
    path = origin.entry.path
    if origin.kind != SENT or not deltas or path not in damage.changed:
        return origin
    if not delta_pays(origin.rest):
        return origin
    manifest = damage.manifest
    place = {"model": manifest.model, "version": manifest.version, "path": path}
    return replace(origin, basis=place)
