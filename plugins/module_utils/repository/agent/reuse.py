# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes files into a stage that are on the store already; see C(main.py).

A place with C(recorded) is of a published file that the controller believes by its record, as it
believes an unchanged version. If the file then shares its blocks with that one (a hard link or a
reflink), and its size, modification time and inode are those of the record, it is not read: every
byte of it was read back when it was published. In all other cases it is read back from the disk.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence, Tuple

from . import files as fs
from . import stage as stages
from . import tasks

Json = Dict[str, Any]
Refused = fs.Refused


def take_over(
    store: Any, stage: stages.Stage, reuse: Json
) -> Tuple[int, List[Json], Dict[str, str]]:
    """Take over what can be; several files are read and hashed at once.

    Args:
        store: the C(store.Store), locked.
        stage: that takes the files.
        reuse: the places of each file, by its number.

    Returns:
        The bytes that were taken, the places with wrong bytes, and how each file was taken.
    """
    records = Records(store)
    found = tasks.side_by_side(
        lambda key: _take(store, stage, int(key), reuse[key], records), list(reuse)
    )
    stage.flush()
    taken = {key: how for key, (how, _wrong) in zip(reuse, found) if how}
    damaged = [item for _how, wrong in found for item in wrong]
    return sum(stage.entry(int(key))["size"] for key in taken), damaged, taken


class Records:
    """What the records of published versions say of their files; each record is read once."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._known: Dict[Tuple[str, int], Dict[str, Tuple[str, fs.Stamp]]] = {}

    def stamp(self, place: Json, sha256: str) -> fs.Stamp:
        """Return the stamp of a file with these bytes, C(()) if it has to be read."""
        if not place.get("recorded") or "model" not in place:
            return ()
        key = (str(place["model"]), int(place["version"]))
        if key not in self._known:  # two threads may read the same record
            self._known[key] = self._store.recorded(*key)
        known, stamp = self._known[key].get(place["path"], ("", ()))
        return stamp if known == sha256 else ()


def _take(
    store: Any, stage: stages.Stage, number: int, places: Sequence[Json], records: Records
) -> Tuple[str, List[Json]]:
    """Take one file from the first place that has its bytes; return how, and what is wrong."""
    wrong: List[Json] = []
    for place in places:
        if stage.is_done(number):
            break
        store.check_owner()
        try:
            source = store.place(place, stage.manifest["digest"])
            stamp = records.stamp(place, stage.entry(number)["sha256"])
            # What is not published can be linked whatever its mode is.
            own = store.is_ours if "model" in place else os.path.isfile
            how, seen = stage.adopt(number, source, own, stamp)
        except (Refused, OSError):
            continue
        if how:
            return how, wrong
        wrong += [{**place, "sha256": seen}] if seen else []
    return "", wrong
