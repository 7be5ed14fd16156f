# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the live objects of a server, and the objects that it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ...store import PvcStore
from ..plan.adoption import ADOPTABLE, is_adopted
from ..plan.diff import Key, by_key, key_of
from ..render import kinds
from ..render.facts import ClusterFacts
from ..render.identity import Object, owner_selector, pod_selector_text
from ..render.objects import render_namespace
from ..spec.server import ServerSpec


def read_objects(
    client: KubeClient, namespace: str, name: str, wanted: Sequence[kinds.Kind] = ()
) -> Dict[Key, Object]:
    """Return every object of one server, one list request per kind.

    Args:
        client: of the cluster.
        namespace: of the server.
        name: of the server.
        wanted: kinds that not every server has and this one is to have. Of the others, those that
            an earlier run made are looked for, and all of them, where allowed, when the record of
            that is gone with the Service.

    Raises:
        InputError: the cluster does not serve a wanted kind.
    """
    selector = owner_selector(name)
    found: List[Object] = []
    for api_version, kind in kinds.ALWAYS:
        found.extend(client.list(api_version, kind, namespace, label_selector=selector)[0])
    made = kinds.recorded(found)
    lost = bool(found) and not made and not any(item["kind"] == "Service" for item in found)
    for api_version, kind in kinds.SOMETIMES:
        needed = (api_version, kind) in wanted
        if not needed and kind not in made and not lost:
            continue
        try:
            items, _version = client.list(api_version, kind, namespace, label_selector=selector)
        except ForbiddenError:
            if needed or kind in made:
                raise
        except ApiError as error:
            refuse_unserved(error, kind, needed=needed)
        else:
            found.extend(items)
    # An object with an owner reference is managed by its owner, whatever labels it has.
    return by_key(item for item in found if not item["metadata"].get("ownerReferences"))


def read_adopted(client: KubeClient, namespace: str, name: str) -> List[Object]:
    """Return the adopted objects of one server, also those that their former owner has overwritten.

    A chart sets the label by which the collection tells its own objects, so an upgrade by force
    takes it away. The server's label and the record of the adoption stay.
    """
    found: List[Object] = []
    for api_version, kind in kinds.ALWAYS:
        if kind in ADOPTABLE:
            selector = pod_selector_text(name)
            found += client.list(api_version, kind, namespace, label_selector=selector)[0]
    return [
        item for item in found if is_adopted(item) and not item["metadata"].get("ownerReferences")
    ]


def refuse_unserved(error: ApiError, kind: str, *, needed: bool) -> None:
    """Raise for a wanted kind that the cluster does not serve; such a kind has no leftovers.

    Raises:
        InputError: with the option that asks for the kind.
        ApiError: the error itself, where it says something else.
    """
    if error.status != 404:
        raise error
    if needed:
        option = kinds.OPTIONS.get(kind)
        instead = "use backend: manifests" if option == "backend" else "leave the option out"
        hint = f"Install what brings this kind (its CRD), or {instead}"
        way_out = kinds.WAYS_OUT.get(kind, hint)
        raise InputError(f"the cluster has no {kind}", option=option, hint=way_out) from error


def read_pods(client: KubeClient, namespace: str, name: str) -> Tuple[List[Object], str]:
    """Return the pods of one server and the version to watch them from."""
    return client.list("v1", "Pod", namespace, label_selector=pod_selector_text(name))


def read_claim(client: KubeClient, spec: ServerSpec) -> Optional[Object]:
    """Return the store's PersistentVolumeClaim, None when there is none."""
    if not isinstance(spec.store, PvcStore):
        return None
    return client.get("v1", "PersistentVolumeClaim", spec.store.claim_name, spec.namespace)


def facts_of(claim: Optional[Object]) -> ClusterFacts:
    """Return the facts for rendering; for a bound claim these are its volume's access modes."""
    if claim is None:
        return ClusterFacts()
    bound = (claim.get("status") or {}).get("accessModes")
    asked = (claim.get("spec") or {}).get("accessModes")
    return ClusterFacts(tuple(bound or asked or ()))


def refuse_foreign(client: KubeClient, missing: Sequence[Object]) -> None:
    """Refuse to take over objects that have a wanted name and another owner.

    Raises:
        InputError: names the object and how to hand it over.
    """
    for item in missing:
        metadata = item["metadata"]
        live = client.get(item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])
        if live is None:
            continue
        raise InputError(
            "it exists and belongs to someone else",
            option="name",
            subject=f"{key_of(item)[0]} {metadata['namespace']}/{metadata['name']}",
            hint="Take it over with adopt: true, choose another name, or delete it",
        )


@dataclass(frozen=True)
class Known:
    """An object that the account may not be allowed to read; C(item) is None when it is missing."""

    readable: bool
    item: Optional[Object]


def get_if_allowed(client: KubeClient, api_version: str, kind: str, name: str) -> Known:
    """Return a cluster-scoped object; a missing right to read it is no error."""
    try:
        return Known(True, client.get(api_version, kind, name))
    except ForbiddenError:
        return Known(False, None)


def namespace_to_send(spec: ServerSpec, namespace: Known) -> List[Object]:
    """Return the namespace if it has to be made, or lacks a label that is asked for."""
    if not spec.create_namespace or not namespace.readable:
        return []
    labels = ((namespace.item or {}).get("metadata") or {}).get("labels") or {}
    lacking = [key for key, value in spec.namespace_labels.items() if labels.get(key) != value]
    return [render_namespace(spec)] if namespace.item is None or lacking else []


def list_if_allowed(client: KubeClient, api_version: str, kind: str) -> Optional[List[Any]]:
    """Return all objects of a cluster-wide kind, None when the account may not see them."""
    try:
        return client.list(api_version, kind)[0]
    except ForbiddenError:
        return None
