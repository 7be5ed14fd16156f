# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(device): what fits together, and what the nodes have to say."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.images import DEFAULT_SERVER_IMAGE
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.devices import (
    GPU_I915,
    GPU_XE,
    NPU,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    device_fit,
    device_nodes,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import make_spec

GPU_IMAGE = "registry.example/ovms:1-gpu"
I915 = {"resource": GPU_I915}


def model(target: str) -> dict[str, Any]:
    return {"name": "m", "versions": [1], "target_device": target}


def fit(target: str, **options: Any) -> tuple[ServerSpec, list[str]]:
    """Return the fitted spec and the warnings of a server with one model."""
    spec = make_spec(models=[model(target)], **{"image": GPU_IMAGE, **options})
    runtime = Runtime()
    return device_fit.fitted(spec, render_config(spec), runtime), runtime.warnings


class Nodes:
    """A cluster of which only nodes and pods can be read."""

    def __init__(
        self, *nodes: dict[str, Any], pods: tuple[Any, ...] = (), closed: bool = False
    ) -> None:
        self.lists = {"Node": list(nodes), "Pod": list(pods)}
        self.closed = closed

    def list(self, _version: str, kind: str, *_: Any) -> tuple[list[Any], str]:
        if self.closed:
            raise ForbiddenError("may not")
        return self.lists[kind], "1"


def node(name: str, **offers: int) -> dict[str, Any]:
    names = {"i915": GPU_I915, "xe": GPU_XE, "npu": NPU}
    amounts = {names[key]: str(count) for key, count in offers.items()}
    ready = [{"type": "Ready", "status": "True"}]
    status = {"capacity": amounts, "allocatable": amounts, "conditions": ready}
    return {"metadata": {"name": name, "labels": {"zone": name}}, "status": status}


def resolve(client: Nodes, target: str, **options: Any) -> ServerSpec:
    spec = make_spec(models=[model(target)], image=GPU_IMAGE, **options)
    return device_nodes.resolved(client, spec, render_config(spec))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "options", "option", "text"),
    [
        ("GPU", {}, "models[m].target_device", "gets no GPU"),
        ("GPU.1", {}, "models[m].target_device", "gets no GPU"),
        ("NPU", {"device": I915}, "models[m].target_device", "gets no NPU"),
        ("CPU", {"device": {}}, "device.resource", "no model names"),
        ("GPU", {"device": I915, "image": "x/model_server:2026.2"}, "image", "no drivers"),
    ],
)
def test_what_does_not_fit(target: str, options: Any, option: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        fit(target, **options)
    assert caught.value.option == option and text in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("target", "options", "text"),
    [
        ("AUTO:GPU,CPU", {}, "gets no GPU"),
        ("GPU", {"pod_overrides": {"spec": {"priority": 1}}}, "gets no GPU"),
        ("GPU", {"device": {"resource": "example.com/gpu"}}, "gets no GPU"),
        ("CPU", {"device": I915}, "no model names GPU"),
        ("GPU", {"device": I915, "image": "registry.example/ovms:1"}, "must have drivers"),
    ],
)
def test_what_is_only_doubtful(target: str, options: Any, text: str) -> None:
    assert text in " ".join(fit(target, **options)[1])


def test_what_fits_without_a_word() -> None:
    assert fit("GPU", device=I915)[1] == []
    assert fit("NPU", device={})[1] == []
    assert fit("GPU", resources={"limits": {GPU_XE: 1}})[1] == []
    assert fit("GPU", device=I915, image="registry.example/ovms@sha256:" + "0" * 64)[1] == []
    plain, warnings = fit("CPU", image="registry.example/ovms:1")
    assert plain.image == "registry.example/ovms:1" and warnings == []


@pytest.mark.parametrize("target", ["AUTO:GPU,CPU", "MULTI:GPU,CPU", "AUTO"])
def test_case_51_a_list_with_the_cpu_beside_a_device_is_warned_about(target: str) -> None:
    (text,) = [text for text in fit(target, device=I915)[1] if "AVAILABLE on the CPU" in text]
    assert text.startswith("models[m].target_device") and "Name the device alone" in text
    (text,) = fit("AUTO:NPU,CPU", device={})[1]
    assert "AVAILABLE on the CPU" in text


