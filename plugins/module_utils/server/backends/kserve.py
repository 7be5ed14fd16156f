# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KServe cannot say, and the C(ServingRuntime) and C(InferenceService) of a server. Pure.

The pods are those of the Deployment that the collection would make itself: the runtime has their
containers, the service everything else. Sources: kserve/kserve, pkg/constants and
pkg/controller/v1beta1/inferenceservice.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    INFERENCE_SERVICE,
    SERVING_RUNTIME,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.given import (
    refuse_others,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import OTHER
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    INPUT_HASH_ANNOTATION,
    object_labels,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.running import CONTAINER
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL

# The name by which KServe finds the server's container in a runtime.
KSERVE_CONTAINER = "kserve-container"
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
# A Deployment without Knative. Releases before 0.16 call it RawDeployment: annotations can say so.
MODE = "Standard"
MODEL_FORMAT = "openvino_ir"
SAID = frozenset(
    (
        "affinity",
        "annotations",
        "app_armor_profile",
        "backend",
        "ca_bundle",
        "cloud",
        "config_map",
        "config_path",
        "create_namespace",
        "custom_node_libraries",
        "device",
        "disruption_budget",
        "env",
        "env_from",
        "extra_args",
        "extra_volume_mounts",
        "extra_volumes",
        "file_system_poll_wait_seconds",
        "fit_cpu_limit",
        "fs_group",
        "grpc_port",
        "grpc_workers",
        "host_path",
        "image",
        "image_pull_policy",
        "image_pull_secrets",
        "image_volume",
        "labels",
        "log_level",
        "model_cache",
        "models",
        "monitoring",
        "name",
        "namespace",
        "namespace_labels",
        "network_policy",
        "node_selector",
        "ovms_version",
        "pipelines",
        "platform",
        "pod_overrides",
        "priority_class",
        "probes",
        "proxies",
        "pvc",
        "replicas",
        "resources",
        "rest_port",
        "rest_workers",
        "rolling_update",
        "run_as_group",
        "run_as_user",
        "scc",
        "se_linux_options",
        "seccomp_profile",
        "service_account",
        "startup_timeout",
        "state",
        "strategy",
        "supplemental_groups",
        "termination_grace_period_seconds",
        "tmp_size",
        "tolerations",
        "topology_spread_constraints",
    )
)


def check(params: Mapping[str, Any], spec: ServerSpec) -> None:
    """Refuse what cannot be said.

    Raises:
        InputError: names the option and the way out.
    """
    subject = subject_of(spec)
    refuse_others(params, SAID, subject, {"adopt": "Remove the other one first"})
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
    """Return the labels of the pods; they must not pass for those of a Deployment of ours."""
    return {**object_labels(spec), SERVER_LABEL: f"{spec.name}{OTHER}"}


def resources(
    spec: ServerSpec,
    metadata: Mapping[str, Any],
    template: Mapping[str, Any],
    strategy: Mapping[str, Any],
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Return runtime and service.

    Args:
        spec: the server.
        metadata: of both.
        template: of the pods.
        strategy: how old pods make room for new ones.
    """
    pod = copy.deepcopy(dict(template["spec"]))
    containers = _containers(pod.pop("containers"))
    limits = containers[0].pop("resources", None)
    runtime: Dict[str, Any] = {
        "multiModel": False,
        "protocolVersions": ["v2", "grpc-v2"],
        "supportedModelFormats": [{"name": MODEL_FORMAT, "version": "1", "autoSelect": False}],
        "containers": containers,
    }
    model: Dict[str, Any] = {
        "modelFormat": {"name": MODEL_FORMAT},
        "runtime": spec.name,
        "protocolVersion": "v2",
    }
    # KServe has limits of its own for a model that names none, so the runtime's would not count.
    if limits:
        model["resources"] = limits
    predictor: Dict[str, Any] = {
        **pod,
        "model": model,
        "labels": dict(template["metadata"]["labels"]),
        "annotations": dict(template["metadata"].get("annotations") or {}),
    }
    # It goes to the pods, and so tells which state of both resources they are of.
    predictor["annotations"][INPUT_HASH_ANNOTATION] = _digest([runtime, predictor])
    predictor.update(minReplicas=spec.replicas, maxReplicas=spec.replicas)
    predictor["deploymentStrategy"] = dict(strategy)
    annotations = {MODE_ANNOTATION: MODE, **(metadata.get("annotations") or {})}
    return (
        _resource(SERVING_RUNTIME, metadata, runtime),
        _resource(
            INFERENCE_SERVICE, {**metadata, "annotations": annotations}, {"predictor": predictor}
        ),
    )


def _resource(
    kind: Tuple[str, str], metadata: Mapping[str, Any], body: Mapping[str, Any]
) -> Dict[str, Any]:
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": dict(metadata), "spec": dict(body)}


def _containers(containers: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the containers, the server's first, under KServe's name and with REST in front.

    The first port is the one that KServe's Service offers as port 80.
    """
    ordered = sorted(containers, key=lambda item: item["name"] != CONTAINER)
    server = {**ordered[0], "name": KSERVE_CONTAINER}
    server["ports"] = sorted(server["ports"], key=lambda port: port["name"] != "rest")
    return [server, *ordered[1:]]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
