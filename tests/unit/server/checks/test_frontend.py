# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates that a Gateway asks for, compared with what a server is to ask for."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    client_auth,
    cluster,
    gateway,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.clients import ways
from ansible_collections.openvino.edge.plugins.module_utils.server.clients.reached import from_spec
from ansible_collections.openvino.edge.plugins.module_utils.server.render.exposure import note
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

Object = dict[str, Any]
HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
EVERYWHERE = {"namespaces": {"from": "All"}}
FEATURE = "GatewayFrontendClientCertificateValidation"


def pem(text: str) -> str:
    """Return what looks like a certificate; it is compared, not read."""
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


ONE, OTHER = pem("AAAA"), pem("BBBB")


def listener(name: str, port: int, hostname: str, protocol: str = "HTTPS") -> Object:
    made = {"name": name, "protocol": protocol, "port": port, "hostname": hostname}
    return {**made, "allowedRoutes": EVERYWHERE}


def validation(*refs: Object, **more: Any) -> Object:
    default = {"group": "", "kind": "ConfigMap", "name": "clients"}
    return {"validation": {"caCertificateRefs": list(refs or (default,)), **more}}


def a_gateway(default: Object | None = None, *ports: Object, **more: Any) -> Object:
    """Return a Gateway with a port for each of REST and gRPC."""
    frontends = {"default": default or {}, "perPort": list(ports)}
    spec: Object = {
        "gatewayClassName": "edge",
        "listeners": [listener("rest", 443, HOST), listener("grpc", 8443, GRPC_HOST)],
        "tls": {"frontend": frontends},
        **more,
    }
    metadata = {"name": "edge", "namespace": "gateways", "generation": 1}
    return {"kind": "Gateway", "metadata": metadata, "spec": spec}


def config_map(*certificates: str, name: str = "clients") -> Object:
    metadata = {"name": name, "namespace": "gateways"}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": "".join(certificates)}}


def secret(*certificates: str, name: str, namespace: str) -> Object:
    text = base64.b64encode("".join(certificates).encode()).decode()
    metadata = {"name": name, "namespace": namespace}
    return {"kind": "Secret", "metadata": metadata, "data": {"ca.crt": text}}


def server(auth: Object | None = None, **changes: Any) -> ServerSpec:
    expose: Object = {
        "controller": "gateway",
        "gateway": {"name": "edge", "namespace": "gateways"},
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST},
        "tls": {"default_certificate": True},
        **({"client_auth": auth} if auth else {}),
        **changes,
    }
    return make_spec(expose=expose)


def resolve(spec: ServerSpec, *objects: Object, unreadable: Sequence[str] = ()) -> ServerSpec:
    memory: Any = ServingCluster(unreadable=unreadable)
    for item in objects:
        memory.add(item)
    found = gateway.resolved(memory, spec, lambda _text: None)
    assert memory.writes() == []
    return found


def asked(spec: ServerSpec) -> tuple[str, ...]:
    return note.note_of(spec).asks


PORT = {"port": 8443, "tls": validation()}


@pytest.mark.parametrize(
    ("front", "interfaces"),
    [
        (a_gateway(), ()),
        (a_gateway(validation()), ("rest", "grpc")),
        (a_gateway(validation(mode="AllowValidOnly")), ("rest", "grpc")),
        (a_gateway(validation(mode="AllowInsecureFallback")), ()),
        (a_gateway(None, PORT), ("grpc",)),
        (a_gateway(validation(), {"port": 8443, "tls": {}}), ("rest",)),
        (a_gateway(validation(), {"port": 9443, "tls": {}}), ("rest", "grpc")),
    ],
)
def test_whom_a_gateway_asks_is_told_without_the_option(
    front: Object, interfaces: tuple[str, ...]
) -> None:
    found = resolve(server(), front)
    assert asked(found) == interfaces
    services = [item for item in render_objects(found) if item["kind"] == "Service"]
    assert sorted(note.read(services[0]).asks) == sorted(interfaces)


def test_clients_are_told_for_each_interface() -> None:
    """A listener of its own, with another port, may ask and the other not."""
    found = resolve(server(), a_gateway(None, PORT))
    reached = from_spec(found, "ocr", {"rest": 8081, "grpc": 8080}, {}, None)
    needed = {item["interface"]: item for item in ways.told(reached) if item["way"] == "gateway"}
    assert not needed["rest"]["client_certificate"] and needed["grpc"]["client_certificate"]
    assert "--cert" not in needed["rest"]["calls"]["curl"]
    assert "certificate_chain" in needed["grpc"]["calls"]["tritonclient"]


def test_plain_text_has_no_certificates() -> None:
    plain = [listener("rest", 80, HOST, "HTTP"), listener("grpc", 80, GRPC_HOST, "HTTP")]
    assert asked(resolve(server(tls=None), a_gateway(validation(), listeners=plain))) == ()


