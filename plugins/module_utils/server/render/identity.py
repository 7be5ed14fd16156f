# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names, labels and hashes that identify the objects of a server. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Mapping, Optional

from ...store import INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL, SERVER_LABEL
from ..spec.server import ServerSpec

APP_NAME = "ovms"


INPUT_HASH_ANNOTATION = "openvino.edge/input-hash"


Object = Dict[str, Any]


def owner_labels(name: str) -> Dict[str, str]:
    """Return the labels by which the objects of one server are found again."""
    return {MANAGED_BY_LABEL: MANAGED_BY, SERVER_LABEL: name}


def owner_selector(name: Optional[str] = None) -> str:
    """Return the label selector of one server's objects, or of all servers'."""
    server = f"{SERVER_LABEL}={name}" if name else SERVER_LABEL
    return f"{MANAGED_BY_LABEL}={MANAGED_BY},{server}"


def object_labels(spec: ServerSpec) -> Dict[str, str]:
    """Return the labels of every object and pod."""
    return {
        **spec.labels,
        NAME_LABEL: APP_NAME,
        INSTANCE_LABEL: spec.name,
        **owner_labels(spec.name),
    }


def with_input_hash(item: Object) -> Object:
    """Return the object with the hash of its content among its annotations."""
    text = json.dumps(item, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
    metadata = dict(item["metadata"])
    metadata["annotations"] = {**metadata.get("annotations", {}), INPUT_HASH_ANNOTATION: digest}
    return {**item, "metadata": metadata}


def metadata_of(spec: ServerSpec, name: str) -> Dict[str, Any]:
    """Return the metadata of one of the server's objects."""
    metadata: Dict[str, Any] = {
        "name": name,
        "namespace": spec.namespace,
        "labels": object_labels(spec),
    }
    if spec.annotations:
        metadata["annotations"] = dict(spec.annotations)
    return metadata


def pod_selector(name: str) -> Dict[str, str]:
    """Return the labels that choose the pods of one server, and never change."""
    return {NAME_LABEL: APP_NAME, SERVER_LABEL: name}


def pod_selector_text(name: str) -> str:
    """Return the label of the pods of one server in the form of a query, adopted ones included."""
    return f"{SERVER_LABEL}={name}"


def endpoints(name: str, namespace: str, ports: Mapping[str, int]) -> Dict[str, str]:
    """Return C(HOST:PORT) of each interface inside the cluster."""
    return {key: f"{name}.{namespace}.svc:{port}" for key, port in ports.items()}
