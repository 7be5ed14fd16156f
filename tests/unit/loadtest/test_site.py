# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement finds out of a server before it sends anything, over a cluster in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import GateError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import entry, site
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.options import (
    options_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

from ..fakes.cluster import Cluster

METRIC = 'ovms_requests_success{api="KServe",method="ModelInfer",name="m",version="1"} 7'
PORTS = [{"name": "rest", "port": 80, "targetPort": 8081}, {"name": "grpc", "port": 8080}]


class World:
    """Two pods of the label app=ovms, a Service, and what the pods say."""

    def __init__(self) -> None:
        self.cluster = Cluster(on_proxy=self.answer)
        self.state, self.metrics = "AVAILABLE", METRIC
        self.inputs: list[Any] = [{"name": "x", "datatype": "FP32", "shape": [1, 3]}]
        for number, name in enumerate(("a", "b")):
            self.cluster.add(
                "Pod",
                name,
                metadata={"namespace": "edge", "labels": {"app": "ovms"}},
                spec={"nodeName": "n", "containers": [{"name": "ovms"}]},
                status={"phase": "Running", "podIP": f"10.0.0.{number}"},
            )
        self.service(clusterIP="10.96.0.7", ports=PORTS)

    def service(self, **spec: Any) -> None:
        self.cluster.add("Service", "ovms", metadata={"namespace": "edge"}, spec=spec)

    def answer(self, namespace: str, pod: str, port: int, method: str, path: str, **_: Any) -> Any:
        assert (namespace, port, method) == ("edge", 8081, "GET")
        if path == "/v1/config":
            status = {"error_code": "OK", "error_message": "OK"}
            item = {"version": "1", "state": self.state, "status": status}
            states = {"m": {"model_version_status": [item]}}
            return Response(200, {}, json.dumps(states).encode())
        if path == "/metrics":
            return Response(200 if self.metrics else 400, {}, self.metrics.encode())
        assert path == "/v2/models/m"
        return Response(200, {}, json.dumps({"inputs": self.inputs, "outputs": []}).encode())

    def params(self, **given: Any) -> dict[str, Any]:
        base = {"namespace": "edge", "label_selector": "app=ovms", "service": "ovms", "model": "m"}
        return fill(entry.ARGUMENT_SPEC, {**base, **given})

    def site(self, **given: Any) -> site.Site:
        params = self.params(**given)
        cluster: Any = self.cluster
        return site.Site(cluster, params, options_from_params(params))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(KubeClient, "from_params", lambda params: made.cluster)
    return made


def test_where_requests_go(world: World) -> None:
    assert world.site().addresses() == [("10.96.0.7", 80)]
    assert world.site(client="grpc").addresses() == [("10.96.0.7", 8080)]
    both = world.site(target="replicas", client="grpc", grpc_port=9000)
    assert both.addresses() == [("10.0.0.0", 9000), ("10.0.0.1", 9000)]
    world.service(clusterIP="None", ports=[{"port": 9, "targetPort": 8081}])
    assert world.site().addresses() == [("ovms.edge.svc", 9)]
    with pytest.raises(InputError, match="no port for grpc") as caught:
        world.site(client="grpc").addresses()
    assert caught.value.option == "service"
    headless = {"target": "headless", "service": "ovms"}
    assert world.site(**headless).addresses() == [("ovms.edge.svc", 8081)]
    world.service(clusterIP="10.96.0.7", ports=PORTS)
    with pytest.raises(InputError, match="it has an address of its own"):
        world.site(**headless).addresses()
    with pytest.raises(InputError, match="there is no such Service"):
        world.site(service="other").addresses()
    with pytest.raises(InputError, match="have no Service that is known"):
        world.site(service=None).addresses()


def test_counters_or_why_they_are_not_known(world: World) -> None:
    assert world.site().counters() == {"a": (7, 0), "b": (7, 0)}
    world.metrics = ""
    with pytest.raises(ValueError, match="a has no /metrics .HTTP 400.; set monitoring.enable"):
        world.site().counters()
    world.metrics = "ovms_streams 1"
    with pytest.raises(ValueError, match="a: its metrics have no ovms_requests_success"):
        world.site().counters()


@pytest.mark.parametrize(
    ("changes", "given", "error", "says"),
    [
        ({"state": "LOADING"}, {}, GateError, "the model 'm' is not AVAILABLE"),
        ({}, {"model": "other"}, GateError, "the model 'other' is not AVAILABLE"),
        ({}, {"version": 2}, GateError, "the model 'm' is not AVAILABLE"),
        ({}, {"label_selector": "app=nothing"}, GateError, "it has no replica"),
        ({"inputs": []}, {}, InputError, "tells no inputs"),
        ({}, {"inputs": [{"name": "x", "shape": [2, 3]}]}, InputError, "does not fit"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    world: World, changes: Any, given: Any, error: type[GateError], says: str
) -> None:
    for name, value in changes.items():
        setattr(world, name, value)
    with pytest.raises(error, match=says) as caught:
        entry.run(world.params(**given), Runtime())
    assert caught.value.hint and not world.cluster.writes()


def test_check_mode_says_what_would_be_sent(world: World) -> None:
    result = entry.run(world.params(requests=5, rate=2.5), Runtime(check_mode=True))
    assert result["msg"].startswith("would send 10 requests of warm-up and 5 requests of")
    assert "over 1 connections, 2.5 in a second from the cluster to 10.96.0.7:80" in result["msg"]
    assert result["bytes"]["tensors"] == 12 and result["changed"] is False
    assert not world.cluster.writes()
