# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of two nodes in a namespace under the restricted level, from nothing to served.

The account has the shipped rights: deployer, cluster-reader and volume-admin, no others.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.preflight import entry as preflight
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.repository import info as listing
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from jobkit import publish_locally, tiny_ir
from rights import Account, Right, run_module, shipped

ABOVE = "/var/lib/openvino-edge"
WIDE = Right("", "persistentvolumes", "create")


@pytest.fixture
def account(factory: Any, space: Callable[..., str]) -> Iterator[Account]:
    """The account, in a restricted namespace."""
    found = Account(factory, space(factory, "restricted"))
    found.bind()
    more = shipped("volume-admin")
    found.have(
        [*shipped("deployer"), *(right for right in more if right.resource != WIDE.resource)],
        [*shipped("cluster-reader"), *(right for right in more if right.resource == WIDE.resource)],
    )
    found.wait(WIDE, allowed=True)
    yield found
    for volume in factory.core.list_persistent_volume().items:
        held = volume.spec.claim_ref
        if held is not None and held.namespace == found.namespace:
            factory.core.delete_persistent_volume(volume.metadata.name)
    found.remove()


@pytest.fixture
def maker(factory: Any, space: Callable[..., str], account: Account) -> Iterator[str]:
    """A namespace that admits hostPath volumes, in which the account may run helpers."""
    found = Account(factory, space(factory, "privileged"), account.account)
    found.bind()
    yield found.namespace
    found.remove()


@pytest.fixture
def path(factory: Any, maker: str) -> Iterator[str]:
    """A directory that is on no node yet."""
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    yield f"{ABOVE}/{name}"
    for node in factory.nodes():
        volume = {"hostPath": {"path": ABOVE}}
        with factory.visitor(maker, volume, node=node, uid=0, read_only=False) as visitor:
            assert visitor.sh(f"rm -rf /store/{name}; ls -d /store/{name} 2>/dev/null") == ""


def test_two_nodes_serve_from_their_own_directories(
    factory: Any,
    account: Account,
    maker: str,
    path: str,
    tmp_path: Path,
    job_images: dict[str, str],
) -> None:
    nodes = factory.nodes()
    publish_locally(tmp_path, "tiny", "1", tiny_ir())
    local = {"path": path, "nodes": nodes, "capacity": "1Gi", "create_directory_in": maker}
    options = {
        **account.auth,
        "namespace": account.namespace,
        "name": "ovms",
        "pvc": {"claim_name": "models", "local": local},
        "src": str(tmp_path),
        "models": [{"name": "tiny", "versions": [1]}],
        "agent_image": job_images["edge_agent_image"],
        "exec_image": job_images["edge_image"],
        "image": job_images["edge_image"],
    }
    told = run_module(preflight, options)["findings"]
    assert any("will be made from" in item["message"] for item in told)
    first = run_module(repository, options)
    assert [item["node"] for item in first["targets"]] == nodes and first["changed"]
    assert [text.split()[1] for text in first["volumes_made"]] == [
        "PersistentVolume",
        "PersistentVolumeClaim",
    ]
    again = run_module(repository, options)
    assert not again["changed"] and not again["volumes_made"] and again["bytes_sent"] == 0
    assert run_module(server, options)["replicas"] == {"wanted": len(nodes), "ready": len(nodes)}
    seen = run_module(status, options)
    assert seen["available"] and len(seen["statuses"]) == len(nodes)
    pods = factory.core.list_namespaced_pod(
        account.namespace, label_selector="openvino.edge/server"
    )
    assert sorted(pod.spec.node_name for pod in pods.items) == nodes
    for pvc in (options["pvc"], {"claim_name": "models"}):  # the volume tells its nodes, too
        held = run_module(listing, options, pvc=pvc)["targets"]
        assert [item["node"] for item in held] == nodes and all(item["sound"] for item in held)
    assert "problem" not in [item["level"] for item in run_module(preflight, options)["findings"]]
    assert run_module(server, options, state="absent")["changed"]
    gone = run_module(repository, options, state="absent")
    assert [item["versions_removed"] for item in gone["targets"]] == [["tiny/1"]] * len(nodes)
