# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role device_plugins and device_info on a real kubelet, with a fake plugin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from devicekit import I915, XE, play_role
from kubernetes import client as k8s


def row(result: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in result["nodes"] if item["name"] == name)
    return found


def test_the_role_waits_until_the_kubelet_offers_the_devices(plugins: Any) -> None:
    assert plugins.offered() == (2, 2)
    found = row(plugins.info(), plugins.node.name)
    assert found["resources"][I915] == {
        "capacity": 2,
        "allocatable": 2,
        "allocated": 0,
        "free": 2,
    }
    assert plugins.info(resources=[I915, XE])["offered"] == {I915: 2, XE: 0}


def test_a_second_run_changes_nothing(plugins: Any) -> None:
    before = [pod.metadata.uid for pod in plugins.plugin_pods()]
    result, text = plugins.play("--diff")
    assert "failed=0" in text, text
    assert "changed: [localhost]" not in text.split("TASK [ansible.builtin.copy]")[0], text
    assert [pod.metadata.uid for pod in plugins.plugin_pods()] == before
    (found,) = result["gpu"]["nodes"]
    assert found["name"] == plugins.node.name


def test_a_device_that_goes_unhealthy_is_told(both_healthy: Any) -> None:
    plugins = both_healthy
    plugins.node.unhealthy("card1")
    plugins.until_offered(2, 1)
    with pytest.raises(WaitError) as caught:
        plugins.info(nodes=[plugins.node.name], count=2, wait=True, wait_timeout=1)
    assert f"node {plugins.node.name}: it offers 1 {I915}, 2 are needed" in str(caught.value)
    plugins.node.unhealthy("card0", "card1")
    plugins.until_offered(2, 0)
    with pytest.raises(WaitError) as caught:
        plugins.info(nodes=[plugins.node.name], wait=True, wait_timeout=1)
    assert f"it has 2 {I915} and none is healthy" in str(caught.value)


def test_a_plugin_that_is_restarted_registers_again(both_healthy: Any) -> None:
    plugins = both_healthy
    plugins.label(None)
    plugins.until_offered(2, 0)
    with pytest.raises(WaitError) as caught:
        plugins.info(nodes=[plugins.node.name], plugin=plugins.pods_of, wait=True, wait_timeout=1)
    assert "the device plugin is gone" in str(caught.value)
    assert "(no pod of the plugin is there)" in str(caught.value)
    plugins.label("true")
    options = {"nodes": [plugins.node.name], "resources": [I915], "count": 2}
    found = plugins.info(**options, plugin=plugins.pods_of, wait=True, wait_timeout=60)
    assert found["offered"] == {I915: 2}


def test_each_node_is_told_what_it_lacks(plugins: Any) -> None:
    other = plugins.cluster.nodes()[1]
    with pytest.raises(WaitError) as caught:
        plugins.info(wait=True, wait_timeout=1)
    text = str(caught.value)
    assert f"node {other}: it offers no {I915} or {XE} or npu.intel.com/accel" in text
    assert f"node {plugins.node.name}" not in text
    assert row(caught.value.details, plugins.node.name)["resources"][I915]["allocatable"] == 2
    with pytest.raises(InputError, match="no such node"):
        plugins.info(nodes=["factory-9"])


def test_a_label_that_no_node_has(plugins: Any) -> None:
    with pytest.raises(WaitError) as caught:
        plugins.info(node_selector={"no-such": True}, wait=True, wait_timeout=1)
    assert "no node has the labels no-such=true" in str(caught.value)
    assert "Node Feature Discovery" in str(caught.value)


def test_a_plugin_that_cannot_run_ends_the_wait(plugins: Any) -> None:
    _result, text = plugins.play(
        device_plugins_namespace=f"{plugins.namespace}-bad",
        device_plugins_gpu_image="localhost:1/no-such:1",
        device_plugins_count=3,
    )
    plugins.cluster.core.delete_namespace(f"{plugins.namespace}-bad")
    assert "image localhost:1/no-such:1 cannot be had" in text


