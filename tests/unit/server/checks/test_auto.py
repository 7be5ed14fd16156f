# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(expose.controller=auto) stands for, on clusters that offer different things."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.server import entry
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import auto
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec

from ...fakes.cluster import Cluster
from ..conftest import make_params, make_spec

Object = dict[str, Any]
HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
ROUTES, PROXIES = "route.openshift.io/v1", "projectcontour.io/v1"
NGINX, TRAEFIK = "k8s.io/ingress-nginx", "traefik.io/ingress-controller"
SITE = {"secret_name": "site"}
LISTENERS = {"default_certificate": True}


@dataclass
class Offering(Cluster):
    """A cluster that does not serve some kinds."""

    missing: Sequence[str] = ()

    def list(self, api_version: str, kind: str, *args: Any, **kwargs: Any) -> Any:
        """See KubeClient."""
        if kind in self.missing:
            raise ApiError(f"no {kind}", status=404)
        return super().list(api_version, kind, *args, **kwargs)


def a_class(name: str, controller: str, *, default: bool = False) -> Object:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "annotations": annotations}
    return {"kind": "IngressClass", "metadata": metadata, "spec": {"controller": controller}}


def a_gateway(name: str = "edge", hostname: str = "*.example.org", **frontend: Any) -> Object:
    listeners = [
        {
            "name": "https",
            "protocol": "HTTPS",
            "port": 443,
            "hostname": hostname,
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
    ]
    spec = {"listeners": listeners, **({"tls": {"frontend": frontend}} if frontend else {})}
    metadata = {"name": name, "namespace": "gateways", "generation": 1}
    return {"kind": "Gateway", "metadata": metadata, "spec": spec}


def offering(*objects: Object, **more: Any) -> Offering:
    made = Offering(**more)
    for item in objects:
        made.add(item)
    return made


def server(reach: str = "auto", **changes: Any) -> ServerSpec:
    expose: Object = {
        "controller": "auto",
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST},
        "tls": SITE,
        **changes,
    }
    given = {key: value for key, value in expose.items() if value is not None}
    return make_spec(expose=given, reach=reach)


def decide(cluster: Any, spec: ServerSpec) -> Any:
    """Return what is told of the decision; nothing is written for it."""
    found = auto.resolved(cluster, spec)
    assert cluster.writes() == []
    return auto.told(found.running.expose)


NO_GATEWAYS = {"missing": ("Gateway", "HTTPRoute", "GRPCRoute")}


@pytest.mark.parametrize(
    ("cluster", "controller", "class_name", "why"),
    [
        (offering(a_class("web", NGINX)), "nginx", "web", "is of k8s.io/ingress-nginx, and the cl"),
        (
            offering(a_class("web", NGINX), a_class("traefik", TRAEFIK, default=True)),
            "traefik",
            "traefik",
            "and it is the cluster's default",
        ),
        (offering(a_class("web", "haproxy.org/ingress-controller/edge")), "haproxy", "web", ""),
        (
            offering(a_class("web", "example.org/own")),
            "other",
            "web",
            "is of example.org/own, .* no annotations are known for it",
        ),
        (offering(served=(PROXIES,)), "contour", None, "serves HTTPProxies, which are Contour's"),
        (
            offering(a_class("c", "projectcontour.io/ingress-controller"), served=(PROXIES,)),
            "contour",
            "c",
            "",
        ),
        (offering(a_class("web", NGINX), **NO_GATEWAYS), "nginx", "web", ""),
        (offering(a_class("web", NGINX), unreadable=("HTTPRoute",)), "nginx", "web", ""),
    ],
)
def test_the_only_way_there_is(
    cluster: Any, controller: str, class_name: str | None, why: str
) -> None:
    found = decide(cluster, server())
    assert (found["controller"], found["class_name"]) == (controller, class_name)
    assert found["gateway"] is None
    assert re.search(why, found["why"])


