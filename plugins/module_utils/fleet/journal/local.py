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
import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ...errors import InputError
from ..states import Cluster
from .base import GIVEN_UP, PATIENCE, Holder, Others, Rollout, held, now

# Rollouts of a fleet that are kept when a new one begins.
_KEPT = 50

# The version of these tables, which SQLite keeps in the head of the file; that of a new file is 0.
_VERSION = 2
_TABLES = f"""
CREATE TABLE IF NOT EXISTS rollouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, fleet TEXT NOT NULL, plan TEXT NOT NULL,
    holder TEXT NOT NULL, began TEXT NOT NULL, stopped TEXT NOT NULL DEFAULT '',
    ended TEXT NOT NULL DEFAULT '', verdict TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS of_fleet ON rollouts (fleet, number);
CREATE TABLE IF NOT EXISTS clusters (
    rollout INTEGER NOT NULL, cluster TEXT NOT NULL, wave INTEGER NOT NULL, state TEXT NOT NULL,
    phase TEXT NOT NULL, reason TEXT NOT NULL, before INTEGER, wanted TEXT NOT NULL,
    at TEXT NOT NULL, earlier INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (rollout, cluster)) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
# Columns that a table of an earlier version has not.
_LATER = {"earlier": "INTEGER NOT NULL DEFAULT 0"}


class FileJournal:
    """The journal in one file, which is made when something is written and it is not there.

    All methods raise C(InputError) when the file cannot be opened, or is something else.

    Args:
        path: of the file; the directory is made, too.
        holder: who works on what is begun.
    """

    def __init__(self, path: str, holder: Holder) -> None:
        self._path = Path(os.path.expandvars(path)).expanduser()
        self._holder = holder

    @property
    def sharing(self) -> Optional[Others]:
        """See Journal: other machines know nothing of a file."""
        return None

    def address(self) -> Any:
        """See Journal."""
        return str(self._path)

    def last(self, fleet: str) -> Optional[Rollout]:
        """See Journal."""
        if not self._path.exists():
            return None
        with self._open() as store:
            return _last(store, fleet)

    def refuse_held(self, rollout: Rollout) -> None:
        """See Journal."""
        if rollout.ended or rollout.holder == self._holder or not rollout.holder.lives():
            return
        raise held(
            rollout.fleet,
            f"{rollout.holder} works on rollout {rollout.number} of it since {rollout.began}",
        )

    def begin(self, fleet: str, plan: str) -> Rollout:
        """See Journal; of older rollouts of the fleet the last C(_KEPT) are kept."""
        began = now()
        with self._open() as store:
            store.execute("BEGIN IMMEDIATE")
            last = _last(store, fleet)
            if last is not None:
                self.refuse_held(last)
            cursor = store.execute(
                "INSERT INTO rollouts (fleet, plan, holder, began) VALUES (?, ?, ?, ?)",
                (fleet, plan, _text(self._holder), began),
            )
            number = int(cursor.lastrowid or 0)
            old = (
                "SELECT number FROM rollouts WHERE fleet = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
            )
            store.execute(f"DELETE FROM clusters WHERE rollout IN ({old})", (fleet, _KEPT))
            store.execute(f"DELETE FROM rollouts WHERE number IN ({old})", (fleet, _KEPT))
        return Rollout(number, fleet, plan, self._holder, began)

    def take(self, rollout: Rollout) -> None:
        """See Journal."""
        with self._open() as store:
            store.execute("BEGIN IMMEDIATE")
            row = store.execute(
                "SELECT * FROM rollouts WHERE number = ?", (rollout.number,)
            ).fetchone()
            self.refuse_held(_rollout(row))
            store.execute(
                "UPDATE rollouts SET holder = ? WHERE number = ?",
                (_text(self._holder), rollout.number),
            )

    def give_up(self, rollout: Rollout) -> None:
        """See Journal."""
        self.take(rollout)
        self.end(rollout.number, GIVEN_UP)

    def stop(self, number: int, reason: str) -> None:
        """See Journal."""
        with self._open() as store:
            store.execute("UPDATE rollouts SET stopped = ? WHERE number = ?", (reason, number))

    def end(self, number: int, verdict: str) -> None:
        """See Journal."""
        with self._open() as store:
            store.execute(
                "UPDATE rollouts SET ended = ?, verdict = ? WHERE number = ?",
                (now(), verdict, number),
            )

    def write(self, number: int, cluster: Cluster) -> None:
        """See Journal."""
        with self._open() as store:
            store.execute(
                "INSERT OR REPLACE INTO clusters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    cluster.name,
                    cluster.wave,
                    cluster.state,
                    cluster.phase,
                    cluster.reason,
                    cluster.before,
                    cluster.wanted,
                    now(),
                    cluster.earlier,
                ),
            )

    def cluster(self, number: int, name: str) -> Optional[Cluster]:
        """See Journal."""
        found = self._clusters("rollout = ? AND cluster = ?", number, name)
        return found[0] if found else None

    def clusters(self, number: int) -> List[Cluster]:
        """See Journal."""
        return self._clusters("rollout = ? ORDER BY cluster", number)

    def _clusters(self, where: str, *values: Any) -> List[Cluster]:
        query = "SELECT cluster, wave, state, phase, reason, before, wanted, earlier FROM clusters"
        with self._open() as store:
            rows = store.execute(f"{query} WHERE {where}", values).fetchall()
        return [replace(Cluster(*row[:-1]), earlier=bool(row[-1])) for row in map(tuple, rows)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, which is on the disk when the block has ended."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            store = sqlite3.connect(str(self._path), timeout=PATIENCE)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self._path, error) from error
        try:
            store.row_factory = sqlite3.Row
            # FULL does not flush the directory, so a power failure could bring the last state back.
            store.execute("PRAGMA synchronous = EXTRA")
            if store.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                _make_tables(store)
            with store:
                yield store
        except sqlite3.Error as error:
            raise _unusable(self._path, error) from error
        finally:
            store.close()


def _make_tables(store: sqlite3.Connection) -> None:
    """Make what a new file, or one of an earlier version, has not; many tasks may do so at once."""
    store.execute("BEGIN IMMEDIATE")
    known = {row["name"] for row in store.execute("PRAGMA table_info(clusters)")}
    if known:
        for name, form in _LATER.items():
            if name not in known:
                store.execute(f"ALTER TABLE clusters ADD COLUMN {name} {form}")
    store.commit()
    store.executescript(_TABLES)


def _unusable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"it cannot be used as the journal: {error}",
        option="journal",
        subject=str(path),
        hint="Name a file on a local disk that this account may write (edge_journal)",
    )


def _last(store: sqlite3.Connection, fleet: str) -> Optional[Rollout]:
    row = store.execute(
        "SELECT * FROM rollouts WHERE fleet = ? ORDER BY number DESC LIMIT 1", (fleet,)
    ).fetchone()
    return _rollout(row) if row else None


def _rollout(row: Mapping[str, Any]) -> Rollout:
    values: Dict[str, Any] = dict(row)
    return Rollout(**{**values, "holder": Holder.of_record(json.loads(values["holder"]))})


def _text(holder: Holder) -> str:
    return json.dumps(holder.as_record())
