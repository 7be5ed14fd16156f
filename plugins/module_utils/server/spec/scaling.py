# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for replicas, autoscaling, disruption budget and rolling update. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from ...errors import InputError
from .. import values

DEPLOYMENT, DAEMON_SET = "Deployment", "DaemonSet"
EVICTION_POLICIES = ("IfHealthyBudget", "AlwaysAllow")
SCALING_ARGUMENT_SPEC: Dict[str, Any] = {
    "workload": {"type": "str", "choices": [DEPLOYMENT, DAEMON_SET], "default": DEPLOYMENT},
    "rolling_update": {
        "type": "dict",
        "options": {"max_surge": {"type": "str"}, "max_unavailable": {"type": "str"}},
    },
    "autoscaling": {
        "type": "dict",
        "options": {
            "min_replicas": {"type": "int", "default": 1},
            "max_replicas": {"type": "int", "required": True},
            "cpu_utilization": {"type": "int"},
            "memory_utilization": {"type": "int"},
            "pod_metrics": {"type": "dict", "default": {}},
            "metrics": {"type": "list", "elements": "dict", "default": []},
            "behavior": {"type": "dict", "default": {}},
        },
    },
    "disruption_budget": {
        "type": "dict",
        "options": {
            "min_available": {"type": "str"},
            "max_unavailable": {"type": "str"},
            "unhealthy_pod_eviction_policy": {"type": "str", "choices": list(EVICTION_POLICIES)},
        },
        "mutually_exclusive": [("min_available", "max_unavailable")],
        "required_one_of": [("min_available", "max_unavailable")],
    },
}
_AMOUNT = re.compile(r"[0-9]{1,4}|(100|[0-9]{1,2})%")
_MOST = 1000

Amount = Union[int, str]
Object = Dict[str, Any]


@dataclass(frozen=True)
class Autoscaling:
    """A HorizontalPodAutoscaler; C(metrics) and C(behavior) are in the form of Kubernetes."""

    least: int
    most: int
    metrics: Tuple[Mapping[str, Any], ...] = ()
    behavior: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scaling:
    """The number of pods, and how a rollout replaces them.

    Attributes:
        workload: the kind of object that runs the pods.
        surge: pods more than wanted while pods are replaced; None: not given.
        unavailable: pods fewer than wanted meanwhile; None: not given.
        autoscaling: what chooses the number of replicas; None: the option C(replicas).
        budget: fields of the PodDisruptionBudget; empty: none.
    """

    workload: str = DEPLOYMENT
    surge: Optional[Amount] = None
    unavailable: Optional[Amount] = None
    autoscaling: Optional[Autoscaling] = None
    budget: Mapping[str, Any] = field(default_factory=dict)

    @property
    def per_node(self) -> bool:
        """Tell whether every chosen node runs one pod."""
        return self.workload == DAEMON_SET

    def most(self, replicas: int) -> int:
        """Return how many pods there can be at the most, given the option C(replicas)."""
        return self.autoscaling.most if self.autoscaling else replicas


def scaling_from_params(params: Mapping[str, Any]) -> Scaling:
    """Return the checked options.

    Raises:
        InputError: a value that cannot be, or options that contradict each other.
    """
    update = params.get("rolling_update") or {}
    scaling = Scaling(
        workload=params["workload"],
        surge=_optional(update.get("max_surge"), "rolling_update.max_surge"),
        unavailable=_optional(update.get("max_unavailable"), "rolling_update.max_unavailable"),
        autoscaling=_autoscaling(params),
        budget=_budget(params.get("disruption_budget")),
    )
    _check_number(scaling, params)
    _check_update(scaling, params)
    return scaling


