# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options, kubeconfig and environment to one endpoint; nothing connects here."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
from dataclasses import dataclass, field
from typing import Any, Callable, List, Mapping, Optional, Tuple
from urllib.parse import SplitResult, urlsplit

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube import kubeconfig
from ansible_collections.openvino.edge.plugins.module_utils.kube.proxies import (
    DEFAULT_PORTS,
    Proxy,
    basic,
    choose_proxy,
)

USER_AGENT = "openvino.edge"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass
class Endpoint:
    """An API server and everything needed to talk to it.

    Attributes:
        server: the URL as configured, for messages.
        host, port, prefix: where it listens, and the path before C(/api).
        tls: None for plain HTTP.
        server_name: the name the certificate has to carry.
        proxy: None for a direct connection.
        authorization: value of the Authorization header, None with a client certificate only.
        headers: sent with every request.
        refresh: renews C(authorization) when the server says 401; None when it cannot change.
        before: called before each request while it is set: a login that is still to be done.
        source: where the settings came from, for messages.
    """

    server: str
    host: str
    port: int
    prefix: str = ""
    tls: Optional[ssl.SSLContext] = field(default=None, repr=False)
    server_name: str = ""
    proxy: Optional[Proxy] = None
    authorization: Optional[str] = field(default=None, repr=False)
    headers: Tuple[Tuple[str, str], ...] = ()
    refresh: Optional[Callable[[], Optional[str]]] = field(default=None, repr=False)
    before: Optional[Callable[[], None]] = field(default=None, repr=False)
    source: str = "options"


def load_endpoint(
    params: Mapping[str, Any], environ: Optional[Mapping[str, str]] = None
) -> Endpoint:
    """Return the endpoint that the options name.

    Options win over the kubeconfig. Without O(host) and O(kubeconfig) the order is kubectl's:
    C(KUBECONFIG), C(~/.kube/config), the service account of the pod we run in.

    Raises:
        InputError: naming the option and the way out.
        AuthError: the kubeconfig's exec plugin failed.
    """
    environ = os.environ if environ is None else environ
    scratch = tempfile.mkdtemp(prefix="openvino-edge-")
    try:
        loaded = _loaded(params, environ, scratch)
        return _endpoint(params, environ, loaded)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        kubeconfig.forget(scratch)


def _loaded(
    params: Mapping[str, Any], environ: Mapping[str, str], scratch: str
) -> Optional[kubeconfig.Loaded]:
    source, context = params.get("kubeconfig"), params.get("context")
    if not source and params.get("host") and not context:
        return None
    source = source or kubeconfig.default_source(environ)
    if source:
        return kubeconfig.load(source, context, scratch)
    if params.get("host") and not context:
        return None
    return _in_cluster(environ)


def _in_cluster(environ: Mapping[str, str]) -> kubeconfig.Loaded:
    """Return the API server of the pod we run in."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token = os.path.join(SERVICE_ACCOUNT, "token")
    if not host or not os.path.exists(token):
        raise InputError(
            "no API server is given",
            option="kubeconfig",
            hint="Set kubeconfig, or host with api_key, or K8S_AUTH_KUBECONFIG",
        )

    def read() -> str:
        with open(token, encoding="utf-8") as file:
            return "Bearer " + file.read().strip()

    return kubeconfig.Loaded(
        source="the service account of this pod",
        host=f"https://{'[' + host + ']' if ':' in host else host}:{port or 443}",
        ca_cert=os.path.join(SERVICE_ACCOUNT, "ca.crt"),
        client_cert=None,
        client_key=None,
        verify=True,
        server_name=None,
        proxy=None,
        authorization=read(),
        refresh=read,
    )


def _endpoint(
    params: Mapping[str, Any], environ: Mapping[str, str], loaded: Optional[kubeconfig.Loaded]
) -> Endpoint:
    server = params.get("host") or (loaded.host if loaded else "")
    url = _parse_server(server, "host" if params.get("host") else "kubeconfig")
    authorization, refresh = _authorization(params, loaded)
    return Endpoint(
        server=server.rstrip("/"),
        host=url.hostname or "",
        port=url.port or DEFAULT_PORTS[url.scheme],
        prefix=url.path.rstrip("/"),
        tls=_tls(params, loaded) if url.scheme == "https" else None,
        server_name=(loaded.server_name if loaded else None) or url.hostname or "",
        proxy=choose_proxy(url, params, loaded.proxy if loaded else None, environ),
        authorization=authorization,
        headers=tuple(_headers(params)),
        refresh=refresh,
        source=loaded.source if loaded else "options",
    )


def _parse_server(server: str, option: str) -> SplitResult:
    try:
        url = urlsplit(server)
        url.port  # noqa: B018  (raises ValueError on a bad port)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in DEFAULT_PORTS or not url.hostname:
        raise InputError(
            "the API server's address is not a URL",
            option=option,
            subject=server,
            hint="Write it as https://HOST:PORT",
        )
    return url


def _authorization(
    params: Mapping[str, Any], loaded: Optional[kubeconfig.Loaded]
) -> Tuple[Optional[str], Optional[Callable[[], Optional[str]]]]:
    if params.get("api_key"):
        token = str(params["api_key"]).strip()
        return (token if token.startswith("Bearer ") else "Bearer " + token), None
    if params.get("username"):
        if params.get("password") is None:
            raise InputError("username needs a password", option="password")
        return basic(f"{params['username']}:{params['password']}"), None
    return (loaded.authorization, loaded.refresh) if loaded else (None, None)


def _headers(params: Mapping[str, Any]) -> List[Tuple[str, str]]:
    headers = [("User-Agent", USER_AGENT)]
    groups = params.get("impersonate_groups") or []
    if groups and not params.get("impersonate_user"):
        raise InputError(
            "groups can only be impersonated together with a user",
            option="impersonate_groups",
            hint="Set impersonate_user too",
        )
    if params.get("impersonate_user"):
        headers.append(("Impersonate-User", params["impersonate_user"]))
        headers += [("Impersonate-Group", group) for group in groups]
    return headers


def _tls(params: Mapping[str, Any], loaded: Optional[kubeconfig.Loaded]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    verify = params.get("validate_certs")
    if verify is None:
        verify = loaded.verify if loaded else True
    if verify:
        _trust(context, params.get("ca_cert"), loaded.ca_cert if loaded else None)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _identify(context, params, loaded)
    return context


def _trust(context: ssl.SSLContext, option: Optional[str], loaded: Optional[str]) -> None:
    path = os.path.expanduser(option) if option else loaded
    if not path:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"the CA certificate cannot be used ({_why(error)})",
            option="ca_cert" if option else "kubeconfig",
            subject=path if option else None,
        ) from None


def _identify(
    context: ssl.SSLContext, params: Mapping[str, Any], loaded: Optional[kubeconfig.Loaded]
) -> None:
    cert, key = params.get("client_cert"), params.get("client_key")
    option, subject = "client_cert", cert
    if not cert and loaded:
        cert, key = loaded.client_cert, key or loaded.client_key
        option, subject = "kubeconfig", None
    if not cert:
        return
    try:
        context.load_cert_chain(
            os.path.expanduser(cert), os.path.expanduser(key) if key else None, password=""
        )
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"the client certificate or its key cannot be used ({_why(error)})",
            option=option,
            subject=subject,
        ) from None


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "not PEM, or certificate and key do not belong together"
    return error.strerror or type(error).__name__
