# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers with devices by claims: the real scheduler chooses, a fake driver gives them."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from devicekit import HERE, LAB, RENDER_GROUP, bare_servers, inside
from kubernetes import client as k8s
from serving import Server

GROUP, VERSION = "resource.k8s.io", "v1"
DEVICES = ["card0", "card1"]


@dataclass
class Driver:
    """The fake driver on one node, and a class of its devices."""

    cluster: Any
    node: str
    log: Path
    name: str = field(default_factory=lambda: f"edge-test-{uuid.uuid4().hex[:6]}.example.com")

    @property
    def objects(self) -> Any:
        return k8s.CustomObjectsApi(self.cluster.api)

    def publish(self) -> None:
        """Make the class and say which devices there are, as a driver does."""
        expression = {"cel": {"expression": f"device.driver == '{self.name}'"}}
        body = {"metadata": {"name": self.name}, "spec": {"selectors": [expression]}}
        self._create("deviceclasses", "DeviceClass", body)
        self.offer()

    def offer(self) -> None:
        spec = {
            "driver": self.name,
            "nodeName": self.node,
            "pool": {"name": self.node, "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": name} for name in DEVICES],
        }
        self._create(
            "resourceslices", "ResourceSlice", {"metadata": {"name": self.name}, "spec": spec}
        )

    def _create(self, plural: str, kind: str, body: dict[str, Any]) -> None:
        full = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, **body}
        self.objects.create_cluster_custom_object(GROUP, VERSION, plural, full)

    def withdraw(self) -> None:
        for plural in ("resourceslices", "deviceclasses"):
            try:
                self.objects.delete_cluster_custom_object(GROUP, VERSION, plural, self.name)
            except k8s.ApiException as error:
                if error.status != 404:
                    raise

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the driver on the node until the end; the kubelet knows it."""
        command = [str(LAB), "exec", self.node, "--", "setpriv", "--pdeathsig", "TERM"]
        command += [sys.executable, str(HERE / "fake_dra.py"), "--name", self.name]
        command += ["--kubeconfig", str(self.cluster.kubeconfig), "--group", str(RENDER_GROUP)]
        with (
            self.log.open("wb") as output,
            subprocess.Popen([*command, *DEVICES], stdout=output, stderr=output) as process,
        ):
            try:
                self.cluster.wait_until(
                    lambda: "registered: True" in self.log.read_text(),
                    "the kubelet takes the driver",
                    30,
                )
                yield
            finally:
                process.terminate()

    def templates(self, namespace: str) -> list[str]:
        """Return the names of the templates of claims."""
        listed = self.objects.list_namespaced_custom_object(
            GROUP, VERSION, namespace, "resourceclaimtemplates"
        )
        return [item["metadata"]["name"] for item in listed["items"]]


@pytest.fixture(scope="module")
def driver(shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A class with two devices on the node of the cluster; nothing gives them yet."""
    (node,) = shop.nodes()
    if not node.startswith("shop-"):
        pytest.fail("the fake driver needs the nodes of the lab")
    made = Driver(shop, node, tmp_path_factory.mktemp("dra") / "driver.log")
    made.publish()
    yield made
    made.withdraw()


@pytest.fixture
def make(driver: Driver, make_namespace: Any, make_pvc: Any, server_image: str) -> Iterator[Any]:
    """``make(name, **options)``: a server without models."""
    namespace = make_namespace(driver.cluster)
    with bare_servers(driver.cluster, namespace, make_pvc, server_image) as make:
        yield make


def given(server: Server) -> list[str]:
    return sorted(inside(server, "env | grep -o EDGE_FAKE_CARD.").split())


def test_what_cannot_be_is_refused_first(make: Any, driver: Driver) -> None:
    server = make("ocr", device={"claim": {"device_class_name": "nowhere.example.com"}})
    with pytest.raises(InputError, match=rf"no such DeviceClass\. It has .*{driver.name}"):
        server.run()
    with pytest.raises(InputError, match="ResourceClaimTemplate .*/nowhere: it does not exist"):
        server.run(device={"claim": {"template_name": "nowhere"}})
    bad = {"claim": {"device_class_name": driver.name, "selectors": ["device."]}}
    with pytest.raises(InputError, match=r"device\.claim\.selectors: .*the cluster refuses them"):
        server.run(device=bad)
    assert server.made() == [] and driver.templates(server.namespace) == []


def test_a_pod_that_nobody_gives_its_device_says_so(make: Any, driver: Driver) -> None:
    claim = {"device_class_name": driver.name}
    server = make("ocr", device={"claim": claim})
    with pytest.raises(WaitError) as caught:
        server.run()
    text = str(caught.value)
    assert f"DRA driver {driver.name} is not registered" in text
    assert caught.value.details["reason"] == "FailedPrepareDynamicResources"
    (pod,) = server.pods()
    holder = f"{server.namespace}/{pod.metadata.name}"
    assert f"1 of 2 devices of {driver.name} are free, the others have {holder}" in text
    assert text.endswith("see to the DRA driver of that node.")


@pytest.fixture
def giving(driver: Driver) -> Iterator[Driver]:
    """The driver at work; named before ``make``, so that it sees the last pod off."""
    with driver.running():
        yield driver


def test_a_server_gets_devices_by_claims(giving: Driver, make: Any) -> None:
    driver, claim = giving, {"device_class_name": giving.name}
    first = make("first", device={"claim": claim, "group": RENDER_GROUP})
    predicted = first.run(check=True)
    assert driver.templates(first.namespace) == []
    result = first.run()
    assert predicted["objects"] == result["objects"] and result["replicas"]["ready"] == 1
    (card,) = given(first)
    assert inside(first, "cat /dev/dri/renderD*; echo opened").strip() == "opened"
    assert not first.run()["changed"]
    (template,) = driver.templates(first.namespace)

    both = {"device": {"claim": claim, "group": RENDER_GROUP, "count": 2}}
    assert first.run(**both)["reload"] == "rolling_restart"
    assert len(given(first)) == 2 and card in given(first)
    assert template not in driver.templates(first.namespace)
    assert not first.run(**both)["changed"]

    (pod,) = first.pods()
    second = make("second", device={"claim": claim})
    with pytest.raises(WaitError) as caught:
        second.run()
    assert caught.value.details["reason"] == "Unschedulable"
    holder = f"{first.namespace}/{pod.metadata.name}"
    lines = f"0 of 2 devices of {driver.name} are free, the others have {holder}"
    assert lines in str(caught.value)

    assert first.run(device=None)["reload"] == "rolling_restart" and given(first) == []
    assert second.run()["replicas"]["ready"] == 1
    (own,) = driver.templates(first.namespace)
    assert first.run(device={"claim": {"template_name": own}})["replicas"]["ready"] == 1
    assert len(given(first)) == 1
    for server in (first, second):
        server.run(state="absent")
    assert driver.templates(first.namespace) == []
    assert "unprepare:" in driver.log.read_text()
