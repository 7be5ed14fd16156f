# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates: what each controller is told, and what it cannot check is refused."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import cluster
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import expose as checks
from ansible_collections.openvino.edge.plugins.module_utils.server.render.exposure import httpproxy
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.exposure import (
    client_auth as spec_auth,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

Object = dict[str, Any]
Subjects = spec_auth.Subjects
HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
DNS, URI = "reader.example.org", "spiffe://edge.example.org/ns/shop/sa/reader"
NGINX = "nginx.ingress.kubernetes.io"


def expose(controller: str, auth: Object, **more: Any) -> Object:
    both = {"rest": {"host": HOST}, "grpc": {"host": GRPC_HOST}, "tls": {"secret_name": "site"}}
    return {"controller": controller, **both, "client_auth": auth, **more}


def made(controller: str, auth: Object, **more: Any) -> dict[tuple[str, str], Object]:
    objects = render_objects(make_spec(expose=expose(controller, auth, **more)))
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def decoded(secret: Object) -> dict[str, str]:
    return {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}


def test_contour_gets_an_http_proxy_in_the_place_of_an_ingress() -> None:
    auth = {"ca": "the ca", "crl": "the list", "crl_leaf_only": True}
    timeout = {"projectcontour.io/response-timeout": "2m", "example.com/team": "edge"}
    found = made("contour", auth, class_name="edge", annotations=timeout)
    assert not [key for key in found if key[0] == "Ingress"]
    assert decoded(found["Secret", "ocr-client-ca"]) == {"ca.crt": "the ca", "crl.pem": "the list"}
    rest, grpc = (found["HTTPProxy", f"ocr-{name}"]["spec"] for name in ("rest", "grpc"))
    assert rest["virtualhost"] == {
        "fqdn": HOST,
        "tls": {
            "secretName": "site",
            "clientValidation": {
                "caSecret": "ocr-client-ca",
                "crlSecret": "ocr-client-ca",
                "crlOnlyVerifyLeafCert": True,
            },
        },
    }
    assert rest["ingressClassName"] == "edge"
    conditions = [route["conditions"] for route in rest["routes"]]
    assert conditions[:2] == [[{"exact": "/v1"}], [{"prefix": "/v1/"}]], "not /v1x"
    for route in rest["routes"]:
        assert route["services"] == [{"name": "ocr", "port": 8081}]
        assert route["timeoutPolicy"] == {"response": "2m"}
    for route in grpc["routes"]:
        assert route["services"] == [{"name": "ocr-grpc", "port": 8080, "protocol": "h2c"}]
    annotations = found["HTTPProxy", "ocr-rest"]["metadata"]["annotations"]
    assert annotations["example.com/team"] == "edge"
    assert "projectcontour.io/response-timeout" not in annotations


def test_who_is_not_named_gets_403_at_every_path() -> None:
    auth = {"secret_name": "clients", "subjects": {"common_names": ["reader"], "uris": [URI]}}
    found = made("contour", auth)
    assert ("Secret", "ocr-client-ca") not in found
    for name in ("rest", "grpc"):
        spec = found["HTTPProxy", f"ocr-{name}"]["spec"]
        validation = spec["virtualhost"]["tls"]["clientValidation"]
        forwarded = {"subject": True, "uri": True, "dns": False}
        assert validation == {"caSecret": "clients", "forwardClientCertificate": forwarded}
        allowed = [route for route in spec["routes"] if "services" in route]
        refused = [route for route in spec["routes"] if "services" not in route]
        assert [route["conditions"][:1] for route in allowed] == [
            route["conditions"] for route in refused
        ]
        for route in allowed:
            (header,) = [item["header"] for item in route["conditions"] if "header" in item]
            assert header["name"] == "x-forwarded-client-cert" and header["regex"]
        assert {route["directResponsePolicy"]["statusCode"] for route in refused} == {403}


def test_all_of_rest_is_one_prefix() -> None:
    rest = {"host": HOST, "paths": ["/"]}
    routes = made("contour", {"ca": "x"}, rest=rest)["HTTPProxy", "ocr-rest"]["spec"]["routes"]
    assert [route["conditions"] for route in routes] == [[{"prefix": "/"}]]
    assert routes[0]["timeoutPolicy"] == {"response": "infinity"}, "not Envoy's own 15 s"


def test_nginx_gets_annotations() -> None:
    found = made("nginx", {"ca": "the ca", "crl": "the list", "verify_depth": 2})
    assert decoded(found["Secret", "ocr-client-ca"]) == {"ca.crt": "the ca", "ca.crl": "the list"}
    for name in ("rest", "grpc"):
        annotations = found["Ingress", f"ocr-{name}"]["metadata"]["annotations"]
        assert {key: text for key, text in annotations.items() if "auth-tls" in key} == {
            f"{NGINX}/auth-tls-secret": "edge/ocr-client-ca",
            f"{NGINX}/auth-tls-verify-client": "on",
            f"{NGINX}/auth-tls-verify-depth": "2",
        }
    named = made("nginx", {"secret_name": "clients", "crl_secret_name": "clients"})
    annotations = named["Ingress", "ocr-rest"]["metadata"]["annotations"]
    assert annotations[f"{NGINX}/auth-tls-secret"] == "edge/clients"
    assert ("Secret", "ocr-client-ca") not in named


def test_without_the_option_everything_is_as_it_was() -> None:
    plain = expose("contour", {})
    del plain["client_auth"]
    kinds = {item["kind"] for item in render_objects(make_spec(expose=plain))}
    assert "Ingress" in kinds and "HTTPProxy" not in kinds


def test_the_right_is_needed_only_where_it_is_used() -> None:
    def rights(controller: str) -> set[str]:
        spec = make_spec(expose=expose(controller, {"secret_name": "clients"}))
        return {access.resource for access in cluster.access_for(spec, wait=False)}

    assert rights("contour") - rights("nginx") == {"httpproxies"}
    assert rights("nginx") - rights("contour") == {"ingresses"}


CA = {"ca": "x"}


@pytest.mark.parametrize(
    ("controller", "auth", "message"),
    [
        *[
            (name, CA, rf"^expose\.client_auth: {name} cannot check it: .*Use contour, or nginx")
            for name in ("haproxy", "openshift", "traefik", "other")
        ],
        ("contour", {"subjects": {"dns_names": [DNS]}}, "subjects are compared only where a CA"),
        ("contour", {}, "certificates are checked only where a CA .*Set ca, or secret_name"),
        ("contour", {**CA, "crl": " \n"}, r"client_auth\.crl: it is empty\. A list that revokes"),
        ("contour", {**CA, "crl_leaf_only": True}, "crl_leaf_only: there is no revocation list"),
        ("contour", {**CA, "subjects": {}}, r"subjects: it names nobody\. Name at least one"),
        ("contour", {**CA, "subjects": {"uris": []}}, r"subjects: it names nobody"),
        ("contour", {**CA, "verify_depth": 1}, "verify_depth: an HTTPProxy has no limit"),
        ("nginx", {**CA, "verify_depth": 0}, "verify_depth: 0 is less than 1"),
        ("contour", {"secret_name": "A B"}, r"client_auth\.secret_name: 'A B'"),
        *[
            ("contour", {**CA, "subjects": {kind: ["ok:x", name]}}, rf"{kind}\[1\]: .*cannot be")
            for kind, name in (
                ("common_names", "a,CN=b"),
                ("common_names", 'a"'),
                ("common_names", " a"),
                ("common_names", ""),
                ("common_names", "Ä"),
                ("uris", "spiffe://a;DNS=b"),
                ("uris", "no-scheme"),
            )
        ],
        ("contour", {**CA, "subjects": {"dns_names": ["*.x"]}}, r"dns_names\[0\]: '\*\.x' cannot"),
        ("nginx", {**CA, "subjects": {"dns_names": [DNS]}}, "subjects: nginx looks for a subject"),
        ("nginx", {**CA, "crl": "x", "crl_leaf_only": True}, "nginx looks up every certificate"),
        ("nginx", {"secret_name": "a", "crl": "x"}, r"client_auth\.crl: nginx reads revocation"),
        ("nginx", {"secret_name": "a", "crl_secret_name": "b"}, "crl_secret_name: nginx reads"),
        ("nginx", {**CA, "crl_secret_name": "b"}, "crl_secret_name: nginx reads"),
    ],
)
def test_refusals(controller: str, auth: Object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_spec(expose=expose(controller, auth))


@pytest.mark.parametrize(
    ("controller", "more", "message"),
    [
        ("contour", {"tls": None}, "client_auth: rest has no TLS, .* Set expose.tls"),
        ("contour", {"tls": {"issuer": "x"}}, r"expose\.tls\.issuer: cert-manager itself"),
        ("contour", {"tls": {"default_certificate": True}}, "tls.default_certificate: an HTTPP"),
        ("contour", {"grpc": {"host": HOST}}, r"expose\.grpc\.host: an HTTPProxy.* host of its"),
        (
            "contour",
            {"annotations": {"projectcontour.io/num-retries": "3"}},
            r"annotations: an HTTPProxy.* has no projectcontour\.io/num-retries",
        ),
        (
            "nginx",
            {"annotations": {f"{NGINX}/auth-tls-verify-client": "optional"}},
            r"auth-tls-verify-client is set by expose\.client_auth",
        ),
    ],
)
def test_no_way_in_is_left_that_asks_nobody(controller: str, more: Object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_spec(expose=expose(controller, CA, **more))


def look(controller: str, class_controller: str | None, other: str = "", **more: Any) -> list[str]:
    warnings: list[str] = []
    unreadable = ("Secret",) if class_controller else ("Secret", "IngressClass")
    place = ServingCluster(unreadable=unreadable)
    for name, text in (("edge", class_controller), ("other", other)):
        if text:
            body = {"metadata": {"name": name}, "spec": {"controller": text}}
            place.add({"kind": "IngressClass", **body})
    given = expose(controller, {"secret_name": "clients"}, class_name="edge", **more)
    del given["grpc"]
    checks.check(place, make_spec(expose=given), warnings.append)  # type: ignore[arg-type]
    return [text for text in warnings if "may not get Secret" not in text]


def test_a_controller_that_would_ask_nobody_is_refused_or_warned_about() -> None:
    assert look("nginx", "k8s.io/ingress-nginx") == []
    with pytest.raises(InputError, match="the class is of traefik.* would ask no client"):
        look("nginx", "traefik.io/ingress-controller")
    for unknown in ("nginx.org/ingress-controller", None):
        (warning,) = look("nginx", unknown)
        assert "asks no client for a certificate, or looks nothing up" in warning
    (warning,) = look("nginx", "k8s.io/ingress-nginx", "traefik.io/ingress-controller")
    assert "the cluster has Traefik (IngressClass other), which can serve nginx's, too" in warning
    assert look("nginx", "k8s.io/ingress-nginx", "projectcontour.io/ingress-controller") == []
    assert look("contour", "projectcontour.io/ingress-controller") == []


# What Envoy writes into the header, in the order in which it writes it.


def header(*attributes: str, uris: tuple[str, ...] = (), dns: tuple[str, ...] = ()) -> str:
    parts = [f"Hash={'0a' * 32}", f'Subject="{",".join(attributes)}"']
    parts += [f"URI={text}" for text in uris] + [f"DNS={text}" for text in dns]
    return ";".join(parts)


ALL = Subjects(("reader", "Till 7"), (DNS,), (URI,))
CN = Subjects(common_names=("reader", "a.b"))


def passes(subjects: Subjects, text: str) -> bool:
    return re.fullmatch(httpproxy.pattern(subjects), text) is not None


@pytest.mark.parametrize(
    "text",
    [
        header("CN=reader"),
        header("CN=Till 7", "O=Shop\\, Ltd.", "C=DE"),
        header("O=x", "CN=reader"),
        header("CN=reader", dns=("anything.example.org",)),
        header("CN=x", dns=(DNS,)),
        header("", uris=(URI,)),
        header("CN=x", uris=(URI,), dns=(DNS,)),
        f"By=spiffe://server;{header('CN=reader')}",
    ],
)
def test_names_that_pass(text: str) -> None:
    assert passes(ALL, text)


@pytest.mark.parametrize(
    "text",
    [
        header("CN=reader2"),
        header("CN=xreader"),
        header("CN=Reader"),
        header("CN=reader\\ "),
        header("O=reader"),
        header("O=x\\,CN=reader"),
        header('O=x\\"\\;Subject=\\"CN=reader', "CN=writer"),
        header("CN=reader", "CN=writer"),
        header("CN=writer", "CN=reader"),
        header("CN=writer+CN=reader"),
        header("xCN=reader"),
        header("CN=x", dns=("reader",)),
        header("CN=x", dns=(DNS, "w.example.org")),
        header("CN=x", dns=("w.example.org", DNS)),
        header("CN=x", dns=(f"w;DNS={DNS}",)),
        header("CN=x", uris=(f"w:x;DNS={DNS}",)),
        header("CN=x", uris=(URI, "spiffe://x")),
        header("CN=x", uris=(f"{URI}/x",)),
        header("CN=x", dns=(DNS.upper(),)),
        header("CN=x"),
        f"{header('CN=writer')},{header('CN=reader')}",
        'Subject="CN=reader"',
        "",
    ],
)
def test_names_that_do_not(text: str) -> None:
    assert not passes(ALL, text)


def test_a_dot_is_a_dot() -> None:
    assert passes(CN, header("CN=a.b")) and not passes(CN, header("CN=aXb"))


VALUE = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
TYPES = ["O", "OU", "C", "L", "ST", "emailAddress", "CNX", "serialNumber"]


def escaped(value: str) -> str:
    """Return a value as RFC 2253 prints it."""
    text = re.sub(r'([,+"\\<>;])', r"\\\1", value)
    return re.sub(r"^([# ])|( )$", lambda found: f"\\{found[0]}", text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([*TYPES, "CN"]), VALUE), max_size=4),
    st.sampled_from(["", "reader", "reader,CN=reader", '";Subject="CN=reader']),
)
def test_exactly_one_common_name_that_is_listed(attributes: list[Any], more: str) -> None:
    """Whatever stands in a certificate, only the common name itself decides."""
    attributes = [*attributes, ("O", more)]
    printed = [f"{kind}={escaped(value)}" for kind, value in attributes]
    names = [value for kind, value in attributes if kind == "CN"]
    assert passes(CN, header(*printed)) == (names in (["reader"], ["a.b"]))
    assert passes(CN, header("CN=reader", *printed)) == (names == [])
