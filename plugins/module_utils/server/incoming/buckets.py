# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the bucket of a model, and the credentials that KServe would read for it. Pure.

KServe reads them from the Secrets of the ServiceAccount, or from an entry of the Secret
C(storage-config); Open Data Hub makes those entries from Secrets of the same name ("data
connections"). Sources: kserve/kserve v0.20.0, pkg/credentials; opendatahub-io/odh-model-controller,
controllers/storageconfig.
"""

from __future__ import annotations

import json
import posixpath
from typing import Any, Dict, Mapping, Optional, Tuple

from ..chart.rules import Draft
from ..spec.cloud import ACCESS_KEY, CONNECTION_STRING, GS_FILE, SECRET_KEY
from .documents import Documents, secret_texts

BUCKETS = {"s3": "s3", "gs": "gs", "az": "azure", "azfs": "azure"}
STORAGE_CONFIG = "storage-config"
_ANNOTATION = "serving.kserve.io/s3-{}"
# Which keys a Secret needs to be named in cloud.KIND.secret_name.
_NEEDED = {"s3": (ACCESS_KEY, SECRET_KEY), "gs": (GS_FILE,), "azure": (CONNECTION_STRING,)}

Known = Dict[str, str]


def bucket(draft: Draft, found: Documents, uri: str, name: str, option: str) -> None:
    """Set the bucket that has the directory of a model, or say what the option lacks.

    Args:
        draft: what is known.
        found: the documents, among which the Secret may be.
        uri: of the model's directory.
        name: of the model.
        option: the field with the URI.
    """
    scheme, _mark, rest = uri.partition("://")
    kind = BUCKETS[scheme]
    parent, directory = posixpath.split(rest.strip("/"))
    if directory and directory != name and parent:
        draft.model["directory"] = directory
    if not parent:
        parent = directory
        draft.warnings.append(
            f"cloud.{kind}.uri: the versions of {name} lie in the root of {directory}. Move them"
            f" into {scheme}://{directory}/{name}"
        )
    secret, known = _known(found, kind)
    made = {"uri": f"{scheme}://{parent}", **known}
    if kind == "s3":
        made.update(_of_storage(found))
    if secret:
        made["secret_name"] = secret
    lacking = _lacking(kind, made)
    if lacking:
        draft.drop(option, uri, lacking)
        told = ", ".join(f"{key}: {value}" for key, value in sorted(made.items()))
        draft.warnings.append(f"cloud: {lacking}. What is known is {kind}: {{{told}}}")
        return
    draft.put(f"cloud.{kind}", made)
    if not secret:
        draft.warnings.append(
            f"cloud.{kind}.secret_name: KServe reads credentials from the Secrets of its"
            f" ServiceAccount; name one with {' and '.join(_NEEDED[kind])}, if it needs any"
        )


def _lacking(kind: str, made: Mapping[str, str]) -> str:
    """Return why the option cannot be made, empty if it can."""
    if made.get("endpoint", "").startswith("https:"):
        return "OVMS speaks plain HTTP to an endpoint, and this one speaks https"
    if kind == "s3" and made.get("endpoint") and not made.get("secret_name"):
        return f"an endpoint needs secret_name, a Secret with {ACCESS_KEY} and {SECRET_KEY}"
    if kind == "s3" and not (made.get("region") or made.get("endpoint")):
        return "the documents name neither the region of the bucket nor an endpoint, as OVMS needs"
    if kind == "azure" and not made.get("secret_name"):
        return f"the documents have no Secret with {CONNECTION_STRING}, as OVMS needs"
    return ""


def _known(found: Documents, kind: str) -> Tuple[str, Known]:
    """Return the name of a Secret with fitting keys, and endpoint and region of S3."""
    name = _secret_name(found)
    secret = found.one("Secret", name) if name else None
    if secret is None:
        return "", {}
    texts = secret_texts(secret)
    fits = all(texts.get(key) for key in _NEEDED[kind])
    return (name if fits else ""), (_s3(secret, texts) if kind == "s3" else {})


def _secret_name(found: Documents) -> str:
    """Return the Secret that KServe would read: by the key of the storage, or of the account."""
    predictor = ((found.service or {}).get("spec") or {}).get("predictor") or {}
    key = str(_storage(found).get("key") or "")
    if found.one("Secret", key):
        return key
    account = found.one("ServiceAccount", str(predictor.get("serviceAccountName") or ""))
    names = [str(item.get("name")) for item in (account or {}).get("secrets") or ()]
    return next((name for name in names if found.one("Secret", name)), "")


def _s3(secret: Mapping[str, Any], texts: Mapping[str, str]) -> Known:
    notes = (secret.get("metadata") or {}).get("annotations") or {}
    endpoint = str(notes.get(_ANNOTATION.format("endpoint")) or texts.get("AWS_S3_ENDPOINT") or "")
    if endpoint and "://" not in endpoint:
        # KServe uses https unless told otherwise.
        plain = str(notes.get(_ANNOTATION.format("usehttps"))) == "0"
        endpoint = f"{'http' if plain else 'https'}://{endpoint}"
    region = notes.get(_ANNOTATION.format("region")) or texts.get("AWS_DEFAULT_REGION")
    known = {"endpoint": endpoint.rstrip("/"), "region": str(region or "")}
    amazon = endpoint.partition("://")[2].partition(":")[0].endswith("amazonaws.com")
    if amazon and region:
        # Amazon's own address is what OVMS takes without an endpoint.
        del known["endpoint"]
    return {key: value for key, value in known.items() if value}


def _of_storage(found: Documents) -> Known:
    """Return endpoint and region as C(storage), or its entry in the Secret, tells them."""
    storage = _storage(found)
    given = {**_entry(found, str(storage.get("key") or "")), **(storage.get("parameters") or {})}
    known = {"endpoint": given.get("endpoint_url"), "region": given.get("region")}
    return {key: str(value).rstrip("/") for key, value in known.items() if value}


def _storage(found: Documents) -> Mapping[str, Any]:
    predictor = ((found.service or {}).get("spec") or {}).get("predictor") or {}
    storage: Mapping[str, Any] = (predictor.get("model") or {}).get("storage") or {}
    return storage


def uri_of(found: Documents, storage: Mapping[str, Any]) -> Optional[str]:
    """Return the URI that C(storage) means; None when the bucket is not known."""
    path = str(storage.get("path") or "")
    if "://" in path:
        return path
    given = dict(storage.get("parameters") or {})
    entry = _entry(found, str(storage.get("key") or ""))
    kind = str(given.get("type") or entry.get("type") or "s3")
    name = str(given.get("bucket") or entry.get("bucket") or "")
    return f"{kind}://{name}/{path.strip('/')}" if name and kind in BUCKETS else None


def _entry(found: Documents, key: str) -> Dict[str, Any]:
    """Return the entry of the Secret C(storage-config), or what a data connection says."""
    whole = found.one("Secret", STORAGE_CONFIG)
    if whole is not None:
        try:
            entry = json.loads(secret_texts(whole).get(key) or "{}")
        except ValueError:
            entry = {}
        if isinstance(entry, dict) and entry:
            return entry
    secret = found.one("Secret", key)
    name = secret_texts(secret).get("AWS_S3_BUCKET") if secret is not None else None
    return {"type": "s3", "bucket": name} if name else {}
