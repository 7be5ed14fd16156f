# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of OpenShift: HTTP/2 for gRPC, and what a router says of them.

The router is the stand-in of C(tests/testbed/platforms); the client of gRPC is grpcio.
"""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import expose as checks
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status import routes
from ansible_collections.openvino.edge.plugins.module_utils.server.status.retry import (
    RETRY_ANNOTATION,
)

from ...fakes.cluster import ServingCluster
from ..apply.conftest import CLAIM, NAMESPACE
from ..conftest import make_spec

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "testbed")]

from platforms.router import Certificate, Frontend, offers_http2, status, verdict  # noqa: E402
from web.authority import Authority  # noqa: E402

Object = dict[str, Any]
HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
AUTHORITY = Authority()
PAIR, OTHER = AUTHORITY.issue(HOST, GRPC_HOST), AUTHORITY.issue(HOST, GRPC_HOST)
METHOD = "/inference.GRPCInferenceService/ServerLive"


def tls(pair: tuple[str, str]) -> Object:
    return {"certificate": pair[0], "key": pair[1]}


def exposed(own: Object | None, **more: Any) -> Object:
    """Return the option for REST and gRPC by Routes; C(own) is gRPC's own certificate."""
    side = {"host": GRPC_HOST, **({"tls": own} if own else {})}
    expose = {"controller": "openshift", "rest": {"host": HOST}, "grpc": side, "tls": tls(PAIR)}
    return {**expose, **more}


def shown(objects: list[Object]) -> tuple[dict[str, Object], dict[str, Certificate]]:
    """Return Routes and the certificate that a router shows for each, by name."""

    def text(name: str, key: str) -> str:
        secret = next(
            item
            for item in objects
            if item["kind"] == "Secret" and item["metadata"]["name"] == name
        )
        return base64.b64decode(secret["data"][key]).decode()

    found = {item["metadata"]["name"]: item for item in objects if item["kind"] == "Route"}
    certificates = {}
    for name, route in found.items():
        secret = route["spec"]["tls"]["externalCertificate"]["name"]
        certificates[name] = Certificate(text(secret, "tls.crt"), text(secret, "tls.key"))
    return found, certificates


@pytest.fixture
def backend() -> Iterator[int]:
    """The port of a gRPC server without TLS."""
    server = grpc.server(ThreadPoolExecutor(2))
    handler = grpc.unary_unary_rpc_method_handler(lambda request, _context: b"alive")
    service = grpc.method_handlers_generic_handler(
        METHOD.split("/")[1], {METHOD.split("/")[2]: handler}
    )
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


def ask(port: int) -> bytes:
    """Ask by gRPC over TLS as a client would that trusts the authority."""
    options = [("grpc.ssl_target_name_override", GRPC_HOST), ("grpc.enable_http_proxy", 0)]
    trusted = grpc.ssl_channel_credentials(AUTHORITY.certificate.encode())
    with grpc.secure_channel(f"127.0.0.1:{port}", trusted, options) as channel:
        answer: bytes = channel.unary_unary(METHOD)(b"", timeout=10)
        return answer


def test_70_a_client_of_grpc_gets_through_beside_rest(backend: int, tmp_path: Path) -> None:
    """With a certificate of its own; with that of REST the router offers no HTTP/2."""
    found, certificates = shown(render_objects(make_spec(expose=exposed(tls(OTHER)))))
    ports = dict.fromkeys(found, backend)
    assert offers_http2(certificates) == {name: name == "ocr-grpc" for name in found}
    with Frontend(found, certificates, ports, tmp_path) as router:
        assert ask(router.port) == b"alive"
    shared = {**certificates, "ocr-grpc": certificates["ocr-rest-v1"]}
    assert not any(offers_http2(shared).values())
    with (
        Frontend(found, shared, ports, tmp_path) as router,
        pytest.raises(grpc.RpcError, match="ALPN|UNAVAILABLE"),
    ):
        ask(router.port)


