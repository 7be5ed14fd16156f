# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's HAProxy, with the configuration that a controller would write. Pure, but for C(program).

C(for_ingresses) stands in for HAProxy Technologies' controller (haproxytech/kubernetes-ingress
fc12067: documentation/annotations.md, pkg/annotations, pkg/haproxy/rules, pkg/route), C(for_routes)
for OpenShift's router (openshift/router 4b401a8: images/router/haproxy/conf, pkg/router/template).
The controllers themselves are no modules that can be had. Timeouts are their defaults.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from platforms.router import Certificate, offers_http2

from .fetched import from_debian
from .sites import H2C, Ports, Site

PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing1", "libopentracing-c-wrapper0")
MAIN = "haproxy.cfg"
_PREFIX = "haproxy.org/"
_KNOWN = frozenset({"server-proto", "ssl-redirect", "ssl-redirect-code", "ssl-redirect-port"})
_ROUTE_PREFIX = "haproxy.router.openshift.io/"
_ROUTE_KNOWN = frozenset({"timeout"})
# What the controller takes where nothing is said (pkg/annotations/common, DefaultValues).
_REDIRECT_CODE, _REDIRECT_PORT = "302", "8443"
_GLOBAL = "global\n  maxconn 500\ndefaults\n  mode http\n"
_NOTHING = "backend nothing\n  http-request deny deny_status {status}\n"


def program(folder: Path) -> list[str]:
    """Return the command that serves what is written in a directory."""
    root = from_debian("haproxy", *PACKAGES)
    libraries = f"{root}/usr/lib/{os.uname().machine}-linux-gnu"
    binary = f"{root}/usr/sbin/haproxy"
    return ["env", f"LD_LIBRARY_PATH={libraries}", binary, "-db", "-f", str(folder / MAIN)]


def for_ingresses(sites: Sequence[Site], ports: Ports, folder: Path) -> dict[str, str]:
    """Return the files for Ingresses, by name."""
    files = {f"{site.name}.pem": site.pem for site in sites if site.pem}
    text = _GLOBAL + _timeouts(
        connect="5s", client="50s", server="50s", queue="5s", tunnel="1h", keep_alive="1m"
    )
    conditions = {site.name: f"at_{site.name} in_{site.name}" for site in sites}
    for kind in ("http", "https"):
        secured = f" ssl crt-list {folder}/certificates alpn h2,http/1.1" if kind == "https" else ""
        if secured and not files:
            continue
        text += f"frontend {kind}\n  bind {ports.address}:{getattr(ports, kind)}{secured}\n"
        for site in sites:
            paths = "|".join(re.escape(path.rstrip("/")) for path in site.paths)
            text += f"  acl at_{site.name} hdr(host),field(1,:),lower -m str {site.host}\n"
            text += f"  acl in_{site.name} path -m reg ^({paths})($|/)\n"
        if secured:
            text += "  http-request set-header X-Forwarded-Proto https\n"
        else:
            text += "".join(map(_redirect, sites))
        for site in sites:
            text += f"  use_backend {site.name} if {conditions[site.name]}\n"
        text += "  default_backend nothing\n"
    for site in sites:
        settings = site.settings(_PREFIX, _KNOWN)
        http2 = " proto h2" if settings.get("server-proto") == "h2" else ""
        text += f"backend {site.name}\n  option forwardfor\n  balance roundrobin\n"
        text += _servers(site, f" check{http2}")
    files["certificates"] = "".join(f"{folder}/{name}\n" for name in sorted(files))
    return {**files, MAIN: text + _NOTHING.format(status=404)}


def _redirect(site: Site) -> str:
    """Return the rule for plain requests; an Ingress with TLS has one unless it says otherwise."""
    settings = site.settings(_PREFIX, _KNOWN)
    if settings.get("ssl-redirect", "true" if site.pem else "false") != "true":
        return ""
    port = settings.get("ssl-redirect-port", _REDIRECT_PORT)
    code = settings.get("ssl-redirect-code", _REDIRECT_CODE)
    where = f"https://%[hdr(host),field(1,:)]:{port}%[capture.req.uri]"
    condition = f"at_{site.name} in_{site.name}"
    return f"  http-request redirect location {where} code {code} if {condition}\n"


