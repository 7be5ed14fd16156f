# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a state by list and watch, and fails early when waiting longer cannot help.

The judges are pure; C(wait_for) feeds them.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ..errors import EdgeError, WaitError
from .client import KubeClient
from .follow import Follower, Source
from .health.logs import last_words
from .health.pods import Trouble
from .health.workloads import (
    Object,
    Snapshot,
    Verdict,
    judge_daemon_set,
    judge_deployment,
    judge_job,
    judge_pods,
)

__all__ = [
    "Judge",
    "Verdict",
    "judge_daemon_set",
    "judge_deployment",
    "judge_job",
    "judge_pods",
    "wait_deployment",
    "wait_for",
    "wait_gone",
    "wait_job",
    "wait_pods_ready",
]

# The reason of a failed start is followed by the lines of the shutdown.
LOG_LINES = 100
_STEP = 1.0  # seconds between looks at the clock; changes wake the wait at once

Progress = Callable[[str], None]


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
        WaitError: a fatal trouble, or the time is over; C(details) has reason, log lines, and
            C(timed_out).
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
    """Measures how long a trouble lasts, by its reason; its message changes from event to event."""

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
        return WaitError(
            late,
            subject=what,
            hint="Raise wait_timeout, or look at its events",
            details={"timed_out": True},
        )
    message = f"{late}; {trouble.message}" if late else trouble.message
    details: Dict[str, Any] = {"reason": trouble.reason}
    if late:
        details["timed_out"] = True
    lines = last_lines(client, verdict.pod, trouble.container) if trouble.container else []
    if lines:
        details["log"] = lines
        message += "; last log lines: " + " | ".join(lines)
    hint = None if lines and trouble.reason == "Crash" else trouble.hint
    return WaitError(message, subject=what, hint=hint or None, details=details)


def last_lines(client: KubeClient, pod: Optional[Object], container: str) -> List[str]:
    """Return the log lines that tell why a container's previous run ended, else this one."""
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
            return last_words(text)
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


def wait_gone(client: KubeClient, source: Source, timeout: float, *, what: str) -> None:
    """Wait until no object of a source is left."""

    def judge(snapshot: Snapshot) -> Verdict:
        left = [obj["metadata"]["name"] for obj in snapshot[0]]
        return Verdict(not left, f"still there: {', '.join(left)}")

    wait_for(client, [source], judge, timeout, what=what)
