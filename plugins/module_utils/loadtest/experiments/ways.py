# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a way in add to the latency? Differences from the plain way, by payload. Pure.

Each difference is between two medians of the same round, measured one after the other, so that what
changes slowly on the machine is in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from . import fit
from .figure import (
    CLIENTS,
    CLUSTER_IP,
    CONTRADICTS,
    LAYER7,
    SUPPORTS,
    UNCLEAR,
    WAYS,
    Figure,
    in_order,
    listed,
    median,
    size,
)

# Payload sizes without which the share that grows with them is not told.
SIZES = 3
# Rounds without which a difference cannot be told from noise.
ROUNDS = 2
CLAIM = "A way in through layer 7 adds latency to each request, and more to bigger ones."


@dataclass(frozen=True)
class Measured:
    """A median latency.

    Attributes:
        way: a key of C(WAYS).
        turn: what was measured right after each other has the same one.
        size: bytes of a request.
        p50_ms: milliseconds.
        client: the protocol, a key of C(CLIENTS).
    """

    way: str
    turn: str
    size: int
    p50_ms: float
    client: str = "rest"


@dataclass(frozen=True)
class Added:
    """What a way adds to a request of a size, in milliseconds: median of the rounds, and range."""

    size: int
    plain: float
    middle: float
    low: float
    high: float
    rounds: int

    @property
    def sign(self) -> int:
        """Return 1 or -1 where all rounds say more or less, 0 where they do not agree."""
        if self.rounds < ROUNDS or self.low <= 0 <= self.high:
            return 0
        return 1 if self.low > 0 else -1


@dataclass(frozen=True)
class Way:
    """What one way adds.

    Attributes:
        name: of the way.
        added: by size, the smallest first.
        line: through the medians; None with less than three sizes.
        client: the protocol, a key of C(CLIENTS); empty where only one was measured.
    """

    name: str
    added: Tuple[Added, ...]
    line: Optional[fit.Line]
    client: str = ""

    @property
    def title(self) -> str:
        """Return what the page calls it."""
        return f"{CLIENTS[self.client]}, {WAYS[self.name]}" if self.client else WAYS[self.name]

    @property
    def grows(self) -> Optional[float]:
        """Return the share of what it adds to the biggest request that grows with the payload.

        From 0 to 1; None where that is not told.
        """
        biggest = self.added[-1]
        if self.line is None or biggest.sign <= 0:
            return None
        whole = self.line.at(biggest.size)
        if whole <= 0:
            return None
        return min(1.0, max(0.0, self.line.slope * biggest.size / whole))


def ways_of(measured: Sequence[Measured]) -> List[Way]:
    """Return what each way but the plain one adds, where the plain one was measured beside it.

    Each protocol is compared with itself; they come one after the other.
    """
    clients = [name for name in CLIENTS if name in {item.client for item in measured}]
    found: List[Way] = []
    for client in clients:
        mine = [item for item in measured if item.client == client]
        found += _ways_of_one(mine, client if len(clients) > 1 else "")
    return found


def _ways_of_one(measured: Sequence[Measured], client: str) -> List[Way]:
    plain = {(item.turn, item.size): item.p50_ms for item in measured if item.way == CLUSTER_IP}
    found: List[Way] = []
    for name in in_order([item.way for item in measured]):
        pairs: Dict[int, List[Tuple[float, float]]] = {}
        for item in measured:
            beside = plain.get((item.turn, item.size))
            if item.way == name != CLUSTER_IP and beside is not None:
                pairs.setdefault(item.size, []).append((beside, item.p50_ms - beside))
        if pairs:
            found.append(_way(name, pairs, client))
    return found


def _way(name: str, pairs: Mapping[int, Sequence[Tuple[float, float]]], client: str) -> Way:
    added = []
    for count in sorted(pairs):
        more = [difference for _plain, difference in pairs[count]]
        plain = median([base for base, _difference in pairs[count]])
        added.append(Added(count, plain, median(more), min(more), max(more), len(more)))
    points = [(float(item.size), item.middle) for item in added]
    return Way(name, tuple(added), fit.line(points) if len(points) >= SIZES else None, client)


def figure(measured: Sequence[Measured]) -> Figure:
    """Judge the claim."""
    ways = ways_of(measured)
    rows = tuple(
        (
            way.title,
            size(item.size),
            f"{item.plain:.3f}",
            f"{item.plain + item.middle:.3f}",
            f"{item.middle:+.3f}",
            f"{item.low:+.3f} to {item.high:+.3f}",
        )
        for way in ways
        for item in way.added
    )
    return Figure(
        "ways",
        "What a way in adds",
        CLAIM,
        _verdict(ways),
        tuple(map(_words, ways)) or ("Nothing was measured beside the plain way.",),
        ("way", "request", "ClusterIP, ms", "this way, ms", "added, ms", "in the rounds, ms"),
        rows,
    )


def _verdict(ways: Sequence[Way]) -> str:
    asked = [way for way in ways if way.name in LAYER7]
    signs = [item.sign for way in asked for item in way.added]
    if -1 in signs:
        return CONTRADICTS
    if not signs or 0 in signs or any(way.line is None for way in asked):
        return UNCLEAR
    grows = all(way.line is not None and way.line.slope > 0 for way in asked)
    return SUPPORTS if grows else CONTRADICTS


def _words(way: Way) -> str:
    told = [
        f"{item.middle:.2f} ms ({item.low:.2f} to {item.high:.2f}) to a request of"
        f" {size(item.size)}"
        for item in way.added
        if item.sign
    ]
    name = way.title
    if not told:
        return f"{name}: what it adds cannot be told from what the rounds differ by."
    text = f"{name} adds {listed(told)}"
    if way.grows is not None:
        text += f"; of the last, {way.grows * 100:.0f} % grow with the payload"
    hidden = [size(item.size) for item in way.added if not item.sign]
    if hidden:
        text += f"; at {listed(hidden)} the rounds do not agree"
    return text + "."
