# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses options that KServe does not support, and renders the C(InferenceService). Pure.

The pods are those of the Deployment that the collection would make itself: the service has them
whole, as KServe's custom predictor. A predictor with C(model) would need a ServingRuntime, and one
that names no storage counts as a server of many models: KServe then adds a container C(agent) that
never gets ready. Sources: kserve/kserve v0.20.0, pkg/constants,
pkg/controller/v1beta1/inferenceservice and pkg/webhook/admission/pod.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any, Dict, List, Mapping, Sequence

from ....errors import InputError
from ....store import SERVER_LABEL
from ...render.identity import INPUT_HASH_ANNOTATION, object_labels
from ...spec.backend import INFERENCE_SERVICE
from ...spec.running import CONTAINER
from ...spec.server import ServerSpec
from ..names import OTHER
from ..unsupported import check_name, refuse_given

# The name by which KServe finds the server's container among those of a pod.
KSERVE_CONTAINER = "kserve-container"
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
# A Deployment without Knative. Releases before 0.16 call it RawDeployment: annotations can say so.
MODE = "Standard"
# What KServe asks of a custom predictor by a variable; without it an InferenceGraph speaks V1.
PROTOCOL_VARIABLE, PROTOCOL = "PROTOCOL", "v2"
# KServe labels the pods isvc.NAME-predictor, and a label has 63 characters.
LONGEST_NAME = 63 - len("isvc.-predictor")
# Options that KServe has no field for, each with the way out where there is one.
CANNOT: Dict[str, str] = {
    "adopt": "Remove the other one first",
    "autoscaling": "",
    "expose": "Make an Ingress or Route to the Service that endpoints in the result names",
    "service": "",
    "service_monitor": "",
    "service_type": "",
    "workload": "",
}
# Variables by which KServe would do something else with the pods (v0.20.0, pkg/constants and
# pkg/validation/env_policy.go).
_TAKEN = {
    "MULTI_MODEL_SERVER": "KServe adds an agent for many models",
    "PYTHONPATH": "KServe's webhook refuses it",
    "STORAGE_URI": "KServe copies a model into the pod first",
}


def check(params: Mapping[str, Any], spec: ServerSpec) -> None:
    """Refuse options that KServe does not support.

    Raises:
        InputError: names the option and the way out.
    """
    subject = subject_of(spec)
    refuse_given(params, CANNOT, subject, CANNOT)
    check_name(spec, LONGEST_NAME, "KServe", subject)
    if spec.replicas < 1:
        raise InputError(
            "KServe runs at least one replica without Knative",
            option="replicas",
            subject=subject,
            hint="Use 1 or more, or backend: manifests",
        )


def subject_of(spec: ServerSpec) -> str:
    """Return the name of the resource for messages."""
    return f"{INFERENCE_SERVICE[1]} {spec.namespace}/{spec.name}"


def pod_labels(spec: ServerSpec) -> Dict[str, str]:
    """Return the labels of the pods; they must differ from those of the collection's own pods."""
    return {**object_labels(spec), SERVER_LABEL: f"{spec.name}{OTHER}"}


def inference_service(
    spec: ServerSpec,
    metadata: Mapping[str, Any],
    template: Mapping[str, Any],
    strategy: Mapping[str, Any],
) -> Dict[str, Any]:
    """Return the resource.

    Args:
        spec: the server.
        metadata: of the resource.
        template: of the pods.
        strategy: how old pods make room for new ones.

    Raises:
        InputError: a variable that has a meaning of its own for KServe.
    """
    predictor: Dict[str, Any] = copy.deepcopy(dict(template["spec"]))
    predictor["containers"] = _containers(spec, predictor["containers"])
    predictor["labels"] = dict(template["metadata"]["labels"])
    predictor["annotations"] = dict(template["metadata"].get("annotations") or {})
    # KServe copies it to the pods, so it shows the state of the resource that they belong to.
    predictor["annotations"][INPUT_HASH_ANNOTATION] = _digest(predictor)
    predictor.update(minReplicas=spec.replicas, maxReplicas=spec.replicas)
    predictor["deploymentStrategy"] = dict(strategy)
    annotations = {MODE_ANNOTATION: MODE, **(metadata.get("annotations") or {})}
    return {
        "apiVersion": INFERENCE_SERVICE[0],
        "kind": INFERENCE_SERVICE[1],
        "metadata": {**metadata, "annotations": annotations},
        "spec": {"predictor": predictor},
    }


def _containers(spec: ServerSpec, containers: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return the containers, the server's first, under KServe's name and with REST in front.

    The first port is the one that KServe's Service offers as port 80.
    """
    ordered = sorted(containers, key=lambda item: bool(item["name"] != CONTAINER))
    server = {**ordered[0], "name": KSERVE_CONTAINER}
    server["ports"] = sorted(server["ports"], key=lambda port: bool(port["name"] != "rest"))
    server["env"] = _environment(spec, server.get("env") or [])
    numbers = {port["name"]: port["containerPort"] for port in server["ports"]}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in server:
            server[name] = _by_number(server[name], numbers)
    return [server, *map(dict, ordered[1:])]


def _environment(spec: ServerSpec, given: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    names = [str(item["name"]) for item in given]
    for name in names:
        if name in _TAKEN:
            raise InputError(
                f"{name} has a meaning of its own there: {_TAKEN[name]}",
                option="env",
                subject=subject_of(spec),
                hint="Leave it out, or use backend: manifests",
            )
    own = [] if PROTOCOL_VARIABLE in names else [{"name": PROTOCOL_VARIABLE, "value": PROTOCOL}]
    return [*map(dict, given), *own]


def _by_number(probe: Mapping[str, Any], numbers: Mapping[str, int]) -> Dict[str, Any]:
    """Return a probe whose port is a number.

    KServe hands the readiness probe to what it puts before a server (agent, logger, batcher), and
    that makes a URL of the port's name.
    """
    found = dict(probe)
    for action in ("httpGet", "tcpSocket"):
        asked = found.get(action)
        if asked:
            found[action] = {**asked, "port": numbers.get(asked["port"], asked["port"])}
    return found


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
