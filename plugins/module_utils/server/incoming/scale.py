# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns KServe's number of replicas and its autoscaling into options. Pure.

Sources: kserve/kserve v0.20.0, pkg/apis/serving/v1beta1/component.go and
pkg/controller/v1beta1/inferenceservice/reconcilers/hpa.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..chart import rules
from ..chart.rules import Draft

_P = "spec.predictor."
MODE = "serving.kserve.io/deploymentMode"
# The old and the new name of the mode in which Knative runs the pods.
KNATIVE = ("Serverless", "Knative")
CLASS, METRIC, TARGET = (
    "serving.kserve.io/autoscalerClass",
    "serving.kserve.io/metric",
    "serving.kserve.io/targetUtilizationPercentage",
)
STOP = "serving.kserve.io/stop"
# What KServe scales by where nothing is given (pkg/constants, DefaultCPUUtilization). For memory it
# has no target of its own.
_METRIC, _TARGETS = "cpu", {"cpu": 80}
_SCALING = ("scaleMetric", "scaleMetricType", "scaleTarget", "autoScaling")
_MEASURED = "Knative measures it in front of the pods"

Object = Dict[str, Any]


def scaling(draft: Draft, pod: Object, annotations: Object) -> None:
    """Take the replicas and the autoscaling out of the fields of the pod and the annotations."""
    least = rules.as_int(f"{_P}minReplicas", pod.pop("minReplicas", 1))
    most = rules.as_int(f"{_P}maxReplicas", pod.pop("maxReplicas", 0) or 0)
    given = {key: pod.pop(key) for key in _SCALING if key in pod}
    kind = annotations.pop(CLASS, None)
    usual = "concurrency" if annotations.get(MODE) in KNATIVE else _METRIC
    metric = given.get("scaleMetric") or annotations.pop(METRIC, None) or usual
    target = given.get("scaleTarget") or annotations.pop(TARGET, None) or _TARGETS.get(metric)
    if least < 1:
        draft.drop(f"{_P}minReplicas", least, "only Knative starts a server at its first request")
        least = 1
    why = _hindrance(draft, str(metric), target, given, kind)
    if str(annotations.pop(STOP, "")).lower() == "true":
        why = "the service is stopped, so it has no pods"
        if least > 1:
            draft.drop(f"{_P}minReplicas", least, why)
        least = 0
    if most <= least or why:
        draft.put("replicas", least)
        if most > least:
            draft.drop(f"{_P}maxReplicas", most, str(why))
        why = why or "there is nothing to scale between minReplicas and maxReplicas"
        for key, value in given.items():
            draft.drop(f"{_P}{key}", value, why)
        return
    draft.put("autoscaling.min_replicas", least)
    draft.put("autoscaling.max_replicas", most)
    _metrics(draft, str(metric), target, given)


def _hindrance(
    draft: Draft, metric: str, target: Any, given: Mapping[str, Any], kind: Optional[str]
) -> Optional[str]:
    """Return why no autoscaler is made, None if one can be."""
    if kind in ("none", "external"):
        return f"autoscalerClass is {kind}, so KServe makes no autoscaler"
    listed = _by_resources(given)
    names = [item["name"] for item in listed] if _asked(given) else [metric]
    if not names:
        return "no metric is a utilization of CPU or memory; see autoscaling.metrics"
    if metric == "memory" and target is None and not _asked(given):
        return "a target for memory is not given, and KServe has none of its own"
    for name in names:
        if name not in ("cpu", "memory"):
            return f"{_MEASURED} ({name})"
        if not _requested(draft, name):
            return f"it is a share of the {name} that a pod requests, and resources name none"
    if given.get("scaleMetricType") == "AverageValue":
        return "it is an amount per pod; write it into autoscaling.metrics"
    return None


def _asked(given: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return list((given.get("autoScaling") or {}).get("metrics") or ())


def _by_resources(given: Mapping[str, Any]) -> List[Object]:
    """Return the metrics of C(autoScaling) that are a utilization of CPU or memory."""
    found = []
    for item in _asked(given):
        resource = item.get("resource") or {}
        target = (resource.get("target") or {}).get("averageUtilization")
        target = _TARGETS.get(str(resource.get("name"))) if target is None else target
        if item.get("type") == "Resource" and target is not None:
            found.append({"name": resource.get("name"), "target": target})
    return found


def _requested(draft: Draft, name: str) -> bool:
    resources = draft.options.get("resources") or {}
    return any(name in (resources.get(group) or {}) for group in ("requests", "limits"))


def _metrics(draft: Draft, metric: str, target: Any, given: Mapping[str, Any]) -> None:
    listed = _by_resources(given) if _asked(given) else [{"name": metric, "target": target}]
    for item in listed:
        number = rules.as_int(f"{_P}scaleTarget", item["target"])
        draft.put(f"autoscaling.{item['name']}_utilization", number)
    for index, asked in enumerate(_asked(given)):
        if (asked.get("resource") or {}).get("name") not in [one["name"] for one in listed]:
            path = f"{_P}autoScaling.metrics[{index}]"
            draft.drop(path, asked, "it is none of the resources of a pod; see autoscaling.metrics")
    behavior = (given.get("autoScaling") or {}).get("behavior")
    if behavior:
        draft.put("autoscaling.behavior", behavior)
