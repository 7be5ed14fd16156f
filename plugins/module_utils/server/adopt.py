# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take over a server that someone else deployed, without a gap where one can be avoided."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ConflictError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    UNCHANGED,
    UPDATED,
    Change,
    apply_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import (
    FIELD_MANAGER,
    KubeClient,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.diffs import clean
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import kinds
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import (
    Kept,
    check_adoptable,
    forecast_patch,
    is_adopted,
    kept_of,
    take_patch,
    without_record,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.handover import hand_over
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    Object,
    holds_device,
    with_input_hash,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan import Key, key_of
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore

JSON_PATCH = "application/json-patch+json"
# Controllers write the status of a Deployment in between.
_TRIES = 5
_ONE_MORE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


class Adoption:
    """The objects of others that one run takes over; usually none.

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

    def look(self, wanted: Sequence[Object], current: Mapping[Key, Object]) -> Kept:
        """Find what is to be adopted; return what that, or what was adopted before, keeps.

        Raises:
            InputError: something cannot be adopted.
        """
        if self._spec.adopt:
            for item in wanted:
                if key_of(item) not in current:
                    self._find(item)
            self._refuse_other_kind(current)
        found = {
            kind: self._taken.get((kind, self._spec.name)) or _adopted(current, kind, self._spec)
            for kind in ("Deployment", "Service")
        }
        # Pods of a DaemonSet need no labels of a Deployment that is on its way out.
        per_node = self._spec.running.scaling.per_node
        deployment = None if per_node else found["Deployment"]
        # A run that ended before its new pods were ready: the old ones still serve.
        self._unfinished = (
            deployment is not None
            and is_adopted(deployment)
            and self._spec.strategy == "auto"
            and deployment["spec"].get("strategy") == _ONE_MORE
        )
        return kept_of(deployment, found["Service"])

    def _refuse_other_kind(self, current: Mapping[Key, Object]) -> None:
        """Refuse to leave a Deployment of others running beside a DaemonSet of the same name.

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

    def send(self, items: Sequence[Object], *, check_mode: bool) -> List[Change]:
        """Apply the objects in their order; see C(apply_objects).

        What would make a gap while pods are replaced is kept for C(finish).
        """
        if not self._taken and not self._unfinished:
            return apply_objects(self._client, items, check_mode=check_mode)
        changes: List[Change] = []
        for item in items:
            live = self._taken.get(key_of(item))
            if live is None:
                if self._unfinished and item["kind"] == "Deployment" and not check_mode:
                    item = self._one_more(item)
                changes += apply_objects(self._client, [item], check_mode=check_mode)
            elif check_mode:
                changes.append(self._forecast(item, live))
            elif item["kind"] == "Service" and not kinds.optional(items):
                self._later.append(item)
            else:
                changes.append(self._take(self._gentle(item, live), live))
        return changes

    def finish(self, changes: Sequence[Change]) -> List[Change]:
        """Send what had to wait for the new pods; return all changes, one per object."""
        done = {(change.kind, change.name): change for change in changes}
        for item in self._later:
            key = key_of(item)
            if key in done:
                after = clean(self._client.apply(item))
                done[key].after = without_record(after)
            else:
                done[key] = self._take(item, self._taken[key])
        self._later = []
        return list(done.values())

    def _gentle(self, item: Object, live: Object) -> Object:
        """Return the Deployment with room for a new pod beside the old ones, where there is."""
        if item["kind"] != "Deployment" or not self._room(item, live):
            return item
        return self._one_more(item)

    def _one_more(self, item: Object) -> Object:
        """Return the Deployment with the gentle strategy; its own comes when pods are ready."""
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
    """Note on an object what it was, and make its fields ours.

    Raises:
        ConflictError: it never stands still.
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