@pytest.mark.parametrize("target", ["GPU", "AUTO:GPU", "HETERO:GPU,CPU"])
def test_case_51_what_is_refused_without_the_device_is_no_doubt(target: str) -> None:
    assert fit(target, device=I915)[1] == []


def test_the_default_image_becomes_the_variant_with_drivers() -> None:
    assert (
        fit("GPU", device={}, image=DEFAULT_SERVER_IMAGE)[0].image == f"{DEFAULT_SERVER_IMAGE}-gpu"
    )
    assert fit("CPU", image=DEFAULT_SERVER_IMAGE)[0].image == DEFAULT_SERVER_IMAGE


@pytest.mark.parametrize(
    ("device", "option"),
    [
        ({"resource": "gpu"}, "device.resource"),
        ({"resource": GPU_I915, "count": 0}, "device.count"),
        ({"resource": GPU_I915, "group": -1}, "device.group"),
    ],
)
def test_values_that_cannot_be(device: Any, option: str) -> None:
    with pytest.raises(InputError) as caught:
        make_spec(device=device)
    assert caught.value.option == option
    with pytest.raises(InputError, match=r"resources\.limits"):
        make_spec(device=I915, resources={"limits": {GPU_I915: "1"}})


def test_the_resource_is_what_nodes_offer() -> None:
    mixed = Nodes(node("a", i915=1), node("b", xe=2), node("c"))
    with pytest.raises(InputError, match=f"{GPU_I915} and {GPU_XE}"):
        resolve(mixed, "GPU", device={})
    one = resolve(mixed, "GPU", device={"count": 2}, node_selector={"zone": "b"})
    assert one.resources == {"limits": {GPU_XE: "2"}}
    both = resolve(Nodes(node("a", i915=1, npu=1)), "AUTO:GPU,NPU", device={})
    assert both.resources == {"limits": {GPU_I915: "1", NPU: "1"}}
    with pytest.raises(InputError, match="node c: it offers no"):
        resolve(mixed, "GPU", device={}, node_selector={"zone": "c"})
    with pytest.raises(InputError, match="may not list nodes"):
        resolve(Nodes(closed=True), "GPU", device={})
    assert resolve(Nodes(closed=True), "GPU", device=I915).resources


@given(count=st.integers(1, 16), group=st.none() | st.integers(0, 2**31 - 1))
def test_the_pod_asks_for_it(count: int, group: int | None) -> None:
    options = {"device": {**I915, "count": count, "group": group}, "strategy": "RollingUpdate"}
    limits = {"resources": {"limits": {"memory": "1Gi"}}, "supplemental_groups": [7]}
    spec = resolve(Nodes(closed=True), "GPU", **options, **limits)
    deployment = next(
        item
        for item in render_objects(spec, ClusterFacts(("ReadWriteMany",)))
        if item["kind"] == "Deployment"
    )
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"] == {"limits": {"memory": "1Gi", GPU_I915: str(count)}}
    groups = [7] if group in (None, 7) else [7, group]
    assert pod["securityContext"]["supplementalGroups"] == groups
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_more_than_any_node_has() -> None:
    def check(count: int, *nodes: dict[str, Any], closed: bool = False) -> None:
        spec = resolve(Nodes(), "GPU", device={**I915, "count": count})
        device_nodes.check_offered(Nodes(*nodes, closed=closed), spec)  # type: ignore[arg-type]

    check(2, node("a", i915=2), node("b"))
    check(9, closed=True)
    with pytest.raises(InputError) as caught:
        check(3, node("a", i915=2), node("b"))
    assert "node a: it offers 2" in str(caught.value) and "node b: " in str(caught.value)


def test_an_error_of_scheduling_names_the_holders() -> None:
    asked = {"resources": {"limits": {GPU_I915: "2"}}}
    holder = {
        "metadata": {"name": "old", "namespace": "x"},
        "spec": {"nodeName": "a", "containers": [asked]},
        "status": {"phase": "Running"},
    }
    spec = resolve(Nodes(), "GPU", device=I915)
    client = Nodes(node("a", i915=2), pods=(holder,))
    error = WaitError("cannot be scheduled", details={"reason": "Unschedulable"})
    device_nodes.enrich(client, spec, error)  # type: ignore[arg-type]
    assert "the others have x/old (2)" in str(error)
    other = WaitError("image", details={"reason": "ErrImagePull"})
    device_nodes.enrich(client, spec, other)  # type: ignore[arg-type]
    assert other.message == "image"
