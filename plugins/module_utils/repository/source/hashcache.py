# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sha256 of local files, kept on the controller, so that an unchanged run reads no weights.

An entry is believed as long as path, device, inode, size, modification time and change time are
the same. The change time cannot be set by programs, so a file that was put back with its old
modification time is read again. A file that was touched less than two seconds before it was read
is not kept: a later change within the same tick of the file system's clock would not show.

The cache only saves reading and proves nothing: files that are sent are hashed again on the target.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import threading
import time
import zlib
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ..content.manifest import Advance, HashCache, identity, status_of
from .turns import Turn

SETTING = "EDGE_HASH_CACHE"  # a directory, or "off"
OFF = ("0", "off", "no", "false")
HEAD = "openvino.edge hashes 1"
FILE = "files"
MAX_ENTRIES = 50_000  # some 10 MB, read in 50 ms; the oldest found go first
RACY_NS = 2 * 10**9  # FAT keeps times in steps of 2 s; no file system in use has longer ones


def cache_directory(environ: Optional[Mapping[str, str]] = None) -> Optional[str]:
    """Return where caches of the controller lie, C(None) when they are switched off.

    The environment's C(EDGE_HASH_CACHE) names another directory or says C(off).
    """
    given = os.environ if environ is None else environ
    setting = given.get(SETTING, "")
    if setting.lower() in OFF:
        return None
    if setting:
        return os.path.abspath(os.path.expanduser(setting))
    return os.path.join(cache_home(given), "hashes")


def cache_home(environ: Optional[Mapping[str, str]] = None) -> str:
    """Return where this user's files of this collection lie, by the XDG base directories."""
    base = (os.environ if environ is None else environ).get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the specification ignores relative ones
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "openvino-edge")


def is_racy(newest_ns: int, now_ns: int) -> bool:
    """Return whether a file was touched too short before C(now_ns) to rely on its times."""
    return newest_ns > now_ns - RACY_NS


