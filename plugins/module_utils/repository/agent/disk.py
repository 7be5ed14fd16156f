# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File system operations: type, probe, clones, links, copies, flushing; see C(main.py).

Runs in the helper pod; knows nothing of stages and versions.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import hashlib
import os
import re
import stat
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from . import files as fs

FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int); the same on x86, Arm and RISC-V
COPY_BYTES = 8 << 20  # of one copy_file_range
WINDOW = 32 << 20  # bytes copied between two flushes, so that a copy does not fill the memory
PROBE = ".edge-probe-"
NAMES = ("case", "forms", "reserved")  # kinds of names that a store can keep distinct, see C(probe)
# Types of file systems whose C(syncfs) reaches the disk. That of FUSE (but virtiofs), CIFS and 9p
# ends in the client (Linux, C(fs/fuse/inode.c), no C(sync_fs) in C(fs/smb/client) and C(fs/9p)).
SYNCED = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs", "nfs", "nfs4", "ceph")
FEW_FILES = 32  # are flushed one by one, more with one flush of the whole file system
AT_ONCE = 128  # files that the disk is asked for at once
AHEAD_BYTES = 16 << 20  # of such files, at most

NO_FILE = (errno.ENOENT, errno.ELOOP, errno.ENXIO)  # nothing, a link, a socket

Seen = Tuple[str, fs.Stamp]  # sha256 and stamp of a file that was read
Json = Dict[str, Any]


