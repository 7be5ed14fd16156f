# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Lease that says which process holds a fleet.

No clock is believed: neither that of the hub, nor that of the machine of the holder. Whoever wants
a Lease that another one holds watches it for as long as it is given, by a clock of its own that
only goes on; if nothing has changed in it for all that time, its holder is dead.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple

from ...errors import ApiError, ConflictError
from ...store import MANAGED_BY, MANAGED_BY_LABEL
from ..slices import Slice
from .base import Holder, held
from .place import Place
from .records import FLEET_ANNOTATION, identity, lease_name, told

API, KIND = "coordination.k8s.io/v1", "Lease"
# Seconds for which a Lease is given, and after which it is renewed: a hub may be away for half a
# minute before somebody else may take the fleet.
DURATION = 45
RENEWAL = 10
# Seconds for which a Lease is watched at the most, whatever its object says.
_LONGEST = 600
# As Kubernetes writes a time in a Lease.
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

Json = Dict[str, Any]


class Lease:
    """A Lease, as one process sees it.

    Args:
        place: the namespace of the hub.
        name: of the Lease.
        fleet: name of the fleet that it is about.
        holder: who wants or has it, as the Lease says it.
        tell: shows a line to people.
    """

    def __init__(
        self, place: Place, name: str, fleet: str, holder: str, tell: Callable[[str], None]
    ) -> None:
        self._client, self._namespace = place.client, place.namespace
        self._clock, self._sleep = place.clock, place.sleep
        self._name, self._fleet, self._identity, self._tell = name, fleet, holder, tell
        self._dead = ""

    def wait(self, work: str = "it") -> Optional[Json]:
        """Return the Lease as it may be taken, None if there is none; wait until it may.

        Args:
            work: on what a holder that lives works.

        Raises:
            ConflictError: its holder lives.
        """
        first, began, limit = "", 0.0, DURATION
        while True:
            lease = self._client.get(API, KIND, self._name, self._namespace)
            spec = (lease or {}).get("spec") or {}
            holder = spec.get("holderIdentity")
            if lease is None or not holder or holder == self._identity:
                return lease
            version = str(lease["metadata"].get("resourceVersion"))
            if version == self._dead:
                return lease
            if not first:
                first, began, limit = version, self._clock(), _duration(spec)
                self._tell(
                    f"{told(holder)} holds the fleet; it is looked at for up to {limit} s, whether"
                    " it still lives"
                )
            if version != first:
                raise held(self._fleet, f"{told(holder)} works on {work}")
            if self._clock() - began >= limit:
                # So that the same one is not watched a second time before it is taken.
                self._dead = version
                return lease
            self._sleep(1)

    def take(self) -> None:
        """Take the Lease, once its holder has left it or is dead.

        Raises:
            ConflictError: its holder lives, or another process was faster.
        """
        lease = self.wait()
        spec = {"holderIdentity": self._identity, "leaseDurationSeconds": DURATION}
        spec.update(acquireTime=_now(), renewTime=_now())
        try:
            if lease is None:
                self._client.create(self._object({**spec, "leaseTransitions": 0}))
                return
            spec["leaseTransitions"] = int(lease["spec"].get("leaseTransitions") or 0) + 1
            version = lease["metadata"]["resourceVersion"]
            body = {"metadata": {"resourceVersion": version}, "spec": spec}
            self._client.patch(API, KIND, self._name, self._namespace, body)
        except ConflictError as error:
            holder = self._holder()[0]
            # Slices take the Lease that they have together at the same time.
            if holder != self._identity:
                raise held(self._fleet, f"{told(holder)} was faster and works on it") from error

    def check(self) -> None:
        """See that the Lease is still ours, and renew it if nobody has done so lately.

        That is asked of the clock which wrote the time, and a wrong answer costs a request only.

        Raises:
            ConflictError: another run has taken the fleet over.
        """
        holder, renewed = self._holder()
        if holder != self._identity:
            taken = f"{told(holder)} has taken it over" if holder else "its Lease was taken away"
            raise held(self._fleet, f"{taken}, since this run did not renew it in time")
        if _is_old(renewed):
            self.renew()

    def renew(self) -> bool:
        """Say that the holder lives; False if the Lease is not ours any more."""
        return self._changed([{"op": "add", "path": "/spec/renewTime", "value": _now()}])

    def release(self) -> None:
        """Give the Lease back, if it is still ours, so that the next run need not watch it."""
        self._changed([{"op": "remove", "path": "/spec/holderIdentity"}])

    def _holder(self) -> Tuple[str, Any]:
        """Return who has the Lease, an empty text if nobody has, and when it was renewed."""
        lease = self._client.get(API, KIND, self._name, self._namespace) or {}
        spec = lease.get("spec") or {}
        return str(spec.get("holderIdentity") or ""), spec.get("renewTime")

    def _changed(self, steps: "list[Json]") -> bool:
        """Change the Lease in one request if it is still ours; False if it is not."""
        test = {"op": "test", "path": "/spec/holderIdentity", "value": self._identity}
        content = "application/json-patch+json"
        try:
            self._client.patch(
                API, KIND, self._name, self._namespace, [test, *steps], content_type=content
            )
        except ApiError as error:
            # 422 is the answer to a test that fails.
            if error.status in (404, 422):
                return False
            raise
        return True

    def _object(self, spec: Json) -> Json:
        return {
            "apiVersion": API,
            "kind": KIND,
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": {MANAGED_BY_LABEL: MANAGED_BY},
                "annotations": {FLEET_ANNOTATION: self._fleet},
            },
            "spec": spec,
        }


def leases(
    place: Place,
    fleet: str,
    holder: Holder,
    part: Optional[Slice],
    tell: Callable[[str], None],
) -> List[Lease]:
    """Return the Leases that a process needs for its work on a fleet; the last is its own.

    Slices hold the one of the fleet together, under the name that they share: who else wants it
    waits until all of them are gone.
    """
    own = identity(holder)
    if part is None:
        return [Lease(place, lease_name(fleet), fleet, own, tell)]
    return [
        Lease(place, lease_name(fleet), fleet, f"rollout {part.rollout_id}", tell),
        Lease(place, lease_name(fleet, part.key), fleet, own, tell),
    ]


def _duration(spec: Json) -> int:
    """Return the seconds for which a Lease was given; a number that makes no sense is not used."""
    value = spec.get("leaseDurationSeconds")
    return min(value, _LONGEST) if isinstance(value, int) and value > 0 else DURATION


def _now() -> str:
    return datetime.now(timezone.utc).strftime(_TIME)


def _is_old(renewed: Any) -> bool:
    """Tell whether a time is not one of the last seconds."""
    try:
        then = datetime.strptime(str(renewed), _TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        return True
    return abs((datetime.now(timezone.utc) - then).total_seconds()) > RENEWAL
