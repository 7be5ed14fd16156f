# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin that the role installed on one node with two made-up cards; gone afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.devices import entry
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from devicekit import FAKE_ROOT, I915, IMAGE, Node, forget, lab, load_image, play_role

LABEL = {"edge-test-fake-gpu": "true"}


@dataclass
class Plugins:
    """The role's work on a cluster, and a look at it."""

    cluster: Any
    node: Node
    namespace: str
    work: Path

    def play(self, *options: str, **variables: Any) -> tuple[dict[str, Any], str]:
        """Run the role for the fake image."""
        wanted = {
            "device_plugins_namespace": self.namespace,
            "device_plugins_gpu_image": IMAGE,
            "device_plugins_gpu_selector": LABEL,
            "device_plugins_root": FAKE_ROOT,
            "device_plugins_wait_timeout": 60,
        }
        return play_role(self.cluster, self.work, *options, **{**wanted, **variables})

    def info(self, **options: Any) -> dict[str, Any]:
        """Run the module's entry point in this process."""
        checked = ArgumentSpecValidator(dict(entry.ARGUMENT_SPEC)).validate(
            {**self.cluster.auth, **options}
        )
        assert not checked.error_messages, checked.error_messages
        return entry.run(checked.validated_parameters, Runtime())

    def offered(self) -> tuple[int, int]:
        """Return what the API server itself says: capacity and allocatable."""
        status = self.cluster.core.read_node(self.node.name).status
        return int(status.capacity.get(I915, 0)), int(status.allocatable.get(I915, 0))

    def until_offered(self, capacity: int, allocatable: int, seconds: float = 30) -> None:
        """Wait until the node's kubelet reports so many devices."""
        self.cluster.wait_until(
            lambda: self.offered() == (capacity, allocatable),
            f"{self.node.name} offers {allocatable} of {capacity}",
            seconds,
        )

    @property
    def pods_of(self) -> dict[str, Any]:
        """Return where the pods of the plugin are, as an option."""
        labels = {"app.kubernetes.io/name": "intel-gpu-plugin"}
        return {"namespace": self.namespace, "labels": labels}

    def label(self, value: str | None) -> None:
        """Set or take away the label that brings the plugin to the node."""
        _label(self.cluster, self.node.name, value)

    def plugin_pods(self) -> list[Any]:
        """Return the pods of the plugin."""
        return list(self.cluster.core.list_namespaced_pod(self.namespace).items)


def _label(cluster: Any, node: str, value: str | None) -> None:
    cluster.core.patch_node(node, {"metadata": {"labels": dict.fromkeys(LABEL, value)}})


@pytest.fixture(scope="session")
def fake_node(factory: Any) -> Iterator[Node]:
    """Two cards on the first node, and the label that finds it."""
    if not factory.nodes()[0].startswith("factory-"):
        pytest.fail("the fake plugin needs the nodes of the lab")
    node = Node(factory.nodes()[0])
    load_image("factory")
    node.cards(2)
    _label(factory, node.name, "true")
    yield node
    _label(factory, node.name, None)
    node.clear()
    for name in factory.nodes():
        lab("exec", name, "--", "ctr", "-n", "k8s.io", "images", "rm", IMAGE)
    forget(factory, node.name, I915)


@pytest.fixture(scope="session")
def plugins(
    factory: Any, fake_node: Node, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plugins]:
    """The plugin, as the role installs it."""
    work = tmp_path_factory.mktemp("plays")
    made = Plugins(factory, fake_node, f"edge-test-{uuid.uuid4().hex[:8]}", work)
    try:
        result, text = made.play()
        assert result.get("gpu"), text
        yield made
    finally:
        made.play(device_plugins_state="absent")
        factory.core.delete_namespace(made.namespace)


@pytest.fixture
def both_healthy(plugins: Plugins) -> Iterator[Plugins]:
    """Both cards are healthy, before and after."""
    plugins.until_offered(2, 2)
    yield plugins
    plugins.node.unhealthy()
    plugins.until_offered(2, 2)