def mount_of(path: str) -> Tuple[str, str]:
    """Return (file system type, source) of what a path lies on; C(("", "")) when unknown."""
    device = os.stat(path).st_dev
    wanted = "%d:%d" % (os.major(device), os.minor(device))
    path = os.path.realpath(path)
    best, found = -1, ("", "")
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return found
    for line in lines:
        left, _dash, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        point = _unescape(fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # A device with subvolumes (btrfs) has other numbers in its stat than in the table.
        rank = len(point) + (100_000 if fields[2] == wanted else 0)
        if inside and rank >= best:
            best, found = rank, (kind[0], _unescape(kind[1]))
    return found


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def probe(
    directory: str, owner: Optional[Tuple[int, int]] = None
) -> Tuple[Dict[str, str], Dict[str, bool]]:
    """Try what publishing and reuse need, with two small files that are removed again.

    Args:
        directory: on the file system.
        owner: user and group that published files get, where we may give them (root).

    Returns:
        The operations that publishing needs (write, fsync, rename, fsync_dir, mode, owner): C("")
        when one worked, else the system's error text. Whether reflink and hardlink work, which make
        reuse cheap. Which names are kept unchanged: names that differ in case only, names that
        differ in Unicode normalization only, names that Windows reserves.
    """
    names = [os.path.join(directory, PROBE + "%d-%d" % (os.getpid(), n)) for n in range(4)]
    steps: List[Tuple[str, Callable[[], Any]]] = [
        ("write", lambda: _write_some(names[0])),
        ("fsync", lambda: fs.fsync(names[0])),
        ("rename", lambda: os.rename(names[0], names[1])),
        ("fsync_dir", lambda: fs.fsync(directory)),
        ("mode", lambda: _set_mode(names[1])),
    ]
    if owner is not None:
        steps.append(("owner", lambda: os.chown(names[1], *owner)))
    found: Dict[str, str] = {}
    try:
        for name, step in steps:
            found[name] = _attempt(step)
            if found[name]:
                break
        extras = {
            "reflink": not _attempt(lambda: clone(names[1], names[2])),
            "hardlink": not _attempt(lambda: os.link(names[1], names[3])),
            **_names_kept(names[1]),
        }
    finally:
        for path in names:
            _attempt(lambda path=path: os.unlink(path))  # type: ignore[misc]
    return found, extras


def _set_mode(path: str) -> None:
    if stat.S_IMODE(os.lstat(path).st_mode) != fs.FILE_MODE:
        os.chmod(path, fs.FILE_MODE)


def _names_kept(path: str) -> Dict[str, bool]:
    """Return the kinds of names that a file system keeps unchanged; C(path) is the probe's file."""
    directory, name = os.path.split(path)
    composed, apart = path + "-\u00e9", path + "-e\u0301"
    reserved = [path + "-a:b", os.path.join(directory, "con" + name)]
    try:
        return {
            "case": not os.path.lexists(os.path.join(directory, name.upper())),
            "forms": not _attempt(lambda: _touch(composed)) and not os.path.lexists(apart),
            "reserved": all(not _attempt(functools.partial(_touch, item)) for item in reserved),
        }
    finally:
        for item in (composed, *reserved):
            _attempt(functools.partial(os.unlink, item))


def _touch(path: str) -> None:
    with open(path, "xb"):
        pass
    if os.path.basename(path) not in os.listdir(os.path.dirname(path)):
        raise OSError(errno.EINVAL, "the file got another name", path)


def _write_some(path: str) -> None:
    with open(path, "wb") as stream:
        stream.write(b"probe" * 1000)


def _attempt(step: Callable[[], Any]) -> str:
    try:
        step()
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        return f"{error.strerror or error} ({name})"
    return ""


def clone(source: str, target: str) -> None:
    """Make a new file that shares the blocks of another until one of them changes (reflink).

    Raises:
        OSError: the file system cannot; nothing is left.
    """
    with open(source, "rb") as stream:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.ioctl(descriptor, FICLONE, stream.fileno())
        except OSError:
            os.unlink(target)
            raise
        finally:
            os.close(descriptor)


def duplicate(source: str, target: str, may_link: bool) -> str:
    """Make a new file with the bytes of another: clone it, else link it if that may be, else copy.

    Returns:
        How: C(reflink), C(link) or C(copy).
    """
    ways: List[Tuple[str, Callable[[str, str], None]]] = [("reflink", clone)]
    if may_link:
        ways.append(("link", os.link))
    for name, way in ways:
        try:
            way(source, target)
            return name
        except OSError:
            pass
    copy(source, target)
    return "copy"


def copy(source: str, target: str) -> None:
    """Make a new file with the bytes of another, flushed to the disk window by window."""
    read = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            _copy_all(read, write)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _copy_all(read: int, write: int) -> None:
    done = 0
    while True:
        count = copy_some(read, write, done, done, COPY_BYTES)
        if not count:
            break
        if done // WINDOW != (done + count) // WINDOW:
            os.fdatasync(write)
        done += count
    os.fsync(write)


def copy_some(read: int, write: int, source: int, target: int, count: int) -> int:
    """Copy some bytes between two offsets of two files; returns how many, 0 at the end."""
    native = getattr(os, "copy_file_range", None)
    if native is not None:
        try:
            copied = int(native(read, write, count, source, target))
            if copied:
                return copied
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
    data = os.pread(read, min(count, fs.BLOCK), source)
    view = memoryview(data)
    while view:
        written = os.pwrite(write, view, target)
        view, target = view[written:], target + written
    return len(data)


def sha256_from_disk(path: str) -> str:
    """Return the sha256 of a regular file read from the disk, not from memory, as far as can be."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    return fs.sha256_of(path)


def read_all(
    files: Iterable[Tuple[str, int]], *, drop: bool = False, skip: bool = False
) -> Iterator[Seen]:
    """Read many files, and yield sha256 and stamp of each; C(("", ())) for what is no file.

    The disk gets the requests for many files before the first of them is waited for: one small file
    after the other would wait for the disk each time.

    Args:
        files: paths, and sizes by which they are grouped.
        drop: read from the disk, not from memory, as far as can be; what was flushed before.
        skip: a file that cannot be read is taken for none, too.

    Raises:
        OSError: a file cannot be read; names it.
    """
    group: List[str] = []
    count = 0
    for path, size in files:
        group.append(path)
        count += size
        if len(group) >= AT_ONCE or count >= AHEAD_BYTES:
            yield from _read_group(group, drop, skip)
            group, count = [], 0
    yield from _read_group(group, drop, skip)


def _read_group(paths: Sequence[str], drop: bool, skip: bool) -> List[Seen]:
    opened: List[int] = []
    try:
        for path in paths:
            opened.append(_ask_for(path, drop, skip))
        return [_read_one(*item, skip) for item in zip(opened, paths)]
    finally:
        for descriptor in opened:
            if descriptor >= 0:
                os.close(descriptor)


def _ask_for(path: str, drop: bool, skip: bool) -> int:
    """Open a file and let the kernel read it ahead; -1 when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if skip or error.errno in NO_FILE:
            return -1
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return -1
    if drop:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
    return descriptor


def _read_one(descriptor: int, path: str, skip: bool) -> Seen:
    if descriptor < 0:
        return "", ()
    status = os.fstat(descriptor)
    digest = hashlib.sha256()
    left = status.st_size
    try:
        while left:
            data = os.read(descriptor, min(fs.BLOCK, left))
            if not data:  # it became shorter: its sha256 is another one
                break
            digest.update(data)
            left -= len(data)
    except OSError as error:
        if skip:
            return "", ()
        error.filename = path
        raise
    return digest.hexdigest(), fs.stamp_of(status)


def sync_system(path: str) -> bool:
    """Flush the whole file system a path lies on; C(False) when that cannot be done."""
    if mount_of(path)[0] not in SYNCED:
        return False
    try:
        library = ctypes.CDLL(None, use_errno=True)
        call = library.syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if call(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)
    return True


def sync_all(top: str, paths: Iterable[str]) -> None:
    """Flush files and directories below C(top) to the disk: few one by one, many at once."""
    every = list(paths)
    if len(every) > FEW_FILES and sync_system(top):
        return
    for path in every:
        fs.fsync(path)
