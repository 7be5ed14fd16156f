# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges whether nodes offer the wanted devices, and the reason for each that does not. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..kube.health.devices import device_labels, has_labels, is_ready, name_of, offer_of, shortage
from ..kube.health.pods import Trouble, pod_trouble
from ..kube.health.workloads import Snapshot, Verdict

Object = Dict[str, Any]

_NO_NODE_HINT = (
    "Label the nodes that have devices, by Node Feature Discovery or by hand, "
    "or choose nodes by name"
)
_HINT = "Look at the log of the device plugin there, and whether the node has the device at all"


@dataclass(frozen=True)
class Wanted:
    """The wanted devices and the selected nodes.

    Attributes:
        resources: one of them is enough on a node.
        count: how many devices each chosen node must offer.
        labels: of the chosen nodes.
        nodes: names of the chosen nodes; none: any.
        plugin_namespace: where the pods of the device plugin are, if that is known.
        plugin_labels: their labels.
    """

    resources: Tuple[str, ...]
    count: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    nodes: Tuple[str, ...] = ()
    plugin_namespace: Optional[str] = None
    plugin_labels: Mapping[str, str] = field(default_factory=dict)


def chosen(wanted: Wanted, nodes: Sequence[Object]) -> List[Object]:
    """Return the nodes that the options select."""
    return [
        node
        for node in nodes
        if has_labels(node, wanted.labels) and (not wanted.nodes or name_of(node) in wanted.nodes)
    ]


def judge(wanted: Wanted, snapshot: Snapshot) -> Verdict:
    """Judge C([nodes]) or C([nodes, pods of the plugin, events])."""
    nodes = snapshot[0]
    pods = snapshot[1] if len(snapshot) > 1 else None
    events = snapshot[2] if len(snapshot) > 2 else []
    meant = chosen(wanted, nodes)
    if not meant:
        return Verdict(False, "no node is chosen", _no_node(wanted, nodes))
    lacking = _lacking(wanted, meant)
    message = f"{len(meant) - len(lacking)} of {len(meant)} nodes offer devices"
    if not lacking:
        return Verdict(True, message, found=nodes)
    fatal, pod = _plugin_trouble(pods or (), events)
    if fatal is not None:
        return Verdict(False, message, fatal, pod)
    texts = [
        f"node {name}: {text}{_plugin_there(pods, name)}" for name, text in sorted(lacking.items())
    ]
    return Verdict(False, message, Trouble("NoDevices", "; ".join(texts), _HINT, False))


def _no_node(wanted: Wanted, nodes: Sequence[Object]) -> Trouble:
    labels = ",".join(f"{key}={value}" for key, value in sorted(wanted.labels.items()))
    seen = sorted({key for node in nodes for key in device_labels(node)})
    text = f"no node has the labels {labels}" if labels else "the cluster has no nodes"
    text += f"; labels of Intel's devices that nodes have: {', '.join(seen)}" if seen else ""
    return Trouble("NoNode", text, _NO_NODE_HINT, False)


def _lacking(wanted: Wanted, nodes: Sequence[Object]) -> Dict[str, str]:
    """Return the reason for each node that offers too few devices."""
    found = {}
    for node in nodes:
        text = shortage([offer_of(node, resource) for resource in wanted.resources], wanted.count)
        if text is not None:
            found[name_of(node)] = text if is_ready(node) else f"it is not ready, and {text}"
    return found


def _plugin_trouble(
    pods: Sequence[Object], events: Sequence[Object]
) -> Tuple[Optional[Trouble], Optional[Object]]:
    """Return the trouble of a plugin's pod that waiting does not end."""
    for pod in pods:
        trouble = pod_trouble({"kind": "Pod", **pod}, events)
        if trouble is not None and trouble.fatal:
            return trouble, pod
    return None, None


def _plugin_there(pods: Optional[Sequence[Object]], node: str) -> str:
    if pods is None:
        return ""
    if any((pod.get("spec") or {}).get("nodeName") == node for pod in pods):
        return " (a pod of the plugin is there)"
    return " (no pod of the plugin is there)"
