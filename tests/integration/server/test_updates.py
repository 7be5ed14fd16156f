# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the pods where old ones have to end first: what serves goes on, whatever comes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from kubernetes import client as k8s
from requesting import asking
from serving import Server
from test_running_rights import bind

# What the model adds to the input of the clients.
ANSWER = [2.0, 3.0, 4.0, 5.0]
OTHER_IMAGE = "localhost/ovms-standin:2026.3"
# No name server knows this registry (RFC 2606).
MISSING = "registry.invalid/ovms:1"
PREPULL = "openvino.edge/prepull"


@pytest.fixture
def server(claim_server: Server) -> Server:
    """A server in a restricted namespace, with models on its claim, not yet deployed."""
    return claim_server


def uids(server: Server) -> set[str]:
    return {pod.metadata.uid for pod in server.pods()}


def pulling(server: Server) -> list[str]:
    """Return the Jobs that are there to pull images."""
    jobs = k8s.BatchV1Api(server.cluster.api)
    listed = jobs.list_namespaced_job(server.namespace, label_selector=PREPULL)
    return [job.metadata.name for job in listed.items]


def no_pod_pulls(server: Server) -> None:
    def none() -> bool:
        core = server.cluster.core
        return not core.list_namespaced_pod(server.namespace, label_selector=PREPULL).items

    assert pulling(server) == []
    server.cluster.wait_until(none, "no pod is left that pulls images", 30)


def test_an_image_that_cannot_be_had_leaves_the_old_server_serving(server: Server) -> None:
    server.run()
    before = uids(server)
    (node,) = server.cluster.nodes()
    deployments = server.cluster.apps.list_namespaced_deployment
    (was,) = deployments(server.namespace).items
    with asking(server, expected=ANSWER) as asked, pytest.raises(WaitError) as caught:
        server.run(image=MISSING)
    said = str(caught.value)
    assert f"node {node}: " in said and f"image {MISSING} cannot be had" in said
    assert "no such host" in said or "failed to resolve" in said or "lookup" in said
    assert caught.value.details["reason"] == "ImageMissing"
    assert caught.value.details["node"] == node
    assert caught.value.details["changed"] is False
    assert asked.done and not asked.failures, str(asked)
    assert uids(server) == before
    (now,) = deployments(server.namespace).items
    assert now.metadata.generation == was.metadata.generation
    no_pod_pulls(server)
    assert not server.run()["changed"], "the old state is whole"


@pytest.mark.standin("goes from one release of the stand-in to the other")
def test_the_image_is_on_the_node_before_the_old_pod_ends(server: Server) -> None:
    server.run()
    (node,) = server.cluster.nodes()
    predicted = server.run(check=True, image=OTHER_IMAGE)
    assert predicted["prepulled"] == [{"node": node, "image": OTHER_IMAGE}]
    assert pulling(server) == []
    result = server.run(image=OTHER_IMAGE)
    (pulled,) = result["prepulled"]
    (pod,) = server.pods()
    assert (pulled["node"], pulled["image"]) == (node, OTHER_IMAGE)
    assert pulled["image_id"] == pod.status.container_statuses[0].image_id
    no_pod_pulls(server)
    # The image runs there already.
    assert server.run(image=OTHER_IMAGE, env={"SITE": "north"})["prepulled"] == []


def test_without_it_the_old_pod_ends_first(server: Server) -> None:
    """The proof that the tests above can fail."""
    server.run()
    before = uids(server)
    with pytest.raises(WaitError, match="cannot be had"):
        server.run(image=MISSING, image_prepull=False)
    assert not before & uids(server)


