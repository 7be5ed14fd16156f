# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes give files to each other; what crosses the link is counted where it leaves."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.http import (
    AgentChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

SIZE = 6_000_000


def only(store: dict[str, Any], node: str) -> dict[str, Any]:
    return {**store, "host_path": {**store["host_path"], "nodes": [node]}}


@pytest.fixture
def store(factory: Any, make_namespace: Any) -> Iterator[dict[str, Any]]:
    """A fresh directory, which is removed from all nodes afterwards."""
    namespace = make_namespace(factory, "privileged")
    name, above = f"edge-test-{uuid.uuid4().hex[:8]}", "/var/lib/openvino-edge"
    yield {"namespace": namespace, "transport": "agent", "host_path": {"path": f"{above}/{name}"}}
    for node in factory.nodes():
        volume = {"hostPath": {"path": above}}
        with factory.visitor(namespace, volume, node=node, uid=0, read_only=False) as visitor:
            visitor.sh(f"rm -rf /store/{name}")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    for name, data in {
        "ocr/1/model.xml": b"<net/>",
        "ocr/1/model.bin": os.urandom(SIZE),
        "ocr/1/twin.bin": b"",
        "ocr/2/model.xml": b"<net/>",
        "ocr/2/model.bin": os.urandom(300_000),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    twin = root / "ocr/1/twin.bin"
    twin.write_bytes((root / "ocr/1/model.bin").read_bytes())
    return root


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of every request body that leaves the controller for a pod."""
    counted: list[int] = []
    real = KubeClient.pod_proxy

    def pod_proxy(self: KubeClient, *args: Any, body: Any = b"", **kwargs: Any) -> Any:
        def counting(blocks: Any) -> Iterator[bytes]:
            for block in blocks:
                counted.append(len(block))
                yield block

        if isinstance(body, (bytes, bytearray)):
            counted.append(len(body))
            return real(self, *args, body=bytes(body), **kwargs)
        return real(self, *args, body=counting(body), **kwargs)

    monkeypatch.setattr(KubeClient, "pod_proxy", pod_proxy)
    return counted


def sums(factory: Any, store: dict[str, Any], node: str) -> str:
    """Return sha256sum of everything that is published on a node, taken there."""
    volume = {"hostPath": {"path": store["host_path"]["path"]}}
    with factory.visitor(store["namespace"], volume, node=node) as visitor:
        return str(visitor.sh("cd /store/models && find . -type f | sort | xargs sha256sum"))


def test_one_copy_crosses_the_link(
    factory: Any, store: dict[str, Any], source: Path, copy: Any, link: list[int]
) -> None:
    nodes = factory.nodes()
    assert len(nodes) == 2
    dry = copy(factory, src=str(source), runtime=Runtime(check_mode=True), **store)
    link.clear()
    done = copy(factory, src=str(source), **store)
    assert SIZE <= sum(link) < 1.1 * SIZE
    assert done["bytes_sent"] == dry["bytes_planned"]
    assert done["bytes_from_peers"] >= SIZE
    by_node = {item["node"]: item for item in done["targets"]}
    assert by_node[nodes[1]]["bytes_sent"] < 10_000 < by_node[nodes[0]]["bytes_sent"]
    assert sums(factory, store, nodes[0]) == sums(factory, store, nodes[1]) != ""


def test_a_node_that_joins_later_gets_them_from_its_neighbour(
    factory: Any, store: dict[str, Any], source: Path, copy: Any, link: list[int]
) -> None:
    first, second = factory.nodes()
    copy(
        factory, src=str(source), **{**store, "host_path": {**store["host_path"], "nodes": [first]}}
    )
    link.clear()
    joined = copy(factory, src=str(source), **store)
    assert joined["bytes_sent"] == 0
    assert sum(link) < 20_000  # commands
    assert joined["targets"][1]["versions_published"] == ["ocr/1", "ocr/2"]
    assert sums(factory, store, first) == sums(factory, store, second) != ""


def test_a_delta_goes_to_one_and_its_result_to_the_other(
    factory: Any, store: dict[str, Any], source: Path, copy: Any, link: list[int]
) -> None:
    copy(factory, src=str(source), **store)
    (source / "ocr/3").mkdir()
    data = bytearray((source / "ocr/1/model.bin").read_bytes())
    data[3_000_000:3_000_100] = os.urandom(100)
    (source / "ocr/3/model.bin").write_bytes(data)
    (source / "ocr/3/model.xml").write_bytes(b"<net/>")
    link.clear()
    done = copy(factory, src=str(source), **store)
    assert sum(link) < SIZE / 10
    assert done["bytes_from_peers"] == SIZE
    first, second = factory.nodes()
    assert sums(factory, store, first) == sums(factory, store, second) != ""


def test_without_peers_each_node_gets_its_own_copy(
    factory: Any, store: dict[str, Any], source: Path, copy: Any
) -> None:
    done = copy(factory, src=str(source), peers=False, **store)
    assert done["bytes_from_peers"] == 0
    assert done["bytes_sent"] >= 2 * SIZE


def test_closed_ways_between_pods_are_told_and_it_still_works(
    factory: Any,
    store: dict[str, Any],
    source: Path,
    copy: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = AgentChannel.content

    def elsewhere(self: AgentChannel, digest: str, number: int) -> Any:
        url, headers = real(self, digest, number)
        return url.replace(":8099/", ":8098/"), headers

    monkeypatch.setattr(AgentChannel, "content", elsewhere)
    runtime = Runtime(diff=True)
    done = copy(factory, src=str(source), runtime=runtime, **store)
    assert done["bytes_from_peers"] == 0
    assert done["bytes_sent"] >= 2 * SIZE
    assert any("another node" in text and "8098" in text for text in runtime.warnings)
    first, second = factory.nodes()
    assert sums(factory, store, first) == sums(factory, store, second) != ""


def test_the_way_between_nodes_asks_for_the_secret_of_the_run(
    factory: Any,
    store: dict[str, Any],
    source: Path,
    copy: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = AgentChannel.content

    def guessed(self: AgentChannel, digest: str, number: int) -> Any:
        return real(self, digest, number)[0], {"X-Edge-Peer": "guess"}

    monkeypatch.setattr(AgentChannel, "content", guessed)
    runtime = Runtime(diff=True)
    done = copy(factory, src=str(source), runtime=runtime, **store)
    assert done["bytes_from_peers"] == 0
    assert any("HTTP 401" in text for text in runtime.warnings)


def test_a_damaged_version_is_repaired_from_the_neighbour(
    factory: Any, store: dict[str, Any], source: Path, copy: Any, link: list[int]
) -> None:
    copy(factory, src=str(source), **store)
    first, second = factory.nodes()
    volume = {"hostPath": {"path": store["host_path"]["path"]}}
    with factory.visitor(
        store["namespace"], volume, node=second, uid=0, read_only=False
    ) as visitor:
        visitor.sh("printf damage >> /store/models/ocr/2/model.bin")
    assert sums(factory, store, first) != sums(factory, store, second)
    link.clear()
    done = copy(factory, src=str(source), repair=True, **store)
    assert done["bytes_sent"] < 10_000 and sum(link) < 50_000
    assert done["bytes_from_peers"] == 300_000
    assert sums(factory, store, first) == sums(factory, store, second) != ""
