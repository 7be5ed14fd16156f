# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads, and waits for, the addresses that a load balancer assigns to a Service."""

from __future__ import annotations

import time
from typing import List, Mapping, Optional

from ...errors import EdgeError, WaitError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render.identity import Object
from ..spec.server import ServerSpec
from ..spec.service import LOAD_BALANCER

PAUSE = 1.0  # seconds between two requests
_HINT = (
    "Something in the cluster has to serve Services of type LoadBalancer (a cloud, MetalLB,"
    " kube-vip, ServiceLB of k3s), and service.load_balancer_class has to be one that it serves"
)


def addresses_of(service: Optional[Mapping[str, object]]) -> List[str]:
    """Return the addresses and names in a Service's status, in its order."""
    status = (service or {}).get("status")
    balancer = status.get("loadBalancer") if isinstance(status, Mapping) else None
    ingress = balancer.get("ingress") if isinstance(balancer, Mapping) else None
    return [str(item.get("ip") or item.get("hostname")) for item in ingress or ()]


def found(
    client: KubeClient,
    spec: ServerSpec,
    service: Optional[Object],
    runtime: Runtime,
    *,
    patient: bool = True,
) -> List[str]:
    """Return the addresses, after waiting for them up to C(service.address_timeout).

    Args:
        client: of the cluster.
        spec: the server.
        service: the Service as it was read, C(None) if it was just sent.
        runtime: progress, and the warning that there is none.
        patient: whether there is time to ask again.

    Raises:
        WaitError: C(service.address_timeout) passed.
    """
    if spec.service_type != LOAD_BALANCER:
        return []  # the status may be left over from a former type LoadBalancer
    there = addresses_of(service)
    if there or not patient:
        return there
    seconds = spec.running.service.address_timeout
    if seconds:
        return _waited(client, spec, seconds, runtime)
    there = addresses_of(client.get("v1", "Service", spec.name, spec.namespace))
    if not there:
        runtime.warn(
            f"Service {spec.namespace}/{spec.name} has no address yet. {_HINT}. Set"
            " service.address_timeout to wait for it."
        )
    return there


def _waited(client: KubeClient, spec: ServerSpec, seconds: int, runtime: Runtime) -> List[str]:
    """Wait by polling: no other step needs the right to watch Services."""
    deadline = time.monotonic() + seconds
    runtime.progress(f"{spec.name}: waits for an address")
    while True:
        service = client.get("v1", "Service", spec.name, spec.namespace)
        there = addresses_of(service)
        if there:
            return there
        if time.monotonic() >= deadline:
            break
        time.sleep(PAUSE)
    message = "; ".join(
        [f"no load balancer gave it an address within {seconds} s", *_said(client, service)]
    )
    subject = f"Service {spec.namespace}/{spec.name}"
    raise WaitError(message, subject=subject, hint=_HINT, details={"reason": "NoAddress"})


def _said(client: KubeClient, service: Optional[Object]) -> List[str]:
    """Return the last warning event about the Service, if the account may read events."""
    metadata = (service or {}).get("metadata") or {}
    chosen = f"involvedObject.uid={metadata.get('uid')}"
    try:
        events, _version = client.list(
            "v1", "Event", metadata.get("namespace"), field_selector=chosen
        )
    except EdgeError:
        return []
    return [str(event.get("message")) for event in events if event.get("type") == "Warning"][-1:]
