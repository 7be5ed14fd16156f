# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys one server to the cluster."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, EdgeError, ForbiddenError, WaitError
from ...kube.apply import Change, delete_objects
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..backends.select import leaving, see_out, select
from ..checks import cluster, device_claims, device_nodes, scc
from ..discover import credentials, live, restart
from ..discover.own_config import read_own_config
from ..plan.adoption import is_adopted
from ..plan.changes import (
    CONFIG_RELOAD,
    ROLLING_RESTART,
    consequence,
    real,
    same_change,
    versions_differ,
)
from ..plan.diff import Key, Plan, key_of, make_plan
from ..render import kinds
from ..render.facts import NOTHING_KEPT, ClusterFacts
from ..render.identity import Object
from ..render.objects import service_ports, text_of_config
from ..spec.backend import without_records
from ..spec.overrides import refusal
from ..spec.server import ServerSpec, checked_ports
from ..status import addresses, gateways, proxies, routes
from ..status.progress import ready_pods, wanted_pods
from ..status.wait import wait_pods_gone
from . import prepull, successor, switching
from .adopt import Adoption
from .handover import hand_over, kept_replicas, with_replicas
from .outcome import Outcome, Waiting, in_order, summary
from .reload import Reload
from .watch_over import Watch

__all__ = ["Deployer", "Outcome", "Waiting", "in_order", "summary"]


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
        # The configuration's text, set after the cluster was read.
        self.config = ""
        self._facts = ClusterFacts()
        self._backend = select(spec.backend)
        self._pods = self._backend.controlled(client, spec, runtime)
        self._kind = self._pods.kind
        # The old workload that serves until the new pods of another backend do.
        self._later: List[Object] = []
        self._claim: Optional[Object] = None
        # What runs the pods, as it is wanted and as it was, if the change replaces them.
        self._replaced: Optional[Tuple[Object, Object]] = None
        self._dark_since: Optional[float] = None
        self._watch = self._watched()

    def present(self) -> Outcome:
        """Deploy the server as the spec describes it.

        Raises:
            InputError, ForbiddenError: before anything is changed.
            WaitError: after; C(details.changed) tells whether something was.
        """
        wanted, current = self._read()
        plan = make_plan(wanted, current)
        outcome = Outcome([same_change(item) for item in plan.same])
        outcome.wanted = self._wanted(current)
        if not plan.empty or self._spec.create_namespace or scc.wants_own(self._spec):
            self._change(plan, current, outcome)
        if not self._runtime.check_mode:
            sent = any(item["kind"] == self._kind for item in plan.send)
            workload = None if sent else current.get((self._kind, self._spec.name))
            self._settle_or_say(outcome, workload)
        service = ("Service", self._spec.name)
        kept = any(key_of(item) == service for item in plan.same)
        self._find_addresses(outcome, current.get(service) if kept else None)
        self._see_admitted(plan, current, outcome)
        return outcome

    def _see_admitted(self, plan: Plan, current: Mapping[Key, Object], outcome: Outcome) -> None:
        """Wait until whoever lets clients in (router, Contour, Gateway) accepts what is for it."""
        client, spec, runtime = self._client, self._spec, self._runtime
        route = kinds.ROUTE[1]
        sent = [str(item["metadata"]["name"]) for item in plan.send if item["kind"] == route]
        same = [key_of(item) for item in plan.same if item["kind"] == route]
        there = {str(item["kind"]) for item in (*plan.send, *plan.same)}
        if runtime.check_mode:
            return
        keys = [*same, *((route, name) for name in sent)]
        before = [current[key] for key in keys if key in current]
        timeout = self._waiting.timeout if self._waiting.wait else None
        try:
            if kinds.HTTP_PROXY[1] in there:
                proxies.see_accepted(client, spec, runtime, timeout)
            if there.intersection(kind for _version, kind in kinds.ROUTE_OF.values()):
                gateways.see_served(client, spec, runtime, timeout)
            if same or sent:
                routes.see_admitted(client, spec, before, sent, runtime, timeout)
        except EdgeError as error:
            error.details["changed"] = outcome.changed
            raise

    def _find_addresses(self, outcome: Outcome, service: Optional[Object]) -> None:
        """Read the load balancer's addresses; C(service) is the live Service if it was not sent."""
        patient = self._waiting.wait and not self._runtime.check_mode
        try:
            outcome.addresses = addresses.found(
                self._client, self._pods.reached, service, self._runtime, patient=patient
            )
        except EdgeError as error:
            error.details["changed"] = outcome.changed
            raise

    def _change(self, plan: Plan, current: Mapping[Key, Object], outcome: Outcome) -> None:
        """Run all checks, then send the objects that differ."""
        namespace = live.get_if_allowed(self._client, "v1", "Namespace", self._spec.namespace)
        extra = live.namespace_to_send(self._spec, namespace)
        extra += scc.to_send(self._client, self._spec)
        if plan.empty and not extra:
            return
        cluster.check_cluster(self._client, self._spec, namespace, self._claim, self._runtime)
        scc.check(self._client, self._spec, namespace)
        self._pods.check_namespace(namespace.item)
        self._later = leaving(self._spec, plan.stale)
        self._pods.check_free(current)
        self._check_rights(plan, current, any(item["kind"] == "Namespace" for item in extra))
        sent = [*extra, *plan.send]
        made = self._send(sent, plan.stale, current, outcome)
        outcome.changes = in_order(made + outcome.changes)
        outcome.reload = consequence(outcome.changes)

    def _read(self) -> Tuple[List[Object], Dict[Key, Object]]:
        """Return the wanted objects and the live ones.

        All missing rights are named when one is missing.
        """
        spec, client = self._spec, self._client
        try:
            claim = self._claim = live.read_claim(client, spec)
            facts = credentials.look(live.facts_of(claim), client, spec, self._runtime)
            own = read_own_config(client, spec, self._runtime)
            facts = self._facts = replace(facts, own_config=own)
            self.config = self._pods.file_of(text_of_config(spec, facts))
            wanted = self._backend.render(spec, facts)
            extra = kinds.optional(wanted)
            current = live.read_objects(client, spec.namespace, spec.name, extra)
            kept = self._adoption.look(wanted, current)
            found = restart.settled(client, spec, facts, self.config, current, self._runtime)
            found = replace(found, kept=kept)
            if kept != NOTHING_KEPT:
                self._listen_on(kept.container)
            if found != facts:
                facts = self._facts = found
                wanted = self._backend.render(self._spec, facts)
            return wanted, current
        except ForbiddenError:
            rights = cluster.access_for(spec, wait=self._waiting.wait)
            cluster.check_rights(self._client, rights)
            raise

    def _listen_on(self, kept: Mapping[str, int]) -> None:
        """Keep the ports of an adopted server, unless the task sets others."""
        spec = self._spec
        own = {"rest": spec.rest_port, "grpc": spec.grpc_port}
        own.update({name: port for name, port in kept.items() if name not in spec.given_ports})
        self._spec = replace(spec, **checked_ports(own))
        self._pods = self._backend.controlled(self._client, self._spec, self._runtime)
        self._watch = self._watched()

    def _watched(self) -> Watch:
        return Watch(
            self._client,
            self._spec,
            self._pods,
            self._adoption,
            self._runtime,
            self._waiting.timeout,
            puts_back=self._waiting.puts_back,
        )

    @property
    def ports(self) -> Dict[str, int]:
        """Return the ports under which clients find the server's Service."""
        names = self._backend.names(self._spec)
        return {
            **names.ports,
            **(service_ports(self._spec, self._facts) if self._pods.ours else {}),
        }

    @property
    def pod_ports(self) -> Dict[str, int]:
        """Return the ports on which the pods themselves listen."""
        spec = self._pods.pod_spec
        return {"grpc": spec.grpc_port, "rest": spec.rest_port}

    def _check_rights(self, plan: Plan, current: Mapping[Key, Object], namespace: bool) -> None:
        rights = cluster.access_for(
            self._spec,
            wait=self._waiting.wait,
            prune=bool(plan.stale),
            namespace=namespace,
            stale=kinds.optional(plan.stale),
        )
        cluster.check_rights(self._client, rights)
        missing = [item for item in plan.send if key_of(item) not in current]
        live.refuse_foreign(self._client, self._adoption.foreign(missing))

    def _send(
        self,
        wanted: Sequence[Object],
        stale: Sequence[Object],
        current: Mapping[Key, Object],
        outcome: Outcome,
    ) -> List[Change]:
        check = self._runtime.check_mode
        kept = {
            key_of(item): count
            for item in wanted
            if (count := kept_replicas(item, current.get(key_of(item)))) is not None
        }
        # The API server validates all objects in a dry run before the first one is changed.
        predicted = self._dry_run(
            [
                with_replicas(item, kept[key_of(item)]) if key_of(item) in kept else item
                for item in wanted
            ]
        )
        self._pods.check_predicted(wanted, predicted)
        if self._later and not check:
            stale = [item for item in stale if item not in self._later]
        old = self._beside(stale) if self._pods.ours else None
        if self._pods.ours and old is None:
            self._replaced = self._find_replaced(wanted, stale, current, predicted)
            self._make_room(stale, outcome)
        if not check:
            self._runtime.begins()
        hold = ""
        if self._waiting.wait and not check:
            self._watch.begin(wanted, stale, current, self.config)
            self._watch.stage(wanted)
            hold = self._watch.holds(wanted)
        # Optional objects are removed while the record on the Service still lists their kinds.
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
            look = self._watch.look if self._waiting.wait else None
            changes += self._adoption.send(wanted, check_mode=False, hold=hold, look=look)
        changes += delete_objects(self._client, list(reversed(last)), check_mode=check)
        return [real(change) for change in changes]

    def _find_replaced(
        self,
        wanted: Sequence[Object],
        stale: Sequence[Object],
        current: Mapping[Key, Object],
        predicted: Sequence[Change],
    ) -> Optional[Tuple[Object, Object]]:
        """Return the new and the old workload if pods of the old one end by this change."""
        new = next((item for item in wanted if item["kind"] == self._kind), None)
        if new is None:
            return None
        gone = switching.leaving_workload(stale)
        old = gone or current.get(key_of(new)) or self._adoption.live(key_of(new))
        replaces = gone is not None or consequence(predicted) == ROLLING_RESTART
        return (new, old) if old is not None and replaces else None

    def _make_room(self, stale: Sequence[Object], outcome: Outcome) -> None:
        """Start new pods beside the old ones where that can be; else have images pulled first.

        Raises:
            EdgeError: an image cannot be had; nothing was changed.
        """
        if self._replaced is None:
            return
        new, old = self._replaced
        gone = switching.leaving_workload(stale)
        if self._adoption.live(key_of(new)) is not None:  # which has its own rules for room
            if prepull.ends_first(new):
                self._prepull(outcome, [])
            return
        why = successor.why_first(self._client, self._spec, self._facts, self._claim, new)
        if gone is not None:
            why = why or "the pods of one kind end before those of the other start"
        elif not why and prepull.ends_first(new):
            self._adoption.surges = self._waiting.wait
            why = "" if self._waiting.wait else "nobody waits for new pods (wait: false)"
        if not why:
            return
        whole = gone is not None or switching.all_end(old, new)
        outcome.ended_first = why if whole else ""
        self._prepull(outcome, [gone] if gone else [])
        self._dark_since = time.monotonic() if whole else None

    def _prepull(self, outcome: Outcome, doomed: Sequence[Object]) -> None:
        """Have nodes pull the images of new pods while old pods serve.

        Raises:
            EdgeError: it cannot be done.
        """
        if self._replaced is None or not (self._waiting.prepull and self._waiting.wait):
            return
        new, old = self._replaced
        spec, timeout = self._spec, self._waiting.timeout
        pods = self._watch.serving_pods(doomed)
        work = prepull.Prepull(self._client, spec.name, spec.namespace, self._runtime, timeout)
        outcome.prepulled = work.run(new, prepull.nodes_to_ask(new, old, pods))

    def _beside(self, stale: Sequence[Object]) -> Optional[Object]:
        """Return the old workload whose pods serve until those of the other kind do, if any."""
        old = switching.leaving_workload(stale)
        if old is not None and is_adopted(old):
            self._runtime.warn(
                f"{old['kind']} {self._spec.namespace}/{self._spec.name} was adopted. It goes, so"
                " it can no longer be given back."
            )
        if old is None or not self._waiting.wait:
            return None
        rendered = self._backend.render(self._spec, self._facts)
        new = next(item for item in rendered if item["kind"] == self._kind)
        why = switching.in_the_way(self._spec, self._facts, new["spec"]["template"])
        if why:
            self._runtime.warn(
                f"{old['kind']} {self._spec.namespace}/{self._spec.name}: {why}, so all of them end"
                f" before those of the {self._kind} start."
            )
        return None if why else old

    def _switch(self, wanted: Sequence[Object], old: Object) -> List[Change]:
        """Send the wanted objects, and remove the old workload when the new one serves."""
        begun = time.monotonic()
        before, after = switching.held_back(wanted, old)
        changes = self._adoption.send(before, check_mode=False)
        try:
            # Pods that wait for the room of the old ones cannot be asked what they serve.
            if switching.wait_beside(
                self._client, self._spec, self._kind, self._waiting.timeout, self._runtime
            ):
                self._watch.beside(lambda pod: switching.of_workload(pod, self._kind))
        except EdgeError as error:
            error.details["changed"] = True
            self._watch.take_back(error)
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
            refused = refused or device_claims.refusal(error, self._spec)
            refused = refused or self._pods.explain(error)
            if refused is not None:
                raise refused from error
            raise

    def _settle_or_say(self, outcome: Outcome, workload: Optional[Object]) -> None:
        try:
            self._settle(outcome, workload)
        except EdgeError as error:
            error.details["changed"] = outcome.changed
            self._watch.take_back(error)
            device_nodes.enrich(self._client, self._spec, error)
            raise

    def _settle(self, outcome: Outcome, workload: Optional[Object]) -> None:
        """Wait for the rollout, or for the reload of pods that were not replaced.

        C(workload) is the live workload if it was not sent.
        """
        touched = outcome.reload == CONFIG_RELOAD
        if not self._waiting.wait:
            self._finish_adoption(outcome)
            self._finish_move(outcome)
            if touched:
                pods = ready_pods(self._pods.read())
                Reload(self._client, self._pods.pod_spec, self.config, self._runtime).begin(pods)
            return
        try:
            self._watch.first_step(replaces=outcome.reload == ROLLING_RESTART)
        except WaitError as error:
            if not (self._adoption.gives_room and switching.lacks_room_or_quota(error)):
                raise
            self._end_first(outcome, error)
        pods = self._pods.settle(workload, self._pods.read(), self._waiting.timeout)
        outcome.ready = len(ready_pods(pods))
        # At this point exactly the wanted pods are running.
        outcome.wanted = len(pods)
        if self._watch.matters:
            self._watch.prove(pods, touched=touched, visible=versions_differ(outcome.changes))
        else:
            self._watch.see_loaded(pods, self.config)
        if self._dark_since is not None:
            outcome.downtime = round(time.monotonic() - self._dark_since, 1)
        self._finish_adoption(outcome)
        self._finish_move(outcome)
        if outcome.changed:
            self._watch.check_ours()

    def _end_first(self, outcome: Outcome, error: WaitError) -> None:
        """End old pods to give new ones their room, with the image on the node before."""
        self._runtime.warn(
            f"{self._kind} {self._spec.namespace}/{self._spec.name}: there is no room for a new pod"
            f" beside the old ones, so these ended first ({error.message})"
        )
        outcome.ended_first = "the node has no room for an old and a new pod"
        self._prepull(outcome, [])
        self._dark_since = time.monotonic()
        self._adoption.end_first()

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
        """Remove the workload of the former backend; its record is removed after all else."""
        spec, doomed = self._spec, self._later
        timeout = self._waiting.timeout if self._waiting.wait else None
        if not doomed:
            if timeout is not None and not self._pods.ours:
                # Pods of an earlier run that did not wait for their end.
                wait_pods_gone(self._client, spec.namespace, spec.name, timeout)
            return
        gone = delete_objects(self._client, without_records(doomed), check_mode=False)
        outcome.changes = in_order([*outcome.changes, *map(real, gone)])
        outcome.reload = consequence(outcome.changes)
        gone = see_out(self._client, doomed, spec.name, spec.namespace, timeout=timeout)
        outcome.changes = in_order([*outcome.changes, *map(real, gone)])
