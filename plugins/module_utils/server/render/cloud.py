# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders what a cloud store adds to the pods, and the Secret for given credentials. Pure.

Variables: openvinotoolkit/model_server, src/filesystem/{s3,gcs,azure}filesystem.cpp.

Pods read credentials only at their start, so changed credentials must replace the pods. An
annotation of the template does that. Everybody who can read the Deployment can read it, so it must
not help to guess a credential: for the collection's Secret it is an HMAC with a key in the Secret
itself, for an existing Secret its resourceVersion.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import InputError
from ..spec.cloud import (
    ACCESS_KEY,
    AZURE,
    CONNECTION_STRING,
    GS,
    GS_FILE,
    S3,
    SECRET_KEY,
    SESSION_TOKEN,
    CloudStore,
)

CREDENTIALS_ANNOTATION = "openvino.edge/credentials"
SALT_KEY = "salt"
CREDENTIALS_VOLUME = "credentials"
CREDENTIALS_MOUNT = "/credentials"
# Keys of the Secret by kind of store: required ones, then optional ones.
KEYS: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    S3: ((ACCESS_KEY, SECRET_KEY), (SESSION_TOKEN,)),
    GS: ((GS_FILE,), ()),
    AZURE: ((CONNECTION_STRING,), ()),
}

Object = Dict[str, Any]


def secret_name(server: str, store: CloudStore) -> str:
    """Return the name of the Secret that the pods read, C("") without one."""
    if store.credentials:
        return own_secret_name(server)
    return store.secret_name


def own_secret_name(server: str) -> str:
    """Return the name of the Secret for given credentials."""
    return f"{server}-credentials"


def environment(server: str, store: CloudStore) -> List[Dict[str, Any]]:
    """Return the container's variables, sorted by name; credentials only as references."""
    plain: Dict[str, str] = {}
    if store.kind == S3:
        # Without it the client queries a cloud's metadata service, and waits for a time-out.
        plain = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": store.region}
        if store.endpoint:
            # An endpoint without a scheme is interpreted differently by different releases.
            plain["S3_ENDPOINT"] = f"http://{store.endpoint}"
    elif store.kind == GS and not store.anonymous:
        plain = {"GOOGLE_APPLICATION_CREDENTIALS": f"{CREDENTIALS_MOUNT}/{GS_FILE}"}
    entries: List[Dict[str, Any]] = [{"name": key, "value": text} for key, text in plain.items()]
    if store.kind != GS and not store.anonymous:
        entries += _references(secret_name(server, store), store)
    return sorted(entries, key=lambda entry: str(entry["name"]))


def _references(name: str, store: CloudStore) -> List[Dict[str, Any]]:
    needed, optional = KEYS[store.kind]
    if store.credentials:
        needed, optional = tuple(sorted(store.credentials)), ()
    return [_reference(name, key, False) for key in needed] + [
        _reference(name, key, True) for key in optional
    ]


def _reference(name: str, key: str, optional: bool) -> Dict[str, Any]:
    ref: Dict[str, Any] = {"name": name, "key": key}
    if optional:
        ref["optional"] = True
    return {"name": key, "valueFrom": {"secretKeyRef": ref}}


def volumes(server: str, store: CloudStore) -> List[Dict[str, Any]]:
    """Return the volume with a key file; only Google's client reads one."""
    if store.kind != GS or store.anonymous:
        return []
    items = [{"key": GS_FILE, "path": GS_FILE}]
    source = {"secretName": secret_name(server, store), "items": items}
    return [{"name": CREDENTIALS_VOLUME, "secret": source}]


def mounts(store: CloudStore) -> List[Dict[str, Any]]:
    """Return the mount of the same."""
    if store.kind != GS or store.anonymous:
        return []
    return [{"name": CREDENTIALS_VOLUME, "mountPath": CREDENTIALS_MOUNT, "readOnly": True}]


def variables(store: CloudStore) -> List[str]:
    """Return the names of all variables that the option decides on."""
    if store.kind == S3:
        return [ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, "AWS_REGION", "S3_ENDPOINT"]
    return ["GOOGLE_APPLICATION_CREDENTIALS"] if store.kind == GS else [CONNECTION_STRING]


def new_salt() -> str:
    """Return a key that nobody can guess."""
    return secrets.token_hex(32)


def salt_of(secret: Optional[Mapping[str, Any]]) -> str:
    """Return the key in a live Secret of ours, C("") when it is not there or damaged."""
    text = ((secret or {}).get("data") or {}).get(SALT_KEY) or ""
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def mark_of_given(credentials: Mapping[str, str], salt: str) -> str:
    """Return an HMAC of the credentials, which reveals nothing about them without the salt."""
    text = json.dumps(dict(credentials), sort_keys=True).encode("utf-8")
    return hmac.new(salt.encode("ascii"), text, hashlib.sha256).hexdigest()[:32]


def mark_of_existing(secret: Mapping[str, Any]) -> str:
    """Return a mark that changes with an existing Secret: its resourceVersion."""
    return str(secret["metadata"].get("resourceVersion") or "")


def secret_data(credentials: Mapping[str, str], salt: str) -> Dict[str, str]:
    """Return the Secret's C(data)."""
    everything = {**credentials, SALT_KEY: salt}
    return {
        key: base64.b64encode(text.encode("utf-8")).decode("ascii")
        for key, text in everything.items()
    }


def check_existing(store: CloudStore, secret: Optional[Mapping[str, Any]]) -> None:
    """Refuse an existing Secret that is missing or lacks a key.

    Raises:
        InputError: names the keys, never a value.
    """
    needed, _optional = KEYS[store.kind]
    option = f"cloud.{store.kind}.secret_name"
    subject = f"Secret {store.namespace}/{store.secret_name}"
    if secret is None:
        raise InputError(
            "it does not exist",
            option=option,
            subject=subject,
            hint=f"Create it with {', '.join(needed)}, or give the credentials with cloud",
        )
    data = secret.get("data") or {}
    lacking = [key for key in needed if not data.get(key)]
    if lacking:
        has = f"it has {', '.join(sorted(data))}" if data else "it is empty"
        raise InputError(
            f"it has no key {' and '.join(lacking)}", option=option, subject=subject, hint=has
        )
