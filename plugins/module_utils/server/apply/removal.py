# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes one server from the cluster."""

from __future__ import annotations

from ...errors import EdgeError
from ...kube.apply import delete_objects
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..backends.select import see_out
from ..checks import cluster
from ..discover import live
from ..plan.changes import real
from ..render import kinds
from ..spec.backend import made_elsewhere, without_records
from ..status.wait import wait_pods_gone
from .outcome import Outcome, Waiting


def remove(
    client: KubeClient, namespace: str, name: str, runtime: Runtime, waiting: Waiting
) -> Outcome:
    """Remove all objects of one server; the claim and the namespace are kept.

    Raises:
        ForbiddenError: before anything is removed.
        WaitError: pods do not end in time.
    """
    current = live.read_objects(client, namespace, name)
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
