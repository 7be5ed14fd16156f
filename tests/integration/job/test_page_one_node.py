# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of docs/one-node.md, as they are written, on a cluster of one node."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobkit import publish_locally, tiny_ir
from pagekit import HOST, Pages, blocks

ABOVE = "/var/lib/openvino-edge"
PATH, SOURCE, NAMESPACE = f"{ABOVE}/models", "/srv/models", "namespace: edge\n"


@pytest.fixture
def privileged(shop: Any, space: Callable[..., str]) -> str:
    return space(shop, "privileged")


@pytest.fixture
def folder(shop: Any, privileged: str) -> Iterator[str]:
    """A folder that nobody has made yet."""
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    yield f"{ABOVE}/{name}"
    volume = {"hostPath": {"path": ABOVE}}
    with shop.visitor(privileged, volume, uid=0, read_only=False) as visitor:
        assert visitor.sh(f"rm -rf /store/{name}; ls -d /store/{name} 2>/dev/null") == ""


@pytest.fixture
def fresh(shop: Any) -> Iterator[str]:
    """The name of a namespace that a task is to make."""
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    yield name
    shop.core.delete_namespace(name)


@pytest.fixture
def volumes(shop: Any, space: Callable[..., str]) -> Iterator[str]:
    """A restricted namespace; the volumes of its claims are removed."""
    name = space(shop, "restricted")
    yield name
    for volume in shop.core.list_persistent_volume().items:
        if volume.spec.claim_ref and volume.spec.claim_ref.namespace == name:
            shop.core.delete_persistent_volume(volume.metadata.name)


@pytest.mark.whole
def test_one_node_one_folder(
    shop: Any,
    privileged: str,
    folder: str,
    fresh: str,
    volumes: str,
    tmp_path: Path,
    job_images: dict[str, str],
) -> None:
    source = tmp_path / "source"
    publish_locally(source, "detection", "1", tiny_ir())
    there, filled, local = blocks("one-node.md")
    pages = Pages(tmp_path, shop.auth, job_images)
    lines = there.strip().splitlines()
    assert len(lines) < 10, "the common case is one task of a few lines"

    def example(text: str, namespace: str, **more: str) -> dict[str, Any]:
        """Run an example twice; return the results of the first run by module."""
        swaps = {PATH: folder, NAMESPACE: f"namespace: {namespace}\n", **more}
        first = pages.run(text, swaps)
        assert first.code == 0, first.text
        again = pages.run(text, swaps)
        assert again.code == 0 and again.changed == {HOST: 0}, again.text
        return {event.action.rpartition(".")[2]: event.result for event in first.of(HOST)}

    here = {SOURCE: str(source)}
    assert example(filled, privileged, **here)["model_status"]["available"]
    publish_locally(source, "detection", "2", tiny_ir("Sigmoid"))
    second = example(filled, privileged, **here, **{"versions: [1]": "versions: [2]"})
    assert second["model_server"]["reload"] == "config_reload"
    assert second["model_status"]["available"]

    assert example(there, fresh)["model_server"]["replicas"] == {"wanted": 1, "ready": 1}
    made = example(local, volumes, **here, **{"[shop-1]": str(shop.nodes())})
    assert made["model_repository"]["volumes_made"] and made["model_server"]["replicas"]["ready"]