def test_70_grpc_alone_needs_no_second_certificate(backend: int, tmp_path: Path) -> None:
    alone = exposed(None)
    del alone["rest"]
    found, certificates = shown(render_objects(make_spec(expose=alone)))
    with Frontend(found, certificates, {"ocr-grpc": backend}, tmp_path) as router:
        assert ask(router.port) == b"alive"


@pytest.mark.parametrize(
    ("expose", "message"),
    [
        (exposed(None), r"^expose\.grpc\.tls: the router offers HTTP/2, .* those of REST use this"),
        (exposed(tls(PAIR)), r"^expose\.grpc\.tls: the router offers HTTP/2"),
        (
            exposed({"secret_name": "site"}, tls={"secret_name": "site"}),
            r"^expose\.grpc\.tls: the router offers HTTP/2",
        ),
        (
            exposed(tls(OTHER), rest={"host": GRPC_HOST}),
            r"^expose\.grpc\.host: the router chooses the certificate by the host",
        ),
        (
            exposed(None, tls={"default_certificate": True}),
            r"^expose\.tls\.default_certificate: .*expose\.grpc\.tls has it for gRPC alone",
        ),
    ],
)
def test_70_one_certificate_for_both_is_refused(expose: Object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_spec(expose=expose)


def test_70_rest_may_have_the_default_certificate_then() -> None:
    spec = make_spec(expose=exposed(tls(OTHER), tls={"default_certificate": True}))
    (secret,) = [item for item in render_objects(spec) if item["kind"] == "Secret"]
    assert secret["metadata"]["name"] == "ocr-tls-grpc"
    plain = exposed(tls(OTHER))
    del plain["tls"]
    found = make_spec(expose=plain).running.expose
    assert found is not None
    assert found.addresses() == {"rest": f"http://{HOST}", "grpc": f"{GRPC_HOST}:443"}


def test_70_other_controllers_take_a_certificate_for_grpc_too() -> None:
    spec = make_spec(expose=exposed(tls(OTHER), controller="traefik"))
    objects = render_objects(spec)
    names = {
        item["metadata"]["name"]: item["spec"]["tls"][0]["secretName"]
        for item in objects
        if item["kind"] == "Ingress"
    }
    assert names == {"ocr-rest": "ocr-tls", "ocr-grpc": "ocr-tls-grpc"}
    make_spec(expose=exposed(None, controller="traefik"))


def secret(name: str, pair: tuple[str, str]) -> Object:
    data = {"tls.crt": pair[0], "tls.key": pair[1]}
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    metadata = {"name": name, "namespace": "edge"}
    return {"kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": coded}


def test_70_two_secrets_with_one_certificate_are_refused() -> None:
    cluster = ServingCluster()
    warnings: list[str] = []
    expose = exposed({"secret_name": "b"}, tls={"secret_name": "a"})
    spec = make_spec(expose=expose)
    client: Any = cluster
    cluster.add(secret("a", PAIR))
    cluster.add(secret("b", (f"\n{PAIR[0]}", PAIR[1])))
    with pytest.raises(InputError, match=r"^expose\.grpc\.tls: it is the certificate that RE"):
        checks.check(client, spec, warnings.append)
    cluster.add(secret("b", OTHER))
    checks.check(client, spec, warnings.append)
    assert warnings == []
    metadata = {"name": "shop", "labels": {"openvino.edge/server": "other"}}
    by_name = {"tls": {"externalCertificate": {"name": "b"}}}
    cluster.add({"kind": "Route", "metadata": metadata, "spec": by_name})
    checks.check(client, spec, warnings.append)
    cluster.add({"kind": "Route", "metadata": metadata, "spec": {"tls": {"certificate": OTHER[0]}}})
    checks.check(client, spec, warnings.append)
    assert len(warnings) == 2
    assert all("expose.grpc: Route edge/shop has the same certificate" in text for text in warnings)


class RoutedCluster(ServingCluster):
    """A cluster with a router that looks at a Route when that changes."""

    readable = True
    silent = False

    def apply(self, item: Object, *, dry_run: bool = False, **options: Any) -> Object:
        """See KubeClient."""
        found = super().apply(item, dry_run=dry_run, **options)
        if item["kind"] == "Route" and not dry_run:
            self._look(item["metadata"]["name"])
        return found

    def patch(self, api_version: str, kind: str, name: str, *args: Any, **options: Any) -> Object:
        """See KubeClient."""
        if kind == "Route":
            self._look(name)
        return super().patch(api_version, kind, name, *args, **options)

    def _look(self, name: str) -> None:
        route = self.objects["Route", name]
        if not self.silent:
            condition = verdict(route, lambda secret: self.readable, [])
            route["status"] = status(route, condition)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> RoutedCluster:
    made = RoutedCluster()
    made.add(CLAIM)
    made.add(NAMESPACE)
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod")[0]
    )
    return made


