# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a store: one writer at a time; see C(main.py).

The lock is a directory that is created and removed by rename. Its file C(owner) names the writer
(C(id)) and its helper (C(helper): a controller whose helper is lost takes the lock over with
another one). The file C(beat) beside it holds the heartbeat, a counter that the writer raises while
it is alive. A file C(lost-<id>) marks a writer whose connection broke, until it is back. The exec
transport uses the same files (C(exec_script.py)).

A lock is judged by whether it changes while somebody watches it, never by how old it looks: the
times of files come from the clock of the server or of the client, and either can be wrong by
years (a board without a battery, a snapshot that was restored).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import uuid
from typing import Any, Dict, Optional, Tuple

from . import files as fs
from . import upkeep

LOCK_LEASE = float(
    os.environ.get("EDGE_LEASE", "20")
)  # seconds of watching without a change before a lock may be taken over
LOST_LEASE = 2.0  # the lease of a writer whose connection broke in a request
# Errors of a rename onto a lock that is held (ENOTDIR: something other than a directory is there).
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
SMALL = 64 << 10  # bytes; what a lock holds is far shorter

Json = Dict[str, Any]
Look = Tuple[Any, ...]
Refused = fs.Refused


class Watch:
    """Measures how long a value has not changed, by this process's clock and not the store's."""

    def __init__(self) -> None:
        self._look: object = None
        self._since = 0.0

    def unchanged(self, look: object) -> float:
        """Return for how many seconds the value has been the same."""
        now = time.monotonic()
        if look != self._look:
            self._look, self._since = look, now
        return now - self._since


