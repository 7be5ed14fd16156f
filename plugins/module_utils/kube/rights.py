# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out which rights an account has, with few requests.

A SelfSubjectRulesReview tells the rules of RBAC that hold in a namespace, all in one answer. It
need not be complete, as where a webhook decides, so what it does not grant is asked for by its own
SelfSubjectAccessReview (kubernetes.io/docs/reference/access-authn-authz/authorization).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence

from ..errors import ApiError, ForbiddenError
from .types import PORTFORWARD, Access

# Rights in one namespace from which on its rules are read first.
MANY = 4

Rule = Mapping[str, Any]
Review = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Returns the status of a review of this account's rights, by its kind and its C(spec)."""


def denied_by(review: Review, wanted: Sequence[Access]) -> List[Access]:
    """Return the rights that an account does not have, as its API server reviews it."""

    def rules(namespace: str) -> Sequence[Rule]:
        try:
            told = review("SelfSubjectRulesReview", {"namespace": namespace})
        except (ApiError, ForbiddenError):
            return ()
        return told.get("resourceRules") or ()

    def allowed(access: Access) -> bool:
        spec = {"resourceAttributes": access.attributes()}
        return bool(review("SelfSubjectAccessReview", spec).get("allowed"))

    return denied(wanted, rules, allowed)


def denied(
    wanted: Sequence[Access],
    rules_of: Callable[[str], Sequence[Rule]],
    allowed: Callable[[Access], bool],
) -> List[Access]:
    """Return the rights that an account does not have.

    Args:
        wanted: the rights.
        rules_of: returns the rules that are known to hold in a namespace.
        allowed: asks for one right.
    """
    rights = list(dict.fromkeys(wanted))
    spaces = [item.namespace for item in rights if item.namespace]
    rules: Dict[str, Sequence[Rule]] = {
        name: rules_of(name) for name in dict.fromkeys(spaces) if spaces.count(name) >= MANY
    }
    return [
        item
        for item in rights
        if not grants(rules.get(item.namespace or "", ()), item) and not allowed(item)
    ]


def carried(wanted: Sequence[Access], carrier: str) -> List[Access]:
    """Return rights with those for C(pods/proxy) turned into what a carrier takes, each once.

    A WebSocket is an HTTP GET, so servers before 1.35 check C(get), later ones C(create) too.
    """
    if carrier != PORTFORWARD:
        return list(wanted)
    found: List[Access] = []
    for item in wanted:
        if of_proxy(item):
            verbs = ("get", "create")
            found += [replace(item, verb=verb, subresource="portforward") for verb in verbs]
        else:
            found.append(item)
    return list(dict.fromkeys(found))


def of_proxy(access: Access) -> bool:
    """Tell whether a right is one for C(pods/proxy)."""
    return (access.resource, access.subresource) == ("pods", "proxy")


def grants(rules: Iterable[Rule], access: Access) -> bool:
    """Tell whether one of some rules of a namespace grants a right in it.

    As RBAC compares them (k8s.io/kubernetes, pkg/apis/rbac/v1/evaluation_helpers.go).
    """
    if not access.namespace:
        return False  # a rule of a namespace says nothing of what is outside of namespaces
    whole = f"{access.resource}/{access.subresource}" if access.subresource else access.resource
    resources = {"*", whole}
    if access.subresource:
        resources.add(f"*/{access.subresource}")
    return any(
        _has(rule, "verbs", {"*", access.verb})
        and _has(rule, "apiGroups", {"*", access.group})
        and _has(rule, "resources", resources)
        and (not rule.get("resourceNames") or access.name in rule["resourceNames"])
        for rule in rules
    )


def _has(rule: Rule, field: str, any_of: "set[str]") -> bool:
    return not any_of.isdisjoint(rule.get(field) or ())
