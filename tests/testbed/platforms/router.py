# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's router, as far as Routes and certificates go. A stand-in.

Written from openshift/router 4b401a8: pkg/router/controller (status.go, route_secret_manager.go,
unique_host.go) and pkg/router/template/template_helper.go. It looks at a Route when that appears or
changes, at nothing beside it, and forwards bytes of TLS connections to a server without TLS.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]
NAME = "default"


def verdict(route: Object, readable: Callable[[str], bool], others: Iterable[Object]) -> Object:
    """Return the condition C(Admitted) of a Route.

    Args:
        route: the one.
        readable: tells whether the router may read the Secret of a name.
        others: Routes of the cluster that were there before it.
    """
    spec = route["spec"]
    refused = {"type": "Admitted", "status": "False"}
    secret = ((spec.get("tls") or {}).get("externalCertificate") or {}).get("name")
    if secret and not readable(secret):
        account = "router serviceaccount does not have permission to get this secret"
        text = f'spec.tls.externalCertificate: Forbidden: {account}: "{secret}"'
        return {**refused, "reason": "ExternalCertificateValidationFailed", "message": text}
    for other in others:
        if not _holds(other, spec):
            continue
        name = other["metadata"]["name"]
        text = f"route {name} already exposes {spec['host']} and is older"
        return {**refused, "reason": "HostAlreadyClaimed", "message": text}
    return {"type": "Admitted", "status": "True"}


def _holds(other: Object, spec: Object) -> bool:
    found = other["spec"]
    return bool(found["host"] == spec["host"] and found.get("path", "") == spec.get("path", ""))


def status(route: Object, condition: Object) -> Object:
    """Return the status of a Route with what this router says of it."""
    ingress = {"routerName": NAME, "host": route["spec"]["host"], "conditions": [condition]}
    return {"ingress": [ingress]}


@dataclass(frozen=True)
class Certificate:
    """What a Route shows: certificates in PEM form, the server's first, and the key."""

    chain: str
    key: str


def offers_http2(shown: Mapping[str, Certificate]) -> dict[str, bool]:
    """Tell for each Route whether ALPN offers C(h2): only for a certificate of its own."""
    times = Counter(item.chain for item in shown.values())
    return {name: times[item.chain] == 1 for name, item in shown.items()}


class Frontend:
    """Ends TLS for some Routes on loopback, and passes the bytes on.

    Args:
        routes: the Routes by name.
        shown: their certificates.
        backends: port of the server behind each.
        folder: for the files that ssl reads.
    """

    def __init__(
        self,
        routes: Mapping[str, Object],
        shown: Mapping[str, Certificate],
        backends: Mapping[str, int],
        folder: Path,
    ) -> None:
        http2 = offers_http2(shown)
        self._contexts: dict[str, tuple[ssl.SSLContext, int]] = {}
        for name, route in routes.items():
            file = folder / f"{name}.pem"
            file.write_text(shown[name].chain + shown[name].key, encoding="utf-8")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file)
            if http2[name]:
                context.set_alpn_protocols(["h2", "http/1.1"])
            self._contexts[route["spec"]["host"]] = (context, backends[name])
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def __enter__(self) -> Frontend:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        hosts: list[str] = []
        first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

        def choose(sock: Any, host: str, _context: ssl.SSLContext) -> int | None:
            if host not in self._contexts:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            hosts.append(host)
            sock.context = self._contexts[host][0]
            return None

        first.sni_callback = choose
        try:
            with first.wrap_socket(client, server_side=True) as secured:
                port = self._contexts[hosts[0]][1]
                with socket.create_connection(("127.0.0.1", port)) as server:
                    _pump(secured, server)
        except OSError:
            client.close()


def _pump(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Pass bytes both ways, in one thread: no two may use a TLS connection at once."""
    while True:
        ready = [client] if client.pending() else select.select([client, server], [], [])[0]
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (server if source is client else client).sendall(data)
