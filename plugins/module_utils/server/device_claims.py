# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices by dynamic resource allocation (DRA): the claim, and who has what. Pure.

Each pod gets a claim of its own, made by Kubernetes from a template; a driver on the node gives the
devices that the scheduler chose for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.devices import GPU_RESOURCES
from ansible_collections.openvino.edge.plugins.module_utils.server import values

API = "resource.k8s.io/v1"
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
NAME = "device"
# What devices of a class are, as resources of Intel's plugins (which also tell OpenVINO's name);
# intel/intel-resource-drivers-for-kubernetes has no class for NPUs.
_CLASSES: Dict[str, FrozenSet[str]] = {"gpu.intel.com": frozenset(GPU_RESOURCES)}
_OF_DRIVER = re.compile(r"device\.driver\s*==\s*[\"']([^\"']+)[\"']")
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
    return {"spec": {"devices": {"requests": [{"name": NAME, "exactly": wanted}]}}}


def template_name(server: str, claim: ClaimRequest, count: int) -> str:
    """Return the template's name: templates never change, so another request is another one."""
    if claim.template_name:
        return claim.template_name
    text = json.dumps(template_spec(claim, count), sort_keys=True)
    return f"{server}-device-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:8]}"


def with_claim(pod: Dict[str, Any], name: str) -> Dict[str, Any]:
    """Return the pod's spec with the claim, which its first container uses."""
    first, *others = pod["containers"]
    resources = {**first.get("resources", {}), "claims": [{"name": NAME}]}
    return {
        **pod,
        "containers": [{**first, "resources": resources}, *others],
        "resourceClaims": [{"name": NAME, "resourceClaimTemplateName": name}],
    }


def drivers_of(device_class: Optional[Object]) -> Set[str]:
    """Return the drivers that a class names in its selectors; empty: any."""
    selectors = ((device_class or {}).get("spec") or {}).get("selectors") or ()
    texts = [str((item.get("cel") or {}).get("expression") or "") for item in selectors]
    return {name for text in texts for name in _OF_DRIVER.findall(text)}


def devices_by_place(slices: Sequence[Object], drivers: Set[str]) -> Dict[str, List[Device]]:
    """Return the devices that drivers offer, by node; those for several nodes by no name."""
    found: Dict[str, List[Device]] = {}
    for item in slices:
        spec = item["spec"]
        driver, pool = str(spec.get("driver")), str((spec.get("pool") or {}).get("name"))
        if drivers and driver not in drivers:
            continue
        names = [(driver, pool, str(device["name"])) for device in spec.get("devices") or ()]
        found.setdefault(str(spec.get("nodeName") or ""), []).extend(names)
    return found


def holders(claims: Sequence[Object]) -> Dict[Device, str]:
    """Return which claim has a device."""
    found: Dict[Device, str] = {}
    for claim in claims:
        allocation = (claim.get("status") or {}).get("allocation") or {}
        metadata = claim["metadata"]
        for item in (allocation.get("devices") or {}).get("results") or ():
            key = (str(item.get("driver")), str(item.get("pool")), str(item.get("device")))
            found[key] = _user(claim) or f"{metadata.get('namespace')}/{metadata['name']}"
    return found


def _user(claim: Object) -> str:
    """Return the pod that a claim is reserved for."""
    for item in (claim.get("status") or {}).get("reservedFor") or ():
        if item.get("resource") == "pods":
            return f"{claim['metadata'].get('namespace')}/{item.get('name')}"
    return ""


def explain(
    nodes: Sequence[str],
    offered: Mapping[str, Sequence[Device]],
    held: Optional[Mapping[Device, str]],
    drivers: Set[str],
) -> List[str]:
    """Say for each node which devices there are, and who has them; C(held): None is not known."""
    whose = f" of {' or '.join(sorted(drivers))}" if drivers else ""
    lines: List[str] = []
    for node in [*sorted(nodes), *([""] if "" in offered else [])]:
        where = f"node {node}" if node else "shared by nodes"
        devices = offered.get(node) or ()
        if not devices:
            lines.append(f"{where}: no DRA driver{whose} offers a device there")
        elif held is None:
            lines.append(f"{where}: {len(devices)} devices{whose} are offered")
        else:
            taken = sorted({held[item] for item in devices if item in held})
            free = sum(item not in held for item in devices)
            text = f"{where}: {free} of {len(devices)} devices{whose} are free"
            lines.append(f"{text}, the others have {', '.join(taken)}" if taken else text)
    return lines
