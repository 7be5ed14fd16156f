# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FUSE file system of the tests that does what some of those in the field do.

    odd.py DIRECTORY MOUNTPOINT WAYS [PROCESS]

With the id of a process it is mounted among the mounts of that one. C(WAYS) is a file of JSON with
fields of C(Ways). It is read again when it has changed, so that a file system can go bad while it
is used. The process ends when the mount is gone; it prints a line when there is one.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fuse  # noqa: E402
from fuse import KSTATFS, Handler, Request, Status  # noqa: E402
from through import Node, Through  # noqa: E402

THREADS = 4
ENDLESS = 1 << 50  # bytes
GB = 1 << 30


@dataclass(frozen=True)
class Ways:
    """What a file system does otherwise than ext4.

    Args:
        folds: names that differ in case only are one name.
        clock: seconds by which the times of files are ahead.
        grain: nanoseconds that times of files are multiples of.
        settles: a file that was written gets another time when it is closed.
        remembers: inode numbers stay; else they change every three seconds.
        links: there are hard links.
        modes: C(kept), C(ignored) (every file has one mode and owner, setting another one changes
            nothing) or C(refused).
        owner: user and group of all files, where modes are ignored.
        space: what C(statfs) tells: C(true), C(nothing) (all figures are 0) or C(endless).
        late: seconds that every answer takes.
        late_sync: seconds that flushing takes.
        fails: C(errno) names by the name of an operation, C(*) for all.
        room: bytes that may be written until C(EDQUOT).
    """

    folds: bool = False
    clock: float = 0.0
    grain: int = 1
    settles: bool = False
    remembers: bool = True
    links: bool = True
    modes: str = "kept"
    owner: int = 0
    space: str = "true"
    late: float = 0.0
    late_sync: float = 0.0
    fails: dict[str, str] = field(default_factory=dict)
    room: int | None = None


VOLUMES = {
    "fuse": Ways(),
    "fuse-folds": Ways(folds=True),
    "fuse-times": Ways(clock=-90.0, grain=2 * 10**9, settles=True),
    "fuse-inodes": Ways(remembers=False),
    "fuse-no-links": Ways(links=False),
    "fuse-no-modes": Ways(modes="ignored"),
    "fuse-no-owners": Ways(modes="refused"),
    "fuse-no-space": Ways(space="nothing"),
    "fuse-endless": Ways(space="endless"),
    "fuse-late": Ways(late=0.002, late_sync=0.05),
    # What a share of Windows does, as Linux mounts it (CIFS, Azure Files): all of it at once.
    "fuse-share": Ways(
        folds=True,
        clock=-90.0,
        grain=100,
        settles=True,
        remembers=False,
        links=False,
        modes="ignored",
    ),
}


def refused(name: str) -> OSError:
    """Return the error of a name of C(errno)."""
    number = int(getattr(errno, name))
    return OSError(number, os.strerror(number))


class Odd(Through):
    """The directory behind it, seen in other ways.

    Args:
        top: the directory.
        given: the file with the ways.
    """

    def __init__(self, top: str, given: Path) -> None:
        super().__init__(top)
        self._given, self._read_at = given, 0
        self.ways = Ways()
        self._written: set[int] = set()
        self._room = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Read the ways again when they have changed."""
        changed = self._given.stat().st_mtime_ns
        if changed != self._read_at:
            self._read_at = changed
            self.ways = Ways(**json.loads(self._given.read_text()))

    def handlers(self) -> dict[int, Handler]:
        """Return what answers each opcode; each is late, and may fail, as the ways say."""
        return {code: self._disturbed(one) for code, one in super().handlers().items()}

    def _disturbed(self, handler: Handler) -> Handler:
        name = handler.__name__
        slow = name.startswith("fsync")

        def answer(request: Request) -> bytes:
            self.refresh()
            ways = self.ways
            wait = ways.late + (ways.late_sync if slow else 0.0)
            if name.startswith("forget"):
                return handler(request)
            if wait:
                time.sleep(wait)
            wrong = ways.fails.get(name) or ways.fails.get("*")
            if wrong and not name.startswith("release"):
                raise refused(wrong)
            return handler(request)

        return answer

    # -- names ----------------------------------------------------------------------------------

    def actual(self, parent: int, name: str) -> str:
        """Return the name that is there, in whatever case it was given first."""
        where = f"/proc/self/fd/{self.where(parent)}"
        if not self.ways.folds or os.path.lexists(f"{where}/{name}"):
            return name
        alike = (other for other in os.listdir(where) if other.casefold() == name.casefold())
        return next(alike, name)

    def link(self, request: Request) -> bytes:
        """LINK."""
        if not self.ways.links:
            raise refused("EPERM")
        return super().link(request)

    # -- attributes -----------------------------------------------------------------------------

    def seen(self, status: os.stat_result) -> Status:
        """Return what C(stat) tells."""
        ways, found = self.ways, super().seen(status)
        shown = int(found.mtime_ns + ways.clock * 10**9)
        found = replace(found, mtime_ns=shown - shown % ways.grain)
        if not ways.remembers:
            found = replace(found, inode=found.inode + (int(time.monotonic() / 3) << 32))
        if ways.modes == "ignored":
            mode = stat.S_IFMT(found.mode) | 0o777
            found = replace(found, mode=mode, uid=ways.owner, gid=ways.owner)
        return found

    def _may_set(self) -> bool:
        if self.ways.modes == "refused":
            raise refused("EPERM")
        return self.ways.modes == "kept"

    def chmod(self, node: Node, mode: int) -> None:
        """Set a mode."""
        if self._may_set():
            super().chmod(node, mode)

    def chown(self, node: Node, uid: int, gid: int) -> None:
        """Set user and group."""
        if self._may_set():
            super().chown(node, uid, gid)

    def utime(self, node: Node, times: tuple[int, int] | None) -> None:
        """Set times."""
        shift = int(self.ways.clock * 10**9)
        super().utime(node, times and (times[0], times[1] - shift))

    def statfs(self, request: Request) -> bytes:
        """STATFS."""
        if self.ways.space == "nothing":
            return KSTATFS.pack(0, 0, 0, 0, 0, 4096, 255, 4096, 0)
        if self.ways.space == "endless":
            blocks = ENDLESS // 4096
            return KSTATFS.pack(blocks, blocks, blocks, 0, 0, 4096, 255, 4096, 0)
        return super().statfs(request)

    # -- files ----------------------------------------------------------------------------------

    def write(self, request: Request) -> bytes:
        """WRITE."""
        handle, _offset, size = request.fields("QQI")
        with self._room:
            room = self.ways.room
            if room is not None:
                if size > room:
                    raise refused("EDQUOT")
                self.ways = replace(self.ways, room=room - size)
        self._written.add(handle)
        return super().write(request)

    def release(self, request: Request) -> bytes:
        """RELEASE."""
        handle = request.fields("Q")[0]
        if handle in self._written:
            self._written.discard(handle)
            if self.ways.settles:
                os.utime(handle)
        return super().release(request)


def serve(behind: Through, target: str, process: int = 0) -> None:
    """Serve until the mount is gone; says when it is there."""
    device = fuse.mount(target, "odd", process)
    print("mounted", flush=True)
    fuse.Loop(device, behind.handlers()).run(THREADS)


def main() -> None:
    """Do what the command line says."""
    top, target, given, *process = sys.argv[1:]
    os.umask(0)
    serve(Odd(top, Path(given)), target, *map(int, process))


if __name__ == "__main__":
    main()
