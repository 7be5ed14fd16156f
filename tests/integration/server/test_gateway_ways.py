# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(auto) takes of what a cluster offers, and who a Gateway says has to show a certificate."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
)
from callers import SERVED
from grants import Grants
from running_gateway import (
    GRPC_HOST,
    HOST,
    MADE,
    Front,
    changes,
    refused,
    routes_of,
)
from serving import ALL_OBJECTS, Server

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "testbed")]

from web.authority import Authority  # noqa: E402


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Iterator[Server]:
    """The server, exposed to nobody."""
    made: Server = make_server(shop, place)
    made.run()
    yield made
    made.run(state="absent", models=None)


def left_open(**changed: Any) -> dict[str, Any]:
    """Return the option, with the way in left to the cluster."""
    made: dict[str, Any] = {
        "controller": "auto",
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST},
        "tls": {"default_certificate": True},
    }
    return {**made, **changed}


def test_the_gateway_that_there_is(server: Server, front: Front) -> None:
    """C(reach) leaves the classes out that other tests may have made."""
    wanted: dict[str, Any] = {"expose": left_open(), "reach": "gateway"}
    told = {
        "controller": "gateway",
        "class_name": None,
        "gateway": f"{front.namespace}/edge",
        "why": f"Gateway {front.namespace}/edge lets clients of the hosts in",
    }
    predicted = server.run(**wanted, check=True)
    assert server.made() == ALL_OBJECTS and routes_of(server) == []
    done = server.run(**wanted)
    assert predicted["exposed_through"] == done["exposed_through"] == told
    assert changes(predicted) == changes(done) == MADE
    assert done["reload"] == "none"
    front.until(lambda: front.caller.rest(None) == SERVED, "REST is served")
    front.until(lambda: front.caller.grpc(None) == SERVED, "gRPC is served")

    with front.second() as other:
        again = server.run(**wanted)
        assert not again["changed"]
        assert again["exposed_through"]["gateway"] == told["gateway"]
        assert again["exposed_through"]["why"].startswith("the server has it already")
        hosts = {"rest": {"host": "b.example.org"}, "grpc": {"host": "c.example.org"}}
        with pytest.raises(InputError, match="more than one way in") as caught:
            server.run(name="ocr2", expose=left_open(**hosts), reach="gateway")
        assert caught.value.option == "expose.controller"
        for name in ("edge", "second"):
            assert f"namespace: {front.namespace}, expose.gateway.name: {name}" in str(caught.value)
        named = {"name": "second", "namespace": front.namespace}
        moved = server.run(expose=left_open(gateway=named), check=True)
        assert moved["exposed_through"]["gateway"] == other
    assert changes(server.run())["HTTPRoute/ocr-rest"] == "deleted"


@pytest.mark.whole
def test_the_example_of_the_docs(server: Server, front: Front, tmp_path: Path) -> None:
    """With what leaves out the classes of other tests, by a play."""
    text = (ROOT / "docs" / "exposing.md").read_text(encoding="utf-8")
    shown = text.split("### What the cluster offers")[1].split("```yaml\n")[1].split("```")[0]
    options = yaml.safe_load(shown)[0]["openvino.edge.model_server"]
    result = server.run_in_worker(tmp_path, expose=options["expose"], reach="gateway")
    assert result["exposed_through"]["gateway"] == f"{front.namespace}/edge"
    assert sorted(routes_of(server)) == ["ocr-grpc", "ocr-rest"]


@pytest.mark.whole
def test_a_class_that_is_named(server: Server, front: Front, edge_class: str) -> None:
    """Its controller tells which annotations are needed."""
    expose = left_open(class_name=edge_class, tls={"secret_name": "site"})
    server.options["expose"] = expose
    with pytest.raises(InputError, match="Secret .*/site: it does not exist"):
        server.run()
    pair = front.authority.issue(HOST, GRPC_HOST)
    expose["tls"] = {"certificate": pair[0], "key": pair[1]}
    done = server.run(check=True)
    assert (done["exposed_through"]["controller"]) == "contour"
    assert "projectcontour.io/ingress-controller" in done["exposed_through"]["why"]
    assert changes(done)["Ingress/ocr-rest"] == "created"
    expose["client_auth"] = {"ca": Authority().certificate}
    assert changes(server.run(check=True))["HTTPProxy/ocr-rest"] == "created"
    expose["class_name"] = "nowhere"
    with pytest.raises(InputError, match="IngressClass nowhere: the cluster has no such class"):
        server.run()
    del server.options["expose"]


@pytest.mark.whole
def test_who_may_not_look_is_told(front: Front, make_namespace: Any, make_server: Any) -> None:
    grants = Grants(front.cluster, make_namespace(front.cluster, "restricted"))
    try:
        kubeconfig = str(grants.account.kubeconfig)
        server: Server = make_server(front.cluster, grants.namespace, kubeconfig=kubeconfig)
        grants.give("deployer")
        for reach, kind in (("gateway", "gateways"), ("ingress", "ingressclasses")):
            with pytest.raises(ForbiddenError, match=f"may not list {kind}.*or name the controlle"):
                server.run(expose=left_open(), reach=reach, check=True)
    finally:
        grants.remove()


@pytest.mark.whole
def test_client_certificates_that_contour_does_not_check(server: Server, front: Front) -> None:
    """Its Gateway looks as if it asked for them, and lets everybody in; with that of the docs."""
    text = (ROOT / "docs" / "who-may-call.md").read_text(encoding="utf-8")
    shown = text.split("## A Gateway")[1].split("```yaml\n")[1].split("```")[0]
    validation = yaml.safe_load(shown)["spec"]["tls"]["frontend"]["default"]["validation"]
    clients = Authority("Clients")
    body = {"metadata": {"name": "clients-ca"}, "data": {"ca.crt": clients.certificate}}
    front.cluster.core.create_namespaced_config_map(front.namespace, body)
    wanted = front.expose(client_auth={"ca": clients.certificate})
    refused(server, "it asks no client of port .* for a certificate", wanted)
    with front.asking(**validation, mode="AllowInsecureFallback"):
        refused(server, "without a valid certificate, too", wanted)
    with front.asking(**validation):
        other = front.expose(client_auth={"ca": Authority("Others").certificate})
        refused(server, "it admits clients of other CAs as well", other)
        error = refused(server, "checks no client certificates on a Gateway", wanted)
        assert error.subject == "GatewayClass edge"
        # Whoever does not rely on it is told what the Gateway says.
        done = server.run(expose=front.expose())
        asked = {item["way"]: item["client_certificate"] for item in done["clients"]}
        assert asked == {"cluster_ip": False, "gateway": True}
        front.until(lambda: front.caller.rest(None) == SERVED, "REST is served")
        with pytest.raises(InputError, match="checks no client certificates on a Gateway"):
            server.run(expose=wanted)  # It would change no object.
    done = server.run(expose=front.expose())
    assert not done["changed"]
    assert not any(item["client_certificate"] for item in done["clients"])
    server.run()
