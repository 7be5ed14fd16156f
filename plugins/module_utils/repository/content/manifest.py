# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: the files of one model version and one digest over them.

The digest is the sha256 of canonical JSON (sorted keys, no spaces, UTF-8) of the file list, so the
same files give the same digest on every controller and under every version number.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ...errors import InputError
from .layout import LocalVersion

# The mode of every published file, independent of the controller's umask and the source's mode: a
# server under any user can read it, and only its owner can change it.
FILE_MODE = 0o644
HASH_BLOCK = 1 << 20
BIG = 4 << 20  # bytes from which files are hashed side by side; below, threads cost more than help
HASHERS = 4

Advance = Callable[[int], None]


@dataclass(frozen=True, order=True)
class FileEntry:
    """One file: C(path) in its version, C(size) in bytes, C(sha256) in hex, C(mode) on a store."""

    path: str
    size: int
    sha256: str
    mode: int = FILE_MODE

    def as_dict(self) -> Dict[str, Any]:
        """Return the entry as it is hashed and stored."""
        return {
            "mode": f"{self.mode:04o}",
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
        }


@dataclass(frozen=True)
class Manifest:
    """The files of one version of one model, sorted by path."""

    model: str
    version: int
    files: Tuple[FileEntry, ...]
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(sorted(self.files)))
        object.__setattr__(self, "digest", digest_of(self.files))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    def as_dict(self) -> Dict[str, Any]:
        """Return the manifest as it is sent and stored."""
        return {
            "model": self.model,
            "version": self.version,
            "digest": self.digest,
            "files": [entry.as_dict() for entry in self.files],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Manifest:
        """Read what C(as_dict) wrote.

        Raises:
            ValueError: a field is missing, of the wrong type, or the digest does not fit.
        """
        try:
            files = tuple(_entry(item) for item in data["files"])
            manifest = cls(str(data["model"]), int(data["version"]), files)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a manifest: {error!r}") from error
        if manifest.digest != data.get("digest"):
            raise ValueError("not a manifest: the digest does not fit the files")
        return manifest


def _entry(item: Mapping[str, Any]) -> FileEntry:
    return FileEntry(
        str(item["path"]), int(item["size"]), str(item["sha256"]), int(str(item["mode"]), 8)
    )


def canonical_json(value: Any) -> bytes:
    """Return a value as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def digest_of(files: Sequence[FileEntry]) -> str:
    """Return C(sha256:<hex>) over the files."""
    listing = [entry.as_dict() for entry in sorted(files)]
    return "sha256:" + hashlib.sha256(canonical_json(listing)).hexdigest()


class HashCache:
    """sha256 of local files, each read once per process as long as it does not change.

    The key holds the change time too: a file that was put back with its old modification time
    is read again.
    """

    def __init__(self) -> None:
        self._known: Dict[Tuple[Any, ...], str] = {}
        self._lock = threading.Lock()

    def sha256(self, path: str, advance: Advance = lambda count: None) -> Tuple[int, str]:
        """Return (size, sha256 hex) of a file; C(advance) is told the bytes as they are read.

        Raises:
            InputError: the file cannot be read, or changed while it was read.
        """
        return self.sha256_of(path, status_of(path), advance)

    def sha256_of(
        self, path: str, status: os.stat_result, advance: Advance = lambda count: None
    ) -> Tuple[int, str]:
        """Do the same for a file whose status was just read."""
        before = (path, *identity(status))
        with self._lock:
            known = self._known.get(before)
        if known is not None:
            advance(status.st_size)
            return status.st_size, known
        digest = _hash_file(path, status, advance)
        with self._lock:
            self._known[before] = digest
        return status.st_size, digest


# The cache is shared in the process: with several clusters each file is read once.
SHARED_CACHE = HashCache()


def build(
    version: LocalVersion,
    cache: HashCache = SHARED_CACHE,
    advance: Advance = lambda count: None,
) -> Manifest:
    """Return the manifest of a local version; reads every byte that the cache does not know.

    Raises:
        InputError: a file cannot be read, or changes meanwhile.
    """
    big = [item.source for item in version.files if item.size >= BIG]
    hashed: Dict[str, Tuple[int, str]] = {}
    if len(big) > 1:
        with ThreadPoolExecutor(HASHERS) as pool:
            hashed.update(zip(big, pool.map(lambda path: cache.sha256(path, advance), big)))
    entries: List[FileEntry] = []
    for item in version.files:
        size, digest = hashed.get(item.source) or cache.sha256(item.source, advance)
        entries.append(FileEntry(item.path, size, digest))
    return Manifest(version.model, version.version, tuple(entries))


def status_of(path: str) -> os.stat_result:
    """Return the status of a local file.

    Raises:
        InputError: it is not there, or not to be reached.
    """
    try:
        return os.stat(path)
    except OSError as error:
        raise InputError(_unreadable(error), option="src", subject=path) from error


def identity(status: os.stat_result) -> Tuple[int, ...]:
    """Return what is the same as long as a file was neither replaced nor written to."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _hash_file(path: str, status: os.stat_result, advance: Advance) -> str:
    """Return the sha256 of a file as long as it is the one that the status is of."""
    digest = hashlib.sha256()
    left = status.st_size
    buffer = memoryview(bytearray(min(HASH_BLOCK, left)))
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while left:
                count = os.readv(descriptor, [buffer[:left]])
                if not count:
                    break
                digest.update(buffer[:count])
                advance(count)
                left -= count
            now = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(_unreadable(error), option="src", subject=path) from error
    if identity(now) != identity(status):
        raise InputError("the file changed while it was read", option="src", subject=path)
    return digest.hexdigest()


def _unreadable(error: OSError) -> str:
    return f"the file cannot be read ({error.strerror or error})"
