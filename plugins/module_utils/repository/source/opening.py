# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a local model repository: a directory or a tar archive.

An archive is read once for its listing (cached for the next run). It is unpacked only when files of
it have to be sent, into a private directory that is removed afterwards. Its layout is checked like
a directory's, on a tree of empty files with the same names.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from ...errors import InputError
from ..content.layout import LocalFile, LocalVersion, Repository, Selection, scan
from ..content.manifest import Advance, FileEntry, Manifest, build
from ..progress import Meter
from ..trust.signed import MAX_RELEASE, RELEASE_FILE
from .archive import Listing, Member, extract
from .hashcache import TurnCache, cache_directory, shared_cache
from .listings import listing_of
from .scratch import Scratch
from .turns import Turn

Key = Tuple[str, int]
Say = Callable[[str], None]
BLOCK = 4096  # a file takes at least this much
SAVE_SECONDS = 5.0  # of reading that a killed process loses, rounded up to whole versions


def _quiet(text: str) -> None:
    """Drop a progress line."""


def _uncounted(count: int) -> None:
    """Count nothing."""


class Source:
    """A local repository, open.

    Attributes:
        repository: the sound versions that were chosen.
    """

    repository: Repository

    def manifests(self, advance: Advance = _uncounted) -> List[Manifest]:
        """Return the manifests of all versions; reads what is not known yet.

        Raises:
            InputError: a file cannot be read, or changes meanwhile.
        """
        raise NotImplementedError

    def make_ready(self, keys: Iterable[Key]) -> None:
        """Make sure that the files of these versions can be read at their C(source) paths.

        Raises:
            InputError: no room for unpacking, or the archive changed.
        """

    def release(self) -> Optional[bytes]:
        """Return the content of the release file beside the models, C(None) without one."""
        raise NotImplementedError


