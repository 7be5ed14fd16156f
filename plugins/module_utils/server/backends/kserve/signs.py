# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads KServe's progress from the C(InferenceService) and its Deployment. Pure.

Sources: kserve/kserve v0.20.0, pkg/apis/serving/v1beta1/inference_service_status.go and
pkg/controller/v1beta1/inferenceservice/components/predictor.go.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Optional, Tuple

from ...render.identity import INPUT_HASH_ANNOTATION
from ..conditions import Signs

_INVALID = "InvalidSpec"
_PREDICTOR, _READY = "PredictorReady", "Ready"
# Conditions that KServe copies from the Deployment; the pods tell more.
_OF_DEPLOYMENTS = (
    "MinimumReplicasUnavailable",
    "ProgressDeadlineExceeded",
    "FailedCreate",
    "FailedDelete",
    "ReplicaSetCreateError",
)
# KServe retries at once after a change, and updates its status within a second or two.
_GRACE = 5.0

Object = Mapping[str, Any]


def behind(owner: Object, deployment: Object) -> List[str]:
    """Return the fields in which a Deployment is not what the resource asks for.

    The hash of the whole predictor goes to the pods.
    """
    spec, predictor = deployment["spec"], owner["spec"]["predictor"]
    wanted = (predictor.get("annotations") or {}).get(INPUT_HASH_ANNOTATION)
    annotations = spec["template"]["metadata"].get("annotations") or {}
    same = {
        "predictor": annotations.get(INPUT_HASH_ANNOTATION) == wanted,
        "replicas": spec.get("replicas", 1) == predictor.get("minReplicas"),
    }
    return [name for name, value in same.items() if not value]


def complaints(owner: Object) -> Iterator[Tuple[str, str]]:
    """Yield reason and message of what the status says is wrong.

    C(status.observedGeneration) is that of the Deployment, so it does not tell which state of the
    resource a complaint is about.
    """
    status = owner.get("status") or {}
    condition = _condition(status, _PREDICTOR)
    reason, message = str(condition.get("reason") or ""), str(condition.get("message") or "")
    told = bool(reason or message) and reason not in _OF_DEPLOYMENTS
    if condition.get("status") == "False" and told:
        yield reason or _PREDICTOR, message or reason
    model = status.get("modelStatus") or {}
    if model.get("transitionStatus") == _INVALID:
        failure = model.get("lastFailureInfo") or {}
        reason = str(failure.get("reason") or _INVALID)
        yield reason, str(failure.get("message") or reason)


def unready(owner: Object) -> Optional[str]:
    """Return why the resource is not C(Ready) although its pods are; None if it is, or may be."""
    status = owner.get("status") or {}
    condition = _condition(status, _READY)
    if condition.get("status") != "False" or condition.get("reason") in _OF_DEPLOYMENTS:
        return None
    texts = (str(condition.get("reason") or ""), str(condition.get("message") or ""))
    return ": ".join(filter(None, texts)) or "no reason given"


def _condition(status: Object, kind: str) -> Object:
    found = (item for item in status.get("conditions") or () if item.get("type") == kind)
    return next(found, {})


SIGNS = Signs(behind, complaints, _GRACE)
