# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places the helper pod of a claim: node selector, tolerations and affinity.

The scheduler knows the nodes of a volume and places the pod. This module adds what the scheduler
needs (the node where the volume is in use, the tolerations of its server), or raises before a pod
is started that no node can run. Checks of objects that the account may not read are left to the
scheduler.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, ForbiddenError, InputError, WaitError
from ...kube.client import KubeClient
from ...store import MANAGED_BY, MANAGED_BY_LABEL, PvcStore
from ..transport.base import Target
from ..transport.helper_job import HOSTNAME_LABEL, hostname_selector
from . import nodes as node_rules
from .claims import (
    OPTION,
    capacity_of,
    check_modes,
    check_volume,
    claims_in,
    modes_of,
    phase_of,
    pods_of,
    read_claim,
    read_volume,
)

Object = Mapping[str, Any]
Pairs = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class Wishes:
    """The task's options for the placement of helpers."""

    tolerations: Sequence[Object] = ()
    node_selector: Pairs = ()


@dataclass(frozen=True)
class Server:
    """The placement of the server that uses a claim; all fields are empty without one."""

    name: str = ""
    node_selector: Pairs = ()
    tolerations: Tuple[Object, ...] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)


def claim_targets(client: KubeClient, store: PvcStore, wishes: Wishes) -> List[Target]:
    """Return where the files go: one target, or one for each node of a local volume of ours.

    Raises:
        InputError: the claim cannot be written, or no node can run the helper.
        WaitError: the claim takes one pod only, and that is there.
    """
    claim = read_claim(client, store)
    check_modes(store, claim)
    server = server_of(client, store)
    lone = "ReadWriteOncePod" in modes_of(claim)
    if phase_of(claim) != "Bound":
        target = _unbound_target(client, store, wishes, server)
        return [replace(target, capacity=capacity_of(claim), lone=lone)]
    volume = read_volume(client, claim)
    check_volume(store, volume)
    places = _Places(client, store, volume, wishes)
    names = places.copies()
    if len(names) > 1:
        return places.each(names, server)
    return [replace(places.one(modes_of(claim), server), lone=lone)]


def server_of(client: KubeClient, store: PvcStore) -> Server:
    """Return where the first model server of this collection that names the claim may run."""
    for kind in ("Deployment", "DaemonSet"):
        for item in _workloads(client, kind, store.namespace):
            pod = ((item.get("spec") or {}).get("template") or {}).get("spec") or {}
            if store.claim_name in claims_in(pod):
                return Server(
                    str(item["metadata"]["name"]),
                    tuple(sorted((pod.get("nodeSelector") or {}).items())),
                    tuple(pod.get("tolerations") or ()),
                    pod.get("affinity") or {},
                )
    return Server()


def _workloads(client: KubeClient, kind: str, namespace: str) -> List[Mapping[str, Any]]:
    """Return this collection's objects of a kind by name; none where they may not be listed."""
    selector = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
    try:
        found, _version = client.list("apps/v1", kind, namespace, label_selector=selector)
    except (ForbiddenError, ApiError):
        return []
    return sorted(found, key=lambda item: str(item["metadata"]["name"]))


def _unbound_target(client: KubeClient, store: PvcStore, wishes: Wishes, server: Server) -> Target:
    """Return the target of a claim whose first pod decides where the volume is made.

    That pod is the helper, so it goes where the server may go.

    Raises:
        InputError: no node is left.
    """
    selector = {**dict(server.node_selector), **dict(wishes.node_selector)}
    for key, value in server.node_selector:
        if selector[key] != value:
            raise InputError(
                f"{key}={selector[key]} contradicts the server {server.name}, which needs"
                f" {key}={value}: the volume would be made where the server cannot run",
                option="node_selector",
                hint="Leave it out: the helper takes over the server's own selection",
            )
    pairs = tuple(sorted(selector.items()))
    known = node_rules.read_nodes(client)
    if known is not None:
        fitting = [node for node in known if node_rules.has_labels(node, pairs)]
        _refuse_if_none(store, fitting, [*wishes.tolerations, *server.tolerations], pairs)
    return Target(store, None, pairs, True, server.tolerations, server.affinity)


def _refuse_if_none(
    store: PvcStore, fitting: Sequence[Object], tolerations: Sequence[Object], pairs: Pairs
) -> None:
    labels = ",".join(f"{key}={value}" for key, value in pairs)
    if not fitting:
        raise InputError(
            f"no node has the labels {labels}" if labels else "the cluster has no node",
            option="node_selector",
            subject=str(store),
            hint="Label the node that is to hold the volume, or choose other labels",
        )
    faults = [
        (node_rules.name_of(node), node_rules.node_fault(node, tolerations)) for node in fitting
    ]
    if all(fault for _name, fault in faults):
        raise InputError(
            f"no node can run the helper: {'; '.join(f'{name} {fault}' for name, fault in faults)}",
            option="tolerations",
            subject=str(store),
            hint="Repair or uncordon a node, or tolerate its taint",
        )


