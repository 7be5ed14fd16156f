# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login with user and password where the cluster has an OAuth server of its own (OpenShift).

OpenShift's API server takes no password. Its OAuth server, which it names under C(WELL_KNOWN),
gives a token to a client that answers its challenge at once (openshift/oauth-server, the client
C(openshift-challenging-client); RFC 6749 section 4.2). Clusters without one get the password as
HTTP basic authentication, as before.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from ...errors import AuthError, EdgeError, UnreachableError
from ..types import Response
from ..wire.endpoint import Endpoint
from ..wire.http import Request, Transport
from .endpoint import USER_AGENT
from .proxies import DEFAULT_PORTS, basic, choose_proxy
from .tls import Settings, make_context

WELL_KNOWN = "/.well-known/oauth-authorization-server"
CLIENT = "openshift-challenging-client"
TOKENS = "/apis/oauth.openshift.io/v1/oauthaccesstokens"
HASHED = "sha256~"
EARLY = 60.0  # seconds before its end that a token is renewed
AGENT = (("User-Agent", USER_AGENT),)
API_KEY = "Give api_key with a token (oc whoami -t)"


def attach(endpoint: Endpoint, params: Mapping[str, Any]) -> Optional[Login]:
    """Have an endpoint log in before its first request, where the task gave user and password."""
    if params.get("api_key") or not params.get("username") or params.get("password") is None:
        return None
    login = Login(endpoint, params)
    endpoint.before = login.begin
    return login


