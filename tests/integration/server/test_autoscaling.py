# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load makes a second replica: the cluster's own controller scales by what kubelets measure."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from kubernetes import client as k8s
from resource_metrics import resource_metrics
from serving import Server
from stores import host_address

OPTIONS: dict[str, Any] = {
    "autoscaling": {
        "min_replicas": 1,
        "max_replicas": 2,
        "cpu_utilization": 50,
        "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0}},
    },
    "resources": {"requests": {"cpu": "100m"}},
    "probes": {"startup": {"period_seconds": 1}, "readiness": {"period_seconds": 1}},
}
QUESTION = {
    "inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1.0, 2.0, 3.0, 4.0]}]
}


@pytest.fixture
def server(shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any) -> Server:
    namespace = make_namespace(shop, "restricted")
    fill(shop, namespace, make_pvc(shop, namespace))
    made: Server = make_server(shop, namespace)
    return made


@contextmanager
def load(server: Server) -> Iterator[list[int]]:
    """Ask one pod as fast as four clients can."""
    (pod,) = server.pods()
    stop, answers = threading.Event(), []

    def ask() -> None:
        with KubeClient.from_params(server.cluster.auth) as client:
            while not stop.is_set():
                answer = client.pod_proxy(
                    server.namespace,
                    pod.metadata.name,
                    8081,
                    "POST",
                    "/v2/models/adder/infer",
                    body=json.dumps(QUESTION).encode(),
                    headers={"Content-Type": "application/json"},
                    timeout=10.0,
                )
                answers.append(answer.status)

    threads = [threading.Thread(target=ask) for _client in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_load_makes_a_second_replica(server: Server, tmp_path: Path) -> None:
    scaling = k8s.AutoscalingV2Api(server.cluster.api)

    def status() -> Any:
        return scaling.read_namespaced_horizontal_pod_autoscaler("ocr", server.namespace).status

    def measured() -> bool:
        found = status().current_metrics or ()
        return any(item.resource and item.resource.current for item in found)

    with resource_metrics(server.cluster, host_address("shop"), tmp_path):
        assert server.run(**OPTIONS)["replicas"] == {"wanted": 1, "ready": 1}
        server.cluster.wait_until(measured, "the autoscaler knows what the pod uses", 90)
        assert len(server.pods()) == 1, "nobody asks, so one is enough"
        with load(server) as answers:
            server.cluster.wait_until(lambda: len(server.pods()) == 2, "a second pod", 90)
        assert answers and set(answers) == {200}
        left = server.run(**OPTIONS)
    assert not left["changed"] and left["replicas"] == {"wanted": 2, "ready": 2}
