# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published versions of a store as the helper reports them, and how their hashes were checked.

A published version has a record: its manifest and the stamp (size, modification time, inode) of
each file at the moment of publishing. When the stamps still fit, the hashes of the record are
taken (C(checked) is C(stamps)); else, or on demand, every byte is read on the target
(C(checked) is C(hash)).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .manifest import FILE_MODE, FileEntry, Manifest

Key = Tuple[str, int]
Stamp = Tuple[int, int, int]


@dataclass(frozen=True)
class Facts:
    """A store as its file system reports it; C(total_inodes) 0 means it has no limit.

    C(total_bytes) 0 means that it tells no sizes, as some FUSE file systems do.

    Attributes:
        staging_bytes: of unfinished versions under C(.edge/staging).
        stages: the same by digest.
        fs_type: word of the kernel, C("") when it could not be found out.
        fs_source: the device or server behind it.
        fs_read_only: whether it is mounted read-only, for others than a reader's own mount.
        reflink: whether files can share blocks.
        hardlink: whether files can have two names.
        probe: result of each trial operation: C("") when it worked, else the error; empty for a
        reader.
        trust: highest counter of signed sets by key.
        keeps: which names it keeps as they are: C(case), C(forms), C(reserved); empty for a reader.
    """

    free_bytes: int
    total_bytes: int
    free_inodes: int
    total_inodes: int
    block_bytes: int
    writable: bool
    uid: int
    root_mode: str
    staging_bytes: int = 0
    stages: Mapping[str, int] = field(default_factory=dict)
    fs_type: str = ""
    fs_source: str = ""
    fs_read_only: bool = False
    reflink: bool = False
    hardlink: bool = True
    probe: Mapping[str, str] = field(default_factory=dict)
    trust: Mapping[str, int] = field(default_factory=dict)
    keeps: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Facts:
        """Read the agent's answer."""
        return cls(
            free_bytes=int(data["free_bytes"]),
            total_bytes=int(data["total_bytes"]),
            free_inodes=int(data["free_inodes"]),
            total_inodes=int(data["total_inodes"]),
            block_bytes=max(1, int(data["block_bytes"])),
            writable=bool(data["writable"]),
            uid=int(data["uid"]),
            root_mode=str(data["root_mode"]),
            staging_bytes=int(data.get("staging_bytes") or 0),
            stages=dict(data.get("stages") or {}),
            fs_type=str(data.get("fs_type") or ""),
            fs_source=str(data.get("fs_source") or ""),
            fs_read_only=bool(data.get("fs_read_only", False)),
            reflink=bool(data.get("reflink", False)),
            hardlink=bool(data.get("hardlink", True)),
            probe=dict(data.get("probe") or {}),
            trust={str(key): int(value) for key, value in (data.get("trust") or {}).items()},
            keeps={str(key): bool(value) for key, value in (data.get("keeps") or {}).items()},
        )


@dataclass(frozen=True)
class RawFile:
    """One name below a version directory, by C(lstat)."""

    path: str
    stamp: Stamp
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class RawDirectory:
    """A directory of a version; C(path) is C("") for the version's own."""

    path: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class RawVersion:
    """A version directory as listed, with the record that was written when it was published.

    Attributes:
        model: name of the model.
        version: its number.
        files: all that is no directory.
        record: manifest, stamps and owner; C(None) without one.
        directories: none when the helper does not list them.
        record_fault: why a record that is there cannot be read.
        unreadable: directories whose content the helper may not list.
    """

    model: str
    version: int
    files: Tuple[RawFile, ...]
    record: Optional[Mapping[str, Any]] = None
    directories: Tuple[RawDirectory, ...] = ()
    record_fault: str = ""
    unreadable: Tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Model and version."""
        return self.model, self.version

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.stamp[0] for item in self.files)

    @cached_property
    def recorded(self) -> Optional[Manifest]:
        """The manifest in the store's own record; C(None) when that cannot be read.

        It is read once: with many files that takes longer than all else in an unchanged run.
        """
        try:
            manifest = Manifest.from_dict((self.record or {})["manifest"])
        except (KeyError, TypeError, ValueError):
            return None
        return manifest if (manifest.model, manifest.version) == self.key else None

    @cached_property
    def fits(self) -> bool:
        """Whether there is a record, and every file is as it was when that was written."""
        try:
            stamps = {path: tuple(stamp) for path, stamp in (self.record or {})["stamps"].items()}
        except (KeyError, TypeError, AttributeError):
            return False
        if self.recorded is None or stamps != {item.path: item.stamp for item in self.files}:
            return False
        return len(stamps) == len(self.recorded.files) and all(
            entry.path in stamps for entry in self.recorded.files
        )


@dataclass(frozen=True)
class Inventory:
    """All that lies under C(models/).

    Attributes:
        versions: the directories of versions.
        strays: names no version should have.
        odd: what lies in C(.edge) and does not belong there, with the reason; it counts as absent.
        blocked: what keeps versions from being published or removed, with the reason; see
            C(names.check_places).
    """

    versions: Tuple[RawVersion, ...] = ()
    strays: Tuple[str, ...] = ()
    odd: Tuple[Tuple[str, str], ...] = ()
    blocked: Tuple[Tuple[str, str], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inventory:
        """Read the agent's answer."""
        versions = tuple(_raw_version(item) for item in data.get("versions") or ())
        strays = tuple(str(item) for item in data.get("strays") or ())
        odd = tuple((str(path), str(why)) for path, why in data.get("odd") or ())
        blocked = tuple((str(path), str(why)) for path, why in data.get("blocked") or ())
        return cls(versions, strays, odd, blocked)

    def by_key(self) -> Dict[Key, RawVersion]:
        """Return the versions by model and number."""
        return {item.key: item for item in self.versions}


