# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of a server can be given back, also after somebody has overwritten them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.discover.live import read_adopted
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.adoption import (
    ADOPTED_ANNOTATION,
)

from ...fakes.cluster import Cluster

HELM = "Helm"
OURS = "openvino.edge"


def deployment(manager: str, server: str = "ocr", note: str = "{}", **more: Any) -> dict[str, Any]:
    """Return a Deployment of a server, with the labels that a manager and we have set."""
    labels = {"app.kubernetes.io/managed-by": manager, "openvino.edge/server": server}
    annotations = {ADOPTED_ANNOTATION: note} if note else {}
    metadata = {"name": "ocr", "namespace": "edge", "labels": labels, "annotations": annotations}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**metadata, **more}}


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (deployment(OURS), True),
        (deployment(HELM), True),
        (deployment(HELM, server="other"), False),
        (deployment(OURS, note=""), False),
        (deployment(OURS, ownerReferences=[{"kind": "ModelServer", "name": "x"}]), False),
    ],
)
def test_what_was_adopted_is_known_by_its_record(item: dict[str, Any], found: bool) -> None:
    cluster = Cluster()
    cluster.add(item)
    assert bool(read_adopted(cluster, "edge", "ocr")) is found  # type: ignore[arg-type]
