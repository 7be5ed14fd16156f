# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(cloud): a bucket that the server itself reads models from, and credentials. Pure.

What OVMS does with it: openvinotoolkit/model_server, src/filesystem/{s3,gcs,azure}filesystem.cpp.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import SplitResult, urlsplit

from ...errors import InputError
from .. import values

S3, GS, AZURE = "s3", "gs", "azure"
SCHEMES: Dict[str, Tuple[str, ...]] = {S3: ("s3",), GS: ("gs",), AZURE: ("az", "azfs")}

ACCESS_KEY = "AWS_ACCESS_KEY_ID"
SECRET_KEY = "AWS_SECRET_ACCESS_KEY"
SESSION_TOKEN = "AWS_SESSION_TOKEN"
CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
GS_FILE = "gcp-creds.json"

# Any S3-compatible store takes it, and without one the client asks a cloud's metadata service.
DEFAULT_REGION = "us-east-1"

_SECRET_NAME: Dict[str, Any] = {"type": "str", "no_log": False}
CLOUD_ARGUMENT_SPEC: Dict[str, Any] = {
    "cloud": {
        "type": "dict",
        "mutually_exclusive": [(S3, GS, AZURE)],
        "required_one_of": [(S3, GS, AZURE)],
        "options": {
            S3: {
                "type": "dict",
                "mutually_exclusive": [("secret_name", "access_key_id")],
                "required_together": [("access_key_id", "secret_access_key")],
                "options": {
                    "uri": {"type": "str"},
                    "endpoint": {"type": "str"},
                    "region": {"type": "str"},
                    "access_key_id": {"type": "str", "no_log": True},
                    "secret_access_key": {"type": "str", "no_log": True},
                    "session_token": {"type": "str", "no_log": True},
                    "secret_name": _SECRET_NAME,
                },
            },
            GS: {
                "type": "dict",
                "mutually_exclusive": [("secret_name", "credentials")],
                "options": {
                    "uri": {"type": "str"},
                    "credentials": {"type": "json", "no_log": True},
                    "secret_name": _SECRET_NAME,
                },
            },
            AZURE: {
                "type": "dict",
                "mutually_exclusive": [("secret_name", "connection_string")],
                "required_one_of": [("secret_name", "connection_string")],
                "options": {
                    "uri": {"type": "str"},
                    "connection_string": {"type": "str", "no_log": True},
                    "secret_name": _SECRET_NAME,
                },
            },
        },
    }
}

# Valid names of buckets and containers; clients take the part before the first slash as the name.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{2,221}")
_ENDPOINT = re.compile(r"(http://)?([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?/?")


@dataclass(frozen=True)
class CloudStore:
    """Models in a bucket, fetched by the server itself.

    Attributes:
        namespace: of the pods.
        kind: C(s3), C(gs) or C(azure).
        uri: the directory of the models, without a slash at the end.
        endpoint: C(HOST[:PORT]) of an S3-compatible store, C("") is AWS.
        region: of an S3 bucket.
        secret_name: existing Secret with the credentials, or C("").
        credentials: given ones by key of the Secret that is made for them.
    """

    namespace: str
    kind: str
    uri: str
    endpoint: str = ""
    region: str = ""
    secret_name: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def models_root(self) -> str:
        """Return the directory that precedes the name of a model in its C(base_path)."""
        return self.uri

    @property
    def anonymous(self) -> bool:
        """Tell whether the server has no credentials for the bucket."""
        return not self.secret_name and not self.credentials

    def __str__(self) -> str:
        return f"{self.kind} store {self.uri or 'of the configuration'}"


def cloud_store(namespace: str, options: Mapping[str, Any], *, own: bool = False) -> CloudStore:
    """Return the typed store of the option.

    Args:
        namespace: of the pods.
        options: the option C(cloud).
        own: the paths are in the user's own configuration, so no directory is needed.

    Raises:
        InputError: a value that the server cannot use; the message never contains a secret.
    """
    kind = next(kind for kind in (S3, GS, AZURE) if options.get(kind))
    given = options[kind]
    secret_name = str(given.get("secret_name") or "")
    if secret_name:
        values.subdomain(secret_name, f"cloud.{kind}.secret_name")
    common = {
        "namespace": namespace,
        "kind": kind,
        "uri": _directory(kind, str(given.get("uri") or ""), own=own),
        "secret_name": secret_name,
    }
    if kind == S3:
        return _s3(common, given)
    if kind == GS:
        return CloudStore(**common, credentials=_gs_credentials(given.get("credentials")))
    credentials = _azure_credentials(given.get("connection_string"), str(common["uri"]))
    return CloudStore(**common, credentials=credentials)


def _directory(kind: str, uri: str, *, own: bool) -> str:
    if uri or not own:
        return _uri(kind, uri)
    return ""


def _uri(kind: str, uri: str) -> str:
    option = f"cloud.{kind}.uri"
    prefix = f"{SCHEMES[kind][0]}://"
    hint = f"Write it as {prefix}BUCKET/DIRECTORY"
    if not uri:
        raise InputError("it is needed, as models are in it", option=option, hint=hint)
    parts = _split(uri, option, hint)
    if parts.scheme not in SCHEMES[kind]:
        raise InputError(f"it has to begin with {prefix}", option=option, hint=hint)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError("it holds more than a bucket and a directory", option=option, hint=hint)
    if ":" in parts.netloc:
        raise InputError(
            "it holds a host and a port", option=option, hint="Give them as cloud.s3.endpoint"
        )
    if not _BUCKET.fullmatch(parts.netloc):
        raise InputError(f"'{parts.netloc}' is not a name of a bucket", option=option, hint=hint)
    path = parts.path[1:].rstrip("/")
    if path and any(part in ("", ".", "..") for part in path.split("/")):
        raise InputError("its path has an empty part, '.' or '..'", option=option, hint=hint)
    return f"{parts.scheme}://{parts.netloc}/{path}".rstrip("/")