@dataclass(frozen=True)
class RemoteVersion:
    """A published version whose content is known.

    Attributes:
        raw: what was listed.
        manifest: the files with their hashes; no files when the directory is empty.
        checked: C(stamps) when the record was believed, C(hash) when every byte was read.
        sealed: whether the record on the store fits what is there.
    """

    raw: RawVersion
    manifest: Manifest
    checked: str
    sealed: bool


def believe(raw: RawVersion) -> Optional[RemoteVersion]:
    """Return the content from the record, or C(None) when the stamps have changed."""
    if not raw.files:
        return RemoteVersion(raw, Manifest(raw.model, raw.version, ()), "stamps", False)
    if raw.recorded is None or not raw.fits:
        return None
    return RemoteVersion(raw, raw.recorded, "stamps", True)


def from_hashes(raw: RawVersion, hashes: Mapping[str, str]) -> RemoteVersion:
    """Return the content by hashes that were just taken on the target."""
    sizes = {item.path: item.stamp[0] for item in raw.files}
    entries = [
        FileEntry(path, sizes.get(path, -1), digest, FILE_MODE) for path, digest in hashes.items()
    ]
    manifest = Manifest(raw.model, raw.version, tuple(entries))
    recorded = believe(raw)
    sealed = recorded is not None and recorded.manifest.digest == manifest.digest
    return RemoteVersion(raw, manifest, "hash", sealed)


@dataclass(frozen=True)
class Difference:
    """Paths in which two manifests of one version differ."""

    changed: Tuple[str, ...]
    missing: Tuple[str, ...]
    extra: Tuple[str, ...]

    def __str__(self) -> str:
        parts: List[str] = []
        for word, paths in (
            ("changed", self.changed),
            ("missing there", self.missing),
            ("only there", self.extra),
        ):
            if paths:
                more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
                parts.append(f"{word} {', '.join(paths[:5])}{more}")
        return "; ".join(parts)


def difference(local: Manifest, remote: Manifest) -> Optional[Difference]:
    """Return how the remote files differ from the local ones, or C(None) when they are equal."""
    mine = {entry.path: (entry.size, entry.sha256) for entry in local.files}
    theirs = {entry.path: (entry.size, entry.sha256) for entry in remote.files}
    if mine == theirs:
        return None
    both = sorted(set(mine) & set(theirs))
    return Difference(
        tuple(path for path in both if mine[path] != theirs[path]),
        tuple(sorted(set(mine) - set(theirs))),
        tuple(sorted(set(theirs) - set(mine))),
    )


def _raw_version(item: Mapping[str, Any]) -> RawVersion:
    files = tuple(
        RawFile(str(path), (int(size), int(mtime), int(inode)), int(mode), int(uid), int(gid))
        for path, size, mtime, inode, mode, uid, gid in item["files"]
    )
    directories = tuple(
        RawDirectory(str(path), int(mode), int(uid), int(gid))
        for path, mode, uid, gid in item.get("dirs") or ()
    )
    return RawVersion(
        str(item["model"]),
        int(item["version"]),
        files,
        item.get("record"),
        directories,
        str(item.get("record_fault") or ""),
        tuple(str(path) for path in item.get("unreadable") or ()),
    )
