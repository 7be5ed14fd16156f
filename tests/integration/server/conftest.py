# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server per test on a store with small real models."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client as k8s
from running_contour import Controller, run_contour
from running_gateway import Front, run_front
from serving import Server, models_on_claim, models_on_nodes, put_models, tiny_model

MakeServer = Callable[..., Server]


@pytest.fixture(scope="module")
def lasting_namespace() -> Iterator[Callable[..., str]]:
    """``lasting_namespace(cluster, level)`` -> name; deleted after the last test of the file."""
    made: list[tuple[Any, str]] = []

    def make(cluster: Any, level: str) -> str:
        name = f"edge-test-{uuid.uuid4().hex[:8]}"
        labels = {"pod-security.kubernetes.io/enforce": level, "openvino.edge/test": "true"}
        cluster.core.create_namespace({"metadata": {"name": name, "labels": labels}})
        made.append((cluster, name))
        return name

    yield make
    for cluster, name in made:
        cluster.core.delete_namespace(name)


@pytest.fixture(scope="module")
def place(shop: Any, lasting_namespace: Any, adders: Any) -> str:
    """A restricted namespace with models on a claim."""
    namespace: str = lasting_namespace(shop, "restricted")
    models_on_claim(shop, namespace, adders)
    return namespace


@pytest.fixture
def make_server(server_image: str) -> MakeServer:
    """``make_server(cluster, namespace, **options)``: on a claim unless told otherwise."""

    def make(cluster: Any, namespace: str, **options: Any) -> Server:
        defaults: dict[str, Any] = {
            **cluster.auth,
            "namespace": namespace,
            "name": "ocr",
            "image": server_image,
            "models": [{"name": "adder", "versions": [1]}],
            "pvc": {"claim_name": "models"},
            "wait_timeout": 120,
            # The pause before the end of a pod is looked at where it matters.
            "drain_seconds": 0,
        }
        return Server(cluster, {**defaults, **options})

    return make


@pytest.fixture(scope="session")
def adders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, bytes]]:
    """Two versions of one model, by number."""
    directory = tmp_path_factory.mktemp("adders")
    return {version: tiny_model(directory, float(version)) for version in (1, 2)}


@pytest.fixture(scope="module")
def on_nodes(factory: Any, lasting_namespace: Any, adders: Any) -> Iterator[tuple[str, str]]:
    """A namespace, and a directory with models on both nodes."""
    namespace = lasting_namespace(factory, "privileged")
    with models_on_nodes(factory, namespace, adders) as path:
        yield namespace, path


@pytest.fixture
def nodes_server(
    factory: Any, on_nodes: tuple[str, str], make_server: MakeServer
) -> Iterator[Server]:
    """A server on a directory of both nodes, not yet deployed."""
    namespace, path = on_nodes
    made = make_server(
        factory,
        namespace,
        pvc=None,
        host_path={"path": path},
        probes={"startup": {"period_seconds": 1}, "readiness": {"period_seconds": 1}},
        termination_grace_period_seconds=2,
    )
    yield made
    made.run(state="absent")


Fill = Callable[..., None]


@pytest.fixture
def fill(adders: dict[int, dict[str, bytes]]) -> Iterator[Fill]:
    """``fill(cluster, namespace, volume, node=None)`` puts models/adder/{1,2} on a store."""
    host_paths: list[tuple[Any, str, dict[str, Any], str | None]] = []

    def put(cluster: Any, namespace: str, volume: dict[str, Any], node: str | None = None) -> None:
        if "hostPath" in volume:
            host_paths.append((cluster, namespace, volume, node))
        put_models(cluster, namespace, volume, adders, node=node)

    yield put
    for cluster, namespace, volume, node in host_paths:
        with cluster.visitor(namespace, volume, node=node, read_only=False) as visitor:
            visitor.sh("rm -rf /store/models")


@pytest.fixture
def claim_server(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: MakeServer, fill: Fill
) -> Server:
    """A server in a restricted namespace, with models on its claim, not yet deployed."""
    namespace = make_namespace(shop, "restricted")
    fill(shop, namespace, make_pvc(shop, namespace))
    return make_server(shop, namespace)


@pytest.fixture(scope="module")
def edge_class(shop: Any) -> Iterator[str]:
    """An IngressClass of Contour's."""
    name = f"edge-test-{uuid.uuid4().hex[:6]}"
    api = k8s.NetworkingV1Api(shop.api)
    spec = {"controller": "projectcontour.io/ingress-controller"}
    api.create_ingress_class({"metadata": {"name": name}, "spec": spec})
    yield name
    api.delete_ingress_class(name)


@pytest.fixture(scope="module")
def contour(
    shop: Any, edge_class: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """The controller of Ingresses and HTTPProxies."""
    with run_contour(shop, edge_class, tmp_path_factory.mktemp("ingress")) as made:
        yield made


@pytest.fixture(scope="module")
def front(
    shop: Any, edge_class: str, lasting_namespace: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """A Gateway of Contour, for REST and gRPC."""
    namespace, work = lasting_namespace(shop, "restricted"), tmp_path_factory.mktemp("gateway")
    with run_front(shop, edge_class, namespace, work) as made:
        yield made
