# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the origin of each file of a version on one target; pure functions.

Origins in order of preference: complete in the stage (from an interrupted run), the same bytes
elsewhere on the store, another node of the site, a URL, the controller. The controller resumes
where the part on the target ends, and sends a delta when an older version can be its basis.
"""

from __future__ import annotations

import posixpath
import stat
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..content.manifest import FILE_MODE, FileEntry, Manifest
from ..content.state import RawVersion, believe
from ..delta.signature import delta_pays
from ..transport.base import Have, Place, Staged

DONE, LINKED, TWIN, PEER, PULLED, SENT = "done", "linked", "twin", "peer", "pulled", "sent"
PLACES = 4  # published files to try to link before the bytes are sent


@dataclass(frozen=True)
class Origin:
    """One file of a version on one target.

    Attributes:
        number: of the file in the manifest.
        entry: the file.
        kind: C(DONE), C(LINKED), C(TWIN) (of a file of this run), C(PEER), C(PULLED) or C(SENT).
        start: bytes that are there already from a run that was cut short.
        places: for C(LINKED) and C(TWIN): where the same bytes are on this store.
        basis: for C(SENT): an old file to build on.
        basis_file: what the record of the store says of it; C(None) if that does not fit.
    """

    number: int
    entry: FileEntry
    kind: str
    start: int = 0
    places: Tuple[Place, ...] = ()
    basis: Optional[Place] = None
    basis_file: Optional[FileEntry] = None

    @property
    def rest(self) -> int:
        """Bytes that are not there yet."""
        return self.entry.size - self.start


@dataclass
class Library:
    """An index of the published files of one store: by hash for links, by name for deltas.

    Attributes:
        recorded_ones: whether a file that still looks as its record says is taken unread.
    """

    recorded_ones: bool = False
    by_sha256: Dict[Tuple[str, int], List[Place]] = field(default_factory=dict)
    versions: Dict[str, Dict[int, Dict[str, int]]] = field(default_factory=dict)
    files: Dict[Tuple[str, int, str], FileEntry] = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Iterable[RawVersion], *, recorded_ones: bool = False) -> Library:
        """Read an inventory; hashes come from records that still fit."""
        library = cls(recorded_ones)
        for raw in inventory:
            sizes = {item.path: item.stamp[0] for item in raw.files}
            library.versions.setdefault(raw.model, {})[raw.version] = sizes
            known = believe(raw)
            others = {item.path for item in raw.files if stat.S_IMODE(item.mode) != FILE_MODE}
            for entry in known.manifest.files if known else ():
                library.add(raw.model, raw.version, entry, copied=entry.path in others)
        return library

    def add(self, model: str, version: int, entry: FileEntry, *, copied: bool = False) -> None:
        """Add a file whose hash is known.

        C(copied): its mode is not that of published files, which a link would share: the kubelet
        has given it to a group (C(fsGroup)).
        """
        place: Dict[str, Any] = {"model": model, "version": version, "path": entry.path}
        if self.recorded_ones:
            place["recorded"] = True
        if copied:
            place["copied"] = True
        self.by_sha256.setdefault((entry.sha256, entry.size), []).append(place)
        self.files[model, version, entry.path] = entry

    def recorded(self, place: Optional[Place]) -> Optional[FileEntry]:
        """Return a published file whose hash is known."""
        if place is None:
            return None
        return self.files.get((place["model"], place["version"], place["path"]))

    def same(self, entry: FileEntry) -> Tuple[Place, ...]:
        """Return published files with the same bytes."""
        return tuple(self.by_sha256.get((entry.sha256, entry.size), ())[:PLACES])

    def basis(self, model: str, version: int, entry: FileEntry) -> Optional[Place]:
        """Return the best old file as the basis of a delta.

        The order is: the same path in the highest older version, a file of the same name there,
        then the same two in the nearest newer version. A file of a very different size is likely to
        have other content, so it is taken only when there is no other.
        """
        candidates = list(self._candidates(model, version, entry.path))
        alike = [item for item in candidates if _alike(item[1], entry.size)]
        return (alike or candidates)[0][0] if candidates else None

    def _candidates(self, model: str, version: int, path: str) -> Iterator[Tuple[Place, int]]:
        """Yield old files and their sizes, the most likely one first."""
        known = self.versions.get(model, {})
        older = sorted((item for item in known if item < version), reverse=True)
        newer = sorted(item for item in known if item > version)
        name = posixpath.basename(path)
        for number in [*older, *newer]:
            files = known[number]
            alike = [other for other in files if posixpath.basename(other) == name]
            for other in [path] if path in files else sorted(alike):
                if delta_pays(files[other]):
                    yield {"model": model, "version": number, "path": other}, files[other]


def _alike(old: int, new: int) -> bool:
    return old <= 2 * new and new <= 2 * old


def origins_of(
    manifest: Manifest,
    staged: Staged,
    library: Library,
    *,
    deltas: bool,
    twins: bool,
    ahead: Optional[Mapping[Tuple[str, int], Place]] = None,
) -> List[Origin]:
    """Return where each file comes from, without peers and URLs.

    Args:
        manifest: of the version.
        staged: what the target has of it.
        library: what is published there.
        deltas: whether the transport and the task allow deltas.
        twins: whether the transport links files of a stage.
        ahead: places of files that other versions of this run bring before, by hash and size.
    """
    seen: Dict[Tuple[str, int], Place] = dict(ahead or {})
    found: List[Origin] = []
    for number, entry in enumerate(manifest.files):
        origin = _origin(manifest, number, entry, staged.get(number, Have()), library)
        twin = seen.get((entry.sha256, entry.size)) if twins else None
        if origin.kind == SENT and twin is not None and entry.size:
            origin = Origin(number, entry, TWIN, 0, (twin,))
        elif origin.kind == SENT and deltas and delta_pays(origin.rest):
            place = library.basis(manifest.model, manifest.version, entry)
            origin = replace(origin, basis=place, basis_file=library.recorded(place))
        place = {"digest": manifest.digest, "number": number}
        seen.setdefault((entry.sha256, entry.size), place)
        found.append(origin)
    return found


def _origin(
    manifest: Manifest, number: int, entry: FileEntry, have: Have, library: Library
) -> Origin:
    if have.done:
        return Origin(number, entry, DONE, entry.size)
    places = library.same(entry)
    if places and entry.size:
        return Origin(number, entry, LINKED, 0, places)
    return Origin(number, entry, SENT, min(have.have, entry.size))


def reuse_of(origins: Sequence[Origin], kind: str) -> Dict[int, List[Place]]:
    """Return the places of the files of one kind, as C(Channel.stage) takes them."""
    return {item.number: list(item.places) for item in origins if item.kind == kind}


def brought(manifest: Manifest) -> Dict[Tuple[str, int], Place]:
    """Return the places that a version's stage gives to the versions after it."""
    return {
        (entry.sha256, entry.size): {"digest": manifest.digest, "number": number}
        for number, entry in enumerate(manifest.files)
    }