def test_openshift_makes_routes() -> None:
    """Its class of Ingresses leads to the same router, and is no other way."""
    cluster = offering(a_class("openshift-default", "openshift.io/ingress-to-route"))
    cluster.served = (ROUTES,)
    own = {"host": GRPC_HOST, "tls": {"secret_name": "own"}}
    found = decide(cluster, server(grpc=own))
    assert (found["controller"], found["why"]) == ("openshift", "the cluster serves Routes")
    with pytest.raises(InputError, match="only for a certificate that no other Route uses"):
        decide(cluster, server())
    named = decide(cluster, server(class_name="openshift-default"))
    assert named["controller"] == "other"


def test_a_gateway_that_lets_the_hosts_in() -> None:
    cluster: Any = offering(a_gateway("far", "*.example.net"), a_gateway())
    spec = auto.resolved(cluster, server(tls=LISTENERS))
    told = auto.told(spec.running.expose)
    assert (told["controller"], told["gateway"]) == ("gateway", "gateways/edge")
    assert told["why"] == "Gateway gateways/edge lets clients of the hosts in"
    made = {(item["kind"], item["metadata"]["name"]): item for item in render_objects(spec)}
    parent = {"name": "edge", "namespace": "gateways"}
    assert made["HTTPRoute", "ocr-rest"]["spec"]["parentRefs"] == [parent]


def test_what_the_options_name_is_not_looked_for() -> None:
    both = offering(a_class("web", NGINX), a_class("traefik", TRAEFIK), a_gateway())
    assert decide(both, server(class_name="traefik"))["controller"] == "traefik"
    named = {"name": "edge", "namespace": "gateways", "listener": "https"}
    told = decide(both, server(gateway=named, tls=LISTENERS))
    assert (told["gateway"], told["why"]) == ("gateways/edge", "Gateway gateways/edge is named")
    own = {"host": HOST, "listener": "https"}
    assert decide(both, server(rest=own, tls=LISTENERS))["controller"] == "gateway"
    assert decide(both, server("gateway", tls=LISTENERS))["controller"] == "gateway"
    one = offering(a_class("web", NGINX), a_gateway())
    assert decide(one, server("ingress", tls=LISTENERS))["controller"] == "nginx"
    # The certificate that is named is no listener's, which leaves one.
    assert decide(one, server())["controller"] == "nginx"


def test_several_are_named() -> None:
    cluster = offering(a_class("web", NGINX), a_class("traefik", TRAEFIK), a_gateway())
    with pytest.raises(InputError) as caught:
        decide(cluster, server(tls=LISTENERS))
    told = str(caught.value)
    assert told.startswith("expose.controller: the cluster offers more than one way in: ")
    for offer in (
        "expose.controller: nginx, expose.class_name: web",
        "expose.controller: traefik, expose.class_name: traefik",
        "expose.controller: gateway, expose.gateway.namespace: gateways, expose.gateway.name: edge",
    ):
        assert f"{offer} (" in told
    assert told.endswith("Set one of them.")


