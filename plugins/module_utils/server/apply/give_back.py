# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Returns adopted objects to their former state, and removes the objects that were added."""

from __future__ import annotations

from typing import Any, List

from ...errors import ConflictError, InputError
from ...kube.apply import UPDATED, Change, delete_objects
from ...kube.client import FIELD_MANAGER, KubeClient
from ...kube.diffs import clean
from ...kube.follow import Source
from ...kube.types import Access
from ...kube.wait import judge_deployment, wait_for
from ...runtime import Runtime
from ..checks import cluster
from ..discover import live
from ..plan.adoption import Return, is_adopted, return_of, returned_fields, without_record
from ..plan.changes import real
from ..render import kinds
from ..render.identity import Object
from .adopt import JSON_PATCH
from .deploy import Outcome, Waiting, in_order

# Retries after a conflict, since controllers write the status of a Deployment meanwhile.
_TRIES = 10


def give_back(
    client: KubeClient, namespace: str, name: str, runtime: Runtime, waiting: Waiting
) -> Outcome:
    """Restore adopted objects; remove the server's other objects once no pod needs them.

    Raises:
        InputError, ForbiddenError: before anything is changed.
        WaitError: the former Deployment does not come up; nothing was removed yet.
    """
    current = live.read_objects(client, namespace, name)
    adopted = live.read_adopted(client, namespace, name)
    if not current and not adopted:
        return Outcome()
    others = [item for item in current.values() if not is_adopted(item)]
    if not adopted:
        raise InputError(
            "nothing of this server was adopted, so there is nobody to give it back to",
            option="state",
            subject=f"server {namespace}/{name}",
            hint="Use state: absent to remove it",
        )
    extra = kinds.optional(others)
    rights = cluster.access_for_removal(namespace, wait=waiting.wait, extra=extra)
    group_names = [kinds.resource((item["apiVersion"], item["kind"])) for item in adopted]
    rights += [Access("patch", *group_name, namespace=namespace) for group_name in group_names]
    cluster.check_rights(client, rights)
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
    """Restore the field owners, so that a tool with server-side apply gets no conflict.

    It is best effort: after repeated conflicts the fields stay owned by this collection.
    """
    metadata = item["metadata"]
    place = (item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])
    for _try in range(_TRIES):
        found = client.get(*place)
        if found is None:
            return
        fields = {
            "managedFields": returned_fields(found, back.record, FIELD_MANAGER),
            "resourceVersion": found["metadata"]["resourceVersion"],
        }
        try:
            client.patch(*place, {"metadata": fields})
        except ConflictError:
            continue
        return


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
