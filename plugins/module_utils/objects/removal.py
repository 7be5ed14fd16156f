# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes objects, except a namespace or claim that holds other people's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..errors import InputError
from ..kube.apply import UNCHANGED, Change, delete_objects
from ..kube.client import KubeClient
from ..kube.ownership import CLAIM, HOLDERS, NAMESPACE, is_own
from ..runtime import Runtime
from ..store import MANAGED_BY, MANAGED_BY_LABEL
from .contents import left_in, users_of

Object = Mapping[str, Any]
# How model_repository names the volumes of pvc.local.
LOCAL_VOLUMES = "openvino-edge-"
NOT_OURS = "it was not created by this collection, so others may have put their work there"


@dataclass(frozen=True)
class Candidate:
    """An object to be deleted; C(reason) tells why it must be kept, and is empty otherwise."""

    definition: Object
    live: Optional[Dict[str, Any]]
    reason: str = ""

    @property
    def name(self) -> str:
        """Return kind and name, for messages."""
        metadata = self.definition["metadata"]
        place = metadata.get("namespace")
        return f"{self.definition['kind']} {place + '/' if place else ''}{metadata['name']}"


def candidates(
    client: KubeClient, definitions: Sequence[Object], *, force: bool, check_mode: bool = False
) -> List[Candidate]:
    """Check every object before the first one is deleted; return them in the given order."""
    found: Dict[int, Candidate] = {}
    going: Dict[str, Set[Tuple[str, str]]] = {}
    # Namespaces are checked last: the other objects to be deleted do not count as their content.
    order = sorted(range(len(definitions)), key=lambda at: definitions[at]["kind"] == NAMESPACE)
    for position in order:
        definition = definitions[position]
        kind, metadata = str(definition["kind"]), definition["metadata"]
        name, namespace = str(metadata["name"]), str(metadata.get("namespace") or "")
        live = client.get(definition["apiVersion"], kind, name, namespace or None)
        reason = ""
        if live is not None and kind in HOLDERS and not force:
            item = {"kind": kind, **live}
            reason = _reason(client, item, going.get(name, set()), check_mode)
        if not reason:
            going.setdefault(namespace, set()).add((kind, name))
        found[position] = Candidate(definition, live, reason)
    return [found[position] for position in range(len(definitions))]


def _reason(client: KubeClient, live: Object, going: Set[Tuple[str, str]], check_mode: bool) -> str:
    metadata = live["metadata"]
    if metadata.get("deletionTimestamp"):
        return ""
    if not is_own(live) and not _is_local_claim(live):
        return NOT_OURS
    if live["kind"] == CLAIM:
        return users_of(client, metadata["namespace"], metadata["name"], check_mode)
    return left_in(client, metadata["name"], going, check_mode)


def _is_local_claim(live: Object) -> bool:
    """Tell whether C(pvc.local) created a claim; it never adopts an existing one."""
    volume = str((live.get("spec") or {}).get("volumeName") or "")
    labels = live["metadata"].get("labels") or {}
    ours = labels.get(MANAGED_BY_LABEL) == MANAGED_BY
    return live["kind"] == CLAIM and ours and volume.startswith(LOCAL_VOLUMES)


def remove(
    client: KubeClient,
    definitions: Sequence[Object],
    runtime: Runtime,
    *,
    force: bool,
    keep_foreign: bool,
) -> Tuple[List[Change], List[Object]]:
    """Delete objects in the given order; return the changes, and what is to be gone.

    Raises:
        InputError: a namespace or a claim has to stay, and neither C(force) nor C(keep_foreign)
            is set; nothing was deleted.
    """
    found = candidates(client, definitions, force=force, check_mode=runtime.check_mode)
    for item in found:
        if not item.reason:
            continue
        if not keep_foreign:
            raise InputError(
                item.reason,
                option="definitions",
                subject=item.name,
                hint="Take out what is in it, leave it out of definitions, or set force: true to"
                " delete it with all that it holds",
            )
        runtime.warn(f"{item.name} stays: {item.reason}")
    changes: List[Change] = []
    gone: List[Object] = []
    for item in found:
        if item.reason:
            changes.append(_kept(item))
        else:
            gone.append(item.definition)
            changes += delete_objects(client, [item.definition], check_mode=runtime.check_mode)
    return changes, gone


def _kept(item: Candidate) -> Change:
    metadata = item.definition["metadata"]
    kind, namespace = str(item.definition["kind"]), metadata.get("namespace")
    return Change(kind, str(metadata["name"]), namespace, UNCHANGED, None, None)