EXPOSE = {"controller": "openshift", "rest": {"host": HOST, "paths": ["/"]}, "tls": tls(PAIR)}


def run(cluster: RoutedCluster, runtime: Runtime | None = None, **how: Any) -> Any:
    spec = make_spec(expose=EXPOSE)
    waiting = Waiting(how.get("wait", True), how.get("timeout", 60.0))
    cluster.calls.clear()
    client: Any = cluster
    return Deployer(client, spec, runtime or Runtime(), waiting).present()


def test_71_a_refused_route_is_told_and_the_router_looks_again(cluster: RoutedCluster) -> None:
    cluster.readable = False
    for changed in (True, False):
        with pytest.raises(
            WaitError, match="Route edge/ocr-rest: router 'default' does not admit it: Ext.*permiss"
        ) as caught:
            run(cluster)
        reason = "ExternalCertificateValidationFailed"
        assert caught.value.details == {"reason": reason, "changed": changed}
        assert "Let the router read the Secret" in str(caught.value)
    assert [call for call in cluster.writes() if call.startswith("patch Route")]
    cluster.readable = True
    runtime = Runtime()
    outcome = run(cluster, runtime)
    (touch,) = cluster.writes()
    assert touch.startswith("patch Route") and RETRY_ANNOTATION in touch
    assert not outcome.changed and runtime.warnings == []
    assert not run(cluster).changed and cluster.writes() == []
    assert cluster.calls.count("list Route") == 1, "a Route that is let in costs no request"


def test_71_what_is_refused_without_waiting_is_a_warning(cluster: RoutedCluster) -> None:
    cluster.readable = False
    runtime = Runtime()
    run(cluster, runtime, wait=False)
    assert [text for text in runtime.warnings if "does not admit it: External" in text]


def test_71_a_router_that_says_nothing_is_a_warning(cluster: RoutedCluster) -> None:
    cluster.silent = True
    runtime = Runtime()
    run(cluster, runtime)
    text = "no router has said that it admits it"
    assert [warning for warning in runtime.warnings if text in warning]
    again, begun = Runtime(), time.monotonic()
    run(cluster, again)
    assert [warning for warning in again.warnings if text in warning]
    assert time.monotonic() == begun, "it had the time between the runs"


def test_71_a_verdict_about_another_host_is_none() -> None:
    route = {"spec": {"host": HOST}}
    condition = verdict({"spec": {"host": GRPC_HOST}}, lambda name: True, [])
    route["status"] = status({"spec": {"host": GRPC_HOST}}, condition)
    assert routes.words(route) == []
    route["status"] = status(route, condition)
    assert routes.admitted(route)


def test_71_a_taken_host_is_told() -> None:
    first = {"metadata": {"name": "first"}, "spec": {"host": HOST}}
    second: Object = {"metadata": {"name": "second"}, "spec": {"host": HOST}}
    second["status"] = status(second, verdict(second, lambda name: True, [first]))
    word = routes.refusal(second)
    assert word is not None and word.reason == "HostAlreadyClaimed"
    assert "route first already exposes" in str(word)
