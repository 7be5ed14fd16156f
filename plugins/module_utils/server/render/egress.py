# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders proxy variables and trusted certificate authorities of the pods. Pure.

Every source of models reads other variables (S3 both cases, Azure the lower one, libcurl
C(http_proxy) in lower case only), so each is set in both cases. The sources' libcurl reads its
authorities from one file, which is where the bundle is mounted, in both image variants.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Dict, List, Mapping, Optional

from ...secrecy import without_login
from ...store import PROXY_ANNOTATION
from ..spec.egress import DEFAULT_CA_KEY, CaSpec, OutgoingSpec, ProxySpec, password_of

# openvinotoolkit/model_server, Dockerfile.redhat copies the system's bundle to this path of Debian,
# since the curl that is linked in looks there; Dockerfile.ubuntu has it there anyway.
CA_PATH = "/etc/ssl/certs/ca-certificates.crt"
CA_VOLUME = "ca-bundle"
INJECT_LABEL = "config.openshift.io/inject-trusted-cabundle"
HASH_ANNOTATION = "openvino.edge/outgoing-hash"
# The hash is slow to compute, since more users can read it than the login it is made from.
_HASH_ROUNDS = 20000

Part = Dict[str, Any]


def secret_name(name: str) -> str:
    """Return the name of the Secret with the proxies' URLs, where they hold a login."""
    return f"{name}-proxy"


def ca_config_map_name(name: str, ca: CaSpec) -> str:
    """Return the name of the ConfigMap with the authorities."""
    return ca.config_map or f"{name}-ca"


def environment(name: str, proxies: ProxySpec) -> Dict[str, Part]:
    """Return the variables by name, each as C(env) of a container wants it.

    A URL with a login is not written there: it comes from a Secret.
    """
    entries: Dict[str, Part] = {}
    for key, text in proxies.variables().items():
        if password_of(text):
            reference = {"name": secret_name(name), "key": key.lower()}
            entries[key] = {"name": key, "valueFrom": {"secretKeyRef": reference}}
        else:
            entries[key] = {"name": key, "value": text}
    return entries


def container_env(name: str, plain: Mapping[str, str], spec: OutgoingSpec) -> List[Part]:
    """Return C(env) of the container: the user's variables and the proxies', by name."""
    entries: Dict[str, Part] = {key: {"name": key, "value": value} for key, value in plain.items()}
    entries.update(environment(name, spec.proxies))
    return [entries[key] for key in sorted(entries)]


def volumes(name: str, spec: OutgoingSpec) -> List[Part]:
    """Return the volume with the authorities.

    The key is required, so that a pod waits until the cluster has written the bundle.
    """
    if spec.ca is None:
        return []
    items = [{"key": spec.ca.key, "path": DEFAULT_CA_KEY}]
    source = {"name": ca_config_map_name(name, spec.ca), "items": items}
    return [{"name": CA_VOLUME, "configMap": source}]


def mounts(spec: OutgoingSpec) -> List[Part]:
    """Return the mount that puts the authorities in the place of the image's own."""
    if spec.ca is None:
        return []
    mount = {"name": CA_VOLUME, "mountPath": CA_PATH, "subPath": DEFAULT_CA_KEY, "readOnly": True}
    return [mount]


def pod_annotations(name: str, spec: OutgoingSpec) -> Dict[str, str]:
    """Return annotations that change with proxy logins and authorities, to replace the pods."""
    proxies = (spec.proxies.https, spec.proxies.http)
    parts = [url for url in reversed(proxies) if password_of(url)]
    if spec.ca is not None and spec.ca.pem:
        parts.append(spec.ca.pem)
    if not parts:
        return {}
    text = "\n".join(parts).encode("utf-8")
    digest = hashlib.pbkdf2_hmac("sha256", text, name.encode("utf-8"), _HASH_ROUNDS)
    marks = {HASH_ANNOTATION: digest.hex()[:32]}
    first = next((url for url in proxies if url), "")
    if password_of(first):
        marks[PROXY_ANNOTATION] = without_login(first)
    return marks


def secret(metadata: Mapping[str, Any], proxies: ProxySpec) -> Optional[Part]:
    """Return the Secret with the URLs that hold a login; None if there is none."""
    urls = {"http_proxy": proxies.http, "https_proxy": proxies.https}
    data = {
        key: base64.b64encode(url.encode()).decode()
        for key, url in urls.items()
        if password_of(url)
    }
    if not data:
        return None
    kind = {"apiVersion": "v1", "kind": "Secret", "metadata": dict(metadata)}
    return {**kind, "type": "Opaque", "data": data}


def ca_config_map(metadata: Mapping[str, Any], ca: Optional[CaSpec]) -> Optional[Part]:
    """Return the ConfigMap with the authorities; None if there is none of ours.

    A ConfigMap that the cluster fills is sent without data, so that apply never removes any.
    """
    if ca is None or ca.config_map:
        return None
    item: Part = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": dict(metadata)}
    if ca.from_cluster:
        item["metadata"]["labels"] = {**metadata["labels"], INJECT_LABEL: "true"}
        return item
    return {**item, "data": {DEFAULT_CA_KEY: ca.pem}}
