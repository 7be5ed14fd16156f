# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do clients reach all replicas? Requests of each client by replica, for each way. Pure.

A connection is what a Service without layer 7 gives to a replica, not a request; gRPC and REST with
open connections therefore stay with the replica that they met first.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence, Set

from .figure import (
    CLUSTER_IP,
    CONTRADICTS,
    SUPPORTS,
    UNCLEAR,
    WAYS,
    Figure,
    in_order,
    many,
)

# Share of a client's requests from which on it counts as staying with one replica.
PINNED = 0.99
# How far a share may be from an equal one, as a part of that, and still count as equal.
UNEVEN = 0.2
CLAIM = (
    "Through a ClusterIP a client stays with one replica; with balancing on the client's side or at"
    " layer 7 it reaches all of them alike."
)


@dataclass(frozen=True)
class Client:
    """What one client had from each replica, by a way."""

    way: str
    number: int
    answers: Mapping[str, int]

    def shares(self, replicas: Sequence[str]) -> List[float]:
        """Return the share of each replica."""
        whole = sum(self.answers.values())
        return [self.answers.get(name, 0) / whole if whole else 0.0 for name in replicas]


def replicas_of(clients: Sequence[Client]) -> List[str]:
    """Return the names of all replicas."""
    found: Set[str] = set()
    for client in clients:
        found.update(client.answers)
    return sorted(found)


def short(names: Sequence[str]) -> List[str]:
    """Return names without the parts, up to a hyphen, with which all of them begin."""
    begin = os.path.commonprefix(list(names))
    cut = begin.rfind("-") + 1 if len(names) > 1 else 0
    return [name[cut:] for name in names]


def figure(clients: Sequence[Client]) -> Figure:
    """Judge the claim by at least one client."""
    replicas = replicas_of(clients)
    by_way: Dict[str, List[Client]] = {}
    for client in clients:
        by_way.setdefault(client.way, []).append(client)
    ways = in_order(list(by_way))
    rows = tuple(
        (WAYS[client.way], f"client {client.number}", *_cells(client, replicas))
        for way in ways
        for client in by_way[way]
    )
    return Figure(
        "balance",
        "Which replicas answer",
        CLAIM,
        _verdict(by_way, replicas),
        tuple(_words(way, by_way[way], replicas) for way in ways),
        ("way", "client", *short(replicas)),
        rows,
    )


def _cells(client: Client, replicas: Sequence[str]) -> List[str]:
    shares = client.shares(replicas)
    return [
        f"{client.answers.get(name, 0)} ({share * 100:.1f} %)"
        for name, share in zip(replicas, shares)
    ]


def _pinned(clients: Sequence[Client], replicas: Sequence[str]) -> bool:
    return all(max(client.shares(replicas)) >= PINNED for client in clients)


def _even(clients: Sequence[Client], replicas: Sequence[str]) -> bool:
    equal = 1 / len(replicas)
    return all(
        abs(share - equal) <= UNEVEN * equal
        for client in clients
        for share in client.shares(replicas)
    )


def _verdict(by_way: Mapping[str, Sequence[Client]], replicas: Sequence[str]) -> str:
    others = [clients for way, clients in by_way.items() if way != CLUSTER_IP]
    if len(replicas) < 2 or CLUSTER_IP not in by_way or not others:
        return UNCLEAR
    right = _pinned(by_way[CLUSTER_IP], replicas) and all(_even(one, replicas) for one in others)
    return SUPPORTS if right else CONTRADICTS


def _words(way: str, clients: Sequence[Client], replicas: Sequence[str]) -> str:
    told = many(len(clients), "client")
    if len(replicas) < 2:
        return f"{WAYS[way]}: there was one replica, which answered {told}."
    if _pinned(clients, replicas):
        asked = {name for client in clients for name, count in client.answers.items() if count > 0}
        idle = len(replicas) - len(asked)
        rest = f"; {many(idle, 'replica')} of {len(replicas)} had nothing to do" if idle else ""
        met = many(len(asked), "replica")
        return f"{WAYS[way]}: each of {told} stayed with one replica ({met} in all){rest}."
    shares = [share for client in clients for share in client.shares(replicas)]
    low, high = min(shares) * 100, max(shares) * 100
    how = "alike" if _even(clients, replicas) else "unevenly"
    return (
        f"{WAYS[way]}: {told} reached {len(replicas)} replicas {how}, each with {low:.1f} to"
        f" {high:.1f} % of a client's requests."
    )
