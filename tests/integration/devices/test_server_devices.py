# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers with devices that a fake plugin gives them through the real kubelet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.images import DEFAULT_SERVER_IMAGE
from devicekit import FAKE_ROOT, I915, RENDER_GROUP, bare_servers, inside, run_play
from kubernetes import client as k8s


@pytest.fixture
def make(plugins: Any, make_namespace: Any, make_pvc: Any, server_image: str) -> Iterator[Any]:
    """``make(name, **options)``: a server without models that may hold devices."""
    namespace = make_namespace(plugins.cluster)
    with bare_servers(plugins.cluster, namespace, make_pvc, server_image) as make:
        yield make


def test_a_server_gets_the_device_and_may_open_it(make: Any, plugins: Any) -> None:
    device: dict[str, Any] = {"resource": I915}
    server = make("ocr", device=device)
    assert server.run()["replicas"]["ready"] == 1
    assert "model names GPU" in " ".join(server.warnings)
    nodes = inside(server, "ls /dev/dri").split()
    assert nodes in (["card0", "renderD128"], ["card1", "renderD129"])
    render = f"/dev/dri/{nodes[1]}"
    assert "Permission denied" in inside(server, f"cat {render}")
    device["group"] = RENDER_GROUP
    assert server.run()["changed"]
    assert inside(server, "cat /dev/dri/renderD*; echo opened").strip() == "opened"
    again = server.run()
    assert not again["changed"] and again["reload"] == "none"
    (row,) = plugins.info(nodes=[plugins.node.name])["nodes"]
    (holder,) = row["holders"]
    assert holder["namespace"] == server.namespace and row["resources"][I915]["free"] == 1


def test_who_has_the_devices_is_told_and_the_holder_can_be_changed(make: Any) -> None:
    first = make("first", device={"resource": I915, "count": 2}, strategy="RollingUpdate")
    first.run()
    # No pod more: it would wait for the devices that the old one has.
    assert first.run(env={"A": "1"})["reload"] == "rolling_restart"
    (pod,) = first.pods()
    second = make("second", device={"resource": I915})
    with pytest.raises(WaitError) as caught:
        second.run()
    assert caught.value.details["reason"] == "Unschedulable"
    text = str(caught.value)
    assert f"0 of 2 {I915} are free" in text
    assert f"the others have {first.namespace}/{pod.metadata.name} (2)" in text
    assert "no device plugin has registered there" in text
    first.run(state="absent")
    assert second.run()["replicas"]["ready"] == 1


def test_more_than_any_node_has_is_refused_before_anything_is_made(make: Any) -> None:
    server = make("ocr", device={"resource": I915, "count": 3})
    with pytest.raises(InputError) as caught:
        server.run()
    assert caught.value.option == "device" and server.made() == []
    assert f"it offers 2 {I915}, 3 are needed" in str(caught.value)


def test_the_resource_follows_from_models_and_nodes(make: Any) -> None:
    model = {"name": "adder", "versions": [1], "target_device": "GPU"}
    server = make("ocr", models=[model], device={})
    done = server.run(check=True, diff=True)
    assert f"{I915}: '1'" in done["diff"]["after"]
    model["target_device"] = "NPU"
    with pytest.raises(InputError) as caught:
        server.run(check=True)
    assert "offers a NPU" in str(caught.value)
    assert server.made() == []


def test_the_example_of_the_docs(make: Any) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "gpu.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    (role,) = blocks[0][0]["roles"]
    assert role["role"] == "openvino.edge.device_plugins"
    (task,) = blocks[1][0]["tasks"]
    server = make("models")
    given = {**task["openvino.edge.model_server"], "namespace": server.namespace}
    done = server.run(check=True, diff=True, **given, image=None)
    after = done["diff"]["after"]
    assert f"{I915}: '1'" in after and "supplementalGroups:\n" in after
    assert f"{DEFAULT_SERVER_IMAGE}-gpu" in after


def test_a_pod_with_the_device_tells_its_group(
    plugins: Any, make_namespace: Any, agent_image: str, tmp_path: Path
) -> None:
    """The example of the docs, with the names of this lab put in."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "gpu.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    (play,) = next(yaml.safe_load(block) for block in blocks if "render-group" in block)
    options = play["tasks"][0]["openvino.edge.objects"]
    (job,) = options["definitions"]
    namespace, cluster = make_namespace(plugins.cluster), plugins.cluster
    job["metadata"]["namespace"] = namespace
    pod = job["spec"]["template"]["spec"]
    pod["nodeSelector"] = {"kubernetes.io/hostname": plugins.node.name}
    pod["containers"][0]["image"] = agent_image
    run_play({**play, "tasks": [{"openvino.edge.objects": {**options, **cluster.auth}}]}, tmp_path)
    batch = k8s.BatchV1Api(cluster.api)
    cluster.wait_until(
        lambda: batch.read_namespaced_job("render-group", namespace).status.succeeded == 1,
        "the Job ends well",
        60,
    )
    (found,) = cluster.core.list_namespaced_pod(namespace).items
    log = cluster.core.read_namespaced_pod_log(found.metadata.name, namespace)
    assert log.strip() == str(RENDER_GROUP)


def test_a_device_that_the_plugin_refuses(make: Any, plugins: Any) -> None:
    server = make("ocr", device={"resource": I915})
    note = f"{FAKE_ROOT}/dev/dri/refuse"
    plugins.node.sh(f"touch {note}")
    try:
        with pytest.raises(WaitError) as caught:
            server.run(wait_timeout=20)
    finally:
        plugins.node.sh(f"rm -f {note}")
    assert "told to refuse" in str(caught.value)
    assert server.run()["replicas"]["ready"] == 1
    assert not server.run()["changed"]
