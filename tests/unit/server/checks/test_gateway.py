# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways as they are on a cluster: the listener that fits, and what keeps clients out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    expose as exposing_checks,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    gateway,
    listeners,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.exposure.options import (
    ExposeSpec,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec
from hypothesis import given, settings
from hypothesis import strategies as st

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
ALL = {"namespaces": {"from": "All"}}
TLS = {"default_certificate": True}
Object = dict[str, Any]


def listener(name: str, protocol: str = "HTTPS", **fields: Any) -> Object:
    port = 443 if protocol == "HTTPS" else 80
    return {"name": name, "protocol": protocol, "port": port, "allowedRoutes": ALL, **fields}


def a_gateway(*items: Object, conditions: Object | None = None, **status: Any) -> Object:
    """Return a Gateway; C(conditions) of its listeners by type, C(status) of its listeners."""
    metadata = {"name": "edge", "namespace": "gateways", "generation": 3}
    told = [
        {"type": kind, "status": text, "reason": "Why", "message": "m", "observedGeneration": 3}
        for kind, text in (conditions or {}).items()
    ]
    listed = [{"name": item["name"], "conditions": told, **status} for item in items]
    return {
        "kind": "Gateway",
        "metadata": metadata,
        "spec": {"listeners": list(items)},
        "status": {"listeners": listed},
    }


def server(named: str = "", **changes: Any) -> ServerSpec:
    """Return a server with REST and gRPC on the Gateway."""
    options = {
        key: changes.pop(key) for key in ("create_namespace", "namespace_labels") & changes.keys()
    }
    expose: Object = {
        "controller": "gateway",
        "gateway": {
            "name": "edge",
            "namespace": "gateways",
            **({"listener": named} if named else {}),
        },
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST},
        "tls": TLS,
        **changes,
    }
    given = {key: value for key, value in expose.items() if value is not None}
    return make_spec(expose=given, **options)


def resolve(
    spec: ServerSpec, *objects: Object, unreadable: Sequence[str] = ()
) -> tuple[ExposeSpec, list[str]]:
    cluster: Any = ServingCluster(unreadable=unreadable)
    for item in objects:
        cluster.add(item)
    warnings: list[str] = []
    found = gateway.resolved(cluster, spec, warnings.append).running.expose
    assert found is not None
    assert cluster.writes() == []
    return found, warnings


def test_the_listener_that_fits_is_found() -> None:
    gateway_ = a_gateway(
        listener("plain", "HTTP"),
        listener("any"),
        listener("wild", hostname="*.example.org", port=8443),
        listener("rest", hostname=HOST),
        listener("other", hostname="other.org"),
    )
    found, warnings = resolve(server(), gateway_)
    assert found.rest and found.grpc and warnings == []
    assert (found.rest.listener, found.grpc.listener) == ("rest", "wild")
    assert found.addresses() == {"rest": f"https://{HOST}", "grpc": f"{GRPC_HOST}:8443"}
    plain, _warnings = resolve(server(tls=None), gateway_)
    assert plain.rest and plain.rest.listener == "plain"
    assert plain.addresses() == {"rest": f"http://{HOST}", "grpc": f"{GRPC_HOST}:80"}


def test_a_named_one_is_taken() -> None:
    spec = server("any", grpc={"host": GRPC_HOST, "listener": "wild"})
    gateway_ = a_gateway(listener("any", port=9443), listener("wild", hostname="*.example.org"))
    found, _warnings = resolve(spec, gateway_)
    assert found.rest and found.grpc
    assert (found.rest.listener, found.grpc.listener) == ("any", "wild")
    assert found.addresses()["rest"] == f"https://{HOST}:9443"


def test_a_server_without_a_gateway_asks_nothing() -> None:
    cluster: Any = ServingCluster()
    for spec in (make_spec(), make_spec(expose={"rest": {"host": HOST}})):
        assert gateway.resolved(cluster, spec, print) is spec
    assert cluster.calls == []


