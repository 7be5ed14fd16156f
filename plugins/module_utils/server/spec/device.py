# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(device): which devices of a node a server's pod gets. Pure.

They come from a device plugin, as a resource, or by dynamic resource allocation (DRA): then each
pod gets a claim of its own, made by Kubernetes from a template, and a driver on the node gives the
devices that the scheduler chose for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple

from ...errors import InputError
from ...kube.health.devices import GPU_RESOURCES
from .. import values

CLAIM_API = "resource.k8s.io/v1"
_SOURCES = ("device_class_name", "template_name")
CLAIM_ARGUMENT_SPEC: Dict[str, Any] = {
    "type": "dict",
    "mutually_exclusive": [_SOURCES, ("template_name", "selectors")],
    "required_one_of": [_SOURCES],
    "options": {
        "device_class_name": {"type": "str"},
        "selectors": {"type": "list", "elements": "str"},
        "template_name": {"type": "str"},
    },
}
# The name of the claim within the pod, and of the request within the claim.
CLAIM_NAME = "device"
# The resources of Intel's plugins for the devices of a class (they determine OpenVINO's name);
# intel/intel-resource-drivers-for-kubernetes has no class for NPUs.
_CLASSES: Dict[str, FrozenSet[str]] = {"gpu.intel.com": frozenset(GPU_RESOURCES)}
# A device of a driver: driver, pool, name.
Device = Tuple[str, str, str]
Object = Mapping[str, Any]


@dataclass(frozen=True)
class ClaimRequest:
    """Devices of a class that fit all selectors (CEL), or a template of the user's own."""

    device_class_name: str = ""
    selectors: Tuple[str, ...] = ()
    template_name: str = ""

    @property
    def resources(self) -> FrozenSet[str]:
        """Return the plugins' resources that are the same devices; empty: not known."""
        return _CLASSES.get(self.device_class_name, frozenset())

    def __str__(self) -> str:
        own = f"ResourceClaimTemplate {self.template_name}"
        return own if self.template_name else f"DeviceClass {self.device_class_name}"


def claim_from_params(option: Mapping[str, Any]) -> Optional[ClaimRequest]:
    """Return the checked suboption of C(device), None when no claim is asked for.

    Raises:
        InputError: a name that cannot be, or a number beside a template.
    """
    given = option.get("claim")
    if not given:
        return None
    names = {key: str(given.get(key) or "") for key in _SOURCES}
    for key, name in names.items():
        if name:
            values.subdomain(name, f"device.claim.{key}")
    if not any(names.values()):
        raise InputError("it is empty", option=f"device.claim.{_SOURCES[0]}")
    if names["template_name"] and option["count"] != 1:
        message = "device.claim.template_name says how many"
        raise InputError(message, option="device.count", hint="Leave it out")
    return ClaimRequest(selectors=tuple(given.get("selectors") or ()), **names)


def template_spec(claim: ClaimRequest, count: int) -> Dict[str, Any]:
    """Return what each claim asks for."""
    wanted: Dict[str, Any] = {
        "deviceClassName": claim.device_class_name,
        "allocationMode": "ExactCount",
        "count": count,
    }
    if claim.selectors:
        wanted["selectors"] = [{"cel": {"expression": text}} for text in claim.selectors]
    return {"spec": {"devices": {"requests": [{"name": CLAIM_NAME, "exactly": wanted}]}}}


def template_name(server: str, claim: ClaimRequest, count: int) -> str:
    """Return the template's name with a hash of its request, since templates are immutable."""
    if claim.template_name:
        return claim.template_name
    text = json.dumps(template_spec(claim, count), sort_keys=True)
    return f"{server}-device-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:8]}"


def with_claim(pod: Dict[str, Any], name: str) -> Dict[str, Any]:
    """Return the pod's spec with the claim, which its first container uses."""
    first, *others = pod["containers"]
    resources = {**first.get("resources", {}), "claims": [{"name": CLAIM_NAME}]}
    return {
        **pod,
        "containers": [{**first, "resources": resources}, *others],
        "resourceClaims": [{"name": CLAIM_NAME, "resourceClaimTemplateName": name}],
    }


AUTO = "auto"
DEVICE_ARGUMENT_SPEC: Dict[str, Any] = {
    "device": {
        "type": "dict",
        "options": {
            "resource": {"type": "str", "default": AUTO},
            "count": {"type": "int", "default": 1},
            "group": {"type": "int"},
            "claim": CLAIM_ARGUMENT_SPEC,
        },
    },
}


@dataclass(frozen=True)
class DeviceRequest:
    """The requested devices.

    Attributes:
        resource: name of the resource, or C(auto): by the models and what nodes offer.
        count: how many of it.
        claim: devices by a claim, in the place of a resource.
        group: group id that owns the device's files on the nodes; None: a group of the image.
    """

    resource: str = AUTO
    count: int = 1
    group: Optional[int] = None
    claim: Optional[ClaimRequest] = None


def device_from_params(params: Mapping[str, Any]) -> Optional[DeviceRequest]:
    """Return the checked option, None when no device is asked for.

    Raises:
        InputError: it cannot be a resource, a number or a group.
    """
    option = params.get("device")
    if not option:
        return None
    resource, count, group = option["resource"], option["count"], option.get("group")
    prefix, slash, name = resource.partition("/")
    if resource != AUTO and not (slash and prefix and name):
        raise InputError(
            f"'{resource}' is not the name of a device plugin's resource",
            option="device.resource",
            hint="Write it like gpu.intel.com/i915, or auto",
        )
    claim = claim_from_params(option)
    if claim is not None and resource != AUTO:
        raise InputError(
            "a device comes from a plugin's resource or by a claim",
            option="device.resource",
            hint="Set one of device.resource, device.claim",
        )
    given = (params.get("resources") or {}).get("limits") or {}
    if resource in given:
        raise InputError(
            "set by resources.limits as well", option="device.resource", hint="Set it in one place"
        )
    values.integer(count, "device.count", 1, 1000)
    if group is not None:
        values.integer(group, "device.group", 0, 2**31 - 1)
    return DeviceRequest(resource, count, group, claim)


def with_devices(
    resources: Mapping[str, Mapping[str, str]], amounts: Tuple[Tuple[str, int], ...]
) -> Dict[str, Mapping[str, str]]:
    """Return resources with devices among the limits; requests of devices follow their limits."""
    limits = {**resources.get("limits", {}), **{name: str(count) for name, count in amounts}}
    return {**resources, "limits": limits}
