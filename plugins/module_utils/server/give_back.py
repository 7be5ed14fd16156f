# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give adopted objects back as they were, and take what was added away."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.openvino.edge.plugins.module_utils.errors import ConflictError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    UPDATED,
    Change,
    delete_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import (
    FIELD_MANAGER,
    KubeClient,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.diffs import clean
from ansible_collections.openvino.edge.plugins.module_utils.kube.follow import Source
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.kube.wait import (
    judge_deployment,
    wait_for,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import kinds, live, preflight
from ansible_collections.openvino.edge.plugins.module_utils.server.adopt import JSON_PATCH
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import (
    Return,
    is_adopted,
    return_of,
    without_record,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.changes import real
from ansible_collections.openvino.edge.plugins.module_utils.server.deploy import (
    Outcome,
    Waiting,
    in_order,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import Object

# Controllers write the status of a Deployment in between.
_TRIES = 10


def give_back(
    client: KubeClient, namespace: str, name: str, runtime: Runtime, waiting: Waiting
) -> Outcome:
    """Put adopted objects back; remove the others of the server once no pod needs them.

    Raises:
        InputError, ForbiddenError: before anything is changed.
        WaitError: the former Deployment does not come up; nothing was removed yet.
    """
    current = live.read_objects(client, namespace, name)
    if not current:
        return Outcome()
    adopted = [item for item in current.values() if is_adopted(item)]
    others = [item for item in current.values() if not is_adopted(item)]
    if not adopted:
        raise InputError(
            "nothing of this server was adopted, so there is nobody to give it back to",
            option="state",
            subject=f"server {namespace}/{name}",
            hint="Use state: absent to remove it",
        )
    extra = kinds.optional(others)
    rights = preflight.access_for_removal(namespace, wait=waiting.wait, extra=extra)
    group_names = [kinds.resource((item["apiVersion"], item["kind"])) for item in adopted]
    rights += [Access("patch", *group_name, namespace=namespace) for group_name in group_names]
    preflight.check_rights(client, rights)
    order = kinds.ORDER.index
    adopted.sort(key=lambda item: order(item["kind"]))
    check = runtime.check_mode
    if not check:
        for item in adopted:
            _patch(client, item, return_of(item), dry_run=True)
    changes: List[Change] = []
    for item in adopted:
        changes.append(_return(client, item, check))
        if item["kind"] == "Deployment" and waiting.wait and not check:
            _wait(client, namespace, name, waiting.timeout, runtime)
    doomed = kinds.for_removal(others)
    changes += delete_objects(client, doomed, check_mode=check)
    return Outcome(in_order([real(change) for change in changes]))


def _return(client: KubeClient, item: Object, check_mode: bool) -> Change:
    back = return_of(item)
    after = _patch(client, item, back, dry_run=check_mode)
    if not check_mode:
        _return_fields(client, item, back)
    metadata = item["metadata"]
    before, then = without_record(clean(item)), without_record(clean(after))
    return Change(item["kind"], metadata["name"], metadata["namespace"], UPDATED, before, then)


def _patch(client: KubeClient, item: Object, back: Return, *, dry_run: bool) -> Object:
    metadata = item["metadata"]
    return client.patch(
        item["apiVersion"],
        item["kind"],
        metadata["name"],
        metadata["namespace"],
        back.patch,
        content_type=JSON_PATCH,
        dry_run=dry_run,
    )


def _return_fields(client: KubeClient, item: Object, back: Return) -> None:
    """Give the fields back too, so that a tool that applies on the server's side has no conflict.

    This is a courtesy: where controllers never stop writing, the fields stay ours.
    """
    if not back.managers:
        return
    metadata = item["metadata"]
    place = (item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])
    for _try in range(_TRIES):
        found = client.get(*place)
        if found is None:
            return
        fields = {
            "managedFields": _renamed(found, *back.managers[0]),
            "resourceVersion": found["metadata"]["resourceVersion"],
        }
        try:
            client.patch(*place, {"metadata": fields})
        except ConflictError:
            continue
        return


def _renamed(item: Object, manager: str, operation: str) -> List[Dict[str, Any]]:
    """Return C(managedFields) with ours under another name."""
    entries: List[Dict[str, Any]] = []
    for entry in item["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and not entry.get("subresource"):
            entry = {**entry, "manager": manager, "operation": operation}
        entries.append(entry)
    return _united(entries)


def _united(entries: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the entries with one for each manager, operation and version."""
    united: Dict[Any, Dict[str, Any]] = {}
    for entry in entries:
        key = tuple(
            entry.get(part) for part in ("manager", "operation", "apiVersion", "subresource")
        )
        if key in united:
            _merge(united[key]["fieldsV1"], entry.get("fieldsV1") or {})
        else:
            united[key] = {**entry, "fieldsV1": dict(entry.get("fieldsV1") or {})}
    return list(united.values())


def _merge(target: Dict[str, Any], source: Dict[str, Any]) -> None:
    for key, value in source.items():
        target[key] = dict(target.get(key) or {})
        _merge(target[key], value)


def _wait(client: KubeClient, namespace: str, name: str, timeout: float, runtime: Runtime) -> None:
    """Wait until the Deployment's controller is done; its pods may have any labels."""

    def judge(snapshot: Any) -> Any:
        return judge_deployment([snapshot[0], [], [], snapshot[1]])

    wait_for(
        client,
        [
            Source("apps/v1", "Deployment", namespace, field_selector=f"metadata.name={name}"),
            Source("v1", "Event", namespace, optional=True),
        ],
        judge,
        timeout,
        what=f"Deployment {namespace}/{name}",
        progress=lambda line: runtime.progress(f"{name}: {line}"),
    )