@pytest.mark.parametrize("auth", [{"ca": f"who: x\n{ONE}"}, {"secret_name": "ours"}])
def test_the_same_authority_on_both_sides(auth: Object) -> None:
    ours = secret(ONE, name="ours", namespace="edge")
    spec = server(auth)
    for objects in (
        (a_gateway(validation()), config_map(ONE.replace("AAAA", "AA\nAA"))),
        (
            a_gateway(validation({"group": "", "kind": "Secret", "name": "kept"})),
            secret(ONE, name="kept", namespace="gateways"),
        ),
    ):
        found = resolve(spec, *objects, ours)
        assert asked(found) == ("rest", "grpc")
        kinds = {item["kind"] for item in render_objects(found)}
        assert "Secret" not in kinds, "the Gateway has its CA already"


def test_several_authorities_in_several_places() -> None:
    far = {"group": "", "kind": "ConfigMap", "name": "far", "namespace": "gateways"}
    near = {"group": "", "kind": "ConfigMap", "name": "clients"}
    front = a_gateway(validation(near, far))
    spec = server({"ca": OTHER + ONE})
    assert asked(resolve(spec, front, config_map(ONE), config_map(OTHER, name="far")))


@pytest.mark.parametrize(
    ("ca", "front", "message"),
    [
        (ONE, a_gateway(), "it asks no client of port 443 for a certificate. Have spec.tls.fron"),
        (ONE, a_gateway(None, PORT), "it asks no client of port 443"),
        (ONE, a_gateway(validation(), {"port": 8443, "tls": {}}), "asks no client of port 8443"),
        (
            ONE,
            a_gateway(validation(mode="AllowInsecureFallback")),
            r"without a valid certificate, too \(mode AllowInsecureFallback\)\. Have the mode set",
        ),
        (OTHER, a_gateway(validation()), "it admits clients of other CAs as well.* ConfigMap gate"),
        (ONE + OTHER, a_gateway(validation()), "it refuses clients of a CA that is asked for"),
        (
            ONE,
            a_gateway(validation({"group": "x.org", "kind": "Bundle", "name": "b"})),
            "its CA is in Bundle b, which cannot be compared",
        ),
        (
            ONE,
            a_gateway(validation({"group": "", "kind": "ConfigMap", "name": "gone"})),
            "ConfigMap gateways/gone: it does not exist",
        ),
        (
            ONE,
            a_gateway(validation({"group": "", "kind": "ConfigMap", "name": "empty"})),
            r"ConfigMap gateways/empty: its key ca\.crt has no certificate",
        ),
    ],
)
def test_a_gateway_that_asks_for_something_else(ca: str, front: Object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        resolve(server({"ca": ca}), front, config_map(ONE), config_map(name="empty"))
    assert caught.value.option == "expose.client_auth"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Gateway", r"what it asks clients for has to be compared with expose\.client_auth"),
        ("ConfigMap", r"so that its CA can be compared, or leave client_auth out"),
    ],
)
def test_what_may_not_be_read_is_not_believed(kind: str, message: str) -> None:
    named = {"name": "edge", "namespace": "gateways", "listener": "rest"}
    spec = server({"ca": ONE}, gateway=named, grpc={"host": GRPC_HOST, "listener": "grpc"})
    with pytest.raises(ForbiddenError, match=message):
        resolve(spec, a_gateway(validation()), config_map(ONE), unreadable=(kind,))


ENVOY = "gateway.envoyproxy.io/gatewayclass-controller"


def a_class(controller: str, *features: Any) -> Object:
    status = {"supportedFeatures": list(features)} if features else {}
    spec = {"controllerName": controller}
    return {"kind": "GatewayClass", "metadata": {"name": "edge"}, "spec": spec, "status": status}


def saying(front: Object, *conditions: str, generation: int = 1) -> Object:
    """Return a Gateway of which its controller says these, for a generation."""
    told = [
        {"type": name, "status": "True", "observedGeneration": generation} for name in conditions
    ]
    return {**front, "status": {"conditions": told}}


ASKS = a_gateway(validation())


