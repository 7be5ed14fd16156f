# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the devices that a device plugin offers on each node, and those that pods use. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

Object = Mapping[str, Any]

GPU_I915 = "gpu.intel.com/i915"
GPU_XE = "gpu.intel.com/xe"
NPU = "npu.intel.com/accel"
# The resources of Intel's device plugins that OpenVINO can use, by the kernel's driver
# (intel/intel-device-plugins-for-kubernetes, cmd/gpu_plugin and cmd/npu_plugin).
GPU_RESOURCES = (GPU_I915, GPU_XE)
KNOWN_RESOURCES = (*GPU_RESOURCES, NPU)
_LABEL_PREFIXES = ("intel.feature.node.kubernetes.io/", "gpu.intel.com/", "npu.intel.com/")
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Holder:
    """A pod that devices were given to, or are reserved for."""

    namespace: str
    pod: str
    amount: int

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod} ({self.amount})"


@dataclass(frozen=True)
class Offer:
    """One resource on one node.

    Attributes:
        node: its name.
        resource: its name, for example C(gpu.intel.com/i915).
        known: does the kubelet know it at all? It forgets a plugin that is gone for minutes.
        capacity: devices, healthy or not.
        allocatable: healthy devices; none as long as the plugin is gone.
        holders: pods that have some; None when pods could not be read.
    """

    node: str
    resource: str
    known: bool
    capacity: int
    allocatable: int
    holders: Optional[Tuple[Holder, ...]] = None

    @property
    def allocated(self) -> Optional[int]:
        """Return how many pods hold; None when that is not known."""
        return None if self.holders is None else sum(item.amount for item in self.holders)

    @property
    def free(self) -> Optional[int]:
        """Return how many a new pod could get; None when that is not known."""
        held = self.allocated
        return None if held is None else max(0, self.allocatable - held)

    def as_dict(self) -> Dict[str, Any]:
        """Return plain data."""
        return {
            "capacity": self.capacity,
            "allocatable": self.allocatable,
            "allocated": self.allocated,
            "free": self.free,
        }


def name_of(item: Object) -> str:
    """Return an object's name."""
    return str(item["metadata"]["name"])


def offer_of(node: Object, resource: str, pods: Optional[Iterable[Object]] = None) -> Offer:
    """Return what a node offers of a resource; C(pods) are those of the cluster, if known."""
    status = node.get("status") or {}
    capacity = status.get("capacity") or {}
    return Offer(
        name_of(node),
        resource,
        resource in capacity,
        _count(capacity.get(resource)),
        _count((status.get("allocatable") or {}).get(resource)),
        None if pods is None else holders(pods, name_of(node), resource),
    )


def holders(pods: Iterable[Object], node: str, resource: str) -> Tuple[Holder, ...]:
    """Return the pods on a node that have not ended and ask for a resource, by name."""
    found = []
    for pod in pods:
        if (pod.get("spec") or {}).get("nodeName") != node:
            continue
        if (pod.get("status") or {}).get("phase") in _ENDED:
            continue
        amount = pod_request(pod, resource)
        if amount:
            metadata = pod["metadata"]
            found.append(Holder(str(metadata.get("namespace")), str(metadata["name"]), amount))
    return tuple(sorted(found, key=lambda item: (item.namespace, item.pod)))


def pod_request(pod: Object, resource: str) -> int:
    """Return how many a pod gets of a resource, counted as the scheduler does.

    Init containers run one after the other, before the containers; those that go on running
    (C(restartPolicy=Always)) count with both.
    """
    spec = pod.get("spec") or {}
    running = most = 0
    for container in spec.get("initContainers") or ():
        amount = _asked(container, resource)
        if container.get("restartPolicy") == "Always":
            running += amount
            most = max(most, running)
        else:
            most = max(most, running + amount)
    running += sum(_asked(container, resource) for container in spec.get("containers") or ())
    return max(most, running)


def _asked(container: Object, resource: str) -> int:
    resources = container.get("resources") or {}
    asked = resources.get("requests") or {}
    return _count(asked.get(resource, (resources.get("limits") or {}).get(resource)))


def _count(value: Any) -> int:
    """Return a quantity as an int; device counts are whole, so "0.5" or "1Gi" counts as 0."""
    text = str(value if value is not None else 0)
    return int(text) if text.isdigit() else 0


def is_ready(node: Object) -> bool:
    """Tell whether the kubelet of a node says that it is ready."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def is_open(node: Object) -> bool:
    """Tell whether new pods may be placed on a node."""
    return not (node.get("spec") or {}).get("unschedulable")


def device_labels(node: Object) -> Dict[str, str]:
    """Return the labels that tell of Intel's devices, as Node Feature Discovery sets them."""
    labels = node["metadata"].get("labels") or {}
    return {key: str(labels[key]) for key in sorted(labels) if key.startswith(_LABEL_PREFIXES)}


def has_labels(node: Object, wanted: Mapping[str, str]) -> bool:
    """Tell whether a node has all of these labels."""
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def shortage(offers: Sequence[Offer], count: int) -> Optional[str]:
    """Say why none of a node's offers is enough; None when one is.

    Args:
        offers: of one node, of resources that are as good as each other.
        count: how many devices one of them must have.
    """
    best = max(offers, key=lambda item: (item.allocatable, item.capacity, item.known))
    if best.allocatable >= count:
        return None
    if not best.known:
        names = " or ".join(item.resource for item in offers)
        return f"it offers no {names}, no device plugin has registered there"
    if not best.capacity:
        return f"the device plugin of {best.resource} is there, or was, and lists no device"
    if not best.allocatable:
        return (
            f"it has {best.capacity} {best.resource} and none is healthy: "
            "the device plugin is gone, or reports them so"
        )
    return f"it offers {best.allocatable} {best.resource}, {count} are needed"


def pressure(offer: Offer, count: int) -> Optional[str]:
    """Say why a pod that asks for C(count) finds no place on a node; None when it does."""
    lack = shortage([offer], count)
    if lack is not None:
        return lack
    if offer.free is None or offer.free >= count:
        return None
    names = ", ".join(map(str, offer.holders or ()))
    return f"{offer.free} of {offer.allocatable} {offer.resource} are free, the others have {names}"


def explain(
    nodes: Sequence[Object], pods: Optional[Sequence[Object]], resource: str, count: int
) -> List[str]:
    """Say node by node why a pod with devices finds no place; nodes that have room are left out."""
    lines = []
    for node in sorted(nodes, key=name_of):
        text = pressure(offer_of(node, resource, pods), count)
        if text is None and not is_ready(node):
            text = "it is not ready"
        if text is None and not is_open(node):
            text = "it is closed for new pods (cordoned)"
        if text is not None:
            lines.append(f"node {name_of(node)}: {text}")
    return lines