SELECTOR = {"matchLabels": {"team": "a"}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"protocol": "HTTP"},
            r"it speaks HTTP, and with expose\.tls clients speak HTTPS\. Name a list.* leave ex",
        ),
        ({"protocol": "TCP"}, "it speaks TCP, and with expose.tls clients speak HTTPS"),
        ({"tls": {"mode": "Passthrough"}}, "it passes TLS through, and the server speaks none"),
        (
            {"hostname": "*.shop.example.org"},
            rf"its hostname \*\.shop\.example\.org does not cover {HOST} of expose\.rest\.host",
        ),
        ({"hostname": "example.org"}, "its hostname example.org does not cover"),
        (
            {"allowedRoutes": {}},
            r"admits no routes of namespace edge \(allowedRoutes\.namespaces\.from: Same\)",
        ),
        (
            {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": SELECTOR}}},
            r"no routes of namespace edge .*from: Selector\)\. .*ReferenceGrant does not do that",
        ),
        ({"allowedRoutes": {"namespaces": {"from": "None"}}}, "admits no routes of namespace edge"),
        (
            {"allowedRoutes": {**ALL, "kinds": [{"kind": "GRPCRoute"}]}},
            r"admits no HTTPRoute \(allowedRoutes\.kinds: GRPCRoute\)",
        ),
        (
            {"allowedRoutes": {**ALL, "kinds": [{"group": "x.org", "kind": "HTTPRoute"}]}},
            r"admits no HTTPRoute \(allowedRoutes\.kinds: none of the Gateway API\)",
        ),
    ],
)
def test_a_listener_that_does_not_fit(change: Object, message: str) -> None:
    item = listener("https", **change)
    with pytest.raises(InputError, match=message) as caught:
        resolve(server("https"), a_gateway(item))
    assert caught.value.subject == "Gateway gateways/edge"
    assert caught.value.option == "expose.gateway.listener"
    with pytest.raises(InputError, match=message.partition(r"\. ")[0]) as caught:
        resolve(server(), a_gateway(item, listener("far", hostname="far.org")))
    assert "; far: its hostname far.org does not cover" in str(caught.value)
    assert caught.value.option == "expose.gateway.name"


def test_a_listener_of_its_own_is_named_in_the_error() -> None:
    spec = server("a", grpc={"host": GRPC_HOST, "listener": "b"})
    with pytest.raises(InputError, match=r"^expose\.grpc\.listener: .* no listener b\. It has a\."):
        resolve(spec, a_gateway(listener("a")))


def test_plain_text_on_a_listener_with_tls() -> None:
    with pytest.raises(InputError, match=r"speaks HTTPS, .*Set expose\.tls\.default_certificate"):
        resolve(server("https", tls=None), a_gateway(listener("https")))


@pytest.mark.parametrize(
    ("conditions", "status", "message"),
    [
        ({"ResolvedRefs": "False"}, {}, "its controller says that ResolvedRefs is False: Why: m"),
        ({"Accepted": "False"}, {}, "Accepted is False"),
        ({"Accepted": "True", "Conflicted": "True"}, {}, "Conflicted is True"),
        ({}, {"supportedKinds": [{"kind": "HTTPRoute"}]}, r"no GRPCRoute \(its status: supported"),
    ],
)
def test_what_the_controller_has_against_it(
    conditions: Object, status: Object, message: str
) -> None:
    found = a_gateway(listener("https"), conditions=conditions, **status)
    with pytest.raises(InputError, match=message):
        resolve(server("https"), found)
    if conditions:  # One about an older generation, or that is not known yet, says nothing.
        found["metadata"]["generation"] = 4
        resolve(server("https"), found)
        resolve(server("https"), a_gateway(listener("https"), conditions={"Accepted": "Unknown"}))


