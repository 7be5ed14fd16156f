# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait by watch until a rollout is over, old pods gone included; give up when it cannot succeed."""

from __future__ import annotations

from dataclasses import replace
from typing import List

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.follow import Snapshot, Source
from ansible_collections.openvino.edge.plugins.module_utils.kube.wait import (
    Verdict,
    judge_deployment,
    wait_for,
    wait_gone,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    Object,
    pod_selector_text,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.progress import leaving


def wait_rollout(
    client: KubeClient, namespace: str, name: str, timeout: float, runtime: Runtime
) -> List[Object]:
    """Return the pods once exactly the wanted ones run and are ready.

    Raises:
        WaitError: a reason that does not go away by waiting, or the time is over. The message
            says which pod and why; C(details) has the last log lines of a crashed server.
    """
    selector = pod_selector_text(name)
    sources = [
        Source("apps/v1", "Deployment", namespace, field_selector=f"metadata.name={name}"),
        # Labels of a Deployment's pods are those of its ReplicaSets.
        Source("apps/v1", "ReplicaSet", namespace, selector, optional=True),
        Source("v1", "Pod", namespace, selector),
        Source("v1", "Event", namespace, optional=True),
    ]
    pods: List[Object] = wait_for(
        client,
        sources,
        judge_rollout,
        timeout,
        what=f"Deployment {namespace}/{name}",
        progress=lambda line: runtime.progress(f"{name}: {line}"),
    )
    return pods


def judge_rollout(snapshot: Snapshot) -> Verdict:
    """Judge C([deployments, replica sets, pods, events]).

    Deployments do not count pods that are ending, but an ending pod may still hold the volume or
    the device, and still answer clients with the old models.
    """
    verdict = judge_deployment(snapshot)
    if not verdict.done:
        return verdict
    pods = snapshot[2]
    ending = sum(leaving(pod) for pod in pods)
    if ending:
        message = f"{verdict.message}, {ending} terminating"
        return replace(verdict, done=False, message=message, found=None)
    if len(pods) != int(verdict.found["spec"].get("replicas", 1)):
        return replace(verdict, done=False, found=None)
    return replace(verdict, found=list(pods))


def wait_pods_gone(client: KubeClient, namespace: str, name: str, timeout: float) -> None:
    """Wait until no pod of a removed server is left.

    Raises:
        WaitError: names the pods that still end.
    """
    source = Source("v1", "Pod", namespace, pod_selector_text(name))
    wait_gone(client, source, timeout, what=f"pods of server {namespace}/{name}")
