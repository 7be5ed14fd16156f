# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 26: what is taken over keeps the ports under which clients know it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan import ports
from ansible_collections.openvino.edge.plugins.module_utils.verify.ports import port_of

from ...fakes.cluster import ServingCluster
from ..apply.conftest import CLAIM, NAMESPACE
from ..conftest import make_spec

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: ocr, namespace: edge, resourceVersion: "7"}
spec:
  selector: {matchLabels: {service: same}}
  template:
    metadata:
      labels: {service: same, team: line-1}
      annotations: {prometheus.io/scrape: "true"}
    spec:
      containers:
        - name: server
          image: docker.io/openvino/model_server:2026.2.1
          args: ["--model_path", "/models/models/tiny", "--port", "9000", "--rest_port", "8000"]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: ocr, namespace: edge, resourceVersion: "8"}
spec: {selector: {service: same}, ports: [{name: grpc, port: 9000}, {name: rest, port: 8000}]}
"""


class Adopting(ServingCluster):
    """One that keeps what others noted on an object that is applied."""

    def apply(self, item: dict[str, Any], *, dry_run: bool = False, **given: Any) -> dict[str, Any]:
        """See KubeClient."""
        before = self.objects.get((item["kind"], item["metadata"]["name"]))
        notes = ((before or {}).get("metadata") or {}).get("annotations") or {}
        merged = copy.deepcopy(item)
        merged["metadata"]["annotations"] = {**notes, **merged["metadata"].get("annotations", {})}
        return super().apply(merged, dry_run=dry_run, **given)


@pytest.fixture
def cluster() -> Adopting:
    made = Adopting()
    for item in (CLAIM, NAMESPACE, yaml.safe_load(DEPLOYMENT), yaml.safe_load(SERVICE)):
        made.add(item)
    return made


def run(cluster: Adopting, **options: Any) -> tuple[Deployer, Outcome, list[str]]:
    runtime = Runtime()
    given = {"adopt": True, "strategy": "RollingUpdate", **options}
    client: Any = cluster
    deployer = Deployer(client, make_spec(**given), runtime, Waiting(False, 10.0))
    return deployer, deployer.present(), runtime.warnings


def listening(cluster: Adopting) -> tuple[dict[str, str], dict[str, int]]:
    """Return flags of the pods and the named ports of their container."""
    (container,) = cluster.objects["Deployment", "ocr"]["spec"]["template"]["spec"]["containers"]
    args = container["args"]
    flags = {name: args[args.index(name) + 1] for name in ("--port", "--rest_port")}
    return flags, {port["name"]: port["containerPort"] for port in container["ports"]}


def offered(cluster: Adopting) -> dict[int, Any]:
    entries = cluster.objects["Service", "ocr"]["spec"]["ports"]
    return {entry["port"]: entry["targetPort"] for entry in entries}


def test_case_26_ports_of_service_and_pods_stay(cluster: Adopting) -> None:
    deployer, outcome, _warnings = run(cluster)
    assert outcome.changed
    assert listening(cluster) == (
        {"--port": "9000", "--rest_port": "8000"},
        {"grpc": 9000, "rest": 8000},
    )
    assert offered(cluster) == {9000: "grpc", 8000: "rest"}
    assert deployer.ports == {"grpc": 9000, "rest": 8000}
    assert port_of(cluster.objects["Deployment", "ocr"]) == 8000
    for options in ({}, {"adopt": False}):
        deployer, outcome, _warnings = run(cluster, **options)
        assert not outcome.changed and deployer.ports == {"grpc": 9000, "rest": 8000}


def test_case_26_given_ports_win_each_for_itself(cluster: Adopting) -> None:
    deployer, _outcome, _warnings = run(cluster, rest_port=8090)
    assert listening(cluster)[1] == {"grpc": 9000, "rest": 8090}
    assert offered(cluster) == {9000: "grpc", 8090: "rest"}
    assert deployer.ports == {"grpc": 9000, "rest": 8090}


def test_case_26_a_given_port_that_the_other_side_has_is_refused(cluster: Adopting) -> None:
    with pytest.raises(InputError, match="grpc_port: the same port as rest_port"):
        run(cluster, grpc_port=8000)
    assert cluster.writes() == []


def test_case_26_labels_and_annotations_of_the_pods_stay(cluster: Adopting) -> None:
    for _run in range(2):
        run(cluster)
        metadata = cluster.objects["Deployment", "ocr"]["spec"]["template"]["metadata"]
        assert metadata["labels"]["team"] == "line-1"
        assert metadata["annotations"]["prometheus.io/scrape"] == "true"


def test_case_26_every_service_that_leads_to_the_pods_is_named(cluster: Adopting) -> None:
    def other(name: str, selector: dict[str, str], *entries: dict[str, Any]) -> None:
        metadata = {"name": name, "namespace": "edge"}
        spec = {"selector": selector, "ports": list(entries)}
        cluster.add({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})

    other("other-svc", {"service": "same"}, {"port": 80, "targetPort": 8000}, {"port": 9000})
    other("by-label", {"team": "line-1"}, {"port": 81, "targetPort": "http"})
    other("elsewhere", {"service": "another"}, {"port": 80, "targetPort": 8000})
    other("without", {}, {"port": 80})
    warnings = [text for text in run(cluster)[2] if text.startswith("Service")]
    assert len(warnings) == 2
    assert "Service edge/by-label leads to the pods" in warnings[1]
    assert "port 81 leads to nowhere, since nobody listens on http" in warnings[1]
    assert warnings[0].endswith("port 80 leads to rest; port 9000 leads to grpc")
    assert run(cluster)[2] == []


def test_case_26_a_deployment_whose_service_has_another_name(cluster: Adopting) -> None:
    service = cluster.objects.pop(("Service", "ocr"))
    service["metadata"]["name"] = "other-svc"
    cluster.add(service)
    warnings = run(cluster)[2]
    assert listening(cluster)[1] == {"grpc": 9000, "rest": 8000}
    assert offered(cluster) == {9000: "grpc", 8000: "rest"}
    assert any("other-svc" in text and "9000 leads to grpc" in text for text in warnings)


def test_case_26_what_goes_is_named(cluster: Adopting) -> None:
    pod = cluster.objects["Deployment", "ocr"]["spec"]["template"]["spec"]
    pod["containers"].insert(0, {"name": "exporter", "image": "x", "args": ["--listen", "1"]})
    pod["initContainers"] = [{"name": "fetch", "image": "x"}]
    warnings = run(cluster)[2]
    assert any("without container exporter, init container fetch" in text for text in warnings)
    assert listening(cluster)[1] == {"grpc": 9000, "rest": 8000}


def test_case_26_another_type_of_service_is_said(cluster: Adopting) -> None:
    cluster.objects["Service", "ocr"]["spec"]["type"] = "NodePort"
    assert any("service_type: NodePort keeps" in text for text in run(cluster)[2])


def test_case_26_numbers_of_the_service_alone_and_further_ones_stay(cluster: Adopting) -> None:
    cluster.objects["Service", "ocr"]["spec"]["ports"] = [
        {"name": "http", "port": 80, "targetPort": 8000},
        {"name": "rest", "port": 8000, "targetPort": 8000},
        {"name": "grpc", "port": 9000},
        {"name": "odd", "port": 7000, "targetPort": 7001},
    ]
    for changed in (True, False):
        deployer, outcome, _warnings = run(cluster)
        assert outcome.changed is changed
        assert offered(cluster) == {9000: "grpc", 80: "rest", 8000: "rest", 7000: 7001}
        assert deployer.ports == {"grpc": 9000, "rest": 80}
    names = [entry["name"] for entry in cluster.objects["Service", "ocr"]["spec"]["ports"]]
    assert len(set(names)) == 4 and {"grpc", "rest"} <= set(names)


def test_case_26_a_pod_takes_no_port_below_1024(cluster: Adopting) -> None:
    args = cluster.objects["Deployment", "ocr"]["spec"]["template"]["spec"]["containers"][0]["args"]
    args[-1] = "80"
    cluster.objects["Service", "ocr"]["spec"]["ports"][1]["port"] = 80
    run(cluster)
    assert listening(cluster)[1] == {"grpc": 9000, "rest": 8081}
    assert offered(cluster) == {9000: "grpc", 80: "rest"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({"args": ["--port=9000", "--rest_port=8000"]}, {"grpc": 9000, "rest": 8000}),
        ({"args": ["--rest_port", "8000"]}, {"grpc": 9178, "rest": 8000}),
        (
            {"command": ["sh", "-c", "ovms --port 9000 --rest_port 8000"]},
            {"grpc": 9000, "rest": 8000},
        ),
        ({"command": ["sh", "-c", "ovms 'open"]}, {}),
        ({"args": ["--model_path", "/models"]}, {}),
        ({"args": ["--rest_port", "$(PORT)"]}, {}),
        ({"args": ["--rest_port"]}, {}),
    ],
)
def test_ports_in_command_lines(words: dict[str, Any], found: dict[str, int]) -> None:
    assert ports.container_ports(words) == found


def test_a_server_of_our_own_has_the_usual_ports_and_asks_nothing_more() -> None:
    cluster = Adopting()
    for item in (CLAIM, NAMESPACE):
        cluster.add(item)
    deployer, _outcome, warnings = run(cluster, adopt=False)
    assert deployer.ports == {"rest": 8081, "grpc": 8080} and warnings == []
    assert listening(cluster)[1] == {"grpc": 8080, "rest": 8081}