class Login:
    """The token of one client; may be used from several threads.

    Args:
        endpoint: of the API server; gets the token.
        params: of the task.
    """

    def __init__(self, endpoint: Endpoint, params: Mapping[str, Any]) -> None:
        self._endpoint, self._params = endpoint, params
        self._lock = threading.Lock()
        self._error: Optional[EdgeError] = None
        self._url: Optional[SplitResult] = None
        self._token, self._ends = "", math.inf

    def begin(self) -> None:
        """Log in, once; a refusal is remembered, since each try counts against the account.

        Raises:
            AuthError: the OAuth server gives no token for this user and password.
            UnreachableError: the API server or the OAuth server cannot be reached.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._endpoint.before is None:
                return
            try:
                self._url = self._discover()
                if self._url is not None:
                    self._obtain(self._url)
                    self._endpoint.authorization = f"Bearer {self._token}"
                    self._endpoint.refresh = self.renew
            except EdgeError as error:
                self._error = error
                raise
            self._endpoint.before = None

    def renew(self) -> str:
        """Return a token that is good for another minute."""
        with self._lock:
            if self._url is not None and time.monotonic() >= self._ends:
                self._obtain(self._url)
            return f"Bearer {self._token}"

    def end(self) -> None:
        """Take the token back. If that fails, it ends by itself (after a day, by default)."""
        with self._lock:
            token, self._token = self._token, ""
            if not token:
                return
            mine = replace(self._endpoint, authorization=f"Bearer {token}", **_ALONE)
            transport = Transport(mine)
            try:
                transport.request(Request("DELETE", f"{TOKENS}/{quote(object_name(token))}"))
            except EdgeError:
                pass
            finally:
                transport.close()

    def _discover(self) -> Optional[SplitResult]:
        """Return where to log in; None where the cluster has no OAuth server."""
        transport = Transport(replace(self._endpoint, authorization=None, **_ALONE))
        try:
            answer = transport.request(Request("GET", WELL_KNOWN))
        finally:
            transport.close()
        if answer.status != 200:
            return None
        text = _object(answer.body).get("authorization_endpoint")
        if not isinstance(text, str):
            return None
        url = urlsplit(text)
        # The password must be protected at least as well as the API requests it is for.
        schemes = ("https",) if self._endpoint.tls else ("https", "http")
        if url.scheme not in schemes or not url.hostname:
            raise AuthError(
                "the cluster names an OAuth server that cannot be trusted with a password",
                subject=f"{url.scheme}://{url.netloc}",
                hint=API_KEY,
            )
        return url

    def _obtain(self, url: SplitResult) -> None:
        query = [("client_id", CLIENT), ("response_type", "token")]
        path = url.path + (f"?{url.query}" if url.query else "")
        headers = {"X-CSRF-Token": "1"}
        transport = Transport(self._oauth_server(url))
        try:
            answer = transport.request(Request("GET", path, query, headers))
        except UnreachableError as error:
            raise UnreachableError(
                f"the OAuth server of the cluster: {error.message}",
                option=error.option if error.option == "ca_cert" else None,
                subject=f"{url.scheme}://{url.netloc}",
                hint=f"Let this machine reach and trust it, beside the API server. {API_KEY}",
            ) from None
        finally:
            transport.close()
        given = _given(answer)
        self._token = given["access_token"]
        seconds = given.get("expires_in", "")
        lasts = float(seconds) if seconds.isdigit() and int(seconds) else math.inf
        self._ends = time.monotonic() + lasts - EARLY

    def _oauth_server(self, url: SplitResult) -> Endpoint:
        params, known = self._params, self._endpoint.proxy
        from_kubeconfig = known is not None and known.source.startswith("kubeconfig")
        proxy = choose_proxy(url, params, str(known) if from_kubeconfig else None, os.environ)
        if proxy is not None and from_kubeconfig:
            proxy = known  # with its own login
        host = url.hostname or ""
        return replace(
            self._endpoint,
            server=f"{url.scheme}://{url.netloc}",
            host=host,
            port=url.port or DEFAULT_PORTS[url.scheme],
            prefix="",
            tls=_trust(self._endpoint) if url.scheme == "https" else None,
            server_name=host,
            proxy=proxy,
            authorization=basic(f"{params['username']}:{params['password']}"),
            **_ALONE,
        )


# Requests for the login itself: nobody is impersonated, and they do not log in.
_ALONE: Dict[str, Any] = {"before": None, "refresh": None, "headers": AGENT}


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Return a TLS context that trusts the API server's authorities and those of the system.

    The certificate of the OAuth server is that of the router, often from another authority.
    """
    known = endpoint.tls
    verify = known is None or known.verify_mode != ssl.CERT_NONE
    context = make_context(Settings(verify=verify, authority=endpoint.authority))
    if verify and endpoint.authority:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def _given(answer: Response) -> Dict[str, str]:
    """Return the token and its parameters from the redirect URL that the OAuth server answers with.

    Raises:
        AuthError: it gave no token; never with the answer's text, which may hold one.
    """
    where = urlsplit(answer.headers.get("location", ""))
    pairs = {**parse_qs(where.query), **parse_qs(where.fragment)}
    found = {name: values[0] for name, values in pairs.items()}
    if 300 <= answer.status < 400 and found.get("access_token"):
        return found
    if answer.status == 401 and "basic" in answer.headers.get("www-authenticate", "").lower():
        raise AuthError(
            "the OAuth server does not accept the user name with this password",
            option="password",
            hint="Correct username and password",
        )
    if answer.status in (401, 403) or 300 <= answer.status < 400:
        told = found.get("error_description") or found.get("error") or "it wants a web page"
        raise AuthError(
            f"the OAuth server gives no token for a password ({told})",
            option="username",
            hint=f"None of its identity providers may take passwords. {API_KEY}",
        )
    raise AuthError(f"the OAuth server answers HTTP {answer.status} to the login", hint=API_KEY)


def object_name(token: str) -> str:
    """Return the name of a token's object (openshift/api, oauth/v1: the name is its hash)."""
    if not token.startswith(HASHED):
        return token
    digest = hashlib.sha256(token[len(HASHED) :].encode()).digest()
    return HASHED + urlsafe_b64encode(digest).decode().rstrip("=")


def _object(body: bytes) -> Dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
