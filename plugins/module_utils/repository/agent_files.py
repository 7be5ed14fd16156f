# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small file system work of the script that runs in the helper pod (see C(agent.py))."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

BLOCK = 1 << 20
FILE_MODE = 0o644  # of every published file: any server can read it, nobody but its owner write
DIRECTORY_MODE = 0o755
MODEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,199}")
VERSION = re.compile(r"[1-9][0-9]{0,18}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
OWNER = re.compile(r"[A-Za-z0-9-]{1,64}")

Json = Dict[str, Any]


class Refused(Exception):
    """An answer other than 200: HTTP status, message, and fields for the controller."""

    def __init__(self, status: int, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": message, **fields}


def bad_request(error: Exception) -> Refused:
    """Return the answer to a request that makes no sense."""
    return Refused(400, f"bad request: {error!r}")


def os_refused(error: OSError, what: str = "") -> Refused:
    """Return the answer for a failure of the file system; 507 when it is full."""
    status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
    name = errno.errorcode.get(error.errno or 0, "")
    text = error.strerror or str(error)
    return Refused(status, f"{what}: {text}" if what else text, errno=name, path=error.filename)


def checked_digest(manifest: Json) -> str:
    """Return the digest of a manifest whose names and numbers are all in order."""
    files = manifest["files"]
    if not MODEL.fullmatch(manifest["model"]) or not VERSION.fullmatch(str(manifest["version"])):
        raise Refused(400, "bad model or version")
    paths = [entry["path"] for entry in files]
    for path in paths:
        parts = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise Refused(400, f"bad file name {path!r}")
    if not paths or len(set(paths)) != len(paths):
        raise Refused(400, "the manifest is empty or names a file twice")
    if any(not isinstance(entry["size"], int) or entry["size"] < 0 for entry in files):
        raise Refused(400, "bad file size")
    text = json.dumps(
        sorted(files, key=lambda entry: entry["path"]),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    digest = "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()
    if digest != manifest["digest"] or not DIGEST.fullmatch(digest):
        raise Refused(400, "the digest does not fit the files")
    return digest


def receive_file(path: str, length: int, read_into: Callable[[memoryview], int]) -> str:
    """Write a new file from a stream, flush it to the disk, return the sha256 of what came.

    Args:
        path: must not exist.
        length: bytes to take.
        read_into: fills a part of the given view, returns the count; 0 is the end.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(BLOCK))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb", buffering=0) as stream:
        left = length
        while left:
            count = read_into(buffer[: min(left, BLOCK)])
            if not count:
                raise Refused(400, f"the body ended {left} bytes early")
            digest.update(buffer[:count])
            view = buffer[:count]
            while view:
                view = view[stream.write(view) :]
            left -= count
        os.fsync(descriptor)
        if os.fstat(descriptor).st_size != length:
            raise Refused(500, "the file on the store is not as long as what was received")
    return digest.hexdigest()


def may_write(path: str, read_only: bool) -> bool:
    """Return whether a directory can be written, or could be if its mount were not read-only.

    Where the mount is read-only the system says no to everyone, so the mode bits have to tell.
    """
    if not read_only:
        return os.access(path, os.W_OK | os.X_OK)
    status = os.stat(path)
    if os.geteuid() in (0, status.st_uid):
        return os.geteuid() == 0 or bool(status.st_mode & stat.S_IWUSR)
    if status.st_gid in (os.getegid(), *os.getgroups()):
        return bool(status.st_mode & stat.S_IWGRP)
    return bool(status.st_mode & stat.S_IWOTH)


def sha256_of(path: str) -> str:
    """Return the sha256 of a regular file, C("") for anything else."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        return ""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        for block in iter(lambda: stream.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def walk(top: str) -> Iterator[Tuple[str, str]]:
    """Yield (path inside, full path) of everything that is no directory; links stay links."""
    for directory, names, files in os.walk(top):
        links = [name for name in names if os.path.islink(os.path.join(directory, name))]
        for name in sorted(files + links):
            full = os.path.join(directory, name)
            yield os.path.relpath(full, top).replace(os.sep, "/"), full


def stamp(path: str) -> Tuple[int, ...]:
    """Return size, modification time (ns) and inode of a name itself."""
    status = os.lstat(path)
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def owner_of(path: str) -> Tuple[int, ...]:
    """Return mode, uid and gid of a name itself."""
    status = os.lstat(path)
    return (status.st_mode, status.st_uid, status.st_gid)


def children(path: str) -> List[Tuple[str, str]]:
    """Return (name, path) of what is in a directory, sorted."""
    return [(name, os.path.join(path, name)) for name in sorted(names_in(path))]


def names_in(path: str) -> List[str]:
    """Return the names in a directory; none when it is missing or no directory."""
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_dir(path: str) -> bool:
    """Return whether it is a directory and no link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def mtime(path: str) -> Optional[int]:
    """Return the modification time (ns), C(None) when there is no file."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def read_json(path: str) -> Any:
    """Return the value in a file, C(None) when there is none."""
    try:
        with open(path, "rb") as stream:
            return json.loads(stream.read())
    except (OSError, ValueError):
        return None


def write(path: str, data: bytes) -> None:
    """Write a file and flush it to the disk."""
    with open(path, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def fsync(path: str) -> None:
    """Flush a file or directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def empty(path: str) -> None:
    """Delete what is in a directory."""
    for _name, child in children(path):
        discard(child)


def discard(path: str) -> None:
    """Delete a file, a link or a directory with all that is in it; harmless when it is gone."""
    if is_dir(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def is_plain(path: str) -> bool:
    """Return whether it is a regular file and no link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def size_of(path: str) -> int:
    """Return the length of a file, 0 when there is none."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def same_file(top: str, inner: str) -> str:
    """Return the path of a regular file below a directory, reached without any link.

    Raises:
        Refused: 404, there is no such file.
    """
    full = os.path.join(top, inner)
    plain = os.path.join(os.path.realpath(top), inner)
    if "\0" in inner or os.path.realpath(full) != plain or not is_plain(full):
        raise Refused(404, f"no such file: {inner!r}")
    return full
