# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the first byte: rights, the claim or the nodes, and what admission will say."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import Target
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.job import (
    hostname_selector,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    AGENT_LABEL,
    HostPathStore,
    PvcStore,
    Store,
)

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
RBAC_HINT = "Grant them; the rules are in roles/preflight/files/rbac.yml of this collection"
BIND_SECONDS = 15.0  # for a claim whose class binds at once
Object = Mapping[str, Any]


def common_access(store: Store) -> List[Access]:
    """Return the rights that every transport needs."""
    namespace = store.namespace
    wanted = [
        Access("create", "batch", "jobs", namespace=namespace),
        Access("delete", "batch", "jobs", namespace=namespace),
        Access("create", "", "configmaps", namespace=namespace),
        Access("list", "", "pods", namespace=namespace),
        Access("watch", "", "pods", namespace=namespace),
        Access("list", "", "events", namespace=namespace),
    ]
    if isinstance(store, PvcStore):
        wanted.append(Access("get", "", "persistentvolumeclaims", namespace=namespace))
    else:
        wanted.append(Access("list", "", "nodes"))
    return wanted


def agent_access(store: Store) -> List[Access]:
    """Return the rights of the agent transport: POST is create, PUT is update."""
    return [
        Access(verb, "", "pods", "proxy", namespace=store.namespace)
        for verb in ("create", "update")
    ]


def exec_access(store: Store) -> List[Access]:
    """Return the rights of the exec transport.

    A WebSocket is an HTTP GET, so servers before 1.35 check C(get), later ones C(create) too.
    """
    return [
        Access(verb, "", "pods", "exec", namespace=store.namespace) for verb in ("get", "create")
    ]


def removal_access(store: Store) -> List[Access]:
    """Return the rights to find out which servers name a version."""
    return [
        Access("list", "apps", "deployments", namespace=store.namespace),
        Access("get", "", "configmaps", namespace=store.namespace),
    ]


def choose_transport(
    client: KubeClient,
    store: Store,
    transport: str,
    extra: Sequence[Access],
    warn: Callable[[str], None],
) -> str:
    """Return the transport that the rights allow; C(auto) gives way to C(exec) when they say so.

    Raises:
        ForbiddenError: names every missing right.
    """
    own = exec_access(store) if transport == "exec" else agent_access(store)
    missing = client.denied([*common_access(store), *extra, *own])
    only_own = bool(missing) and all(item in own for item in missing)
    if only_own and transport == "auto" and not client.denied(exec_access(store)):
        warn(f"using the exec transport: missing rights for the agent: {_words(missing)}")
        return "exec"
    if missing:
        raise missing_rights(missing)
    return transport


def missing_rights(missing: Sequence[Access]) -> ForbiddenError:
    """Return the error that names rights."""
    return ForbiddenError(
        f"the account lacks rights: {_words(missing)}",
        hint=RBAC_HINT,
        details={"missing": [str(item) for item in missing]},
    )


class NoStore(InputError):
    """The namespace or the claim is not there."""


def find_targets(
    client: KubeClient, store: Store, tolerations: Sequence[Object], *, uid: int = 5000
) -> List[Target]:
    """Return where the files go: one target for a volume, one for each chosen node.

    Raises:
        InputError: the claim or a node is missing or cannot take files.
        ForbiddenError: the namespace's Pod Security level refuses the helper.
    """
    namespace = _namespace(client, store.namespace)
    if isinstance(store, PvcStore):
        _check_level(namespace, store, uid == 0)
        return [_pvc_target(client, store)]
    _check_level(namespace, store, True)
    nodes, _version = client.list("v1", "Node", label_selector=_selector_text(store))
    chosen = choose_nodes(store, nodes, tolerations)
    return [
        Target(store, str(node["metadata"]["name"]), hostname_selector(node)) for node in chosen
    ]


def _namespace(client: KubeClient, name: str) -> Optional[Object]:
    try:
        found = client.get("v1", "Namespace", name)
    except ForbiddenError:
        return None
    if found is None:
        raise NoStore(
            f"namespace {name} does not exist", option="namespace", hint="Create it first"
        )
    return found


def _check_level(namespace: Optional[Object], store: Store, privileged: bool) -> None:
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    level = labels.get(ENFORCE_LABEL, "privileged")
    if not privileged or level == "privileged":
        return
    if isinstance(store, HostPathStore):
        raise ForbiddenError(
            f"namespace {store.namespace} is labelled {ENFORCE_LABEL}={level}, which forbids"
            " hostPath volumes",
            option="host_path",
            hint=f"Use a namespace labelled {ENFORCE_LABEL}=privileged, or a pvc store (a local"
            " volume over the same directory)",
        )
    if level == "restricted":
        raise ForbiddenError(
            f"namespace {store.namespace} is labelled {ENFORCE_LABEL}={level}, which forbids uid 0",
            option="uid",
        )


def _pvc_target(client: KubeClient, store: PvcStore) -> Target:
    claim = _bound_claim(client, store)
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    modes = list(status.get("accessModes") or spec.get("accessModes") or ())
    if modes and not any(mode.startswith("ReadWrite") for mode in modes):
        raise InputError(
            f"{store} has only the access mode {', '.join(modes)}, so nothing can be written to it",
            option="pvc.claim_name",
            hint="Write through a claim with ReadWriteOnce or ReadWriteMany",
        )
    if spec.get("volumeMode") == "Block":
        raise InputError(f"{store} is a block device, not a file system", option="pvc.claim_name")
    unbound = status.get("phase") != "Bound"
    selector = () if unbound else _user_selector(client, store, modes)
    return Target(store, None, selector, unbound)