def for_routes(sites: Sequence[Site], ports: Ports, folder: Path) -> dict[str, str]:
    """Return the files for Routes with edge termination or none, by name.

    There is no default certificate, which clients of other hosts would be shown.
    """
    secured = [site for site in sites if site.pem]
    files = {f"{site.name}.pem": site.pem for site in secured}
    http2 = offers_http2({site.name: Certificate(site.pem, "") for site in secured})
    lines = [
        f"{folder}/{site.name}.pem {'[alpn h2,http/1.1] ' if http2[site.name] else ''}{site.host}"
        for site in secured
    ]
    files["cert_config.map"] = _sorted(lines)
    files["edge.map"] = _sorted(f"{_matched(site)} be_edge_http:{site.name}" for site in secured)
    files["http.map"] = _sorted(
        f"{_matched(site)} be_http:{site.name}" for site in sites if not site.pem
    )
    files["redirect.map"] = _sorted(f"{_matched(site)} 1" for site in sites if site.redirected)
    inner = f"127.0.0.1:{ports.inner}"
    text = _GLOBAL + _timeouts(
        connect="5s", client="30s", server="30s", queue="5s", tunnel="1h", keep_alive="300s"
    )
    text += f"""\
frontend public
  bind {ports.address}:{ports.http}
  http-request set-header Host %[req.hdr(Host),lower]
  acl secure_redirect base,map_reg_int({folder}/redirect.map) -m bool
  http-request redirect location https://%[req.hdr(host),regsub(:[0-9]+$,,)]%[url] code 302 if \
secure_redirect
  use_backend %[base,map_reg({folder}/http.map)]
  default_backend nothing
frontend public_ssl
  mode tcp
  bind {ports.address}:{ports.https}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req_ssl_hello_type 1 }}
  default_backend be_sni
backend be_sni
  mode tcp
  server fe_sni {inner} weight 1 send-proxy
"""
    if secured:
        text += f"""\
frontend fe_sni
  bind {inner} ssl crt-list {folder}/cert_config.map accept-proxy
  http-request set-header Host %[req.hdr(Host),lower]
  use_backend %[base,map_reg({folder}/edge.map)]
  default_backend nothing
"""
    for site in sites:
        prefix, secure = ("be_edge_http", " secure") if site.pem else ("be_http", "")
        text += f"backend {prefix}:{site.name}\n  option redispatch\n  option forwardfor\n"
        timeout = site.settings(_ROUTE_PREFIX, _ROUTE_KNOWN).get("timeout")
        text += f"  timeout server {timeout}\n" if timeout else ""
        text += f"  balance random\n  cookie route insert indirect nocache httponly{secure}\n"
        text += _servers(site, " proto h2" if site.protocol in ("h2c", H2C) else "", cookies=True)
    return {**files, MAIN: text + _NOTHING.format(status=503)}


def _timeouts(*, keep_alive: str, **named: str) -> str:
    lines = {"http-request": "10s", "http-keep-alive": keep_alive, **named}
    return "".join(f"  timeout {name} {value}\n" for name, value in lines.items())


def _servers(site: Site, more: str, *, cookies: bool = False) -> str:
    return "".join(
        f"  server pod{number} {server}{f' cookie pod{number}' if cookies else ''}{more}\n"
        for number, server in enumerate(site.servers)
    )


def _matched(site: Site) -> str:
    """Return the pattern for host and path, as the router's maps have it."""
    (path,) = site.paths
    behind = re.escape(path) if path != "/" else ""
    return rf"^{re.escape(site.host)}\.?(:[0-9]+)?{behind}(/.*)?$"


def _sorted(lines: Iterable[str]) -> str:
    """Return lines as the router has them: the longest path of a host comes first."""
    return "".join(f"{line}\n" for line in sorted(lines, reverse=True))
