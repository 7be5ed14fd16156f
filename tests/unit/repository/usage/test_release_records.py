# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases keep their versions on a store."""

from __future__ import annotations

from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.releases import (
    RELEASE_KEY,
    RELEASE_LABEL,
    RELEASE_OF_LABEL,
    Pinned,
    Release,
    to_text,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore

from .test_usage import CLAIM, Cluster, used


def recorded(cluster: Cluster, number: int, version: int, **fields: Any) -> None:
    """Add the record of a good release that serves one version of det."""
    item = Release(
        number,
        "ocr",
        digest=str(version),
        models=(Pinned("det", "det", (version,)),),
        store=str(CLAIM),
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
        metadata={"labels": labels, "namespace": "ns"},
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
