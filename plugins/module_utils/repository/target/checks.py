# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks before the first byte: rights, the claim or the nodes, and Pod Security admission."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from ...errors import EdgeError, ForbiddenError
from ...kube.apply import Change
from ...kube.client import Access, KubeClient
from ...kube.planned import is_planned
from ...kube.types import PORTFORWARD
from ...store import HostPathStore, PvcStore, Store
from ..content.users import namespace_ids
from ..options.helper import HelperOptions
from ..transport.base import Target
from ..transport.helper_job import hostname_selector
from ..usage.in_use import usage_access
from . import local_volume
from .claims import NoStore
from .nodes import choose_nodes, refuse_others
from .volumes import Wishes, claim_targets

__all__ = ["NoStore", "Prepared", "choose_transport", "find_targets", "prepare"]

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
RBAC_HINT = "Grant them; the rules are in roles/preflight/files/rbac.yml of this collection"
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


def guard_access(store: Store, options: HelperOptions) -> List[Access]:
    """Return the rights to keep others away from helpers, where a task asks for that."""
    if not options.allow_from:
        return []
    group = "networking.k8s.io"
    return [Access("create", group, "networkpolicies", namespace=store.namespace)]


def store_access(store: Store) -> List[Access]:
    """Return the rights to make the store, where a task asks for that (C(pvc.local))."""
    local = store.local if isinstance(store, PvcStore) else None
    if not isinstance(store, PvcStore) or local is None:
        return []
    wanted = local_volume.making_access(store)
    if local.create_directory_in:
        wanted += common_access(HostPathStore(local.create_directory_in, local.path))
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
    """Return the rights to find out which versions are in use, before any is removed."""
    return usage_access(store)


def choose_transport(
    client: KubeClient,
    store: Store,
    transport: str,
    extra: Sequence[Access],
    warn: Callable[[str], None],
) -> str:
    """Return the transport that the rights allow; C(auto) falls back to C(exec) if they require it.

    Raises:
        ForbiddenError: names every missing right.
    """
    own = exec_access(store) if transport == "exec" else agent_access(store)
    missing = client.denied([*common_access(store), *extra, *own])
    # The client may turn a right for the proxy into those of another carrier.
    mine = {item.subresource for item in own} | {PORTFORWARD}
    only_own = bool(missing) and all(item.subresource in mine for item in missing)
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


@dataclass(frozen=True)
class Prepared:
    """The targets, and the objects that were created for them (in check mode: would be).

    Attributes:
        targets: one for a volume, one for each chosen node.
        changes: of volume and claim (C(pvc.local)).
    """

    targets: List[Target]
    changes: Tuple[Change, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether something was made."""
        return any(change.changed for change in self.changes)


def prepare(
    client: KubeClient,
    store: Store,
    helper: HelperOptions,
    *,
    check_mode: bool = False,
    absent: bool = False,
) -> Prepared:
    """Return where the files go, after making the local volume that C(pvc.local) asks for.

    Args:
        client: of the cluster.
        store: with or without C(local).
        helper: who the helpers are and where they may run.
        check_mode: make nothing.
        absent: only something that is there will be removed: make nothing.

    Raises:
        EdgeError: as C(find_targets); C(details["changed"]) tells that something was made.
    """
    local = store.local if isinstance(store, PvcStore) else None
    changes: List[Change] = []
    if isinstance(store, PvcStore) and local and not absent:
        _check_level(_namespace(client, store.namespace), store, helper.uid == 0)
        if local.create_directory_in:
            _check_maker(client, local.create_directory_in, local.path)
        changes = local_volume.ensure(
            client, store, local, helper.tolerations, check_mode=check_mode
        )
        if changes and check_mode:
            return Prepared(_future_targets(store, local.nodes), tuple(changes))
    try:
        targets = find_targets(
            client,
            store,
            helper.tolerations,
            uid=helper.uid,
            gid=helper.gid,
            node_selector=helper.node_selector,
        )
    except EdgeError as error:
        if changes:
            error.details.setdefault("changed", True)
            error.details.setdefault("done", [str(change) for change in changes])
        raise
    return Prepared(targets, tuple(changes))


def _future_targets(store: PvcStore, nodes: Sequence[str]) -> List[Target]:
    """Return the targets of a claim that a run would make and check mode does not."""
    if len(nodes) == 1:
        return [Target(store, None, (), True)]
    return [Target(store, node, (), True) for node in nodes]


def _check_maker(client: KubeClient, name: str, path: str) -> None:
    """Refuse C(create_directory_in) if that namespace does not admit hostPath volumes.

    Raises:
        NoStore: it is not there.
        ForbiddenError: it does not admit hostPath volumes.
    """
    try:
        _check_level(_namespace(client, name), HostPathStore(name, path), True)
    except EdgeError as error:
        error.option = "pvc.local.create_directory_in"
        raise


def find_targets(
    client: KubeClient,
    store: Store,
    tolerations: Sequence[Object],
    *,
    uid: Optional[int] = None,
    gid: Optional[int] = None,
    node_selector: Sequence[Tuple[str, str]] = (),
) -> List[Target]:
    """Return where the files go: one target for a volume, one for each chosen node.

    Raises:
        InputError: the claim or a node is missing or cannot take files.
        WaitError: one pod may use the claim, and another one does.
        ForbiddenError: the namespace's Pod Security level refuses the helper.
    """
    namespace = _namespace(client, store.namespace)
    if isinstance(store, PvcStore):
        _check_level(namespace, store, uid == 0)
        ids = namespace_ids(client, namespace, uid, gid)
        found = claim_targets(client, store, Wishes(tolerations, tuple(node_selector)))
        return [replace(target, ids=ids) for target in found]
    _check_level(namespace, store, True)
    nodes, _version = client.list("v1", "Node", label_selector=_selector_text(store))
    chosen = choose_nodes(store, nodes, tolerations)
    refuse_others(chosen, node_selector)
    unseen = is_planned(namespace)
    return [
        Target(store, str(node["metadata"]["name"]), hostname_selector(node), unseen)
        for node in chosen
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
            " volume over the same directory; pvc.local makes it)",
        )
    if level == "restricted":
        raise ForbiddenError(
            f"namespace {store.namespace} is labelled {ENFORCE_LABEL}={level}, which forbids uid 0",
            option="uid",
        )


def _selector_text(store: HostPathStore) -> Optional[str]:
    return ",".join(f"{key}={value}" for key, value in store.node_selector) or None


def _words(missing: Sequence[Access]) -> str:
    return "; ".join(str(item) for item in missing)
