# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a Gateway serves the routes of a server, or reports which condition holds them back.

The controller writes conditions into the status of a route, one set for each parent, and into that
of the Gateway. It looks again by itself when anything that they depend on changes. Sources:
sigs.k8s.io/gateway-api 1.6, apis/v1/shared_types.go (RouteConditionType) and gateway_types.go
(GatewayConditionProgrammed).
"""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterable, Mapping, Optional, Sequence

from ...errors import ForbiddenError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render import kinds
from ..render.identity import owner_selector
from ..spec.exposure.gateway import GatewaySpec
from ..spec.server import ServerSpec
from .accepted import Verdict, generation_of, is_current, until_accepted

# In the order in which they are reported: a route that is not accepted has no backends to resolve.
_OF_ROUTE = ("Accepted", "ResolvedRefs")
_OF_GATEWAY = ("Accepted", "Programmed")
# The reason for both where the Gateway has a listener that does not work.
_OTHERS = "ListenersNotValid"
_HINTS = {
    "NotAllowedByListeners": "Have allowedRoutes of the listener admit the namespace and the kind",
    "NoMatchingListenerHostname": "Choose a host that the hostname of the listener covers",
    "RuleMatchConflict": "Choose another host: an older route has this one",
    "NoMatchingParent": "Name a listener that the Gateway has",
    "BackendNotFound": "Look whether the Service is there",
    "RefNotPermitted": "Let a ReferenceGrant permit what the route refers to",
    "AddressNotAssigned": "See why the Gateway gets no address, mostly a Service of type"
    " LoadBalancer without a load balancer",
}
_HINT = "Correct what it names; the controller then looks again by itself"


def route_verdict(route: Mapping[str, Any], gateway: GatewaySpec) -> Optional[Verdict]:
    """Return the verdict of a Gateway on a route, None as long as it has given none."""
    for parent in (route.get("status") or {}).get("parents") or ():
        ref = parent.get("parentRef") or {}
        place = ref.get("namespace") or route["metadata"]["namespace"]
        if (ref.get("name"), place) == (gateway.name, gateway.namespace):
            conditions = parent.get("conditions") or ()
            return _judge(conditions, _OF_ROUTE, generation_of(route), gateway.subject)
    return None


def gateway_verdict(gateway: Mapping[str, Any], used: Collection[str]) -> Optional[Verdict]:
    """Return whether a Gateway is in service, None as long as no controller has said so.

    A listener of somebody else that does not work is no reason to wait.

    Args:
        gateway: the object.
        used: names of the listeners that clients come in by.
    """
    generation, status = generation_of(gateway), gateway.get("status") or {}
    told = _judge(status.get("conditions") or (), _OF_GATEWAY, generation, "its controller")
    if told is None or told.good or told.reason != _OTHERS:
        return told
    for item in status.get("listeners") or ():
        if item.get("name") in used:
            speaker = f"the controller of its listener {item['name']}"
            own = _judge(item.get("conditions") or (), ("Programmed",), generation, speaker)
            if own is None or not own.good:
                return own
    return Verdict(True)


def _judge(
    conditions: Iterable[Mapping[str, Any]], wanted: Sequence[str], generation: int, speaker: str
) -> Optional[Verdict]:
    known = {str(item.get("type")): item for item in conditions if is_current(item, generation)}
    for name in wanted:
        condition = known.get(name)
        if condition is None or condition.get("status") == "Unknown":
            return None
        if condition.get("status") != "True":
            reason = str(condition.get("reason") or "")
            message = str(condition.get("message") or "").strip().rstrip(".")
            told = (f"{name} is False", reason, message)
            text = ": ".join(filter(None, told))
            return Verdict(False, f"{speaker} says {text}", _HINTS.get(reason, _HINT), reason)
    return Verdict(True)


def see_served(
    client: KubeClient, spec: ServerSpec, runtime: Runtime, timeout: Optional[float]
) -> None:
    """Wait until the Gateway is programmed and has accepted every route of a server.

    Args:
        client: of the cluster.
        spec: the server.
        runtime: progress and warnings.
        timeout: seconds; None looks once, and warns.

    Raises:
        WaitError: names the object, and the condition that holds it back.
    """
    expose = spec.running.expose
    if expose is None or expose.gateway is None:
        return
    gateway = expose.gateway
    waits = f"{spec.name}: waits for {gateway.subject} to serve its routes"
    for subject in until_accepted(lambda: _look(client, spec, gateway), runtime, timeout, waits):
        runtime.warn(
            f"{subject}: no controller has said that it is served. Clients get no answer as long as"
            f" none does; see whether one serves the class of {gateway.subject}."
        )


def _look(
    client: KubeClient, spec: ServerSpec, gateway: GatewaySpec
) -> Dict[str, Optional[Verdict]]:
    """Return the verdicts on the routes, and on the Gateway where the account may get it."""
    found: Dict[str, Optional[Verdict]] = {}
    sides = spec.running.expose.sides if spec.running.expose else {}
    try:
        item = client.get(*kinds.GATEWAY, gateway.name, gateway.namespace)
        if item is not None:
            used = [side.listener or gateway.listener for side in sides.values()]
            found[gateway.subject] = gateway_verdict(item, used)
    except ForbiddenError:
        pass  # The routes tell as well whether somebody serves them.
    for name in sides:
        kind = kinds.ROUTE_OF[name]
        selector = owner_selector(spec.name)
        for route in client.list(*kind, spec.namespace, label_selector=selector)[0]:
            subject = f"{kind[1]} {spec.namespace}/{route['metadata']['name']}"
            found[subject] = route_verdict(route, gateway)
    return found
