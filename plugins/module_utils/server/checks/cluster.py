# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the cluster before any object is changed: rights, namespace, account, claim, nodes."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from ...errors import ForbiddenError, InputError
from ...kube.client import KubeClient
from ...kube.planned import is_planned
from ...kube.types import Access
from ...runtime import Runtime
from ...store import HostPathStore, PvcStore
from ..backends.select import select
from ..discover import live
from ..render import kinds, pss
from ..render.identity import Object
from ..spec import cache
from ..spec.backend import CONTROLLED
from ..spec.image_volume import ImageVolumeStore, check_runtimes, check_version
from ..spec.server import ServerSpec
from ..status.polling import PATIENT_POLL
from . import device_nodes, expose, scc

RESOURCES = tuple(kinds.resource(kind) for kind in kinds.ALWAYS)


def access_for(
    spec: ServerSpec,
    *,
    wait: bool,
    prune: bool = False,
    namespace: bool = False,
    stale: Sequence[kinds.Kind] = (),
) -> List[Access]:
    """Return the rights that a deployment of this server uses.

    Args:
        spec: the server.
        wait: the rollout is waited for.
        prune: objects that are no longer wanted are deleted.
        namespace: the namespace is created or labelled.
        stale: kinds that not every server has, and this one no longer has.
    """
    place = spec.namespace
    verbs = ["get", "list", "create", "patch", *(["delete"] if prune else [])]
    backend = select(spec.backend)
    rendered = backend.render(spec)
    extra = kinds.optional(rendered)
    # A controller creates some of the kinds that every server has.
    made = {str(item["kind"]) for item in rendered} if backend.owner else None
    wanted = [
        Access(verb, *kinds.resource(kind), namespace=place)
        for kind in (*kinds.ALWAYS, *extra)
        for verb in verbs
        if made is None or kind[1] in made or verb in ("get", "list", "delete")
    ]
    wanted += [
        Access(verb, *kinds.resource(kind), namespace=place)
        for kind in stale
        if kind not in extra
        for verb in ("get", "list", "delete")
    ]
    wanted += [Access(verb, "", "pods", namespace=place) for verb in ("get", "list")]
    if isinstance(spec.store, PvcStore):
        claim = spec.store.claim_name
        wanted.append(Access("get", "", "persistentvolumeclaims", namespace=place, name=claim))
    if wait:
        wanted += _access_for_waiting(spec)
    wanted += scc.access(spec)
    if kinds.ROUTE in extra:  # OpenShift asks for it where a Route names its host or a certificate.
        routes = kinds.resource(kinds.ROUTE)
        wanted += [
            Access(verb, *routes, "custom-host", namespace=place) for verb in ("create", "update")
        ]
    expose = spec.running.expose
    if expose is not None and expose.gateway is not None and expose.needs_gateway:
        where = {"namespace": expose.gateway.namespace, "name": expose.gateway.name}
        wanted.append(Access("get", *kinds.resource(kinds.GATEWAY), **where))
    if namespace:
        verbs = ["get", "create", "patch"]
        wanted += [Access(verb, "", "namespaces", name=place) for verb in verbs]
    return wanted


def _access_for_waiting(spec: ServerSpec) -> List[Access]:
    """Return what waiting needs; replica sets, events and logs only make for better messages."""
    place, workload = spec.namespace, spec.running.scaling.workload
    wanted = [
        Access("watch", *kinds.resource(("apps/v1", workload)), namespace=place),
        Access("watch", "", "pods", namespace=place),
        Access("get", "", "pods", "proxy", namespace=place),
    ]
    if spec.poll_seconds > PATIENT_POLL:
        wanted.append(Access("create", "", "pods", "proxy", namespace=place))
    owner = select(spec.backend).owner
    if owner is not None:
        wanted.append(Access("watch", *kinds.resource(owner), namespace=place))
    return wanted


