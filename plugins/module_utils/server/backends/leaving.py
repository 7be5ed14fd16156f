# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for the objects that a controller deletes after its resource, and removes the record.

The record, a ConfigMap with the backend of a server, is removed last: while it exists, a later run
knows which objects to look for, and waits for them like the first run.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional, Sequence

from ...errors import ApiError, EdgeError, WaitError
from ...kube.apply import Change, delete_objects
from ...kube.client import KubeClient
from ...kube.follow import Source
from ...kube.wait import wait_gone
from ..render import kinds
from ..render.identity import pod_selector_text
from ..spec.backend import CONTROLLED, backend_in, records_of
from .names import Made, made_by, made_from

Object = Dict[str, Any]


def see_out(
    client: KubeClient,
    removed: Sequence[Object],
    name: str,
    namespace: str,
    *,
    timeout: Optional[float],
    check_mode: bool,
) -> List[Change]:
    """Wait until all dependents of removed objects are gone, then remove the records.

    Args:
        client: of the cluster.
        removed: objects of one server that were, or in check mode would be, removed; records that
            are still there.
        name: of the server.
        namespace: of the server.
        timeout: seconds; None does not wait, and keeps the record if objects are left.
        check_mode: change nothing.

    Raises:
        WaitError: names what is still there; the record stays.
    """
    if timeout is not None:
        wait_gone_with(client, removed, name, namespace, timeout)
    doomed = [
        record
        for record in records_of(removed)
        if check_mode or not _is_there(client, made_by(backend_in(record), name), name, namespace)
    ]
    return delete_objects(client, doomed, check_mode=check_mode)


def _is_there(client: KubeClient, made: Made, name: str, namespace: str) -> bool:
    """Tell whether a resource, or the Deployment that its controller created, still exists."""
    api_version, kind = made.owner
    named = f"metadata.name={made.deployment}"
    try:
        if client.get(api_version, kind, name, namespace) is not None:
            return True
    except ApiError as error:
        # The definition may go together with its last resource.
        if error.status != 404:
            raise
    left, _version = client.list("apps/v1", "Deployment", namespace, made.selector, named)
    return bool(left)


def wait_gone_with(
    client: KubeClient, removed: Sequence[Object], name: str, namespace: str, timeout: float
) -> None:
    """Wait until the pods of removed resources are gone, and the resources themselves.

    A record stands for its resource, which may be gone before its pods are.

    Raises:
        WaitError: names what is still there.
    """
    deadline = time.monotonic() + timeout

    def left() -> float:
        return max(1.0, deadline - time.monotonic())

    if any(item["kind"] in kinds.WORKLOADS for item in removed):
        source = Source("v1", "Pod", namespace, pod_selector_text(name))
        wait_gone(client, source, left(), what=f"pods of server {namespace}/{name}")
    made_of = [made_from(str(item["kind"]), name) for item in removed if item["kind"] in CONTROLLED]
    made_of += [made_by(backend_in(item), name) for item in records_of(removed)]
    for made in {made.owner: made for made in made_of}.values():
        what = f"{made.owner[1]} {namespace}/{name}"
        _wait_owner_gone(client, made, name, namespace, left())
        named = f"metadata.name={made.deployment}"
        source = Source("apps/v1", "Deployment", namespace, made.selector, named)
        wait_gone(client, source, left(), what=f"the Deployment of {what}")
        source = Source("v1", "Pod", namespace, made.selector)
        wait_gone(client, source, left(), what=f"pods of {what}")


def _wait_owner_gone(
    client: KubeClient, made: Made, name: str, namespace: str, timeout: float
) -> None:
    api_version, kind = made.owner
    source = Source(api_version, kind, namespace, field_selector=f"metadata.name={name}")
    try:
        wait_gone(client, source, timeout, what=f"{kind} {namespace}/{name}")
    except WaitError as error:
        raise WaitError(
            f"it is being deleted, and {made.who} has not let go of it within {timeout:.0f} s",
            subject=f"{kind} {namespace}/{name}",
            hint=f"Look whether {made.who} runs; without it take the finalizers off",
            details={"reason": "NoController"},
        ) from error
    except EdgeError as error:
        # The definition may go together with its last resource.
        if not (isinstance(error, ApiError) and error.status == 404):
            raise
