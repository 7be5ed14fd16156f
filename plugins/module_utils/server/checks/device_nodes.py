# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the devices that nodes offer, and explains why a pod gets none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ...errors import EdgeError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ...kube.health.devices import KNOWN_RESOURCES, explain, has_labels, name_of, offer_of, shortage
from ...store import own_nodes
from ..discover import live
from ..spec.device import AUTO, with_devices
from ..spec.server import ServerSpec
from . import device_claims
from .device_fit import RESOURCES_OF, used_by

Object = Dict[str, Any]
Amounts = Tuple[Tuple[str, int], ...]

# Why pods fail to get a device: the scheduler finds none, or the kubelet's plugin refuses
# (k8s.io/kubernetes pkg/kubelet/cm/devicemanager).
_REASONS = ("Unschedulable", "UnexpectedAdmissionError")


def resolved(client: KubeClient, spec: ServerSpec, config: Mapping[str, Any]) -> ServerSpec:
    """Return the server with its devices among the limits, and their group.

    Nodes are only read when the resource is to be chosen by what they offer.

    Raises:
        InputError: no node offers what the models need, nodes offer GPUs of two drivers, or nodes
            cannot be read.
    """
    device = spec.device
    if device is None:
        return spec
    amounts: Amounts = ((device.resource, device.count),)
    if device.claim is not None:
        amounts = ()
    elif device.resource == AUTO:
        names = chosen_resources(_nodes(client, spec), used_by(config))
        amounts = tuple((name, device.count) for name in names)
    security = spec.security
    if device.group is not None and device.group not in security.supplemental_groups:
        groups = (*security.supplemental_groups, device.group)
        security = replace(security, supplemental_groups=groups)
    resources = with_devices(spec.resources, amounts) if amounts else spec.resources
    return replace(spec, resources=resources, security=security)


def _nodes(client: KubeClient, spec: ServerSpec) -> List[Object]:
    """Return the nodes that may run the server.

    Raises:
        InputError: the account may not list nodes.
    """
    try:
        return eligible(spec, client.list("v1", "Node")[0])
    except ForbiddenError as error:
        raise InputError(
            "the account may not list nodes, so what they offer is not known",
            option="device.resource",
            hint="Name the resource, for example gpu.intel.com/i915",
        ) from error


def eligible(spec: ServerSpec, nodes: Sequence[Object]) -> List[Object]:
    """Return the nodes that match the node selector and the store."""
    named = own_nodes(spec.store)
    labels = dict(spec.placement.node_selector)
    return [
        node for node in nodes if has_labels(node, labels) and (not named or name_of(node) in named)
    ]


def chosen_resources(nodes: Sequence[Object], used: Set[str]) -> List[str]:
    """Return the resource that nodes offer for each of GPU, NPU.

    Devices that are not healthy at the moment count: the choice must not change with them.

    Raises:
        InputError: there is none, or more than one.
    """
    found = []
    for kind in sorted(used):
        names = RESOURCES_OF[kind]
        offered = [
            name for name in names if any(offer_of(node, name).capacity > 0 for node in nodes)
        ]
        if len(offered) > 1:
            raise InputError(
                f"nodes offer {' and '.join(offered)}",
                option="device.resource",
                hint="Name one of them; its nodes are then chosen by it",
            )
        if not offered:
            raise InputError(
                f"no node that may run the server offers a {kind}: {_each(nodes, names)}",
                option="device.resource",
                hint="Install a device plugin (role device_plugins), or name the resource",
            )
        found.append(offered[0])
    return found


def _each(nodes: Sequence[Object], names: Sequence[str]) -> str:
    texts = []
    for node in sorted(nodes, key=name_of):
        why = shortage([offer_of(node, name) for name in names], 1)
        texts.append(f"node {name_of(node)}: {why}")
    return "; ".join(texts) or "there is no such node"


def device_limits(spec: ServerSpec) -> Dict[str, int]:
    """Return the devices that the pods ask for, by resource."""
    asked = spec.device.resource if spec.device is not None else ""
    return {
        name: int(amount)
        for name, amount in spec.resources.get("limits", {}).items()
        if (name in KNOWN_RESOURCES or name == asked) and amount.isdigit()
    }


def check_offered(client: KubeClient, spec: ServerSpec) -> None:
    """Refuse more devices than any node has, where nodes can be read.

    Raises:
        InputError: says for each node what it has.
    """
    device_claims.check(client, spec)
    wanted = device_limits(spec)
    if not wanted:
        return
    nodes = live.list_if_allowed(client, "v1", "Node")
    for name, count in sorted(wanted.items()) if nodes is not None else ():
        able = eligible(spec, nodes or ())
        if able and all(offer_of(node, name).capacity < count for node in able):
            lines = "; ".join(explain(able, None, name, count))
            raise InputError(
                f"no node has {count} {name}: {lines}",
                option="device" if spec.device is not None else f"resources.limits.{name}",
                hint="Ask for fewer, or see to the device plugin (role device_plugins)",
            )


def enrich(client: KubeClient, spec: ServerSpec, error: EdgeError) -> None:
    """Add to an error the devices that each node lacks, and the pods that use them."""
    if device_claims.claim_of(spec) is not None:
        seen = live.list_if_allowed(client, "v1", "Node")
        able = None if seen is None else eligible(spec, seen)
        device_claims.enrich(client, spec, error, able)
        return
    wanted = device_limits(spec)
    if not wanted or error.details.get("reason") not in _REASONS:
        return
    nodes = live.list_if_allowed(client, "v1", "Node")
    if nodes is None:
        return
    pods: Optional[List[Object]] = live.list_if_allowed(client, "v1", "Pod")
    able = eligible(spec, nodes)
    lines = [line for name in sorted(wanted) for line in explain(able, pods, name, wanted[name])]
    if lines:
        error.details["devices"] = lines
        error.message += "; " + "; ".join(lines)
        error.hint = "Free a device, ask for fewer, or see to the device plugin of that node"
