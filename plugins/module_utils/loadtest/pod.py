# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program in a pod of the cluster, reads its log and removes it."""

from __future__ import annotations

import uuid
from typing import Any, Callable, Dict, Mapping, Optional

from ..errors import EdgeError, ForbiddenError
from ..kube.client import KubeClient
from ..kube.follow import Source
from ..kube.health import openshift
from ..kube.health.pods import creation_trouble, pod_trouble
from ..kube.wait import Verdict, wait_for
from .job import (
    CONTAINER,
    RUN_LABEL,
    USER,
    chunks,
    render_config_maps,
    render_job,
    render_secret,
)
from .options import Pod
from .program import BenchmarkError, program, record_of

# Lines of a log to read: more than the longest record has.
LOG_LINES = 100_000
ENDED = ("Succeeded", "Failed")
Object = Mapping[str, Any]


class Runner:
    """Runs plans in one namespace.

    Args:
        client: of the cluster.
        namespace: in which the Job is made.
        pod: how its pod is made.
        progress: shows a line.
    """

    def __init__(
        self, client: KubeClient, namespace: str, pod: Pod, progress: Callable[[str], None]
    ) -> None:
        self._client, self._namespace, self._pod = client, namespace, pod
        self._progress = progress

    def run(
        self, plan: Mapping[str, Any], inputs: bytes, seconds: float, tls: Mapping[str, bytes]
    ) -> Dict[str, Any]:
        """Send what a plan says, and return the record. The Job is gone afterwards.

        Args:
            plan: for the program.
            inputs: bytes of the given tensors, then those of wheels.
            seconds: that the program may take.
            tls: files that the pod finds beside its program.

        Raises:
            WaitError: the pod cannot run, or has not ended in time.
            ForbiddenError: a right is missing, or admission refuses the pod.
            BenchmarkError: the pod was killed.
            EdgeError: see C(record_of).
        """
        run_id = uuid.uuid4().hex[:10]
        deadline = int(self._pod.wait_timeout + seconds) + 1
        parts = 1 + len(chunks(inputs))
        job = self._client.create(
            render_job(
                run_id,
                self._namespace,
                self._pod,
                parts,
                deadline,
                self._user(),
                secret=bool(tls),
                wheels=bool(plan.get("wheels")),
            )
        )
        try:
            for config in render_config_maps(run_id, job, plan, program(), inputs):
                self._client.create(config, brief=True)
            if tls:
                self._client.create(render_secret(run_id, job, tls), brief=True)
            pod = self._wait(run_id, job, self._pod.wait_timeout, _begun)
            if _phase(pod) not in ENDED:
                self._progress(f"pod {pod['metadata']['name']} sends requests")
                pod = self._wait(run_id, job, seconds, _ended)
            name = str(pod["metadata"]["name"])
            trouble = pod_trouble(pod) if _phase(pod) == "Failed" else None
            if trouble is not None:  # killed, since the program itself never ends with an error
                raise BenchmarkError(
                    trouble.message,
                    subject=f"pod {self._namespace}/{name}",
                    hint=trouble.hint or "Look at the events of its node",
                )
            text = self._client.pod_log(self._namespace, name, CONTAINER, tail_lines=LOG_LINES)
            return record_of(text, f"pod {self._namespace}/{name}")
        finally:
            self._remove(job)

    def _remove(self, job: Object) -> None:
        meta = job["metadata"]
        try:
            self._client.delete("batch/v1", "Job", meta["name"], meta["namespace"], uid=meta["uid"])
        except EdgeError as error:
            # It ends by itself, and the cluster removes it a minute later.
            self._progress(f"Job {meta['name']} could not be removed: {error}")

    def _user(self) -> Optional[int]:
        """Return the user of the pod; OpenShift assigns one and refuses others."""
        try:
            namespace = self._client.get("v1", "Namespace", self._namespace)
        except ForbiddenError:
            return None if self._client.serves(openshift.API_VERSION) else USER
        return USER if openshift.uid_range(namespace) is None else None

    def _wait(
        self, run_id: str, job: Object, seconds: float, arrived: Callable[[Object], bool]
    ) -> Object:
        def judge(snapshot: Any) -> Verdict:
            pods, events = snapshot
            if not pods:
                return Verdict(False, "no pod yet", creation_trouble(job, events))
            pod = pods[0]
            if arrived(pod):
                return Verdict(True, _phase(pod), found=pod)
            return Verdict(False, f"its pod is {_phase(pod)}", pod_trouble(pod, events), pod)

        sources = [
            Source("v1", "Pod", self._namespace, f"{RUN_LABEL}={run_id}"),
            Source("v1", "Event", self._namespace, optional=True),
        ]
        what = f"Job {self._namespace}/{job['metadata']['name']}"
        found: Object = wait_for(self._client, sources, judge, seconds, what=what)
        return found


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "Pending")


def _begun(pod: Object) -> bool:
    return _phase(pod) in ("Running", *ENDED)


def _ended(pod: Object) -> bool:
    return _phase(pod) in ENDED
