# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expected owner and mode of published files and directories. Pure.

Publishing gives 0644 and 0755. On a claim the kubelet may change that for a pod with fsGroup: it
sets the group, gives it read and write, and sets the set-group-id bit of directories
(k8s.io/kubernetes, pkg/volume/volume_linux.go), so there neither the group nor its rights are
checked.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional, Tuple

from ...store import HostPathStore, Store
from .manifest import FILE_MODE
from .users import Ids

DIRECTORY_MODE = 0o755
FS_GROUP_FILE = 0o060
FS_GROUP_DIRECTORY = 0o070 | stat.S_ISGID


@dataclass(frozen=True)
class Ownership:
    """The expected ids; C(None) where the cluster (C(uid)) or the kubelet (C(gid)) decides.

    C(modes) are those of files and directories on a file system that gives modes of its own.
    """

    uid: Optional[int]
    gid: Optional[int]
    modes: Optional[Tuple[int, int]] = None

    def recorded(self, record: Optional[Mapping[str, Any]]) -> Ownership:
        """Return the owner and the modes that the version's record holds, if it holds some.

        A file server that maps users (NFS with squash) gives other owners than were asked for, and
        a share of Windows has neither (CIFS, Azure Files).
        """
        try:
            uid, gid = (record or {})["owner"]
            found = Ownership(int(uid), None if self.gid is None else int(gid))
            if "modes" in (record or {}):
                file_mode, directory_mode = (record or {})["modes"]
                found = replace(found, modes=(int(file_mode), int(directory_mode)))
            return found
        except (KeyError, TypeError, ValueError):
            return self

    def owner_fault(self, uid: int, gid: int) -> str:
        """Return how an owner differs, C("") when it is right."""
        if self.uid in (None, uid) and self.gid in (None, gid):
            return ""
        if self.gid is None:
            return f"owner {uid} instead of {self.uid}"
        return f"owner {uid}:{gid} instead of {self.uid}:{self.gid}"

    def mode_fault(self, mode: int, *, directory: bool = False) -> str:
        """Return how a mode differs, C("") when it is right; types of files are not compared."""
        wanted = DIRECTORY_MODE if directory else FILE_MODE
        loose = FS_GROUP_DIRECTORY if directory else FS_GROUP_FILE
        found = stat.S_IMODE(mode)
        if self.modes is not None and found == self.modes[directory]:
            return ""
        if self.gid is None:
            if found | loose == wanted | loose and found & wanted == wanted:
                return ""
        elif found == wanted:
            return ""
        return f"mode {found:04o} instead of {wanted:04o}"


def expected_ownership(
    store: Store, ids: Tuple[int, int], decided: Optional[Ids] = None
) -> Ownership:
    """Return what files published by C(uid) and C(gid) have on a store.

    Args:
        store: the kind of store matters.
        ids: of the task.
        decided: of the helper, where OpenShift decides.
    """
    uid, gid = ids
    if decided is not None:
        return Ownership(decided.user, None)
    return Ownership(uid, gid if isinstance(store, HostPathStore) else None)
