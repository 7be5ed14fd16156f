# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory on nodes as a volume that every Pod Security level admits: C(pvc.local).

A PersistentVolume of type C(local) with node affinity, reserved for one claim, and that claim.
The volume is retained when the claim goes; removing both is the administrator's decision.
"""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import ForbiddenError, InputError
from ...kube.apply import CREATED, UPDATED, Change
from ...kube.client import Access, KubeClient
from ...kube.diffs import clean
from ...kube.planned import is_planned
from ...store import MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL, LocalVolume, PvcStore
from ..transport.helper_job import HOSTNAME_LABEL, hostname_selector
from . import nodes as node_rules
from .volumes import hostnames_in

# Names of volumes are DNS subdomains of at most 253 characters; most of it is for people.
READABLE = 200
Object = Dict[str, Any]


def making_access(store: PvcStore) -> List[Access]:
    """Return the rights to make volume and claim, and to see that they are right."""
    volumes = [Access(verb, "", "persistentvolumes") for verb in ("get", "create", "patch")]
    claim = Access("create", "", "persistentvolumeclaims", namespace=store.namespace)
    return [*volumes, claim, Access("list", "", "nodes")]


def volume_name(store: PvcStore) -> str:
    """Return the name of the volume: the same claim always has the same."""
    text = f"{store.namespace}/{store.claim_name}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    readable = text.replace("/", "-")[:READABLE].rstrip("-.")
    return f"openvino-edge-{readable}-{digest}"


def _modes(local: LocalVolume) -> List[str]:
    return ["ReadWriteMany" if len(local.nodes) > 1 else "ReadWriteOnce"]


def _labels() -> Dict[str, str]:
    return {MANAGED_BY_LABEL: MANAGED_BY, NAME_LABEL: "model-repository"}


def render_volume(store: PvcStore, local: LocalVolume, hostnames: Sequence[str]) -> Object:
    """Return the PersistentVolume; C(hostnames) are the values of the nodes' hostname labels."""
    where = {"key": HOSTNAME_LABEL, "operator": "In", "values": sorted(hostnames)}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": store.namespace,
        "name": store.claim_name,
    }
    spec = {
        "capacity": {"storage": local.capacity},
        "accessModes": _modes(local),
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": local.storage_class,
        "volumeMode": "Filesystem",
        "local": {"path": local.path},
        "claimRef": claim,
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [where]}]}},
    }
    meta = {"name": volume_name(store), "labels": _labels()}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}


def render_claim(store: PvcStore, local: LocalVolume) -> Object:
    """Return the PersistentVolumeClaim."""
    spec = {
        "accessModes": _modes(local),
        "resources": {"requests": {"storage": local.capacity}},
        # An empty class is one too: without the field the cluster's default would be taken.
        "storageClassName": local.storage_class,
        "volumeMode": "Filesystem",
        "volumeName": volume_name(store),
    }
    meta = {"name": store.claim_name, "namespace": store.namespace, "labels": _labels()}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def ensure(
    client: KubeClient,
    store: PvcStore,
    local: LocalVolume,
    tolerations: Sequence[Mapping[str, Any]],
    *,
    check_mode: bool,
) -> List[Change]:
    """Make volume and claim unless they are there, and return what changed.

    Raises:
        InputError: what is there is not ours, or is another directory; a node cannot be used.
        ForbiddenError: a right is missing, or a quota refuses the claim.
    """
    claim = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
    if is_planned(claim):
        claim = None  # by this very task
    check_claim(store, claim)
    hostnames = _hostnames(client, local, tolerations)
    wanted = render_volume(store, local, hostnames)
    try:
        volume = client.get("v1", "PersistentVolume", volume_name(store))
    except ForbiddenError:
        if claim is not None:
            return []  # bound to a volume with the right name; no right to read more
        raise
    check_volume(store, wanted, volume)
    return _make(client, store, local, (wanted, volume), claim, check_mode)


def _make(
    client: KubeClient,
    store: PvcStore,
    local: LocalVolume,
    volumes: Tuple[Object, Optional[Object]],
    claim: Optional[Object],
    check_mode: bool,
) -> List[Change]:
    wanted, volume = volumes
    missing = [] if volume else [wanted]
    missing += [] if claim else [render_claim(store, local)]
    freed = volume is not None and claim is None and _was_used(volume)
    if not missing and not freed:
        return []
    _check_rights(client, store, missing, freed)
    # A dry run lets quotas and other admission refuse the objects before any is created.
    predicted = [_create(client, item, dry_run=True) for item in missing]
    changes = [_free(client, volume, check_mode)] if freed and volume else []
    if check_mode:
        return changes + predicted
    return changes + [_create(client, item, dry_run=False) for item in missing]


