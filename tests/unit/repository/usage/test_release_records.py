# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases keep their versions on a store."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.releases import (
    RELEASE_KEY,
    RELEASE_LABEL,
    RELEASE_OF_LABEL,
    Pinned,
    Release,
    to_text,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import in_use
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore, Store

from .test_usage import CLAIM, HOST, KEYS, Cluster, pod_spec, used


def recorded(
    cluster: Cluster,
    number: int,
    version: int,
    namespace: str = "ns",
    store: Store = CLAIM,
    **fields: Any,
) -> None:
    """Add the record of a good release that serves one version of det."""
    item = Release(
        number,
        "ocr",
        digest=str(version),
        models=(Pinned("det", "det", (version,)),),
        store=str(store),
        verdict="good",
        **fields,
    )
    labels = {
        "app.kubernetes.io/managed-by": "openvino.edge",
        RELEASE_LABEL: str(number),
        RELEASE_OF_LABEL: "ocr",
    }
    cluster.add(
        "ConfigMap",
        f"ocr-release-{number}",
        metadata={"labels": labels, "namespace": namespace},
        data={RELEASE_KEY: to_text(item)},
    )


def test_the_newest_release_and_the_way_back_pin_their_versions() -> None:
    cluster = Cluster()
    for number, version in ((1, 1), (2, 2), (3, 10)):
        recorded(cluster, number, version)
    assert used(cluster) == {
        ("det", 2): "release record ns/ocr-release-2",
        ("det", 10): "release record ns/ocr-release-3",
    }
    assert used(cluster, PvcStore("ns", "other")) == {}
    # Who has gone back from 3 to 2 needs 2 only, which is release 4 now.
    recorded(cluster, 4, 2, restores=2, leaves=3)
    assert used(cluster) == {("det", 2): "release record ns/ocr-release-4"}


class Guarded(Cluster):
    """One in which ConfigMaps may be listed in some namespaces only."""

    readable: frozenset[str | None] = frozenset({"ns", "other"})

    def list(  # type: ignore[override]
        self, api_version: str, kind: str, namespace: str | None = None, **kwargs: Any
    ) -> Any:
        """Refuse what the account may not list."""
        if kind == "ConfigMap" and namespace not in self.readable:
            raise ForbiddenError("not there")
        return super().list(api_version, kind, namespace, **kwargs)


@pytest.mark.parametrize("readable", [{None, "ns"}, {"ns", "other"}, {"ns"}])
def test_a_way_back_in_another_namespace_keeps_its_versions_of_a_directory(
    readable: set[str | None],
) -> None:
    """A server there serves 10 now; the release before it, which it may go back to, had 2."""
    cluster = Guarded()
    cluster.readable = frozenset(readable)
    spec = pod_spec(
        ["--model_path", "/r/models/det"],
        {"name": "models", "hostPath": {"path": HOST.path}},
        {"name": "models", "mountPath": "/r"},
    )
    cluster.add(
        "Deployment", "det", metadata={"namespace": "other"}, spec={"template": {"spec": spec}}
    )
    for number, version in ((1, 2), (2, 10)):
        recorded(cluster, number, version, "other", HOST)
    told: list[str] = []
    found = in_use.find_users(cluster, HOST, KEYS, told.append)  # type: ignore[arg-type]
    assert ("det", 10) in found
    assert (("det", 2) in found) is (readable != {"ns"})
    assert any("namespace other too, whose release records" in text for text in told) is (
        readable == {"ns"}
    )
