# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the members of a tar archive, which is treated as untrusted input.

Nothing here writes by names from the archive: the listing is plain data, and only C(extract)
writes, only regular files, only below one private directory, never through a link.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import tarfile
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from ...errors import InputError
from ..content.layout import VERSION_NAME, is_junk
from .streams import BLOCK, TAR_BLOCK, Damaged, Forward

Advance = Callable[[int], None]
NAME_BYTES = 255  # of one part of a path, on every file system in use
KEEP_BYTES = 1 << 16  # small files directly in the repository are kept with the listing


@dataclass(frozen=True)
class Member:
    """One regular file; C(name) is that of the tar member that holds its bytes."""

    size: int
    sha256: str
    name: str


@dataclass
class Listing:
    """The members of an archive, by path in the repository.

    Attributes:
        files: regular files, hard links with the member they are linked to.
        links: symbolic links and the path they lead to.
        directories: that were named.
        junk: what is never copied; see C(layout.is_junk).
        notes: content of small files directly in the repository, such as a release file.
    """

    files: Dict[str, Member] = field(default_factory=dict)
    links: Dict[str, str] = field(default_factory=dict)
    directories: Set[str] = field(default_factory=set)
    junk: Set[str] = field(default_factory=set)
    notes: Dict[str, bytes] = field(default_factory=dict)

    def names(self) -> Set[str]:
        """Return every path that is not a directory."""
        return {*self.files, *self.links, *self.junk}


def read_listing(path: str, advance: Advance = lambda count: None) -> Listing:
    """Return what an archive holds; reads every byte and writes none.

    Raises:
        InputError: not a sound archive, or a member that must not be in a repository.
    """
    reader = _Reader(path)
    for member, name in reader.members(advance):
        reader.take(member, name)
    _check_tree(path, reader.listing)
    return without_top(path, reader.listing)


def extract(
    path: str, wanted: Mapping[str, Member], top: str, advance: Advance = lambda count: None
) -> None:
    """Write the bytes of members below C(top), by member name.

    Args:
        path: of the archive.
        wanted: the listed members, by member name.
        top: an existing private directory.
        advance: is told bytes of the archive file as they are read.

    Raises:
        InputError: the archive is not what was listed.
        OSError: they cannot be written.
    """
    left = dict(wanted)
    reader = _Reader(path)
    for member, name in reader.members(advance):
        expected = left.get(name) if member.isreg() else None
        if expected is None:
            continue
        target = os.path.join(top, *name.split("/"))
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(target, flags, 0o600), "wb") as stream:
            digest = reader.read(member, name, stream.write)
        if digest != expected.sha256:
            raise _refused(path, f"{name} is not what it was when it was listed")
        del left[name]
        if not left:
            return
    raise _refused(path, f"{', '.join(sorted(left)[:5])} is no longer in it")


class _Reader:
    """One walk over an archive."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.listing = Listing()
        self._stream: Optional[Forward] = None

    def members(self, advance: Advance) -> Iterator[Tuple[tarfile.TarInfo, str]]:
        """Yield each member with its clean name.

        Raises:
            InputError: the archive is damaged or ends early; names the member before.
        """
        before = ""
        with Forward(self.path, advance) as stream:
            self._stream = stream
            try:
                with _tar(stream) as archive:
                    while True:
                        member = archive.next()
                        if member is None:
                            break
                        vars(archive)["members"] = []  # else C(tarfile) keeps every member
                        before = member.name
                        name = self._clean(member)
                        if name:
                            yield member, name
                self._check_end(stream, before)
            except (Damaged, tarfile.TarError) as error:
                raise self._damaged(before, str(error)) from error
            except (ValueError, OverflowError, IndexError) as error:  # an inconsistent header
                raise self._damaged(before, f"bad header: {error}") from error

    def _check_end(self, stream: Forward, before: str) -> None:
        """Refuse a cut or damaged archive, which C(tarfile) takes for one that ends."""
        if len(stream.last) < TAR_BLOCK:
            raise self._damaged(before, "it ends without an end mark, so it was cut off")
        if stream.last.strip(b"\0"):
            raise self._damaged(before, "the next header is broken")
        if not stream.only_zeros_follow():
            raise self._damaged(before, "there is more after the end mark (two archives in one?)")

    def _clean(self, member: tarfile.TarInfo) -> str:
        """Return a name without C(./) and trailing C(/); empty for the archive's own root."""
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if member.name.startswith("/") or ".." in parts:
            raise _refused(self.path, f"{ascii(member.name)} lies outside of the archive")
        for part in parts:
            if len(part.encode("utf-8", "surrogateescape")) > NAME_BYTES or "\0" in part:
                raise _refused(self.path, f"{ascii(member.name)[:200]} is no usable file name")
        return "/".join(parts)

    def take(self, member: tarfile.TarInfo, name: str) -> None:
        """Note one member.

        Raises:
            InputError: something that is not a file, a directory or a link inside.
        """
        found = self.listing
        junk = _junk_part(name)
        if junk:
            found.junk.add(junk)
        elif member.isdir():
            found.directories.add(name)
        elif name in found.files or name in found.links:
            raise _refused(self.path, f"{name} is in it twice")
        elif member.issym():
            found.links[name] = self._target(name, posixpath.join(_parent(name), member.linkname))
        elif member.islnk():
            origin = found.files.get(self._target(name, member.linkname))
            if origin is None:
                raise _refused(self.path, f"{name} is a link to {member.linkname}, no file in it")
            found.files[name] = origin
        elif member.isreg() and not member.issparse():
            self._take_file(member, name)
        else:
            what = "a sparse file" if member.isreg() else "neither a file nor a directory"
            raise _refused(self.path, f"{name} is {what}")

    def _take_file(self, member: tarfile.TarInfo, name: str) -> None:
        parts: List[bytes] = []
        small = member.size <= KEEP_BYTES and name.count("/") <= 1
        digest = self.read(member, name, parts.append if small else lambda data: None)
        self.listing.files[name] = Member(member.size, digest, name)
        if small:
            self.listing.notes[name] = b"".join(parts)

    def read(self, member: tarfile.TarInfo, name: str, write: Callable[[bytes], Any]) -> str:
        """Pass the bytes of a member to C(write), and return their sha256 in hex.

        Raises:
            InputError: there are fewer than announced.
        """
        digest = hashlib.sha256()
        for data in self._blocks(member, name):
            digest.update(data)
            write(data)
        return digest.hexdigest()

    def _blocks(self, member: tarfile.TarInfo, name: str) -> Iterator[bytes]:
        if self._stream is None:
            raise _refused(self.path, "it is not open")
        left = member.size
        try:
            self._stream.seek(member.offset_data)
            while left:
                data = self._stream.read(min(left, BLOCK))
                if not data:
                    raise Damaged(f"{left} of its {member.size} bytes are missing")
                left -= len(data)
                yield data
        except Damaged as error:
            raise self._damaged(name, str(error)) from error

    def _target(self, name: str, target: str) -> str:
        clean = posixpath.normpath(target)
        if target.startswith("/") or clean == ".." or clean.startswith(("/", "../")):
            raise _refused(self.path, f"{name} is a link that leaves the archive (to {target})")
        return clean

    def _damaged(self, before: str, why: str) -> InputError:
        where = f"at or after {ascii(before)}" if before else "at its beginning"
        return InputError(
            f"the archive is damaged {where}: {why}",
            option="src",
            subject=self.path,
            hint="Copy or pack it again; nothing was changed",
        )


