# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings objects to their wanted state with server-side apply and tells what changed."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..errors import ApiError, ForbiddenError
from .client import FIELD_MANAGER, KubeClient
from .diffs import clean, shown_pair, to_yaml
from .ownership import HOLDERS, mark, was_created
from .planned import as_defined

CREATED, UPDATED, DELETED, UNCHANGED = "created", "updated", "deleted", "unchanged"

# Kinds that a server of this collection may own besides the kinds in the list to be applied.
PRUNE_KINDS: Tuple[Tuple[str, str], ...] = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "Deployment"),
)

# The namespace that every cluster has and that cannot be deleted, and the names tried out in it.
ALWAYS_THERE = "default"
TRIED = "openvino-edge-tried"

Object = Mapping[str, Any]


@dataclass
class Change:
    """The change of one object; in check mode, the change that a run would make.

    C(before) and C(after) are without status, managedFields, versions and times.
    """

    kind: str
    name: str
    namespace: Optional[str]
    action: str
    before: Optional[Dict[str, Any]]
    after: Optional[Dict[str, Any]]

    @property
    def changed(self) -> bool:
        """Whether the object differs from its former state, or in check mode would differ."""
        return self.action != UNCHANGED

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.action} {self.kind} {place}"


@dataclass(frozen=True)
class Ref:
    """Names an object."""

    api_version: str
    kind: str
    name: str
    namespace: Optional[str] = None


def apply_objects(
    client: KubeClient,
    objects: Sequence[Object],
    *,
    check_mode: bool,
    owner: Optional[Mapping[str, str]] = None,
    prune_kinds: Sequence[Tuple[str, str]] = PRUNE_KINDS,
    look: Optional[Callable[[Object, Optional[Object]], None]] = None,
) -> List[Change]:
    """Apply objects in their order; one GET and one PATCH each.

    Args:
        client: the cluster.
        objects: with apiVersion, kind and metadata.name.
        check_mode: the server validates and answers, and changes nothing. Objects of a namespace
            that is only planned, or is created by C(objects), count as created; their fields are
            validated in another namespace, but not what only their own one would refuse.
        owner: labels put on every object; other objects in the same namespaces that carry them
            all, and are no longer among C(objects), are deleted at the end.
        prune_kinds: where to look for objects that are no longer wanted, besides the kinds of
            C(objects).
        look: called with each object and the live one before it is applied; it may refuse.

    Raises:
        EdgeError: the first refusal; C(details["changed"]) tells whether anything was changed
            before.
    """
    labelled = [_with_labels(obj, owner or {}) for obj in objects]
    missing: Set[str] = set()
    if check_mode:
        names = {obj["metadata"].get("namespace") for obj in labelled}
        missing = {name for name in names if client.lacks_namespace(name)}
    changes: List[Change] = []
    for obj in labelled:
        try:
            change = _apply_one(client, obj, check_mode, missing, look)
        except ApiError as error:
            _note_progress(error, changes, check_mode)
            raise
        if check_mode and change.kind == "Namespace" and change.action == CREATED:
            missing.add(change.name)
        changes.append(change)
    if owner:
        changes += _prune(client, labelled, owner, prune_kinds, check_mode, missing)
    return changes


def _note_progress(error: ApiError, changes: Sequence[Change], check_mode: bool) -> None:
    done = [str(change) for change in changes if change.changed]
    if done and not check_mode:
        error.details.setdefault("changed", True)
        error.details.setdefault("done", done)


def _apply_one(
    client: KubeClient,
    obj: Object,
    check_mode: bool,
    missing: Set[str],
    look: Optional[Callable[[Object, Optional[Object]], None]],
) -> Change:
    meta = obj["metadata"]
    kind, name, namespace = obj["kind"], meta["name"], meta.get("namespace")
    if namespace in missing:
        _try_elsewhere(client, obj)
        return Change(kind, name, namespace, CREATED, None, clean(obj))
    live = client.get(obj["apiVersion"], kind, name, namespace)
    if look is not None:
        look(obj, live)
    before = None if live is None else clean(as_defined(live))
    answer = client.apply(obj, dry_run=check_mode)
    after = clean(answer)
    if before is None:
        action = CREATED
        if kind in HOLDERS and not check_mode and was_created(answer, FIELD_MANAGER):
            mark(client, {**answer, "apiVersion": obj["apiVersion"], "kind": kind})
    else:
        action = UNCHANGED if before == after else UPDATED
    return Change(kind, name, namespace, action, before, after)