class StoreLock:
    """The lock of one store, as one helper sees it.

    Args:
        directory: C(.edge/locks) of the store.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path = os.path.join(directory, "store")
        self.owner: Optional[str] = None
        self._helper = uuid.uuid4().hex
        self._beats = 0
        self._life, self._loss = Watch(), Watch()

    def acquire(self, owner: str, note: str) -> bool:
        """Take the lock; C(True) when this helper did not hold it before.

        Raises:
            Refused: 423, somebody else writes.
        """
        if not fs.OWNER.fullmatch(owner):
            raise Refused(400, "bad owner")
        body = json.dumps({"id": owner, "note": note, "helper": self._helper}).encode()
        if (self.holder() or {}).get("id") == owner:
            return self._inherit(owner, body)
        fresh = os.path.join(self.directory, f"new-{owner}")
        shutil.rmtree(fresh, ignore_errors=True)
        os.mkdir(fresh)
        fs.write(os.path.join(fresh, "owner"), body)
        self._expire(owner, body)
        try:
            os.rename(fresh, self.path)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            if error.errno not in TAKEN:
                raise  # the lock is not held: the file system failed
            raise self._busy() from None
        fs.fsync(self.directory)
        self.owner = owner
        return True

    def _inherit(self, owner: str, body: bytes) -> bool:
        """Take over a lock that the same controller holds through this or another helper."""
        first, self.owner = self.owner is None, owner
        if not self._holds(owner):
            fresh = os.path.join(self.directory, f"heir-{self._helper}")
            fs.write(fresh, body)
            fs.make_way(os.path.join(self.path, "owner"))
            os.rename(fresh, os.path.join(self.path, "owner"))
        self.found()
        return first

    def check(self) -> None:
        """Raise unless this helper still holds the lock; the error names the present holder."""
        if self.owner is None:
            raise Refused(423, "the store is not locked by this helper", holder=self.holder())
        holder, path = self.holder(), os.path.join(self.path, "owner")
        if self._is_ours(holder, self.owner):
            return
        if holder is None and path in fs.odd and os.path.lexists(path):
            raise Refused(500, f"the lock of the store is not to be read: {path}: {fs.odd[path]}")
        holder = holder or _owner_in(self._note(self.owner))
        raise Refused(423, "another writer took the store over", holder=holder)

    def beat(self) -> None:
        """Raise the heartbeat counter, if this helper still holds the lock."""
        try:
            self.check()
            self._beats += 1
            fs.write(
                os.path.join(self.path, "beat"), b"%s-%d" % (self._helper.encode(), self._beats)
            )
        except (Refused, OSError):
            pass

    def release(self) -> None:
        """Release the lock; does nothing when this helper does not hold it."""
        owner, self.owner = self.owner, None
        if owner is None or not self._holds(owner):
            return
        gone = os.path.join(self.directory, f"gone-{owner}")
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(self.path, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def lose(self) -> None:
        """Mark the writer's connection as broken: others wait for the short lease only."""
        if self.owner is not None and self._holds(self.owner):
            try:
                fs.write(os.path.join(self.path, f"lost-{self.owner}"), uuid.uuid4().hex.encode())
            except (Refused, OSError):  # another writer took the lock meanwhile
                pass

    def found(self) -> None:
        """Remove the mark of a broken connection: the writer is back."""
        if self.owner is not None and self._holds(self.owner):
            try:
                os.unlink(os.path.join(self.path, f"lost-{self.owner}"))
            except OSError:
                pass

    def holder(self) -> Optional[Json]:
        """Return the holder of the lock, C(None) when it is free or its file cannot be read."""
        return _owner_in(os.path.join(self.path, "owner"))

    def _holds(self, owner: str) -> bool:
        return self._is_ours(self.holder(), owner)

    def _is_ours(self, holder: Optional[Json], owner: str) -> bool:
        if holder is None:
            return False
        # The exec transport writes no helper: its script ends after each command.
        helper = holder.get("helper", self._helper)
        return bool(holder["id"] == owner and helper == self._helper)

    def _busy(self) -> Refused:
        beat, lost = self._signs(self.path)
        return Refused(
            423,
            "another writer holds the store",
            holder=self.holder(),
            beat=beat and list(beat),
            lost=lost is not None,
        )

    @staticmethod
    def _signs(lock: str) -> Tuple[Optional[Look], Optional[Look]]:
        """Return the state of the lock's files, and that of the mark of a broken connection.

        If two states differ, the writer is alive; C(None) stands for a file that is not there.
        """
        if not os.path.lexists(lock):
            return None, None
        owner = os.path.join(lock, "owner")
        life = (*_look(owner), *_look(os.path.join(lock, "beat")))
        name = (_owner_in(owner) or {}).get("id")
        mark = os.path.join(lock, f"lost-{name}")
        return life, _look(mark) if os.path.lexists(mark) else None

    def _note(self, loser: str) -> str:
        return os.path.join(self.directory, f"taken-{loser}")

    def now(self, owner: str) -> int:
        """Return the time (ns) by the store's own clock, which is the same for all pods."""
        clock = os.path.join(self.directory, f"clock-{owner}")
        fs.write(clock, b"")
        stamp = fs.mtime(clock) or 0
        os.unlink(clock)
        return stamp

    def _expire(self, owner: str, body: bytes) -> None:
        """Break a lock whose lease has expired; a note names the new holder to the former one."""
        seen = self._signs(self.path)
        if seen[0] is None:
            return
        dead = self._life.unchanged(seen[0]) >= LOCK_LEASE
        lost = self._loss.unchanged(seen) >= LOST_LEASE and seen[1] is not None
        if not dead and not lost:
            return
        aside = os.path.join(self.directory, f"stale-{owner}")
        fs.discard(aside)
        try:
            os.rename(self.path, aside)
        except OSError:
            return
        if self._signs(aside) != seen:  # its writer sent a heartbeat meanwhile
            try:
                os.rename(aside, self.path)
            except OSError:
                pass
            return
        loser = (_owner_in(os.path.join(aside, "owner")) or {}).get("id")
        if isinstance(loser, str) and fs.OWNER.fullmatch(loser):
            fs.write(self._note(loser), body)
        fs.discard(aside)

    def leftovers(self) -> Dict[str, str]:
        """Return the files that killed helpers may have left here: path by name."""
        kept = ("store", upkeep.AGES, f"{upkeep.AGES}.new")
        return {name: path for name, path in fs.children(self.directory) if name not in kept}


def _owner_in(path: str) -> Optional[Json]:
    value = fs.read_json(path, SMALL)
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return value
    fs.odd[path] = "it does not say who writes"
    return None


def _look(path: str) -> Look:
    """Return the state of a small file: kind, time and content.

    Not its inode number: a file system that makes them up would keep a dead writer alive.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return ()
    try:
        text = fs.load(path, SMALL).decode("utf-8", "replace")
    except (FileNotFoundError, fs.Odd) as error:
        text = str(error)
    return fs.kind_of(status.st_mode), status.st_mtime_ns, text
