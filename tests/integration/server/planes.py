# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data planes on a node of the lab that serve what C(expose) has made in one namespace.

A thread does what their controllers would: it reads Ingresses or Routes, writes the configuration
(C(testbed/web)), and starts the program again when that is another one.
"""

from __future__ import annotations

import base64
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kubernetes import client as k8s

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed")]

from web import haproxy, nginx  # noqa: E402
from web.ingress_controller import Entrance  # noqa: E402
from web.node_programs import on_node  # noqa: E402
from web.sites import Ports, Site  # noqa: E402

__all__ = ["CLASSES", "Plane", "plane"]

# The controller that an IngressClass of each names.
CLASSES = {
    "haproxy": "haproxy.org/ingress-controller",
    "nginx": "k8s.io/ingress-nginx",
}
Read = Callable[[], list[Site]]
Write = Callable[[Sequence[Site], Ports, Path], dict[str, str]]


@dataclass(frozen=True)
class Plane(Entrance):
    """Where clients reach one, and the class of the Ingresses that it serves."""

    class_name: str = ""


@contextmanager
def plane(cluster: Any, kind: str, namespace: str, work: Path) -> Iterator[Plane]:
    """Run one of C(CLASSES) for Ingresses, or C(openshift) for Routes."""
    name, address = _where(cluster)
    reader = Reader(cluster, namespace)
    ports = Ports(address, *random.sample(range(20000, 28000), 3))
    with ExitStack() as stack:
        if kind == "openshift":
            follows = Follower(haproxy, haproxy.for_routes, reader.routes, name, ports, work)
            stack.enter_context(follows)
            yield Plane(address, ports.http, ports.https)
            return
        class_name = stack.enter_context(a_class(cluster, kind))
        module = {"haproxy": haproxy, "nginx": nginx}[kind]

        def read() -> list[Site]:
            return reader.ingresses(class_name)

        follows = Follower(module, module.for_ingresses, read, name, ports, work)
        stack.enter_context(follows)
        yield Plane(address, ports.http, ports.https, class_name)


def _where(cluster: Any) -> tuple[str, str]:
    """Return name and address of the only node."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("data planes run on a node of the lab")
    (node,) = cluster.core.list_node().items
    (address,) = [item.address for item in node.status.addresses if item.type == "InternalIP"]
    return str(node.metadata.name), str(address)


@contextmanager
def a_class(cluster: Any, kind: str) -> Iterator[str]:
    """An IngressClass of a controller."""
    api = k8s.NetworkingV1Api(cluster.api)
    name = f"edge-test-{kind}-{random.randrange(16**6):06x}"
    api.create_ingress_class({"metadata": {"name": name}, "spec": {"controller": CLASSES[kind]}})
    try:
        yield name
    finally:
        api.delete_ingress_class(name)


