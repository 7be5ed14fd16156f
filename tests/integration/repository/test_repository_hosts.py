# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory on each of two nodes, by both transports."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime


@pytest.fixture
def store(factory: Any, make_namespace: Any) -> Any:
    """The store options of a fresh directory, which is removed from all nodes afterwards."""
    namespace = make_namespace(factory, "privileged")
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    above = "/var/lib/openvino-edge"
    yield {"namespace": namespace, "host_path": {"path": f"{above}/{name}"}}
    for node in factory.nodes():
        volume = {"hostPath": {"path": above}}
        with factory.visitor(namespace, volume, node=node, uid=0, read_only=False) as visitor:
            assert visitor.sh(f"rm -rf /store/{name}; ls -d /store/{name} 2>/dev/null") == ""


def look(factory: Any, store: dict[str, Any], node: str, line: str) -> str:
    """Run a line where the store of a node is at /store, as the server's user."""
    volume = {"hostPath": {"path": store["host_path"]["path"]}}
    with factory.visitor(store["namespace"], volume, node=node) as visitor:
        return str(visitor.sh(line))


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_both_nodes(
    transport: str, factory: Any, store: dict[str, Any], source: Path, copy: Any, listing: Any
) -> None:
    options = {"src": str(source), "transport": transport, **store}
    nodes = factory.nodes()
    dry = copy(factory, runtime=Runtime(check_mode=True), **options)
    assert dry["changed"] and dry["transport"] == "none"
    assert [item["exists"] for item in listing(factory, **store)["targets"]] == [False] * len(nodes)
    first = copy(factory, **options)
    assert [item["node"] for item in first["targets"]] == nodes
    assert first["bytes_planned"] == dry["bytes_planned"] == first["bytes_sent"]
    for node in nodes:
        assert look(factory, store, node, "cat /store/models/ocr/1/model.xml") == "<net/>"
        found = look(factory, store, node, "find /store/models -printf '%m %u %g %y\\n'")
        assert set(found.split("\n")) - {""} == {"755 5000 5000 d", "644 5000 5000 f"}
    again = copy(factory, **options)
    assert not again["changed"] and again["bytes_sent"] == 0
    assert again["bytes_reused"] == again["bytes_total"] > 2 * 2_500_000


def test_a_node_that_joins_later_is_found_as_missing(
    factory: Any, store: dict[str, Any], source: Path, copy: Any
) -> None:
    first, *others = factory.nodes()
    host_path = {**store["host_path"], "nodes": [first]}
    copy(factory, src=str(source), **{**store, "host_path": host_path})
    second = copy(factory, src=str(source), **store)
    published = {item["node"]: item["versions_published"] for item in second["targets"]}
    assert published[first] == []
    assert all(published[node] == ["det/3", "ocr/1"] for node in others)


def test_a_conflict_on_one_node_keeps_all_as_they_are(
    factory: Any, store: dict[str, Any], source: Path, copy: Any, listing: Any
) -> None:
    first = factory.nodes()[0]
    host_path = {**store["host_path"], "nodes": [first]}
    models = [{"name": "ocr"}]
    copy(factory, src=str(source), models=models, **{**store, "host_path": host_path})
    (source / "ocr/1/model.xml").write_bytes(b"<other/>")
    with pytest.raises(InputError) as caught:
        copy(factory, src=str(source), **store)
    assert first in str(caught.value) and "model.xml" in str(caught.value)
    assert not caught.value.details.get("changed")
    for target in listing(factory, **store)["targets"]:
        have = [(item["model"], item["version"]) for item in target["versions"]]
        assert have == ([("ocr", 1)] if target["node"] == first else [])


def test_node_choice(factory: Any, store: dict[str, Any], source: Path, copy: Any) -> None:
    last = factory.nodes()[-1]
    by_label = {**store["host_path"], "node_selector": {"kubernetes.io/hostname": last}}
    done = copy(factory, src=str(source), **{**store, "host_path": by_label})
    assert [item["node"] for item in done["targets"]] == [last]
