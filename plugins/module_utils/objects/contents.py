# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the objects in a namespace and the users of a claim: reasons not to delete them."""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterator, List, Mapping, Tuple

from ..errors import ApiError, EdgeError, ForbiddenError
from ..kube.client import METADATA_ONLY, KubeClient
from ..kube.kinds import Resource, group_path
from ..store import MANAGED_BY, MANAGED_BY_LABEL, SERVER_LABEL

Key = Tuple[str, str]

# Kinds that controllers create for objects that are checked anyway, and kinds of access control.
_ACCESSORIES = frozenset(
    ("Event", "Endpoints", "EndpointSlice", "ControllerRevision", "Role", "RoleBinding")
)
# Objects that Kubernetes, OpenShift and Istio create in every namespace.
_GIVEN = frozenset(
    (
        ("ConfigMap", "istio-ca-root-cert"),
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "openshift-service-ca.crt"),
        ("ServiceAccount", "builder"),
        ("ServiceAccount", "default"),
        ("ServiceAccount", "deployer"),
    )
)
_GIVEN_ACCOUNTS = frozenset(name for kind, name in _GIVEN if kind == "ServiceAccount")
_ACCOUNT_OF_SECRET = ("kubernetes.io/service-account.name", "openshift.io/internal-registry-auth")
# The label of objects that the Operator Lifecycle Manager copies into every namespace.
_COPY = "olm.copiedFrom"
_SHOWN = 5
_LIST_METADATA = METADATA_ONLY.replace("PartialObjectMetadata;", "PartialObjectMetadataList;")


def left_in(
    client: KubeClient, namespace: str, going: Collection[Key], check_mode: bool = False
) -> str:
    """Return in words what a namespace holds besides C(going), empty when it holds nothing.

    In check mode, earlier tasks have not removed the servers of this collection, so those are left
    out. Kinds that cannot be listed count as present. Only metadata is read, no value of a Secret.
    """
    left: List[str] = []
    unseen: List[str] = []
    try:
        resources = list(_resources(client, unseen))
    except ForbiddenError as error:
        return f"what is in it cannot be seen: {error.message}"
    for resource in resources:
        try:
            items = _list(client, resource, namespace)
        except ForbiddenError:
            unseen.append(resource.plural)
        except ApiError as error:
            if error.status not in (404, 405):
                unseen.append(resource.plural)
        else:
            left += [
                f"{resource.kind} {item['metadata']['name']}"
                for item in items
                if not _goes_along(resource.kind, item, going)
                and not (check_mode and _is_of_collection(item))
            ]
    parts = [f"it holds {_some(sorted(set(left)))}"] if left else []
    if unseen:
        parts.append(f"what it holds of {_some(sorted(set(unseen)))} cannot be seen")
    return ", and ".join(parts)


def _some(words: List[str]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _resources(client: KubeClient, unseen: List[str]) -> Iterator[Resource]:
    """Yield every kind whose objects live in a namespace and can be listed and deleted."""
    versions = ["v1"]
    groups = client.request_json("GET", "/apis", what="list the API groups")
    versions += [group["preferredVersion"]["groupVersion"] for group in groups.get("groups") or ()]
    for version in versions:
        try:
            found = client.request_json("GET", group_path(version), what=f"list {version}")
        except ApiError as error:
            # An aggregated API whose server does not answer.
            if error.status != 404:
                unseen.append(version)
            continue
        yield from _of_listing(version, found)


def _of_listing(version: str, listing: Mapping[str, Any]) -> Iterator[Resource]:
    for item in listing.get("resources") or ():
        usable = {"list", "delete"} <= set(item.get("verbs") or ())
        if not usable or not item.get("namespaced") or "/" in item["name"]:
            continue
        if item["kind"] not in _ACCESSORIES:
            yield Resource(version, item["kind"], item["name"])


def _list(client: KubeClient, resource: Resource, namespace: str) -> List[Dict[str, Any]]:
    """Return the metadata of all objects of a kind in a namespace."""
    items: List[Dict[str, Any]] = []
    page: List[Tuple[str, str]] = []
    while True:
        listing = client.request_json(
            "GET",
            resource.path(namespace),
            query=[("limit", "500"), *page],
            headers={"Accept": _LIST_METADATA},
            what=f"list {resource.kind} {namespace}",
        )
        items += listing.get("items") or ()
        more = (listing.get("metadata") or {}).get("continue")
        if not more:
            return items
        page = [("continue", more)]


def _goes_along(kind: str, item: Mapping[str, Any], going: Collection[Key]) -> bool:
    """Tell whether an object was not created by a user, or is already being deleted."""
    metadata = item["metadata"]
    if metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
        return True
    if _COPY in (metadata.get("labels") or {}):
        return True
    if kind == "Secret":
        notes = metadata.get("annotations") or {}
        if any(notes.get(key) in _GIVEN_ACCOUNTS for key in _ACCOUNT_OF_SECRET):
            return True
    return (kind, metadata["name"]) in _GIVEN or (kind, metadata["name"]) in going


def _is_of_collection(item: Mapping[str, Any]) -> bool:
    labels = item["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY_LABEL) == MANAGED_BY or SERVER_LABEL in labels


def users_of(client: KubeClient, namespace: str, claim: str, check_mode: bool = False) -> str:
    """Return in words which pods use a claim, empty when none does; see C(left_in)."""
    try:
        pods, _version = client.list("v1", "Pod", namespace)
    except EdgeError as error:
        if not isinstance(error, ForbiddenError):
            raise
        return f"who uses it cannot be seen: {error.message}"
    names = [
        str(pod["metadata"]["name"])
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and claim in _claims(pod)
        and not (check_mode and _is_of_collection(pod))
    ]
    return f"it is used by Pod {_some(sorted(names))}" if names else ""


def _claims(pod: Mapping[str, Any]) -> List[str]:
    volumes = pod["spec"].get("volumes") or ()
    return [
        str(volume["persistentVolumeClaim"].get("claimName"))
        for volume in volumes
        if volume.get("persistentVolumeClaim")
    ]
