# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(pvc.local): a directory of a node becomes a volume, in a restricted namespace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime


@pytest.fixture
def namespace(factory: Any, make_namespace: Any) -> Iterator[str]:
    """A restricted namespace; the volumes of its claims are removed afterwards."""
    name = make_namespace(factory, "restricted")
    yield name
    for volume in factory.core.list_persistent_volume().items:
        if volume.spec.claim_ref and volume.spec.claim_ref.namespace == name:
            factory.core.delete_persistent_volume(volume.metadata.name)


def options_for(
    namespace: str, source: Path, path: str, *nodes: str, **more: Any
) -> dict[str, Any]:
    local = {"path": path, "nodes": list(nodes), "capacity": "1Gi", **more}
    pvc = {"claim_name": "models", "local": local}
    return {"namespace": namespace, "src": str(source), "pvc": pvc}


def objects_of(factory: Any, namespace: str) -> tuple[int, int]:
    """Return how many claims and volumes there are for a namespace."""
    claims = factory.core.list_namespaced_persistent_volume_claim(namespace).items
    volumes = [
        item
        for item in factory.core.list_persistent_volume().items
        if item.spec.claim_ref and item.spec.claim_ref.namespace == namespace
    ]
    return len(claims), len(volumes)


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_from_a_directory_to_a_volume_and_back(
    transport: str,
    factory: Any,
    namespace: str,
    source: Path,
    node_directory: Any,
    copy: Any,
    listing: Any,
) -> None:
    node = factory.nodes()[-1]
    options = options_for(namespace, source, node_directory(node), node)
    options["transport"] = transport
    dry = copy(factory, runtime=Runtime(check_mode=True, diff=True), **options)
    assert dry["changed"] and objects_of(factory, namespace) == (0, 0)
    first = copy(factory, **options)
    assert first["volumes_made"] == dry["volumes_made"] and len(first["volumes_made"]) == 2
    assert first["bytes_planned"] == dry["bytes_planned"] == first["bytes_sent"]
    assert objects_of(factory, namespace) == (1, 1)
    second = copy(factory, runtime=Runtime(check_mode=True), **options)
    assert not second["changed"] and second["volumes_made"] == []
    assert listing(factory, **without_src(options))["sound"]
    factory.core.delete_namespaced_persistent_volume_claim("models", namespace)
    factory.wait_until(lambda: objects_of(factory, namespace) == (0, 1), "the claim is gone")
    third = copy(factory, **options)
    assert [text.split()[0] for text in third["volumes_made"]] == ["updated", "created"]
    assert third["bytes_sent"] == 0, "the files were retained with the volume"


def without_src(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != "src"}


def test_the_diff_shows_volume_and_claim(
    factory: Any, namespace: str, source: Path, copy: Any
) -> None:
    node = factory.nodes()[0]
    options = options_for(namespace, source, "/var/lib/openvino-edge/disks/none", node)
    dry = copy(factory, runtime=Runtime(check_mode=True, diff=True), **options)
    after = dry["diff"]["after"]
    assert "kind: PersistentVolume\n" in after and "kind: PersistentVolumeClaim" in after
    assert "path: /var/lib/openvino-edge/disks/none" in after and "ocr/1" in after


def test_a_missing_directory(
    factory: Any, namespace: str, source: Path, node_directory: Any, make_namespace: Any, copy: Any
) -> None:
    node = factory.nodes()[-1]
    path = node_directory(node, make=False)
    with pytest.raises(
        WaitError, match=f"{path} of the local volume does not exist on node {node}"
    ):
        copy(factory, **options_for(namespace, source, path, node))
    maker = make_namespace(factory, "privileged")
    made = options_for(namespace, source, path, node, create_directory_in=maker)
    assert copy(factory, **made)["changed"]
    assert not copy(factory, **options_for(namespace, source, path, node))["changed"]


def test_another_directory_or_claim_is_refused(
    factory: Any, namespace: str, source: Path, make_pvc: Any, node_directory: Any, copy: Any
) -> None:
    node = factory.nodes()[0]
    path = node_directory(node)
    copy(factory, **options_for(namespace, source, path, node))
    with pytest.raises(InputError, match=f"path {path} instead of {path}-b"):
        copy(factory, **options_for(namespace, source, f"{path}-b", node))
    with pytest.raises(InputError, match="no node is named nowhere"):
        copy(factory, **options_for(namespace, source, path, "nowhere"))
    make_pvc(factory, namespace, "theirs")
    theirs = options_for(namespace, source, path, node)
    theirs["pvc"]["claim_name"] = "theirs"
    with pytest.raises(InputError, match="waits for another volume"):
        copy(factory, **theirs)


def test_a_quota_is_heard_before_anything_is_made(
    factory: Any, namespace: str, source: Path, copy: Any
) -> None:
    hard = {"requests.storage": "512Mi"}
    quota = {"metadata": {"name": "small"}, "spec": {"hard": hard}}
    factory.core.create_namespaced_resource_quota(namespace, quota)
    factory.wait_until(lambda: quota_is_known(factory, namespace), "the quota is known")
    options = options_for(namespace, source, "/var/lib/openvino-edge/disks/a", factory.nodes()[0])
    with pytest.raises(ForbiddenError, match="quota"):
        copy(factory, **options)
    assert objects_of(factory, namespace) == (0, 0)


def quota_is_known(factory: Any, namespace: str) -> bool:
    return bool(factory.core.read_namespaced_resource_quota("small", namespace).status.hard)