@pytest.mark.parametrize(
    ("cluster", "changes", "message"),
    [
        (
            offering(**NO_GATEWAYS),
            {},
            r"^expose\.controller: the cluster offers no way in that fits: Gateway API: the cluster"
            r" has no Gateway, HTTPRoute, GRPCRoute in v1\. Have a controller installed",
        ),
        (offering(), {}, "fits: no IngressClass, Route or Gateway"),
        (offering(missing=("GRPCRoute",)), {}, "the cluster has no GRPCRoute in v1"),
        (offering(a_class("web", NGINX)), {"tls": None}, "speaks HTTP/2, which gRPC needs, with"),
        (
            offering(a_class("web", TRAEFIK)),
            {"client_auth": {"ca": "x"}},
            "controller: traefik, expose.class_name: web: traefik cannot check it",
        ),
        (
            offering(a_gateway(hostname="*.example.net")),
            {"tls": LISTENERS},
            r"hostname \*\.example\.net does not cover",
        ),
        (
            offering(a_class("web", NGINX)),
            {"class_name": "gone"},
            r"IngressClass gone: the cluster has no such class \(it has web\)",
        ),
    ],
)
def test_nothing_that_fits(cluster: Any, changes: Object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decide(cluster, server(**changes))


@pytest.mark.parametrize("kind", ["IngressClass", "Gateway"])
def test_what_may_not_be_seen_is_said(kind: str) -> None:
    cluster = offering(a_class("web", NGINX), unreadable=(kind,))
    with pytest.raises(ForbiddenError) as caught:
        decide(cluster, server())
    told = str(caught.value)
    assert f"may not list {kind.lower()}" in told and "or name the controller" in told
    assert caught.value.option == "expose.controller"


def kept(cluster: Any, spec: ServerSpec) -> Any:
    """Decide, and put the Service there that a run would make."""
    found = auto.resolved(cluster, spec)
    service = next(item for item in render_objects(found) if item["kind"] == "Service")
    cluster.add(service)
    return auto.told(found.running.expose)


def test_a_second_class_does_not_move_a_server() -> None:
    cluster = offering(a_class("web", NGINX))
    first = kept(cluster, server())
    cluster.add(a_class("traefik", TRAEFIK, default=True))
    cluster.add(a_gateway())
    again = decide(cluster, server())
    assert {**again, "why": ""} == {**first, "why": ""}
    cluster.add(a_class("another", NGINX))
    del cluster.objects["IngressClass", "traefik"]
    again = decide(cluster, server())
    assert {**again, "why": ""} == {**first, "why": ""}
    assert again["why"].startswith("the server has it already, and IngressClass web is of")
    cluster.unreadable = ("IngressClass",)
    assert decide(cluster, server())["why"] == "the server has it already"
    cluster.unreadable = ()
    # What has gone is not kept.
    del cluster.objects["IngressClass", "web"]
    assert decide(cluster, server())["class_name"] == "another"


def test_a_server_whose_controller_was_named_stays_with_its_kind() -> None:
    cluster = offering(a_class("web", NGINX), a_gateway())
    named = {"name": "edge", "namespace": "gateways", "listener": "https"}
    before = server(controller="gateway", gateway=named, tls=LISTENERS)
    cluster.add(next(item for item in render_objects(before) if item["kind"] == "Service"))
    assert decide(cluster, server(tls=LISTENERS))["gateway"] == "gateways/edge"


def test_a_default_that_comes_later_does_not_count() -> None:
    cluster = offering(a_class("web", NGINX))
    kept(cluster, server())
    cluster.add(a_class("traefik", TRAEFIK, default=True))
    assert decide(cluster, server())["class_name"] == "web"


def test_contour_without_a_class_is_kept_as_well() -> None:
    cluster = offering(served=(PROXIES,))
    kept(cluster, server())
    cluster.add(a_class("traefik", TRAEFIK, default=True))
    assert decide(cluster, server())["controller"] == "contour"
    cluster.served = ()
    assert decide(cluster, server())["controller"] == "traefik"


def test_who_names_the_controller_is_not_asked() -> None:
    cluster: Any = offering()
    spec = server(controller="traefik")
    assert auto.resolved(cluster, spec) is spec and cluster.calls == []
    assert auto.told(spec.running.expose) == {
        "controller": "traefik",
        "class_name": None,
        "gateway": None,
        "why": "expose.controller says so",
    }
    assert auto.told(None) == {}


def test_rights_are_known_without_the_cluster() -> None:
    """Those for the kinds of the way in come with the decision."""
    expose = {"controller": "auto", "rest": {"host": HOST}}
    rights = entry.required_access({**make_params(expose=expose), "wait": False})
    assert rights and not {item.resource for item in rights} & {"ingresses", "httproutes"}