def _check_number(scaling: Scaling, params: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other about the number of pods."""
    if scaling.autoscaling and params.get("replicas") is not None:
        hint = "Leave it out; use autoscaling.min_replicas and max_replicas"
        raise InputError("autoscaling chooses the number", option="replicas", hint=hint)
    if not scaling.per_node:
        return
    hint = "Leave it out, or use workload=Deployment"
    if params.get("replicas") is not None:
        message = "a DaemonSet runs one pod on every chosen node"
        raise InputError(message, option="replicas", hint=hint)
    if scaling.autoscaling:
        raise InputError("a DaemonSet cannot be scaled", option="autoscaling", hint=hint)
    if scaling.budget:
        message = "draining a node leaves the pods of a DaemonSet alone, so no budget counts them"
        raise InputError(message, option="disruption_budget", hint=hint)


def _check_update(scaling: Scaling, params: Mapping[str, Any]) -> None:
    given = scaling.surge is not None or scaling.unavailable is not None
    if params["strategy"] == "Recreate":
        if given:
            message = "strategy=Recreate ends all old pods first"
            raise InputError(message, option="rolling_update", hint="Leave one of both out")
        if scaling.per_node:
            hint = "Use auto: each node's old pod ends before its new one starts"
            raise InputError("a DaemonSet has no Recreate", option="strategy", hint=hint)
    surge, unavailable = update_limits(scaling, (0, 1))
    if given and _none(surge) and _none(unavailable):
        raise InputError(
            "with neither a pod more nor a pod less, none could ever be replaced",
            option="rolling_update",
            hint="Set max_surge or max_unavailable to at least 1",
        )


def update_limits(scaling: Scaling, usual: Tuple[Amount, Amount]) -> Tuple[Amount, Amount]:
    """Return surge and unavailable pods; the one that is not given beside the other is 0 or 1."""
    if scaling.surge is None and scaling.unavailable is None:
        return usual
    if scaling.surge is None:
        return (1 if _none(scaling.unavailable) else 0), scaling.unavailable or 0
    if scaling.unavailable is None:
        return scaling.surge, (1 if _none(scaling.surge) else 0)
    return scaling.surge, scaling.unavailable


def _none(amount: Optional[Amount]) -> bool:
    return amount in (0, "0%")


def _optional(value: Optional[str], option: str) -> Optional[Amount]:
    return None if value is None else _amount(value, option)


def _amount(value: str, option: str) -> Amount:
    if not _AMOUNT.fullmatch(value):
        raise InputError(f"'{value}' is not a number of pods", option=option, hint="Like 1 or 25%")
    return value if value.endswith("%") else int(value)


def _budget(given: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    budget: Dict[str, Any] = {}
    for name, key in (("min_available", "minAvailable"), ("max_unavailable", "maxUnavailable")):
        value = (given or {}).get(name)
        if value is not None:
            budget[key] = _amount(value, f"disruption_budget.{name}")
    policy = (given or {}).get("unhealthy_pod_eviction_policy")
    return {**budget, "unhealthyPodEvictionPolicy": policy} if policy else budget


def _autoscaling(params: Mapping[str, Any]) -> Optional[Autoscaling]:
    given = params.get("autoscaling")
    if not given:
        return None
    least = values.integer(given["min_replicas"], "autoscaling.min_replicas", 1, _MOST)
    most = values.integer(given["max_replicas"], "autoscaling.max_replicas", least, _MOST)
    metrics = [
        *_utilization(params, "cpu"),
        *_utilization(params, "memory"),
        *_pod_metrics(given["pod_metrics"]),
        *values.mappings(given["metrics"], "autoscaling.metrics"),
    ]
    if not metrics:
        raise InputError(
            "nothing to scale by is given",
            option="autoscaling",
            hint="Set cpu_utilization, memory_utilization, pod_metrics or metrics",
        )
    return Autoscaling(least, most, tuple(metrics), dict(given["behavior"]))


def _utilization(params: Mapping[str, Any], name: str) -> List[Object]:
    """Return the metric; it is a share of what the pods request, so they must request it."""
    option = f"autoscaling.{name}_utilization"
    value = params["autoscaling"].get(f"{name}_utilization")
    if value is None:
        return []
    resources = params.get("resources") or {}
    if not any(name in (resources.get(group) or {}) for group in ("requests", "limits")):
        raise InputError(
            f"it is a percentage of the {name} that a pod requests, and the pods request none",
            option=option,
            hint=f"Set resources.requests.{name}",
        )
    target = {"type": "Utilization", "averageUtilization": values.integer(value, option, 1, 1000)}
    return [{"type": "Resource", "resource": {"name": name, "target": target}}]


def _pod_metrics(given: Mapping[str, Any]) -> List[Object]:
    """Return one metric per name: the average over the pods that the server itself tells."""
    return [
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": name},
                "target": {
                    "type": "AverageValue",
                    "averageValue": values.quantity(given[name], f"autoscaling.pod_metrics.{name}"),
                },
            },
        }
        for name in sorted(given)
    ]