def _tar(stream: Forward) -> tarfile.TarFile:
    source: Any = stream
    return tarfile.open(fileobj=source, mode="r:", encoding="utf-8", errors="surrogateescape")


def _junk_part(name: str) -> str:
    """Return the path up to and including its first ignored part, or C("")."""
    parts = name.split("/")
    for count, part in enumerate(parts, 1):
        if is_junk(part):
            return "/".join(parts[:count])
    return ""


def _parent(name: str) -> str:
    return posixpath.dirname(name)


def _check_tree(path: str, listing: Listing) -> None:
    """Refuse a name that is a file or a link and, by another member, a directory as well."""
    names = listing.names()
    above = set(listing.directories)
    for name in names:
        parent = _parent(name)
        while parent and parent not in above:
            above.add(parent)
            parent = _parent(parent)
    both = sorted(names & above)
    if both:
        raise _refused(path, f"{both[0]} is a directory and something else")


def top_directory(listing: Listing) -> str:
    """Return the one directory around the models, or C("") when they lie at the top.

    It is one when everything lies in it and version numbers are found two levels below it, not
    one: C(release-7/ocr/1/model.xml), but not C(ocr/1/model.xml).
    """
    paths = [*listing.files, *listing.links, *listing.directories]
    tops = {path.split("/", 1)[0] for path in paths}
    if len(tops) != 1:
        return ""
    folders = set(listing.directories) | {
        _parent(path) for path in [*listing.files, *listing.links]
    }
    split = [folder.split("/") for folder in folders]
    if any(len(parts) > 1 and VERSION_NAME.fullmatch(parts[1]) for parts in split):
        return ""
    deep = any(len(parts) > 2 and VERSION_NAME.fullmatch(parts[2]) for parts in split)
    return tops.pop() if deep else ""


def without_top(path: str, listing: Listing) -> Listing:
    """Return the listing as a repository, without the directory around it.

    Raises:
        InputError: a link leads out of that directory.
    """
    top = top_directory(listing)
    if not top:
        listing.notes = {name: data for name, data in listing.notes.items() if "/" not in name}
        return listing
    head = f"{top}/"
    for name, target in listing.links.items():
        if not target.startswith(head):
            raise _refused(path, f"{name} is a link that leaves {top}")

    def cut(name: str) -> str:
        return name[len(head) :]

    return Listing(
        {cut(name): member for name, member in listing.files.items()},
        {cut(name): cut(target) for name, target in listing.links.items()},
        {cut(name) for name in listing.directories if name != top},
        {cut(name) for name in listing.junk if name.startswith(head)},
        {cut(name): data for name, data in listing.notes.items() if name.startswith(head)},
    )


def _refused(path: str, text: str) -> InputError:
    return InputError(
        f"the archive cannot be used: {text}",
        option="src",
        subject=path,
        hint="Pack it again with tar from inside the repository; nothing was changed",
    )
