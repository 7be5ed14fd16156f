# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes one server from the cluster."""

from __future__ import annotations

from typing import Mapping

from ...errors import EdgeError, InputError
from ...kube.apply import delete_objects
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..backends.select import see_out
from ..checks import cluster
from ..discover import live
from ..plan.changes import real
from ..plan.diff import Key, key_of
from ..render import kinds
from ..render.identity import Object
from ..spec.backend import made_elsewhere, without_records
from ..status.wait import wait_pods_gone
from .outcome import Outcome, Waiting


def remove(
    client: KubeClient, namespace: str, name: str, runtime: Runtime, waiting: Waiting
) -> Outcome:
    """Remove all objects of one server; the claim and the namespace are kept.

    Raises:
        InputError: the former owner of an adopted object has overwritten it; nothing is removed.
        ForbiddenError: before anything is removed.
        WaitError: pods do not end in time.
    """
    current = live.read_objects(client, namespace, name)
    _refuse_overwritten(client, namespace, name, current)
    extra = kinds.optional(current.values())
    if current:
        wanted = cluster.access_for_removal(namespace, wait=waiting.wait, extra=extra)
        cluster.check_rights(client, wanted)
    doomed = kinds.for_removal(current.values())
    check = runtime.check_mode
    changes = delete_objects(client, without_records(doomed), check_mode=check)
    timeout = waiting.timeout if waiting.wait and not check else None
    try:
        if timeout is not None:
            # Also if nothing is left to delete: an earlier run may not have waited for the pods.
            wait_pods_gone(client, namespace, name, timeout)
        theirs = list(filter(made_elsewhere, doomed))
        changes += see_out(client, theirs, name, namespace, timeout=timeout, check_mode=check)
    except EdgeError as error:
        error.details["changed"] = any(change.changed for change in changes)
        raise
    return Outcome([real(change) for change in changes])


def _refuse_overwritten(
    client: KubeClient, namespace: str, name: str, current: Mapping[Key, Object]
) -> None:
    """Refuse to remove a server of which something has the labels of its former owner again.

    Only the rest would be found, which its pods may need, while the server itself stays.

    Raises:
        InputError: names the object and the ways out.
    """
    for item in live.read_adopted(client, namespace, name):
        if key_of(item) not in current:
            raise InputError(
                "it was taken over with adopt, and its former owner has overwritten it since, as"
                " helm upgrade --force-conflicts does; it would stay, without what is ours of it",
                option="state",
                subject=f"{item['kind']} {namespace}/{item['metadata']['name']}",
                hint="Give it back with state: returned; or remove it with its owner (helm"
                " uninstall), or take it over once more (adopt: true), and run state: absent again",
            )
