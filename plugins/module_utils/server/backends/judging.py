# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a controller is with a resource of ours, from one look. Pure."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.kube.judges import Snapshot, Verdict
from ansible_collections.openvino.edge.plugins.module_utils.kube.pods import Trouble
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    MODEL_SERVER,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    INPUT_HASH_ANNOTATION,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.waiting import judge_rollout

# A controller tries again by itself, and a webhook or a cache may need a moment.
CONTROLLER_GRACE = 15.0
NOTHING_MADE = "no controller has made pods for it"
NOT_SEEN = "its controller has not acted on the last change"
# openvinotoolkit/operator, pkg/helm/internal/types/types.go.
_FAILURES = ("ReleaseFailed", "Irreconcilable")
# kserve/kserve, pkg/apis/serving/v1beta1/inference_service_status.go.
_INVALID = "InvalidSpec"
# Arguments of the chart's Deployment by the group of their field (templates/deployment.yaml).
_ARGUMENTS = {
    "models_settings": (
        "model_name",
        "model_path",
        "target_device",
        "plugin_config",
        "batch_size",
        "layout",
        "shape",
        "model_version_policy",
        "config_path",
        "nireq",
    ),
    "server_settings": ("log_level", "file_system_poll_wait_seconds", "grpc_workers"),
}

Object = Mapping[str, Any]


def judge(snapshot: Snapshot) -> Verdict:
    """Judge C([resources, deployments, replica sets, pods, events])."""
    owners, deployments, sets, pods, events = snapshot
    if not owners:
        return Verdict(False, "it is gone")
    trouble = trouble_of(owners[0])
    if not deployments:
        return Verdict(False, NOTHING_MADE, trouble)
    if not follows(owners[0], deployments[0]):
        return Verdict(False, NOT_SEEN, trouble)
    return judge_rollout([deployments, sets, pods, events])


def trouble_of(owner: Object) -> Optional[Trouble]:
    """Return what a controller says is wrong with a resource, None if it says nothing."""
    for reason, message in _complaints(owner):
        hint = "Correct what it names; backend: manifests needs no controller"
        text = f"its controller says: {message.strip().rstrip('.')}"
        return Trouble(reason, text, hint, True, CONTROLLER_GRACE)
    return None


def _complaints(owner: Object) -> Iterator[Tuple[str, str]]:
    status = owner.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") in _FAILURES and condition.get("status") == "True":
            reason = str(condition.get("reason") or condition["type"])
            yield reason, str(condition.get("message") or reason)
    model = status.get("modelStatus") or {}
    failure = model.get("lastFailureInfo") or {}
    if model.get("transitionStatus") == _INVALID:
        reason = str(failure.get("reason") or _INVALID)
        yield reason, str(failure.get("message") or reason)


def follows(owner: Object, deployment: Object) -> bool:
    """Tell whether a Deployment is the one that a controller makes of the resource as it is now.

    An old one is complete as well, until the controller has seen the change.
    """
    spec, template = deployment["spec"], deployment["spec"]["template"]
    if owner["kind"] != MODEL_SERVER[1]:
        predictor = owner["spec"]["predictor"]
        wanted = (predictor.get("annotations") or {}).get(INPUT_HASH_ANNOTATION)
        found = (template["metadata"].get("annotations") or {}).get(INPUT_HASH_ANNOTATION)
        return wanted == found and spec.get("replicas", 1) == predictor.get("minReplicas")
    wanted_spec = owner["spec"]
    replicas = (wanted_spec.get("deployment_parameters") or {}).get("replicas", 1)
    container = template["spec"]["containers"][0]
    if container.get("image") != wanted_spec.get("image_name"):
        return False
    return spec.get("replicas", 1) == replicas and _said(wanted_spec, container.get("args") or [])


def _said(spec: Mapping[str, Any], args: List[str]) -> bool:
    """Tell whether the arguments are those of a ModelServer."""
    pairs = dict(zip(args, args[1:]))
    models = spec.get("models_settings") or {}
    if not models.get("single_model_mode", True):
        models = {"config_path": models.get("config_path") or "/config/config.json"}
    else:
        models = {key: value for key, value in models.items() if key != "config_path"}
    given = {**spec, "models_settings": models}
    return all(
        pairs.get(f"--{name}") == str(value)
        for group, names in _ARGUMENTS.items()
        for name, value in (given.get(group) or {}).items()
        if name in names and value not in ("", 0)
    )
