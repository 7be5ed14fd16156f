# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has nodes pull the images of new pods while the old ones serve, where old ones have to end first.

Called before the first object is changed. If a node cannot get an image, the task ends here and the
old pods go on. Only a pod proves that a node can: the list of images in a node's status is cut off
after 50 (k8s.io/kubernetes, pkg/kubelet/nodestatus), is minutes old, and says nothing about
registries, logins and C(imagePullPolicy). A container that runs the same image on the node proves
it as well, unless the policy has the registry asked again.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import EdgeError, ForbiddenError, WaitError
from ...kube.client import KubeClient
from ...kube.follow import Snapshot, Source
from ...kube.types import Access
from ...kube.wait import Verdict, wait_for
from ...runtime import Runtime
from ..checks import cluster
from ..plan.prepull import PLACEMENT_FIELDS, PREPULL_LABEL, images_of, prepull_job
from ..render.identity import Object
from ..status.progress import ready_pods
from ..status.pulled import NO_ROOM, NOT_MADE, image_of, judge_pulled, node_of
from ..status.retry import UNSCHEDULABLE

# Seconds between the end of the wait and the end of the Job, should nobody remove it.
_LONGER = 60
IMAGE_MISSING = "ImageMissing"

Found = List[Dict[str, str]]


def ends_first(workload: Mapping[str, Any]) -> bool:
    """Tell whether a rollout ends old pods before their successors run."""
    spec = workload["spec"]
    if workload["kind"] == "DaemonSet":
        rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        return rolling.get("maxSurge") in (None, 0, "0", "0%")
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return True
    unavailable = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    return unavailable not in (0, "0", "0%")


def nodes_to_ask(
    workload: Mapping[str, Any], old: Optional[Mapping[str, Any]], pods: Sequence[Object]
) -> List[Optional[str]]:
    """Return the nodes that have to pull; C(None) is one that the scheduler chooses.

    Args:
        workload: as it is wanted.
        old: the live one, of either kind.
        pods: the present pods. Where none is ready, nothing can end too early.
    """
    ready = ready_pods(pods)
    template = workload["spec"]["template"]
    before = ((old or {}).get("spec") or {}).get("template") or {}
    if ready and _placement(before) != _placement(template):
        return [None]
    nodes = sorted({str(pod["spec"]["nodeName"]) for pod in ready if pod["spec"].get("nodeName")})
    return [node for node in nodes if not _runs_them(template, node, ready)]


def _placement(template: Mapping[str, Any]) -> List[Any]:
    pod = template.get("spec") or {}
    return [pod.get(key) or None for key in PLACEMENT_FIELDS]


def _runs_them(template: Mapping[str, Any], node: str, pods: Sequence[Object]) -> bool:
    """Tell whether running containers prove that a node has all images, and will not ask again."""
    proven = {
        key
        for pod in pods
        if pod["spec"].get("nodeName") == node and _secrets(pod) == _secrets(template)
        for key in images_of({"spec": _running_part(pod)})
    }
    return all(key in proven and key[1] != "Always" for key in images_of(template))


def _secrets(pod: Mapping[str, Any]) -> List[Any]:
    return [item.get("name") for item in pod["spec"].get("imagePullSecrets") or ()]


