# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads back what this collection itself renders for C(backend=kserve). Pure.

Its companions (Secrets, claims, the bundle of authorities) belong to options: a field that names
one of them would lead nowhere once the option is not given any more.
"""

from __future__ import annotations

import json
import posixpath
from typing import Any, Dict, List, Mapping, Sequence

from ..chart.rules import Draft
from ..config.to_options import options_of
from ..render import cloud, egress
from ..render.cloud import CREDENTIALS_VOLUME
from ..render.config import CONFIG_FILE
from ..render.egress import CA_VOLUME
from ..spec.cache import CACHE_FLAG, CACHE_MOUNT, CACHE_VOLUME, NODE_VARIABLE
from ..spec.egress import DEFAULT_CA_KEY
from .buckets import BUCKETS
from .documents import Documents
from .merged import Merged
from .storage import Place

# All variables by which a bucket is reached (render/cloud.py).
_OF_CLOUD = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"),
    *("AWS_EC2_METADATA_DISABLED", "S3_ENDPOINT", "GOOGLE_APPLICATION_CREDENTIALS"),
    "AZURE_STORAGE_CONNECTION_STRING",
)
_POLICY = {"minAvailable": "min_available", "maxUnavailable": "max_unavailable"}

Object = Dict[str, Any]


def unmade(draft: Draft, found: Documents, whole: Merged, place: Place) -> None:
    """Set the options from which the companions are made, and take their traces out of the pod."""
    name = str(draft.options.get("name"))
    _cache(draft, whole, place)
    _authorities(draft, found, place, name)
    entries: List[Object] = list(whole.container.get("env") or ())
    login = egress.secret_name(name)
    again = [item for item in entries if _secret_of(item) == login]
    whole.container["env"] = [item for item in entries if item not in again]
    if again:
        _again(draft, "proxies", login, "env")
    if whole.pod.pop("resourceClaims", None):
        resources = dict(whole.container.get("resources") or {})
        resources.pop("claims", None)
        whole.container["resources"] = resources
        _again(draft, "device", "the claim", "resourceClaims")
    _beside(draft, found)


def _again(draft: Draft, option: str, what: str, field: str) -> None:
    draft.drop(f"spec.predictor.{field}", what, f"the option {option} makes it")
    draft.warnings.append(f"{option}: give it again; {what} is made of it, and is not read back")


def _cache(draft: Draft, whole: Merged, place: Place) -> None:
    mount = next((item for item in place.mounts if item["mountPath"] == CACHE_MOUNT), None)
    if mount is None:
        return
    place.mounts.remove(mount)
    if mount["name"] == CACHE_VOLUME:
        size = (place.volumes.pop(CACHE_VOLUME).get("emptyDir") or {}).get("sizeLimit")
        draft.put("model_cache.size", str(size))
    else:
        draft.put("model_cache.persistent", True)
    entries = whole.container.get("env") or ()
    whole.container["env"] = [item for item in entries if item["name"] != NODE_VARIABLE]
    args: List[str] = list(whole.container.get("args") or ())
    at = args.index(CACHE_FLAG)
    whole.container["args"] = args[:at] + args[at + 2 :]


def _authorities(draft: Draft, found: Documents, place: Place, name: str) -> None:
    volume = place.volumes.pop(CA_VOLUME, None)
    if volume is None:
        return
    place.mounts = [item for item in place.mounts if item["name"] != CA_VOLUME]
    source = volume.get("configMap") or {}
    config_map = str(source.get("name"))
    if config_map != f"{name}-ca":
        draft.put("ca_bundle.config_map", config_map)
        key = (source.get("items") or [{}])[0].get("key")
        if key and key != DEFAULT_CA_KEY:
            draft.put("ca_bundle.key", key)
        return
    document = found.one("ConfigMap", config_map)
    if document is None:
        _again(draft, "ca_bundle", config_map, "volumes")
    elif (document.get("data") or {}).get(DEFAULT_CA_KEY):
        draft.put("ca_bundle.pem", document["data"][DEFAULT_CA_KEY])
    else:
        draft.put("ca_bundle.from_cluster", True)


def _beside(draft: Draft, found: Documents) -> None:
    """Read the policies that stand beside the service."""
    for item in found.beside.get("PodDisruptionBudget", {}).values():
        for key, option in _POLICY.items():
            if key in item["spec"]:
                draft.put(f"disruption_budget.{option}", str(item["spec"][key]))
        policy = item["spec"].get("unhealthyPodEvictionPolicy")
        if policy:
            draft.put("disruption_budget.unhealthy_pod_eviction_policy", policy)
    for item in found.beside.get("NetworkPolicy", {}).values():
        rules = item["spec"].get("ingress") or ()
        peers = [peer for rule in rules for peer in rule.get("from") or ()]
        draft.put("network_policy", {"peers": peers} if peers else {})


def models_of(draft: Draft, whole: Merged, place: Place, document: Mapping[str, Any]) -> None:
    """Set what a ConfigMap of this collection was made of."""
    config = json.loads((document.get("data") or {}).get(CONFIG_FILE) or "{}")
    made = options_of({"model_config_list": [], **config})
    draft.options.update(made.options)
    draft.warnings += made.left_out
    paths = [
        str((item.get("config") or item).get("base_path") or "")
        for key in ("model_config_list", "mediapipe_config_list")
        for item in config.get(key) or ()
    ]
    remote = [path for path in paths if "://" in path]
    if remote:
        _bucket(draft, whole, place, posixpath.dirname(remote[0]))


def _bucket(draft: Draft, whole: Merged, place: Place, uri: str) -> None:
    """Set the bucket, and take the variables and the volume that lead to it out of the pod."""
    env = {str(item["name"]): item for item in whole.container.get("env") or ()}
    kind = BUCKETS[uri.partition("://")[0]]
    made: Dict[str, str] = {"uri": uri}
    if kind == "s3":
        for key, variable in (("region", "AWS_REGION"), ("endpoint", "S3_ENDPOINT")):
            if variable in env:
                made[key] = str(env[variable].get("value"))
    secret = ""
    if kind == "gs" and CREDENTIALS_VOLUME in place.volumes:
        secret = str((place.volumes.pop(CREDENTIALS_VOLUME).get("secret") or {}).get("secretName"))
        place.mounts = [item for item in place.mounts if item["name"] != CREDENTIALS_VOLUME]
    elif kind != "gs":
        secret = _named(env.values())
    if secret == cloud.own_secret_name(str(draft.options.get("name"))):
        _again(draft, f"cloud.{kind}", secret, "env")
    elif secret:
        made["secret_name"] = secret
    whole.container["env"] = [item for name, item in env.items() if name not in _OF_CLOUD]
    draft.put(f"cloud.{kind}", made)


def _named(entries: Any) -> str:
    of_cloud: Sequence[Object] = [item for item in entries if item["name"] in _OF_CLOUD]
    return next(filter(None, map(_secret_of, of_cloud)), "")


def _secret_of(item: Mapping[str, Any]) -> str:
    return str(((item.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name") or "")
