# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks combinations of options (proxies, profiles) that keep a server from its bucket. Pure.

Proxies: openvinotoolkit/model_server, src/filesystem/s3filesystem.cpp reads https_proxy,
HTTPS_PROXY, http_proxy, HTTP_PROXY in this order, takes the first for everything and never looks at
no_proxy.
"""

from __future__ import annotations

import ipaddress
from typing import Callable, List, Mapping
from urllib.parse import urlsplit

from ...errors import InputError
from .. import values
from ..render import cloud
from ..spec.cloud import AZURE, CONNECTION_STRING, S3, CloudStore, azure_parts
from ..spec.server import ServerSpec

S3_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
# Versions of the server's own clients read files of profiles, which are not in the pod.
PROFILES = ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
_INSIDE = (".svc", ".cluster.local")


def check(spec: ServerSpec, warn: Callable[[str], None]) -> None:
    """Refuse combinations that cannot work, and warn about those that may not work.

    Raises:
        InputError: names the option and the way out.
    """
    store = spec.store
    if not isinstance(store, CloudStore):
        return
    _check_variables(store, {**spec.env, **dict.fromkeys(spec.env_sources, "")})
    if store.kind == S3:
        _check_s3_proxy(store, spec.env)
    if store.kind == AZURE:
        _check_azure_proxy(store, spec.env, warn)


def _check_variables(store: CloudStore, env: Mapping[str, str]) -> None:
    for name in cloud.variables(store):
        if name in env:
            raise InputError(
                f"cloud.{store.kind} decides on it as well, and values of env are readable in the"
                " Deployment",
                option=f"env.{name}",
                hint=f"Leave it out, and give it with cloud.{store.kind}",
            )
    for name in PROFILES if store.kind == S3 else ():
        if name in env:
            raise InputError(
                "it makes the server look for a file of AWS profiles, which is not in its pod",
                option=f"env.{name}",
                hint="Give the keys with cloud.s3, or name a Secret with cloud.s3.secret_name",
            )


def _check_s3_proxy(store: CloudStore, env: Mapping[str, str]) -> None:
    name = next((name for name in S3_PROXIES if env.get(name)), "")
    if not name:
        return
    if not values.is_proxy_url(env[name]):
        raise InputError(
            "not a proxy URL that the server's S3 client understands",
            option=f"env.{name}",
            hint="Write http://[USER:PASSWORD@]HOST:PORT; without a port the server crashes",
        )
    host = _host(store.endpoint)
    if not host:
        return
    if inside(host):
        why = "inside the cluster"
    elif bypassed(host, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        why = "listed in no_proxy"
    else:
        return
    raise InputError(
        f"{host} is {why}, but the server's S3 client does not look at no_proxy and would ask the"
        f" proxy of {name} for it",
        option=f"proxies.{name.lower()}",
        subject=f"cloud.s3.endpoint {store.endpoint}",
        hint="Leave proxies out for this server, or reach the store through the proxy by a name"
        " that no_proxy does not have",
    )


def _check_azure_proxy(
    store: CloudStore, env: Mapping[str, str], warn: Callable[[str], None]
) -> None:
    """Warn if no_proxy covers an Azure endpoint: some releases of Azure's client ignore it."""
    parts = azure_parts(store.credentials.get(CONNECTION_STRING, ""))
    host = urlsplit(parts.get("BlobEndpoint", "")).hostname or ""
    proxied = env.get("https_proxy") or env.get("http_proxy")
    if proxied and host and (inside(host) or bypassed(host, env.get("no_proxy", ""))):
        warn(
            "cloud.azure: releases of OVMS before 2026.4 do not look at no_proxy for Azure and ask"
            f" the proxy for {host}; leave proxies out for this server if its models do not come"
        )


def _host(endpoint: str) -> str:
    return urlsplit(f"//{endpoint}").hostname or "" if endpoint else ""


def inside(host: str) -> bool:
    """Tell whether a host name can only be a name inside the cluster."""
    return host.endswith(_INSIDE) or ("." not in host and ":" not in host)


def bypassed(host: str, no_proxy: str) -> bool:
    """Tell whether a C(no_proxy) list covers a host, by the rules that most programs use."""
    items: List[str] = [item.strip().lower() for item in no_proxy.split(",") if item.strip()]
    return any(_matches(host.lower(), item) for item in items)


def _matches(host: str, item: str) -> bool:
    if item == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(item, strict=False)
    except ValueError:
        name = item.lstrip("*").lstrip(".").partition(":")[0]
        return host == name or host.endswith(f".{name}")
