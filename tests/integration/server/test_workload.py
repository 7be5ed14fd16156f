# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server on each node: a DaemonSet on a cluster of two nodes, from beginning to end."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import info
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from kubernetes import client as k8s
from serving import Server

VERSION_2 = [{"name": "adder", "versions": [2]}]
ON_NODES: dict[str, Any] = {"workload": "DaemonSet"}


@pytest.fixture
def server(nodes_server: Server) -> Server:
    """A server on a directory of both nodes, not yet deployed."""
    return nodes_server


@pytest.fixture
def one_device(factory: Any) -> Iterator[str]:
    """One device on one of the nodes: a number that the scheduler counts, as for any device."""
    name, node = f"edge.test/{uuid.uuid4().hex[:8]}", factory.nodes()[0]
    escaped = name.replace("/", "~1")
    json_patch = [{"op": "add", "path": f"/status/capacity/{escaped}", "value": "1"}]
    factory.core.patch_node_status(node, json_patch)

    def offered() -> bool:
        return name in factory.core.read_node(node).status.allocatable

    factory.wait_until(offered, f"{node} offers {name}", 30)
    yield name
    for field in ("capacity", "allocatable"):
        removal = [{"op": "remove", "path": f"/status/{field}/{escaped}"}]
        with contextlib.suppress(k8s.ApiException):
            factory.core.patch_node_status(node, removal)


def ask(server: Server, **changes: Any) -> dict[str, Any]:
    """Run the gate."""
    options = {**server.cluster.auth, "namespace": server.namespace, "name": server.name}
    wanted = {"models": [{"name": "adder", "versions": [1]}], "wait_timeout": 30, **changes}
    rules = ArgumentSpecValidator(dict(status.ARGUMENT_SPEC), **status.SPEC_RULES)
    checked = rules.validate({**options, **wanted})
    assert not checked.error_messages, checked.error_messages
    return status.run(checked.validated_parameters, Runtime())


def kinds(result: dict[str, Any]) -> dict[str, str]:
    return {item["kind"]: item["action"] for item in result["objects"]}


def nodes_of(server: Server) -> list[str]:
    return sorted(pod.spec.node_name for pod in server.pods())


def test_one_server_on_each_node(server: Server) -> None:
    nodes = server.cluster.nodes()
    predicted = server.run(check=True, diff=True, **ON_NODES)
    assert kinds(predicted)["DaemonSet"] == "created" and "Deployment" not in kinds(predicted)
    assert predicted["replicas"] == {"wanted": None, "ready": None}
    assert server.made() == []

    first = server.run(**ON_NODES)
    assert first["replicas"] == {"wanted": len(nodes), "ready": len(nodes)}
    assert first["reload"] == "none"
    assert nodes_of(server) == nodes
    gate = ask(server)
    assert gate["available"] and gate["replicas"] == {"wanted": len(nodes), "seen": len(nodes)}
    params = {**server.cluster.auth, "namespace": server.namespace, "name": None}
    (found,) = info.run(params, Runtime())["servers"]
    assert found["workload"] == "DaemonSet"
    assert found["replicas"] == {"wanted": 2, "ready": 2, "updated": 2}

    again = server.run(diff=True, **ON_NODES)
    assert not again["changed"] and again["replicas"]["ready"] == len(nodes)
    assert not server.run(check=True, **ON_NODES)["changed"]


def test_a_new_version_and_another_template(server: Server) -> None:
    server.run(**ON_NODES)
    before = {pod.metadata.uid for pod in server.pods()}
    moved = server.run(models=VERSION_2, **ON_NODES)
    assert moved["reload"] == "config_reload"
    server.until({"adder:1": "END", "adder:2": "AVAILABLE"})
    assert {pod.metadata.uid for pod in server.pods()} == before
    rolled = server.run(models=VERSION_2, log_level="DEBUG", **ON_NODES)
    assert rolled["reload"] == "rolling_restart"
    assert not before & {pod.metadata.uid for pod in server.pods()}
    assert nodes_of(server) == server.cluster.nodes()
    assert server.run(state="absent")["changed"]
    assert server.made() == [] and server.pods() == []


def test_from_a_deployment_and_back(server: Server) -> None:
    server.run(replicas=2)
    predicted = server.run(check=True, **ON_NODES)
    there = server.run(**ON_NODES)
    for result in (predicted, there):
        assert kinds(result)["Deployment"] == "deleted"
        assert kinds(result)["DaemonSet"] == "created"
        assert result["reload"] == "rolling_restart"
    assert [name for name in server.made() if "Set" in name] == ["DaemonSet/ocr"]
    assert nodes_of(server) == server.cluster.nodes()
    assert ask(server)["available"]
    assert not server.run(**ON_NODES)["changed"]

    back = server.run(replicas=1)
    assert kinds(back)["Deployment"] == "created" and kinds(back)["DaemonSet"] == "deleted"
    assert len(server.pods()) == 1
    assert ask(server)["available"]
    assert not server.run(replicas=1)["changed"]


def test_what_cannot_run_is_told(server: Server) -> None:
    with pytest.raises(InputError, match="replicas: a DaemonSet runs one pod on every chosen node"):
        server.run(replicas=2, **ON_NODES)
    with pytest.raises(WaitError, match="no node takes a pod"):
        server.run(node_selector={"no": "such"}, wait_timeout=60, **ON_NODES)
    # Mended by the next run; only one of the nodes is chosen.
    (chosen, _other) = server.cluster.nodes()
    only = {"kubernetes.io/hostname": chosen}
    result = server.run(node_selector=only, **ON_NODES)
    assert result["replicas"] == {"wanted": 1, "ready": 1}
    assert nodes_of(server) == [chosen]
    with pytest.raises(WaitError, match="no-such-image"):
        server.run(node_selector=only, image="localhost/no-such-image:1", **ON_NODES)
    assert not server.run(node_selector=only, **ON_NODES)["changed"], (
        "the image was asked for first"
    )


def test_a_device_is_given_up_before_it_is_asked_for(
    factory: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any, one_device: Any
) -> None:
    """A claim for many nodes would allow a pod more: with one device it would wait for ever."""
    namespace = make_namespace(factory, "restricted")
    shared = {"storageClassName": "shared", "accessModes": ["ReadWriteMany"]}
    fill(factory, namespace, make_pvc(factory, namespace, **shared))
    server = make_server(
        factory,
        namespace,
        resources={"limits": {one_device: 1}},
        termination_grace_period_seconds=2,
    )
    server.run()
    rolled = server.run(log_level="DEBUG")
    assert rolled["reload"] == "rolling_restart" and rolled["replicas"]["ready"] == 1
    with pytest.raises(WaitError, match=r"Insufficient.*rolling_update\.max_unavailable"):
        server.run(rolling_update={"max_surge": "1"}, wait_timeout=60)
    assert server.run()["replicas"]["ready"] == 1