def _check_rights(
    client: KubeClient, store: PvcStore, missing: Sequence[Object], freed: bool
) -> None:
    verbs = [("create", item["kind"]) for item in missing]
    verbs += [("patch", "PersistentVolume")] if freed else []
    wanted = [
        Access(verb, "", "persistentvolumes")
        if kind == "PersistentVolume"
        else Access(verb, "", "persistentvolumeclaims", namespace=store.namespace)
        for verb, kind in verbs
    ]
    denied = client.denied(wanted)
    if denied:
        names = [str(item) for item in denied]
        raise ForbiddenError(
            f"the account lacks rights: {'; '.join(names)}",
            option="pvc.local",
            hint="Grant them (role openvino-edge-volume-admin in roles/preflight/files/rbac.yml),"
            " or let an administrator run this task once",
            details={"missing": names},
        )


def _hostnames(
    client: KubeClient, local: LocalVolume, tolerations: Sequence[Mapping[str, Any]]
) -> List[str]:
    """Return the values of the nodes' hostname labels.

    Raises:
        InputError: a node is not there or cannot run the helper.
    """
    known = node_rules.read_nodes(client)
    if known is None:
        return list(local.nodes)  # the hostname label nearly always equals the node's name
    chosen = node_rules.named_nodes(local.nodes, known, "pvc.local.nodes")
    node_rules.refuse_faults(chosen, tolerations, "pvc.local.nodes")
    return [dict(hostname_selector(node))[HOSTNAME_LABEL] for node in chosen]


def check_claim(store: PvcStore, claim: Optional[Object]) -> None:
    """Refuse a claim of that name that is not for our volume.

    Raises:
        InputError: see above.
    """
    if claim is None:
        return
    if claim["metadata"].get("deletionTimestamp"):
        raise InputError(
            f"{store} is being deleted",
            option="pvc.claim_name",
            hint="Run again when it is gone",
        )
    volume = (claim.get("spec") or {}).get("volumeName")
    if volume == volume_name(store):
        return
    has = f"has the volume {volume}" if volume else "waits for another volume"
    raise InputError(
        f"{store} is there already and {has}, not a local volume made by this module",
        option="pvc.local",
        hint="Leave pvc.local out to use the claim as it is, or choose another pvc.claim_name",
    )


def check_volume(store: PvcStore, wanted: Object, volume: Optional[Object]) -> None:
    """Refuse a volume that is not ours, or is another directory; a volume's source never changes.

    Raises:
        InputError: names what differs.
    """
    if volume is None:
        return
    name = volume["metadata"]["name"]
    subject = f"PersistentVolume {name}"
    if (volume["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) != MANAGED_BY:
        raise InputError(
            "it exists and was not made by this collection",
            option="pvc.local",
            subject=subject,
            hint="Delete it, or choose another pvc.claim_name",
        )
    if volume["metadata"].get("deletionTimestamp"):
        hint = "Run again when it is gone; a claim that still uses it keeps it"
        raise InputError("it is being deleted", option="pvc.local", subject=subject, hint=hint)
    differs = _differences(wanted["spec"], volume.get("spec") or {})
    if differs:
        raise InputError(
            f"it is there for {store}, but with {'; '.join(differs)}",
            option="pvc.local",
            subject=subject,
            hint="Give the options it was made with; for another directory choose another"
            " pvc.claim_name, or delete claim and volume first (the files stay)",
        )


def _differences(wanted: Object, there: Object) -> List[str]:
    found = []
    for what, read in (("path", _path_of), ("nodes", _nodes_of), ("storage_class", _class_of)):
        want, have = read(wanted), read(there)
        if want != have:
            found.append(f"{what} {have or 'none'} instead of {want or 'none'}")
    claims = [
        {key: (item.get("claimRef") or {}).get(key) for key in ("namespace", "name")}
        for item in (wanted, there)
    ]
    if claims[0] != claims[1]:
        found.append(f"the claim {claims[1]['namespace']}/{claims[1]['name']}")
    return found


def _path_of(spec: Object) -> str:
    return str((spec.get("local") or {}).get("path") or "")


def _class_of(spec: Object) -> str:
    return str(spec.get("storageClassName") or "")


def _nodes_of(spec: Object) -> str:
    return ", ".join(hostnames_in(spec))


def _was_used(volume: Object) -> bool:
    return bool(((volume.get("spec") or {}).get("claimRef") or {}).get("uid"))


def _create(client: KubeClient, item: Object, *, dry_run: bool) -> Change:
    meta = item["metadata"]
    # Nothing can be tried out in a namespace that a run would only make.
    untried = dry_run and client.lacks_namespace(meta.get("namespace"))
    made = item if untried else client.create(item, dry_run=dry_run)
    return Change(item["kind"], meta["name"], meta.get("namespace"), CREATED, None, clean(made))


def _free(client: KubeClient, volume: Object, check_mode: bool) -> Change:
    """Give a volume whose claim was deleted to the new claim of that name."""
    name = volume["metadata"]["name"]
    body = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
    now = client.patch("v1", "PersistentVolume", name, None, body, dry_run=check_mode)
    return Change("PersistentVolume", name, None, UPDATED, clean(volume), clean(now))