def _bound_claim(client: KubeClient, store: PvcStore) -> Object:
    """Return the claim, bound or waiting for its first pod."""
    end = time.monotonic() + BIND_SECONDS
    while True:
        claim = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
        if claim is None:
            raise NoStore(
                f"{store} does not exist", option="pvc.claim_name", hint="Create it first"
            )
        if claim["metadata"].get("deletionTimestamp"):
            raise InputError(f"{store} is being deleted", option="pvc.claim_name")
        phase = str((claim.get("status") or {}).get("phase") or "Pending")
        if phase == "Bound" or (phase == "Pending" and _waits_for_pod(client, claim)):
            return claim
        if phase == "Lost" or time.monotonic() > end:
            raise _unbound(store, claim, phase)
        time.sleep(1)


def _waits_for_pod(client: KubeClient, claim: Object) -> bool:
    name = (claim.get("spec") or {}).get("storageClassName")
    if not name:
        return False
    try:
        found = client.get("storage.k8s.io/v1", "StorageClass", name)
    except ForbiddenError:
        return True  # the scheduler will tell
    return (found or {}).get("volumeBindingMode") == "WaitForFirstConsumer"


def _unbound(store: PvcStore, claim: Object, phase: str) -> InputError:
    name = (claim.get("spec") or {}).get("storageClassName")
    where = f"its StorageClass {name}" if name else "that it names no StorageClass"
    return InputError(
        f"{store} is {phase}, not Bound",
        option="pvc.claim_name",
        hint=f"No volume fits it: look at {where}, its size and access modes",
    )


def _user_selector(
    client: KubeClient, store: PvcStore, modes: Sequence[str]
) -> Tuple[Tuple[str, str], ...]:
    """Place the helper on the node where a volume that one node may mount is in use."""
    if "ReadWriteMany" in modes:
        return ()
    users = [pod for pod in _pods_of_claim(client, store) if _node_of(pod)]
    if not users:
        return ()
    if "ReadWriteOncePod" in modes:
        raise WaitError(
            f"{store} is ReadWriteOncePod and in use by pod {users[0]['metadata']['name']}",
            hint="Scale that workload to zero first, or use ReadWriteOnce",
        )
    node = _node_of(users[0])
    try:
        found = client.get("v1", "Node", node)
    except (ForbiddenError, ApiError):
        found = None
    return hostname_selector(found or {"metadata": {"name": node}})


def _pods_of_claim(client: KubeClient, store: PvcStore) -> Iterable[Object]:
    pods, _version = client.list("v1", "Pod", store.namespace)
    for pod in pods:
        volumes = (pod.get("spec") or {}).get("volumes") or ()
        claims = {(item.get("persistentVolumeClaim") or {}).get("claimName") for item in volumes}
        ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        ours = AGENT_LABEL in (pod["metadata"].get("labels") or {})
        if store.claim_name in claims and not ended and not ours:
            yield pod


def _node_of(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _selector_text(store: HostPathStore) -> Optional[str]:
    return ",".join(f"{key}={value}" for key, value in store.node_selector) or None


def choose_nodes(
    store: HostPathStore, nodes: Sequence[Object], tolerations: Sequence[Object]
) -> List[Object]:
    """Return the nodes that get the files, sorted by name.

    Args:
        store: names and selector; with neither every node that takes pods is meant.
        nodes: of the cluster, those that fit the selector.
        tolerations: of the helper pods.

    Raises:
        InputError: a chosen node is missing, not ready, or refuses pods.
    """
    by_name: Dict[str, Object] = {str(node["metadata"]["name"]): node for node in nodes}
    missing = [name for name in store.nodes if name not in by_name]
    if missing:
        have = ", ".join(sorted(by_name)) or "none"
        what = " that fits node_selector" if store.node_selector else ""
        raise InputError(
            f"no node{what} is named {', '.join(missing)}",
            option="host_path.nodes",
            hint=f"Nodes there: {have}",
        )
    chosen = [by_name[name] for name in sorted(store.nodes or by_name)]
    if not store.nodes and not store.node_selector:
        chosen = [node for node in chosen if not node_fault(node, tolerations)]
    if not chosen:
        raise InputError(
            "no node fits" if store.node_selector else "no node takes pods",
            option="host_path.node_selector",
        )
    faults = [(node["metadata"]["name"], node_fault(node, tolerations)) for node in chosen]
    bad = [f"{name} {fault}" for name, fault in faults if fault]
    if bad:
        raise InputError(
            f"not every chosen node can be used: {'; '.join(bad)}",
            option="host_path.nodes",
            hint="Leave it out, repair it, or give tolerations",
        )
    return chosen


def node_fault(node: Object, tolerations: Sequence[Object]) -> Optional[str]:
    """Return why a node cannot run the helper, or C(None)."""
    for condition in (node.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            return "is not ready"
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") == "PreferNoSchedule":
            continue
        if not any(tolerates(item, taint) for item in tolerations):
            return f"has the taint {taint.get('key')}:{taint.get('effect')}"
    return None


def tolerates(toleration: Object, taint: Object) -> bool:
    """Return whether a toleration covers a taint (k8s.io/api core/v1 ToleratesTaint)."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint.get("effect"):
        return False
    if key and key != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def _words(missing: Sequence[Access]) -> str:
    return "; ".join(str(item) for item in missing)
