# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether the quotas of a namespace admit a helper pod. Pure.

A quota that counts a resource admits only pods that state it for every container; a LimitRange may
state it for them (kubernetes.io/docs/concepts/policy/resource-quotas).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from .checks import OK, PROBLEM, CheckResult

# The short names that a quota may use for requests.
_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory"}
_COUNTED = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")

Object = Mapping[str, Any]


def check_quotas(
    quotas: Iterable[Object],
    ranges: Iterable[Object],
    resources: Mapping[str, Mapping[str, str]],
) -> List[CheckResult]:
    """Name each resource that a quota wants stated and a helper pod does not state.

    Args:
        quotas: ResourceQuotas of the namespace.
        ranges: its LimitRanges.
        resources: requests and limits of a helper.
    """
    stated = _stated(resources) | _defaults(ranges)
    found: List[CheckResult] = []
    for quota in quotas:
        missing = [name for name in _hard(quota) if name not in stated]
        if missing:
            kind, name = missing[0].split(".")
            found.append(
                CheckResult(
                    "quota",
                    PROBLEM,
                    f"the quota {quota['metadata']['name']} admits no helper pod, since it states"
                    f" no {', '.join(missing)}",
                    "Set it in helper_resources, like"
                    f" {{{kind}: {{{name}: {'500m' if name == 'cpu' else '1Gi'}}}}}",
                )
            )
    return found or [CheckResult("quota", OK, "no quota keeps a helper pod out")]


def _hard(quota: Object) -> List[str]:
    """Return the hard limits of a quota, if its scopes match a helper pod."""
    spec = quota.get("spec") or {}
    # Quotas scoped to a priority class, Terminating or BestEffort do not match a helper pod.
    if spec.get("scopeSelector") or set(spec.get("scopes") or ()) & {"Terminating", "BestEffort"}:
        return []
    names = [_SHORT.get(str(name), str(name)) for name in spec.get("hard") or ()]
    return sorted(set(names) & set(_COUNTED))


def _stated(resources: Mapping[str, Mapping[str, str]]) -> "set[str]":
    """Return what a pod states; a limit is also the request where there is none."""
    found = {f"{kind}.{name}" for kind, values in resources.items() for name in values}
    return found | {f"requests.{name}" for name in resources.get("limits") or ()}


def _defaults(ranges: Iterable[Object]) -> "set[str]":
    """Return what a LimitRange states for containers that do not."""
    found: Dict[str, None] = {}
    for item in ranges:
        for limit in (item.get("spec") or {}).get("limits") or ():
            if limit.get("type") != "Container":
                continue
            for name in (*(limit.get("default") or ()), *(limit.get("max") or ())):
                found[f"limits.{name}"] = found[f"requests.{name}"] = None
            for name in limit.get("defaultRequest") or ():
                found[f"requests.{name}"] = None
    return set(found)