def test_what_a_killed_run_left_is_gone_after_the_next(server: Server) -> None:
    server.run()
    before = uids(server)
    task = {"ANSIBLE_MODULE_ARGS": server.args(image=MISSING)}
    module = "ansible_collections.openvino.edge.plugins.modules.model_server"
    with subprocess.Popen(
        [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as run:
        assert run.stdin is not None
        run.stdin.write(json.dumps(task))
        run.stdin.close()
        server.cluster.wait_until(lambda: bool(pulling(server)), "the image is being pulled", 30)
        run.kill()
    (left,) = pulling(server)
    assert uids(server) == before
    job = k8s.BatchV1Api(server.cluster.api).read_namespaced_job(left, server.namespace)
    assert job.spec.active_deadline_seconds and job.spec.ttl_seconds_after_finished
    assert not server.run()["changed"], "what serves is as it was"
    with pytest.raises(WaitError, match="cannot be had"):
        server.run(image=MISSING)
    no_pod_pulls(server)
    assert uids(server) == before


def test_a_daemon_set_keeps_its_nodes_serving(nodes_server: Server) -> None:
    nodes_server.options["workload"] = "DaemonSet"
    nodes_server.run()
    before = uids(nodes_server)
    with pytest.raises(WaitError, match="node factory-[12]: .* cannot be had") as caught:
        nodes_server.run(image=MISSING)
    assert caught.value.details["changed"] is False
    assert uids(nodes_server) == before
    no_pod_pulls(nodes_server)


# A server with this ends at its start.
BROKEN: dict[str, Any] = {"extra_args": ["--cpu_extension", "/nowhere/extension.so"]}


def test_what_does_not_start_is_put_back(server: Server) -> None:
    server.run()
    (was,) = server.pods()
    with pytest.raises(
        WaitError, match="put back as before: .*Deployment ocr.*serves again"
    ) as hit:
        server.run(**BROKEN)
    assert hit.value.details["serves_again"] is True
    (now,) = server.pods()
    assert now.spec.containers[0].args == was.spec.containers[0].args
    assert server.states(now) == {"adder:1": "AVAILABLE"}
    assert not server.run()["changed"], "the old state is whole"


def test_on_wish_it_is_kept_and_the_next_run_mends_it(server: Server) -> None:
    server.run()
    with pytest.raises(WaitError, match="left as it is for inspection"):
        server.run(**BROKEN, on_failure="keep")
    (pod,) = server.pods()
    assert "--cpu_extension" in pod.spec.containers[0].args
    server.run()
    (pod,) = server.pods()
    assert server.states(pod) == {"adder:1": "AVAILABLE"}


CONFIG = {"config": {"name": "adder", "base_path": "/models/adder"}}
VOLUME = {"persistentVolumeClaim": {"claimName": "models"}}


def test_a_crash_whose_cause_is_mended_is_no_verdict(server: Server) -> None:
    """Under the shipped rights, which delete no pod: the kubelet waits, and is not waited for."""
    core, namespace = server.cluster.core, server.namespace
    account = server.cluster.new_account()
    bind(server.cluster, namespace, "openvino-edge-deployer", account)
    server.options.update(
        models=None, config_path="config.json", kubeconfig=str(account.kubeconfig)
    )
    good = json.dumps({"model_config_list": [CONFIG]})
    with server.cluster.visitor(namespace, VOLUME, read_only=False) as visitor:
        visitor.sh(f"echo '{good}' > /store/models/config.json")
        server.run()
        visitor.sh("echo '{' > /store/models/config.json")
        core.delete_collection_namespaced_pod(namespace, label_selector="openvino.edge/server=ocr")

        def crashes() -> bool:
            states = [
                state for pod in server.pods() for state in pod.status.container_statuses or []
            ]
            waits = [state.state.waiting for state in states if state.state.waiting]
            return any(
                wait.reason == "CrashLoopBackOff" and state.restart_count > 1
                for wait in waits
                for state in states
            )

        server.cluster.wait_until(crashes, "the server crashes again and again", 90)
        visitor.sh(f"echo '{good}' > /store/models/config.json")
    result = server.run()
    assert not result["changed"] and result["replicas"]["ready"] == 1
    (pod,) = server.pods()
    assert pod.status.container_statuses[0].restart_count == 0, "another pod"
    assert not server.run()["changed"]


ROOM: dict[str, Any] = {"resources": {"requests": {"memory": "64Mi"}}}


@pytest.mark.whole
@pytest.mark.standin("goes from one release of the stand-in to the other")
def test_on_one_claim_the_new_pod_serves_before_the_old_one_ends(server: Server) -> None:
    server.options["drain_seconds"] = 5
    server.run(**ROOM)
    before = uids(server)
    more: dict[str, Any] = {"resources": {"requests": {"memory": "65Mi"}}}
    with asking(server, expected=ANSWER) as asked:
        image = server.run(image=OTHER_IMAGE, **ROOM)
        resources = server.run(image=OTHER_IMAGE, **more)
    for result in (image, resources):
        assert result["reload"] == "rolling_restart"
        assert result["ended_first"] == "" and result["downtime_seconds"] is None
    assert not before & uids(server) and len(server.pods()) == 1
    assert asked.done and not asked.failures, str(asked)
    (deployment,) = server.cluster.apps.list_namespaced_deployment(server.namespace).items
    assert deployment.spec.strategy.type == "Recreate"
    assert not deployment.spec.min_ready_seconds
    assert not server.run(image=OTHER_IMAGE, **more)["changed"]


def test_without_room_for_both_the_old_one_ends_first_and_says_so(server: Server) -> None:
    (node,) = server.cluster.core.list_node().items
    kib = int(node.status.allocatable["memory"].removesuffix("Ki"))
    big: dict[str, Any] = {"resources": {"requests": {"memory": f"{kib * 6 // 10}Ki"}}}
    server.run(**big)
    result = server.run(env={"SITE": "north"}, **big)
    assert "no room" in result["ended_first"] and result["downtime_seconds"] > 0
    assert any("Insufficient memory" in text for text in server.warnings)
    (pod,) = server.pods()
    assert server.states(pod) == {"adder:1": "AVAILABLE"}
    assert not server.run(env={"SITE": "north"}, **big)["changed"]


def test_an_image_that_cannot_be_had_is_taken_back_beside_the_old_one(server: Server) -> None:
    server.run(**ROOM)
    before = uids(server)
    with asking(server, expected=ANSWER) as asked, pytest.raises(WaitError) as caught:
        server.run(image=MISSING, **ROOM)
    assert "cannot be had" in str(caught.value) and caught.value.details["serves_again"] is True
    assert asked.done and not asked.failures, str(asked)
    assert uids(server) == before
    assert not server.run(**ROOM)["changed"]