def test_a_certificate_without_a_grant() -> None:
    found = a_gateway(listener("https"), conditions={"ResolvedRefs": "False"})
    found["status"]["listeners"][0]["conditions"][0]["reason"] = "RefNotPermitted"
    with pytest.raises(
        InputError, match=r"RefNotPermitted: m\. Let a ReferenceGrant in the namesp"
    ):
        resolve(server("https"), found)
    plain = listener("plain", "HTTP")
    found["spec"]["listeners"].append(plain)
    with pytest.raises(InputError, match=r"RefNotPermitted: m; plain: .*\. Let a Refer"):
        resolve(server(), found)  # The way out is that of the listener that nearly fits.


@pytest.mark.parametrize(
    "reason", ["InvalidCACertificateRef", "InvalidCACertificateKind", "NoValidCACertificate"]
)
def test_a_ca_that_the_controller_does_not_find(reason: str) -> None:
    found = a_gateway(listener("https"), conditions={"ResolvedRefs": "False"})
    found["status"]["listeners"][0]["conditions"][0]["reason"] = reason
    with pytest.raises(
        InputError, match=rf"{reason}: m\. Correct the ConfigMap that spec\.tls\.fr"
    ):
        resolve(server("https"), found)


def test_labels_admit_a_namespace() -> None:
    allowed = {"namespaces": {"from": "Selector", "selector": SELECTOR}}
    found = a_gateway(listener("https", allowedRoutes=allowed))
    labelled = {"kind": "Namespace", "metadata": {"name": "edge", "labels": {"team": "a"}}}
    assert resolve(server(), found, labelled)[1] == []
    wanted = server(create_namespace=True, namespace_labels={"team": "a"})
    assert resolve(wanted, found)[1] == []
    (warning,) = resolve(server(), found, unreadable=("Namespace",))[1]
    assert "may not get Namespace edge" in warning
    by_name = {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}
    allowed["namespaces"]["selector"] = by_name
    assert resolve(server(), found)[1] == []


def test_selectors() -> None:
    labels = {"team": "a"}

    def fits(operator: str, *listed: str, key: str = "team") -> bool:
        item = {"key": key, "operator": operator, "values": list(listed)}
        return listeners.selects({"matchExpressions": [item]}, labels)

    assert fits("In", "a", "b") and not fits("In", "b")
    assert fits("NotIn", "b") and not fits("NotIn", "a") and fits("NotIn", "b", key="x")
    assert fits("Exists") and not fits("Exists", key="x")
    assert fits("DoesNotExist", key="x") and not fits("DoesNotExist")
    assert not fits("Odd") and listeners.selects({}, labels)


LABEL = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(LABEL, min_size=1, max_size=4), LABEL)
def test_a_star_is_one_or_more_labels(labels: list[str], more: str) -> None:
    domain = ".".join(labels)
    assert listeners.covers(f"*.{domain}", f"{more}.{domain.upper()}")
    assert listeners.covers(f"*.{domain}", f"x.{more}.{domain}")
    assert not listeners.covers(f"*.{domain}", domain)
    assert not listeners.covers(f"*.{domain}", f"{more}{domain}")
    assert listeners.covers("", domain) and listeners.covers(domain, domain)


def test_no_such_gateway() -> None:
    with pytest.raises(InputError, match=r"gateway\.name: Gateway gateways/edge: .* Make it in na"):
        resolve(server())
    other = {"kind": "Gateway", "metadata": {"name": "web", "namespace": "site"}}
    with pytest.raises(InputError, match="no such Gateway. It has site/web; a Gateway is made by"):
        resolve(server(), other)


def test_no_gateway_api() -> None:
    class Without(ServingCluster):
        def get(self, *_: Any) -> Any:
            raise ApiError("the cluster does not serve Gateway", status=404, reason="NotFound")

    cluster: Any = Without()
    with pytest.raises(
        InputError, match=r"expose\.controller: the cluster has no Gateway\. Gateway API 1\.1 and"
    ):
        gateway.resolved(cluster, server(), print)


