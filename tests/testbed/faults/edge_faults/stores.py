# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the store itself: a file system that goes bad, and what nobody expects below .edge."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from odd import VOLUMES, Ways

from edge_faults.candidates import Run
from edge_faults.models import MIB, Shape
from edge_faults.sites import Site, SiteError
from edge_faults.trials import Stage, interrupted, offset_of
from edge_faults.verdict import Trial

SMALL = Shape(weights=4, extra=2)
#: What writers ask for: who only reads a share whose handles are stale may still have it cached.
WRITING = ("create", "fsync", "fsync_directory", "mkdir", "rename", "rename_with_flags", "write")
GOOD = Ways()
SLOW = Ways(late=0.005, late_sync=0.5)
SHARE = replace(VOLUMES["fuse-share"], owner=5000)  # mounted for the user of the pods


def _change(site: Site, ways: Ways) -> None:
    if site.odd is None:
        raise SiteError("the site has no odd file system")
    site.odd.change(ways)


def _bad_until_the_end(stage: Stage, words: str, ways: Ways) -> Trial:
    """The file system goes bad in the middle, and is good again when the run has ended.

    Bytes are not bounded: what is on its way when the store refuses is no small part of so little.
    """
    stage.shape = SMALL
    offset, spot = offset_of(stage, 0.1, 0.8)
    said: list[str] = []

    def strike(run: Run) -> int:
        flying = run.site.net.in_flight()
        _change(run.site, ways)
        try:
            outcome = run.wait()
        finally:
            _change(run.site, GOOD)
        said.append("success" if outcome.success else outcome.message[-200:])
        return flying

    trial = interrupted(stage, offset, f"{words} {spot}", strike, bound=False)
    trial.note += f"; it said: {said[0] if said else 'nothing'}"
    return trial


def stale(stage: Stage) -> Trial:
    """Every operation that writes fails with ESTALE, as on a share that was exported anew."""
    return _bad_until_the_end(stage, "stale handles", Ways(fails=dict.fromkeys(WRITING, "ESTALE")))


def quota(stage: Stage) -> Trial:
    """A quota is full, though the file system tells of free space."""
    room = int(stage.chance.uniform(0.01, 0.1) * MIB)
    return _bad_until_the_end(stage, f"room for {room} bytes", Ways(room=room, space="endless"))


def late(stage: Stage) -> Trial:
    """From the middle on, every answer takes 5 ms and every flush half a second."""
    return _bad_until_the_end(stage, "late answers", SLOW)


def share(stage: Stage) -> Trial:
    """SIGKILL on a store like a share of Windows: no links, modes, owners, lasting inodes."""
    stage.shape = SMALL
    offset, spot = offset_of(stage)
    return interrupted(stage, offset, f"SIGKILL {spot}", _kill)


def _kill(run: Run) -> int:
    flying = run.site.net.in_flight()
    run.kill()
    return flying


# -- odd things in .edge ----------------------------------------------------------------------


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def _directory(path: Path) -> None:
    path.mkdir()
    (path / "x").touch()


def _foreign(path: Path) -> None:
    path.write_text(json.dumps({"id": ["a", "list"]}))


def _link(path: Path) -> None:
    path.symlink_to("/proc/1/root")


ODD: tuple[Callable[[Path], None], ...] = (_fifo, _deep, _directory, _foreign, _link)
#: What is replaced, below C(.edge); the first that is there.
PLACES = (
    "staging/*/manifest.json",
    "locks/store/owner",
    "staging/*/done",
    "staging/*/part-*",
    "locks/store/beat",
    "manifests/*/*.json",
)


def put_odd(top: Path, number: int, chance: random.Random) -> str:
    """Replace a file below C(.edge) by something odd; return what was done, in words."""
    place = PLACES[number % len(PLACES)]
    found = sorted(top.glob(place)) or sorted(top.glob("locks/store/*"))
    if not found:
        return "nothing was there"
    path, make = found[0], chance.choice(ODD)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    make(path)
    for item in (path, *(path.iterdir() if not path.is_symlink() and path.is_dir() else ())):
        os.chown(item, 5000, 5000, follow_symlinks=False)  # as the helper: else it cannot go
    return f"{make.__name__.strip('_')} at {path.relative_to(top)}"


def odd_edge(stage: Stage) -> Trial:
    """SIGKILL, then one file of the engine's own directory is something that nobody expects."""
    stage.shape = SMALL
    offset, spot = offset_of(stage, 0.1, 0.6)
    done: list[str] = []

    def strike(run: Run) -> int:
        flying = _kill(run)
        done.append(put_odd(run.site.root / ".edge", stage.number, stage.chance))
        return flying

    # What is lost with the stage's own list of files is sent again.
    trial = interrupted(stage, offset, f"SIGKILL {spot}", strike, bound=False)
    trial.note = f"{done[0] if done else 'ended before'}, {trial.note}"
    return trial
