# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bytes of damaged files come from; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List

from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.signature import (
    delta_pays,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.origins import (
    SENT,
    Library,
    Origin,
    origins_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.repair import Damage
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import RemoteVersion
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import (
    Staged,
)


def mending_origins(
    damage: Damage, staged: Staged, read: Iterable[RemoteVersion], *, deltas: bool
) -> List[Origin]:
    """Return where the files to restore come from, and no others.

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
    """Build a file on what is left of it."""
    path = origin.entry.path
    if origin.kind != SENT or not deltas or path not in damage.changed:
        return origin
    if not delta_pays(origin.rest):
        return origin
    manifest = damage.manifest
    place = {"model": manifest.model, "version": manifest.version, "path": path}
    return replace(origin, basis=place)
