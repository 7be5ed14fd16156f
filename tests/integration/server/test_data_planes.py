# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients from outside, through data planes other than Contour's Envoy.

HAProxy and nginx are Debian's, with the configuration that their controllers would write for what
C(expose) has made (C(testbed/web/haproxy.py), C(nginx.py)).
"""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import controllers
import pytest
import tritonclient.grpc as triton
from callers import HANDSHAKE, READY, SERVED, Caller, grpc_word, infer_by_grpc
from inside import Inside
from planes import Plane, plane
from serving import ALL_OBJECTS, Server

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "testbed")]

from web.authority import OID, SERVER, Authority, Client, self_signed  # noqa: E402

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
SIDES = {"rest": {"host": HOST}, "grpc": {"host": GRPC_HOST}}
ADDED = [1.0, 2.0, 3.0, 4.0]
# Where each sends a plain request for /v2.
REDIRECTS = {
    "haproxy": (302, f"https://{HOST}:443/v2"),
    "nginx": (308, f"https://{HOST}/v2"),
}
LISTEN = "127.0.0.11"
PAGE = TESTS.parent / "docs" / "which-way-in.md"
READER = Client(((OID.COMMON_NAME, "reader"),))


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Server:
    """The server, exposed to nobody."""
    made: Server = make_server(shop, place)
    made.run()
    assert made.made() == ALL_OBJECTS
    return made


def until(server: Server, condition: Callable[[], bool], what: str) -> None:
    """Wait for the data plane."""
    server.cluster.wait_until(condition, what, 60)


def in_plain_text(where: Plane, host: str, path: str) -> tuple[int, str, bytes]:
    """Return status, new place and body for who asks without TLS."""
    with socket.create_connection((where.address, where.http), 10) as plain:
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        plain.sendall(head.encode())
        answer = HTTPResponse(plain)
        answer.begin()
        return answer.status, answer.getheader("Location") or "", answer.read()


def serves(caller: Caller) -> bool:
    """Tell whether both interfaces answer."""
    try:
        return (caller.rest(None), caller.grpc(None)) == (SERVED, SERVED)
    except OSError:
        return False


def infers_with_a_large_body(caller: Caller, size: int = 3 << 20) -> list[float]:
    """Ask by REST with a body as large as a picture."""
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 1, 2, 3]}
    body = (json.dumps({"inputs": [tensor]}) + " " * size).encode()
    with caller.open(caller.context(None)) as opened:
        status, text = opened.exchange("/v2/models/adder/infer", {}, body)
    assert status == 200, text
    found: list[float] = json.loads(text)["outputs"][0]["data"]
    return found


@pytest.mark.parametrize("kind", sorted(REDIRECTS))
def test_rest_and_grpc_reach_the_server_over_tls(server: Server, kind: str, tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue(HOST, GRPC_HOST)
    with plane(server.cluster, kind, server.namespace, tmp_path) as where:
        named = {"controller": kind, "class_name": where.class_name, **SIDES}
        expose = {**named, "tls": {"certificate": certificate, "key": key}}
        result = server.run(expose=expose)
        assert result["exposed"] == {"rest": f"https://{HOST}", "grpc": f"{GRPC_HOST}:443"}
        assert not server.run(expose=expose)["changed"]
        caller = Caller(where, authority.certificate, HOST, GRPC_HOST)
        until(server, lambda: serves(caller), f"{kind} serves both interfaces")
        with caller.open(caller.context(None)) as opened:
            assert opened.infer() == ADDED
            assert opened.ask("/metrics") == "404"
        with caller.triton(None) as client:
            assert infer_by_grpc(client) == ADDED
        assert infers_with_a_large_body(caller) == ADDED
        assert in_plain_text(where, HOST, "/v2")[:2] == REDIRECTS[kind]
        stranger = Caller(where, Authority().certificate, HOST, GRPC_HOST)
        assert stranger.grpc(None) == HANDSHAKE, "its authority signed nothing"

        newer = Authority("Another authority")
        certificate, key = newer.issue(HOST, GRPC_HOST)
        server.run(expose={**named, "tls": {"certificate": certificate, "key": key}})
        after = Caller(where, newer.certificate, HOST, GRPC_HOST)
        until(server, lambda: after.grpc(None) == SERVED, "the new certificate is shown")
        server.run()
        until(server, lambda: after.grpc(None) != SERVED, "nobody is let in")


def test_both_are_reached_without_tls(server: Server, tmp_path: Path) -> None:
    """The nginx family speaks no HTTP/2 without TLS beside HTTP/1, and is refused."""
    with plane(server.cluster, "haproxy", server.namespace, tmp_path) as where:
        expose = {"controller": "haproxy", "class_name": where.class_name, **SIDES}
        assert server.run(expose=expose)["exposed"]["grpc"] == f"{GRPC_HOST}:80"
        in_plain_text_both(server, where)
        server.run()


def in_plain_text_both(server: Server, where: Plane) -> None:
    """Wait until REST and gRPC are served without TLS, and infer."""

    def asked() -> bool:
        try:
            return in_plain_text(where, HOST, READY)[0] == 200
        except OSError:
            return False

    until(server, asked, "REST is served")
    channel_args = [("grpc.default_authority", GRPC_HOST), ("grpc.enable_http_proxy", 0)]
    address = f"{where.address}:{where.http}"
    with triton.InferenceServerClient(address, channel_args=channel_args) as client:
        until(server, lambda: grpc_word(client, {}) == SERVED, "gRPC is served")
        assert infer_by_grpc(client) == ADDED


def test_nginx_asks_clients_for_a_certificate(server: Server, tmp_path: Path) -> None:
    """What a bad certificate gets from nginx is an answer, not the end of the connection."""
    trusted, ca, other = Authority("Authority of the server"), Authority(), Authority("Another")
    certificate, key = trusted.issue(HOST, GRPC_HOST)
    good, revoked = ca.client(READER), ca.client(READER)
    signed = good.sign(READER)
    refused = {
        "no certificate": None,
        "wrong CA": other.client(READER),
        "wrong CA with the name of the right one": Authority().client(READER),
        "self-signed": self_signed(READER),
        "signed by a client's certificate": signed,
        "expired": ca.client(Client(READER.subject, days=-1)),
        "not yet valid": ca.client(Client(READER.subject, since=1)),
        "revoked": revoked,
        "wrong key usage (a server's)": ca.client(Client(READER.subject, usage=SERVER)),
    }
    with plane(server.cluster, "nginx", server.namespace, tmp_path) as where:
        expose = {
            "controller": "nginx",
            "class_name": where.class_name,
            **SIDES,
            "tls": {"certificate": certificate, "key": key},
            "client_auth": {
                "ca": ca.certificate,
                "crl": ca.revoke([revoked.serial]),
                "verify_depth": 1,
            },
        }
        server.run(expose=expose)
        caller = Caller(where, trusted.certificate, HOST, GRPC_HOST)

        def both(pair: Any) -> tuple[str, str]:
            try:
                return caller.rest(pair), caller.grpc(pair)
            except ConnectionError:
                return HANDSHAKE, HANDSHAKE

        until(server, lambda: both(good) == (SERVED, SERVED), "an allowed client is served")
        fared = {name: both(pair) for name, pair in refused.items()}
        assert fared == dict.fromkeys(refused, ("400", "INTERNAL")), fared
        with caller.triton(good) as client:
            assert infer_by_grpc(client) == ADDED
        server.run()


@contextmanager
def router_reads_secrets(server: Server) -> Iterator[None]:
    """Let the router read Secrets of the namespace, as docs/exposing.md says."""
    name, rbac = "router-reads-secrets", server.cluster.rbac
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}
    role = {"metadata": {"name": name}, "rules": [rule]}
    account = {"kind": "ServiceAccount", "name": "router", "namespace": "openshift-ingress"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [account]}
    rbac.create_namespaced_role(server.namespace, role)
    rbac.create_namespaced_role_binding(server.namespace, binding)
    try:
        yield
    finally:
        rbac.delete_namespaced_role_binding(name, server.namespace)
        rbac.delete_namespaced_role(name, server.namespace)


def test_calls_through_a_route(server: Server, shop: Any, tmp_path: Path) -> None:
    """Each call that the result prints for C(reach=route), through the router's data plane."""
    (node,) = shop.nodes()
    home = tmp_path / "client"
    home.mkdir()
    inside, authority = Inside(node, home), Authority()
    (home / "ca.pem").write_text(authority.certificate)
    inside.variables = dict(re.findall(r"^export (\w+)=(\S+)", PAGE.read_text(), re.M))
    inside.prepare("", {HOST: LISTEN, GRPC_HOST: LISTEN})
    shared, own = authority.issue(HOST), authority.issue(GRPC_HOST)
    names = ("certificate", "key")
    expose = {
        "controller": "openshift",
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST, "tls": dict(zip(names, own))},
        "tls": dict(zip(names, shared)),
    }
    with (
        controllers.routes_served(server.cluster),
        router_reads_secrets(server),
        controllers.Router(server.cluster, server.namespace),
        plane(server.cluster, "openshift", server.namespace, tmp_path) as where,
    ):
        result = server.run(expose=expose, reach="route")
        chosen = {item["interface"]: item["way"] for item in result["clients"] if item["chosen"]}
        assert chosen == {"rest": "route", "grpc": "route"}
        caller = Caller(where, authority.certificate, HOST, GRPC_HOST)
        until(server, lambda: serves(caller), "the router serves both interfaces")
        with caller.open(caller.context(None)) as opened:
            assert opened.infer() == ADDED
            assert opened.ask("/metrics") == "503"
        with caller.triton(None) as client:
            assert infer_by_grpc(client) == ADDED
        assert infers_with_a_large_body(caller) == ADDED
        assert in_plain_text(where, HOST, "/v2")[:2] == (302, f"https://{HOST}/v2")
        assert in_plain_text(where, GRPC_HOST, "/")[0] == 503
        calls = [item["calls"] for item in result["clients"] if item["way"] == "route"]
        programs = [text for item in calls for name, text in item.items() if name != "curl"]
        with inside.forwarded(LISTEN, 443, f"{where.address}:{where.https}"):
            for line in (item["curl"] for item in calls if "curl" in item):
                assert json.loads(inside.sh(line))["name"] == "adder"
            assert len(programs) >= 2
            assert all("shape" in said for said in inside.python(programs))
        server.run()
