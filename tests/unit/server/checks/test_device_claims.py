# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(device.claim): what is rendered, what fits together, what the cluster says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.images import DEFAULT_SERVER_IMAGE
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.pods import pod_trouble
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    cluster as preflight,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    device_fit,
    device_nodes,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.discover.live import read_objects
from ansible_collections.openvino.edge.plugins.module_utils.server.render import kinds
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec

from ...fakes.cluster import ServingCluster
from ..conftest import MakeSpec, make_spec

CLASS = "gpu.intel.com"
CLAIM = {"device_class_name": CLASS}
MORE = 'device.capacity["gpu.intel.com"].memory.compareTo(quantity("4Gi")) >= 0'


def made(spec: ServerSpec, kind: str) -> list[dict[str, Any]]:
    facts = ClusterFacts(access_modes=("ReadWriteMany",))
    return [item for item in render_objects(spec, facts) if item["kind"] == kind]


def test_each_pod_gets_a_claim_of_its_own(spec: MakeSpec) -> None:
    claim = {**CLAIM, "selectors": [MORE]}
    server = spec(
        device={"claim": claim, "count": 2, "group": 992}, resources={"limits": {"cpu": "1"}}
    )
    (template,) = made(server, "ResourceClaimTemplate")
    (request,) = template["spec"]["spec"]["devices"]["requests"]
    assert request["exactly"] == {
        "deviceClassName": CLASS,
        "allocationMode": "ExactCount",
        "count": 2,
        "selectors": [{"cel": {"expression": MORE}}],
    }
    (deployment,) = made(server, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    name = template["metadata"]["name"]
    assert pod["resourceClaims"] == [{"name": "device", "resourceClaimTemplateName": name}]
    resources = pod["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "1"}, "claims": [{"name": "device"}]}
    # The old pod has the device until it has gone.
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    order = [item["kind"] for item in render_objects(server)]
    assert order.index("ResourceClaimTemplate") < order.index("Deployment")


def test_templates_never_change_so_another_request_is_another_one(spec: MakeSpec) -> None:
    def name(**device: Any) -> str:
        (template,) = made(spec(device=device), "ResourceClaimTemplate")
        return str(template["metadata"]["name"])

    first = name(claim=CLAIM)
    assert first == name(claim=dict(CLAIM)) and first.startswith("ocr-device-")
    others = {
        name(claim=CLAIM, count=2),
        name(claim={"device_class_name": "other"}),
        name(claim={**CLAIM, "selectors": [MORE]}),
    }
    assert len(others) == 3 and first not in others


def test_a_template_of_ones_own(spec: MakeSpec) -> None:
    server = spec(device={"claim": {"template_name": "shared"}})
    assert made(server, "ResourceClaimTemplate") == []
    (deployment,) = made(server, "Deployment")
    (claim,) = deployment["spec"]["template"]["spec"]["resourceClaims"]
    assert claim["resourceClaimTemplateName"] == "shared"


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ({"claim": CLAIM, "resource": "gpu.intel.com/xe"}, r"device\.resource: .*or by a claim"),
        ({"claim": {"device_class_name": "A B"}}, r"device\.claim\.device_class_name: 'A B'"),
        ({"claim": {"device_class_name": ""}}, r"device\.claim\.device_class_name: it is empty"),
        ({"claim": {"template_name": "x"}, "count": 2}, r"device\.count: .* says how many"),
        ({"claim": CLAIM, "count": 0}, r"device\.count: 0 is not in"),
    ],
)
def test_refusals(spec: MakeSpec, device: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spec(device=device)


def fit(target: str, **options: Any) -> tuple[ServerSpec, list[str]]:
    models = [{"name": "m", "versions": [1], "target_device": target}]
    spec = make_spec(models=models, **{"image": "registry.example/ovms:1-gpu", **options})
    runtime = Runtime()
    return device_fit.fitted(spec, render_config(spec), runtime), runtime.warnings


def test_models_and_claims_have_to_fit() -> None:
    claim = {"claim": CLAIM}
    assert fit("GPU", device=claim)[1] == []
    (warning,) = fit("CPU", device=claim)[1]
    assert warning.startswith("device: DeviceClass gpu.intel.com is held, but no model names GPU")
    with pytest.raises(InputError, match="the server gets no NPU"):
        fit("NPU", device=claim)
    (warning,) = fit("NPU", device={"claim": {"template_name": "own"}})[1]
    assert "the server gets no NPU" in warning
    assert (
        fit("GPU", device=claim, image=DEFAULT_SERVER_IMAGE)[0].image
        == f"{DEFAULT_SERVER_IMAGE}-gpu"
    )
    with pytest.raises(InputError, match="has no drivers"):
        fit("GPU", device=claim, image="x/model_server:2026.2.1")


def test_no_node_is_read_and_no_limit_is_set() -> None:
    spec, _warnings = fit("GPU", device={"claim": CLAIM, "group": 992})
    cluster = ServingCluster()
    found = device_nodes.resolved(cluster, spec, {})  # type: ignore[arg-type]
    assert cluster.calls == [] and "limits" not in found.resources
    assert found.security.supplemental_groups == (992,)


def test_the_right_is_asked_for_where_a_template_is_made() -> None:
    def resources(**claim: str) -> set[str]:
        spec = make_spec(device={"claim": claim})
        return {access.resource for access in preflight.access_for(spec, wait=False)}

    assert "resourceclaimtemplates" in resources(device_class_name=CLASS)
    assert "resourceclaimtemplates" not in resources(template_name="own")


def thing(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "edge"}, **parts}


