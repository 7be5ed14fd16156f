# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a rollout after its first new pod until that pod serves.

A controller counts a Ready pod as serving. A held rollout stops after its first step: a new pod of
a Deployment counts as available only after a day (C(minReadySeconds)), so no old pod is replaced by
it; a DaemonSet (C(OnDelete)) replaces only pods that are deleted. An interrupted run leaves the
rollout held: old pods keep serving, and the next run resumes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Dict, List, Mapping, Sequence

from ...errors import ForbiddenError
from ...kube.client import KubeClient
from ...kube.follow import Snapshot, Source
from ...kube.health.pods import is_ready
from ...kube.wait import Verdict, wait_for
from ...runtime import Runtime
from ...verify.replicas import TEMPLATE_HASH
from ..render.identity import Object, pod_selector_text, with_input_hash
from ..spec.server import ServerSpec
from ..status.progress import ended, leaving, ready_pods, wanted_pods
from ..status.retry import NOTHING_TRIED, Attempts, only_news
from ..status.wait import judge_nodes, judge_rollout, same_template

HOLD_SECONDS = 86400
_ON_DELETE = {"type": "OnDelete"}


def can_be_held(item: Mapping[str, Any]) -> bool:
    """Tell whether a workload replaces its pods one after the other, so that it can be held."""
    if item["kind"] == "DaemonSet":
        return True
    strategy = item["spec"].get("strategy") or {}
    return item["kind"] == "Deployment" and strategy.get("type") != "Recreate"


def held(item: Object) -> Object:
    """Return the workload with the fields that stop its rollout after the first step."""
    spec = dict(item["spec"])
    if item["kind"] == "DaemonSet":
        spec["updateStrategy"] = dict(_ON_DELETE)
    else:
        # The API server requires progressDeadlineSeconds to exceed minReadySeconds.
        spec.update(minReadySeconds=HOLD_SECONDS, progressDeadlineSeconds=HOLD_SECONDS + 600)
    return with_input_hash({**item, "spec": spec})


def is_held(live: Mapping[str, Any]) -> bool:
    """Tell whether an interrupted earlier run left a workload held."""
    spec = live["spec"]
    if live.get("kind") == "DaemonSet":
        return bool((spec.get("updateStrategy") or {}).get("type") == _ON_DELETE["type"])
    return bool(spec.get("minReadySeconds") == HOLD_SECONDS)


def take_first_step(client: KubeClient, kind: str, old: Sequence[Object]) -> bool:
    """Delete one old pod of a DaemonSet to get a new one; return whether there will be one."""
    if kind != "DaemonSet":
        return True
    for pod in ready_pods(old)[:1]:
        metadata = pod["metadata"]
        name, namespace, uid = metadata["name"], metadata["namespace"], metadata["uid"]
        try:
            client.delete("v1", "Pod", name, namespace, uid=uid)
        except ForbiddenError:
            return False
    return bool(old)


def wait_first(
    client: KubeClient,
    spec: ServerSpec,
    kind: str,
    old: Collection[str],
    timeout: float,
    runtime: Runtime,
    before: Mapping[str, Attempts] = NOTHING_TRIED,
) -> List[Object]:
    """Return the new pods of a workload that is held, once they are Ready.

    C(old) has the uids of the pods that are not new; C(before) is of C(retry.try_again).

    Raises:
        WaitError: a reason that does not go away by waiting, or the time is over.
    """
    selector = pod_selector_text(spec.name)
    place = spec.namespace
    sources = [
        Source("apps/v1", kind, place, field_selector=f"metadata.name={spec.name}"),
        Source("apps/v1", "ReplicaSet", place, selector, optional=True),
        Source("v1", "Pod", place, selector),
        Source("v1", "Event", place, optional=True),
    ]
    pods: List[Object] = wait_for(
        client,
        sources,
        lambda snapshot: only_news(judge_first(snapshot, kind, old), snapshot[3], before),
        timeout,
        what=f"{kind} {place}/{spec.name}",
        progress=lambda line: runtime.progress(f"{spec.name}: {line}"),
    )
    return pods


def judge_first(snapshot: Snapshot, kind: str, old: Collection[str]) -> Verdict:
    """Judge C([workloads, replica sets, pods, events]) of a workload that is held."""
    workloads, sets, pods, _events = snapshot
    usual = judge_rollout if kind == "Deployment" else judge_nodes
    verdict = usual(snapshot)
    if not workloads or verdict.done:
        return verdict
    workload: Dict[str, Any] = {"kind": kind, **workloads[0]}
    status = workload.get("status") or {}
    seen = int(status.get("observedGeneration", 0)) >= int(workload["metadata"]["generation"])
    counted = "updatedReplicas" if kind == "Deployment" else "updatedNumberScheduled"
    updated = int(status.get(counted, 0))
    living = [pod for pod in pods if not leaving(pod) and not ended(pod)]
    new = [pod for pod in living if pod["metadata"]["uid"] not in old]
    kept = _of_template(living, sets, workload)
    if seen and not new and updated == len(kept) == wanted_pods(workload):
        return replace(verdict, done=True, trouble=None, found=kept)  # no pod is replaced
    if seen and new and len(new) == updated and all(map(is_ready, new)):
        return replace(verdict, done=True, trouble=None, found=new)
    return replace(verdict, done=False, found=None)


def _of_template(
    pods: Sequence[Object], sets: Sequence[Object], workload: Mapping[str, Any]
) -> List[Object]:
    """Return the pods that a Deployment has of its present template; all if nothing tells.

    Pods of another template are there beside them when a change that never came up is taken back.
    A Deployment that is held keeps them, and they are no reason to wait.
    """
    present = {_hash(item) for item in sets if same_template(item, workload)} - {""}
    return [pod for pod in pods if not present or _hash(pod) in present]


def _hash(item: Object) -> str:
    return str((item["metadata"].get("labels") or {}).get(TEMPLATE_HASH) or "")
