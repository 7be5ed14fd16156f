# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way in, with the calls that the result prints: which replicas they reach."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import info
from inside import Inside
from kubernetes import client as k8s
from serving import ALL_OBJECTS, Server

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed")]

from web.authority import OID, Authority, Client  # noqa: E402
from web.ingress_controller import Controller  # noqa: E402

HOST, GRPC_HOST = "ocr.example.org", "ocr-grpc.example.org"
THREE: dict[str, Any] = {"replicas": 3, "service": {"headless": True}, "monitoring": {}}
CALLS = 30
# Behind a printed call: more of the same, by the client that it has made.
MORE = f"""
for _number in range({CALLS - 1}):
    client.get_model_metadata('adder')
"""
COUNTER = re.compile(
    r'^ovms_requests_success\{(?=[^}]*interface="gRPC")(?=[^}]*method="ModelMetadata")'
    r'(?=[^}]*name="adder")[^}]*\} (\d+)',
    re.M,
)
LISTEN = "127.0.0.9"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "which-way-in.md"


@pytest.fixture
def inside(shop: Any, tmp_path: Path) -> Inside:
    """The only node of the cluster."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("clients run in the network of a node of the lab")
    (node,) = shop.nodes()
    return Inside(node, tmp_path)


def asked(server: Server) -> dict[str, int]:
    """Return how often each replica was asked for metadata by gRPC, as it counts itself."""
    found = {}
    for pod in server.pods():
        text = server.cluster.core.connect_get_namespaced_pod_proxy_with_path(
            f"{pod.metadata.name}:8081", server.namespace, "metrics", _preload_content=False
        ).data.decode()
        found[pod.metadata.name] = sum(map(int, COUNTER.findall(text)))
    return found


def entry(result: dict[str, Any], way: str, interface: str) -> dict[str, Any]:
    (found,) = [
        item for item in result["clients"] if (item["way"], item["interface"]) == (way, interface)
    ]
    made: dict[str, Any] = found
    return made


def programs(result: dict[str, Any], side: str) -> tuple[list[str], list[str]]:
    """Return the lines for a shell, and the programs in Python, of all ways of one side."""
    items = [item["calls"] for item in result["clients"] if item["usable_from"] == side]
    lines = [calls["curl"] for calls in items if "curl" in calls]
    others = [text for calls in items for name, text in calls.items() if name != "curl"]
    return lines, others


def shown(server: Server) -> Any:
    """Return what model_server_info says of the ways in."""
    params = {**server.cluster.auth, "namespace": server.namespace, "name": "ocr"}
    checked = ArgumentSpecValidator(dict(info.ARGUMENT_SPEC)).validate(params)
    (found,) = info.run(checked.validated_parameters, Runtime())["servers"]
    return found["clients"]


def test_grpc_reaches_all_replicas_or_one(claim_server: Server, inside: Inside) -> None:
    server = claim_server
    with pytest.raises(InputError, match="^reach: the server has no headless Service"):
        server.run(replicas=3, reach="headless")
    with occupied(server), pytest.raises(InputError, match=rf"/site: /v2 of {HOST} is served"):
        server.run(expose={"rest": {"host": HOST}})
    assert server.made() == []
    result = server.run(**THREE)
    again = server.run(**THREE)
    assert not again["changed"] and again["clients"] == result["clients"] == shown(server)
    chosen = {item["interface"]: item["way"] for item in result["clients"] if item["chosen"]}
    assert chosen == {"rest": "cluster_ip", "grpc": "headless"}
    service = server.cluster.core.read_namespaced_service("ocr-headless", server.namespace)
    assert service.spec.cluster_ip == "None" and not service.spec.publish_not_ready_addresses
    inside.prepare(run_in_any(server, "cat", "/etc/resolv.conf"), {})

    # Every call as it is printed, each by its own client.
    lines, others = programs(result, "inside")
    assert len(lines) == 2 and len(others) >= 4
    for line in lines:
        assert json.loads(inside.sh(line))["name"] == "adder"
    assert all("shape" in said for said in inside.python(others))

    shares = {}
    for way in ("headless", "cluster_ip"):
        before = asked(server)
        inside.python([entry(result, way, "grpc")["calls"]["tritonclient"] + MORE])
        shares[way] = sorted(count - before[pod] for pod, count in asked(server).items())
    assert shares["cluster_ip"] == [0, 0, CALLS], "one connection stays with one replica"
    assert sum(shares["headless"]) == CALLS and min(shares["headless"]) >= CALLS // 6, shares

    told = server.run(**{**THREE, "reach": "cluster_ip"})
    assert not told["changed"] and told["clients"] == shown(server) != result["clients"]
    gone = server.run(replicas=3, monitoring={})
    assert {"kind": "Service", "name": "ocr-headless", "action": "deleted"} in gone["objects"]
    assert server.made() == ALL_OBJECTS and gone["clients"] == shown(server)
    assert {item["way"] for item in gone["clients"]} == {"cluster_ip"}


@contextmanager
def occupied(server: Server) -> Iterator[None]:
    """Let an Ingress of somebody else have the host."""
    api = k8s.NetworkingV1Api(server.cluster.api)
    backend = {"service": {"name": "site", "port": {"number": 80}}}
    path = {"path": "/v2", "pathType": "Prefix", "backend": backend}
    rules = [{"host": HOST, "http": {"paths": [path]}}]
    body = {"metadata": {"name": "site"}, "spec": {"rules": rules}}
    api.create_namespaced_ingress(server.namespace, body)
    yield
    api.delete_namespaced_ingress("site", server.namespace)


def run_in_any(server: Server, *command: str) -> str:
    """Run a command in one of the server's pods."""
    name = server.pods()[0].metadata.name
    answer: str = server.cluster.run_in_pod(server.namespace, name, *command)
    return answer


