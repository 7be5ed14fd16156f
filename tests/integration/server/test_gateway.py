# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients from outside through a Gateway of the Gateway API: Contour's, with Envoy behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import tritonclient.grpc as triton
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    WaitError,
)
from callers import READY, SERVED, Caller, grpc_word, infer_by_grpc
from grants import Grants
from running_gateway import (
    ANYWHERE,
    GROUP,
    GRPC_HOST,
    HOST,
    MADE,
    Front,
    certificate_for,
    changes,
    refused,
    routes_of,
)
from serving import ALL_OBJECTS, Server, put_models
from slow_answers import PATIENT, infer_slowly

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "testbed")]

from web.authority import Authority  # noqa: E402

ADDED = [1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Iterator[Server]:
    """The server, exposed to nobody."""
    made: Server = make_server(shop, place)
    made.run()
    assert made.made() == ALL_OBJECTS
    yield made
    made.run(state="absent", models=None)


def test_a_cluster_without_the_gateway_api(
    shop: Any, make_namespace: Any, make_server: Any
) -> None:
    server: Server = make_server(shop, make_namespace(shop, "restricted"))
    expose = {"controller": "gateway", "rest": {"host": HOST}}
    for gateway in ({"name": "edge"}, {"name": "edge", "listener": "https"}):
        with pytest.raises(
            InputError, match=r"^expose\.controller: the cluster has no Gateway\. Gateway API 1\.1"
        ):
            server.run(expose={**expose, "gateway": gateway})
    assert server.made() == []


def test_rest_and_grpc_through_a_gateway(server: Server, front: Front) -> None:
    before = {pod.metadata.uid for pod in server.pods()}
    predicted = server.run(expose=front.expose(), check=True, diff=True)
    assert server.made() == ALL_OBJECTS and routes_of(server) == []
    done = server.run(expose=front.expose(), diff=True)
    assert changes(predicted) == changes(done) == MADE and done["reload"] == "none"
    port = front.port("https")
    assert done["exposed"] == {"rest": f"https://{HOST}:{port}", "grpc": f"{GRPC_HOST}:{port}"}
    told = {item["interface"]: item for item in done["clients"] if item["chosen"]}
    assert {item["way"] for item in told.values()} == {"gateway"}
    assert told["rest"]["address"] == done["exposed"]["rest"]
    assert (told["grpc"]["address"], told["grpc"]["protocol"]) == (f"{GRPC_HOST}:{port}", "grpcs")
    assert server.warnings == []
    for named in ("", "https"):
        again = server.run(expose=front.expose(named))
        assert not again["changed"] and again["exposed"] == done["exposed"]

    caller = front.caller
    front.until(lambda: caller.rest(None) == SERVED, "REST is served")
    front.until(lambda: caller.grpc(None) == SERVED, "gRPC is served")
    with caller.open(caller.context(None)) as opened:
        assert opened.infer() == ADDED and opened.ask("/metrics") == "404"
    with caller.triton(None) as client:
        assert infer_by_grpc(client) == ADDED
    stranger = Caller(front.controller, Authority().certificate, HOST, GRPC_HOST)
    assert stranger.grpc(None) != SERVED, "its authority signed nothing"
    assert not served_in_plain_text(front), "routes are on the listener for TLS alone"
    assert {pod.metadata.uid for pod in server.pods()} == before

    gone = server.run()
    assert changes(gone) == dict.fromkeys(MADE, "deleted")
    assert server.made() == ALL_OBJECTS and routes_of(server) == []
    front.until(lambda: caller.rest(None) != SERVED, "nobody is let in")


@pytest.mark.whole
def test_the_example_of_the_docs(server: Server, front: Front, tmp_path: Path) -> None:
    """With the names of this lab put in, by a play."""
    text = (TESTS.parent / "docs" / "exposing.md").read_text(encoding="utf-8")
    shown = text.split("## Gateway API")[1].split("```yaml\n")[1].split("```")[0]
    (task,) = yaml.safe_load(shown)
    options = task["openvino.edge.model_server"]
    assert set(options) == {"namespace", "name", "pvc", "models", "expose"}
    options["expose"]["gateway"]["namespace"] = front.namespace
    result = server.run_in_worker(tmp_path, expose=options["expose"])
    assert changes(result) == MADE
    assert sorted(routes_of(server)) == ["ocr-grpc", "ocr-rest"]
    front.until(lambda: front.caller.rest(None) == SERVED, "REST is served")


def served_in_plain_text(front: Front) -> bool:
    """Tell whether REST is served without TLS; without any route Envoy does not even listen."""
    connection = HTTPConnection(front.controller.address, front.controller.http, timeout=10)
    with closing(connection):
        try:
            connection.request("GET", READY, headers={"Host": HOST})
            return connection.getresponse().status == 200
        except ConnectionError:
            return False


@pytest.mark.whole
def test_without_tls(server: Server, front: Front) -> None:
    """gRPC too: a listener that speaks HTTP speaks HTTP/2 to who begins with it."""
    done = server.run(expose=front.expose(tls=None))
    port = front.port("http")
    assert done["exposed"] == {"rest": f"http://{HOST}:{port}", "grpc": f"{GRPC_HOST}:{port}"}

    front.until(lambda: served_in_plain_text(front), "REST is served")
    address = f"{front.controller.address}:{front.controller.http}"
    options = [("grpc.default_authority", GRPC_HOST), ("grpc.enable_http_proxy", 0)]
    with triton.InferenceServerClient(address, channel_args=options) as client:
        front.until(lambda: grpc_word(client, {}) == SERVED, "gRPC is served")
        assert infer_by_grpc(client) == ADDED
    assert front.caller.rest(None) != SERVED
    moved = changes(server.run(expose=front.expose()))
    assert moved == {"HTTPRoute/ocr-rest": "updated", "GRPCRoute/ocr-grpc": "updated"}
    front.until(lambda: front.caller.rest(None) == SERVED, "REST is served over TLS")
    server.run()


@pytest.mark.whole
def test_a_slow_answer(server: Server, front: Front) -> None:
    """An HTTPRoute lifts Envoy's limit of 15 s; a GRPCRoute has nothing to lift it by."""
    server.run(expose=front.expose(), probes=PATIENT)
    front.until(lambda: front.caller.rest(None) == SERVED, "REST is served")
    front.until(lambda: front.caller.grpc(None) == SERVED, "gRPC is served")
    rest, grpc = infer_slowly(server, front.caller)
    assert rest == ADDED
    assert "timeout" in grpc
    server.run()


@pytest.mark.whole
def test_a_gateway_that_does_not_fit(server: Server, front: Front) -> None:
    gateway = {"name": "nowhere", "namespace": front.namespace}
    there = f"It has .*{front.namespace}/edge"
    refused(server, f"no such Gateway. {there}", front.expose(gateway=gateway))
    refused(server, r"no listener web\. It has http, https\.", front.expose("web"))
    refused(server, "http: it speaks HTTP, and with expose.tls", front.expose("http"))
    refused(server, "https: it speaks HTTPS, and without", front.expose("https", tls=None))
    far = {"host": "ocr.example.net"}
    refused(server, r"hostname \*\.example\.org does not cover ocr\.ex", front.expose(rest=far))
    named = front.expose(tls={"secret_name": "site"})
    refused(server, "certificate is that of the Gateway's listener", named)
    both = front.expose(grpc={"host": HOST})
    refused(server, "either to HTTPRoutes.* or to GRPCRoutes", both)

    with front.changed(allowedRoutes={"namespaces": {"from": "Same"}}):
        refused(server, f"admits no routes of namespace {server.namespace} ", front.expose("https"))
    for label, admits in ((server.namespace, True), (front.namespace, False)):
        selector = {"matchLabels": {"kubernetes.io/metadata.name": label}}
        with front.changed(
            allowedRoutes={"namespaces": {"from": "Selector", "selector": selector}}
        ):
            if admits:
                assert server.run(expose=front.expose(), check=True)["changed"]
            else:
                refused(server, r"admits no routes of .*from: Selector\)", front.expose())
    with front.changed(allowedRoutes={**ANYWHERE, "kinds": [{"kind": "HTTPRoute"}]}):
        refused(server, r"admits no GRPCRoute \(allowedRoutes\.kinds: HTTPRoute\)", front.expose())


@pytest.mark.whole
def test_a_certificate_of_another_namespace_needs_a_grant(
    server: Server, front: Front, lasting_namespace: Any
) -> None:
    """Contour says so in the status of the listener."""
    other = lasting_namespace(front.cluster, "restricted")
    certificate_for(front.cluster, other, front.authority.issue(HOST, GRPC_HOST))
    tls = {"certificateRefs": [{"name": "site", "namespace": other}]}
    with front.changed(tls=tls):
        refused(server, "RefNotPermitted.* Let a ReferenceGrant in the namespace", front.expose())
        grant = {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": "ReferenceGrant",
            "metadata": {"name": "edge"},
            "spec": {
                "from": [{"group": GROUP, "kind": "Gateway", "namespace": front.namespace}],
                "to": [{"group": "", "kind": "Secret"}],
            },
        }
        front.api.create_namespaced_custom_object(GROUP, "v1beta1", other, "referencegrants", grant)

        def admitted() -> bool:
            try:
                return bool(server.run(expose=front.expose())["changed"])
            except InputError:
                return False

        front.until(admitted, "the grant is seen")
        front.until(lambda: front.caller.rest(None) == SERVED, "REST is served")
        server.run()


@pytest.mark.whole
def test_a_host_that_is_taken(server: Server, front: Front) -> None:
    with front.route("HTTPRoute", HOST) as other:
        message = rf"^expose\.rest\.host: {other}: it has {HOST} on listener https of Gateway"
        refused(server, message, front.expose())
        free = {"host": "free.example.org"}
        assert server.run(expose=front.expose(rest=free), check=True)["changed"]
    with front.route("HTTPRoute", "*.ocr.example.org") as other:
        refused(server, rf"^expose\.grpc\.host: {other}: it has {GRPC_HOST} ", front.expose())
    with front.route("GRPCRoute", HOST) as other:
        refused(server, rf"^expose\.rest\.host: {other}: it has {HOST} on", front.expose())
    server.run(expose=front.expose())
    with front.route("HTTPRoute", HOST) as other:
        server.warnings.clear()
        server.run(expose=front.expose(), log_level="DEBUG")
        assert any(f"{other}: it has {HOST}" in text for text in server.warnings)
    server.run()


@pytest.fixture
def grants(shop: Any, make_namespace: Any, make_pvc: Any, adders: Any) -> Iterator[Grants]:
    """An account of its own for a namespace with models."""
    namespace = make_namespace(shop, "restricted")
    put_models(shop, namespace, make_pvc(shop, namespace), adders)
    made = Grants(shop, namespace)
    yield made
    made.remove()


@pytest.mark.whole
def test_what_holds_a_route_back_is_told(front: Front, grants: Grants, make_server: Any) -> None:
    """An account that may not see the Gateway finds out when the routes are there."""
    kubeconfig = str(grants.account.kubeconfig)
    server: Server = make_server(front.cluster, grants.namespace, kubeconfig=kubeconfig)
    grants.give("deployer")
    server.run()
    with pytest.raises(ForbiddenError, match=r"gateways.*or name the listener in expose\.gateway"):
        server.run(expose=front.expose())
    with pytest.raises(ForbiddenError, match=r"list httproutes\.gateway\.networking\.k8s\.io"):
        server.run(expose=front.expose("https"))
    assert server.made() == ALL_OBJECTS
    grants.give("server-options")
    with front.changed(allowedRoutes={"namespaces": {"from": "Same"}}):
        said = (
            rf"^(HTTP|GRPC)Route {grants.namespace}/ocr-(rest|grpc): Gateway {front.namespace}/edge"
            r" says Accepted is False: NotAllowedByListeners: .* Have allowedRoutes"
        )
        for changed in (True, False):
            with pytest.raises(WaitError, match=said) as caught:
                server.run(expose=front.expose("https"))
            assert caught.value.details["changed"] is changed
        assert any("may not get Gateway" in text for text in server.warnings)
    assert not server.run(expose=front.expose("https"))["changed"]
    front.until(lambda: front.caller.rest(None) == SERVED, "REST is served")
    grants.give("options-reader", wide=True)
    server.warnings.clear()
    # An account that may get the class knows that its controller lifts the limit for answers.
    assert changes(server.run(expose=front.expose())) == {"HTTPRoute/ocr-rest": "updated"}
    assert not server.run(expose=front.expose())["changed"] and server.warnings == []
    server.run(state="absent", models=None)
    assert routes_of(server) == []
