# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FUSE file system that hands everything on to a directory, as it is."""

from __future__ import annotations

import errno
import os
import stat
import struct
import threading
import time
from dataclasses import dataclass

from fuse import KSTATFS, Handler, Request, Status, entry, listing, status_of

ROOT = 1
MODE, UID, GID, SIZE, ATIME, MTIME, HANDLE, ATIME_NOW, MTIME_NOW = (1 << n for n in range(9))
NOREPLACE = 1
Names = list[tuple[str, int, int]]


@dataclass
class Node:
    """Something that the kernel knows by a number: an C(O_PATH) descriptor, and who counts it."""

    descriptor: int
    key: tuple[int, int]
    looked: int = 0

    @property
    def path(self) -> str:
        """A path that leads to it, wherever it was renamed to."""
        return f"/proc/self/fd/{self.descriptor}"


class Through:
    """The operations by number; a subclass changes what it answers.

    Args:
        top: the directory behind it.
    """

    def __init__(self, top: str) -> None:
        status = os.stat(top)
        root = Node(os.open(top, os.O_PATH), (status.st_dev, status.st_ino), 1)
        self.nodes: dict[int, Node] = {ROOT: root}
        self._by_key = {root.key: ROOT}
        self._next = ROOT
        self._guard = threading.Lock()
        self._listed: dict[int, Names] = {}

    def handlers(self) -> dict[int, Handler]:
        """Return what answers each opcode."""
        return {
            1: self.lookup,
            2: self.forget,
            3: self.getattr,
            4: self.setattr,
            5: self.readlink,
            6: self.symlink,
            8: self.mknod,
            9: self.mkdir,
            10: self.unlink,
            11: self.rmdir,
            12: self.rename,
            13: self.link,
            14: self.open,
            15: self.read,
            16: self.write,
            17: self.statfs,
            18: self.release,
            20: self.fsync,
            25: self.flush,
            27: self.opendir,
            28: self.readdir,
            29: self.releasedir,
            30: self.fsync_directory,
            35: self.create,
            42: self.forget_many,
            45: self.rename_with_flags,
        }

    # -- what subclasses change -----------------------------------------------------------------

    def actual(self, parent: int, name: str) -> str:
        """Return the name that is there for the name that is asked for."""
        return name

    def seen(self, status: os.stat_result) -> Status:
        """Return what C(stat) tells."""
        return status_of(status)

    # -- nodes ----------------------------------------------------------------------------------

    def where(self, parent: int) -> int:
        """Return the descriptor of a directory."""
        return self.nodes[parent].descriptor

    def known(self, parent: int, name: str) -> bytes:
        """Return the entry of a name, and count it."""
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.where(parent))
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino)
        with self._guard:
            number = self._by_key.get(key)
            if number is None:
                self._next += 1
                number = self._next
                self.nodes[number], self._by_key[key] = Node(descriptor, key), number
            else:
                os.close(descriptor)
            self.nodes[number].looked += 1
        return entry(number, self.seen(status).packed())

    def _forget(self, number: int, count: int) -> None:
        with self._guard:
            node = self.nodes.get(number)
            if node is None or number == ROOT:
                return
            node.looked -= count
            if node.looked <= 0:
                del self.nodes[number], self._by_key[node.key]
                os.close(node.descriptor)

    def lookup(self, request: Request) -> bytes:
        """LOOKUP."""
        (name,) = request.names()
        return self.known(request.node, self.actual(request.node, name))

    def forget(self, request: Request) -> bytes:
        """FORGET."""
        self._forget(request.node, request.fields("Q")[0])
        return b""

    def forget_many(self, request: Request) -> bytes:
        """BATCH_FORGET."""
        for place in range(request.fields("II")[0]):
            number, count = struct.unpack_from("<QQ", request.body, 8 + 16 * place)
            self._forget(number, count)
        return b""

    # -- attributes -----------------------------------------------------------------------------

    def getattr(self, request: Request) -> bytes:
        """GETATTR."""
        status = os.fstat(self.nodes[request.node].descriptor)
        return struct.pack("<QII", 0, 0, 0) + self.seen(status).packed()

    def setattr(self, request: Request) -> bytes:
        """SETATTR."""
        form = "IIQQQQQQIIIIIIII"
        valid, _pad, _handle, size, _owner, atime, mtime, _ctime, *rest = request.fields(form)
        atime_rest, mtime_rest, _ctime_rest, mode, _unused, uid, gid, _unused = rest
        node = self.nodes[request.node]
        if valid & SIZE:
            os.truncate(node.path, size)
        if valid & (UID | GID):
            self.chown(node, uid if valid & UID else -1, gid if valid & GID else -1)
        if valid & MODE:
            self.chmod(node, stat.S_IMODE(mode))
        if valid & (ATIME | MTIME):
            before = os.fstat(node.descriptor)
            times = [before.st_atime_ns, before.st_mtime_ns]
            if valid & ATIME:
                times[0] = atime * 10**9 + atime_rest
            if valid & MTIME:
                times[1] = mtime * 10**9 + mtime_rest
            now = valid & (ATIME_NOW | MTIME_NOW)
            self.utime(node, None if now else (times[0], times[1]))
        return self.getattr(request)

    def chmod(self, node: Node, mode: int) -> None:
        """Set a mode."""
        os.chmod(node.path, mode)

    def utime(self, node: Node, times: tuple[int, int] | None) -> None:
        """Set the times of access and modification (ns); C(None): now."""
        os.utime(node.path, ns=times or (time.time_ns(),) * 2)

    def chown(self, node: Node, uid: int, gid: int) -> None:
        """Set user and group."""
        os.chown(node.path, uid, gid)

    def readlink(self, request: Request) -> bytes:
        """READLINK."""
        return os.fsencode(os.readlink("", dir_fd=self.where(request.node)))

    def statfs(self, request: Request) -> bytes:
        """STATFS."""
        info = os.fstatvfs(self.where(ROOT))
        return KSTATFS.pack(
            *(info.f_blocks, info.f_bfree, info.f_bavail, info.f_files, info.f_ffree),
            *(info.f_bsize, info.f_namemax, info.f_frsize, 0),
        )

    # -- names ----------------------------------------------------------------------------------

    def _own(self, request: Request, name: str) -> None:
        where = self.where(request.node)
        os.chown(name, request.uid, request.gid, dir_fd=where, follow_symlinks=False)

    def symlink(self, request: Request) -> bytes:
        """SYMLINK."""
        name, target = request.names()
        os.symlink(target, name, dir_fd=self.where(request.node))
        self._own(request, name)
        return self.known(request.node, name)

    def mknod(self, request: Request) -> bytes:
        """MKNOD."""
        mode, device, _umask, _pad = request.fields("IIII")
        (name,) = request.names("IIII")
        os.mknod(name, mode, device, dir_fd=self.where(request.node))
        self._own(request, name)
        return self.known(request.node, name)

    def mkdir(self, request: Request) -> bytes:
        """MKDIR."""
        (name,) = request.names("II")
        os.mkdir(name, request.fields("II")[0], dir_fd=self.where(request.node))
        self._own(request, name)
        return self.known(request.node, name)

    def unlink(self, request: Request) -> bytes:
        """UNLINK."""
        (name,) = request.names()
        os.unlink(self.actual(request.node, name), dir_fd=self.where(request.node))
        return b""

    def rmdir(self, request: Request) -> bytes:
        """RMDIR."""
        (name,) = request.names()
        os.rmdir(self.actual(request.node, name), dir_fd=self.where(request.node))
        return b""

    def rename(self, request: Request) -> bytes:
        """RENAME."""
        return self._rename(request, request.fields("Q")[0], request.names("Q"))

    def rename_with_flags(self, request: Request) -> bytes:
        """RENAME2."""
        target, flags, _pad = request.fields("QII")
        names = request.names("QII")
        if flags & ~NOREPLACE:
            raise OSError(errno.EINVAL, "no such way to rename")
        if flags:
            name = self.actual(target, names[1])
            try:
                os.stat(name, dir_fd=self.where(target), follow_symlinks=False)
            except FileNotFoundError:
                pass
            else:
                raise FileExistsError(errno.EEXIST, "exists")
        return self._rename(request, target, names)

    def _rename(self, request: Request, target: int, names: list[str]) -> bytes:
        old, new = self.actual(request.node, names[0]), self.actual(target, names[1])
        os.rename(old, new, src_dir_fd=self.where(request.node), dst_dir_fd=self.where(target))
        return b""

    def link(self, request: Request) -> bytes:
        """LINK."""
        source = self.nodes[request.fields("Q")[0]]
        (name,) = request.names("Q")
        where = self.where(request.node)
        os.link(source.path, name, dst_dir_fd=where, follow_symlinks=True)
        return self.known(request.node, name)

    # -- files ----------------------------------------------------------------------------------

    def open(self, request: Request) -> bytes:
        """OPEN."""
        flags = request.fields("I")[0] & ~os.O_NOFOLLOW
        return self._opened(os.open(self.nodes[request.node].path, flags))

    def create(self, request: Request) -> bytes:
        """CREATE."""
        flags, mode, _umask, _pad = request.fields("IIII")
        (name,) = request.names("IIII")
        where = self.where(request.node)
        descriptor = os.open(name, flags | os.O_CREAT, stat.S_IMODE(mode), dir_fd=where)
        os.fchown(descriptor, request.uid, request.gid)
        return self.known(request.node, name) + self._opened(descriptor)

    @staticmethod
    def _opened(handle: int) -> bytes:
        return struct.pack("<QII", handle, 0, 0)

    def read(self, request: Request) -> bytes:
        """READ."""
        handle, offset, size = request.fields("QQI")
        return os.pread(handle, size, offset)

    def write(self, request: Request) -> bytes:
        """WRITE."""
        handle, offset, size, _flags, _owner, _opened, _pad = request.fields("QQIIQII")
        done = os.pwrite(handle, request.body[40 : 40 + size], offset)
        return struct.pack("<II", done, 0)

    def flush(self, request: Request) -> bytes:
        """FLUSH: somebody closes a descriptor."""
        return b""

    def release(self, request: Request) -> bytes:
        """RELEASE: nobody has the file open any more."""
        os.close(request.fields("Q")[0])
        return b""

    def fsync(self, request: Request) -> bytes:
        """FSYNC."""
        os.fsync(request.fields("Q")[0])
        return b""

    # -- directories ----------------------------------------------------------------------------

    def opendir(self, request: Request) -> bytes:
        """OPENDIR."""
        handle = os.open(self.nodes[request.node].path, os.O_RDONLY | os.O_DIRECTORY)
        return self._opened(handle)

    def readdir(self, request: Request) -> bytes:
        """READDIR."""
        handle, offset, size = request.fields("QQI")
        if not offset:
            with os.scandir(handle) as items:
                found = [(item.name, item.inode(), self._kind(item)) for item in items]
            self._listed[handle] = [(".", 1, stat.S_IFDIR), ("..", 1, stat.S_IFDIR), *found]
        return listing(self._listed[handle], offset, size)

    @staticmethod
    def _kind(item: os.DirEntry[str]) -> int:
        if item.is_symlink():
            return stat.S_IFLNK
        return stat.S_IFDIR if item.is_dir() else stat.S_IFREG if item.is_file() else 0

    def releasedir(self, request: Request) -> bytes:
        """RELEASEDIR."""
        handle = request.fields("Q")[0]
        self._listed.pop(handle, None)
        os.close(handle)
        return b""

    def fsync_directory(self, request: Request) -> bytes:
        """FSYNCDIR."""
        os.fsync(request.fields("Q")[0])
        return b""
