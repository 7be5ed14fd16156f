# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the nodes of a site copy files from each other: the option C(peers) of a task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

from ...errors import BusyError, EdgeError
from ..content.state import believe
from ..plan.origins import DONE, LINKED, PEER, SENT, TWIN, Origin
from ..plan.peers import Board, Give, Move, Outcome, Want, assign, fetch_all
from .work import Incoming, Work

# Limits for a node that does not answer another node; after them the controller sends the files.
CONNECT_SECONDS = 5
TRIES = 2
FETCHES_AT_ONCE = 4  # files of one version from one node

Say = Callable[[str], None]


class Sharing:
    """Plans and runs the fetches between the targets of one task.

    Args:
        enabled: the option C(peers).
        streams: fetches at the same time.
        warn: told when a node cannot be reached by the others.
    """

    def __init__(self, enabled: bool, streams: int, warn: Say) -> None:
        self._enabled, self._streams, self._warn = enabled, streams, warn
        self._gives: List[Give] = []

    def arrange(self, works: Sequence[Work]) -> None:
        """Plan the fetches: a file is sent to one target at most, and the others fetch it there."""
        able = [work for work in works if work.channel is not None and work.way.peers]
        self._gives = []
        if not self._enabled or len(able) < 2:
            return
        self._gives = [give for work in able for give in _gives(work)]
        slots = {
            (want.target, want.digest, want.number): want
            for work in able
            for _item, want in _wants(work)
        }
        assigned = assign(list(slots.values()), self._gives)
        fetched = {want[:3] for want, give in assigned.items() if give is not None}
        for work in able:
            for item in work.incoming:
                item.origins = [
                    replace(origin, kind=PEER, basis=None, places=())
                    if origin.kind in (SENT, TWIN)
                    and (work.target.short, item.manifest.digest, origin.number) in fetched
                    else origin
                    for origin in item.origins
                ]

    def spread(self, works: Sequence[Work]) -> List[Work]:
        """Run the planned fetches; returns the targets that still need files from the controller.

        This runs after all other files are staged: those that the controller sends to the seeds,
        and those that each target has itself.
        """
        by_name = {work.target.short: work for work in works}
        wants = [want for work in works for _item, want in _wants(work, (PEER,))]
        if not wants:
            return []
        holds = [*self._gives, *(give for work in works for give in _staged(work))]
        board = Board(wants, holds)

        def arrived(found: Sequence[Want]) -> None:
            for want in found:
                by_name[want.target].counts.from_peers += want.size - want.have

        fetch_all(board, lambda move: _fetch(by_name, move), arrived, self._streams)
        left = board.left()
        for name in sorted({want.target for want in left}):
            self._give_up(by_name[name], {want[1:3] for want in left if want.target == name})
            why = board.reasons.get(name) or "no node has them"
            self._warn(
                f"{by_name[name].target.name}: files could not be fetched from another node, the"
                f" controller sends them again: {why}"
            )
        return [by_name[name] for name in sorted({want.target for want in left})]

    @staticmethod
    def _give_up(work: Work, slots: Any) -> None:
        for item in work.incoming:
            item.origins = [
                replace(origin, kind=SENT)
                if origin.kind == PEER and (item.manifest.digest, origin.number) in slots
                else origin
                for origin in item.origins
            ]


def _wants(work: Work, kinds: Tuple[str, ...] = (SENT, TWIN)) -> Iterator[Tuple[Incoming, Want]]:
    for item in work.incoming:
        for origin in item.origins:
            if origin.kind in kinds and origin.entry.size:
                yield item, _want(work, item, origin)


def _want(work: Work, item: Incoming, origin: Origin) -> Want:
    return Want(
        work.target.short,
        item.manifest.digest,
        origin.number,
        origin.entry.sha256,
        origin.entry.size,
        origin.start,
        origin.basis is not None,
    )


def _gives(work: Work) -> Iterator[Give]:
    """Yield the files that a target can give: published, staged, or linked from its own store."""
    for raw in work.inventory.versions:
        known = believe(raw)
        read = work.remote.get(raw.key)
        if known is None or (read is not None and not read.sealed):
            continue
        for number, entry in enumerate(known.manifest.files):
            yield Give(work.target.short, known.manifest.digest, number, entry.sha256)
    yield from _staged(work, (DONE, LINKED))


def _staged(work: Work, kinds: Tuple[str, ...] = (DONE, LINKED, SENT, TWIN)) -> Iterator[Give]:
    for item in work.incoming:
        for origin in item.origins:
            if origin.kind in kinds:
                digest = item.manifest.digest
                yield Give(work.target.short, digest, origin.number, origin.entry.sha256)


def _fetch(works: Mapping[str, Work], move: Move) -> Outcome:
    """Let one target fetch from another; a broken connection is an outcome, not an error."""
    taker, giver = works[move.taker], works[move.giver]
    manifests = {item.manifest.digest: item.manifest for item in taker.incoming}
    try:
        files: List[Dict[str, Any]] = []
        headers: Mapping[str, str] = {}
        for number, give in move.files:
            url, headers = giver.way.content(give.digest, give.number)
            files.append({"number": number, "url": url})
        via = {
            "kind": "peer",
            "headers": dict(headers),
            "parallel": FETCHES_AT_ONCE,
            "connect_seconds": CONNECT_SECONDS,
            "tries": TRIES,
        }
        return taker.way.fetch(manifests[move.digest], files, via, lambda count: None)
    except BusyError:
        raise
    except EdgeError as error:
        return {number: error.message for number, _give in move.files}