class DirectorySource(Source):
    """A directory; nothing has to be made ready."""

    def __init__(self, src: str, selection: Sequence[Selection], progress: Say = _quiet) -> None:
        self.repository, self._progress = scan(src, selection), progress

    def manifests(self, advance: Advance = _uncounted) -> List[Manifest]:
        """Return the manifests; hashes only the files that are not in the cache."""
        kept = shared_cache()
        found: List[Manifest] = []
        saved = time.monotonic()
        with Turn(cache_directory(), self.repository.root, self._progress) as turn:
            try:
                for version in self.repository.versions:
                    found.append(build(version, TurnCache(kept, turn), advance))
                    if time.monotonic() - saved > SAVE_SECONDS:
                        kept.save()
                        saved = time.monotonic()
            finally:
                kept.save()
        return found

    def release(self) -> Optional[bytes]:
        """Read it."""
        try:
            with open(os.path.join(self.repository.root, RELEASE_FILE), "rb") as stream:
                return stream.read(MAX_RELEASE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(
                f"it cannot be read ({error.strerror or error})",
                option="signature",
                subject=os.path.join(self.repository.root, RELEASE_FILE),
            ) from error


class ArchiveSource(Source):
    """A tar archive."""

    def __init__(
        self, src: str, selection: Sequence[Selection], scratch: Scratch, progress: Say
    ) -> None:
        self.src, self._scratch, self._progress = src, scratch, progress
        self._mutex = threading.Lock()
        self._there: Set[str] = set()
        size = os.path.getsize(src)
        self._listing = listing_of(
            src, Meter(progress, "reading the archive", size).advance, progress
        )
        self._members: Dict[str, Member] = {}  # by the path where the bytes will be
        self._content = scratch.folder("content")
        self.repository = self._scan(selection)

    def _scan(self, selection: Sequence[Selection]) -> Repository:
        outline = self._scratch.folder("outline")
        try:
            draw_outline(self._listing, outline)
            found = scan(outline, selection)
        except InputError as error:
            if error.subject == outline:
                error.subject = self.src
            raise
        except OSError as error:
            raise InputError(
                f"its names cannot be written here ({error.strerror or error})",
                option="src",
                subject=self.src,
            ) from error
        finally:
            shutil.rmtree(outline, ignore_errors=True)
        versions = [self._placed(version, found.root) for version in found.versions]
        return Repository(self.src, versions, found.ignored, found.doubts)

    def _placed(self, version: LocalVersion, root: str) -> LocalVersion:
        """Return the version with the paths where its bytes will be."""
        return replace(version, files=tuple(self._place(item, root) for item in version.files))

    def _place(self, item: LocalFile, root: str) -> LocalFile:
        member = self._listing.files[os.path.relpath(item.source, root)]
        source = os.path.join(self._content, *member.name.split("/"))
        self._members[source] = member
        return replace(item, source=source, size=member.size)

    def manifests(self, advance: Advance = _uncounted) -> List[Manifest]:
        """Return them by the listing."""
        found = []
        for version in self.repository.versions:
            entries = [
                FileEntry(item.path, item.size, self._members[item.source].sha256)
                for item in version.files
            ]
            advance(version.size)
            found.append(Manifest(version.model, version.version, tuple(entries)))
        return found

    def make_ready(self, keys: Iterable[Key]) -> None:
        """Unpack what is needed and not there."""
        chosen = set(keys)
        sources = {
            item.source
            for version in self.repository.versions
            if (version.model, version.version) in chosen
            for item in version.files
        }
        with self._mutex:
            self._unpack(sources - self._there)

    def _unpack(self, sources: Set[str]) -> None:
        if not sources:
            return
        wanted = {self._members[source].name: self._members[source] for source in sources}
        self._scratch.check_room(sum(item.size + BLOCK for item in wanted.values()), self.src)
        meter = Meter(self._progress, "unpacking the archive", os.path.getsize(self.src))
        try:
            extract(self.src, wanted, self._content, meter.advance)
        except OSError as error:
            raise InputError(
                f"it cannot be unpacked to {self._content} ({error.strerror or error})",
                option="src",
                subject=self.src,
                hint="Set TMPDIR to a larger place, or give a directory",
            ) from error
        self._there |= sources

    def release(self) -> Optional[bytes]:
        """Return it from the listing."""
        return self._listing.notes.get(RELEASE_FILE)


def draw_outline(listing: Listing, top: str) -> None:
    """Make the tree of a listing below an empty directory: no bytes, only names and sizes.

    Links come last, so nothing is ever written through one.
    """
    for name in listing.directories:
        os.makedirs(os.path.join(top, name), exist_ok=True)
    for name in [*listing.files, *listing.junk, *listing.links]:
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
    empty = ""
    for name in [*listing.files, *listing.junk]:
        empty = _make_empty(os.path.join(top, name), empty)
    for name, target in listing.links.items():
        path = os.path.join(top, name)
        os.symlink(os.path.relpath(os.path.join(top, target), os.path.dirname(path)), path)


def _make_empty(path: str, other: str) -> str:
    """Make an empty file, as a link to another one if possible; return which one to link to.

    A link is 15 times cheaper than a file of its own; file systems allow some thousands of them.
    """
    try:
        if other:
            os.link(other, path)
            return other
    except OSError:
        pass
    with open(path, "xb"):
        return path


@contextmanager
def opened(
    src: str, selection: Sequence[Selection] = (), *, progress: Say = _quiet
) -> Iterator[Source]:
    """Open a repository; unpacked files are removed at the end of the block.

    Args:
        src: a directory, or an archive of a kind that C(streams) reads.
        selection: the chosen models.
        progress: shows one line.

    Raises:
        InputError: see C(layout.scan) and C(archive.read_listing).
    """
    if not os.path.isfile(src):
        yield DirectorySource(src, selection, progress)
        return
    with ExitStack() as stack:
        scratch = stack.enter_context(Scratch())
        yield ArchiveSource(os.path.realpath(src), selection, scratch, progress)
