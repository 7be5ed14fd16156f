# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of rollouts on a hub cluster: ConfigMaps, and a Lease for each fleet.

Any machine that reaches the hub can go on with what another one has left. Each write looks at the
Lease first, so a run that was away for too long, and whose fleet another one has taken over, writes
nothing any more. A hub that does not answer is asked again for a while.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, TypeVar

from ...errors import ApiError, ConflictError, EdgeError, InputError, UnreachableError
from ...kube.client import KubeClient
from ..states import Cluster
from . import records
from .base import PATIENCE, Holder, Rollout, now
from .lease import Lease, is_held

# Rollouts of a fleet that are kept when a new one begins: at 5,000 clusters each takes 2 MB of the
# hub's etcd.
KEPT = 10
# So many runs may begin rollouts of other fleets at the same moment.
_TRIES = 20

Found = TypeVar("Found")


@dataclass
class HubJournal:
    """The journal in one namespace of a hub.

    All methods raise C(EdgeError) when the hub refuses a request or does not answer.

    Attributes:
        client: of the hub. Its connections end with the process of the task.
        where: what the journal was opened with, but for the fleet.
        namespace: of the hub.
        fleet: whose Lease each write looks at; empty until a rollout is begun or taken.
        holder: who works on what is begun.
        tell: shows a line to people.
        keep: renews a Lease that was taken for as long as the holder lives.
        clock: seconds that only go on.
        sleep: waits for seconds.
    """

    client: KubeClient
    where: Mapping[str, Any]
    namespace: str
    fleet: str
    holder: Holder
    tell: Callable[[str], None]
    keep: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _leases: Dict[str, Lease] = field(default_factory=dict)

    def address(self, fleet: str) -> Any:
        """See Journal."""
        return {**self.where, "namespace": self.namespace, "fleet": fleet}

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
        heads = self._once(lambda: self._heads(fleet))
        return records.rollout(heads[-1]) if heads else None

    def refuse_held(self, rollout: Rollout) -> None:
        """See Journal; the Lease of a dead holder is watched until it is out."""
        work = f"rollout {rollout.number} of it since {rollout.began}"
        self._once(lambda: self._lease(rollout.fleet).wait(work))

    def begin(self, fleet: str, plan: str) -> Rollout:
        """See Journal; of older rollouts of the fleet the last C(KEPT) are kept."""
        self._take(fleet)
        for _try in range(_TRIES):
            heads = self._patiently(self._heads)
            number = max((records.number_of(item) for item in heads), default=0) + 1
            rollout = Rollout(number, fleet, plan, self.holder, now())
            if self._made(records.head(rollout, self.namespace)):
                self._prune(fleet)
                return rollout
        raise ConflictError(
            f"{_TRIES} other runs have taken each number first",
            status=409,
            reason="Conflict",
            subject=f"rollouts in {self.namespace} of the hub",
        )

    def take(self, rollout: Rollout) -> None:
        """See Journal."""
        self._take(rollout.fleet)
        self._change(rollout.number, holder=records.holder_text(self.holder))

    def stop(self, number: int, reason: str) -> None:
        """See Journal."""
        self._patiently(self._lease(self.fleet).check)
        self._change(number, stopped=reason)

    def end(self, number: int, verdict: str) -> None:
        """See Journal."""
        lease = self._lease(self.fleet)
        self._patiently(lease.check)
        self._change(number, ended=now(), verdict=verdict)
        self._patiently(lease.release)

    def write(self, number: int, cluster: Cluster) -> None:
        """See Journal."""
        lease = self._lease(self.fleet)

        def once() -> None:
            lease.check()
            self._put(number, cluster)

        self._patiently(once)

    def cluster(self, number: int, name: str) -> Optional[Cluster]:
        """See Journal."""
        shard = records.shard_name(number, name)
        found = self._patiently(lambda: self._get(shard))
        known = [item for item in records.clusters(found or {}) if item.name == name]
        return known[0] if known else None

    def clusters(self, number: int) -> List[Cluster]:
        """See Journal."""
        selector = f"{records.ROLLOUT_LABEL}={number}"
        shards = self._patiently(lambda: self._list(selector))
        found = [item for shard in shards for item in records.clusters(shard)]
        return sorted(found, key=lambda item: item.name)

    def _take(self, fleet: str) -> None:
        self.fleet = fleet
        self._patiently(self._lease(fleet).take)
        self.keep(fleet)

    def _lease(self, fleet: str) -> Lease:
        if not fleet:
            raise InputError(
                "it does not say of which fleet",
                option="journal",
                hint="Give rollout.journal of what rollout_plan has returned",
            )
        if fleet not in self._leases:
            self._leases[fleet] = Lease(
                self.client,
                self.namespace,
                fleet,
                self.holder,
                tell=self.tell,
                clock=self.clock,
                sleep=self.sleep,
            )
        return self._leases[fleet]

    def _heads(self, fleet: str = "") -> List[Dict[str, Any]]:
        """Return the heads of the rollouts of a fleet, or of all, the newest last."""
        label = records.FLEET_LABEL
        found = self._list(f"{label}={records.digest(fleet)}" if fleet else label)
        return sorted(filter(records.number_of, found), key=records.number_of)

    def _made(self, head: Mapping[str, Any]) -> bool:
        """Make the head of a rollout; False if another run has taken its number."""

        def once() -> bool:
            try:
                self.client.create(head)
            except ConflictError as error:
                if error.reason != "AlreadyExists":
                    raise
                # It may be ours, when the answer to a first try was lost.
                found = self._get(head["metadata"]["name"]) or {}
                return bool(found.get("data") == head["data"])
            return True

        return self._patiently(once)

    def _prune(self, fleet: str) -> None:
        """Remove the oldest rollouts; the hub removes what belongs to them."""
        for item in self._patiently(lambda: self._heads(fleet))[:-KEPT]:
            self._delete(item["metadata"])

    def _delete(self, meta: Mapping[str, Any]) -> None:
        self._patiently(
            lambda: self.client.delete(
                "v1", "ConfigMap", meta["name"], self.namespace, uid=meta["uid"]
            )
        )

    def _change(self, number: int, **data: str) -> None:
        name = records.head_name(number)
        self._patiently(
            lambda: self.client.patch("v1", "ConfigMap", name, self.namespace, {"data": data})
        )

    def _put(self, number: int, cluster: Cluster) -> None:
        """Write a cluster to its shard, which the first one makes."""
        name = records.shard_name(number, cluster.name)
        body = {"data": records.state(cluster)}
        try:
            self.client.patch("v1", "ConfigMap", name, self.namespace, body)
        except ApiError as error:
            if error.status != 404:
                raise
            owner = self._get(records.head_name(number))
            if owner is None:
                raise
            # When another task was faster, its shard is there when this is tried again.
            self.client.create(records.shard(number, cluster, owner))

    def _get(self, name: str) -> Optional[Dict[str, Any]]:
        return self.client.get("v1", "ConfigMap", name, self.namespace)

    def _list(self, selector: str) -> List[Dict[str, Any]]:
        return self.client.list("v1", "ConfigMap", self.namespace, label_selector=selector)[0]

    def _patiently(self, request: Callable[[], Found]) -> Found:
        """Do requests; again, for a while, when the hub did not answer or others were in the way.

        A request that was done and not answered is done twice, with the same end.
        """
        began, pause = self.clock(), 0.5
        while True:
            try:
                return self._once(request)
            except EdgeError as error:
                if not _may_pass(error) or self.clock() - began + pause > PATIENCE:
                    raise
            self.sleep(pause)
            pause = min(2 * pause, 8)

    def _once(self, request: Callable[[], Found]) -> Found:
        """Do requests; an error says that it is about the hub."""
        try:
            return request()
        except EdgeError as error:
            if not (isinstance(error, ApiError) and is_held(error)):
                error.option = "journal"
                error.subject = f"hub {self.client.server}, {error.subject or self.namespace}"
            raise


def _may_pass(error: EdgeError) -> bool:
    """Tell whether a request may go well a little later."""
    if isinstance(error, UnreachableError):
        return True
    if not isinstance(error, ApiError) or is_held(error):
        return False
    # Without a status of an error it was an answer of something else, in front of the API server.
    return error.status in (409, 429) or error.status >= 500 or error.status < 400
