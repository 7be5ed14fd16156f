# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the repair of a damaged version: the files to restore, and modes to set. Pure.

A version is damaged when its record has the wanted digest and its files differ from it. With
another digest, or none, it is other content under the same number, which is never changed.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ..content.manifest import Manifest
from ..content.ownership import Ownership
from ..content.state import Key, RawVersion, RemoteVersion

SAME = "same"
DAMAGED = "damaged"
OTHER = "other"
SHOWN = 5


@dataclass(frozen=True)
class Wrong:
    """A path with a wrong owner or mode, each in words or C("").

    C(".") is the version's own directory, C("..") the one of the model.
    """

    path: str
    owner: str = ""
    mode: str = ""

    def __str__(self) -> str:
        faults = ", ".join(fault for fault in (self.mode, self.owner) if fault)
        return f"{self.path} ({faults})"


@dataclass(frozen=True)
class Damage:
    """The differences of a version from its manifest.

    Attributes:
        manifest: the files as published, to be restored.
        changed: paths with other bytes, or that are no regular files.
        missing: paths that are not there.
        extra: paths that do not belong there.
        wrong: files with the right bytes, and directories, with a wrong owner or mode.
    """

    manifest: Manifest
    changed: Tuple[str, ...] = ()
    missing: Tuple[str, ...] = ()
    extra: Tuple[str, ...] = ()
    wrong: Tuple[Wrong, ...] = ()

    @property
    def bytes(self) -> bool:
        """Whether file content differs, and not only owners and modes."""
        return bool(self.changed or self.missing or self.extra)

    @property
    def files(self) -> Tuple[int, ...]:
        """The numbers of the files that have to be brought."""
        return self._numbers({*self.changed, *self.missing})

    @property
    def modes(self) -> Tuple[int, ...]:
        """The numbers of the files that only need their owner and mode."""
        return self._numbers({item.path for item in self.wrong})

    def _numbers(self, paths: "set[str]") -> Tuple[int, ...]:
        return tuple(
            number for number, entry in enumerate(self.manifest.files) if entry.path in paths
        )

    def as_dict(self) -> Dict[str, Any]:
        """Return the entry of the module's result."""
        return {
            "model": self.manifest.model,
            "version": self.manifest.version,
            "changed": list(self.changed),
            "missing": list(self.missing),
            "extra": list(self.extra),
            "wrong_owner_or_mode": [str(item) for item in self.wrong],
        }

    def __str__(self) -> str:
        groups: Tuple[Tuple[str, Sequence[str]], ...] = (
            ("changed", self.changed),
            ("missing", self.missing),
            ("not published", self.extra),
            ("wrong", [str(item) for item in self.wrong]),
        )
        words = [f"{word} {_some(items)}" for word, items in groups if items]
        return f"{self.manifest.model}/{self.manifest.version}: {'; '.join(words)}"


@dataclass(frozen=True)
class Finding:
    """The result of C(examine); for C(OTHER), C(why) says why the version cannot be repaired."""

    kind: str
    damage: Optional[Damage] = None
    why: str = ""


def examine(
    manifest: Manifest,
    remote: RemoteVersion,
    ownership: Optional[Ownership] = None,
    published: Optional[str] = None,
) -> Finding:
    """Compare a version on a store with what is wanted.

    Args:
        manifest: what is wanted.
        remote: what is there.
        ownership: of published files on this store; without it it does not matter.
        published: the digest it was published with, if something else than the store's own record
            knows it.
    """
    damage = damage_of(manifest, remote, ownership)
    if damage is None:
        return Finding(SAME)
    if not damage.bytes:
        return Finding(DAMAGED, damage)
    digest = recorded_digest(remote.raw) or published
    if digest == manifest.digest:
        return Finding(DAMAGED, damage)
    if digest is None:
        return Finding(OTHER, damage, "no record tells what was published there")
    return Finding(OTHER, damage, "it was published with other content")


def damage_of(
    manifest: Manifest, remote: RemoteVersion, ownership: Optional[Ownership] = None
) -> Optional[Damage]:
    """Return how a version differs from a manifest, C(None) when it does not."""
    wanted = {entry.path: (entry.size, entry.sha256) for entry in manifest.files}
    found = {entry.path: (entry.size, entry.sha256) for entry in remote.manifest.files}
    changed = [path for path in wanted if path in found and found[path] != wanted[path]]
    missing = [path for path in wanted if path not in found]
    extra = [path for path in found if path not in wanted]
    whole = set(wanted) - {*changed, *missing}
    damage = Damage(
        manifest,
        tuple(changed),
        tuple(missing),
        tuple(sorted(extra)),
        tuple(wrong_modes(remote.raw, ownership, whole) if ownership else ()),
    )
    return damage if damage.bytes or damage.wrong else None


def wrong_modes(raw: RawVersion, ownership: Ownership, paths: "set[str]") -> List[Wrong]:
    """Return the given files and all directories whose owner or mode is wrong; not links."""
    expected = ownership.recorded(raw.record)
    found: List[Wrong] = []
    files = [item for item in raw.files if item.path in paths and not stat.S_ISLNK(item.mode)]
    for directory, items in ((True, raw.directories), (False, files)):
        for item in items:
            owner = expected.owner_fault(item.uid, item.gid)
            mode = expected.mode_fault(item.mode, directory=directory)
            if owner or mode:
                found.append(Wrong(item.path or ".", owner, mode))
    return found


def recorded_digest(raw: RawVersion) -> Optional[str]:
    """Return the digest in the store's own record, C(None) when that cannot be read."""
    return raw.recorded.digest if raw.recorded else None


def refusal(damages: Mapping[Key, Damage], target: str) -> InputError:
    """Return the error for damage that nobody asked to repair."""
    texts = [str(damages[key]) for key in sorted(damages)]
    return InputError(
        f"damaged since it was published: {' | '.join(texts)}",
        option="repair",
        subject=target,
        hint="Set repair: true to restore exactly these files, or remove the version"
        " (state: absent) and copy it again",
        details={"target": target, "damaged": [damages[key].as_dict() for key in sorted(damages)]},
    )


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more