def _running_part(pod: Mapping[str, Any]) -> Object:
    """Return the volumes of a pod, and those of its containers that run."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    names = [item["name"] for item in statuses if "running" in (item.get("state") or {})]
    running = [item for item in pod["spec"]["containers"] if item["name"] in names]
    return {"containers": running, "volumes": pod["spec"].get("volumes") if running else []}


class Prepull:
    """Pulls the images of one server's new pods.

    Args:
        client: of the cluster.
        name: of the server.
        namespace: of the server.
        runtime: check mode, progress, warnings.
        timeout: seconds for all nodes together.
    """

    def __init__(
        self, client: KubeClient, name: str, namespace: str, runtime: Runtime, timeout: float
    ) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace
        self._runtime = runtime
        self._timeout = timeout
        self._stuck: Optional[Object] = None

    def run(self, workload: Mapping[str, Any], nodes: Sequence[Optional[str]]) -> Found:
        """Return what was pulled, one entry for each node and image; see C(judge_pulled).

        In check mode no pod is made, and the result is what would be pulled.

        Raises:
            ForbiddenError: the account may not make the pods.
            WaitError: a node cannot get an image. Nothing was changed.
        """
        template = workload["spec"]["template"]
        if not nodes:
            return []
        self._check_rights()
        names = ", ".join(node or "a node that the scheduler chooses" for node in nodes)
        if self._runtime.check_mode:
            self._runtime.progress(f"{self._name}: would first have the image pulled on {names}")
            images = dict.fromkeys(image for image, _policy in images_of(template))
            return [{"node": node or "", "image": image} for node in nodes for image in images]
        self._runtime.progress(f"{self._name}: the image is pulled first on {names}")
        account = str(template["spec"].get("serviceAccountName") or "")
        if account and not self._client.get("v1", "ServiceAccount", account, self._namespace):
            account = ""
        seconds = int(self._timeout) + _LONGER
        kind = str(workload["kind"])
        wanted = [
            prepull_job(
                self._name, self._namespace, kind, template, node, account=account, seconds=seconds
            )
            for node in nodes
        ]
        jobs: Dict[str, Object] = {}
        try:
            for job in wanted:
                self._delete(job)  # of a run that was killed
                made = self._client.create(job)
                jobs[str(made["metadata"]["uid"])] = made
            return self._waited(jobs)
        finally:
            for job in jobs.values():
                try:
                    self._delete(job)
                except EdgeError:
                    continue  # it ends by its deadline, and is removed by the cluster

    def _check_rights(self) -> None:
        wanted = [
            Access(verb, "batch", "jobs", namespace=self._namespace)
            for verb in ("create", "delete")
        ]
        try:
            cluster.check_rights(self._client, wanted)
        except ForbiddenError as error:
            error.option = "image_prepull"
            error.hint = (
                "Grant these rights (the Role openvino-edge-deployer has them), or set"
                " image_prepull: false, and the image is pulled when the old pods are gone"
            )
            raise

    def _delete(self, job: Mapping[str, Any]) -> None:
        metadata = job["metadata"]
        name, uid = metadata["name"], metadata.get("uid")
        self._client.delete("batch/v1", "Job", name, self._namespace, uid=uid)

    def _waited(self, jobs: Mapping[str, Object]) -> Found:
        sources = [
            Source("v1", "Pod", self._namespace, f"{PREPULL_LABEL}={self._name}"),
            Source("v1", "Event", self._namespace, optional=True),
        ]

        def judge(snapshot: Snapshot) -> Verdict:
            pods, events = snapshot
            verdict = judge_pulled(pods, events, jobs)
            self._stuck = dict(verdict.pod) if verdict.pod else None
            return verdict

        what = f"server {self._namespace}/{self._name}"
        try:
            found: Found = wait_for(
                self._client,
                sources,
                judge,
                self._timeout,
                what=what,
                progress=lambda line: self._runtime.progress(f"{self._name}: {line}"),
            )
        except WaitError as error:
            reason = error.details.get("reason")
            full = reason == UNSCHEDULABLE and any(word in error.message for word in NO_ROOM)
            if full or reason in NOT_MADE:
                self._runtime.warn(
                    f"{what}: the image could not be pulled beforehand ({error.message}), so it is"
                    " pulled when the old pods are gone"
                )
                return []
            raise self._refused(error) from error
        return found

    def _refused(self, error: WaitError) -> WaitError:
        node, image = node_of(self._stuck), image_of(self._stuck)
        where = f"node {node}: " if node else ""
        hint = error.hint
        if error.details.get("timed_out") and not error.details.get("reason"):
            hint = "Raise wait_timeout, or load the image onto the node beforehand"
        details = {**error.details, "reason": IMAGE_MISSING, "changed": False}
        details.update(node=node, image=image, why=error.details.get("reason"))
        return WaitError(
            f"{where}{error.message}. Nothing was changed, and the old pods go on",
            subject=error.subject,
            hint=hint,
            details=details,
        )
