# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address, proxy, TLS settings and credentials of an API server: plain values. Pure."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Callable, Optional, Tuple


@dataclass
class Endpoint:
    """An API server and everything needed to talk to it.

    Attributes:
        server: the URL as configured, for messages.
        host, port, prefix: where it listens, and the path before C(/api).
        tls: None for plain HTTP; another context replaces the open connections.
        authority: whom the context trusts; None for the system's authorities.
        server_name: the name the certificate has to carry.
        proxy: None for a direct connection.
        authorization: value of the Authorization header, None with a client certificate only.
        headers: sent with every request.
        refresh: renews C(authorization) when the server says 401; None when it cannot change.
        before: called before each request while it is set: a login that is still to be done, or
            credentials that have to be good for this request.
        source: where the settings came from, for messages.
    """

    server: str
    host: str
    port: int
    prefix: str = ""
    tls: Optional[ssl.SSLContext] = field(default=None, repr=False)
    authority: Optional[Pem] = field(default=None, repr=False)
    server_name: str = ""
    proxy: Optional[Proxy] = None
    authorization: Optional[str] = field(default=None, repr=False)
    headers: Tuple[Tuple[str, str], ...] = ()
    refresh: Optional[Callable[[], Optional[str]]] = field(default=None, repr=False)
    before: Optional[Callable[[], None]] = field(default=None, repr=False)
    source: str = "options"


@dataclass(frozen=True)
class Pem:
    """One PEM file, with the option and, for messages, its path or the context that has it."""

    data: bytes = field(repr=False)
    option: str
    subject: Optional[str] = None


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy; C(source) names the setting it came from, for messages."""

    host: str
    port: int
    source: str
    tls: bool = False
    headers: Tuple[Tuple[str, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"
