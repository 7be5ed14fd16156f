# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster says to a claim: is there such a class, and why does a pod get no device."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.devices import name_of
from ansible_collections.openvino.edge.plugins.module_utils.server import device_claims
from ansible_collections.openvino.edge.plugins.module_utils.server.device_claims import (
    API,
    ClaimRequest,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec

Object = Dict[str, Any]
# The scheduler finds no device, or the node's driver gives none (k8s.io/kubernetes
# pkg/kubelet/events/event.go).
_REASONS = ("Unschedulable", "FailedPrepareDynamicResources")


def claim_of(spec: ServerSpec) -> Optional[ClaimRequest]:
    """Return the claim that the pods make."""
    return spec.device.claim if spec.device is not None else None


def check(client: KubeClient, spec: ServerSpec) -> None:
    """Refuse a claim that can never be met, as far as the account may see.

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
    """Return the API server's refusal as one of the selectors, None when it is about others."""
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
        found = client.get(API, "ResourceClaimTemplate", claim.template_name, namespace)
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
        f"the cluster does not serve {API}",
        option="device.claim",
        hint="Kubernetes 1.34 and later does; before that use device.resource with a device plugin",
    )


def _list(client: KubeClient, kind: str, namespace: Optional[str] = None) -> Optional[List[Object]]:
    """Return all objects of a kind, None when the account may not see them.

    Raises:
        InputError: the cluster does not serve it.
    """
    try:
        return client.list(API, kind, namespace)[0]
    except ForbiddenError:
        return None
    except ApiError as error:
        raise _unserved(error) from error


def enrich(
    client: KubeClient, spec: ServerSpec, error: EdgeError, nodes: Optional[Sequence[Object]]
) -> None:
    """Add to an error what devices there are on each node, and who has them.

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
    drivers = device_claims.drivers_of(own)
    offered = device_claims.devices_by_place(slices, drivers)
    claims = _list(client, "ResourceClaim")
    held = None if claims is None else device_claims.holders(claims)
    names = [name_of(node) for node in nodes] if nodes is not None else [*filter(None, offered)]
    lines = device_claims.explain(names, offered, held, drivers)
    if lines:
        error.details["devices"] = lines
        error.message += f"; {claim}: " + "; ".join(lines)
        error.hint = "Free a device, ask for fewer, or see to the DRA driver of that node"