def test_a_class_or_template_that_is_missing_is_named() -> None:
    cluster: Any = ServingCluster()
    spec, own = (
        make_spec(device={"claim": claim}) for claim in (CLAIM, {"template_name": "shared"})
    )
    with pytest.raises(
        InputError, match="DeviceClass gpu.intel.com: .* It has none: install a DRA"
    ):
        device_nodes.check_offered(cluster, spec)
    cluster.add(thing("DeviceClass", "nic.example.com"))
    with pytest.raises(InputError, match=r"no such DeviceClass\. It has nic\.example\.com"):
        device_nodes.check_offered(cluster, spec)
    with pytest.raises(InputError, match="ResourceClaimTemplate edge/shared: it does not exist"):
        device_nodes.check_offered(cluster, own)
    cluster.add(thing("DeviceClass", CLASS))
    cluster.add(thing("ResourceClaimTemplate", "shared"))
    device_nodes.check_offered(cluster, spec)
    device_nodes.check_offered(cluster, own)
    closed: Any = ServingCluster(unreadable=("DeviceClass", "ResourceClaimTemplate"))
    device_nodes.check_offered(closed, spec)
    device_nodes.check_offered(closed, own)


class Old(ServingCluster):
    """A cluster before Kubernetes 1.34."""

    def list(self, api_version: str, kind: str, *args: Any, **more: Any) -> Any:
        if api_version.startswith("resource.k8s.io"):
            raise ApiError("no such path", status=404, reason="NotFound")
        return super().list(api_version, kind, *args, **more)


def test_a_cluster_that_knows_no_claims() -> None:
    cluster: Any = Old()
    with pytest.raises(InputError, match=r"device\.claim: .* does not serve resource\.k8s\.io/v1"):
        device_nodes.check_offered(cluster, make_spec(device={"claim": CLAIM}))
    with pytest.raises(InputError, match=r"no ResourceClaimTemplate\. Kubernetes 1\.34 and later"):
        read_objects(cluster, "edge", "ocr", [kinds.CLAIM_TEMPLATE])


def a_slice(node: str, driver: str, *devices: str) -> dict[str, Any]:
    spec = {"driver": driver, "nodeName": node, "pool": {"name": node}}
    return thing(
        "ResourceSlice",
        f"{node}-{driver}",
        spec={**spec, "devices": [{"name": d} for d in devices]},
    )


def test_who_has_the_devices_is_told() -> None:
    cluster: Any = ServingCluster()
    expression = {"cel": {"expression": 'device.driver == "gpu.intel.com"'}}
    cluster.add(thing("DeviceClass", CLASS, spec={"selectors": [expression]}))
    cluster.add(a_slice("a", "gpu.intel.com", "card0", "card1"))
    cluster.add(a_slice("a", "nic.example.com", "eth0"))
    for name in ("a", "b"):
        cluster.add({"kind": "Node", "metadata": {"name": name}})
    taken = {"driver": "gpu.intel.com", "pool": "a", "device": "card0"}
    status = {
        "allocation": {"devices": {"results": [taken]}},
        "reservedFor": [{"resource": "pods", "name": "first-0"}],
    }
    cluster.add(thing("ResourceClaim", "first-0-device", status=status))
    spec = make_spec(device={"claim": CLAIM})

    def told(reason: str = "Unschedulable") -> str:
        error = WaitError("it waits", details={"reason": reason})
        device_nodes.enrich(cluster, spec, error)
        return str(error)

    assert told() == (
        "it waits; DeviceClass gpu.intel.com: node a: 1 of 2 devices of gpu.intel.com are free, the"
        " others have edge/first-0; node b: no DRA driver of gpu.intel.com offers a device there. "
        "Free a device, ask for fewer, or see to the DRA driver of that node."
    )
    assert told("Crash") == "it waits."
    cluster.unreadable = ("ResourceClaim", "Node")
    assert "node a: 2 devices of gpu.intel.com are offered" in told()
    cluster.unreadable = ("ResourceSlice",)
    assert told() == "it waits."


def test_a_driver_that_hands_nothing_out_is_a_trouble_of_the_pod() -> None:
    pod = thing("Pod", "ocr-0", status={"phase": "Pending"})

    def event(reason: str, minute: int) -> dict[str, Any]:
        return {
            "reason": reason,
            "message": "Failed to prepare dynamic resources: DRA driver x is not registered",
            "involvedObject": {"kind": "Pod", "name": "ocr-0"},
            "lastTimestamp": f"2026-11-28T10:0{minute}:00Z",
        }

    waits = event("FailedPrepareDynamicResources", 1)
    trouble = pod_trouble(pod, [waits])
    assert trouble is not None and trouble.fatal and trouble.grace > 0
    assert "waits for its devices" in trouble.message and "DRA driver" in trouble.hint
    assert pod_trouble(pod, [waits, event("Pulled", 2)]) is None
