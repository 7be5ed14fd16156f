# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small file system work of the script that runs in the helper pod (see C(main.py))."""

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
# What Linux's NFS client makes of a file that goes while a process of its machine has it open: it
# stays under such a name until it is closed (fs/nfs/unlink.c), and cannot be removed before.
STILL_OPEN = re.compile(r"\.nfs[0-9a-f]{24}")
JSON_LIMIT = 64 << 20  # bytes; a record takes some 300 a file
JSON_DEPTH = 16  # levels; a record has five
OWNER = re.compile(r"[A-Za-z0-9-]{1,64}")

Json = Dict[str, Any]
Stamp = Tuple[int, ...]


# Unexpected objects below C(.edge) of a store, by path, with the reason. They count as absent, and
# the controller reports them (C(Store.inventory)).
odd: Dict[str, str] = {}


def note_odd(path: str, fault: Optional[str]) -> None:
    """Note what is wrong with an object, or with None that nothing is any more."""
    odd.pop(path, None)
    if fault is not None:
        odd[path] = fault


def make_shared(directory: str) -> None:
    """Make a directory into which users of the same group may write, unless it is there."""
    try:
        os.mkdir(directory)
    except FileExistsError:  # also when another writer was faster
        return
    try:
        os.chmod(directory, 0o770)
    except PermissionError:  # the probe says what the file system cannot do
        pass


class Odd(Exception):
    """Another kind of object is in the place of one of the collection's files."""


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

    On a read-only mount C(access) fails for every user, so the mode bits are checked instead.
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
    for inner, entry, is_directory in _entries(top):
        if not is_directory:
            yield inner, entry.path


def tree(top: str) -> Tuple[Dict[str, os.stat_result], List[str]]:
    """Return everything below a directory: C(lstat) of what is none, and the directories inside."""
    files: Dict[str, os.stat_result] = {}
    directories: List[str] = []
    for inner, entry, is_directory in _entries(top):
        if is_directory:
            directories.append(inner)
            continue
        try:
            files[inner] = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # another stream moved it just now
            pass
    return files, directories


def _entries(top: str) -> Iterator[Tuple[str, "os.DirEntry[str]", bool]]:
    """Yield (path inside, entry, whether it is a directory), what is in a directory by name.

    Files that are gone and still open on NFS are left out.
    """
    pending = [(top, "")]
    while pending:
        directory, above = pending.pop()
        try:
            with os.scandir(directory) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:  # it went, or is not to be read
            continue
        for entry in entries:
            inner = above + entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if is_directory:
                pending.append((entry.path, inner + "/"))
            elif STILL_OPEN.fullmatch(entry.name):
                continue
            yield inner, entry, is_directory


def stamp(path: str) -> Stamp:
    """Return size, modification time (ns) and inode of a name itself."""
    return stamp_of(os.lstat(path))


def stamp_of(status: os.stat_result) -> Stamp:
    """Return size, modification time (ns) and inode."""
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def stamps(top: str) -> Dict[str, Stamp]:
    """Return the stamp of everything below a directory that is none, by path inside."""
    return {inner: stamp_of(status) for inner, status in tree(top)[0].items()}


def owner_of(path: str) -> Tuple[int, ...]:
    """Return mode, uid and gid of a name itself."""
    status = os.lstat(path)
    return (status.st_mode, status.st_uid, status.st_gid)


def traits(path: str) -> Dict[str, List[int]]:
    """Return what a file that was just written tells of all files of its store.

    C(owner) is the uid and gid that files get. C(modes), of a file and of its directory, is only
    there where the file system gives modes of its own.
    """
    mode, *owner = owner_of(path)
    if stat.S_IMODE(mode) == FILE_MODE:
        return {"owner": owner}
    above = owner_of(os.path.dirname(path))[0]
    return {"owner": owner, "modes": [stat.S_IMODE(mode), stat.S_IMODE(above)]}