class PersistentCache(HashCache):
    """A C(HashCache) that starts with the hashes of earlier runs; C(save) writes new ones.

    If the cache is damaged or cannot be written, it is ignored and files are hashed again.

    Args:
        directory: where the file lies; C(None) keeps nothing.
        limit: entries at most.
    """

    def __init__(self, directory: Optional[str], limit: int = MAX_ENTRIES) -> None:
        super().__init__()
        self._directory, self._limit = directory, limit
        self._kept: Optional[Dict[str, str]] = None
        self._fresh: Dict[str, str] = {}
        self._paths: Optional[Dict[str, List[str]]] = None  # by sha256, made on first use
        self._racy: Set[Tuple[str, str]] = set()
        self._mutex = threading.Lock()

    def sha256(
        self, path: str, advance: Advance = lambda count: None, turn: Optional[Turn] = None
    ) -> Tuple[int, str]:
        """Return (size, sha256 hex) of a file, read only if it is not known.

        With a C(turn), another process that reads the same source now is waited for before a file
        is read whose hash it will keep, and is told of the reading of this one.

        Raises:
            InputError: the file cannot be read, or changed while it was read.
        """
        if self._directory is None:
            return super().sha256(path, advance)
        began = time.time_ns()
        status = status_of(path)
        stamp = _stamp(status)
        racy = is_racy(max(status.st_mtime_ns, status.st_ctime_ns), began)
        known = self._find(path, stamp)
        if known:
            advance(status.st_size)
            return status.st_size, known
        if turn is not None and not racy and turn.take(self._look_again):
            return self.sha256(path, advance, turn)  # it may be kept now, and it may have changed
        size, digest = self.sha256_of(path, status, advance if turn is None else turn.told(advance))
        self._note(path, stamp, digest, racy)
        return size, digest

    def _look_again(self) -> None:
        """Read what other processes have kept meanwhile."""
        with self._mutex:
            self._kept, self._paths = _load(self._directory), None

    def _note(self, path: str, stamp: str, digest: str, racy: bool) -> None:
        """Store a hash; an entry that was racy when it was read is not kept for later processes."""
        with self._mutex:
            if racy:
                self._racy.add((path, stamp))
            elif (path, stamp) not in self._racy and not set("\t\n") & set(path):
                self._fresh[path] = f"{stamp} {digest}"
                if self._paths is not None:
                    self._paths.setdefault(digest, []).append(path)

    def _find(self, path: str, stamp: str) -> Optional[str]:
        with self._mutex:
            if self._kept is None:
                self._kept = _load(self._directory)
            found = self._fresh.get(path) or self._kept.get(path) or ""
        have, _space, digest = found.rpartition(" ")
        return digest if have == stamp else None

    def path_of(self, size: int, digest: str) -> Optional[str]:
        """Return a local file that has these bytes by an earlier run and has not changed since."""
        if self._directory is None:
            return None
        with self._mutex:
            if self._kept is None:
                self._kept = _load(self._directory)
            if self._paths is None:
                self._paths = {}
                for path, value in [*self._kept.items(), *self._fresh.items()]:
                    self._paths.setdefault(value.rpartition(" ")[2], []).append(path)
            paths = self._paths.get(digest, ())
            values = [(path, self._fresh.get(path) or self._kept.get(path, "")) for path in paths]
        for path, value in values:
            if value.endswith(f" {digest}") and _is_still(path, size, value):
                return path
        return None

    def save(self) -> None:
        """Write the new hashes; if the file cannot be written, nothing is raised."""
        with self._mutex:
            fresh, self._fresh = self._fresh, {}
            if not fresh or self._directory is None:
                return
            try:
                self._kept = self._merge(self._directory, fresh)
            except OSError:
                self._kept = {**(self._kept or {}), **fresh}

    def _merge(self, directory: str, fresh: Mapping[str, str]) -> Dict[str, str]:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        with open(os.path.join(directory, "lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            merged = _load(directory)
            for path in fresh:
                merged.pop(path, None)
            merged.update(fresh)  # the newest last
            for path in list(merged)[: max(0, len(merged) - self._limit)]:
                del merged[path]
            lines = [f"{path}\t{value}" for path, value in merged.items()]
            write_checked(os.path.join(directory, FILE), "\n".join(lines))
        return merged


class TurnCache(HashCache):
    """The kept hashes for one source, which one process at a time reads.

    Args:
        cache: what is kept.
        turn: of the source.
    """

    def __init__(self, cache: PersistentCache, turn: Turn) -> None:
        super().__init__()
        self._cache, self._turn = cache, turn

    def sha256(self, path: str, advance: Advance = lambda count: None) -> Tuple[int, str]:
        """Return (size, sha256 hex) of a file; see C(PersistentCache.sha256)."""
        return self._cache.sha256(path, advance, self._turn)


def write_checked(path: str, body: str) -> None:
    """Write a cache file whole or not at all, with a checksum in its first line.

    Raises:
        OSError: it cannot be written.
    """
    data = body.encode("utf-8", "surrogateescape")
    head = f"{HEAD} {zlib.crc32(data):08x}\n".encode("ascii")
    handle, draft = tempfile.mkstemp(prefix=".new-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(head + data)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def read_checked(path: str) -> Optional[str]:
    """Return the body of a cache file, C(None) when it is not there or damaged."""
    try:
        with open(path, "rb") as stream:
            head, _newline, data = stream.read().partition(b"\n")
    except OSError:
        return None
    if head != f"{HEAD} {zlib.crc32(data):08x}".encode("ascii"):
        return None
    return data.decode("utf-8", "surrogateescape")


def _load(directory: Optional[str]) -> Dict[str, str]:
    body = read_checked(os.path.join(directory, FILE)) if directory else None
    if not body:
        return {}
    pairs: List[Any] = [line.split("\t", 1) for line in body.split("\n")]
    try:
        return dict(pairs)
    except ValueError:  # a line without a tab: written by something else
        return {}


def _is_still(path: str, size: int, value: str) -> bool:
    """Return whether a path is the regular file of an entry of the cache, and can be read."""
    try:
        status = os.stat(path)
    except OSError:
        return False
    same = value.rpartition(" ")[0] == _stamp(status)
    fits = same and status.st_size == size and stat.S_ISREG(status.st_mode)
    return fits and os.access(path, os.R_OK)


def _stamp(status: os.stat_result) -> str:
    return " ".join(map(str, identity(status)))


_SHARED: Dict[Optional[str], PersistentCache] = {}


def shared_cache() -> PersistentCache:
    """Return the one cache of this process for the directory that the environment names."""
    directory = cache_directory()
    return _SHARED.setdefault(directory, PersistentCache(directory))
