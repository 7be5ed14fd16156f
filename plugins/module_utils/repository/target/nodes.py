# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the nodes that a helper can run on, by labels, taints and conditions."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ...store import HostPathStore

# The node controller puts it on a node that was cordoned (k8s.io/api core/v1 well_known_taints.go).
CORDONED = "node.kubernetes.io/unschedulable"
Object = Mapping[str, Any]
Pairs = Sequence[Tuple[str, str]]


def read_nodes(client: KubeClient, label_selector: Optional[str] = None) -> Optional[List[Object]]:
    """Return the nodes, C(None) when the account may not list them."""
    try:
        return list(client.list("v1", "Node", label_selector=label_selector)[0])
    except (ForbiddenError, ApiError):
        return None


def name_of(node: Object) -> str:
    """Return the name of a node."""
    return str(node["metadata"]["name"])


def choose_nodes(
    store: HostPathStore, nodes: Sequence[Object], tolerations: Sequence[Object]
) -> List[Object]:
    """Return the nodes that get the files, sorted by name.

    Args:
        store: names and selector; with neither every node that takes pods is meant.
        nodes: of the cluster, those that fit the selector.
        tolerations: of the helper pods.

    Raises:
        InputError: a chosen node is missing, not ready, or refuses pods.
    """
    what = " that fits node_selector" if store.node_selector else ""
    chosen = named_nodes(store.nodes, nodes, "host_path.nodes", what)
    if not store.nodes and not store.node_selector:
        chosen = [node for node in chosen if not node_fault(node, tolerations)]
    if not chosen:
        raise InputError(
            "no node fits" if store.node_selector else "no node takes pods",
            option="host_path.node_selector",
        )
    refuse_faults(chosen, tolerations, "host_path.nodes")
    return chosen


def named_nodes(
    names: Sequence[str], nodes: Sequence[Object], option: str, what: str = ""
) -> List[Object]:
    """Return the nodes of these names, or all of them, sorted.

    Raises:
        InputError: a name is not there.
    """
    by_name: Dict[str, Object] = {name_of(node): node for node in nodes}
    missing = [name for name in names if name not in by_name]
    if missing:
        have = ", ".join(sorted(by_name)) or "none"
        raise InputError(
            f"no node{what} is named {', '.join(missing)}",
            option=option,
            hint=f"Nodes there: {have}",
        )
    return [by_name[name] for name in sorted(names or by_name)]


def refuse_faults(nodes: Sequence[Object], tolerations: Sequence[Object], option: str) -> None:
    """Raise C(InputError) that names each node that cannot run the helper, and why."""
    faults = [(name_of(node), node_fault(node, tolerations)) for node in nodes]
    bad = [f"{name} {fault}" for name, fault in faults if fault]
    if bad:
        raise InputError(
            f"not every chosen node can be used: {'; '.join(bad)}",
            option=option,
            hint="Leave it out, repair it, or give tolerations",
        )


def node_fault(node: Object, tolerations: Sequence[Object]) -> Optional[str]:
    """Return why a node cannot run the helper, or C(None)."""
    for condition in (node.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            return "is not ready"
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") == "PreferNoSchedule":
            continue
        if not any(tolerates(item, taint) for item in tolerations):
            if taint.get("key") == CORDONED:
                return "is cordoned"
            return f"has the taint {taint.get('key')}:{taint.get('effect')}"
    return None


def tolerates(toleration: Object, taint: Object) -> bool:
    """Return whether a toleration covers a taint (k8s.io/api core/v1 ToleratesTaint)."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint.get("effect"):
        return False
    if key and key != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def has_labels(node: Object, pairs: Pairs) -> bool:
    """Return whether a node has these labels."""
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in pairs)


def refuse_others(nodes: Sequence[Object], pairs: Pairs) -> None:
    """Raise C(InputError) when a node of a host path lacks labels that the helper asks for."""
    others = [name_of(node) for node in nodes if not has_labels(node, pairs)]
    if others:
        raise InputError(
            f"{', '.join(others)} of host_path does not fit node_selector",
            option="node_selector",
            hint="Leave it out: host_path.node_selector chooses the nodes of a host path",
        )


def fits_terms(node: Object, terms: Sequence[Object]) -> bool:
    """Return whether one of the terms of a node selector fits a node.

    Alternatives are terms, an empty one fits nothing (k8s.io/component-helpers
    scheduling/corev1/nodeaffinity/nodeaffinity.go).
    """
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": name_of(node)}
    for term in terms:
        parts = [(item, labels) for item in term.get("matchExpressions") or ()]
        parts += [(item, fields) for item in term.get("matchFields") or ()]
        if parts and all(_fits(item, known) for item, known in parts):
            return True
    return False


def _fits(item: Object, known: Mapping[str, str]) -> bool:
    have, values = known.get(str(item.get("key"))), list(item.get("values") or ())
    judge = _OPERATORS.get(str(item.get("operator")))
    return judge is not None and judge(have, values)


def _compare(have: Optional[str], values: Sequence[str], sign: int) -> bool:
    try:
        return have is not None and (int(have) - int(values[0])) * sign > 0
    except (ValueError, IndexError):
        return False


_OPERATORS: Dict[str, Callable[[Optional[str], Sequence[str]], bool]] = {
    "In": lambda have, values: have in values,
    "NotIn": lambda have, values: have not in values,
    "Exists": lambda have, values: have is not None,
    "DoesNotExist": lambda have, values: have is None,
    "Gt": lambda have, values: _compare(have, values, 1),
    "Lt": lambda have, values: _compare(have, values, -1),
}


def terms_text(terms: Sequence[Object]) -> str:
    """Return a node selector in words: C(kubernetes.io/hostname in (n1, n2))."""
    texts = []
    for term in terms:
        items = [*(term.get("matchExpressions") or ()), *(term.get("matchFields") or ())]
        words = [_item_text(item) for item in items]
        texts.append(" and ".join(words) or "nothing")
    return " or ".join(texts)


def _item_text(item: Object) -> str:
    values = ", ".join(item.get("values") or ())
    text = f"{item.get('key')} {str(item.get('operator')).lower()}"
    return f"{text} ({values})" if values else text