@pytest.mark.whole
def test_the_printed_calls_come_in_from_outside(
    claim_server: Server, contour: Controller, edge_class: str, inside: Inside
) -> None:
    """The names are of no DNS, and the controller has another port than 443."""
    server, authority = claim_server, Authority()
    certificate, key = authority.issue(HOST, GRPC_HOST)
    expose: dict[str, Any] = {
        "controller": "contour",
        "class_name": edge_class,
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST},
        "tls": {"certificate": certificate, "key": key},
    }
    (inside.home / "ca.pem").write_text(authority.certificate)
    inside.variables = dict(re.findall(r"^export (\w+)=(\S+)", PAGE.read_text(), re.M))
    assert set(inside.variables.values()) == {"ca.pem"}
    inside.prepare("", {HOST: LISTEN, GRPC_HOST: LISTEN})
    result = server.run(expose=expose)
    assert shown(server) == result["clients"]
    chosen = {item["interface"]: item["way"] for item in result["clients"] if item["chosen"]}
    assert chosen == {"rest": "ingress", "grpc": "ingress"}
    lines, others = programs(result, "outside")
    assert len(lines) == 1 and len(others) >= 2

    def answers(line: str) -> bool:
        try:
            return "adder" in inside.sh(line)
        except AssertionError:
            return False

    with inside.forwarded(LISTEN, 443, f"{contour.address}:{contour.https}"):
        server.cluster.wait_until(lambda: answers(lines[0]), "the controller serves", 30)
        assert all("shape" in said for said in inside.python(others))

        client = authority.client(Client(((OID.COMMON_NAME, "reader"),)))
        asks = {**expose, "client_auth": {"ca": authority.certificate}}
        result = server.run(expose=asks)
        assert shown(server) == result["clients"]
        assert all(item["client_certificate"] for item in result["clients"][2:])
        server.cluster.wait_until(lambda: not answers(lines[0]), "none is let in without one", 30)
        lines, others = programs(result, "outside")
        (inside.home / "client.pem").write_text(client.certificate)
        (inside.home / "client.key").write_text(client.key)
        server.cluster.wait_until(lambda: answers(lines[0]), "one with a certificate is", 30)
        assert all("shape" in said for said in inside.python(others))