def foreign(mode: int, owner: Tuple[int, int], status: os.stat_result) -> Tuple[bool, bool]:
    """Return whether a name has another mode, or another owner, than it should get.

    Only root can give an owner.
    """
    other = os.geteuid() == 0 and (status.st_uid, status.st_gid) != owner
    return stat.S_IMODE(status.st_mode) != mode, other


def own(path: str, mode: int, owner: Tuple[int, int], status: os.stat_result) -> bool:
    """Set mode and owner only where they differ: hard links share them with other files.

    Returns:
        Whether something was set.
    """
    wrong, other = foreign(mode, owner, status)
    if wrong:
        os.chmod(path, mode)
    if other:
        os.chown(path, *owner)
    return wrong or other


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


def read_json(path: str, limit: int = JSON_LIMIT) -> Any:
    """Return the value in a file of ours, C(None) without one; what else is there is noted."""
    try:
        value = load_json(path, limit)
    except FileNotFoundError:
        value = None
    except Odd as error:
        odd[path] = str(error)
        return None
    odd.pop(path, None)
    return value


def load_json(path: str, limit: int = JSON_LIMIT) -> Any:
    """Return the value in a file of ours.

    Raises:
        FileNotFoundError: nothing is there.
        Odd: it is no plain file, cannot be read, is too big or no JSON of ours.
    """
    try:
        value = json.loads(load(path, limit))
    except RecursionError:
        raise Odd("its JSON is too deep") from None
    except ValueError:
        raise Odd("it is no JSON") from None
    if not _is_shallow(value):
        raise Odd("its JSON is too deep")
    return value


def load(path: str, limit: int = JSON_LIMIT) -> bytes:
    """Return the bytes of a plain file of ours; never waits for one that is something else.

    Raises:
        FileNotFoundError: nothing is there.
        Odd: it is no plain file, cannot be read or is too big.
    """
    try:
        kind = kind_of(os.lstat(path).st_mode)
        if kind != "file":
            raise Odd(f"it is a {kind}")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Odd("it changed while it was read")
            data = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise Odd(f"it cannot be read: {error.strerror or error}") from None
    if len(data) > limit:
        raise Odd(f"it has more than {limit} bytes")
    return data


def kind_of(mode: int) -> str:
    """Return the word for what a mode says: C(file), C(directory), C(link) and so on."""
    for test, word in (
        (stat.S_ISREG, "file"),
        (stat.S_ISDIR, "directory"),
        (stat.S_ISLNK, "link"),
        (stat.S_ISFIFO, "FIFO"),
        (stat.S_ISSOCK, "socket"),
    ):
        if test(mode):
            return word
    return "device"


def _is_shallow(value: Any) -> bool:
    """Return whether a value can be handed on: C(json.dumps) fails for one that is too deep."""
    level = [value]
    for _depth in range(JSON_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return True
    return False


def write(path: str, data: bytes) -> None:
    """Write a file and flush it to the disk; anything at that path but a plain file is deleted."""
    make_way(path)
    odd.pop(path, None)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
    with open(os.open(path, flags, 0o666), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def save(path: str, data: bytes) -> None:
    """Replace a file atomically; the directory is not flushed yet."""
    write(path + ".new", data)
    make_way(path)
    os.rename(path + ".new", path)
    odd.pop(path, None)


def make_way(path: str) -> None:
    """Delete what is in the place of one of our files and is no plain file.

    Raises:
        Refused: it stays, most likely since somebody else owns what is in it.
    """
    if os.path.lexists(path) and not is_plain(path):
        discard(path)
        if os.path.lexists(path):
            what = kind_of(os.lstat(path).st_mode)
            raise Refused(
                500,
                f"{path}: a {what} is in the way, and user {os.geteuid()} cannot delete it;"
                " delete it on the store",
            )


def make_dir(path: str) -> None:
    """Make a directory; anything else at that path is deleted."""
    if not is_dir(path):
        discard(path)
        os.makedirs(path, exist_ok=True)


def create(path: str) -> int:
    """Return a descriptor of a new file with the mode of published ones.

    Raises:
        FileExistsError: something is there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.open(path, flags, FILE_MODE)


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
    except (FileNotFoundError, NotADirectoryError):
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
