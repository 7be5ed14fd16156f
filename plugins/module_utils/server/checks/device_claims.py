# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks device claims (DRA) on the cluster, and explains why a pod gets no device."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ...errors import ApiError, EdgeError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ...kube.health.devices import name_of
from ..spec.device import CLAIM_API, ClaimRequest, Device
from ..spec.server import ServerSpec

Object = Dict[str, Any]
# The scheduler finds no device, or the node's driver gives none (k8s.io/kubernetes
# pkg/kubelet/events/event.go).
_REASONS = ("Unschedulable", "FailedPrepareDynamicResources")


def claim_of(spec: ServerSpec) -> Optional[ClaimRequest]:
    """Return the claim that the pods make."""
    return spec.device.claim if spec.device is not None else None


def check(client: KubeClient, spec: ServerSpec) -> None:
    """Refuse a claim that can never be allocated, as far as the account can read the objects.

    Raises:
        InputError: the cluster does not know claims, or lacks the class or the template.
    """
    claim = claim_of(spec)
    if claim is None:
        return
    if claim.template_name:
        _check_template(client, claim, spec.namespace)
        return
    classes = _list(client, "DeviceClass")
    if classes is None:
        return
    names = sorted(name_of(item) for item in classes)
    if claim.device_class_name not in names:
        raise InputError(
            "the cluster has no such DeviceClass",
            option="device.claim.device_class_name",
            subject=str(claim),
            hint=f"It has {', '.join(names)}"
            if names
            else "It has none: install a DRA driver, or use device.resource with a device plugin",
        )


def refusal(error: ApiError, spec: ServerSpec) -> Optional[InputError]:
    """Return an API error about the selectors as an InputError, None for other errors."""
    claim = claim_of(spec)
    about = f"{error.subject} {error.message}"
    if claim is None or not claim.selectors or "ResourceClaimTemplate" not in about:
        return None
    if error.status != 422:
        return None
    return InputError(
        f"the cluster refuses them: {error.message}",
        option="device.claim.selectors",
        subject=error.subject,
        hint="Each has to be an expression in CEL about one device, and true or false",
        details=error.details,
    )


def _check_template(client: KubeClient, claim: ClaimRequest, namespace: str) -> None:
    try:
        found = client.get(CLAIM_API, "ResourceClaimTemplate", claim.template_name, namespace)
    except ForbiddenError:
        return
    except ApiError as error:
        raise _unserved(error) from error
    if found is None:
        raise InputError(
            "it does not exist",
            option="device.claim.template_name",
            subject=f"ResourceClaimTemplate {namespace}/{claim.template_name}",
            hint="Create it, or give device_class_name to have one made",
        )


def _unserved(error: ApiError) -> EdgeError:
    if error.status != 404:
        return error
    return InputError(
        f"the cluster does not serve {CLAIM_API}",
        option="device.claim",
        hint="Kubernetes 1.34 and later does; before that use device.resource with a device plugin",
    )


def _list(client: KubeClient, kind: str, namespace: Optional[str] = None) -> Optional[List[Object]]:
    """Return all objects of a kind, None when the account may not see them.

    Raises:
        InputError: the cluster does not serve it.
    """
    try:
        return client.list(CLAIM_API, kind, namespace)[0]
    except ForbiddenError:
        return None
    except ApiError as error:
        raise _unserved(error) from error


def enrich(
    client: KubeClient, spec: ServerSpec, error: EdgeError, nodes: Optional[Sequence[Object]]
) -> None:
    """Add to an error the devices of each node and the pods that use them.

    C(nodes) are those that may run the server, None when they cannot be read.
    """
    claim = claim_of(spec)
    if claim is None or error.details.get("reason") not in _REASONS:
        return
    slices = _list(client, "ResourceSlice")
    if slices is None:
        return
    classes = _list(client, "DeviceClass") or []
    own = next((item for item in classes if name_of(item) == claim.device_class_name), None)
    drivers = drivers_of(own)
    offered = devices_by_place(slices, drivers)
    claims = _list(client, "ResourceClaim")
    held = None if claims is None else holders(claims)
    names = [name_of(node) for node in nodes] if nodes is not None else [*filter(None, offered)]
    lines = explain(names, offered, held, drivers)
    if lines:
        error.details["devices"] = lines
        error.message += f"; {claim}: " + "; ".join(lines)
        error.hint = "Free a device, ask for fewer, or see to the DRA driver of that node"


_OF_DRIVER = re.compile(r"device\.driver\s*==\s*[\"']([^\"']+)[\"']")


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
