# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NPUs, and GPUs of the driver xe, from a fake plugin through a real kubelet."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from devicekit import (
    FAKE_ROOT,
    IMAGE,
    NPU,
    XE,
    Node,
    bare_servers,
    forget,
    inside,
    lab,
    load_image,
    play_role,
)
from serving import Server

# The cluster of one node: tests of the other one count on its devices.
LABEL = {"edge-test-fake-device": "true"}


@dataclass(frozen=True)
class Offer:
    """A fake plugin that offers two devices, and what a server sees of one."""

    cluster: Any
    resource: str
    target: str
    path: str
    result: dict[str, Any]


@pytest.fixture(scope="module")
def node(shop: Any) -> Iterator[Node]:
    """The one node, with the image and the label."""
    made = Node(shop.nodes()[0])
    load_image("shop")
    shop.core.patch_node(made.name, {"metadata": {"labels": LABEL}})
    yield made
    shop.core.patch_node(made.name, {"metadata": {"labels": dict.fromkeys(LABEL)}})
    made.clear()
    lab("exec", made.name, "--", "ctr", "-n", "k8s.io", "images", "rm", IMAGE)


@pytest.fixture(scope="module", params=["npu", "xe"])
def offer(
    request: pytest.FixtureRequest, shop: Any, node: Node, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Offer]:
    """One kind of devices after the other, as the role installs their plugin."""
    npu = request.param == "npu"
    kind, resource = ("npu", NPU) if npu else ("gpu", XE)
    if npu:
        node.accelerators(2)
    else:
        node.cards(2, driver="xe")
    namespace = f"edge-test-{uuid.uuid4().hex[:8]}"
    work = tmp_path_factory.mktemp("plays")
    options: dict[str, Any] = {
        "device_plugins_namespace": namespace,
        "device_plugins_types": [kind],
        f"device_plugins_{kind}_image": IMAGE,
        f"device_plugins_{kind}_selector": LABEL,
        "device_plugins_root": FAKE_ROOT,
        "device_plugins_count": 2,
        "device_plugins_wait_timeout": 60,
    }
    try:
        result, text = play_role(shop, work, **options)
        assert result.get(kind), text
        path = "/dev/accel" if npu else "/dev/dri"
        yield Offer(shop, resource, "NPU" if npu else "GPU", path, result[kind])
    finally:
        play_role(shop, work, **options, device_plugins_state="absent")
        shop.core.delete_namespace(namespace)
        node.clear()
        forget(shop, node.name, resource)


@pytest.fixture
def server(offer: Offer, make_namespace: Any, make_pvc: Any, server_image: str) -> Iterator[Server]:
    """A server with no model, until a test gives it options."""
    namespace = make_namespace(offer.cluster)
    with bare_servers(offer.cluster, namespace, make_pvc, server_image) as make:
        yield make("ocr")


def test_the_role_sees_the_node_offer_them(offer: Offer) -> None:
    (row,) = offer.result["nodes"]
    assert row["resources"][offer.resource]["free"] == 2


def test_a_server_holds_one_of_them(offer: Offer, server: Server) -> None:
    device = {"resource": offer.resource}
    assert server.run(device=device)["replicas"]["ready"] == 1
    (pod,) = server.pods()
    assert pod.spec.containers[0].resources.limits == {offer.resource: "1"}
    found = inside(server, f"ls {offer.path}").split()
    assert found in (["accel0"], ["accel1"], ["card0", "renderD128"], ["card1", "renderD129"])
    assert not server.run(device=device)["changed"]


def test_the_resource_follows_from_the_models(offer: Offer, server: Server) -> None:
    model = {"name": "adder", "versions": [1], "target_device": offer.target}
    done = server.run(check=True, diff=True, models=[model], device={})
    assert f"{offer.resource}: '1'" in done["diff"]["after"]


def test_more_than_there_are(offer: Offer, server: Server) -> None:
    with pytest.raises(InputError) as caught:
        server.run(device={"resource": offer.resource, "count": 3})
    assert f"it offers 2 {offer.resource}, 3 are needed" in str(caught.value)
    assert server.made() == []
