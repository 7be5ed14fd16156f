# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoscaler, the disruption budget and the DaemonSet of a server. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..spec.scaling import DAEMON_SET, DEPLOYMENT, Autoscaling, Object, Scaling, update_limits


def autoscaler(metadata: Mapping[str, Any], autoscaling: Autoscaling) -> Object:
    """Return the HorizontalPodAutoscaler of the Deployment with the same name."""
    target = {"apiVersion": "apps/v1", "kind": DEPLOYMENT, "name": metadata["name"]}
    spec: Dict[str, Any] = {
        "scaleTargetRef": target,
        "minReplicas": autoscaling.least,
        "maxReplicas": autoscaling.most,
        "metrics": [dict(metric) for metric in autoscaling.metrics],
    }
    if autoscaling.behavior:
        spec["behavior"] = dict(autoscaling.behavior)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": dict(metadata),
        "spec": spec,
    }


def disruption_budget(
    metadata: Mapping[str, Any], budget: Mapping[str, Any], selector: Mapping[str, str]
) -> Object:
    """Return the PodDisruptionBudget of the pods that C(selector) chooses."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": dict(metadata),
        "spec": {**budget, "selector": {"matchLabels": dict(selector)}},
    }


def daemon_set(
    metadata: Mapping[str, Any], scaling: Scaling, selector: Mapping[str, str], template: Object
) -> Object:
    """Return the DaemonSet; unless asked otherwise a node's old pod ends before its new one."""
    surge, unavailable = update_limits(scaling, (0, 1))
    return {
        "apiVersion": "apps/v1",
        "kind": DAEMON_SET,
        "metadata": dict(metadata),
        "spec": {
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": dict(selector)},
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            "template": template,
        },
    }