def access_for_removal(
    namespace: str, *, wait: bool, extra: Sequence[kinds.Kind] = ()
) -> List[Access]:
    """Return the rights that C(state=absent) uses; C(extra): kinds that not every server has."""
    wanted = [
        Access(verb, group, resource, namespace=namespace)
        for group, resource in (*RESOURCES, *map(kinds.resource, extra))
        for verb in ("get", "list", "delete")
    ]
    if wait:
        wanted += [Access(verb, "", "pods", namespace=namespace) for verb in ("list", "watch")]
        # A controller deletes its resource and the objects made from it after a delay.
        made = [kind for kind in extra if kind[1] in CONTROLLED]
        watched = [*made, ("apps/v1", "Deployment")] if made else []
        wanted += [Access("watch", *kinds.resource(kind), namespace=namespace) for kind in watched]
    return wanted


def check_rights(client: KubeClient, wanted: Sequence[Access]) -> None:
    """Refuse to start a task for which the account lacks rights.

    Raises:
        ForbiddenError: names every missing right.
    """
    missing = client.denied(wanted)
    if missing:
        names = [str(access) for access in missing]
        raise ForbiddenError(
            "the account may not: " + "; ".join(names),
            subject=client.server,
            hint="Grant these rights (a Role for this is in the role preflight of the collection)",
            details={"missing": names},
        )


def check_cluster(
    client: KubeClient,
    spec: ServerSpec,
    namespace: live.Known,
    claim: Optional[Object],
    runtime: Runtime,
) -> None:
    """Check the objects that the server needs: namespace, account, claim, nodes and priority.

    Raises:
        InputError: names the option, the object and the way out.
    """
    if namespace.readable:
        check_namespace(spec, namespace.item)
    _check_priority(client, spec)
    check_account(client, spec)
    device_nodes.check_offered(client, spec)
    expose.check(client, spec, runtime.warn)
    if isinstance(spec.store, PvcStore):
        check_claim(spec, spec.store, claim)
        _check_binding(client, spec.store, claim or {})
        _warn_replicas(spec, spec.store, claim or {}, runtime)
    elif isinstance(spec.store, ImageVolumeStore):
        check_version(client.version())
        check_runtimes(live.list_if_allowed(client, "v1", "Node") or [])
    elif isinstance(spec.store, HostPathStore):
        nodes = live.list_if_allowed(client, "v1", "Node")
        if nodes is not None:
            check_nodes(spec.store, nodes)


def check_namespace(spec: ServerSpec, namespace: Optional[Mapping[str, Any]]) -> None:
    """Refuse a namespace that is missing, on its way out, or too strict.

    Raises:
        InputError: see above.
    """
    subject = f"Namespace {spec.namespace}"
    if namespace is None and not spec.create_namespace:
        hint = "Create it, or set create_namespace"
        raise InputError("it does not exist", option="namespace", subject=subject, hint=hint)
    metadata = (namespace or {}).get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        hint = "Run again when it is gone"
        raise InputError("it is being deleted", option="namespace", subject=subject, hint=hint)
    labels = {**(metadata.get("labels") or {}), **spec.namespace_labels}
    pss.check_namespace(spec, {"metadata": {"labels": labels}})


def check_account(client: KubeClient, spec: ServerSpec) -> None:
    """Refuse a given ServiceAccount that does not exist: no pod could be created.

    Raises:
        InputError: names it.
    """
    name = spec.security.service_account
    if name and client.get("v1", "ServiceAccount", name, spec.namespace) is None:
        raise InputError(
            "it does not exist",
            option="service_account",
            subject=f"ServiceAccount {spec.namespace}/{name}",
            hint="Create it, or leave the option out to have one made",
        )


