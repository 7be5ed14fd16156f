# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a store: one writer at a time; see C(agent.py).

The lock is a directory that comes and goes by rename. Its file C(owner) says who writes (C(id)),
through which helper (C(helper): a controller whose helper is gone goes on with another one), and
its modification time is the sign of life. A writer whose connection was cut has a file C(lost-<id>)
beside it until it comes back. The exec transport keeps the same files (C(exec_script.py)).
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from typing import Any, Dict, Optional, Tuple

try:  # in the collection
    from ansible_collections.openvino.edge.plugins.module_utils.repository import agent_files as fs
except ImportError:  # in the helper pod, where the files lie side by side
    import agent_files as fs  # type: ignore[import-not-found,no-redef]

LOCK_LEASE = 20.0  # seconds without a sign of life before a lock may be taken over
LOST_LEASE = 2.0  # the same for a writer whose connection was cut in the middle
OLD_NOTE = 24 * 3600.0  # seconds that "who took my lock" is kept

Json = Dict[str, Any]
Refused = fs.Refused


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

    def acquire(self, owner: str, note: str) -> bool:
        """Become the one writer; C(True) when this helper did not have it.

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
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._busy() from None
        fs.fsync(self.directory)
        self.owner = owner
        return True

    def _inherit(self, owner: str, body: bytes) -> bool:
        """Go on with a lock that the same controller took through this or another helper."""
        first, self.owner = self.owner is None, owner
        if not self._holds(owner):
            fresh = os.path.join(self.directory, f"heir-{self._helper}")
            fs.write(fresh, body)
            os.rename(fresh, os.path.join(self.path, "owner"))
        self.found()
        return first

    def check(self) -> None:
        """Refuse to write when the lock is not, or no longer, ours; tells who has it now."""
        if self.owner is None:
            raise Refused(423, "the store is not locked by this helper", holder=self.holder())
        if self._holds(self.owner):
            return
        holder = self.holder() or fs.read_json(self._note(self.owner))
        raise Refused(423, "another writer took the store over", holder=holder)

    def beat(self) -> None:
        """Give a sign of life, if we still are the writer."""
        try:
            self.check()
            os.utime(os.path.join(self.path, "owner"))
        except (Refused, OSError):
            pass

    def release(self) -> None:
        """Let the next writer in; harmless without a lock."""
        owner, self.owner = self.owner, None
        if owner is None or not self._holds(owner):
            return
        gone = os.path.join(self.directory, f"gone-{owner}")
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(self.path, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def lose(self) -> None:
        """Note that our writer's connection was cut; another one need not wait for the lease."""
        if self.owner is not None and self._holds(self.owner):
            try:
                fs.write(os.path.join(self.path, f"lost-{self.owner}"), b"")
            except OSError:  # it went to somebody else just now
                pass

    def found(self) -> None:
        """Note that our writer came back."""
        if self.owner is not None and self._holds(self.owner):
            try:
                os.unlink(os.path.join(self.path, f"lost-{self.owner}"))
            except OSError:
                pass

    def holder(self) -> Optional[Json]:
        """Return who has the lock, C(None) for nobody."""
        value = fs.read_json(os.path.join(self.path, "owner"))
        return value if isinstance(value, dict) else None

    def _holds(self, owner: str) -> bool:
        holder = self.holder() or {}
        # The exec transport has no helper that lives on, so it names none.
        return holder.get("id") == owner and holder.get("helper", self._helper) == self._helper

    def _busy(self) -> Refused:
        beat, lost = self._signs(self.path)
        return Refused(
            423,
            "another writer holds the store",
            holder=self.holder(),
            beat_ns=beat,
            lost=lost is not None,
        )

    @staticmethod
    def _signs(lock: str) -> Tuple[Optional[int], Optional[int]]:
        """Return when the writer last lived, and when it was lost (ns)."""
        owner = os.path.join(lock, "owner")
        beat = fs.mtime(owner)
        if beat is None:  # nobody's, or one whose content somebody deleted
            return fs.mtime(lock), None
        name = (fs.read_json(owner) or {}).get("id")
        return beat, fs.mtime(os.path.join(lock, f"lost-{name}"))

    def _note(self, loser: str) -> str:
        return os.path.join(self.directory, f"taken-{loser}")

    def now(self, owner: str) -> int:
        """Return the time (ns) by the store's own clock, which no two pods disagree about."""
        clock = os.path.join(self.directory, f"clock-{owner}")
        fs.write(clock, b"")
        stamp = fs.mtime(clock) or 0
        os.unlink(clock)
        return stamp

    def _expire(self, owner: str, body: bytes) -> None:
        """Move a lock without a sign of life aside, leaving a note for who had it."""
        seen = self._signs(self.path)
        if seen[0] is None:
            return
        now = self.now(owner)
        dead = now - seen[0] >= LOCK_LEASE * 1e9
        if not dead and (seen[1] is None or now - seen[1] < LOST_LEASE * 1e9):
            return
        aside = os.path.join(self.directory, f"stale-{owner}")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            os.rename(self.path, aside)
        except OSError:
            return
        if self._signs(aside) != seen:  # its writer came back just now
            try:
                os.rename(aside, self.path)
            except OSError:
                pass
            return
        loser = (fs.read_json(os.path.join(aside, "owner")) or {}).get("id")
        if isinstance(loser, str) and fs.OWNER.fullmatch(loser):
            fs.write(self._note(loser), body)
        shutil.rmtree(aside, ignore_errors=True)

    def tidy(self, owner: str) -> None:
        """Delete what killed helpers left here long ago."""
        now = self.now(owner)
        for name, path in fs.children(self.directory):
            stamp = fs.mtime(path)
            if name != "store" and stamp is not None and now - stamp > OLD_NOTE * 1e9:
                fs.discard(path)