class Follower:
    """Serves what a namespace has, and looks twice a second whether that has changed."""

    def __init__(
        self, module: ModuleType, write: Write, read: Read, node: str, ports: Ports, work: Path
    ) -> None:
        self._module, self._write, self._read = module, write, read
        self._node, self._ports, self._work = node, ports, work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Follower:
        self._module.program(self._work)  # which is fetched at first
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        served: list[Site] | None = None
        number = 0
        try:
            with ExitStack() as stack:
                while not self._stop.wait(0.5):
                    sites = self._read()
                    if sites == served:
                        continue
                    stack.close()
                    served, number = sites, number + 1
                    stack.enter_context(self._serving(sites, self._work / str(number)))
        except Exception as error:
            self._failure = error

    @contextmanager
    def _serving(self, sites: Sequence[Site], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
        folder.mkdir()
        for name, text in self._write(sites, self._ports, folder).items():
            (folder / name).write_text(text, encoding="utf-8")
        command = self._module.program(folder)
        with on_node(self._node, command, folder / "log") as process:
            yield process


class Reader:
    """Reads what a controller reads of one namespace."""

    def __init__(self, cluster: Any, namespace: str) -> None:
        self._core, self._namespace = cluster.core, namespace
        self._ingresses = k8s.NetworkingV1Api(cluster.api)
        self._slices = k8s.DiscoveryV1Api(cluster.api)
        self._custom = k8s.CustomObjectsApi(cluster.api)

    def ingresses(self, class_name: str) -> list[Site]:
        """Return what the Ingresses of a class publish; each has one host and one Service."""
        found = []
        for item in self._ingresses.list_namespaced_ingress(self._namespace).items:
            if item.spec.ingress_class_name != class_name:
                continue
            (rule,) = item.spec.rules
            (backend,) = {
                (path.backend.service.name, path.backend.service.port.name)
                for path in rule.http.paths
            }
            assert {path.path_type for path in rule.http.paths} == {"Prefix"}
            notes = item.metadata.annotations or {}
            asked = [text for key, text in notes.items() if key.endswith("/auth-tls-secret")]
            (tls,) = item.spec.tls or [None]
            pair = self._secret(tls.secret_name) if tls is not None else {}
            found.append(
                Site(
                    item.metadata.name,
                    rule.host,
                    tuple(path.path for path in rule.http.paths),
                    pem=pair.get("tls.crt", "") + pair.get("tls.key", ""),
                    annotations=notes,
                    secret=self._secret(asked[0].partition("/")[2]) if asked else {},
                    **self._behind(*backend),
                )
            )
        return sorted(found, key=lambda site: site.name)

    def routes(self) -> list[Site]:
        """Return what the Routes publish that a router admits."""
        where = ("route.openshift.io", "v1", self._namespace, "routes")
        found = []
        for item in self._custom.list_namespaced_custom_object(*where)["items"]:
            spec, tls = item["spec"], item["spec"].get("tls") or {}
            told = [
                condition["status"]
                for ingress in (item.get("status") or {}).get("ingress", ())
                for condition in ingress["conditions"]
                if condition["type"] == "Admitted"
            ]
            if told != ["True"]:
                continue
            pair = self._secret(tls["externalCertificate"]["name"]) if tls else {}
            chain = pair.get("tls.crt", "") + tls.get("caCertificate", "")
            found.append(
                Site(
                    item["metadata"]["name"],
                    spec["host"],
                    (spec.get("path", "/"),),
                    pem=chain + pair.get("tls.key", ""),
                    redirected=tls.get("insecureEdgeTerminationPolicy") == "Redirect",
                    annotations=item["metadata"].get("annotations") or {},
                    **self._behind(spec["to"]["name"], spec["port"]["targetPort"]),
                )
            )
        return sorted(found, key=lambda site: site.name)

    def _behind(self, service: str, port: str) -> dict[str, Any]:
        """Return what a Site has of its Service, by the name of the port."""
        try:
            of_service = self._core.read_namespaced_service(service, self._namespace)
        except k8s.ApiException as error:
            if error.status != 404:
                raise
            return {"servers": ()}
        notes = of_service.metadata.annotations or {}
        (named,) = [item for item in of_service.spec.ports if item.name == port]
        label = f"kubernetes.io/service-name={service}"
        slices = self._slices.list_namespaced_endpoint_slice(self._namespace, label_selector=label)
        servers = {
            f"{address}:{number.port}"
            for item in slices.items
            for number in item.ports or ()
            for endpoint in item.endpoints or ()
            for address in endpoint.addresses
            if number.name == port and endpoint.conditions.ready
        }
        protocol = named.app_protocol or ""
        return {"servers": tuple(sorted(servers)), "protocol": protocol, "of_service": notes}

    def _secret(self, name: str) -> dict[str, str]:
        try:
            found = self._core.read_namespaced_secret(name, self._namespace)
        except k8s.ApiException as error:
            if error.status != 404:
                raise
            return {}
        return {key: base64.b64decode(text).decode() for key, text in (found.data or {}).items()}
