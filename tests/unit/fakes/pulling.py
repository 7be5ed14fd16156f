# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of a cluster in memory that pull images, and the wait for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError


def pull(cluster: Any, job: dict[str, Any], missing: Sequence[str]) -> None:
    """Give a Job its pod; it has pulled its images and ended, unless one is missing."""
    name, template = job["metadata"]["name"], job["spec"]["template"]
    ended = {"terminated": {"exitCode": 0}}
    message = "Back-off pulling image: not found"
    waits = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    owner = {"kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
    where = {
        "namespace": job["metadata"]["namespace"],
        "labels": template["metadata"]["labels"],
    }
    statuses = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "" if container["image"] in missing else "sha256:1",
            "state": waits if container["image"] in missing else ended,
        }
        for container in template["spec"]["containers"]
    ]
    cluster.add(
        "Pod",
        f"{name}-x",
        metadata={**where, "uid": f"{name}-x", "ownerReferences": [owner]},
        spec={"nodeName": "n1", **template["spec"]},
        status={"phase": "Pending", "containerStatuses": statuses},
    )


def one_look(
    client: Any, sources: Sequence[Any], judge: Callable[..., Any], timeout: float, **_: Any
) -> Any:
    """Stand for C(wait_for): what the cluster in memory has will not change by waiting."""
    listed = [
        client.list(item.api_version, item.kind, item.namespace, item.label_selector)[0]
        for item in sources
    ]
    verdict = judge(listed)
    if verdict.done:
        return verdict.found
    trouble = verdict.trouble
    raise WaitError(
        trouble.message if trouble else "not done in time",
        hint=trouble.hint if trouble else None,
        details={"reason": trouble.reason} if trouble else {"timed_out": True},
    )
