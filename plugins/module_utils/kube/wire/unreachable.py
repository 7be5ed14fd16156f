# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns connection failures (TCP, proxy, TLS, time-out) into errors with a hint; pure."""

from __future__ import annotations

import socket
import ssl
from typing import Optional, Tuple

from ...errors import UnreachableError
from .endpoint import Endpoint

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_EXPIRED, _NOT_YET = 10, 9
_UNTRUSTED = (18, 19, 20, 21, 2)
_WRONG_NAME = (62, 64)


def connect_error(endpoint: Endpoint, error: OSError, timeout: float) -> UnreachableError:
    """Return the error for a TCP connection that did not come about."""
    proxy = endpoint.proxy
    host, port = (proxy.host, proxy.port) if proxy else (endpoint.host, endpoint.port)
    what = f"the proxy {host}:{port} (from {proxy.source})" if proxy else f"{host}:{port}"
    message, hint = _connect_text(what, host, error, timeout)
    if proxy:
        hint = "Check proxy and no_proxy, or the kubeconfig's proxy-url and the environment"
    # An unknown name lasts; a name server that gave no answer does not.
    unknown = isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
    return _unreachable(endpoint, message, hint, _connect_option(endpoint), lasting=unknown)


def _connect_text(what: str, host: str, error: OSError, timeout: float) -> Tuple[str, str]:
    if isinstance(error, socket.gaierror):
        return (
            f"the name {host} cannot be resolved",
            "Check host (or the kubeconfig's server) and the DNS where the task runs",
        )
    if isinstance(error, ConnectionRefusedError):
        return f"{what} refuses connections", "Is the API server up, and is the port right?"
    if is_timeout(error):
        return (
            f"{what} did not answer within {timeout:g} s",
            "Look for a firewall on the way; a site behind a proxy needs the option proxy",
        )
    reason = error.strerror or type(error).__name__
    return f"no connection to {what}: {reason}", "Check host (or the kubeconfig's server)"


def is_timeout(error: BaseException) -> bool:
    """Return whether an exception is a time-out (C(socket.timeout) is its own class on 3.9)."""
    return isinstance(error, (TimeoutError, socket.timeout))


def _connect_option(endpoint: Endpoint) -> str:
    if endpoint.proxy:
        return "proxy"
    return "host" if endpoint.source == "options" else "kubeconfig"


def tunnel_error(endpoint: Endpoint, status: int, reason: str) -> UnreachableError:
    """Return the error for a proxy that answers CONNECT with anything but 2xx."""
    if status == 407:
        return _unreachable(
            endpoint,
            f"the proxy {endpoint.proxy} wants a login (407)",
            "Set proxy_headers.proxy_basic_auth to USER:PASSWORD",
            option="proxy_headers",
            lasting=True,
        )
    source = endpoint.proxy.source if endpoint.proxy else "proxy"
    return _unreachable(
        endpoint,
        f"the proxy {endpoint.proxy} (from {source}) refused the way to "
        f"{endpoint.host}:{endpoint.port}: {status} {reason}".rstrip(),
        "Allow it there, or name the API server in no_proxy",
        option="proxy",
        lasting=status < 500,
    )


def tls_error(endpoint: Endpoint, error: OSError, timeout: float) -> UnreachableError:
    """Return the error for a TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message, hint, option = _certificate_text(endpoint, error)
        return _unreachable(endpoint, message, hint, option=option, lasting=True)
    reason = getattr(error, "reason", None) or ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        text = "the server does not speak TLS on this port"
        return _unreachable(endpoint, text, "Check scheme and port", lasting=True)
    if is_timeout(error):
        text = f"the TLS handshake did not end within {timeout:g} s"
        return _unreachable(endpoint, text, "Check host, port and proxy")
    return _unreachable(
        endpoint,
        f"the TLS handshake failed ({reason or error.strerror or type(error).__name__})",
        "Check host, port, proxy and client_cert",
    )


def _certificate_text(
    endpoint: Endpoint, error: ssl.SSLCertVerificationError
) -> Tuple[str, str, str]:
    code = error.verify_code
    if code in _WRONG_NAME:
        return (
            f"the server's certificate is not made out to {endpoint.server_name}",
            "Use a name or address the certificate has in host (or the kubeconfig's server), "
            "or set tls-server-name in the kubeconfig",
            "host" if endpoint.source == "options" else "kubeconfig",
        )
    if code in (_EXPIRED, _NOT_YET):
        word = "has expired" if code == _EXPIRED else "is not valid yet"
        return (
            f"the server's certificate, or its CA, {word}",
            "Renew it, and compare the clocks of both machines",
            "host" if endpoint.source == "options" else "kubeconfig",
        )
    if code in _UNTRUSTED:
        return (
            "the server's certificate is signed by a CA that is not trusted here",
            "Set ca_cert to the CA of this cluster (kubeconfig: certificate-authority)",
            "ca_cert",
        )
    return f"the server's certificate is not accepted: {error.verify_message}", "", "ca_cert"


class SilenceError(UnreachableError):
    """The request was sent, and no answer came in time."""


def silence_error(endpoint: Endpoint, what: str, timeout: float) -> SilenceError:
    """Return the error for a request without an answer."""
    return SilenceError(f"{what}: no answer within {timeout:g} s", subject=endpoint.server)


class DroppedError(UnreachableError):
    """The connection broke in the middle of a request."""


def dropped_error(endpoint: Endpoint, what: str, error: BaseException) -> DroppedError:
    """Return the error for a connection that broke in the middle of a request."""
    reason = type(error).__name__
    return DroppedError(
        f"{what}: the connection was closed early ({reason})", subject=endpoint.server
    )


def _unreachable(
    endpoint: Endpoint,
    message: str,
    hint: str,
    option: Optional[str] = None,
    lasting: bool = False,
) -> UnreachableError:
    return UnreachableError(
        message, option=option, subject=endpoint.server, hint=hint or None, lasting=lasting
    )
