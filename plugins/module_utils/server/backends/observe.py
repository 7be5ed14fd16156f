# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the objects that a controller created for one server, for a report."""

from __future__ import annotations

from typing import List

from ...kube.client import KubeClient
from ...store import SERVER_LABEL
from ..render.identity import Object
from .names import Made

_KINDS = (("apps/v1", "Deployment"), ("v1", "Service"))


def made_of(client: KubeClient, namespace: str, name: str, made: Made) -> List[List[Object]]:
    """Return the Deployment and the Service that a controller created for the server C(name).

    The label of the server is added to them, like on the collection's own objects.
    """
    found: List[List[Object]] = []
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
