# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of rollouts on one controller: an SQLite file.

Every state of a cluster is on the disk before the next step begins, so a controller that is killed
at any moment finds out, when it runs again, what it had begun and what it owes. The tasks of one
run are processes of their own that write at the same time; SQLite's lock keeps them apart.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ..errors import ConflictError, InputError
from .states import Cluster

# Seconds that a task waits for others to finish their writes, each of which takes milliseconds.
_PATIENCE = 60
# Rollouts of a fleet that are kept when a new one begins.
_KEPT = 50

_TABLES = """
CREATE TABLE IF NOT EXISTS rollouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, fleet TEXT NOT NULL, plan TEXT NOT NULL,
    holder TEXT NOT NULL, began TEXT NOT NULL, stopped TEXT NOT NULL DEFAULT '',
    ended TEXT NOT NULL DEFAULT '', verdict TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS of_fleet ON rollouts (fleet, number);
CREATE TABLE IF NOT EXISTS clusters (
    rollout INTEGER NOT NULL, cluster TEXT NOT NULL, wave INTEGER NOT NULL, state TEXT NOT NULL,
    phase TEXT NOT NULL, reason TEXT NOT NULL, before INTEGER, wanted TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (rollout, cluster)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Holder:
    """The process that works on a rollout.

    Attributes:
        host: name of its machine.
        pid: of C(ansible-playbook).
        started: when that process began, in the units of its machine; another process that got the
            same number later began at another time.
    """

    host: str
    pid: int
    started: str

    @classmethod
    def of_process(cls, pid: int) -> "Holder":
        """Return the holder that a process of this machine is."""
        return cls(socket.gethostname(), pid, _started(pid))

    def lives(self) -> bool:
        """Tell whether it is a process that runs on this machine."""
        return self.host == socket.gethostname() and _started(self.pid) == self.started != ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True)
class Rollout:
    """One rollout of a fleet, as the journal holds it.

    Attributes:
        number: of the rollout in this journal.
        fleet: name of the fleet.
        plan: clusters by wave, as text that can be compared.
        holder: who works, or worked, on it.
        began: when, in UTC.
        stopped: why it went no further; empty if it was not stopped.
        ended: when it ended, in UTC; empty if a run of it still goes on, or was killed.
        verdict: how it ended.
    """

    number: int
    fleet: str
    plan: str
    holder: Holder
    began: str
    stopped: str = ""
    ended: str = ""
    verdict: str = ""


class Journal:
    """The journal in one file, which is made when it is not there.

    Args:
        path: of the file; the directory is made, too.

    Raises:
        InputError: it cannot be opened, or is something else.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser()

    def exists(self) -> bool:
        """Tell whether any rollout may be in it."""
        return self._path.exists()

    def last(self, fleet: str) -> Optional[Rollout]:
        """Return the newest rollout of a fleet; None if there is none."""
        with self._open() as store:
            row = store.execute(
                "SELECT * FROM rollouts WHERE fleet = ? ORDER BY number DESC LIMIT 1", (fleet,)
            ).fetchone()
        return _rollout(row) if row else None

    def begin(self, fleet: str, plan: str, holder: Holder) -> Rollout:
        """Write a new rollout; of older ones the last C(_KEPT) are kept.

        Raises:
            ConflictError: another process has begun one that is not ended.
        """
        with self._open() as store:
            store.execute("BEGIN IMMEDIATE")
            row = store.execute(
                "SELECT * FROM rollouts WHERE fleet = ? ORDER BY number DESC LIMIT 1", (fleet,)
            ).fetchone()
            if row:
                refuse_held(_rollout(row), holder)
            cursor = store.execute(
                "INSERT INTO rollouts (fleet, plan, holder, began) VALUES (?, ?, ?, ?)",
                (fleet, plan, _text(holder), _now()),
            )
            number = int(cursor.lastrowid or 0)
            old = (
                "SELECT number FROM rollouts WHERE fleet = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
            )
            store.execute(f"DELETE FROM clusters WHERE rollout IN ({old})", (fleet, _KEPT))
            store.execute(f"DELETE FROM rollouts WHERE number IN ({old})", (fleet, _KEPT))
        return Rollout(number, fleet, plan, holder, _now())

    def take(self, rollout: Rollout, holder: Holder) -> None:
        """Go on with a rollout that another process has left.

        Raises:
            ConflictError: that process still runs, or another one was faster.
        """
        with self._open() as store:
            store.execute("BEGIN IMMEDIATE")
            row = store.execute(
                "SELECT * FROM rollouts WHERE number = ?", (rollout.number,)
            ).fetchone()
            refuse_held(_rollout(row), holder)
            store.execute(
                "UPDATE rollouts SET holder = ? WHERE number = ?", (_text(holder), rollout.number)
            )

    def stop(self, number: int, reason: str) -> None:
        """Write that a rollout goes no further, and why."""
        with self._open() as store:
            store.execute("UPDATE rollouts SET stopped = ? WHERE number = ?", (reason, number))

    def end(self, number: int, verdict: str) -> None:
        """Write that nothing is left to be done for a rollout."""
        with self._open() as store:
            store.execute(
                "UPDATE rollouts SET ended = ?, verdict = ? WHERE number = ?",
                (_now(), verdict, number),
            )

    def write(self, number: int, cluster: Cluster) -> None:
        """Write the state of a cluster."""
        with self._open() as store:
            store.execute(
                "INSERT OR REPLACE INTO clusters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    cluster.name,
                    cluster.wave,
                    cluster.state,
                    cluster.phase,
                    cluster.reason,
                    cluster.before,
                    cluster.wanted,
                    _now(),
                ),
            )

    def cluster(self, number: int, name: str) -> Optional[Cluster]:
        """Return one cluster of a rollout; None if it was not begun."""
        found = self.clusters(number, name)
        return found[0] if found else None

    def clusters(self, number: int, name: str = "") -> List[Cluster]:
        """Return the clusters of a rollout that were begun, by name."""
        query = (
            "SELECT cluster, wave, state, phase, reason, before, wanted FROM clusters"
            " WHERE rollout = ?"
        )
        values: List[Any] = [number]
        if name:
            query += " AND cluster = ?"
            values.append(name)
        with self._open() as store:
            rows = store.execute(f"{query} ORDER BY cluster", values).fetchall()
        return [Cluster(*tuple(row)) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, which is on the disk when the block has ended."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            store = sqlite3.connect(str(self._path), timeout=_PATIENCE)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self._path, error) from error
        try:
            store.row_factory = sqlite3.Row
            store.execute("PRAGMA synchronous = FULL")
            store.executescript(_TABLES)
            with store:
                yield store
        except sqlite3.Error as error:
            raise _unusable(self._path, error) from error
        finally:
            store.close()


def refuse_held(rollout: Rollout, holder: Holder) -> None:
    """Refuse to work on a rollout that another living process works on.

    Raises:
        ConflictError: with who that is.
    """
    if rollout.ended or rollout.holder == holder or not rollout.holder.lives():
        return
    raise ConflictError(
        f"{rollout.holder} works on rollout {rollout.number} of it since {rollout.began}",
        status=409,
        reason="Held",
        subject=f"fleet {rollout.fleet}",
        hint="Wait until it ends, or end it; it goes on where it was",
    )


def _unusable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"it cannot be used as the journal: {error}",
        option="journal",
        subject=str(path),
        hint="Name a file on a local disk that this account may write (edge_journal)",
    )


def _rollout(row: Mapping[str, Any]) -> Rollout:
    values: Dict[str, Any] = dict(row)
    return Rollout(**{**values, "holder": Holder(**json.loads(values["holder"]))})


def _text(holder: Holder) -> str:
    return json.dumps({"host": holder.host, "pid": holder.pid, "started": holder.started})


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _started(pid: int) -> str:
    """Return when a process of this machine began; empty if it does not run."""
    try:
        # The fields after the name in parentheses: the first is the state, where Z and X are dead,
        # and the 20th starttime, see proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    # Without /proc only the number is known.
    return "unknown"
