# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server runs, on a real cluster: each option made, left alone when it stays, and taken back.

The API server and its controllers judge; what the objects look like is tested without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from definitions import define, undefine
from kubernetes import client as k8s
from serving import ALL_OBJECTS, Server

EXTRA = {
    "extra_volumes": [{"name": "more", "emptyDir": {"sizeLimit": "1Mi"}}],
    "extra_volume_mounts": [
        {"name": "more", "mountPath": "/more"},
        {"name": "more", "mountPath": "/other", "readOnly": True},
    ],
    "env_from": [
        {"config_map": "settings", "prefix": "EDGE_"},
        {"secret": "nowhere", "optional": True},
    ],
    "topology_spread_constraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ],
    "priority_class": "system-node-critical",
    "termination_grace_period_seconds": 5,
    "probes": {"startup": {"period_seconds": 2}, "readiness": {"period_seconds": 2}},
    "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "50m"}},
    "fit_cpu_limit": True,
}
SIDE: dict[str, Any] = {
    "name": "side",
    "image": "localhost/edge-python:3.11",
    "command": ["sleep", "3600"],
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
OVERRIDES: dict[str, Any] = {
    "metadata": {"annotations": {"example.com/note": "yes"}},
    "spec": {
        "hostAliases": [{"ip": "10.9.9.9", "hostnames": ["camera"]}],
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        "hostNetwork": False,
        "terminationGracePeriodSeconds": 2,
        "containers": [{"name": "ovms", "env": [{"name": "MORE", "value": ""}]}, SIDE],
    },
}


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Server:
    """The server, as it is without any of the options."""
    made: Server = make_server(shop, place)
    made.run()
    assert made.made() == ALL_OBJECTS
    return made


def done(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    changed = [item for item in result["objects"] if item["action"] != "unchanged"]
    return {(item["kind"], item["name"]): item["action"] for item in changed}


def keeps(server: Server, **options: Any) -> dict[str, Any]:
    """Run twice, the first time predicted; the second sends nothing. Return the first result."""
    predicted = server.run(check=True, diff=True, **options)
    made = server.run(diff=True, **options)
    assert done(predicted) == done(made) and made["changed"]
    assert predicted["reload"] == made["reload"]
    again = server.run(**options)
    assert not again["changed"] and again["replicas"]["ready"] == again["replicas"]["wanted"]
    return made


def test_the_pod_has_what_was_asked_for_and_loses_it_again(server: Server) -> None:
    server.cluster.core.create_namespaced_config_map(
        server.namespace, {"metadata": {"name": "settings"}, "data": {"COLOUR": "blue"}}
    )
    with pytest.raises(
        InputError, match="priority_class: PriorityClass nowhere: the cluster has no"
    ):
        server.run(priority_class="nowhere")
    assert keeps(server, **EXTRA)["reload"] == "rolling_restart"
    (pod,) = server.pods()
    assert pod.spec.priority_class_name == "system-node-critical"
    (container,) = pod.spec.containers
    assert container.startup_probe.failure_threshold == 300
    assert container.args[-2:] == ["--rest_workers", "2"]
    log = server.cluster.core.read_namespaced_pod_log(pod.metadata.name, server.namespace)
    assert "INFERENCE_NUM_THREADS" in log
    server.until({"adder:1": "AVAILABLE"})
    assert keeps(server)["reload"] == "rolling_restart"
    (pod,) = server.pods()
    assert pod.spec.priority_class_name is None and len(pod.spec.volumes) == 3


def test_anything_else_that_a_pod_can_have(server: Server) -> None:
    odd = {"spec": {"containers": [{"name": "ovms", "workingDirectory": "/"}]}}
    wrong = {"spec": {"hostAliases": [{"ip": "no address", "hostnames": ["x"]}]}}
    clash = {"spec": {"volumes": [{"name": "tmp", "configMap": {"name": "x"}}]}}
    before = server.cluster.apps.read_namespaced_deployment("ocr", server.namespace)
    for patch, field in ((odd, "workingDirectory"), (wrong, "hostAliases"), (clash, "tmp|volumes")):
        with pytest.raises(InputError, match=rf"pod_overrides: .*({field})"):
            server.run(pod_overrides=patch)
    after = server.cluster.apps.read_namespaced_deployment("ocr", server.namespace)
    assert after.metadata.generation == before.metadata.generation

    assert keeps(server, pod_overrides=OVERRIDES)["reload"] == "rolling_restart"
    (pod,) = server.pods()
    assert [container.name for container in pod.spec.containers] == ["ovms", "side"]
    assert pod.spec.host_aliases[0].hostnames == ["camera"]
    assert pod.metadata.annotations["example.com/note"] == "yes"
    server.until({"adder:1": "AVAILABLE"})
    keeps(server)
    (pod,) = server.pods()
    assert len(pod.spec.containers) == 1 and not pod.metadata.annotations


def test_a_budget_is_kept_and_pruned(server: Server) -> None:
    policy = k8s.PolicyV1Api(server.cluster.api)
    budget = {"disruption_budget": {"max_unavailable": "1"}}
    made = keeps(server, **budget)
    assert done(made) == {("PodDisruptionBudget", "ocr"): "created"} and made["reload"] == "none"

    def counted() -> bool:
        found = policy.read_namespaced_pod_disruption_budget("ocr", server.namespace)
        return bool(found.status.expected_pods == 1 and found.status.disruptions_allowed == 1)

    server.cluster.wait_until(counted, "the budget counts the pod", 20)
    changed = keeps(server, disruption_budget={"min_available": "1"})
    assert done(changed) == {("PodDisruptionBudget", "ocr"): "updated"}
    assert any("draining a node" in text for text in server.warnings)
    assert done(keeps(server)) == {("PodDisruptionBudget", "ocr"): "deleted"}
    assert not policy.list_namespaced_pod_disruption_budget(server.namespace).items


def test_an_autoscaler_takes_the_number_and_gives_it_back(server: Server) -> None:
    scaling, apps = k8s.AutoscalingV2Api(server.cluster.api), server.cluster.apps
    options: dict[str, Any] = {
        "autoscaling": {"min_replicas": 1, "max_replicas": 4, "cpu_utilization": 70},
        "resources": {"requests": {"cpu": "10m"}},
    }
    server.run(replicas=2, resources=options["resources"])
    before = {pod.metadata.uid for pod in server.pods()}
    made = keeps(server, **options)
    assert ("HorizontalPodAutoscaler", "ocr") in done(made)
    assert {pod.metadata.uid for pod in server.pods()} == before, "no moment with one replica"
    assert made["replicas"] == {"wanted": 2, "ready": 2} and made["reload"] == "none"

    apps.patch_namespaced_deployment_scale("ocr", server.namespace, {"spec": {"replicas": 3}})
    left = server.run(**options, log_level="DEBUG")
    assert left["replicas"] == {"wanted": 3, "ready": 3}
    again = server.run(**options, log_level="DEBUG")
    assert not again["changed"] and len(server.pods()) == 3

    back = server.run(replicas=1, resources=options["resources"], log_level="DEBUG")
    assert done(back)["HorizontalPodAutoscaler", "ocr"] == "deleted"
    assert back["replicas"] == {"wanted": 1, "ready": 1}
    assert not scaling.list_namespaced_horizontal_pod_autoscaler(server.namespace).items


def test_ports_on_the_nodes_and_a_second_service(server: Server) -> None:
    core = server.cluster.core
    first = server.run(service_type="NodePort")
    assert done(first) == {("Service", "ocr"): "updated"}
    taken = core.read_namespaced_service("ocr", server.namespace).spec.ports
    free = {port.name: port.node_port for port in taken}
    options = {
        "service_type": "NodePort",
        "service": {
            # The other way round: both are ours, so both are free.
            "rest_node_port": free["grpc"],
            "grpc_node_port": free["rest"],
            "annotations": {"example.com/pool": "edge"},
            "external_traffic_policy": "Local",
            "headless": True,
        },
    }
    made = keeps(server, **options)
    assert done(made)["Service", "ocr-headless"] == "created" and made["reload"] == "none"
    service = core.read_namespaced_service("ocr", server.namespace)
    ports = {port.name: port.node_port for port in service.spec.ports}
    assert (ports["rest"], ports["grpc"]) == (free["grpc"], free["rest"])
    (pod,) = server.pods()

    def addressed() -> bool:
        found = core.read_namespaced_endpoints("ocr-headless", server.namespace)
        return [a.ip for part in found.subsets or () for a in part.addresses] == [pod.status.pod_ip]

    server.cluster.wait_until(addressed, "the second Service has the pod's address", 20)
    plain = keeps(server)
    assert done(plain)["Service", "ocr-headless"] == "deleted"
    assert core.read_namespaced_service("ocr", server.namespace).spec.type == "ClusterIP"
    assert server.made() == ALL_OBJECTS


OWN_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {
            "kind": "ServiceMonitor",
            "plural": "servicemonitors",
            "singular": "servicemonitor",
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def monitors(shop: Any) -> Iterator[Any]:
    """The kind ServiceMonitor: the real definition where it is at hand, else a small one."""
    given = Path(os.environ.get("EDGE_CRDS", "/nowhere"))
    real = given / "monitoring.coreos.com_servicemonitors.yaml"
    body: Any = yaml.safe_load(real.read_text()) if real.exists() else OWN_CRD
    define(shop, body)
    try:
        yield k8s.CustomObjectsApi(shop.api)
    finally:
        undefine(shop, body["metadata"]["name"])


def test_metrics_are_offered_where_something_reads_them(server: Server, monitors: Any) -> None:
    monitor = {"service_monitor": {"interval": "15s", "labels": {"release": "prometheus"}}}
    made = keeps(server, **monitor)
    assert done(made) == {("ServiceMonitor", "ocr"): "created"}
    listed = monitors.list_namespaced_custom_object
    where = ("monitoring.coreos.com", "v1", server.namespace, "servicemonitors")
    (found,) = listed(*where)["items"]
    assert found["spec"]["endpoints"] == [{"port": "rest", "path": "/metrics", "interval": "15s"}]
    assert done(keeps(server)) == {("ServiceMonitor", "ocr"): "deleted"}
    assert listed(*where)["items"] == []


def test_without_the_kind_the_option_is_named(
    factory: Any, make_namespace: Any, make_server: Any
) -> None:
    namespace = make_namespace(factory, "restricted")
    server = make_server(factory, namespace)
    with pytest.raises(InputError, match="service_monitor: the cluster has no ServiceMonitor"):
        server.run(service_monitor={})
    assert server.made() == []
