# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits by watch, and gives up at once when waiting longer cannot help.

The judges are pure functions over API objects; C(wait_for) feeds them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.follow import (
    Follower,
    Snapshot,
    Source,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.pods import (
    Trouble,
    creation_trouble,
    deadline_trouble,
    is_ready,
    pod_trouble,
)

LOG_LINES = 10
_STEP = 1.0  # seconds between looks at the clock; changes wake the wait at once

Object = Mapping[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """How things stand.

    Attributes:
        done: what was waited for is there.
        message: how far it is, for a person.
        trouble: what is in the way, None when all goes well.
        pod: the pod the trouble is about.
        found: what was waited for.
    """

    done: bool
    message: str
    trouble: Optional[Trouble] = None
    pod: Optional[Object] = None
    found: Any = None


Judge = Callable[[Snapshot], Verdict]


def wait_for(
    client: KubeClient,
    sources: Sequence[Source],
    judge: Judge,
    timeout: float,
    *,
    what: str,
    progress: Optional[Progress] = None,
) -> Any:
    """Follow the sources until the judge is content and return what it found.

    Args:
        client: the cluster.
        sources: what to watch; the judge gets their objects in the same order.
        judge: decides over one picture of all objects.
        timeout: seconds.
        what: what is waited for, for errors: C(Deployment shop/ovms).
        progress: called with the judge's message when it changes.

    Raises:
        WaitError: a fatal trouble, or the time is over; C(details) has reason and log lines.
        UnreachableError: the API server does not answer: at the beginning, or to the end.
    """
    deadline = time.monotonic() + timeout
    patience = _Patience()
    verdict = Verdict(False, "nothing seen yet")
    with Follower(client, sources, timeout + 1) as follower:
        while True:
            left = deadline - time.monotonic()
            snapshot = follower.next(min(_STEP, left))
            if snapshot is not None:
                verdict = _judged(judge, snapshot, verdict, progress)
            if verdict.done:
                return verdict.found
            if verdict.trouble and patience.exhausted(verdict.trouble):
                raise _failure(client, what, verdict, None)
            if time.monotonic() >= deadline and follower.lost:
                raise follower.lost
            if time.monotonic() >= deadline:
                raise _failure(client, what, verdict, timeout)


def _judged(
    judge: Judge, snapshot: Snapshot, before: Verdict, progress: Optional[Progress]
) -> Verdict:
    verdict = judge(snapshot)
    if progress is not None and verdict.message != before.message:
        progress(verdict.message)
    return verdict


class _Patience:
    """Remembers since when a trouble lasts; texts change from event to event, reasons do not."""

    def __init__(self) -> None:
        self._since: Dict[Tuple[str, str], float] = {}

    def exhausted(self, trouble: Trouble) -> bool:
        now = time.monotonic()
        key = (trouble.reason, trouble.container)
        self._since = {key: self._since.get(key, now)}
        return trouble.fatal and now - self._since[key] >= trouble.grace


def _failure(
    client: KubeClient, what: str, verdict: Verdict, timeout: Optional[float]
) -> WaitError:
    trouble = verdict.trouble
    late = f"not done within {timeout:g} s: {verdict.message}" if timeout is not None else ""
    if trouble is None:
        return WaitError(late, subject=what, hint="Raise wait_timeout, or look at its events")
    message = f"{late}; {trouble.message}" if late else trouble.message
    details: Dict[str, Any] = {"reason": trouble.reason}
    lines = last_lines(client, verdict.pod, trouble.container) if trouble.container else []
    if lines:
        details["log"] = lines
        message += "; last log lines: " + " | ".join(lines)
    hint = None if lines and trouble.reason == "Crash" else trouble.hint
    return WaitError(message, subject=what, hint=hint or None, details=details)


def last_lines(client: KubeClient, pod: Optional[Object], container: str) -> List[str]:
    """Return the last log lines of a container's previous run, else of this one."""
    meta = (pod or {}).get("metadata") or {}
    if not meta.get("name"):
        return []
    for previous in (True, False):
        try:
            text = client.pod_log(
                meta["namespace"],
                meta["name"],
                container,
                tail_lines=LOG_LINES,
                previous=previous,
            )
        except EdgeError:
            continue
        if text.strip():
            return [line.rstrip() for line in text.strip().splitlines()]
    return []


def wait_deployment(
    client: KubeClient,
    namespace: str,
    name: str,
    timeout: float,
    *,
    label_selector: str,
    progress: Optional[Progress] = None,
) -> Dict[str, Any]:
    """Wait until a Deployment has rolled out, and return it.

    C(label_selector) selects its ReplicaSets and pods. Rights: list and watch on deployments and
    pods; on replicasets and events too, for better reasons.
    """
    sources = [
        Source("apps/v1", "Deployment", namespace, field_selector=f"metadata.name={name}"),
        Source("apps/v1", "ReplicaSet", namespace, label_selector, optional=True),
        Source("v1", "Pod", namespace, label_selector),
        Source("v1", "Event", namespace, optional=True),
    ]
    what = f"Deployment {namespace}/{name}"
    deployment: Dict[str, Any] = wait_for(
        client, sources, judge_deployment, timeout, what=what, progress=progress
    )
    return deployment


def judge_deployment(snapshot: Snapshot) -> Verdict:
    """Judge C([deployments, replica sets, pods, events]) as C(kubectl rollout status) does."""
    deployments, sets, pods, events = snapshot
    if not deployments:
        return Verdict(False, "the Deployment is not there yet")
    deployment = deployments[0]
    status, wanted = deployment.get("status") or {}, _replicas(deployment)
    updated, available = status.get("updatedReplicas") or 0, status.get("availableReplicas") or 0
    old = (status.get("replicas") or 0) - updated
    if (status.get("observedGeneration") or 0) < deployment["metadata"].get("generation", 0):
        return Verdict(False, "the Deployment is about to be rolled out")
    message = f"{min(updated, available)} of {wanted} replicas available"
    message += f", {old} old ones end" if old > 0 else ""
    if updated >= wanted and old <= 0 and available >= wanted:
        return Verdict(True, message, found=deployment)
    current = _current_set(deployment, sets)
    mine = [pod for pod in pods if current is None or _owned(pod, current)]
    trouble, pod = _first_trouble(mine, events)
    if trouble is None and current is not None and len(mine) < _replicas(current):
        trouble = creation_trouble(_kind(current, "ReplicaSet"), events)
    trouble = trouble or deadline_trouble(deployment)
    return Verdict(False, message, trouble, pod)


def _replicas(obj: Object) -> int:
    wanted = (obj.get("spec") or {}).get("replicas")
    return 1 if wanted is None else int(wanted)


def _current_set(deployment: Object, sets: Sequence[Object]) -> Optional[Object]:
    """Return the ReplicaSet of the newest revision."""
    mine = [item for item in sets if _owned(item, deployment)]
    return max(mine, key=_revision, default=None)


def _revision(obj: Object) -> int:
    annotations = obj["metadata"].get("annotations") or {}
    return int(annotations.get("deployment.kubernetes.io/revision") or 0)


def _owned(obj: Object, owner: Object) -> bool:
    owners = obj["metadata"].get("ownerReferences") or ()
    return any(ref.get("uid") == owner["metadata"].get("uid") for ref in owners)


def _kind(obj: Object, kind: str) -> Object:
    return {"kind": kind, **obj}


def _first_trouble(
    pods: Sequence[Object], events: Sequence[Object]
) -> Tuple[Optional[Trouble], Optional[Object]]:
    """Return the worst trouble of the pods that are not being deleted."""
    found = []
    for pod in pods:
        if not pod["metadata"].get("deletionTimestamp") and not is_ready(pod):
            trouble = pod_trouble(_kind(pod, "Pod"), events)
            if trouble is not None:
                found.append((not trouble.fatal, trouble.grace, trouble, pod))
    found.sort(key=lambda item: item[:2])
    return (found[0][2], found[0][3]) if found else (None, None)


def wait_pods_ready(
    client: KubeClient,
    namespace: str,
    label_selector: str,
    timeout: float,
    *,
    count: int = 1,
    job: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> List[Dict[str, Any]]:
    """Wait until C(count) pods are Ready and return them.

    C(job) names the Job that makes them: its events tell when admission refuses the pods.
    """
    sources = [
        Source("v1", "Pod", namespace, label_selector),
        Source("v1", "Event", namespace, optional=True),
    ]
    if job:
        name = f"metadata.name={job}"
        sources.append(Source("batch/v1", "Job", namespace, field_selector=name, optional=True))
    what = f"Job {namespace}/{job}" if job else f"pods {label_selector} in {namespace}"
    pods: List[Dict[str, Any]] = wait_for(
        client,
        sources,
        lambda snapshot: judge_pods(snapshot, count),
        timeout,
        what=what,
        progress=progress,
    )
    return pods


def judge_pods(snapshot: Snapshot, count: int) -> Verdict:
    """Judge C([pods, events]) or C([pods, events, jobs])."""
    pods, events = snapshot[0], snapshot[1]
    jobs = snapshot[2] if len(snapshot) > 2 else []
    ready = [pod for pod in pods if is_ready(pod)]
    message = f"{len(ready)} of {count} pods ready"
    if len(ready) >= count:
        return Verdict(True, message, found=ready)
    trouble, pod = _first_trouble(pods, events)
    if trouble is None and not pods and jobs:
        trouble = creation_trouble(_kind(jobs[0], "Job"), events)
    return Verdict(False, message, trouble, pod)


def wait_job(
    client: KubeClient,
    namespace: str,
    name: str,
    timeout: float,
    *,
    progress: Optional[Progress] = None,
) -> Dict[str, Any]:
    """Wait until a Job is complete and return it; WaitError when it failed."""
    sources = [
        Source("batch/v1", "Job", namespace, field_selector=f"metadata.name={name}"),
        Source("v1", "Pod", namespace, f"batch.kubernetes.io/job-name={name}"),
        Source("v1", "Event", namespace, optional=True),
    ]
    what = f"Job {namespace}/{name}"
    job: Dict[str, Any] = wait_for(
        client, sources, judge_job, timeout, what=what, progress=progress
    )
    return job


def judge_job(snapshot: Snapshot) -> Verdict:
    """Judge C([jobs, pods, events])."""
    jobs, pods, events = snapshot
    if not jobs:
        return Verdict(False, "the Job is not there yet")
    job = _kind(jobs[0], "Job")
    trouble, pod = _first_trouble(pods, events)
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return Verdict(True, "complete", found=jobs[0])
        if condition.get("type") == "Failed":
            text = f"the Job failed: {condition.get('message')}"
            failed = Trouble(str(condition.get("reason")), text, "", True)
            return Verdict(False, "failed", trouble or failed, pod)
    if trouble is None and not pods:
        trouble = creation_trouble(job, events)
    return Verdict(False, "running" if pods else "no pod yet", trouble, pod)


def wait_gone(client: KubeClient, source: Source, timeout: float, *, what: str) -> None:
    """Wait until no object of a source is left."""

    def judge(snapshot: Snapshot) -> Verdict:
        left = [obj["metadata"]["name"] for obj in snapshot[0]]
        return Verdict(not left, f"still there: {', '.join(left)}")

    wait_for(client, [source], judge, timeout, what=what)
