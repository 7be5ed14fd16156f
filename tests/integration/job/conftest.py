# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces that the tests of one file share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Space = Callable[..., str]


@pytest.fixture(scope="module")
def space() -> Iterator[Space]:
    """``space(cluster, level="restricted")`` -> name; deleted after the last test of the file."""
    made: list[tuple[Any, str]] = []

    def make(cluster: Any, level: str = "restricted") -> str:
        name = f"edge-test-{uuid.uuid4().hex[:8]}"
        labels = {"pod-security.kubernetes.io/enforce": level, "openvino.edge/test": "true"}
        cluster.core.create_namespace({"metadata": {"name": name, "labels": labels}})
        made.append((cluster, name))
        cluster.wait_until(lambda: _has_account(cluster, name), f"{name} has its account", 30)
        return name

    yield make
    for cluster, name in made:
        cluster.core.delete_namespace(name)


def _has_account(cluster: Any, namespace: str) -> bool:
    accounts = cluster.core.list_namespaced_service_account(namespace).items
    maps = cluster.core.list_namespaced_config_map(namespace).items
    return bool(accounts) and bool(maps)


@pytest.fixture(scope="module")
def claim() -> Callable[..., None]:
    """``claim(cluster, namespace, name, mode=..., storageClassName=...)`` makes a claim."""

    def make(
        cluster: Any, namespace: str, name: str = "models", mode: str = "ReadWriteOnce", **spec: Any
    ) -> None:
        size = {"requests": {"storage": "64Mi"}}
        body = {
            "metadata": {"name": name},
            "spec": {"accessModes": [mode], "resources": size, **spec},
        }
        cluster.core.create_namespaced_persistent_volume_claim(namespace, body)

    return make


@pytest.fixture(scope="session")
def job_images(agent_image: str, server_image: str) -> dict[str, str]:
    """Return the images as the playbooks' variables name them."""
    return {"edge_agent_image": agent_image, "edge_image": server_image}