class _Places:
    """Finds the nodes that can mount the volume of a bound claim."""

    def __init__(
        self, client: KubeClient, store: PvcStore, volume: Optional[Object], wishes: Wishes
    ) -> None:
        self._client, self._store, self._volume, self._wishes = client, store, volume, wishes

    def one(self, modes: Sequence[str], server: Server) -> Target:
        """Return the one target of a claim.

        Raises:
            InputError: no node that has the volume can run the helper.
            WaitError: see C(claim_targets).
        """
        users = [] if "ReadWriteMany" in modes else pods_of(self._client, self._store)
        users = [pod for pod in users if _node_of(pod)]
        if users and "ReadWriteOncePod" in modes:
            raise WaitError(
                f"{self._store} is ReadWriteOncePod and in use by pod"
                f" {users[0]['metadata']['name']}",
                hint="Scale that workload to zero first, or use ReadWriteOnce",
            )
        if users:
            return self._beside(users[0], server)
        self._check_affinity(server)
        return Target(self._store, None, (), False, server.tolerations)

    def copies(self) -> List[str]:
        """Return the nodes that each have a copy: those of a local volume this collection made.

        The volume tells also when the task does not (C(pvc.local) is only needed to make it):
        with one target only, all other nodes would be left without the files.
        """
        if self._store.local:
            return list(self._store.local.nodes)
        volume = self._volume or {}
        labels = (volume.get("metadata") or {}).get("labels") or {}
        spec = volume.get("spec") or {}
        if labels.get(MANAGED_BY_LABEL) != MANAGED_BY or "local" not in spec:
            return []
        known = {hostname_of(node): node_rules.name_of(node) for node in self._nodes() or ()}
        return [known.get(host, host) for host in hostnames_in(spec)]

    def each(self, names: Sequence[str], server: Server) -> List[Target]:
        """Return a target for each node of a local volume that has the same path on several."""
        known = self._nodes()
        targets = []
        if known is not None:
            chosen = node_rules.named_nodes(names, known, "pvc.local.nodes")
            tolerations = [*self._wishes.tolerations, *server.tolerations]
            node_rules.refuse_faults(chosen, tolerations, "pvc.local.nodes")
        for name in names:
            found = [node for node in known or () if node_rules.name_of(node) == name]
            selector = hostname_selector(found[0] if found else {"metadata": {"name": name}})
            targets.append(Target(self._store, name, selector, False, server.tolerations))
        return targets

    def _nodes(self) -> Optional[List[Object]]:
        return node_rules.read_nodes(self._client)

    def _beside(self, pod: Object, server: Server) -> Target:
        """Return the target on the node of a pod that uses the volume: only it may mount it."""
        name, known = _node_of(pod), self._nodes() or []
        tolerations = _lasting(
            [*server.tolerations, *((pod.get("spec") or {}).get("tolerations") or ())]
        )
        found = [node for node in known if node_rules.name_of(node) == name]
        fault = None
        if found:
            fault = node_rules.node_fault(found[0], [*self._wishes.tolerations, *tolerations])
            if not fault and not node_rules.has_labels(found[0], self._wishes.node_selector):
                fault = "does not fit node_selector"
        if fault:
            raise InputError(
                f"{self._store} is in use on node {name} by pod {pod['metadata']['name']}, one node"
                f" at a time may use it, and that node {fault}",
                option="tolerations" if "taint" in fault else "node_selector",
                hint="Repair or uncordon the node, tolerate its taint, or end that pod",
            )
        selector = hostname_selector(found[0] if found else {"metadata": {"name": name}})
        return Target(self._store, None, selector, False, tolerations)

    def _check_affinity(self, server: Server) -> None:
        """Refuse a volume whose nodes are gone or cannot run the helper."""
        spec = (self._volume or {}).get("spec") or {}
        terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms")
        known = self._nodes() if terms or self._wishes.node_selector else None
        if known is None:
            return
        near = [node for node in known if not terms or node_rules.fits_terms(node, terms)]
        what = f"{self._store} is on volume {_name(self._volume)}"
        if not near:
            names = ", ".join(sorted(map(node_rules.name_of, known))) or "none"
            raise InputError(
                f"{what}, which is only on nodes with {node_rules.terms_text(terms or ())}, and"
                " there is no such node",
                option=OPTION,
                hint=f"Bring that node back, or name another claim. Nodes there: {names}",
            )
        self._check_near(what, near, server)

    def _check_near(self, what: str, near: Sequence[Object], server: Server) -> None:
        tolerations = [*self._wishes.tolerations, *server.tolerations]
        faults: Dict[str, str] = {}
        for node in near:
            fault = node_rules.node_fault(node, tolerations)
            if not fault and not node_rules.has_labels(node, self._wishes.node_selector):
                fault = "does not fit node_selector"
            if not fault:
                return
            faults[node_rules.name_of(node)] = fault
        texts = "; ".join(f"{name} {fault}" for name, fault in sorted(faults.items()))
        raise InputError(
            f"{what}, and no node that has it can run the helper: {texts}",
            option="tolerations" if "taint" in texts else OPTION,
            hint="Repair or uncordon the node, tolerate its taint, or change node_selector",
        )


def hostname_of(node: Object) -> str:
    """Return the hostname label of a node."""
    return dict(hostname_selector(node)).get(HOSTNAME_LABEL, "")


def hostnames_in(volume_spec: Object) -> List[str]:
    """Return the values that a volume's node affinity takes, sorted."""
    required = (volume_spec.get("nodeAffinity") or {}).get("required") or {}
    values = [
        str(value)
        for term in required.get("nodeSelectorTerms") or ()
        for item in term.get("matchExpressions") or ()
        for value in item.get("values") or ()
    ]
    return sorted(values)


def _name(item: Optional[Object]) -> str:
    return str(((item or {}).get("metadata") or {}).get("name") or "")


def _node_of(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _lasting(tolerations: Sequence[Object]) -> Tuple[Object, ...]:
    """Return tolerations without those with tolerationSeconds, which admission adds to each pod."""
    kept: List[Object] = []
    for item in tolerations:
        if item.get("tolerationSeconds") is None and item not in kept:
            kept.append(item)
    return tuple(kept)
