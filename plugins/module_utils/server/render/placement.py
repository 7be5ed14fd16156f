# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders pod placement: selector, tolerations, affinity and, for host paths, the nodes. Pure."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Sequence

from ...store import SERVER_LABEL, HostPathStore, own_nodes
from ..spec.pod import spread_constraints
from ..spec.server import ServerSpec

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
HOSTNAME = "kubernetes.io/hostname"


def placement(spec: ServerSpec, labels: Mapping[str, str]) -> Dict[str, Any]:
    """Return the scheduling fields of the pod spec; empty ones are left out."""
    fields: Dict[str, Any] = {}
    if spec.placement.node_selector:
        fields["nodeSelector"] = dict(spec.placement.node_selector)
    if spec.placement.tolerations:
        fields["tolerations"] = [dict(item) for item in spec.placement.tolerations]
    affinity = copy.deepcopy(dict(spec.placement.affinity))
    nodes = own_nodes(spec.store)
    if nodes:
        affinity = on_nodes(affinity, nodes)
    own = {SERVER_LABEL: labels[SERVER_LABEL]}
    spread = spread_constraints(spec.running.pod, own)
    if _several(spec) and (nodes or isinstance(spec.store, HostPathStore)):
        spread.insert(0, _one_per_node(own))
    if spread:
        fields["topologySpreadConstraints"] = spread
    if affinity:
        fields["affinity"] = affinity
    return fields


def on_nodes(affinity: Dict[str, Any], nodes: Sequence[str]) -> Dict[str, Any]:
    """Return C(affinity) narrowed to nodes by name.

    Terms are alternatives, and a term's C(matchFields) takes one name, so every term of the user
    is repeated for every node.
    """
    node_affinity = dict(affinity.get("nodeAffinity") or {})
    required = dict(node_affinity.get(_REQUIRED) or {})
    terms: List[Dict[str, Any]] = list(required.get("nodeSelectorTerms") or [{}])
    required["nodeSelectorTerms"] = [_term(term, node) for node in nodes for term in terms]
    node_affinity[_REQUIRED] = required
    return {**affinity, "nodeAffinity": node_affinity}


def _term(term: Mapping[str, Any], node: str) -> Dict[str, Any]:
    fields = [*(term.get("matchFields") or ())]
    fields.append({"key": "metadata.name", "operator": "In", "values": [node]})
    return {**term, "matchFields": fields}


def _several(spec: ServerSpec) -> bool:
    """Tell whether two pods could meet on one node; a DaemonSet sees to that itself."""
    scaling = spec.running.scaling
    return scaling.most(spec.replicas) > 1 and not scaling.per_node


def _one_per_node(selector: Mapping[str, str]) -> Dict[str, Any]:
    """Return a spread constraint: nodes have their own directories, so none may stay unserved."""
    return {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": dict(selector)},
    }