def test_a_gateway_that_may_not_be_read() -> None:
    found, (warning,) = resolve(server("https"), unreadable=("Gateway",))
    assert "may not get Gateway gateways/edge, so its listeners were not checked" in warning
    assert found.addresses()["grpc"] == f"{GRPC_HOST}:443"
    with pytest.raises(ForbiddenError, match=r"or name the listener in expose\.gateway\.listener"):
        resolve(server(), unreadable=("Gateway",))


def a_route(of: str, *hostnames: str, **parent: Any) -> Object:
    """Return a route of the namespace C(web) on the Gateway."""
    ref = {"group": "g", "kind": "Gateway", "name": "edge", "namespace": "gateways", **parent}
    spec: Object = {"parentRefs": [{key: text for key, text in ref.items() if text}]}
    if hostnames:
        spec["hostnames"] = list(hostnames)
    return {"kind": of, "metadata": {"name": "site", "namespace": "web"}, "spec": spec}


def look(*routes: Object, unreadable: Sequence[str] = ()) -> list[str]:
    """Return the warnings about the hosts of a server on the listener C(https)."""
    cluster: Any = ServingCluster(unreadable=unreadable)
    for item in (a_gateway(listener("https")), *routes):
        cluster.add(item)
    warnings: list[str] = []
    spec = gateway.resolved(cluster, server("https"), warnings.append)
    exposing_checks.check(cluster, spec, warnings.append)
    return warnings


@pytest.mark.parametrize(
    ("route", "host"),
    [
        (a_route("HTTPRoute", HOST), "rest"),
        (a_route("HTTPRoute", "x.org", HOST.upper(), sectionName="https"), "rest"),
        (a_route("HTTPRoute", HOST, port=443), "rest"),
        (a_route("GRPCRoute", GRPC_HOST), "grpc"),
        (a_route("GRPCRoute", HOST), "rest"),
        (a_route("GRPCRoute", "*.example.org"), "rest"),
        (a_route("HTTPRoute", f"*.{HOST}"), "grpc"),
        (a_route("HTTPRoute"), "grpc"),
    ],
)
def test_a_host_that_is_taken(route: Object, host: str) -> None:
    message = rf"expose\.{host}\.host: {route['kind']} web/site: it has .* on listener https of Gat"
    with pytest.raises(InputError, match=message):
        look(route)


@pytest.mark.parametrize(
    "route",
    [
        a_route("HTTPRoute", "other.example.org"),
        a_route("HTTPRoute", "*.example.org", sectionName="http"),
        a_route("HTTPRoute", HOST, sectionName="http"),
        a_route("HTTPRoute", HOST, port=80),
        a_route("HTTPRoute", HOST, name="second"),
        a_route("HTTPRoute", HOST, namespace=""),
        a_route("HTTPRoute", HOST, kind="Service"),
    ],
)
def test_a_host_that_is_free(route: Object) -> None:
    assert look(route) == []


def test_a_route_that_is_refused_holds_nothing() -> None:
    route = a_route("HTTPRoute", HOST)
    (parent,) = route["spec"]["parentRefs"]
    refused = {"type": "Accepted", "status": "False"}
    route["status"] = {"parents": [{"parentRef": parent, "conditions": [refused]}]}
    assert look(route) == []
    refused["status"] = "True"
    with pytest.raises(InputError, match="HTTPRoute web/site"):
        look(route)


def test_what_the_server_has_it_keeps() -> None:
    own = a_route("HTTPRoute", HOST)
    own["metadata"] = {
        "name": "ocr-rest",
        "namespace": "edge",
        "labels": {"openvino.edge/server": "ocr"},
    }
    assert look(own) == []
    (warning,) = look(own, a_route("HTTPRoute", HOST))
    assert "expose.rest.host: HTTPRoute web/site: it has ocr.example.org" in warning
