# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a measurement: a Job with one pod, and the ConfigMaps that it owns. Pure.

The pod passes the restricted Pod Security Standard, has no token and no right, listens nowhere and
mounts nothing but its program, and an empty directory if it has wheels to unpack. It ends by itself
and at a deadline, and the Job controller then removes it, so that a controller that was killed
leaves nothing behind.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List, Mapping, Optional

from ..store import MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL
from .options import Pod
from .program import PROGRAM
from .worker.main import INPUTS, PLAN

CONTAINER = "benchmark"
JOB_NAME = "model-benchmark"  # its app.kubernetes.io/name
RUN_LABEL = "openvino.edge/benchmark"
MOUNT = "/edge"
# Where it unpacks wheels, if there are any.
PACKAGES = "/packages"
# User of the pod where the cluster assigns none: nobody's, as in distroless images.
USER = 65532
# An object of etcd has 1.5 MiB at most, and base64 adds a third.
CHUNK = 700 * 1024
FINISHED_SECONDS = 60  # a pod that has ended stays, so that its log can be read
# There is no CPU limit: it would be in the latencies.
RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}

Object = Dict[str, Any]


def labels(run_id: str) -> Dict[str, str]:
    """Return the labels of every object of one measurement."""
    return {MANAGED_BY_LABEL: MANAGED_BY, NAME_LABEL: JOB_NAME, RUN_LABEL: run_id}


def object_name(run_id: str) -> str:
    """Return the name of the Job, and the beginning of those of its ConfigMaps."""
    return f"edge-benchmark-{run_id}"


def chunks(inputs: bytes) -> List[bytes]:
    """Return the bytes of given tensors in pieces that a ConfigMap can hold."""
    return [inputs[at : at + CHUNK] for at in range(0, len(inputs), CHUNK)]


def render_job(
    run_id: str,
    namespace: str,
    pod: Pod,
    parts: int,
    deadline: int,
    user: Optional[int],
    secret: bool = False,
    wheels: bool = False,
) -> Object:
    """Return the Job.

    Args:
        run_id: of the measurement.
        namespace: of the Job.
        pod: how its pod is made.
        parts: number of ConfigMaps.
        deadline: seconds after which it is ended, whatever happens.
        user: that the pod runs as, None leaves it to the cluster.
        secret: it has files of TLS.
        wheels: it unpacks some.
    """
    security: Object = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if user is not None:
        security.update({"runAsUser": user, "runAsGroup": user})
    name = object_name(run_id)
    sources: List[Object] = [{"configMap": {"name": f"{name}-{number}"}} for number in range(parts)]
    if secret:
        sources.append({"secret": {"name": name}})
    spec: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": security,
        "containers": [_container(pod)],
        "volumes": [{"name": "program", "projected": {"defaultMode": 0o444, "sources": sources}}],
    }
    if wheels:
        spec["volumes"].append({"name": "packages", "emptyDir": {}})
        mounts = spec["containers"][0]["volumeMounts"]
        mounts.append({"name": "packages", "mountPath": PACKAGES})
    if pod.node_selector:
        spec["nodeSelector"] = dict(pod.node_selector)
    if pod.pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in pod.pull_secrets]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels(run_id)},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": deadline,
            "ttlSecondsAfterFinished": FINISHED_SECONDS,
            "template": {"metadata": {"labels": labels(run_id)}, "spec": spec},
        },
    }


def _container(pod: Pod) -> Object:
    return {
        "name": CONTAINER,
        "image": pod.image,
        "imagePullPolicy": pod.pull_policy,
        "command": ["python3", "-B", f"{MOUNT}/{PROGRAM}", MOUNT],
        "resources": RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "program", "mountPath": MOUNT, "readOnly": True}],
    }


def render_config_maps(
    run_id: str, job: Mapping[str, Any], plan: Mapping[str, Any], packed: bytes, inputs: bytes
) -> List[Object]:
    """Return the ConfigMaps: program and plan, then the given tensors. They go with the Job."""
    contents: List[Object] = [
        {"data": {PLAN: json.dumps(plan)}, "binaryData": _binary(PROGRAM, packed)}
    ]
    for number, piece in enumerate(chunks(inputs)):
        contents.append({"binaryData": _binary(f"{INPUTS}{number}", piece)})
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _owned(run_id, job, f"-{number}"),
            "immutable": True,
            **content,
        }
        for number, content in enumerate(contents)
    ]


def render_secret(run_id: str, job: Mapping[str, Any], files: Mapping[str, bytes]) -> Object:
    """Return the Secret with the files of TLS. It goes with the Job."""
    data = {
        key: text for name, content in files.items() for key, text in _binary(name, content).items()
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _owned(run_id, job),
        "immutable": True,
        "data": data,
    }


def _owned(run_id: str, job: Mapping[str, Any], end: str = "") -> Object:
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
    }
    return {
        "name": object_name(run_id) + end,
        "namespace": job["metadata"]["namespace"],
        "labels": labels(run_id),
        "ownerReferences": [owner],
    }


def _binary(name: str, data: bytes) -> Dict[str, str]:
    return {name: base64.b64encode(data).decode("ascii")}