def _try_elsewhere(client: KubeClient, obj: Object) -> None:
    """Let the API server judge the fields of an object whose namespace is not there.

    Raises:
        ApiError: it is invalid in any namespace.
    """
    meta = obj["metadata"]
    # No object has this name, so nothing that is there is compared or meant.
    name = f"{TRIED}-{uuid.uuid4().hex[:12]}"
    try:
        tried = {**obj, "metadata": {**meta, "namespace": ALWAYS_THERE, "name": name}}
        client.apply(tried, dry_run=True)
    except ApiError as error:
        if error.status not in (400, 422) and "schema" not in error.message:
            return
        error.message = error.message.replace(name, meta["name"])
        error.subject = f"apply {obj['kind']} {meta['namespace']}/{meta['name']}"
        raise
    except ForbiddenError:
        return  # rights, quotas and policies of that namespace mean nothing


def _with_labels(obj: Object, labels: Mapping[str, str]) -> Dict[str, Any]:
    labelled: Dict[str, Any] = copy.deepcopy(dict(obj))
    if labels:
        meta = labelled.setdefault("metadata", {})
        meta["labels"] = {**(meta.get("labels") or {}), **labels}
    return labelled


def _prune(
    client: KubeClient,
    wanted: Sequence[Object],
    owner: Mapping[str, str],
    prune_kinds: Sequence[Tuple[str, str]],
    check_mode: bool,
    missing: Set[str],
) -> List[Change]:
    kinds = {(obj["apiVersion"], obj["kind"]) for obj in wanted} | set(prune_kinds)
    kinds.discard(("v1", "Namespace"))
    namespaces = {name for name in map(_namespace, wanted) if name} - missing
    keep = {_identity(obj) for obj in wanted}
    selector = ",".join(f"{key}={value}" for key, value in sorted(owner.items()))
    refs = []
    for namespace in sorted(namespaces):
        for api_version, kind in sorted(kinds):
            if not client.resource(api_version, kind).namespaced:
                continue
            found = client.list(api_version, kind, namespace, label_selector=selector)[0]
            refs += [_ref(obj) for obj in found if _is_leftover(obj, keep)]
    return delete_objects(client, refs, check_mode=check_mode)


def _namespace(obj: Object) -> Optional[str]:
    """Return the namespace to search; for a Namespace object, that is the namespace itself."""
    meta = obj["metadata"]
    found: Optional[str] = meta["name"] if obj["kind"] == "Namespace" else meta.get("namespace")
    return found


def _is_leftover(obj: Object, keep: Set[Tuple[str, str, str]]) -> bool:
    """Tell whether to prune an object; one with an owner, such as a pod, is left to that owner."""
    meta = obj["metadata"]
    return not meta.get("ownerReferences") and _identity(obj) not in keep


def _identity(obj: Object) -> Tuple[str, str, str]:
    meta = obj["metadata"]
    return (str(obj["kind"]), str(meta.get("namespace")), str(meta["name"]))


def _ref(obj: Object) -> Ref:
    meta = obj["metadata"]
    return Ref(obj["apiVersion"], obj["kind"], meta["name"], meta.get("namespace"))


def delete_objects(client: KubeClient, refs: Sequence[Any], *, check_mode: bool) -> List[Change]:
    """Delete objects in the given order; those that are not there count as unchanged.

    Each delete request carries the uid that was read: an object that was recreated meanwhile gives
    a conflict. C(refs) are objects of type Ref, or mappings with apiVersion, kind and metadata.
    """
    return [_delete_one(client, _as_ref(ref), check_mode) for ref in refs]


def _as_ref(ref: Any) -> Ref:
    return ref if isinstance(ref, Ref) else _ref(ref)


def _delete_one(client: KubeClient, ref: Ref, check_mode: bool) -> Change:
    found = client.get(ref.api_version, ref.kind, ref.name, ref.namespace)
    gone = found is None or not client.delete(
        ref.api_version,
        ref.kind,
        ref.name,
        ref.namespace,
        uid=found["metadata"].get("uid"),
        dry_run=check_mode,
    )
    action = UNCHANGED if gone else DELETED
    before = None if gone else clean(found)
    return Change(ref.kind, ref.name, ref.namespace, action, before, None)


def render_diff(changes: Sequence[Change]) -> Dict[str, str]:
    """Return the changes in the form of Ansible's C(diff): two YAML texts, no value of a Secret."""
    real = [change for change in changes if change.changed]
    pairs = [shown_pair(change.before, change.after) for change in real]
    names = ", ".join(str(change) for change in real)
    return {
        "before_header": names,
        "after_header": names,
        "before": to_yaml([before for before, _after in pairs]),
        "after": to_yaml([after for _before, after in pairs]),
    }
