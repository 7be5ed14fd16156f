# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopts a server that someone else deployed, without an interruption where possible."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ...errors import ApiError, ConflictError, InputError
from ...kube.apply import UNCHANGED, UPDATED, Change, apply_objects
from ...kube.client import FIELD_MANAGER, KubeClient
from ...kube.diffs import clean
from ...runtime import Runtime
from ...store import PvcStore
from ..plan import ports
from ..plan.adoption import (
    check_adoptable,
    forecast_patch,
    is_adopted,
    kept_of,
    take_patch,
    without_record,
)
from ..plan.diff import Key, key_of
from ..render import kinds
from ..render.facts import Kept
from ..render.identity import Object, with_input_hash
from ..render.strategy import holds_device
from ..spec.server import ServerSpec
from .handover import hand_over
from .hold import held

Look = Callable[[Mapping[str, Any], Optional[Mapping[str, Any]]], None]
JSON_PATCH = "application/json-patch+json"
# Retries after a conflict, since controllers write the status of a Deployment meanwhile.
_TRIES = 5
_ONE_MORE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


class Adoption:
    """The objects of other owners that one run adopts; usually none.

    Args:
        client: of the cluster.
        spec: the server.
        runtime: warnings.
    """

    def __init__(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> None:
        self._client = client
        self._spec = spec
        self._runtime = runtime
        self._taken: Dict[Key, Object] = {}
        self._later: List[Object] = []
        self._unfinished = False
        self._release: Optional[Object] = None
        self._released: Dict[Key, Object] = {}
        # New pods of a Deployment that is not taken over may start beside the old ones.
        self.surges = False
        # The objects that this run has applied.
        self.sent: Dict[Key, Object] = {}

    def look(self, wanted: Sequence[Object], current: Mapping[Key, Object]) -> Kept:
        """Find the objects to adopt; return the fields that these, or formerly adopted ones, keep.

        Raises:
            InputError: something cannot be adopted.
        """
        if self._spec.adopt:
            for item in wanted:
                if key_of(item) not in current:
                    self._find(item)
            self._refuse_other_kind(current)
        key_deployment = ("Deployment", self._spec.name)
        found = {
            kind: self._taken.get((kind, self._spec.name)) or _adopted(current, kind, self._spec)
            for kind in ("Deployment", "Service")
        }
        # Pods of a DaemonSet do not need the labels of a Deployment that will be removed.
        per_node = self._spec.running.scaling.per_node
        deployment = None if per_node else found["Deployment"]
        if key_deployment in self._taken:
            self._tell(self._taken[key_deployment])
        # An earlier run ended before its new pods were ready: the old pods still serve.
        self._unfinished = (
            deployment is not None
            and is_adopted(deployment)
            and self._spec.strategy == "auto"
            and deployment["spec"].get("strategy") == _ONE_MORE
        ) or self._left_surging(wanted, current)
        return kept_of(deployment, found["Service"])

    def _left_surging(self, wanted: Sequence[Object], current: Mapping[Key, Object]) -> bool:
        """Tell whether an earlier run ended before it gave a Deployment its own strategy back."""
        key = ("Deployment", self._spec.name)
        item = next((item for item in wanted if key_of(item) == key), None)
        if item is None or key not in current or self._spec.strategy != "auto":
            return False
        now, then = current[key]["spec"].get("strategy"), item["spec"]["strategy"]
        return bool(now == _ONE_MORE and then["type"] == "Recreate")

    @property
    def gives_room(self) -> bool:
        """Tell whether the Deployment is sent with one pod more than its own strategy allows."""
        return self.surges or self._unfinished

    def as_sent(self, item: Object) -> Object:
        """Return an object with the strategy that it has during the change."""
        if item["kind"] != "Deployment" or not self.gives_room:
            return item
        return {**item, "spec": {**item["spec"], "strategy": _ONE_MORE}}

    def _tell(self, deployment: Object) -> None:
        """Warn about pod fields that adoption drops, and about other Services of the pods."""
        spec, template = self._spec, deployment["spec"]["template"]
        subject = f"Deployment {spec.namespace}/{spec.name}"
        gone = ports.not_taken(deployment)
        if gone:
            self._runtime.warn(f"{subject}: its pods will be without {', '.join(gone)}")
        container = ports.server_of(template["spec"].get("containers") or ())
        own = {"grpc": spec.grpc_port, "rest": spec.rest_port}
        before = ports.free_ports(ports.container_ports(container))
        now = {name: before.get(name, own[name]) for name in own}
        now.update({name: own[name] for name in spec.given_ports})
        labels = template["metadata"].get("labels") or {}
        taken = self._taken.get(("Service", spec.name))
        for service in self._client.list("v1", "Service", spec.namespace)[0]:
            name = service["metadata"]["name"]
            if name != spec.name and ports.leads_to(service, labels):
                self._runtime.warn(
                    f"Service {spec.namespace}/{name} leads to the pods of {subject} and stays as"
                    f" it is: {ports.told_of(service, now)}"
                )
        kind = ((taken or {}).get("spec") or {}).get("type", "ClusterIP")
        if kind != spec.service_type and taken is not None:
            self._runtime.warn(
                f"Service {spec.namespace}/{spec.name} is of type {kind} and becomes"
                f" {spec.service_type}; service_type: {kind} keeps addresses outside the cluster"
            )

    def _refuse_other_kind(self, current: Mapping[Key, Object]) -> None:
        """Refuse a DaemonSet if another owner's Deployment of the same name would keep running.

        Raises:
            InputError: there is one.
        """
        key = ("Deployment", self._spec.name)
        if not self._spec.running.scaling.per_node or key in current:
            return
        if self._client.get("apps/v1", *key, self._spec.namespace) is not None:
            raise InputError(
                "it belongs to someone else, and only a Deployment can take its place",
                option="workload",
                subject=f"Deployment {self._spec.namespace}/{self._spec.name}",
                hint="Adopt it with workload: Deployment; the next run can make it a DaemonSet",
            )

    def _find(self, item: Object) -> None:
        metadata = item["metadata"]
        live = self._client.get(
            item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"]
        )
        if live is not None:
            for warning in check_adoptable(live, self._spec.name):
                self._runtime.warn(warning)
            self._taken[key_of(item)] = live

    def foreign(self, missing: Sequence[Object]) -> List[Object]:
        """Return those of the missing objects that must not exist under another owner."""
        return [] if self._spec.adopt else list(missing)

    def live(self, key: Key) -> Optional[Object]:
        """Return an object of others that is taken over, as it was read."""
        return self._taken.get(key)

    def send(
        self,
        items: Sequence[Object],
        *,
        check_mode: bool,
        hold: str = "",
        look: Optional[Look] = None,
    ) -> List[Change]:
        """Apply the objects in their order; see C(apply_objects).

        Changes that would interrupt serving while pods are replaced are sent by C(finish). The
        rollout of the workload of the kind C(hold) is paused after its first step until C(release).
        """
        if not self._taken and not self.gives_room and (check_mode or not hold):
            if not check_mode:
                self.sent.update({key_of(item): item for item in items})
            return apply_objects(self._client, items, check_mode=check_mode, look=look)
        changes: List[Change] = []
        for item in items:
            live = self._taken.get(key_of(item))
            if live is not None and check_mode:
                changes.append(self._forecast(item, live))
                continue
            if live is not None and item["kind"] == "Service" and not kinds.optional(items):
                self._later.append(item)
                continue
            if live is not None:
                item = self._gentle(item, live)
            elif self.gives_room and item["kind"] == "Deployment" and not check_mode:
                item = self._one_more(item)
            if item["kind"] == hold and not check_mode:
                self._release = item
                item = held(item)
            if live is not None:
                changes.append(self._take(item, live))
            else:
                changes += self._apply(item, changes, check_mode, look)
            if not check_mode:
                self.sent[key_of(item)] = item
        return changes

    def _apply(
        self,
        item: Object,
        done: Sequence[Change],
        check_mode: bool,
        look: Optional[Look],
    ) -> List[Change]:
        try:
            return apply_objects(self._client, [item], check_mode=check_mode, look=look)
        except ApiError as error:
            made = [str(change) for change in done if change.changed]
            if made and not check_mode:
                error.details.setdefault("changed", True)
                error.details.setdefault("done", made)
            raise

    def release(self) -> None:
        """Resume a rollout that is held."""
        item, self._release = self._release, None
        if item is not None:
            self._released[key_of(item)] = clean(self._client.apply(item)) or {}
            self.sent[key_of(item)] = item

    def end_first(self) -> None:
        """Give up on one pod more: old pods end, and then new ones have their room."""
        self._release = None
        for item in [item for item in self._later if item["kind"] == "Deployment"]:
            self._later.remove(item)
            self._released[key_of(item)] = clean(self._client.apply(item)) or {}
            self.sent[key_of(item)] = item

    def finish(self, changes: Sequence[Change]) -> List[Change]:
        """Send the changes that had to wait for new pods; return all changes, one per object."""
        done = {(change.kind, change.name): change for change in changes}
        for key, released in self._released.items():
            if key in done:
                done[key].after = without_record(released)
        for item in self._later:
            key = key_of(item)
            if key in done:
                after = clean(self._client.apply(item))
                done[key].after = without_record(after)
            else:
                done[key] = self._take(item, self._taken[key])
            self.sent[key] = item
        self._later = []
        return list(done.values())

    def _gentle(self, item: Object, live: Object) -> Object:
        """Return the Deployment, with a surge pod allowed if old and new pods can run together."""
        if item["kind"] != "Deployment" or not self._room(item, live):
            return item
        return self._one_more(item)

    def _one_more(self, item: Object) -> Object:
        """Return the Deployment with one surge pod; its own strategy is restored in C(finish)."""
        if item["spec"]["strategy"] == _ONE_MORE:
            return item
        self._later.append(item)
        return with_input_hash({**item, "spec": {**item["spec"], "strategy": _ONE_MORE}})

    def _room(self, item: Object, live: Object) -> bool:
        """Tell whether a new pod can start while the old ones run."""
        if self._spec.strategy != "auto":
            return False
        if holds_device(item["spec"]["template"]):
            return self._gap("the old pods hold the devices that new ones ask for")
        store = self._spec.store
        recreate = item["spec"]["strategy"]["type"] == "Recreate"
        if recreate and isinstance(store, PvcStore) and store.claim_name in _claims(live):
            return self._gap("the claim may be for one node at a time")
        return True

    def _gap(self, why: str) -> bool:
        self._runtime.warn(
            f"Deployment {self._spec.namespace}/{self._spec.name}: {why}, so old pods end before"
            " new ones start. Where there is room for both, set strategy: RollingUpdate."
        )
        return False

    def _forecast(self, item: Object, live: Object) -> Change:
        metadata = item["metadata"]
        after = self._client.patch(
            item["apiVersion"],
            item["kind"],
            metadata["name"],
            metadata["namespace"],
            forecast_patch(live, item),
            content_type=JSON_PATCH,
            dry_run=True,
        )
        return _change(item, live, after)

    def _take(self, item: Object, live: Object) -> Change:
        if item["kind"] == "Deployment" and "replicas" not in item["spec"]:
            hand_over(self._client, item, int(live["spec"].get("replicas", 1)))
        claim(self._client, live)
        return _change(item, live, self._client.apply(item))


def claim(client: KubeClient, live: Object) -> None:
    """Record the former state of an object in an annotation, and take over its fields.

    Raises:
        ConflictError: every attempt met a newer version of the object.
    """
    name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
    for left in reversed(range(_TRIES)):
        body = take_patch(live, FIELD_MANAGER)
        try:
            client.patch(live["apiVersion"], live["kind"], name, namespace, body)
        except ConflictError:
            newer = client.get(live["apiVersion"], live["kind"], name, namespace)
            if newer is None or not left:
                raise
            live = newer
        else:
            return


def _adopted(current: Mapping[Key, Object], kind: str, spec: ServerSpec) -> Optional[Object]:
    item = current.get((kind, spec.name))
    return item if item is not None and is_adopted(item) else None


def _change(item: Object, live: Object, after: Mapping[str, Any]) -> Change:
    metadata = item["metadata"]
    before, then = without_record(clean(live)), without_record(clean(after))
    action = UNCHANGED if before == then else UPDATED
    name, namespace = metadata["name"], metadata["namespace"]
    return Change(item["kind"], name, namespace, action, before, then)


def _claims(deployment: Mapping[str, Any]) -> List[str]:
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or ()
    found = [volume.get("persistentVolumeClaim") or {} for volume in volumes]
    return [str(claim.get("claimName")) for claim in found if claim]