def check_claim(spec: ServerSpec, store: PvcStore, claim: Optional[Mapping[str, Any]]) -> None:
    """Refuse a claim that is missing, lost, on its way out, or too narrow.

    Raises:
        InputError: see above.
    """
    subject = f"PersistentVolumeClaim {store.namespace}/{store.claim_name}"

    def refuse(message: str, hint: str) -> InputError:
        return InputError(message, option="pvc.claim_name", subject=subject, hint=hint)

    if claim is None:
        raise refuse("it does not exist", "Create it, or name another claim")
    if claim["metadata"].get("deletionTimestamp"):
        raise refuse("it is being deleted", "Name another claim")
    if (claim.get("status") or {}).get("phase") == "Lost":
        raise refuse("its volume is gone (phase Lost)", "Restore the volume, or name another claim")
    modes = live.facts_of(dict(claim)).access_modes or ()
    cache.check_modes(spec.cache, modes, subject)
    most = spec.running.scaling.most(spec.replicas)
    if "ReadWriteOncePod" in modes and most > 1:
        raise refuse(
            f"its access mode ReadWriteOncePod lets one pod use it, replicas is {most}",
            "Set replicas to 1, or use a claim with ReadWriteMany or ReadOnlyMany",
        )


def _check_binding(client: KubeClient, store: PvcStore, claim: Mapping[str, Any]) -> None:
    """Refuse an unbound claim that no scheduling will bind.

    Raises:
        InputError: it names no class, or a class that does not exist, and no volume is bound.
    """
    spec = claim.get("spec") or {}
    if (claim.get("status") or {}).get("phase") == "Bound" or spec.get("volumeName"):
        return
    if is_planned(claim) and spec.get("storageClassName") is None:
        return  # the cluster's default class comes with the claim
    name = spec.get("storageClassName") or ""
    found = live.Known(True, None)
    if name:
        found = live.get_if_allowed(client, "storage.k8s.io/v1", "StorageClass", name)
    if found.readable and found.item is None:
        message = f"its StorageClass '{name}' does not exist" if name else "it has no StorageClass"
        raise InputError(
            f"it is not bound to a volume, and {message}",
            option="pvc.claim_name",
            subject=f"PersistentVolumeClaim {store.namespace}/{store.claim_name}",
            hint="Create a matching PersistentVolume, or a claim with a StorageClass that exists",
        )


def _warn_replicas(
    spec: ServerSpec, store: PvcStore, claim: Mapping[str, Any], runtime: Runtime
) -> None:
    modes = live.facts_of(dict(claim)).access_modes
    scaling = spec.running.scaling
    most = scaling.most(spec.replicas)
    if (
        scaling.per_node
        and not store.local
        and modes in (("ReadWriteOnce",), ("ReadWriteOncePod",))
    ):
        runtime.warn(
            f"workload is DaemonSet, but PersistentVolumeClaim {store.namespace}/"
            f"{store.claim_name} is {modes[0]}: only the pods on one node can start"
        )
    elif most > 1 and modes == ("ReadWriteOnce",):
        runtime.warn(
            f"replicas is {most}, but PersistentVolumeClaim {store.namespace}/"
            f"{store.claim_name} is ReadWriteOnce: all replicas can only run on one node"
        )


def _check_priority(client: KubeClient, spec: ServerSpec) -> None:
    """Refuse a PriorityClass that does not exist: no pod could be created.

    Raises:
        InputError: names it.
    """
    name = spec.running.pod.priority_class
    if not name:
        return
    found = live.get_if_allowed(client, "scheduling.k8s.io/v1", "PriorityClass", name)
    if found.readable and found.item is None:
        raise InputError(
            "the cluster has no such PriorityClass",
            option="priority_class",
            subject=f"PriorityClass {name}",
            hint="Create it, or leave the option out",
        )


def check_nodes(store: HostPathStore, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse node names that do not exist and selectors that match no node.

    Raises:
        InputError: names what is there.
    """
    names = sorted(str(node["metadata"]["name"]) for node in nodes)
    for node in store.nodes:
        if node not in names:
            raise InputError(
                "the cluster has no such node",
                option="host_path.nodes",
                subject=f"Node {node}",
                hint=f"Its nodes are {', '.join(names)}",
            )
    wanted = dict(store.node_selector)
    if wanted and not any(_matches(node, wanted) for node in nodes):
        text = ",".join(f"{key}={value}" for key, value in store.node_selector)
        raise InputError(
            f"no node has the labels {text}",
            option="host_path.node_selector",
            hint="Label the nodes that hold the models, or name them in host_path.nodes",
        )


def _matches(node: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())