@pytest.fixture
def operator(factory: Any) -> Iterator[Any]:
    """The kinds of Intel's operator, as the API server validates them; no operator."""
    given = os.environ.get("EDGE_CRDS")
    api = k8s.ApiextensionsV1Api(factory.api)
    made = []
    for kind in ("gpu", "npu"):
        plural = f"{kind}deviceplugins"
        path = Path(given or "") / f"deviceplugin.intel.com_{plural}.yaml"
        body = yaml.safe_load(path.read_text()) if given else small_definition(kind, plural)
        api.create_custom_resource_definition(body)
        made.append(body["metadata"]["name"])
    for name in made:
        factory.wait_until(lambda: is_served(api, name), f"{name} is served")  # noqa: B023
    yield factory
    for name in made:
        api.delete_custom_resource_definition(name)


def small_definition(kind: str, plural: str) -> dict[str, Any]:
    """Return a definition of our own with the fields that the role writes."""
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "image": text,
        "sharedDevNum": {"type": "integer", "minimum": 1},
        "nodeSelector": {"type": "object", "additionalProperties": text},
        "tolerations": {"type": "array", "items": {"type": "object"}},
    }
    if kind == "gpu":
        properties["preferredAllocationPolicy"] = {**text, "enum": ["balanced", "packed", "none"]}
    spec = {"type": "object", "properties": properties}
    schema = {"type": "object", "properties": {"spec": spec}}
    group = "deviceplugin.intel.com"
    name = f"{kind.capitalize()}DevicePlugin"
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"kind": name, "plural": plural, "listKind": f"{name}List"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def is_served(api: Any, name: str) -> bool:
    conditions = api.read_custom_resource_definition(name).status.conditions or ()
    return any(item.type == "Established" and item.status == "True" for item in conditions)


OPERATOR: dict[str, Any] = {
    "device_plugins_method": "operator",
    "device_plugins_types": ["gpu", "npu"],
    "device_plugins_wait": False,
}


def test_the_operators_resources_are_written_and_removed(operator: Any, tmp_path: Path) -> None:
    objects = k8s.CustomObjectsApi(operator.api)

    def specs() -> dict[str, Any]:
        return {
            kind: item["spec"]
            for kind in ("gpu", "npu")
            for item in objects.list_cluster_custom_object(
                "deviceplugin.intel.com", "v1", f"{kind}deviceplugins"
            )["items"]
        }

    more = {"device_plugins_gpu_spec": {"preferredAllocationPolicy": "packed"}}
    sharing = {**OPERATOR, **more, "device_plugins_shared": 3}
    _result, text = play_role(operator, tmp_path, **sharing)
    assert "failed=0" in text, text
    labels = {kind: {f"intel.feature.node.kubernetes.io/{kind}": "true"} for kind in specs()}
    assert specs() == {
        "gpu": {
            "sharedDevNum": 3,
            "nodeSelector": labels["gpu"],
            "preferredAllocationPolicy": "packed",
        },
        "npu": {"sharedDevNum": 3, "nodeSelector": labels["npu"]},
    }
    # Such an operator sets the image to its own release; a second run leaves it alone.
    patch = {"spec": {"image": "intel/intel-gpu-plugin:9.9"}}
    group = ("deviceplugin.intel.com", "v1", "gpudeviceplugins", "gpudeviceplugin-edge")
    objects.patch_cluster_custom_object(*group, patch)
    play_role(operator, tmp_path, **sharing)
    assert specs()["gpu"]["image"] == "intel/intel-gpu-plugin:9.9"
    bad = {"device_plugins_gpu_spec": {"preferredAllocationPolicy": "odd"}}
    _result, text = play_role(operator, tmp_path, **{**OPERATOR, **bad})
    assert "preferredAllocationPolicy" in text and "failed=1" in text
    play_role(operator, tmp_path, **{**OPERATOR, "device_plugins_state": "absent"})
    assert specs() == {}


def test_without_the_operator_the_error_names_its_kind(shop: Any, tmp_path: Path) -> None:
    _result, text = play_role(shop, tmp_path, **OPERATOR)
    assert "failed=1" in text and "GpuDevicePlugin" in text
