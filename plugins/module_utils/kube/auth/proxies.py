# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the proxy to an API server, independent of the Kubernetes client version. Pure.

The C(kubernetes) package reads the environment differently in 33, 34, 36 and 37, so nothing of
it is used here. Rules: the option wins, then the kubeconfig's C(proxy-url), then
C(https_proxy)/C(http_proxy) by the scheme of the API server's URL.
"""

from __future__ import annotations

import base64
import ipaddress
from typing import Any, List, Mapping, Optional, Tuple
from urllib.parse import SplitResult, unquote, urlsplit

from ...errors import InputError
from ..wire.endpoint import Proxy

DEFAULT_PORTS = {"http": 80, "https": 443}


def choose_proxy(
    server: SplitResult,
    params: Mapping[str, Any],
    kubeconfig_proxy: Optional[str],
    environ: Mapping[str, str],
) -> Optional[Proxy]:
    """Return the proxy to use for C(server), or None for a direct connection.

    An empty O(proxy) means: no proxy, whatever the kubeconfig or the environment say. The option
    O(no_proxy) applies to every source; the environment's C(no_proxy) only to its own proxy.

    Raises:
        InputError: the proxy's URL cannot be used.
    """
    host = server.hostname or ""
    port = server.port or DEFAULT_PORTS.get(server.scheme, 443)
    if params.get("no_proxy") and bypassed(host, port, params["no_proxy"]):
        return None
    if params.get("proxy") is not None:
        url, source = params["proxy"], "proxy"
    elif kubeconfig_proxy:
        url, source = kubeconfig_proxy, "kubeconfig (proxy-url)"
    else:
        url, source = _from_environment(server.scheme, host, port, environ)
    if not url:
        return None
    proxy = _parse(url, source, params.get("proxy_headers") or {})
    if proxy.tls and server.scheme == "https":
        raise InputError(
            f"the proxy from {source} is reached by https:// itself; that cannot carry an "
            "https:// API server",
            option="proxy",
            hint="Use the proxy's http:// address",
        )
    return proxy


def _from_environment(
    scheme: str, host: str, port: int, environ: Mapping[str, str]
) -> Tuple[str, str]:
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if _is_loopback(host) or bypassed(host, port, no_proxy):
        return "", ""
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
        if environ.get(name):
            return environ[name], f"environment variable {name}"
    return "", ""


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a C(no_proxy) list covers a host.

    Entries, divided by commas or blanks: C(*), an address, a CIDR block, a domain (itself and
    what is below it), C(.domain) or C(*.domain) (only what is below it); each but a CIDR block
    may end in C(:port). These are the rules of Go's C(httpproxy), hence of kubectl.
    """
    return any(_matches(host.lower().rstrip("."), port, entry) for entry in _entries(no_proxy))


def _entries(no_proxy: str) -> List[str]:
    return no_proxy.replace(",", " ").lower().split()


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        return address is not None and _in_network(address, entry)
    name, entry_port = _split_port(entry)
    if entry_port is not None and entry_port != port:
        return False
    if address is not None:
        return bool(_address(name) == address)
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith("." + name)


def _split_port(entry: str) -> Tuple[str, Optional[int]]:
    if entry.startswith("["):
        name, dummy, rest = entry[1:].partition("]")
        return name, _port(rest.lstrip(":"))
    if entry.count(":") == 1:
        name, dummy, rest = entry.partition(":")
        return name, _port(rest)
    return entry, None


def _port(text: str) -> Optional[int]:
    return int(text) if text.isdigit() else None


def _address(host: str) -> Optional[Any]:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _in_network(address: Any, block: str) -> bool:
    try:
        return bool(address in ipaddress.ip_network(block, strict=False))
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or bool(address is not None and address.is_loopback)


def _parse(url: str, source: str, wanted: Mapping[str, Any]) -> Proxy:
    option = "proxy" if source == "proxy" else None
    try:
        # In a kubeconfig the scheme has to be there, as for kubectl.
        guess = "//" not in url and not source.startswith("kubeconfig")
        parts = urlsplit("http://" + url if guess else url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise InputError(
            f"the proxy from {source} is not an http:// or https:// URL with a host",
            option=option,
            hint="Write it as http://HOST:PORT",
        )
    return Proxy(
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        source=source,
        tls=parts.scheme == "https",
        headers=tuple(_headers(parts, wanted)),
    )


def _headers(parts: SplitResult, wanted: Mapping[str, Any]) -> List[Tuple[str, str]]:
    headers: List[Tuple[str, str]] = []
    login = wanted.get("proxy_basic_auth")
    if not login and parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    if login:
        headers.append(("Proxy-Authorization", basic(login)))
    if wanted.get("basic_auth"):
        headers.append(("Authorization", basic(wanted["basic_auth"])))
    if wanted.get("user_agent"):
        headers.append(("User-Agent", wanted["user_agent"]))
    return headers


def basic(login: str) -> str:
    """Return the value of an HTTP Basic header for C(user:password) (RFC 7617)."""
    return "Basic " + base64.b64encode(login.encode()).decode()
