# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of the Gateway API: what is rendered, what clients write, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    cluster as preflight,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ..conftest import make_spec

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
GATEWAY = {"name": "edge", "namespace": "gateways"}
LISTENER = {**GATEWAY, "listener": "https"}
BOTH: dict[str, Any] = {
    "controller": "gateway",
    "gateway": LISTENER,
    "rest": {"host": HOST},
    "grpc": {"host": GRPC_HOST},
    "tls": {"default_certificate": True},
}


def made(**expose: Any) -> dict[tuple[str, str], dict[str, Any]]:
    objects = render_objects(make_spec(expose={**BOTH, **expose}))
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def test_a_route_for_each_interface() -> None:
    found = made(annotations={"site/team": "a"})
    parent = {"name": "edge", "namespace": "gateways", "sectionName": "https"}
    rest, grpc = found["HTTPRoute", "ocr-rest"], found["GRPCRoute", "ocr-grpc"]
    assert {rest["apiVersion"], grpc["apiVersion"]} == {"gateway.networking.k8s.io/v1"}
    matches = [{"path": {"type": "PathPrefix", "value": path}} for path in ("/v1", "/v2", "/v3")]
    assert rest["spec"] == {
        "parentRefs": [parent],
        "hostnames": [HOST],
        "rules": [{"matches": matches, "backendRefs": [{"name": "ocr", "port": 8081}]}],
    }
    assert grpc["spec"]["rules"] == [{"backendRefs": [{"name": "ocr-grpc", "port": 8080}]}]
    assert (grpc["spec"]["parentRefs"], grpc["spec"]["hostnames"]) == ([parent], [GRPC_HOST])
    assert rest["metadata"]["annotations"]["site/team"] == "a"
    (port,) = found["Service", "ocr-grpc"]["spec"]["ports"]
    assert port["appProtocol"] == "kubernetes.io/h2c"
    kinds = {kind for kind, _name in found}
    assert not kinds & {"Ingress", "HTTPProxy", "Route", "Secret"}


def test_a_listener_of_its_own_wins() -> None:
    found = made(
        gateway={"name": "edge"}, grpc={"host": HOST, "listener": "b"}, rest={"host": "x.org"}
    )
    assert found["HTTPRoute", "ocr-rest"]["spec"]["parentRefs"] == [
        {"name": "edge", "namespace": "edge"}
    ]
    assert found["GRPCRoute", "ocr-grpc"]["spec"]["parentRefs"][0]["sectionName"] == "b"


def test_many_paths_are_several_rules() -> None:
    paths = [f"/v2/models/m{number}" for number in range(9)]
    rules = made(rest={"host": HOST, "paths": paths})["HTTPRoute", "ocr-rest"]["spec"]["rules"]
    assert [len(rule["matches"]) for rule in rules] == [8, 1]


def test_the_rights() -> None:
    def rights(**expose: Any) -> set[str]:
        found = preflight.access_for(make_spec(expose={**BOTH, **expose}), wait=False)
        return {str(access) for access in found if "gateway" in access.group}

    named = rights()
    assert "create httproutes.gateway.networking.k8s.io in namespace edge" in named
    assert not any(" gateways." in text for text in named)
    unnamed = rights(gateway=GATEWAY) - named
    assert unnamed == {"get gateways.gateway.networking.k8s.io edge in namespace gateways"}
    one = rights(grpc=None)
    assert not any("grpcroutes" in text for text in one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gateway": None}, r"expose\.gateway: routes of the Gateway API need a Gateway"),
        ({"controller": "contour"}, r"expose\.gateway: contour has no Gateway\. Set expose\.contr"),
        ({"gateway": {"name": "A"}}, r"expose\.gateway\.name: 'A' is not a name"),
        ({"gateway": {"name": "a", "listener": "B"}}, r"expose\.gateway\.listener: 'B' is not a n"),
        ({"class_name": "x"}, r"expose\.class_name: a Gateway has its class itself"),
        (
            {"tls": {"secret_name": "site"}},
            r"expose\.tls: the certificate is that of the Gat.*default_certificate: true here",
        ),
        ({"tls": {"cluster_issuer": "site"}}, r"expose\.tls: the certificate is that of the Gat"),
        (
            {"grpc": {"host": GRPC_HOST, "tls": {"secret_name": "site"}}},
            r"expose\.grpc\.tls: the certificate is that of the Gateway's listener",
        ),
        ({"grpc": {"host": HOST}}, r"expose\.grpc\.host: .* either to HTTPRoutes.* or to GRPCR"),
        (
            {"gateway": GATEWAY, "grpc": {"host": HOST, "listener": "b"}},
            r"expose\.grpc\.host: .* name a listener for each",
        ),
        (
            {"client_auth": {"ca": "x", "subjects": {"common_names": ["reader"]}}},
            r"expose\.client_auth\.subjects: a Gateway compares no names: .* CA certificates only",
        ),
        (
            {"client_auth": {"ca": "x", "crl": "y"}},
            r"expose\.client_auth\.crl: a Gateway reads no revocation list.* Use contour",
        ),
        (
            {"client_auth": {"ca": "x", "crl_secret_name": "y"}},
            r"expose\.client_auth\.crl_secret_name: a Gateway reads no revocation list",
        ),
        (
            {"client_auth": {"ca": "x", "verify_depth": 2}},
            r"expose\.client_auth\.verify_depth: a Gateway has no limit",
        ),
        (
            {"client_auth": {"ca": "x"}, "tls": None},
            r"expose\.client_auth: rest has no TLS",
        ),
        (
            {"controller": "nginx", "gateway": None, "rest": {"host": HOST, "listener": "b"}},
            r"expose\.rest\.listener: nginx has no listeners",
        ),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    given = {key: value for key, value in {**BOTH, **change}.items() if value is not None}
    with pytest.raises(InputError, match=message):
        make_spec(expose=given)


def test_one_host_on_two_listeners() -> None:
    found = made(grpc={"host": HOST, "listener": "b"})
    assert found["GRPCRoute", "ocr-grpc"]["spec"]["hostnames"] == [HOST]
