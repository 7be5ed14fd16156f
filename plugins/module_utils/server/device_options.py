# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(device): which devices of a node a server's pod gets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server import values
from ansible_collections.openvino.edge.plugins.module_utils.server.device_claims import (
    CLAIM_ARGUMENT_SPEC,
    ClaimRequest,
    claim_from_params,
)

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
    """What is asked for.

    Attributes:
        resource: name of the resource, or C(auto): by the models and what nodes offer.
        count: how many of it.
        claim: devices by a claim, in the place of a resource.
        group: group id that owns the device's files on the nodes; None: one that the image has.
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
