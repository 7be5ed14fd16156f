# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(pull): the URL that the site's helper pod fetches from, and its credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import SplitResult, quote, urlsplit

from ...errors import InputError
from ...kube.client import Access
from ...store import Store
from ..agent.pull.s3 import base_url, escaped
from ..agent.shared import KEY_NAMES

# Credentials given in the task are put into a Secret that is deleted with the helper.
CREDENTIALS = (
    "access_key",
    "secret_key",
    "session_token",
    "username",
    "password",
    "bearer_token",
)
S3_CREDENTIALS = ("access_key", "secret_key", "session_token")
HTTP_CREDENTIALS = ("username", "password", "bearer_token")
PROXIES = ("http_proxy", "https_proxy")

PULL_ARGUMENT_SPEC: Dict[str, Any] = {
    "pull": {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True},
            "manifest": {"type": "path"},
            "endpoint": {"type": "str"},
            "region": {"type": "str"},
            "secret_name": {"type": "str", "no_log": False},
            **{name: {"type": "str", "no_log": True} for name in CREDENTIALS},
            **{name: {"type": "str", "no_log": True} for name in PROXIES},
            "no_proxy": {"type": "str"},
            "ca_cert": {"type": "path"},
            "validate_certs": {"type": "bool", "default": True},
        },
    }
}


@dataclass(frozen=True)
class SecretMount:
    """Credentials of a helper pod: an existing Secret, and others that are made for it.

    Attributes:
        name: of the existing Secret, C("") without one.
        data: what the helper's own Secret holds.
    """

    name: str = ""
    data: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PullOptions:
    """The typed option.

    Attributes:
        kind: C(http) or C(s3).
        base: base URL, to which file paths are appended; no trailing slash.
        bucket_url: of C(s3), for listings.
        prefix: of C(s3): with a slash at the end, unless it is empty.
        manifest: path on the controller.
        shown: the URL for messages.
        via: what the helper needs to know beside credentials.
        secret: credentials, C(None) without any.
    """

    kind: str
    base: str
    bucket_url: str
    prefix: str
    manifest: Optional[str]
    shown: str
    via: Mapping[str, Any]
    secret: Optional[SecretMount]

    def url_of(self, path: str) -> str:
        """Return where a file is; C(path) is C(<model>/<version>/<path>)."""
        return f"{self.base}/{escaped(path) if self.kind == 's3' else quote(path)}"


def pull_from_params(params: Mapping[str, Any]) -> Optional[PullOptions]:
    """Return the typed option, C(None) without it.

    Raises:
        InputError: a value that cannot be, before any cluster is asked.
    """
    given = params.get("pull")
    if not given or params.get("state") == "absent":
        return None
    if params.get("transport") == "exec":
        raise _wrong("transport", "the exec transport cannot pull", "Use transport: agent")
    parts = _split(str(given["url"]), "pull.url", ("http", "https", "s3"))
    kind = "s3" if parts.scheme == "s3" else "http"
    _check_manifest(params, kind)
    _check_credentials(given, kind)
    base, bucket_url, prefix = _places(given, parts, kind)
    _check_proxies(given)
    via = {
        "kind": kind,
        "region": given.get("region") or "",
        "no_proxy": given.get("no_proxy") or "",
        "validate_certs": given.get("validate_certs") is not False,
        "ca_pem": _ca_pem(given.get("ca_cert")),
        "parallel": int(params.get("parallel") or 4),
        **{name: given[name] for name in PROXIES if given.get(name) and "@" not in given[name]},
    }
    secret = _secret(given)
    if secret:
        via["secret"] = True
    shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
    manifest = given.get("manifest")
    return PullOptions(kind, base, bucket_url, prefix, manifest, shown, via, secret)


def secret_access(store: Store, secret: Optional[SecretMount]) -> List[Access]:
    """Return the right that given credentials need: a Secret is made that goes with its Job."""
    if secret is None or not secret.data:
        return []
    return [Access("create", "", "secrets", namespace=store.namespace)]