@pytest.mark.parametrize(
    ("found", "front", "outcome"),
    [
        (a_class("a.org/gateways", {"name": FEATURE}), ASKS, ""),
        (a_class("a.org/gateways", "Gateway", FEATURE), ASKS, ""),
        (a_class("a.org/gateways", {"name": "Gateway"}), ASKS, "refused"),
        (a_class("projectcontour.io/gateway-controller"), ASKS, "refused"),
        (a_class("a.org/gateways"), saying(ASKS, "Accepted", "ResolvedRefs"), "lists no features"),
        (a_class(ENVOY), ASKS, "lists no features"),
        (a_class(ENVOY), saying(ASKS, "Accepted", "ResolvedRefs"), ""),
        (a_class(ENVOY), saying(ASKS, "Accepted"), "refused"),
        (a_class(ENVOY), saying(ASKS, "Accepted", generation=0), "lists no features"),
        (None, ASKS, "lists no features"),
        ("forbidden", ASKS, "may not get GatewayClass edge"),
    ],
)
def test_a_controller_that_does_not_read_it(found: Any, front: Object, outcome: str) -> None:
    """Its Gateway looks as if it asked clients, and lets everybody in."""
    unreadable = ("GatewayClass",) if found == "forbidden" else ()
    memory: Any = ServingCluster(unreadable=unreadable)
    for item in (front, config_map(ONE), found):
        if isinstance(item, dict):
            memory.add(item)
    said: list[str] = []
    gateway.resolved(memory, server(), said.append)
    assert said == [], "nobody relies on it"
    if outcome == "refused":
        with pytest.raises(EdgeError, match="checks no client certificates on a Gateway") as caught:
            gateway.resolved(memory, server({"ca": ONE}), said.append)
        assert caught.value.subject == "GatewayClass edge"
        return
    gateway.resolved(memory, server({"ca": ONE}), said.append)
    assert len(said) == bool(outcome)
    assert all(outcome in text and "try it without one" in text for text in said)


def a_policy(validation_: Object | None, **targets: Any) -> Object:
    tls = {"clientValidation": validation_} if validation_ is not None else {}
    metadata = {"name": "clients", "namespace": "gateways"}
    return {"kind": "ClientTrafficPolicy", "metadata": metadata, "spec": {"tls": tls, **targets}}


NAMED = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}
OPTIONAL = {"optional": True}


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (a_policy(OPTIONAL, targetRefs=[NAMED]), "refused"),
        (a_policy(OPTIONAL, targetRefs=[{**NAMED, "sectionName": "rest"}]), "refused"),
        (a_policy(OPTIONAL, targetRef=NAMED), "refused"),
        (
            a_policy(OPTIONAL, targetSelectors=[{"kind": "Gateway", "matchLabels": {"a": "b"}}]),
            "refused",
        ),
        (
            a_policy(OPTIONAL, targetSelectors=[{"kind": "Gateway", "matchLabels": {"a": "c"}}]),
            "",
        ),
        (a_policy(OPTIONAL, targetRefs=[{**NAMED, "name": "other"}]), ""),
        (a_policy(None, targetRefs=[NAMED]), ""),
        ("forbidden", "may not list clienttrafficpolicies"),
        ("unserved", ""),
    ],
)
def test_a_policy_in_the_place_of_the_gateway(policy: Any, outcome: str) -> None:
    """Envoy Gateway's own kind may let everybody in, whatever its Gateway says."""

    class Without(ServingCluster):
        def list(self, api_version: str, kind: str, *args: Any, **kwargs: Any) -> Any:
            if policy == "unserved" and kind == "ClientTrafficPolicy":
                raise ApiError("no such kind", status=404)
            return super().list(api_version, kind, *args, **kwargs)

    unreadable = ("ClientTrafficPolicy",) if policy == "forbidden" else ()
    memory: Any = Without(unreadable=unreadable)
    front = saying(ASKS, "Accepted", "ResolvedRefs")
    labelled = {**front, "metadata": {**front["metadata"], "labels": {"a": "b"}}}
    for item in (labelled, config_map(ONE), a_class(ENVOY), policy):
        if isinstance(item, dict):
            memory.add(item)
    said: list[str] = []
    gateway.resolved(memory, server(), said.append)
    if outcome == "refused":
        with pytest.raises(InputError, match="take the place of those of the Gateway") as caught:
            gateway.resolved(memory, server({"ca": ONE}), said.append)
        assert caught.value.subject == "ClientTrafficPolicy gateways/clients"
        return
    gateway.resolved(memory, server({"ca": ONE}), said.append)
    assert len(said) == bool(outcome) and all(outcome in text for text in said)


def test_the_rights_that_it_needs() -> None:
    named = {"name": "edge", "namespace": "gateways", "listener": "rest"}
    for auth, needed in (({"ca": ONE}, True), (None, False)):
        rights = cluster.access_for(server(auth, gateway=named), wait=False)
        assert needed == any(item.resource == "gateways" for item in rights)


def test_a_secret_of_ours_is_looked_at() -> None:
    memory: Any = ServingCluster()
    spec = server({"secret_name": "ours"})
    assert spec.running.expose is not None
    with pytest.raises(InputError, match=r"Secret edge/ours: it does not exist"):
        client_auth.check(memory, "edge", spec.running.expose, lambda _text: None)
