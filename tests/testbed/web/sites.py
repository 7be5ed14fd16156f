# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ingresses and Routes publish, as a controller reads it before it writes a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# How a port says that it speaks HTTP/2 without TLS (Kubernetes: appProtocol).
H2C = "kubernetes.io/h2c"


@dataclass(frozen=True)
class Site:
    """One Ingress or Route.

    Attributes:
        name: of the object, without the namespace.
        host: name that clients ask for.
        paths: prefixes of whole segments.
        servers: C(ADDRESS:PORT) of each pod that is ready.
        protocol: C(appProtocol) of the Service's port.
        pem: certificates and key; empty: without TLS.
        redirected: whether a Route sends plain requests to TLS.
        annotations: of the Ingress or Route.
        of_service: annotations of the Service.
        secret: the one of clients' CA that an annotation names, by key.
    """

    name: str
    host: str
    paths: tuple[str, ...]
    servers: tuple[str, ...]
    protocol: str = ""
    pem: str = ""
    redirected: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    of_service: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)

    def settings(self, prefix: str, known: frozenset[str]) -> dict[str, str]:
        """Return the annotations of one controller by their short names.

        Those of the Service win. Whoever calls says which ones it interprets: another one would do
        nothing in the test and something on a cluster.
        """
        both = {**self.annotations, **self.of_service}
        found = {
            key.removeprefix(prefix): text for key, text in both.items() if key.startswith(prefix)
        }
        if not found.keys() <= known:
            raise ValueError(f"{self.name}: not interpreted: {sorted(found.keys() - known)}")
        return found


@dataclass(frozen=True)
class Ports:
    """Where a data plane listens."""

    address: str
    http: int
    https: int
    inner: int = 0
