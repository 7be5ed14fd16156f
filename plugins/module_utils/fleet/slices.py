# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices: several jobs with different clusters that share one rollout and its budget. Pure.

The waves are those of all clusters together. Each slice says which clusters it has, divides all of
them as every other slice does, and works on its own part of each batch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..errors import InputError
from .waves import Batch

# Seconds; a job that lives is heard of each 10 s, unless the hub is away for a moment.
LEAST = 30


@dataclass(frozen=True)
class Slice:
    """The part of a rollout that one job does.

    Attributes:
        rollout_id: by which the jobs of a rollout know each other.
        count: how many they are.
        key: of this one, which the same clusters always have; so a job that is started again goes
            on with what the first one has begun.
        timeout: seconds for which nothing needs to be heard of another slice.
    """

    rollout_id: str
    count: int
    key: str
    timeout: int

    def as_dict(self) -> Dict[str, Any]:
        """Return it as plain data."""
        return dict(vars(self))

    def plan(self, options: Any) -> str:
        """Return what all slices have in common.

        Args:
            options: of which the waves are made, as plain data.
        """
        text = json.dumps([self.count, options], sort_keys=True)
        return f"{hashlib.sha256(text.encode('utf-8')).hexdigest()} {self.rollout_id}"


@dataclass(frozen=True)
class Share:
    """What a slice has told the others.

    Attributes:
        key: see C(Slice).
        clusters: its hosts, in the order of its inventory.
        groups: its hosts by group.
        done: so many batches of the fleet need not wait for it any more.
        ended: whether it has nothing left to do.
    """

    key: str
    clusters: Tuple[str, ...]
    groups: Dict[str, List[str]] = field(default_factory=dict)
    done: int = 0
    ended: bool = False

    def __str__(self) -> str:
        more = len(self.clusters) - 1
        return f"the slice of {self.clusters[0]}" + (f" and {more} more clusters" if more else "")


def slice_of(params: Mapping[str, Any]) -> Optional[Slice]:
    """Return the slice that a job is; None if the whole fleet is one job.

    Raises:
        InputError: the slices have no waves in common, or no name for their rollout.
    """
    count = params["slices"]
    if count == 1:
        return None
    if count < 1:
        raise InputError(f"{count} is no number of jobs", option="slices", hint="At least 1")
    if params["slice_timeout"] < LEAST:
        raise InputError(
            f"{params['slice_timeout']} s are less than a job needs to be heard of",
            option="slice_timeout",
            hint=f"Give at least {LEAST}",
        )
    if not params["waves"]:
        raise InputError(
            "slices share a rollout in waves, and there are none",
            option="slices",
            hint="Give waves (edge_waves), or leave slices out: then each cluster is for itself",
        )
    rollout_id = str(params["rollout_id"]).strip()
    if not rollout_id:
        raise InputError(
            "the slices of a rollout know each other by a name, and there is none",
            option="rollout_id",
            hint="Give each of them the same edge_rollout_id; AWX gives the jobs of a sliced job"
            " template the number of their workflow job",
        )
    names = "\n".join(sorted(params["clusters"]))
    key = hashlib.sha256(names.encode("utf-8")).hexdigest()[:8]
    return Slice(rollout_id, count, key, params["slice_timeout"])


def whole(shares: Sequence[Share], count: int) -> Tuple[List[str], Dict[str, List[str]]]:
    """Return all clusters and the groups of a fleet.

    AWX deals hosts out one by one, so taking one of each slice in turn gives nearly the order that
    the inventory had; it is the same for all slices in any case.

    Raises:
        InputError: a cluster is in two slices, or there are more of them than C(count).
    """
    if len(shares) > count:
        raise InputError(
            f"{len(shares)} slices have come: {', '.join(map(str, shares))}",
            option="slices",
            hint="Each job has to have the clusters that it had when the rollout began; give that"
            " one up with resume: false (edge_resume=false)",
        )
    ordered = sorted(shares, key=lambda share: share.clusters)
    clusters = [name for name in chain(*zip_longest(*(item.clusters for item in ordered))) if name]
    seen: Set[str] = set()
    for name in clusters:
        if name in seen:
            raise InputError(
                "two slices have this cluster",
                option="clusters",
                subject=name,
                hint="Each slice has clusters of its own (--limit, or job slicing of AWX)",
            )
        seen.add(name)
    groups: Dict[str, List[str]] = {}
    for share in ordered:
        for group, names in share.groups.items():
            groups.setdefault(group, []).extend(names)
    return clusters, groups


@dataclass(frozen=True)
class Part:
    """What one run does of a batch, and what has to be over before it goes on.

    Attributes:
        batch: with the clusters of the run alone.
        until: number of batches of the fleet that have to be over.
        judged: number of the last wave that any of these is of.
    """

    batch: Batch
    until: int
    judged: int


def parts_of(batches: Sequence[Batch], own: Sequence[str]) -> Tuple[Part, List[Part]]:
    """Return what one run does of the batches of a fleet, after a first part that has nothing.

    A run that has the whole fleet goes on after each batch; a slice waits until all batches before
    its next one are over, also those in which it has no cluster.
    """
    mine = set(own)
    numbered = [
        (number, Batch(batch.wave, tuple(name for name in batch.clusters if name in mine)))
        for number, batch in enumerate(batches)
    ]
    numbered = [(number, batch) for number, batch in numbered if batch.clusters]
    begins = [number for number, _batch in numbered]
    parts = [
        Part(batch, end, batches[end - 1].wave.number)
        for (_number, batch), end in zip(numbered, [*begins[1:], len(batches)])
    ]
    nothing = Batch(batches[0].wave, ())
    first = Part(nothing, begins[0], batches[begins[0] - 1].wave.number if begins[0] else 0)
    return first, parts
