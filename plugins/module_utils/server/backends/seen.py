# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What controllers have made of the servers of a namespace, for a report."""

from __future__ import annotations

from typing import List, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    BACKEND_KEY,
    MANIFESTS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import made_by
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import Object
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL

_KINDS = (("apps/v1", "Deployment"), ("v1", "Service"))


def made_of(
    client: KubeClient, namespace: str, config_maps: Sequence[Object]
) -> List[List[Object]]:
    """Return the Deployments and Services of the servers that have a record of another backend.

    They come back with the label of their server, as objects of ours have it.
    """
    found: List[List[Object]] = []
    for record in config_maps:
        backend = (record.get("data") or {}).get(BACKEND_KEY, MANIFESTS)
        if backend == MANIFESTS:
            continue
        name = record["metadata"]["labels"][SERVER_LABEL]
        made = made_by(backend, name)
        for api_version, kind in _KINDS:
            items = client.list(
                api_version, kind, namespace, field_selector=f"metadata.name={made.deployment}"
            )[0]
            found.append([_labelled(item, kind, name) for item in items])
    return found


def _labelled(item: Object, kind: str, name: str) -> Object:
    metadata = dict(item["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), SERVER_LABEL: name}
    return {"kind": kind, **item, "metadata": metadata}
