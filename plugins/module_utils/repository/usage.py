# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which published versions the model servers of this collection name in their configuration."""

from __future__ import annotations

import json
import posixpath
from typing import Any, Dict, Iterable, List, Mapping, Optional

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Key,
    RawVersion,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    MODELS_DIR,
    SERVING_MOUNT_PATH,
    PvcStore,
    Store,
)

CONFIG_KEY = "config.json"
Object = Mapping[str, Any]


def versions_in_use(
    client: KubeClient, store: Store, there: Iterable[RawVersion]
) -> Dict[Key, str]:
    """Return, for each version that a server on this store names, the Deployment that does."""
    selector = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
    deployments, _version = client.list(
        "apps/v1", "Deployment", store.namespace, label_selector=selector
    )
    published = list(there)
    used: Dict[Key, str] = {}
    for deployment in deployments:
        spec = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
        volumes = spec.get("volumes") or ()
        if not any(is_store_volume(volume, store) for volume in volumes):
            continue
        name = f"Deployment {store.namespace}/{deployment['metadata']['name']}"
        for text in _configs(client, store.namespace, volumes):
            for raw in published:
                if names_version(text, raw):
                    used.setdefault(raw.key, name)
    return used


def _configs(client: KubeClient, namespace: str, volumes: Iterable[Object]) -> List[str]:
    names = [str((volume.get("configMap") or {}).get("name") or "") for volume in volumes]
    found = [client.get("v1", "ConfigMap", name, namespace) for name in names if name]
    texts = [((item or {}).get("data") or {}).get(CONFIG_KEY) for item in found]
    return [str(text) for text in texts if text]


def is_store_volume(volume: Object, store: Store) -> bool:
    """Return whether a pod's volume is this store."""
    if isinstance(store, PvcStore):
        claim = volume.get("persistentVolumeClaim") or {}
        return bool(claim.get("claimName") == store.claim_name)
    path = (volume.get("hostPath") or {}).get("path") or ""
    return path.rstrip("/") in (store.path, posixpath.join(store.path, MODELS_DIR))


def names_version(config: str, raw: RawVersion) -> bool:
    """Return whether a C(config.json) asks for a version, by number or by an open policy."""
    for entry in _entries(config):
        if not _is_model(entry, raw.model):
            continue
        specific = (entry.get("model_version_policy") or {}).get("specific") or {}
        versions = specific.get("versions")
        if versions is None or raw.version in versions:
            return True
    return False


def _is_model(entry: Object, model: str) -> bool:
    path = str(entry.get("base_path") or "").rstrip("/")
    return path == f"{SERVING_MOUNT_PATH}/{model}" or entry.get("name") == model


def _entries(config: str) -> List[Object]:
    """Return the C(config) objects of all models; none when the text cannot be read."""
    parsed = _parsed(config) or {}
    items = parsed.get("model_config_list") or ()
    return [item["config"] for item in items if isinstance(item.get("config"), dict)]


def _parsed(config: str) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(config)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
