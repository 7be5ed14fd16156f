# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Gateway that Contour serves on the node of a cluster of the lab.

The definitions are those of a release of the Gateway API (C(testbed/web/gateway_api)).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError
from callers import Caller
from kubernetes import client as k8s
from readers import read_all
from running_contour import run_contour
from serving import ALL_OBJECTS, Server

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed")]

from web.authority import Authority  # noqa: E402
from web.fetched import gateway_api  # noqa: E402
from web.ingress_controller import SHIFT, Entrance  # noqa: E402

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
GROUP, VERSION = "gateway.networking.k8s.io", "v1"
# The kinds that Contour and Envoy Gateway read.
READ = ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants")
ANYWHERE = {"namespaces": {"from": "All"}}
MADE = {
    "Service/ocr-grpc": "created",
    "HTTPRoute/ocr-rest": "created",
    "GRPCRoute/ocr-grpc": "created",
}


@dataclass
class Front:
    """A Gateway that Contour serves, in a namespace of its own, and its clients' trust."""

    cluster: Any
    namespace: str
    controller: Entrance
    authority: Authority
    caller: Caller

    @property
    def api(self) -> Any:
        """Return a client for its kinds."""
        return k8s.CustomObjectsApi(self.cluster.api)

    def port(self, listener: str) -> int:
        """Return the port of a listener."""
        return int(getattr(self.controller, listener)) - SHIFT

    def listeners(self, **of_https: Any) -> list[dict[str, Any]]:
        """Return the listeners, the one for TLS with other fields."""
        secret = {"certificateRefs": [{"name": "site"}]}
        plain = {"name": "http", "protocol": "HTTP", "port": self.port("http")}
        secured = {"name": "https", "protocol": "HTTPS", "port": self.port("https"), "tls": secret}
        # Contour gives a host to the most exact hostname only, whatever the port of its listener.
        both = {"hostname": "*.example.org", "allowedRoutes": ANYWHERE}
        return [{**plain, **both}, {**secured, **both, **of_https}]

    @contextmanager
    def changed(self, **of_https: Any) -> Iterator[None]:
        """Change the listener for TLS for some time; the controller has seen it then."""
        self.put(self.listeners(**of_https))
        try:
            yield
        finally:
            self.put(self.listeners())

    @contextmanager
    def asking(self, **validation: Any) -> Iterator[None]:
        """Let the Gateway ask clients for certificates for some time."""
        self.put(self.listeners(), tls={"frontend": {"default": {"validation": validation}}})
        try:
            yield
        finally:
            self.put(self.listeners(), tls=None)

    def put(self, listeners: list[dict[str, Any]], **fields: Any) -> None:
        """Give the Gateway other listeners and fields, and wait until its controller saw them."""
        where = (GROUP, VERSION, self.namespace, "gateways", "edge")
        spec = {"listeners": listeners, **fields}
        made = self.api.patch_namespaced_custom_object(*where, {"spec": spec})
        generation = made["metadata"]["generation"]

        def seen() -> bool:
            found = self.api.get_namespaced_custom_object(*where)
            told = found.get("status", {}).get("listeners", ())
            return len(told) == len(listeners) and all(
                condition["observedGeneration"] >= generation
                for item in told
                for condition in item["conditions"]
            )

        self.cluster.wait_until(seen, "the controller has seen the Gateway", 30)

    @contextmanager
    def second(self) -> Iterator[str]:
        """Another Gateway with the same listeners, which nobody serves; gives its name."""
        spec = {"gatewayClassName": "edge", "listeners": self.listeners()}
        head = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Gateway"}
        body = {**head, "metadata": {"name": "second"}, "spec": spec}
        where = (GROUP, VERSION, self.namespace, "gateways")
        self.api.create_namespaced_custom_object(*where, body)
        try:
            yield f"{self.namespace}/second"
        finally:
            self.api.delete_namespaced_custom_object(*where, "second")

    @contextmanager
    def route(self, kind: str, *hostnames: str) -> Iterator[str]:
        """A route of somebody else on the listener for TLS; gives what errors call it."""
        plural, place = f"{kind.lower()}s", self.namespace
        parent = {"name": "edge", "namespace": self.namespace, "sectionName": "https"}
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": kind,
            "metadata": {"name": "older"},
            "spec": {
                "parentRefs": [parent],
                "hostnames": list(hostnames),
                "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
            },
        }
        self.api.create_namespaced_custom_object(GROUP, VERSION, place, plural, body)
        try:
            yield f"{kind} {place}/older"
        finally:
            self.api.delete_namespaced_custom_object(GROUP, VERSION, place, plural, "older")

    def expose(self, listener: str = "", **changes: Any) -> dict[str, Any]:
        """Return the option, with TLS."""
        named = {"listener": listener} if listener else {}
        made = {
            "controller": "gateway",
            "gateway": {"name": "edge", "namespace": self.namespace, **named},
            "rest": {"host": HOST},
            "grpc": {"host": GRPC_HOST},
            "tls": {"default_certificate": True},
            **changes,
        }
        return {key: value for key, value in made.items() if value is not None}

    def until(self, condition: Any, what: str) -> None:
        """Wait for Envoy."""
        self.cluster.wait_until(condition, what, 40)


