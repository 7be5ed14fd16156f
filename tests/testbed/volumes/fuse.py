# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of C(/dev/fuse): a mount, and a loop that answers what the kernel asks.

Sizes and numbers are those of C(linux/fuse.h), version 7.31 (Linux 5.4 and later speak it). No
library stands between: what a file system of the tests answers is what the kernel gets.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

IN_HEADER = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
OUT_HEADER = struct.Struct("<IiQ")
INIT_OUT = struct.Struct("<IIIIHHIIHHIIH22x")
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
ENTRY_HEAD = struct.Struct("<QQQQII")
KSTATFS = struct.Struct("<QQQQQIIII24x")
MAX_WRITE = 1 << 20
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
NO_REPLY = (2, 42)  # FORGET and BATCH_FORGET
INIT, DESTROY, INTERRUPT = 26, 38, 36
MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Request:
    """What the kernel asks: C(node) is what it is about, C(body) the rest of the message."""

    opcode: int
    node: int
    uid: int
    gid: int
    body: bytes

    def fields(self, form: str) -> tuple[int, ...]:
        """Return the numbers at the beginning of the body."""
        return struct.unpack_from("<" + form, self.body)

    def names(self, form: str = "") -> list[str]:
        """Return the names behind the numbers, which end in NUL."""
        rest = self.body[struct.calcsize("<" + form) :]
        return [os.fsdecode(name) for name in rest.split(b"\0")[:-1]]


Handler = Callable[[Request], bytes]


@dataclass(frozen=True)
class Status:
    """What C(stat) tells of a file, as far as a file system of the tests may differ."""

    inode: int
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    rest: os.stat_result

    def packed(self) -> bytes:
        """Return C(fuse_attr)."""
        rest = self.rest
        times = (rest.st_atime_ns, self.mtime_ns, rest.st_ctime_ns)
        seconds, parts = zip(*(divmod(max(0, time), 10**9) for time in times))
        return ATTR.pack(
            *(self.inode, rest.st_size, rest.st_blocks, *seconds, *parts, self.mode),
            *(rest.st_nlink, self.uid, self.gid, rest.st_rdev, rest.st_blksize, 0),
        )


def status_of(found: os.stat_result) -> Status:
    """Return it as it is."""
    return Status(found.st_ino, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns, found)


def entry(node: int, attr: bytes) -> bytes:
    """Return C(fuse_entry_out); the kernel keeps neither name nor attributes."""
    return ENTRY_HEAD.pack(node, 0, 0, 0, 0, 0) + attr


def listing(names: list[tuple[str, int, int]], offset: int, limit: int) -> bytes:
    """Return the part of a directory that fits: name, inode and mode of each, from C(offset) on."""
    found = b""
    for number, (name, inode, mode) in enumerate(names[offset:], offset + 1):
        raw = os.fsencode(name)
        head = struct.pack("<QQII", inode, number, len(raw), stat.S_IFMT(mode) >> 12)
        one = head + raw
        one += b"\0" * (-len(one) % 8)
        if len(found) + len(one) > limit:
            break
        found += one
    return found


@contextmanager
def namespace_of(process: int) -> Iterator[None]:
    """See the mounts of a process; only while this one has no threads."""
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    theirs = os.open(f"/proc/{process}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    os.setns(theirs, os.CLONE_NEWNS)
    try:
        yield
    finally:
        os.setns(own, os.CLONE_NEWNS)
        os.close(own)
        os.close(theirs)


def mount(target: str, kind: str, process: int = 0) -> int:
    """Mount a file system of the caller's (root); return the descriptor that its loop serves.

    Args:
        target: a directory.
        kind: its type, behind C(fuse.).
        process: among whose mounts it will be; 0: the caller's.
    """
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    data = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    words = [word.encode() for word in ("edge-tests", target, f"fuse.{kind}")]
    with namespace_of(process) if process else nullcontext():
        failed = LIBC.mount(*words, 0, data.encode())
    if failed:
        os.close(device)
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)
    return device


def unmount(target: str) -> None:
    """Take a mount away, whoever still uses it; harmless when there is none."""
    LIBC.umount2(os.fsencode(target), MNT_DETACH)


class Loop:
    """Serves one mount with some threads, until it is unmounted.

    Args:
        device: what C(mount) returned.
        handlers: by opcode; what is not there is C(ENOSYS).
    """

    def __init__(self, device: int, handlers: dict[int, Handler]) -> None:
        self._device, self._handlers = device, handlers

    def run(self, threads: int) -> None:
        """Return when the mount is gone."""
        workers = [threading.Thread(target=self._serve, daemon=True) for _n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _serve(self) -> None:
        while True:
            try:
                data = os.read(self._device, MAX_WRITE + (64 << 10))
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EAGAIN):  # the request was taken back
                    continue
                return  # ENODEV: unmounted
            self._answer(data)

    def _answer(self, data: bytes) -> None:
        _length, opcode, unique, node, uid, gid, _pid, _rest = IN_HEADER.unpack_from(data)
        request = Request(opcode, node, uid, gid, data[IN_HEADER.size :])
        number, body = 0, b""
        try:
            body = self._handle(request)
        except OSError as error:
            number = error.errno or errno.EIO
        if opcode in NO_REPLY or opcode == INTERRUPT:
            return
        head = OUT_HEADER.pack(OUT_HEADER.size + len(body), -number, unique)
        try:
            os.write(self._device, head + body)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):  # the asker, or the mount, is gone
                raise

    def _handle(self, request: Request) -> bytes:
        if request.opcode == INIT:
            _major, _minor, ahead, flags = request.fields("IIII")
            wanted = flags & (BIG_WRITES | MAX_PAGES)
            pages = MAX_WRITE // 4096
            return INIT_OUT.pack(7, 31, ahead, wanted, 16, 12, MAX_WRITE, 1, pages, 0, 0, 0, 0)
        if request.opcode in (DESTROY, INTERRUPT):
            return b""
        handler = self._handlers.get(request.opcode)
        if handler is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        return handler(request)
