# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of rollouts on a hub cluster: ConfigMaps, and a Lease for each fleet.

Any machine that reaches the hub can go on with what another one has left. Each write looks at the
Lease first, so a run that was away for too long, and whose fleet another one has taken over, writes
nothing any more. A hub that does not answer is asked again for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional

from ...errors import ApiError, ConflictError, InputError
from ..slices import Slice
from ..states import Cluster
from . import records
from .base import GIVEN_UP, Holder, Rollout, now
from .lease import Lease, leases
from .place import Place
from .sharing import Sharing

# Rollouts of a fleet that are kept when a new one begins: at 5,000 clusters each takes 1.3 MB of
# the hub's etcd.
KEPT = 10
# So many runs may begin rollouts of other fleets at the same moment.
_TRIES = 20


@dataclass
class HubJournal:
    """The journal in one namespace of a hub.

    All methods raise C(EdgeError) when the hub refuses a request or does not answer.

    Attributes:
        place: the namespace.
        where: how the hub is reached.
        fleet: whose Lease each write looks at.
        holder: who works on what is begun.
        part: the slice of the fleet that the holder is; None for all of it.
        tell: shows a line to people.
        keep: renews the Leases that were taken for as long as the holder lives.
    """

    place: Place
    where: Mapping[str, Any]
    fleet: str
    holder: Holder
    part: Optional[Slice]
    tell: Callable[[str], None]
    keep: Callable[[str], None]
    _known: Optional[List[Lease]] = None

    def address(self) -> Any:
        """See Journal."""
        told = {**self.where, "namespace": self.place.namespace, "fleet": self.fleet}
        return {**told, "slice": self.part.as_dict()} if self.part else told

    @property
    def sharing(self) -> Optional[Sharing]:
        """See Journal."""
        return Sharing(self.place, self.fleet, self.part, self.tell) if self.part else None

    def last(self, fleet: str) -> Optional[Rollout]:
        """See Journal.

        Raises:
            InputError: the name of the fleet is a path, as the default is.
        """
        if fleet.startswith("/"):
            raise InputError(
                "the name of the fleet is a path, which says nothing on another machine",
                option="fleet",
                subject=fleet,
                hint="Give the fleet a name of its own (edge_fleet), the same wherever it is run",
            )
        heads = self.place.once(lambda: self._heads(fleet))
        return records.rollout(heads[-1]) if heads else None

    def refuse_held(self, rollout: Rollout) -> None:
        """See Journal; the Lease of a dead holder is watched until it is out."""
        work = f"rollout {rollout.number} of it since {rollout.began}"
        for lease in self._leases():
            self.place.once(partial(lease.wait, work))

    def begin(self, fleet: str, plan: str) -> Rollout:
        """See Journal; of older rollouts of the fleet the last C(KEPT) are kept.

        Slices that begin at the same time get the rollout of the one that was first.
        """
        self._take()
        self.keep(fleet)
        for _try in range(_TRIES):
            heads = self.place.patiently(self._heads)
            ours = [item for item in heads if _is_of(item, fleet)]
            last = records.rollout(ours[-1]) if ours and self.part else None
            if last is not None and not last.ended and last.plan == plan:
                return last
            number = max((records.number_of(item) for item in heads), default=0) + 1
            rollout = Rollout(number, fleet, plan, self.holder, now())
            head = records.head(rollout, self.place.namespace)
            if self.place.patiently(partial(self.place.make, head)):
                self._prune(fleet)
                return rollout
        raise ConflictError(
            f"{_TRIES} other runs have taken each number first",
            status=409,
            reason="Conflict",
            subject=f"rollouts in {self.place.namespace} of the hub",
        )

    def take(self, rollout: Rollout) -> None:
        """See Journal."""
        self._take()
        self.keep(rollout.fleet)
        holder = records.holder_text(self.holder)
        self._change(rollout.number, holder=holder, plan=rollout.plan)

    def give_up(self, rollout: Rollout) -> None:
        """See Journal."""
        self._take()
        self._change(rollout.number, ended=now(), verdict=GIVEN_UP)

    def stop(self, number: int, reason: str) -> None:
        """See Journal."""
        self.place.patiently(self._check)
        self._change(number, stopped=reason)

    def end(self, number: int, verdict: str) -> None:
        """See Journal; a rollout of slices ends when the last of them has nothing left to do."""
        self.place.patiently(self._check)
        held = self._leases()
        if self.sharing is None or self.sharing.end(number):
            self._change(number, ended=now(), verdict=verdict)
        else:
            # The fleet's own Lease goes on to be held by the others.
            held = held[1:]
        for lease in held:
            self.place.patiently(lease.release)

    def write(self, number: int, cluster: Cluster) -> None:
        """See Journal."""

        def once() -> None:
            self._check()
            self._put(number, cluster)

        self.place.patiently(once)

    def cluster(self, number: int, name: str) -> Optional[Cluster]:
        """See Journal."""
        shard = records.shard_name(number, name)
        found = self.place.patiently(lambda: self.place.get(shard))
        known = [item for item in records.clusters(found or {}) if item.name == name]
        return known[0] if known else None

    def clusters(self, number: int) -> List[Cluster]:
        """See Journal."""
        selector = f"{records.ROLLOUT_LABEL}={number}"
        shards = self.place.patiently(lambda: self.place.list(selector))
        found = [item for shard in shards for item in records.clusters(shard)]
        return sorted(found, key=lambda item: item.name)

    def _take(self) -> None:
        for lease in self._leases():
            self.place.patiently(lease.take)

    def _check(self) -> None:
        for lease in self._leases():
            lease.check()

    def _leases(self) -> List[Lease]:
        if not self.fleet:
            raise InputError(
                "it does not say of which fleet",
                option="journal",
                hint="Give rollout.journal of what rollout_plan has returned",
            )
        if self._known is None:
            self._known = leases(self.place, self.fleet, self.holder, self.part, self.tell)
        return self._known

    def _heads(self, fleet: str = "") -> List[Dict[str, Any]]:
        """Return the heads of the rollouts of a fleet, or of all, the newest last."""
        label = records.FLEET_LABEL
        found = self.place.list(f"{label}={records.digest(fleet)}" if fleet else label)
        return sorted(filter(records.number_of, found), key=records.number_of)

    def _prune(self, fleet: str) -> None:
        """Remove the oldest rollouts; the hub removes what belongs to them."""
        for item in self.place.patiently(lambda: self._heads(fleet))[:-KEPT]:
            self.place.patiently(partial(self.place.delete, item["metadata"]))

    def _change(self, number: int, **data: str) -> None:
        self.place.patiently(lambda: self.place.change(records.head_name(number), data))

    def _put(self, number: int, cluster: Cluster) -> None:
        """Write a cluster to its shard, which the first one makes."""
        try:
            self.place.change(records.shard_name(number, cluster.name), records.state(cluster))
        except ApiError as error:
            if error.status != 404:
                raise
            owner = self.place.get(records.head_name(number))
            if owner is None:
                raise
            # When another task was faster, its shard is there when this is tried again.
            self.place.client.create(records.shard(number, cluster, owner))


def _is_of(head: Mapping[str, Any], fleet: str) -> bool:
    return bool(head["metadata"]["labels"][records.FLEET_LABEL] == records.digest(fleet))