def _split(uri: str, option: str, hint: str) -> SplitResult:
    if re.search(r"[\s\x00-\x1f\x7f]", uri):
        raise InputError("it holds a space or a control character", option=option, hint=hint)
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise InputError("it is not a URI", option=option, hint=hint) from error


def _s3(common: Mapping[str, Any], given: Mapping[str, Any]) -> CloudStore:
    endpoint = _endpoint(str(given.get("endpoint") or ""))
    region = str(given.get("region") or "")
    if not endpoint and not region:
        raise InputError(
            "without an endpoint it is AWS, and the region of the bucket is needed",
            option="cloud.s3.region",
            hint="Name the region, or the endpoint of another S3 store",
        )
    if region and not re.fullmatch(r"[A-Za-z0-9-]+", region):
        raise InputError(f"'{region}' is not a name of a region", option="cloud.s3.region")
    pairs = ((ACCESS_KEY, "access_key_id"), (SECRET_KEY, "secret_access_key"))
    credentials = {key: str(given[name]) for key, name in pairs if given.get(name)}
    if given.get("session_token"):
        if not credentials:
            raise InputError(
                "a session token needs its keys",
                option="cloud.s3.session_token",
                hint="Give access_key_id and secret_access_key, or put all three into the Secret",
            )
        credentials[SESSION_TOKEN] = str(given["session_token"])
    _no_control_characters(credentials, "cloud.s3.secret_access_key")
    store = CloudStore(
        **common, endpoint=endpoint, region=region or DEFAULT_REGION, credentials=credentials
    )
    if endpoint and store.anonymous:
        raise InputError(
            "without keys the server asks for the host BUCKET.ENDPOINT, which is not there",
            option="cloud.s3.endpoint",
            hint="Give access_key_id and secret_access_key, or secret_name",
        )
    return store


def _endpoint(text: str) -> str:
    """Return C(HOST[:PORT]).

    Raises:
        InputError: the server would not reach it.
    """
    option = "cloud.s3.endpoint"
    if not text:
        return ""
    if text.startswith("https:"):
        raise InputError(
            "OVMS speaks plain HTTP to an S3 endpoint, so a server behind TLS is not reached",
            option=option,
            hint="Name a plain port of the store, as http://HOST:PORT, or copy the models onto a"
            " volume with openvino.edge.model_repository (pull)",
        )
    match = _ENDPOINT.fullmatch(text)
    port = int((match.group(4) or ":80")[1:]) if match else 0
    if not match or not 1 <= port <= 65535:
        raise InputError(
            "it is not a host with a port", option=option, hint="Write it as http://HOST:PORT"
        )
    return f"{match.group(2)}{match.group(4) or ''}"


def _gs_credentials(text: Optional[str]) -> Dict[str, str]:
    """Return the key file, checked here since OVMS would only fail to load the models."""
    if not text:
        return {}
    option = "cloud.gs.credentials"
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "type" not in document:
        raise InputError(
            "it is not a key file of Google Cloud",
            option=option,
            hint="Give the JSON text of the file, as from lookup('ansible.builtin.file', ...)",
        )
    lacking = [
        name
        for name in ("client_email", "private_key")
        if document["type"] == "service_account" and not document.get(name)
    ]
    if lacking:
        raise InputError(f"the key file has no {lacking[0]}", option=option)
    return {GS_FILE: json.dumps(document, indent=2, sort_keys=True) + "\n"}


def _azure_credentials(text: Optional[str], uri: str) -> Dict[str, str]:
    """Return the connection string; one of a shared access signature has endpoints alone."""
    if not text:
        return {}
    option = "cloud.azure.connection_string"
    parts = azure_parts(text)
    endpoint = "FileEndpoint" if uri.startswith("azfs:") else "BlobEndpoint"
    others = sorted({"BlobEndpoint", "FileEndpoint"} & set(parts))
    if uri and "AccountName" not in parts and others and endpoint not in parts:
        raise InputError(
            f"it has no AccountName and no {endpoint}, which the URI is read from",
            option=option,
            hint="az:// is for blobs, azfs:// for a file share; the string has " + others[0],
        )
    if "AccountName" not in parts and not others:
        raise InputError(
            "it is not a connection string",
            option=option,
            hint="Copy it from the storage account; it reads AccountName=...;AccountKey=...",
        )
    _no_control_characters({CONNECTION_STRING: text}, option)
    return {CONNECTION_STRING: text}


def azure_parts(text: str) -> Dict[str, str]:
    """Return the C(NAME=VALUE) pairs of a connection string."""
    pairs = (item.strip().partition("=") for item in text.split(";") if "=" in item)
    return {name: value for name, _equals, value in pairs}


def _no_control_characters(credentials: Mapping[str, str], option: str) -> None:
    if any(ord(sign) < 32 for value in credentials.values() for sign in value):
        raise InputError(
            "it holds a control character", option=option, hint="Check how it was read"
        )
