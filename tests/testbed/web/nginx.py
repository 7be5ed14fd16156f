# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's nginx, with the configuration that ingress-nginx would write for some Ingresses.

Its controller needs an nginx with modules and patches of its own, so this stands in for it, as its
documentation says (kubernetes/ingress-nginx 52c5046: docs/user-guide/nginx-configuration,
docs/user-guide/tls.md, docs/examples/auth/client-certs). Pure, but for C(program).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .fetched import from_debian
from .sites import Ports, Site

PACKAGES = ("nginx",)
MAIN = "nginx.conf"
_PREFIX = "nginx.ingress.kubernetes.io/"
_KNOWN = frozenset(
    {
        "auth-tls-secret",
        "auth-tls-verify-client",
        "auth-tls-verify-depth",
        "backend-protocol",
        "force-ssl-redirect",
        "proxy-body-size",
        "proxy-read-timeout",
    }
)
_PROTOCOLS = {"GRPC": ("grpc", "grpc"), "HTTP": ("proxy", "http")}


def program(folder: Path) -> list[str]:
    """Return the command that serves what is written in a directory."""
    root = from_debian("nginx", *PACKAGES)
    return [f"{root}/usr/sbin/nginx", "-p", str(folder), "-c", MAIN, "-e", "stderr"]


def for_ingresses(sites: Sequence[Site], ports: Ports, folder: Path) -> dict[str, str]:
    """Return the files for Ingresses, by name."""
    files = {f"{site.name}.pem": site.pem for site in sites if site.pem}
    for site in sites:
        for key in ("ca.crt", "ca.crl"):
            if site.secret.get(key):
                files[f"{site.name}-{key}"] = site.secret[key]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    text = f"""\
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
access_log off;
client_max_body_size 1m;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:SSL:1m;
{temporary}\
server {{ listen {ports.address}:{ports.http} default_server; return 404; }}
"""
    for site in sites:
        text += _upstream(site) + _server(site, ports)
    return {**files, MAIN: text + "}\n"}


def _upstream(site: Site) -> str:
    servers = "".join(f"server {server}; " for server in site.servers)
    return f"upstream {site.name} {{ {servers or 'server 127.0.0.1:1; '}keepalive 32; }}\n"


def _server(site: Site, ports: Ports) -> str:
    """Return the servers of a host, by its Ingress: one without TLS, and one with it."""
    settings = site.settings(_PREFIX, _KNOWN)
    # A host with TLS is redirected also where nothing says so (docs/user-guide/tls.md).
    redirected = bool(site.pem) or settings.get("force-ssl-redirect") == "true"
    plain = "return 308 https://$host$request_uri;" if redirected else _locations(site, settings)
    text = f"server {{ listen {ports.address}:{ports.http}; server_name {site.host};\n{plain}\n}}\n"
    if not site.pem:
        return text
    text += f"server {{ listen {ports.address}:{ports.https} ssl http2; server_name {site.host};\n"
    text += f"ssl_certificate {site.name}.pem; ssl_certificate_key {site.name}.pem;\n"
    return text + _asked(site, settings) + _locations(site, settings) + "}\n"


def _locations(site: Site, settings: dict[str, str]) -> str:
    directive, scheme = _PROTOCOLS[settings.get("backend-protocol", "HTTP")]
    text = f"client_max_body_size {settings.get('proxy-body-size', '1m')};\n"
    timeout = settings.get("proxy-read-timeout", "60")
    for path in site.paths:
        text += f"location ~ ^{re.escape(path.rstrip('/'))}(/|$) {{\n"
        text += f"{directive}_set_header Host $host; {directive}_read_timeout {timeout}s;\n"
        if directive == "proxy":
            text += 'proxy_http_version 1.1; proxy_set_header Connection "";\n'
        text += f"{directive}_pass {scheme}://{site.name};\n}}\n"
    return text


def _asked(site: Site, settings: dict[str, str]) -> str:
    """Return how clients are asked for a certificate; one with problems is answered by 400."""
    if "auth-tls-secret" not in settings:
        return ""
    text = f"ssl_client_certificate {site.name}-ca.crt;\n"
    text += f"ssl_verify_client {settings.get('auth-tls-verify-client', 'on')};\n"
    text += f"ssl_verify_depth {settings.get('auth-tls-verify-depth', '1')};\n"
    return text + (f"ssl_crl {site.name}-ca.crl;\n" if site.secret.get("ca.crl") else "")