def definitions() -> list[dict[str, Any]]:
    """Return the definitions of the Gateway API that controllers need."""
    return [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in gateway_api()
        if path.stem.removeprefix(f"{GROUP}_") in READ
    ]


def certificate_for(
    cluster: Any, namespace: str, pair: tuple[str, str], name: str = "site"
) -> None:
    """Put a certificate and its key into a Secret."""
    data = {"tls.crt": pair[0], "tls.key": pair[1]}
    body = {"metadata": {"name": name}, "type": "kubernetes.io/tls", "stringData": data}
    cluster.core.create_namespaced_secret(namespace, body)


@contextmanager
def run_front(shop: Any, edge_class: str, namespace: str, work: Path) -> Iterator[Front]:
    """Run the Gateway, for REST and gRPC at HOST and GRPC_HOST."""
    authority = Authority()
    certificate_for(shop, namespace, authority.issue(HOST, GRPC_HOST))
    bodies = definitions()
    with run_contour(shop, edge_class, work, bodies, f"{namespace}/edge") as controller:
        caller = Caller(controller, authority.certificate, HOST, GRPC_HOST)
        made = Front(shop, namespace, controller, authority, caller)
        a_class = {"controllerName": "projectcontour.io/gateway-controller"}
        head = {"apiVersion": f"{GROUP}/{VERSION}"}
        body = {**head, "kind": "GatewayClass", "metadata": {"name": "edge"}, "spec": a_class}
        made.api.create_cluster_custom_object(GROUP, VERSION, "gatewayclasses", body)
        spec = {"gatewayClassName": "edge", "listeners": made.listeners()}
        body = {**head, "kind": "Gateway", "metadata": {"name": "edge"}, "spec": spec}
        made.api.create_namespaced_custom_object(GROUP, VERSION, namespace, "gateways", body)
        made.put(made.listeners())
        yield made


def changes(result: dict[str, Any]) -> dict[str, str]:
    """Return what a run has done, by kind and name."""
    return {
        f"{item['kind']}/{item['name']}": item["action"]
        for item in result["objects"]
        if item["action"] != "unchanged"
    }


def routes_of(server: Server) -> list[str]:
    """Return the names of the routes that there are."""
    where = (server.cluster, f"{GROUP}/{VERSION}")
    return [
        name
        for kind in ("HTTPRoute", "GRPCRoute")
        for name in read_all(*where, kind, server.namespace)
    ]


def refused(server: Server, message: str, expose: dict[str, Any]) -> EdgeError:
    """Run, and see that it ends with this error before anything is changed."""
    with pytest.raises(InputError, match=message) as caught:
        server.run(expose=expose)
    assert server.made() == ALL_OBJECTS and routes_of(server) == []
    return caught.value
