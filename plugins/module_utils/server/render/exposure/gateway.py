# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the HTTPRoute and the GRPCRoute by which a Gateway lets clients in. Pure.

The GRPCRoute takes all of its host, which a listener gives to GRPCRoutes alone. It names no
services: Contour 1.33 accepts none without a method (InvalidMethodMatch). That the Service speaks
HTTP/2 without TLS is said by its port (C(appProtocol)), see C(objects.py).
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ...spec.exposure.gateway import GatewaySpec
from ...spec.exposure.options import Side
from ..kinds import GRPC_ROUTE, HTTP_ROUTE, Kind

Object = Dict[str, Any]
# Of the matches of one rule (HTTPRouteRule.matches of Gateway API 1.1; later releases take 64).
MOST_MATCHES = 8
# No limit (HTTPRouteTimeouts of Gateway API 1.2). Without it Envoy cuts off an answer after 15 s. A
# GRPCRoute has no such field.
_UNLIMITED = {"timeouts": {"request": "0s"}}


def http_route(
    metadata: Mapping[str, Any], gateway: GatewaySpec, side: Side, backend: Mapping[str, Any]
) -> Object:
    """Return the HTTPRoute for REST; C(backend) is name and port of the Service."""
    matches = [{"path": {"type": "PathPrefix", "value": path}} for path in side.paths]
    more = _UNLIMITED if side.unlimited else {}
    rules = [
        {"matches": matches[begin : begin + MOST_MATCHES], "backendRefs": [dict(backend)], **more}
        for begin in range(0, len(matches), MOST_MATCHES)
    ]
    return _route(HTTP_ROUTE, metadata, gateway, side, rules)


def grpc_route(
    metadata: Mapping[str, Any], gateway: GatewaySpec, side: Side, backend: Mapping[str, Any]
) -> Object:
    """Return the GRPCRoute for gRPC; C(backend) is name and port of the Service."""
    return _route(GRPC_ROUTE, metadata, gateway, side, [{"backendRefs": [dict(backend)]}])


def _route(
    kind: Kind,
    metadata: Mapping[str, Any],
    gateway: GatewaySpec,
    side: Side,
    rules: Sequence[Mapping[str, Any]],
) -> Object:
    parent = {"name": gateway.name, "namespace": gateway.namespace}
    if side.listener or gateway.listener:
        parent["sectionName"] = side.listener or gateway.listener
    return {
        "apiVersion": kind[0],
        "kind": kind[1],
        "metadata": dict(metadata),
        "spec": {"parentRefs": [parent], "hostnames": [side.host], "rules": list(rules)},
    }
