# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks hubs for their clusters, and for what a login to one of them needs."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Dict, List, Mapping, Tuple

from ..errors import ApiError, InputError
from ..kube.client import KubeClient
from . import cluster_api, managed
from .options import HUB_KEYS, HubSource
from .records import Record

# A hub's options may come from the environment, under names of their own: K8S_AUTH_* is for the
# clusters, and would be taken for each of them.
PREFIX = "EDGE_HUB_"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def hub_params(hub: Mapping[str, Any], environ: Mapping[str, str]) -> Dict[str, Any]:
    """Return the options of a client for a hub: what the file says, else the environment.

    Raises:
        InputError: a variable of the environment is not what it should be.
    """
    params: Dict[str, Any] = {}
    for name in (*HUB_KEYS, "api_key"):
        text = environ.get(PREFIX + name.upper())
        if hub.get(name) is not None:
            params[name] = hub[name]
        elif text:
            params[name] = _truth(text) if name == "validate_certs" else text
    return params


def _truth(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise InputError("has to be true or false", option=f"{PREFIX}VALIDATE_CERTS")
    return text.lower() in _TRUE


def clusters(client: KubeClient, source: HubSource) -> Tuple[List[Record], List[str]]:
    """Return the clusters of a hub, and a warning for those that are left out.

    Raises:
        ApiError: the hub does not serve the kind.
        ForbiddenError: the account may not list it.
        UnreachableError, AuthError: no answer from the hub, or a refusal.
    """
    if source.option == "cluster_api":
        version = _version(client)
        kind, left_out, record = cluster_api.KIND, cluster_api.left_out, cluster_api.record
    else:
        version = managed.API_VERSION
        kind, left_out, record = managed.KIND, managed.left_out, managed.record
    found, dummy = client.list(version, kind, source.namespace, source.label_selector)
    reasons: Dict[str, List[str]] = {}
    records = []
    for obj in found:
        reason = left_out(obj)
        if reason:
            reasons.setdefault(reason, []).append(obj["metadata"]["name"])
        else:
            records.append(record(obj, source))
    return records, [
        f"{source.option}: left out, because {reason}: {', '.join(names)}"
        for reason, names in reasons.items()
    ]


def _version(client: KubeClient) -> str:
    """Return the version of Cluster API that the hub prefers; clusters differ in it."""
    group = None
    try:
        path = f"/apis/{cluster_api.GROUP}"
        group = client.request_json("GET", path, what=f"find {cluster_api.GROUP}")
    except ApiError as error:
        if error.status != 404:
            raise
    preferred = ((group or {}).get("preferredVersion") or {}).get("groupVersion")
    return str(preferred or f"{cluster_api.GROUP}/v1beta1")


def secret(client: KubeClient, namespace: str, name: str, key: str) -> bytes:
    """Return a value of a Secret of the hub.

    Raises:
        InputError: there is no such Secret, or it has no such key.
    """
    found = client.get("v1", "Secret", name, namespace)
    subject = f"Secret {namespace}/{name} of the hub {client.server}"
    if found is None:
        raise InputError(
            "it is not there",
            subject=subject,
            hint="The hub makes it when the cluster can be reached: is the cluster ready, and the"
            " name right?",
        )
    try:
        value = base64.b64decode((found.get("data") or {}).get(key) or "", validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value:
        raise InputError(f"it has no {key}", subject=subject)
    return value
