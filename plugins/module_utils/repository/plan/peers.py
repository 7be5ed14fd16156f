# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assigns each file a node to fetch it from, so that only one copy crosses the link. Pure.

One target, the seed, gets a file from the controller; the others fetch it from a node that has
it. A node that has fetched a file gives it to the next ones.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

DONE = "done"
GIVES_AT_ONCE = 2  # nodes that fetch from one node at the same time


class Want(NamedTuple):
    """A file that a target would get from the controller.

    Attributes:
        target: its name.
        digest: of the version.
        number: of the file in it.
        sha256: of the file.
        size: of the file.
        have: bytes that are there already.
        delta: whether there is an old file to build on.
    """

    target: str
    digest: str
    number: int
    sha256: str
    size: int
    have: int = 0
    delta: bool = False


class Give(NamedTuple):
    """A file that can be fetched from a target, under this digest and number."""

    target: str
    digest: str
    number: int
    sha256: str


class Move(NamedTuple):
    """Files of one version that one target fetches from one other: (number, what is asked for)."""

    taker: str
    giver: str
    digest: str
    files: Tuple[Tuple[int, Give], ...]


Outcome = Mapping[int, str]


def assign(wants: Sequence[Want], gives: Sequence[Give]) -> Dict[Want, Optional[Give]]:
    """Return the giver of each file; C(None) stands for the controller.

    A file that some target has is given by one that has it. Of the others the controller sends
    one copy: to the target that has most of its bytes, else to the same one for all files.
    """
    by_content: Dict[str, List[Give]] = {}
    for give in sorted(gives):
        by_content.setdefault(give.sha256, []).append(give)
    ranks = {name: rank for rank, name in enumerate(seeds(wants))}
    groups: Dict[str, List[Want]] = {}
    for want in wants:
        groups.setdefault(want.sha256, []).append(want)
    found: Dict[Want, Optional[Give]] = {}
    for content, group in groups.items():
        found.update(_assign_one(group, by_content.get(content, []), ranks))
    return found


def _assign_one(
    group: Sequence[Want], gives: Sequence[Give], ranks: Mapping[str, int]
) -> Dict[Want, Optional[Give]]:
    found: Dict[Want, Optional[Give]] = {}
    seed = min(
        group,
        key=lambda want: (-_spared(want), -want.have, ranks[want.target], want[1:3]),
    )
    for want in group:
        others = [give for give in gives if give.target != want.target]
        if others:
            found[want] = others[len(found) % len(others)]
        elif want.target == seed.target:
            found[want] = None
        else:
            found[want] = Give(seed.target, seed.digest, seed.number, seed.sha256)
    return found


def seeds(wants: Sequence[Want]) -> List[str]:
    """Return the targets, the one that needs the fewest bytes over the link first."""
    saved: Dict[str, int] = {}
    for want in wants:
        saved[want.target] = saved.get(want.target, 0) + _spared(want)
    return sorted(saved, key=lambda name: (-saved[name], name))


def _spared(want: Want) -> int:
    """Return the bytes that need not be sent; a delta is estimated to save half of the rest."""
    return want.have + ((want.size - want.have) // 2 if want.delta else 0)


class Board:
    """The state of all fetches: which of them can start now. It uses no sockets and no threads.

    Args:
        wants: files that are fetched from another target.
        holds: what each target has.
    """

    def __init__(self, wants: Sequence[Want], holds: Sequence[Give]) -> None:
        self._left: Dict[Tuple[str, str], Dict[int, Want]] = {}
        for want in wants:
            self._left.setdefault((want.target, want.digest), {})[want.number] = want
        self._holds: Dict[str, Dict[str, Give]] = {}
        for give in holds:
            self._hold(give)
        self._busy: Set[str] = set()
        self._load: Dict[str, int] = {}
        self._blocked: Set[Tuple[str, str]] = set()
        self._refused: Set[Tuple[str, str, str]] = set()
        self.reasons: Dict[str, str] = {}

    def _hold(self, give: Give) -> None:
        self._holds.setdefault(give.sha256, {})[give.target] = give

    def next(self) -> Optional[Move]:
        """Return a fetch that can start now, and count it as started."""
        best: Optional[Move] = None
        for (taker, digest), files in sorted(self._left.items()):
            if taker in self._busy or not files:
                continue
            for giver in sorted({name for want in files.values() for name in self._givers(want)}):
                move = self._move(taker, giver, digest)
                if move and (best is None or self._rank(move) < self._rank(best)):
                    best = move
        if best is not None:
            self._busy.add(best.taker)
            self._load[best.giver] = self._load.get(best.giver, 0) + 1
        return best

    def _givers(self, want: Want) -> List[str]:
        return [
            name
            for name in self._holds.get(want.sha256, {})
            if name != want.target
            and (want.target, name) not in self._blocked
            and (want.target, name, want.sha256) not in self._refused
            and self._load.get(name, 0) < GIVES_AT_ONCE
        ]

    def _move(self, taker: str, giver: str, digest: str) -> Optional[Move]:
        files = tuple(
            (number, self._holds[want.sha256][giver])
            for number, want in sorted(self._left[(taker, digest)].items())
            if giver in self._givers(want)
        )
        return Move(taker, giver, digest, files) if files else None

    def _rank(self, move: Move) -> Tuple[int, int, str, str]:
        return (self._load.get(move.giver, 0), -len(move.files), move.taker, move.giver)

    def end(self, move: Move, outcome: Outcome) -> List[Want]:
        """Record the outcome of a move; returns the files that arrived."""
        self._busy.discard(move.taker)
        self._load[move.giver] -= 1
        files = self._left[(move.taker, move.digest)]
        arrived: List[Want] = []
        for number, give in move.files:
            said = outcome.get(number)  # no outcome: the connection broke before this file
            if said == DONE:
                arrived.append(files.pop(number))
                self._hold(Give(move.taker, move.digest, number, give.sha256))
            else:
                self._refused.add((move.taker, move.giver, give.sha256))
                if said:
                    self.reasons.setdefault(move.taker, said)
        if not arrived:
            self._blocked.add((move.taker, move.giver))
        return arrived

    def left(self) -> List[Want]:
        """Return the files that no target could give."""
        return [want for files in self._left.values() for _number, want in sorted(files.items())]


def fetch_all(
    board: Board,
    fetch: Callable[[Move], Outcome],
    arrived: Callable[[Sequence[Want]], None],
    streams: int,
) -> None:
    """Run the fetches of the board until no further one can start.

    Args:
        fetch: does one move; it must not raise for files that do not come.
        arrived: told what has come.
        streams: moves at the same time.
    """
    with ThreadPoolExecutor(max_workers=max(1, streams)) as pool:
        running: Dict[Future[Outcome], Move] = {}
        while True:
            while len(running) < streams:
                move = board.next()
                if move is None:
                    break
                running[pool.submit(fetch, move)] = move
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                move = running.pop(future)
                arrived(board.end(move, future.result()))
