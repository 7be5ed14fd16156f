# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options for connections of the pods to the outside: proxies and trusted authorities. Pure."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ...errors import InputError
from .. import values

DEFAULT_CA_KEY = "ca-bundle.crt"

PROXY_OPTIONS: Dict[str, Any] = {
    "http_proxy": {"type": "str"},
    "https_proxy": {"type": "str"},
    "no_proxy": {"type": "list", "elements": "str", "default": []},
    "complete_no_proxy": {"type": "bool", "default": True},
    "from_cluster": {"type": "bool", "default": False},
}
CA_OPTIONS: Dict[str, Any] = {
    "pem": {"type": "str"},
    "config_map": {"type": "str"},
    "key": {"type": "str", "default": DEFAULT_CA_KEY, "no_log": False},
    "from_cluster": {"type": "bool", "default": False},
}
OUTGOING_ARGUMENT_SPEC: Dict[str, Any] = {
    "proxies": {"type": "dict", "options": PROXY_OPTIONS},
    "ca_bundle": {"type": "dict", "options": CA_OPTIONS},
}

_CA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


@dataclass(frozen=True)
class ProxySpec:
    """The proxies of the pods.

    Attributes:
        http: URL for HTTP, empty for none.
        https: URL for HTTPS, empty for none.
        bypass: what is reached without a proxy.
        complete: add the cluster's own names and ranges to C(bypass).
        from_cluster: read values that are not given from OpenShift's C(Proxy) object.
    """

    http: str = ""
    https: str = ""
    bypass: Tuple[str, ...] = ()
    complete: bool = True
    from_cluster: bool = False

    @property
    def any(self) -> bool:
        """Tell whether there is a proxy at all."""
        return bool(self.http or self.https)

    def variables(self) -> Dict[str, str]:
        """Return the variables in lower and upper case (programs differ in what they read)."""
        values_of = {
            "http_proxy": self.http,
            "https_proxy": self.https,
            "no_proxy": ",".join(self.bypass),
        }
        lower = {name: text for name, text in values_of.items() if text}
        return {**lower, **{name.upper(): text for name, text in lower.items()}}


@dataclass(frozen=True)
class CaSpec:
    """Authorities that the pods trust: one of given text, a ConfigMap, or the cluster's."""

    pem: str = ""
    config_map: str = ""
    key: str = DEFAULT_CA_KEY
    from_cluster: bool = False


@dataclass(frozen=True)
class OutgoingSpec:
    """Proxies and trust of the pods."""

    proxies: ProxySpec = ProxySpec()
    ca: Optional[CaSpec] = None


def outgoing_from_params(params: Mapping[str, Any]) -> OutgoingSpec:
    """Return the checked proxies and authorities.

    Raises:
        InputError: names the option and the way out.
    """
    spec = OutgoingSpec(_proxies(params.get("proxies")), _ca(params.get("ca_bundle")))
    for key in params.get("env") or {}:
        if str(key).lower() in _names(spec.proxies):
            raise InputError(
                "set by proxies as well", option=f"env.{key}", hint="Set it in one place"
            )
    return spec


def _names(spec: ProxySpec) -> Tuple[str, ...]:
    """Return the variables that will be set, in lower case."""
    maybe = spec.from_cluster
    given = {
        "http_proxy": bool(spec.http),
        "https_proxy": bool(spec.https),
        "no_proxy": bool(spec.bypass or (spec.any and spec.complete)),
    }
    return tuple(name for name, there in given.items() if there or maybe)


def proxy_url(value: Optional[str], option: str) -> str:
    """Return a proxy's URL if the model server understands it; empty for none.

    Raises:
        InputError: it has no port, a path, or a login that the server would misread.
    """
    if not value:
        return ""
    if not values.is_proxy_url(value):
        raise InputError(
            "not a proxy URL that the model server understands",
            option=option,
            hint="Write http://[USER:PASSWORD@]HOST:PORT; without a port the server crashes",
        )
    return value


def _proxies(options: Optional[Mapping[str, Any]]) -> ProxySpec:
    if not options:
        return ProxySpec()
    return ProxySpec(
        http=proxy_url(options.get("http_proxy"), "proxies.http_proxy"),
        https=proxy_url(options.get("https_proxy"), "proxies.https_proxy"),
        bypass=_bypass(options.get("no_proxy") or ()),
        complete=bool(options.get("complete_no_proxy", True)),
        from_cluster=bool(options.get("from_cluster")),
    )


def _bypass(items: Any) -> Tuple[str, ...]:
    clean = [part.strip() for item in items for part in str(item).split(",")]
    for index, item in enumerate(clean):
        if "://" in item:
            raise InputError(
                f"'{item}' is a URL",
                option=f"proxies.no_proxy[{index}]",
                hint="Name a host, a domain, an address or a network, without http://",
            )
    return tuple(dict.fromkeys(item for item in clean if item))


def _ca(options: Optional[Mapping[str, Any]]) -> Optional[CaSpec]:
    if not options:
        return None
    given = [name for name in ("pem", "config_map", "from_cluster") if options.get(name)]
    if len(given) != 1:
        raise InputError(
            f"{' and '.join(given)} exclude each other" if given else "no authority is given",
            option="ca_bundle",
            hint="Set one of pem, config_map and from_cluster",
        )
    key = str(options.get("key") or DEFAULT_CA_KEY)
    if not _CA_KEY.fullmatch(key):
        raise InputError(f"'{key}' is not a key of a ConfigMap", option="ca_bundle.key")
    if options.get("config_map"):
        name = values.subdomain(options["config_map"], "ca_bundle.config_map")
        return CaSpec(config_map=name, key=key)
    if options.get("from_cluster"):
        # The cluster's operator always writes this key.
        return CaSpec(from_cluster=True)
    return CaSpec(pem=_pem(str(options["pem"])))


def _pem(text: str) -> str:
    """Return certificates with one newline at the end."""
    if "PRIVATE KEY" in text:
        raise InputError(
            "it holds a private key",
            option="ca_bundle.pem",
            hint="Give certificates only; a ConfigMap is readable by many",
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise InputError(
            "no certificates in PEM form",
            option="ca_bundle.pem",
            hint="Give the text of a file with -----BEGIN CERTIFICATE-----",
        ) from error
    return text.strip() + "\n"


def password_of(url: str) -> str:
    """Return the password in a URL as it is written there; empty for none."""
    try:
        login = urlsplit(url).netloc.rpartition("@")[0]
    except ValueError:
        return ""
    return login.partition(":")[2]
