# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the class of a Gateway tells of its controller, and what an HTTPRoute then asks for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import gateway
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
Object = dict[str, Any]
PATHS = [f"/v2/models/m{number}" for number in range(9)]


def a_class(controller: str, *features: str) -> Object:
    status = {"supportedFeatures": [{"name": name} for name in features]}
    spec = {"controllerName": controller}
    return {"kind": "GatewayClass", "metadata": {"name": "edge"}, "spec": spec, "status": status}


def front() -> Object:
    listener = {"name": "http", "protocol": "HTTP", "port": 80}
    allowed = {"namespaces": {"from": "All"}}
    spec = {"gatewayClassName": "edge", "listeners": [{**listener, "allowedRoutes": allowed}]}
    return {
        "kind": "Gateway",
        "metadata": {"name": "edge", "namespace": "gateways", "generation": 1},
        "spec": spec,
    }


def rules(*objects: Object, unreadable: tuple[str, ...] = ()) -> dict[str, list[Object]]:
    """Return the rules of the routes by their kind."""
    memory: Any = ServingCluster(unreadable=unreadable)
    for item in (front(), *objects):
        memory.add(item)
    expose: Object = {
        "controller": "gateway",
        "gateway": {"name": "edge", "namespace": "gateways"},
        "rest": {"host": HOST, "paths": PATHS},
        "grpc": {"host": GRPC_HOST},
    }
    said: list[str] = []
    found = gateway.resolved(memory, make_spec(expose=expose), said.append)
    assert said == []
    assert memory.calls.count("get GatewayClass") == 1
    return {
        item["kind"]: item["spec"]["rules"]
        for item in render_objects(found)
        if item["kind"] in ("HTTPRoute", "GRPCRoute")
    }


@pytest.mark.parametrize(
    ("objects", "lifted"),
    [
        ([a_class("projectcontour.io/gateway-controller")], True),
        ([a_class("gateway.envoyproxy.io/gatewayclass-controller")], True),
        ([a_class("a.org/gateways", "Gateway", "HTTPRouteRequestTimeout")], True),
        ([a_class("a.org/gateways", "Gateway")], False),
        ([a_class("projectcontour.io/gateway-controller", "Gateway")], False),
        ([a_class("a.org/gateways")], False),
        ([], False),
    ],
)
def test_no_answer_is_cut_off_where_the_controller_can(objects: list[Object], lifted: bool) -> None:
    found = rules(*objects)
    timeouts = {"request": "0s"} if lifted else None
    assert [rule.get("timeouts") for rule in found["HTTPRoute"]] == [timeouts, timeouts]
    assert all("timeouts" not in rule for rule in found["GRPCRoute"]), "it has no such field"


def test_an_account_that_may_not_get_the_class() -> None:
    found = rules(a_class("projectcontour.io/gateway-controller"), unreadable=("GatewayClass",))
    assert all("timeouts" not in rule for rule in found["HTTPRoute"])
