# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job whose pod makes a node pull the images of a pod template. Pure.

Its pod has the images, pull policies, pull secrets, placement and security contexts of the
template, and nothing else of it: no models, no configuration, no device. So it fits beside a server
that runs, is admitted where the server is, and cannot be taken for one: its labels are others.
A run that is killed leaves a Job that ends by its deadline and is then removed by the cluster; a
later run removes it at once, since its name follows from server and node.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...store import MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL
from ..render.placement import on_nodes
from ..spec.running import CONTAINER

# The server whose images are pulled.
PREPULL_LABEL = "openvino.edge/prepull"
PREPULL_NAME = "model-server-prepull"  # its app.kubernetes.io/name
# Seconds that an ended Job stays if nobody removes it.
FINISHED_SECONDS = 60
# OVMS prints its version and ends with 0, in every release.
_ENDS_AT_ONCE = ["--version"]
# No image has this file. Other images than the server's are pulled, but nothing of them is run: who
# knows what it would do. The kubelet has pulled the image before it finds the file missing.
_RUNS_NOTHING = ["/openvino-edge-prepull"]
_RESOURCES = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}
# What decides where a pod may run, which images it may have and how it is admitted.
_POD_FIELDS = (
    "imagePullSecrets",
    "securityContext",
    "nodeSelector",
    "tolerations",
    "runtimeClassName",
    "schedulerName",
    "hostUsers",
    "os",
)
PLACEMENT_FIELDS = ("nodeSelector", "tolerations", "affinity", "runtimeClassName")
# What the controller of DaemonSets adds to every pod (k8s.io/kubernetes,
# pkg/controller/daemon/util, AddOrUpdateDaemonPodTolerations), as far as a node still pulls.
_OF_DAEMON_SETS = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")

Object = Dict[str, Any]


def prepull_job(
    name: str,
    namespace: str,
    kind: str,
    template: Mapping[str, Any],
    node: Optional[str],
    *,
    account: str = "",
    seconds: int = 600,
) -> Object:
    """Return the Job.

    Args:
        name: the server.
        namespace: of the server.
        kind: of its workload.
        template: of its new pods.
        node: the node that is to pull; None: one that the scheduler chooses.
        account: a ServiceAccount that exists and whose pull secrets the pods use, if any.
        seconds: after which the Job is given up by the cluster itself.
    """
    digest = hashlib.sha256(f"{name}/{node or ''}".encode()).hexdigest()[:16]
    labels = {MANAGED_BY_LABEL: MANAGED_BY, NAME_LABEL: PREPULL_NAME, PREPULL_LABEL: name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"edge-prepull-{digest}", "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": seconds,
            "ttlSecondsAfterFinished": FINISHED_SECONDS,
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod_spec(template["spec"], kind, node, account),
            },
        },
    }


def images_of(template: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Return the images of a pod template, each with its pull policy; the server's is the first."""
    return [key for key, _container in _by_image(template["spec"])] + [
        (str(image["reference"]), str(image.get("pullPolicy") or ""))
        for image in _image_volumes(template["spec"])
    ]


def _by_image(pod: Mapping[str, Any]) -> List[Tuple[Tuple[str, str], Mapping[str, Any]]]:
    groups = ("containers", "initContainers")
    listed = [container for group in groups for container in pod.get(group) or ()]
    listed.sort(key=lambda container: container["name"] != CONTAINER)
    found: Dict[Tuple[str, str], Mapping[str, Any]] = {}
    for container in listed:
        key = (str(container["image"]), str(container.get("imagePullPolicy") or ""))
        found.setdefault(key, container)
    return list(found.items())


def _image_volumes(pod: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return [volume["image"] for volume in pod.get("volumes") or () if volume.get("image")]


def _pod_spec(pod: Mapping[str, Any], kind: str, node: Optional[str], account: str) -> Object:
    spec: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        **{key: copy.deepcopy(pod[key]) for key in _POD_FIELDS if _is_given(pod.get(key))},
        "containers": [
            _container(index, container) for index, (_image, container) in enumerate(_by_image(pod))
        ],
    }
    if account:
        spec["serviceAccountName"] = account
    if kind == "DaemonSet":
        spec["tolerations"] = [*spec.get("tolerations", []), *map(_tolerated, _OF_DAEMON_SETS)]
    # Rules about other pods are left out: the pod of the server itself would be in the way.
    near = copy.deepcopy((pod.get("affinity") or {}).get("nodeAffinity") or {})
    affinity = {"nodeAffinity": near} if near else {}
    affinity = on_nodes(affinity, [node]) if node else affinity
    if affinity:
        spec["affinity"] = affinity
    volumes = [
        {"name": f"image-{index}", "image": dict(image)}
        for index, image in enumerate(_image_volumes(pod))
    ]
    if volumes:
        spec["volumes"] = volumes
        spec["containers"][0]["volumeMounts"] = [
            {"name": volume["name"], "mountPath": f"/{volume['name']}", "readOnly": True}
            for volume in volumes
        ]
    return spec


def _container(index: int, container: Mapping[str, Any]) -> Object:
    made: Object = {
        "name": CONTAINER if container["name"] == CONTAINER else f"image-{index}",
        "image": container["image"],
        "resources": copy.deepcopy(_RESOURCES),
    }
    for key in ("imagePullPolicy", "securityContext"):
        if container.get(key):
            made[key] = copy.deepcopy(container[key])
    if container["name"] == CONTAINER:
        return {**made, "args": list(_ENDS_AT_ONCE)}
    return {**made, "command": list(_RUNS_NOTHING)}


def _is_given(value: Any) -> bool:
    """Tell whether a field says something; false does, for example of C(hostUsers)."""
    return value not in (None, "", [], {})


def _tolerated(condition: str) -> Object:
    key = f"node.kubernetes.io/{condition}"
    return {"key": key, "operator": "Exists", "effect": "NoSchedule"}
