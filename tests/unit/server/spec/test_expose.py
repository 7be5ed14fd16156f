# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ingresses, Routes and certificates: what is rendered, refused and warned about."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.diffs import masked
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import certificates
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    cluster as preflight,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    expose as exposing_checks,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.info import describe
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from ...fakes.cluster import ServingCluster
from ..conftest import MakeParams, MakeSpec, make_spec

NOW = datetime(2026, 11, 28, tzinfo=timezone.utc)
HOST = "ocr.example.org"
REST = {"rest": {"host": HOST}}
GRPC = {"grpc": {"host": f"grpc.{HOST}"}}
GIVEN = {"certificate": "-----BEGIN CERTIFICATE-----", "key": "private"}


@lru_cache
def pair(*names: str, days: int = 90, since: int = -1) -> tuple[str, str]:
    """Return a certificate for names, and its key; the days count from NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW + timedelta(days=since))
    builder = builder.not_valid_after(NOW + timedelta(days=days))
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(pem, form, serialization.NoEncryption()).decode()
    return builder.sign(key, hashes.SHA256()).public_bytes(pem).decode(), plain


def made(spec: ServerSpec, kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in render_objects(spec) if item["kind"] == kind}


def own_annotations(item: dict[str, Any]) -> dict[str, str]:
    found = item["metadata"].get("annotations", {})
    return {key: text for key, text in found.items() if not key.startswith("openvino.edge/")}


def test_nothing_is_exposed_unless_asked_for(spec: MakeSpec) -> None:
    kinds = {item["kind"] for item in render_objects(spec())}
    assert kinds == {"ServiceAccount", "ConfigMap", "Deployment", "Service"}


def test_rest_by_an_ingress(spec: MakeSpec) -> None:
    server = spec(expose={**REST, "class_name": "edge", "tls": {"secret_name": "site"}})
    (ingress,) = made(server, "Ingress").values()
    backend = {"service": {"name": "ocr", "port": {"name": "rest"}}}
    paths = [
        {"path": path, "pathType": "Prefix", "backend": backend} for path in ("/v1", "/v2", "/v3")
    ]
    assert ingress["metadata"]["name"] == "ocr-rest"
    assert ingress["spec"] == {
        "ingressClassName": "edge",
        "rules": [{"host": HOST, "http": {"paths": paths}}],
        "tls": [{"hosts": [HOST], "secretName": "site"}],
    }
    assert list(made(server, "Service")) == ["ocr"]
    assert own_annotations(ingress) == {}


@pytest.mark.parametrize(
    ("controller", "of_ingress", "of_service"),
    [
        (
            "nginx",
            {
                "nginx.ingress.kubernetes.io/backend-protocol": "GRPC",
                "nginx.ingress.kubernetes.io/force-ssl-redirect": "true",
                "nginx.ingress.kubernetes.io/proxy-body-size": "0",
            },
            {},
        ),
        (
            "traefik",
            {
                "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
                "traefik.ingress.kubernetes.io/router.tls": "true",
            },
            {"traefik.ingress.kubernetes.io/service.serversscheme": "h2c"},
        ),
        (
            "haproxy",
            {
                "haproxy.org/server-proto": "h2",
                "haproxy.org/ssl-redirect": "true",
                "haproxy.org/ssl-redirect-port": "443",
            },
            {},
        ),
        (
            "contour",
            {
                "ingress.kubernetes.io/force-ssl-redirect": "true",
                "projectcontour.io/response-timeout": "infinity",
            },
            {"projectcontour.io/upstream-protocol.h2c": "grpc"},
        ),
        ("other", {}, {}),
    ],
)
def test_grpc_speaks_http2_with_the_server(
    spec: MakeSpec, controller: str, of_ingress: dict[str, str], of_service: dict[str, str]
) -> None:
    tls = {"default_certificate": True}
    server = spec(expose={"controller": controller, **REST, **GRPC, "tls": tls})
    services, ingresses = made(server, "Service"), made(server, "Ingress")
    (port,) = services["ocr-grpc"]["spec"]["ports"]
    assert (port["name"], port["appProtocol"]) == ("grpc", "kubernetes.io/h2c")
    assert own_annotations(services["ocr-grpc"]) == of_service
    assert own_annotations(services["ocr"]) == {}, "REST is not HTTP/2"
    assert own_annotations(ingresses["ocr-grpc"]) == of_ingress
    (rule,) = ingresses["ocr-grpc"]["spec"]["rules"]
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"] == {"name": "ocr-grpc", "port": {"name": "grpc"}}
    assert ingresses["ocr-grpc"]["spec"]["tls"] == [{"hosts": [GRPC["grpc"]["host"]]}]
    assert all("serversscheme" not in key for key in own_annotations(ingresses["ocr-rest"]))
    assert "backend-protocol" not in json.dumps(ingresses["ocr-rest"])


def test_given_annotations_win(spec: MakeSpec) -> None:
    size = "nginx.ingress.kubernetes.io/proxy-body-size"
    server = spec(
        expose={
            "controller": "nginx",
            "annotations": {size: "8m", "example.com/team": "edge"},
            "rest": {"host": HOST, "annotations": {size: "9m"}},
            "grpc": {"host": HOST, "service_annotations": {"example.com/x": "y"}},
            "tls": {"secret_name": "site"},
        }
    )
    found = made(server, "Ingress")
    assert own_annotations(found["ocr-rest"])[size] == "9m"
    assert own_annotations(found["ocr-grpc"])[size] == "8m"
    assert own_annotations(found["ocr-grpc"])["example.com/team"] == "edge"
    assert own_annotations(made(server, "Service")["ocr-grpc"]) == {"example.com/x": "y"}


def test_a_given_certificate_is_kept_in_a_secret(spec: MakeSpec) -> None:
    server = spec(expose={**REST, "tls": GIVEN})
    (secret,) = made(server, "Secret").values()
    assert (secret["metadata"]["name"], secret["type"]) == ("ocr-tls", "kubernetes.io/tls")
    assert base64.b64decode(secret["data"]["tls.key"]) == b"private"
    others = [item for item in render_objects(server) if item["kind"] != "Secret"]
    assert "private" not in json.dumps(others) and "private" not in repr(server)
    shown = json.dumps(masked(secret, None))
    assert secret["data"]["tls.key"] not in shown
    (ingress,) = made(server, "Ingress").values()
    assert ingress["spec"]["tls"] == [{"hosts": [HOST], "secretName": "ocr-tls"}]


@pytest.mark.parametrize(
    ("option", "annotation"),
    [("issuer", "cert-manager.io/issuer"), ("cluster_issuer", "cert-manager.io/cluster-issuer")],
)
def test_cert_manager_writes_a_secret_for_each_ingress(
    spec: MakeSpec, option: str, annotation: str
) -> None:
    server = spec(expose={"controller": "traefik", **REST, **GRPC, "tls": {option: "site"}})
    for name, ingress in made(server, "Ingress").items():
        assert own_annotations(ingress)[annotation] == "site"
        assert ingress["spec"]["tls"][0]["secretName"] == f"{name}-tls"
    assert made(server, "Secret") == {}


def test_routes_of_openshift(spec: MakeSpec) -> None:
    leaf, _key = pair(HOST)
    issuer, _key = pair("issuer")
    rest = {"host": HOST, "paths": ["/v2", "/v2/models/Adder", "/"]}
    tls = {"certificate": leaf + issuer, "key": "private"}
    grpc_own = {"grpc": {**GRPC["grpc"], "tls": {"secret_name": "grpc-site"}}}
    server = spec(expose={"controller": "openshift", "rest": rest, **grpc_own, "tls": tls})
    routes = made(server, "Route")
    assert made(server, "Ingress") == {}
    assert [route["spec"].get("path") for route in routes.values()] == [
        "/v2",
        "/v2/models/Adder",
        None,
        None,
    ]
    assert {"ocr-rest", "ocr-rest-v2", "ocr-grpc"} < set(routes) and len(routes) == 4
    assert routes["ocr-rest"]["spec"]["tls"] == {
        "termination": "edge",
        "insecureEdgeTerminationPolicy": "Redirect",
        "externalCertificate": {"name": "ocr-tls"},
        "caCertificate": issuer,
    }
    grpc = routes["ocr-grpc"]["spec"]
    assert (grpc["to"]["name"], grpc["port"]) == ("ocr-grpc", {"targetPort": "grpc"})
    assert grpc["tls"]["insecureEdgeTerminationPolicy"] == "None"
    (secret,) = made(server, "Secret").values()
    assert base64.b64decode(secret["data"]["tls.crt"]).decode() == leaf
    assert "private" not in json.dumps(routes)
    plain = made(spec(expose={"controller": "openshift", **REST}), "Route")
    assert all("tls" not in route["spec"] for route in plain.values())


def test_what_clients_write(spec: MakeSpec) -> None:
    def addresses(**expose: Any) -> dict[str, str]:
        found = spec(expose=expose).running.expose
        assert found is not None
        return found.addresses()

    assert addresses(**REST) == {"rest": f"http://{HOST}"}
    both = addresses(**REST, **GRPC, tls={"default_certificate": True})
    assert both == {"rest": f"https://{HOST}", "grpc": f"grpc.{HOST}:443"}


def test_only_what_is_used_needs_a_right(params: MakeParams) -> None:
    def rights(**options: Any) -> set[str]:
        found = preflight.access_for(make_spec(**options), wait=False)
        return {f"{access.resource}/{access.subresource}".rstrip("/") for access in found}

    plain = rights()
    assert rights(expose={**REST}) - plain == {"ingresses"}
    assert rights(expose={**REST, "tls": {"secret_name": "x"}}) - plain == {"ingresses"}
    assert rights(expose={**REST, "tls": GIVEN}) - plain == {"ingresses", "secrets"}
    openshift = rights(expose={**REST, "controller": "openshift"})
    assert openshift - plain == {"routes", "routes/custom-host"}


def test_the_second_service_does_not_hide_the_first(spec: MakeSpec) -> None:
    objects = render_objects(spec(expose=GRPC))
    services = [item for item in objects if item["kind"] == "Service"]
    (server,) = describe(services)
    assert server["service"]["endpoints"]["rest"] == "ocr.edge.svc:8081"


NGINX = {"controller": "nginx", **GRPC}
OPENSHIFT = {"controller": "openshift", **REST}


@pytest.mark.parametrize(
    ("expose", "message"),
    [
        ({"rest": {"host": "10.0.0.5"}}, r"rest\.host: '10\.0\.0\.5' is an address"),
        ({"rest": {"host": "[::1]"}}, r"is an address"),
        ({"rest": {"host": "OCR.example.org"}}, r"'OCR\.example\.org' is not a DNS name"),
        ({"rest": {"host": "*.example.org"}}, r"not a DNS name\. Write a name like"),
        ({"grpc": {"host": "a" * 64}}, r"expose\.grpc\.host: .* not a DNS name"),
        ({"rest": {"host": HOST, "paths": ["/v2", "/ocr/v2"]}}, r"paths\[1\]: .*not rewritten"),
        ({"rest": {"host": HOST, "paths": ["/v20"]}}, r"answers nothing at '/v20'"),
        ({"rest": {"host": HOST, "paths": ["/v2/../metrics"]}}, r"answers nothing at"),
        ({"rest": {"host": HOST, "paths": []}}, r"expose\.rest\.paths: it is empty"),
        (NGINX, r"expose\.grpc: nginx speaks HTTP/2, .* only over TLS\. Set expose\.tls"),
        ({**OPENSHIFT, **GRPC}, r"expose\.grpc: the router speaks HTTP/2"),
        ({**OPENSHIFT, "class_name": "x"}, r"expose\.class_name: a Route has no class"),
        ({**OPENSHIFT, "tls": {"issuer": "x"}}, r"expose\.tls\.issuer: cert-manager itself"),
        (
            {**OPENSHIFT, **GRPC, "tls": {"default_certificate": True}},
            r"default_certificate: .*certificate of its own",
        ),
        ({**REST, "tls": {"default_certificate": False}}, r"expose\.tls: it names no certificate"),
        ({**REST, "tls": {"secret_name": "A B"}}, r"expose\.tls\.secret_name: 'A B'"),
        ({**REST, "annotations": {"openvino.edge/x": "y"}}, r"set by the collection"),
    ],
)
def test_refusals(spec: MakeSpec, expose: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spec(expose=expose)


def test_the_name_has_room_for_the_second_service(spec: MakeSpec) -> None:
    with pytest.raises(InputError, match="name: .*58 characters"):
        spec(expose=GRPC, name="a" * 59)
    spec(expose=REST, name="a" * 63)


def check(certificate: str, key: str, *hosts: str) -> list[str]:
    named = {f"expose.{index}": host for index, host in enumerate(hosts or (HOST,))}
    return certificates.check(certificate, key, named, NOW, option="expose.tls.certificate")


def test_a_certificate_that_works() -> None:
    leaf, key = pair(HOST)
    assert check(leaf, key) == []
    assert check(leaf + leaf, key) == [], "it has issued itself"
    wild, wild_key = pair("*.example.org", HOST)
    assert check(wild, wild_key, HOST, "other.example.org") == []


def test_a_certificate_that_soon_expires_is_warned_about() -> None:
    (text,) = check(*pair(HOST, days=13))
    assert "expires on 2026-12-11 00:00 UTC" in text
    assert check(*pair(HOST, days=14)) == []


@pytest.mark.parametrize(
    ("certificate", "key", "host", "message"),
    [
        (pair(HOST)[0], pair("other")[1], HOST, r"key is not that of the first certificate \(ocr"),
        (pair("issuer")[0] + pair(HOST)[0], pair(HOST)[1], HOST, "own certificate first"),
        (*pair("a.org", "b.org"), HOST, r"does not cover ocr\.example\.org of expose\.0: .*a\.org"),
        (*pair("*.example.org"), "a.ocr.example.org", "does not cover a.ocr.example.org"),
        (*pair(), HOST, "it has no alternative names"),
        (*pair(HOST, days=0), HOST, "expired on 2026-11-28 00:00 UTC"),
        (*pair(HOST, since=1), HOST, "valid from 2026-11-29"),
        ("nothing", "hidden-part", HOST, "no certificate in PEM form"),
        (pair(HOST)[0], "hidden-part", HOST, "no private key in PEM form"),
    ],
)
def test_a_certificate_that_does_not(certificate: str, key: str, host: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check(certificate, key, host)
    assert "hidden-part" not in str(caught.value)
    assert caught.value.option == "expose.tls.certificate"


def test_an_encrypted_key_is_told_apart() -> None:
    leaf, plain = pair(HOST)
    key = serialization.load_pem_private_key(plain.encode(), None)
    secret = serialization.BestAvailableEncryption(b"hidden")
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    with pytest.raises(InputError, match="the key is encrypted"):
        check(leaf, key.private_bytes(pem, form, secret).decode())


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(LABEL, min_size=1, max_size=4), LABEL)
def test_a_star_is_exactly_one_label(labels: list[str], more: str) -> None:
    domain = ".".join(labels)
    assert certificates.matches(f"{more}.{domain}", f"*.{domain.upper()}")
    assert not certificates.matches(domain, f"*.{domain}")
    assert not certificates.matches(f"x.{more}.{domain}", f"*.{domain}")


def look(cluster: ServingCluster, **expose: Any) -> list[str]:
    """Return the warnings of the checks on a cluster."""
    warnings: list[str] = []
    exposing_checks.check(cluster, make_spec(expose=expose), warnings.append)  # type: ignore[arg-type]
    return warnings


def an_ingress_class(name: str, controller: str, **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "annotations": annotations}
    return {"kind": "IngressClass", "metadata": metadata, "spec": {"controller": controller}}


def test_classes_are_compared_where_they_can_be_seen() -> None:
    cluster = ServingCluster()
    (warning,) = look(cluster, **REST)
    assert "no IngressClass is the cluster's default" in warning
    default = {"ingressclass.kubernetes.io/is-default-class": "true"}
    cluster.add(an_ingress_class("web", "traefik.io/ingress-controller", **default))
    assert look(cluster, **REST) == []
    with pytest.raises(InputError, match="IngressClass edge: .* no such IngressClass. It has web"):
        look(cluster, **REST, class_name="edge", controller="traefik")
    (warning,) = look(cluster, **REST, class_name="edge", controller="contour")
    assert "the cluster has no IngressClass edge. It has web." in warning
    (warning,) = look(cluster, **GRPC)
    assert "Set traefik, or give the annotations" in warning
    with pytest.raises(InputError, match="expose.controller: IngressClass web: it is haproxy"):
        look(cluster, **GRPC, controller="haproxy")
    assert look(cluster, **GRPC, controller="traefik", class_name="web") == []
    assert look(ServingCluster(unreadable=("IngressClass",)), **REST, class_name="edge") == []


def test_a_closed_server_cannot_be_exposed() -> None:
    closed = make_spec(expose=REST, network_policy={})
    with pytest.raises(
        InputError, match=r"expose: network_policy lets nobody in, .* Name the name"
    ):
        exposing_checks.check_given(closed, print)
    policy = {"namespaces": ["kube-system"]}
    exposing_checks.check_given(make_spec(expose=REST, network_policy=policy), print)
    exposing_checks.check_given(make_spec(network_policy={}), print)


def test_a_given_certificate_is_checked_without_a_cluster() -> None:
    with pytest.raises(InputError, match="expose.tls.certificate: it is no certificate"):
        exposing_checks.check_given(make_spec(expose={**REST, "tls": GIVEN}), print)


def a_secret(certificate: str, key: str, kind: str = "kubernetes.io/tls") -> dict[str, Any]:
    data = {"tls.crt": certificate, "tls.key": key}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
    return {"kind": "Secret", "metadata": {"name": "site"}, "type": kind, "data": encoded}


def test_an_existing_secret_is_read_where_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return NOW

    monkeypatch.setattr(exposing_checks, "datetime", Clock)
    expose = {**REST, "tls": {"secret_name": "site"}}
    cluster = ServingCluster(unreadable=("IngressClass",))
    with pytest.raises(InputError, match="Secret edge/site: it does not exist. kubectl create"):
        look(cluster, **expose)
    cluster.add(a_secret(*pair(HOST), kind="Opaque"))
    with pytest.raises(InputError, match="its type is Opaque, and has to be kubernetes.io/tls"):
        look(cluster, **expose)
    cluster.add(a_secret(pair(HOST)[0], ""))
    with pytest.raises(InputError, match=r"its key tls\.key is empty"):
        look(cluster, **expose)
    cluster.add(a_secret(*pair("other")))
    with pytest.raises(InputError, match="secret_name: Secret edge/site: the certificate does not"):
        look(cluster, **expose)
    cluster.add(a_secret(*pair(HOST)))
    assert look(cluster, **expose) == []
    (warning,) = look(ServingCluster(unreadable=("IngressClass", "Secret")), **expose)
    assert "may not get Secret edge/site" in warning