def secret_keys() -> Tuple[str, ...]:
    """Return the keys of an existing Secret that are read; no other reaches the pod."""
    return tuple(name for names in KEY_NAMES.values() for name in names)


def _check_manifest(params: Mapping[str, Any], kind: str) -> None:
    if kind == "http" and not params["pull"].get("manifest") and not params.get("signature"):
        raise _wrong(
            "pull.manifest",
            "a web server does not list its files, so pull.manifest is needed",
            "Give a file with sha256sum lines of <model>/<version>/<file>, or set signature",
        )


def _check_credentials(given: Mapping[str, Any], kind: str) -> None:
    has = [name for name in CREDENTIALS if given.get(name)]
    if given.get("secret_name") and has:
        raise _wrong(
            f"pull.{has[0]}", "pull.secret_name names the credentials already", "Give one of them"
        )
    strange = [name for name in has if name in (HTTP_CREDENTIALS, S3_CREDENTIALS)[kind == "http"]]
    if strange:
        raise _wrong(
            f"pull.{strange[0]}",
            f"this is not used for {'an s3://' if kind == 's3' else 'an http(s)://'} url",
            "Leave it out",
        )
    for name, other in (
        ("access_key", "secret_key"),
        ("secret_key", "access_key"),
        ("session_token", "access_key"),
        ("password", "username"),
    ):
        if given.get(name) and not given.get(other):
            raise _wrong(f"pull.{other}", f"pull.{name} needs it", "Give both")
    for name in has:
        if any(ord(sign) < 32 for sign in str(given[name])):
            raise _wrong(f"pull.{name}", "it holds a control character", "Check how it was read")


def _places(given: Mapping[str, Any], parts: SplitResult, kind: str) -> Tuple[str, str, str]:
    if kind == "http":
        if given.get("endpoint") or given.get("region"):
            raise _wrong("pull.endpoint", "this is only for s3:// urls", "Leave it out")
        path = quote(parts.path.rstrip("/"), safe="/%-_.~!$&'()*+,;=:@")
        return f"{parts.scheme}://{parts.netloc}{path}", "", ""
    endpoint = str(given.get("endpoint") or "")
    if endpoint:
        _split(endpoint, "pull.endpoint", ("http", "https"))
    bucket_url = base_url(parts.netloc, endpoint, str(given.get("region") or ""))
    prefix = parts.path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    return f"{bucket_url}/{escaped(prefix)}".rstrip("/"), bucket_url, prefix


def _split(url: str, option: str, schemes: Tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good:
        raise _wrong(option, f"it has to be a URL with {', '.join(schemes)}", "Check its spelling")
    if "@" in parts.netloc:
        raise _wrong(option, "it holds credentials", "Use pull.username and pull.password")
    if parts.query or parts.fragment:
        raise _wrong(option, "it has a query or a fragment", "Paths are put behind the url")
    return parts


def _check_proxies(given: Mapping[str, Any]) -> None:
    for name in PROXIES:
        value = given.get(name)
        if not value:
            continue
        try:
            parts = urlsplit(value if "//" in value else f"http://{value}")
            good = parts.scheme == "http" and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good:
            raise _wrong(
                f"pull.{name}",
                "it is not the http:// URL of a proxy",
                "Write it as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT",
            )


def _ca_pem(path: Optional[str]) -> str:
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as stream:
            text = stream.read(1 << 20)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no text"
        raise InputError(
            f"it cannot be read ({why})", option="pull.ca_cert", subject=path
        ) from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise InputError("it holds no PEM certificate", option="pull.ca_cert", subject=path)
    return text


def _secret(given: Mapping[str, Any]) -> Optional[SecretMount]:
    data = {name: str(given[name]) for name in CREDENTIALS if given.get(name)}
    data.update({name: given[name] for name in PROXIES if given.get(name) and "@" in given[name]})
    if not data and not given.get("secret_name"):
        return None
    return SecretMount(str(given.get("secret_name") or ""), data)


def _wrong(option: str, message: str, hint: str) -> InputError:
    return InputError(message, option=option, hint=hint)
