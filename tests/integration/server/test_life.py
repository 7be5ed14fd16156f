# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a server on a real cluster: deploy, change, repair, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.http import Transport
from ansible_collections.openvino.edge.plugins.module_utils.server import info
from serving import ALL_OBJECTS, HOST_ROOT, Server

VERSION_2 = [{"name": "adder", "versions": [2]}]


@pytest.fixture
def server(claim_server: Server) -> Server:
    """A server in a restricted namespace, with models on its claim, not yet deployed."""
    return claim_server


def actions(result: dict[str, Any]) -> set[str]:
    return {item["action"] for item in result["objects"]}


def test_deploy_then_nothing_to_do(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted = server.run(check=True, diff=True)
    assert predicted["changed"] and actions(predicted) == {"created"}
    assert "kind: Deployment" in predicted["diff"]["after"]
    assert server.made() == []

    first = server.run()
    assert first["changed"] and actions(first) == {"created"}
    assert first["reload"] == "none"
    assert first["replicas"] == {"wanted": 1, "ready": 1}
    assert first["endpoints"]["rest"] == f"ocr.{server.namespace}.svc:8081"
    assert server.made() == ALL_OBJECTS
    server.until({"adder:1": "AVAILABLE"})

    requests: list[str] = []
    real = Transport.request

    def counted(self: Transport, request: Any, *args: Any, **kwargs: Any) -> Any:
        requests.append(f"{request.method} {request.path}")
        return real(self, request, *args, **kwargs)

    monkeypatch.setattr(Transport, "request", counted)
    again = server.run()
    monkeypatch.undo()
    assert not again["changed"] and actions(again) == {"unchanged"}
    # One of them asks what the platform is, and one whether the replica has the configuration.
    assert len(requests) == 8, requests
    assert all(request.startswith("GET ") for request in requests)


def test_another_version_and_back_without_a_restart(server: Server) -> None:
    server.run()
    (pod,) = server.pods()
    predicted = server.run(check=True, diff=True, models=VERSION_2)
    assert predicted["reload"] == "config_reload"
    changed = [item["kind"] for item in predicted["objects"] if item["action"] == "updated"]
    assert changed == ["ConfigMap"]
    before, after = (predicted["diff"][side].split() for side in ("before", "after"))
    version, marker = [pair for pair in zip(before, after) if pair[0] != pair[1]]
    assert version == ("1", "2") and "edge-config-" in marker[1]
    assert server.states(pod) == {"adder:1": "AVAILABLE"}

    moved = server.run(models=VERSION_2)
    assert moved["changed"] and moved["reload"] == "config_reload"
    assert moved["seconds"] < 30, "the kubelet's own sync was waited for"
    server.until({"adder:1": "END", "adder:2": "AVAILABLE"})
    assert not server.run(models=VERSION_2)["changed"]

    assert server.run()["reload"] == "config_reload"
    server.until({"adder:1": "AVAILABLE", "adder:2": "END"})
    (same,) = server.pods()
    assert same.metadata.uid == pod.metadata.uid
    assert same.status.container_statuses[0].restart_count == 0


def test_a_version_that_does_not_load_leaves_the_old_one_serving(server: Server) -> None:
    server.run()
    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    with server.cluster.visitor(server.namespace, volume, read_only=False) as visitor:
        visitor.sh("mkdir /store/models/adder/3 && echo junk > /store/models/adder/3/model.onnx")
    with pytest.raises(WaitError, match="adder 3 cannot be loaded") as caught:
        server.run(models=[{"name": "adder", "versions": [3]}])
    assert caught.value.details["undone"] == ["ConfigMap ocr-config"]
    assert server.states(server.pods()[0])["adder:1"] == "AVAILABLE"
    assert not server.run()["changed"]


def test_remove(server: Server) -> None:
    server.run()
    assert server.run(check=True, state="absent")["changed"]
    assert server.made() == ALL_OBJECTS
    gone = server.run(state="absent")
    assert gone["changed"] and actions(gone) == {"deleted"}
    assert server.made() == [] and server.pods() == []
    assert not server.run(state="absent")["changed"]
    claims = server.cluster.core.list_namespaced_persistent_volume_claim(server.namespace)
    assert [claim.metadata.name for claim in claims.items] == ["models"]


def test_what_others_changed_is_repaired_and_leftovers_go(server: Server) -> None:
    server.run()
    core, apps = server.cluster.core, server.cluster.apps
    apps.patch_namespaced_deployment("ocr", server.namespace, {"spec": {"replicas": 0}})
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/server": "ocr"}
    leftover = {"metadata": {"name": "old", "labels": labels}}
    core.create_namespaced_config_map(server.namespace, leftover)
    fixed = server.run()
    done = {(item["kind"], item["name"]): item["action"] for item in fixed["objects"]}
    assert done == {
        ("ServiceAccount", "ocr"): "unchanged",
        ("ConfigMap", "ocr-config"): "unchanged",
        ("ConfigMap", "old"): "deleted",
        ("Deployment", "ocr"): "updated",
        ("Service", "ocr"): "unchanged",
    }
    assert fixed["replicas"]["ready"] == 1
    assert fixed["reload"] == "none"


@pytest.mark.standin("goes from one release of the stand-in to the other")
def test_another_image_replaces_the_pods(server: Server) -> None:
    server.run()
    (before,) = server.pods()
    result = server.run(image="localhost/ovms-standin:2026.3", log_level="DEBUG")
    assert result["reload"] == "rolling_restart"
    (after,) = server.pods()
    assert after.metadata.uid != before.metadata.uid
    assert after.spec.containers[0].image == "localhost/ovms-standin:2026.3"


def test_without_polling_a_new_configuration_replaces_the_pods(server: Server) -> None:
    server.run(file_system_poll_wait_seconds=0)
    result = server.run(file_system_poll_wait_seconds=0, models=VERSION_2)
    assert result["reload"] == "rolling_restart"
    (pod,) = server.pods()
    server.cluster.wait_until(
        lambda: server.states(pod) == {"adder:2": "AVAILABLE"}, "version 2 is served", 20
    )


def test_a_slow_poll_is_told_to_reload(server: Server) -> None:
    server.run(file_system_poll_wait_seconds=300)
    result = server.run(file_system_poll_wait_seconds=300, models=VERSION_2)
    assert result["reload"] == "config_reload"
    assert result["seconds"] < 60
    (pod,) = server.pods()
    assert server.states(pod)["adder:2"] == "AVAILABLE"


def test_a_change_that_no_status_shows(server: Server) -> None:
    server.run()
    (pod,) = server.pods()
    result = server.run(models=[{"name": "adder", "versions": [1], "nireq": 2}])
    assert result["reload"] == "config_reload"
    log = server.cluster.core.read_namespaced_pod_log

    def loaded_again() -> bool:
        text = log(pod.metadata.name, server.namespace)
        return bool(text.count('status change. New status: ( "state": "AVAILABLE"') > 1)

    server.cluster.wait_until(loaded_again, "the model was loaded with its new nireq", 30)


@pytest.mark.whole
def test_module_and_worker_agree(server: Server, tmp_path: Path) -> None:
    made = server.run_as_module()
    assert made["changed"] and not made.get("failed"), made
    from_module, from_worker = server.run_as_module(), server.run_in_worker(tmp_path)
    for result in (from_module, from_worker):
        assert result.pop("seconds") >= 0
        for added_by_ansible in ("invocation", "failed"):
            result.pop(added_by_ansible, None)
    assert from_module == from_worker
    by_module = server.run_as_module(rest_port=80)
    by_worker = server.run_in_worker(tmp_path, rest_port=80)
    for refused in (by_module, by_worker):
        assert refused["failed"] and not refused["changed"]
        assert refused["error"]["option"] == "rest_port"
    assert by_module["msg"] == by_worker["msg"]


def test_info(server: Server) -> None:
    server.run()
    params = {**server.cluster.auth, "namespace": server.namespace, "name": None}
    (found,) = info.run(params, None)["servers"]  # type: ignore[arg-type]
    assert found["models"] == [{"name": "adder", "versions": [1]}]
    assert found["replicas"] == {"wanted": 1, "ready": 1, "updated": 1}
    assert found["service"]["endpoints"]["grpc"] == f"ocr.{server.namespace}.svc:8080"


def test_one_replica_on_each_node_of_a_host_path(
    factory: Any, make_namespace: Any, make_server: Any, fill: Any
) -> None:
    namespace = make_namespace(factory, "privileged")
    path = f"{HOST_ROOT}/{namespace}"
    nodes = factory.nodes()
    for node in nodes:
        volume = {"hostPath": {"path": HOST_ROOT, "type": "Directory"}}
        with factory.visitor(namespace, volume, node=node, read_only=False) as visitor:
            visitor.sh(f"mkdir -p /store/{namespace}")
        fill(factory, namespace, {"hostPath": {"path": path, "type": "Directory"}}, node)
    server = make_server(factory, namespace, pvc=None, host_path={"path": path, "nodes": nodes})
    result = server.run()
    assert result["replicas"] == {"wanted": len(nodes), "ready": len(nodes)}
    assert sorted(pod.spec.node_name for pod in server.pods()) == nodes
    before = {pod.metadata.uid for pod in server.pods()}
    moved = server.run(models=VERSION_2)
    assert moved["reload"] == "config_reload"
    for pod in server.pods():
        server.cluster.wait_until(
            lambda pod=pod: "adder:2" in server.states(pod), "version 2 arrives", 20
        )
    assert {pod.metadata.uid for pod in server.pods()} == before
    rolled = server.run(models=VERSION_2, log_level="DEBUG")
    assert rolled["reload"] == "rolling_restart"
    assert sorted(pod.spec.node_name for pod in server.pods()) == nodes
    server.run(state="absent")


def test_a_claim_for_many_nodes_rolls_without_a_gap(
    factory: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any
) -> None:
    namespace = make_namespace(factory, "restricted")
    volume = make_pvc(factory, namespace, storageClassName="shared", accessModes=["ReadWriteMany"])
    fill(factory, namespace, volume)
    with factory.visitor(namespace, volume, read_only=False) as visitor:
        visitor.sh("mkdir /store/edge && mv /store/models /store/edge/models")
    claim = {"claim_name": "models", "sub_path": "edge"}
    server = make_server(factory, namespace, pvc=claim, replicas=2)
    server.run()
    server.until({"adder:1": "AVAILABLE"})
    deployment = factory.apps.read_namespaced_deployment("ocr", namespace)
    assert deployment.spec.strategy.rolling_update.max_surge == 1
    assert deployment.spec.strategy.rolling_update.max_unavailable == 0
    assert server.run(log_level="DEBUG")["reload"] == "rolling_restart"
    assert len(server.pods()) == 2


def test_a_namespace_of_its_own(
    factory: Any, make_namespace: Any, make_server: Any, fill: Any
) -> None:
    helper = make_namespace(factory, "privileged")
    path, node = f"{HOST_ROOT}/{helper}", factory.nodes()[0]
    with factory.visitor(
        helper, {"hostPath": {"path": HOST_ROOT}}, node=node, read_only=False
    ) as visitor:
        visitor.sh(f"mkdir -p /store/{helper}")
    fill(factory, helper, {"hostPath": {"path": path}}, node)
    namespace, label = f"{helper}-own", "pod-security.kubernetes.io/enforce"
    server = make_server(
        factory,
        namespace,
        pvc=None,
        host_path={"path": path, "nodes": [node]},
        create_namespace=True,
        namespace_labels={label: "privileged"},
    )
    predicted = server.run(check=True, diff=True)
    assert [item["action"] for item in predicted["objects"]] == ["created"] * 5
    assert "kind: Namespace" in predicted["diff"]["after"]
    try:
        made = server.run()
        assert made["objects"][0] == {"kind": "Namespace", "name": namespace, "action": "created"}
        server.until({"adder:1": "AVAILABLE"})
        assert not server.run()["changed"]
        more = {label: "privileged", "team": "vision"}
        labelled = server.run(namespace_labels=more)
        assert labelled["objects"][0]["action"] == "updated"
        assert not server.run(namespace_labels=more)["changed"]
        server.run(state="absent", namespace_labels=None, create_namespace=None)
        assert factory.core.read_namespace(namespace).metadata.labels["team"] == "vision"
    finally:
        factory.core.delete_namespace(namespace)


def test_without_waiting(server: Server) -> None:
    result = server.run(wait=False)
    assert result["changed"] and result["replicas"] == {"wanted": 1, "ready": None}
    assert server.run()["replicas"]["ready"] == 1
