# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves options, kubeconfig and environment into one endpoint; nothing connects here."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from dataclasses import replace
from typing import Any, Callable, List, Mapping, Optional, Tuple
from urllib.parse import SplitResult, unquote, urlsplit

from ...errors import InputError
from ...secrecy import without_login
from ..wire.endpoint import Endpoint, Pem
from . import config_files, kubeconfig, tls
from .exec_plugin import Credentials, ExecPlugin
from .proxies import DEFAULT_PORTS, basic, choose_proxy

USER_AGENT = "openvino.edge"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


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
    source = source or config_files.default_source(environ)
    if source:
        return kubeconfig.load(source, context, params, environ, scratch)
    if params.get("host") and not context:
        return None
    return _in_cluster(params, environ)


def _in_cluster(params: Mapping[str, Any], environ: Mapping[str, str]) -> kubeconfig.Loaded:
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
        verify=params.get("validate_certs") is not False,
        authority=tls.read_pem(
            params.get("ca_cert") or os.path.join(SERVICE_ACCOUNT, "ca.crt"), "ca_cert"
        ),
        authorization=read(),
        refresh=read,
    )


def _endpoint(
    params: Mapping[str, Any], environ: Mapping[str, str], loaded: Optional[kubeconfig.Loaded]
) -> Endpoint:
    server = params.get("host") or (loaded.host if loaded else "")
    url = _parse_server(server, "host" if params.get("host") else "kubeconfig")
    authorization, refresh = _authorization(params, loaded, url)
    settings = _tls_settings(params, loaded) if url.scheme == "https" else None
    endpoint = Endpoint(
        server=without_login(server).rstrip("/"),
        host=url.hostname or "",
        port=url.port or DEFAULT_PORTS[url.scheme],
        prefix=url.path.rstrip("/"),
        tls=tls.make_context(settings) if settings else None,
        authority=settings.authority if settings else None,
        server_name=(loaded.server_name if loaded else None) or url.hostname or "",
        proxy=choose_proxy(url, params, loaded.proxy if loaded else None, environ),
        authorization=authorization,
        headers=tuple(_headers(params, loaded)),
        refresh=refresh,
        source=loaded.source if loaded else "options",
    )
    if settings and loaded and loaded.plugin and not authorization and not settings.certificate:
        _PluginLogin(endpoint, loaded.plugin, settings)
    return endpoint


class _PluginLogin:
    """Keeps an endpoint's token and client certificate as an exec plugin gives them."""

    def __init__(self, endpoint: Endpoint, plugin: ExecPlugin, settings: tls.Settings) -> None:
        self._endpoint, self._plugin, self._settings = endpoint, plugin, settings
        self._used = Credentials()
        self._lock = threading.Lock()
        self.keep()
        endpoint.before, endpoint.refresh = self.keep, self.renew

    def keep(self) -> None:
        """Run the plugin again where its credentials have ended."""
        with self._lock:
            self._take(self._plugin.credentials())

    def renew(self) -> Optional[str]:
        """Run the plugin again, since the API server has refused what it gave."""
        with self._lock:
            self._take(self._plugin.credentials(rejected=self._used))
            return self._endpoint.authorization

    def _take(self, given: Credentials) -> None:
        known, self._used = self._used, given
        if given is known:
            return
        endpoint = self._endpoint
        if (given.certificate, given.key) != (known.certificate, known.key):
            pair = [
                Pem(text.encode(), "kubeconfig") if text else None
                for text in (given.certificate, given.key)
            ]
            settings = replace(self._settings, certificate=pair[0], key=pair[1])
            endpoint.tls = tls.make_context(settings)
        endpoint.authorization = f"Bearer {given.token}" if given.token else None


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
            subject=without_login(server),
            hint="Write it as https://HOST:PORT",
        )
    return url


def _authorization(
    params: Mapping[str, Any], loaded: Optional[kubeconfig.Loaded], url: SplitResult
) -> Tuple[Optional[str], Optional[Callable[[], Optional[str]]]]:
    if params.get("api_key"):
        token = str(params["api_key"]).strip()
        return (token if token.startswith("Bearer ") else "Bearer " + token), None
    if params.get("username"):
        if params.get("password") is None:
            raise InputError("username needs a password", option="password")
        return basic(f"{params['username']}:{params['password']}"), None
    if url.username or url.password:
        return basic(f"{unquote(url.username or '')}:{unquote(url.password or '')}"), None
    return (loaded.authorization, loaded.refresh) if loaded else (None, None)


def _headers(
    params: Mapping[str, Any], loaded: Optional[kubeconfig.Loaded]
) -> List[Tuple[str, str]]:
    """Return the headers of each request; an option for the user replaces the file's whole one."""
    headers = [("User-Agent", USER_AGENT)]
    user, groups = params.get("impersonate_user"), params.get("impersonate_groups") or []
    acting = [] if user or not loaded else list(loaded.impersonation)
    if user:
        acting = [("Impersonate-User", user)]
    if groups and not acting:
        raise InputError(
            "groups can only be impersonated together with a user",
            option="impersonate_groups",
            hint="Set impersonate_user too",
        )
    if groups:
        acting = [item for item in acting if item[0] != "Impersonate-Group"]
        acting += [("Impersonate-Group", group) for group in groups]
    return headers + acting


def _tls_settings(params: Mapping[str, Any], loaded: Optional[kubeconfig.Loaded]) -> tls.Settings:
    if loaded:
        verify, authority = loaded.verify, loaded.authority
    else:
        verify, authority = params.get("validate_certs") is not False, None
        if params.get("ca_cert") and verify:
            authority = tls.read_pem(params["ca_cert"], "ca_cert")
    certificate = loaded.certificate if loaded else None
    key = loaded.key if loaded else None
    if params.get("client_key"):
        key = tls.read_pem(params["client_key"], "client_key")
    if params.get("client_cert"):
        certificate = tls.read_pem(params["client_cert"], "client_cert")
        key = key if params.get("client_key") else None
    return tls.Settings(verify, authority, certificate, key)
