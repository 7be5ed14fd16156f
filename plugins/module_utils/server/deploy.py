# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one server to the cluster, or away from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    ForbiddenError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    Change,
    delete_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import (
    addresses,
    credentials,
    device_claim_checks,
    device_nodes,
    kinds,
    live,
    preflight,
    scc_steps,
    switching,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.adopt import Adoption
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import is_adopted
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    CONTROLLED,
    MANIFESTS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.changes import (
    CONFIG_RELOAD,
    consequence,
    real,
    same_change,
    versions_differ,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config import config_hash
from ansible_collections.openvino.edge.plugins.module_utils.server.handover import (
    hand_over,
    kept_replicas,
    with_replicas,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    ClusterFacts,
    Object,
    render_objects,
    text_of_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.overrides import refusal
from ansible_collections.openvino.edge.plugins.module_utils.server.own_config import (
    read_own_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan import (
    Key,
    Plan,
    key_of,
    make_plan,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.progress import (
    complete,
    ready_pods,
    wanted_pods,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.reload import Reload
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.server.waiting import (
    try_again,
    wait_pods_gone,
    wait_rollout,
)


@dataclass(frozen=True)
class Waiting:
    """Whether to wait, and for how many seconds at most."""

    wait: bool = True
    timeout: float = 300.0


@dataclass
class Outcome:
    """What was done.

    Attributes:
        changes: one per object; C(unchanged) ones included.
        reload: what the running servers go through: none, config_reload, rolling_restart.
        ready: replicas that were ready in the end; None when nobody looked.
        wanted: replicas there are to be, where the cluster chooses; None when that is not known.
        addresses: what a load balancer gave to the Service.
    """

    changes: List[Change] = field(default_factory=list)
    reload: str = "none"
    ready: Optional[int] = None
    wanted: Optional[int] = None
    addresses: List[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Tell whether anything a person would care about was changed."""
        return any(change.action != "unchanged" for change in self.changes)


class Deployer:
    """Deploys one checked spec.

    Args:
        client: of the cluster.
        spec: the server.
        runtime: check mode, progress, warnings.
        waiting: whether and how long to wait.
    """

    def __init__(
        self, client: KubeClient, spec: ServerSpec, runtime: Runtime, waiting: Waiting
    ) -> None:
        self._client = client
        self._spec = spec
        self._runtime = runtime
        self._waiting = waiting
        self._adoption = Adoption(client, spec, runtime)
        # The configuration's text, known once the cluster was read.
        self.config = ""
        self._kind = spec.running.scaling.workload
        self._facts = ClusterFacts()
        self._controlled: Any = None
        # What serves until the new pods are ready, where another backend makes those.
        self._later: List[Object] = []
        if spec.backend != MANIFESTS:
            self._controlled = _backends().Controlled(client, spec, runtime)
            self._kind = self._controlled.kind

    def present(self) -> Outcome:
        """Make the cluster run the server as the spec says.

        Raises:
            InputError, ForbiddenError: before anything is changed.
            WaitError: after; C(details.changed) tells whether something was.
        """
        claim, wanted, current = self._read()
        plan = make_plan(wanted, current)
        outcome = Outcome([same_change(item) for item in plan.same])
        outcome.wanted = self._wanted(current)
        if not plan.empty or self._spec.create_namespace or scc_steps.wants_own(self._spec):
            self._change(plan, current, claim, outcome)
        if not self._runtime.check_mode:
            sent = any(item["kind"] == self._kind for item in plan.send)
            workload = None if sent else current.get((self._kind, self._spec.name))
            self._settle_or_say(outcome, workload)
        service = ("Service", self._spec.name)
        kept = any(key_of(item) == service for item in plan.same)
        self._find_addresses(outcome, current.get(service) if kept else None)
        return outcome

    def _find_addresses(self, outcome: Outcome, service: Optional[Object]) -> None:
        """Tell what a load balancer gave; C(service) is as it was read, if it was left alone."""
        patient = self._waiting.wait and not self._runtime.check_mode
        try:
            spec = self._controlled.reached if self._controlled else self._spec
            outcome.addresses = addresses.found(
                self._client, spec, service, self._runtime, patient=patient
            )
        except EdgeError as error:
            error.details["changed"] = outcome.changed
            raise

    def _change(
        self,
        plan: Plan,
        current: Mapping[Key, Object],
        claim: Optional[Object],
        outcome: Outcome,
    ) -> None:
        """Check all that can be checked, then send what differs."""
        namespace = live.get_if_allowed(self._client, "v1", "Namespace", self._spec.namespace)
        extra = live.namespace_to_send(self._spec, namespace)
        extra += scc_steps.to_send(self._client, self._spec)
        if plan.empty and not extra:
            return
        preflight.check_cluster(self._client, self._spec, namespace, claim, self._runtime)
        scc_steps.check(self._client, self._spec, namespace)
        if self._controlled:
            self._controlled.check_namespace(namespace.item)
        if self._controlled or any(item["kind"] in CONTROLLED for item in plan.stale):
            self._later = _backends().postponed(self._spec, plan.stale)
        self._check_rights(plan, current, any(item["kind"] == "Namespace" for item in extra))
        sent = [*extra, *plan.send]
        outcome.changes = in_order(self._send(sent, plan.stale, current) + outcome.changes)
        outcome.reload = consequence(outcome.changes)

    def _read(self) -> Tuple[Optional[Object], List[Object], Dict[Key, Object]]:
        """Return the claim, the wanted objects and the live ones.

        All missing rights are named when one is missing.
        """
        spec, client = self._spec, self._client
        try:
            claim = live.read_claim(client, spec)
            facts = credentials.look(live.facts_of(claim), client, spec, self._runtime)
            own = read_own_config(client, spec, self._runtime)
            facts = self._facts = replace(facts, own_config=own)
            self.config = text_of_config(spec, facts)
            if self._controlled:
                self.config = self._controlled.file_of(self.config)
            wanted = render_objects(spec, facts)
            extra = kinds.optional(wanted)
            current = live.read_objects(client, spec.namespace, spec.name, extra)
            kept = self._adoption.look(wanted, current)
            if kept.selector or kept.service:
                wanted = render_objects(spec, replace(facts, kept=kept))
            return claim, wanted, current
        except ForbiddenError:
            rights = preflight.access_for(spec, wait=self._waiting.wait)
            preflight.check_rights(self._client, rights)
            raise

    def _check_rights(self, plan: Plan, current: Mapping[Key, Object], namespace: bool) -> None:
        rights = preflight.access_for(
            self._spec,
            wait=self._waiting.wait,
            prune=bool(plan.stale),
            namespace=namespace,
            stale=kinds.optional(plan.stale),
        )
        preflight.check_rights(self._client, rights)
        missing = [item for item in plan.send if key_of(item) not in current]
        live.refuse_foreign(self._client, self._adoption.foreign(missing))

    def _send(
        self, wanted: Sequence[Object], stale: Sequence[Object], current: Mapping[Key, Object]
    ) -> List[Change]:
        check = self._runtime.check_mode
        kept = {
            key_of(item): count
            for item in wanted
            if (count := kept_replicas(item, current.get(key_of(item)))) is not None
        }
        # The whole set is validated by the server before the first object is changed.
        predicted = self._dry_run(
            [
                with_replicas(item, kept[key_of(item)]) if key_of(item) in kept else item
                for item in wanted
            ]
        )
        if self._controlled:
            self._controlled.check_predicted(wanted, predicted)
        if self._later and not check:
            stale = []
        old = None if self._controlled else self._beside(stale)
        # Kinds that the Service no longer names are removed while it still does.
        unnamed = {kind for _version, kind in kinds.optional(stale)}
        first = [item for item in stale if item["kind"] in unnamed and item is not old]
        last = [item for item in stale if item["kind"] not in unnamed and item is not old]
        changes = delete_objects(self._client, list(reversed(first)), check_mode=check)
        if not check:
            for item in wanted:
                if key_of(item) in kept:
                    hand_over(self._client, item, kept[key_of(item)])
        if check:
            gone = [] if old is None else [old]
            changes += predicted + delete_objects(self._client, gone, check_mode=True)
        elif old is not None:
            changes += self._switch(wanted, old)
        else:
            changes += self._adoption.send(wanted, check_mode=False)
        changes += delete_objects(self._client, list(reversed(last)), check_mode=check)
        return [real(change) for change in changes]

    def _beside(self, stale: Sequence[Object]) -> Optional[Object]:
        """Return the workload whose pods serve until those of another kind do, if there is one."""
        old = switching.leaving_workload(stale)
        if old is not None and is_adopted(old):
            self._runtime.warn(
                f"{old['kind']} {self._spec.namespace}/{self._spec.name} was adopted. It goes, so"
                " it can no longer be given back."
            )
        if old is None or not self._waiting.wait:
            return None
        new = next(
            item for item in render_objects(self._spec, self._facts) if item["kind"] == self._kind
        )
        why = switching.in_the_way(self._spec, self._facts, new["spec"]["template"])
        if why:
            self._runtime.warn(
                f"{old['kind']} {self._spec.namespace}/{self._spec.name}: {why}, so all of them end"
                f" before those of the {self._kind} start."
            )
        return None if why else old

    def _switch(self, wanted: Sequence[Object], old: Object) -> List[Change]:
        """Send what is wanted, and remove the old workload when the new one serves."""
        begun = time.monotonic()
        before, after = switching.held_back(wanted, old)
        changes = self._adoption.send(before, check_mode=False)
        try:
            switching.wait_beside(
                self._client, self._spec, self._kind, self._waiting.timeout, self._runtime
            )
        except EdgeError as error:
            error.details["changed"] = True
            device_nodes.enrich(self._client, self._spec, error)
            raise
        changes += delete_objects(self._client, [old], check_mode=False)
        changes += self._adoption.send(after, check_mode=False)
        left = self._waiting.timeout - (time.monotonic() - begun)
        self._waiting = replace(self._waiting, timeout=max(left, 1.0))
        return changes

    def _dry_run(self, wanted: Sequence[Object]) -> List[Change]:
        try:
            return self._adoption.send(wanted, check_mode=True)
        except ApiError as error:
            refused = refusal(error, self._spec.running.overrides)
            refused = refused or device_claim_checks.refusal(error, self._spec)
            if refused is None and self._controlled:
                refused = self._controlled.explain(error)
            if refused is not None:
                raise refused from error
            raise

    def _settle_or_say(self, outcome: Outcome, workload: Optional[Object]) -> None:
        try:
            self._settle(outcome, workload)
        except EdgeError as error:
            error.details["changed"] = outcome.changed
            device_nodes.enrich(self._client, self._spec, error)
            raise

    def _settle(self, outcome: Outcome, workload: Optional[Object]) -> None:
        """See the change through: the rollout, then the reload of pods that were not replaced.

        C(workload) is what runs the pods as it was read, if it was left alone.
        """
        begun = time.monotonic()
        if not self._waiting.wait:
            self._finish_adoption(outcome)
            self._finish_move(outcome)
        pods = self._read_pods()
        if self._waiting.wait:
            if workload is None:
                pods = self._wait_rollout()
            elif self._controlled:
                if not self._controlled.settled(workload, pods):
                    pods = self._wait_rollout()
            elif not complete(workload, pods):
                try_again(self._client, workload, pods, self._runtime)
                pods = self._wait_rollout()
            outcome.ready = len(ready_pods(pods))
            # Exactly the wanted ones run now.
            outcome.wanted = len(pods)
            self._finish_adoption(outcome)
            self._finish_move(outcome)
        if outcome.reload == CONFIG_RELOAD:
            spec = self._controlled.pod_spec if self._controlled else self._spec
            reload = Reload(self._client, spec, config_hash(self.config), self._runtime)
            reload.begin(ready_pods(pods))
            if self._waiting.wait:
                left = self._waiting.timeout - (time.monotonic() - begun)
                visible = versions_differ(outcome.changes)
                reload.confirm(ready_pods(pods), visible=visible, timeout=max(left, 1.0))

    def _wanted(self, current: Mapping[Key, Object]) -> Optional[int]:
        scaling = self._spec.running.scaling
        if not scaling.per_node and not scaling.autoscaling:
            return self._spec.replicas
        workload = current.get((self._kind, self._spec.name))
        return None if workload is None else wanted_pods(workload)

    def _finish_adoption(self, outcome: Outcome) -> None:
        changes = self._adoption.finish(outcome.changes)
        outcome.changes = in_order([real(change) for change in changes])

    def _finish_move(self, outcome: Outcome) -> None:
        """Remove what served until now, if another backend did."""
        if not self._later:
            return
        spec, doomed = self._spec, self._later
        gone = delete_objects(self._client, doomed, check_mode=False)
        outcome.changes = in_order([*outcome.changes, *map(real, gone)])
        outcome.reload = consequence(outcome.changes)
        if self._waiting.wait:
            timeout = self._waiting.timeout
            _backends().wait_gone_with(self._client, doomed, spec.name, spec.namespace, timeout)

    def _read_pods(self) -> List[Object]:
        if self._controlled:
            found: List[Object] = self._controlled.read_pods()
            return found
        return live.read_pods(self._client, self._spec.namespace, self._spec.name)[0]

    def _wait_rollout(self) -> List[Object]:
        spec, timeout = self._spec, self._waiting.timeout
        if self._controlled:
            found: List[Object] = self._controlled.wait(timeout)
            return found
        return wait_rollout(
            self._client, spec.namespace, spec.name, timeout, self._runtime, self._kind
        )


def _backends() -> Any:
    """Return what only servers need whose pods a controller makes; imported when one has to."""
    from ansible_collections.openvino.edge.plugins.module_utils.server.backends import controlled

    return controlled


def remove(
    client: KubeClient, namespace: str, name: str, runtime: Runtime, waiting: Waiting
) -> Outcome:
    """Remove what the collection made for one server; the claim and the namespace stay.

    Raises:
        ForbiddenError: before anything is removed.
        WaitError: pods do not end in time.
    """
    current = live.read_objects(client, namespace, name)
    if not current:
        return Outcome()
    extra = kinds.optional(current.values())
    wanted = preflight.access_for_removal(namespace, wait=waiting.wait, extra=extra)
    preflight.check_rights(client, wanted)
    doomed = kinds.for_removal(current.values())
    changes = delete_objects(client, doomed, check_mode=runtime.check_mode)
    if waiting.wait and not runtime.check_mode:
        try:
            wait_pods_gone(client, namespace, name, waiting.timeout)
            theirs = [item for item in doomed if item["kind"] in CONTROLLED]
            if theirs:
                _backends().wait_gone_with(client, theirs, name, namespace, waiting.timeout)
        except EdgeError as error:
            error.details["changed"] = True
            raise
    return Outcome([real(change) for change in changes])


def in_order(changes: Sequence[Change]) -> List[Change]:
    """Return the changes in the order of application, whatever was done to each."""
    return sorted(changes, key=lambda change: kinds.ORDER.index(change.kind))


def summary(changes: Sequence[Change]) -> List[Dict[str, Any]]:
    """Return the changes as a result shows them."""
    return [
        {"kind": change.kind, "name": change.name, "action": change.action} for change in changes
    ]
