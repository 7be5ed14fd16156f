# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies and authorities: options, what the pods get, what is added to the exceptions."""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.secrecy import secrets
from ansible_collections.openvino.edge.plugins.module_utils.server.discover.no_proxy import (
    ALWAYS,
    ClusterNetwork,
    blocks,
    complete,
    node_ranges,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render import egress
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import MakeSpec

PROXY = "http://proxy.example:3128"
LOGIN = "http://edge:p%40ss@proxy.example:3128"
# Of nobody: made for this test, valid until 2126.
PEM = """\
-----BEGIN CERTIFICATE-----
MIIBhjCCASugAwIBAgIUDdfzieCwoYIkrIs3zxfydxWo2kwwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMRWRnZSBUZXN0IENBMCAXDTI2MTEyODE2MDczMVoYDzIxMjYx
MTA0MTYwNzMxWjAXMRUwEwYDVQQDDAxFZGdlIFRlc3QgQ0EwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAART8n/y0UNaZJUZTFUIs2upuu/WXBwX/E11k+ZK4Ls4lr5L
dvtN0jBTmfPFLwD2Ygpjt/e1Bj/2Xi/RsmN9m4P2o1MwUTAdBgNVHQ4EFgQUVqo4
uqOclpUcSCljS0hhyFnTfHYwHwYDVR0jBBgwFoAUVqo4uqOclpUcSCljS0hhyFnT
fHYwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAkIlmpBSuKV3D
J+Glv4jY3RdZtYUe8BjNIXoaibN/Ai8CIQDRsKWc0A3E35JNPA4FSuqhUdwAWhKG
xuh3eo40t+Uakg==
-----END CERTIFICATE-----
"""


def parts(spec: Any) -> dict[str, dict[str, Any]]:
    """Return the rendered objects by kind and name."""
    return {f"{item['kind']} {item['metadata']['name']}": item for item in render_objects(spec)}


def container(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = objects["Deployment ocr"]["spec"]["template"]["spec"]["containers"][0]
    return made


def test_a_url_without_a_login_is_written_in_both_cases(spec: MakeSpec) -> None:
    made = parts(spec(proxies={"https_proxy": PROXY, "no_proxy": ["a,b", "a"]}, env={"X": 1}))
    assert container(made)["env"] == [
        {"name": "HTTPS_PROXY", "value": PROXY},
        {"name": "NO_PROXY", "value": "a,b"},
        {"name": "X", "value": "1"},
        {"name": "https_proxy", "value": PROXY},
        {"name": "no_proxy", "value": "a,b"},
    ]
    assert "Secret ocr-proxy" not in made


def test_a_password_is_in_the_secret_and_nowhere_else(spec: MakeSpec) -> None:
    made = parts(spec(proxies={"http_proxy": PROXY, "https_proxy": LOGIN}))
    secret = made.pop("Secret ocr-proxy")
    assert {key: base64.b64decode(value) for key, value in secret["data"].items()} == {
        "https_proxy": LOGIN.encode()
    }
    assert "p%40ss" not in json.dumps(made) and secret["data"]["https_proxy"] not in json.dumps(
        made
    )
    reference = {"secretKeyRef": {"name": "ocr-proxy", "key": "https_proxy"}}
    env = {item["name"]: item for item in container(made)["env"]}
    assert env["HTTPS_PROXY"] == {"name": "HTTPS_PROXY", "valueFrom": reference}
    assert env["http_proxy"] == {"name": "http_proxy", "value": PROXY}
    annotations = made["Deployment ocr"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["openvino.edge/proxy"] == f"http://{LOGIN.rpartition('@')[2]}"


def test_another_password_makes_new_pods(spec: MakeSpec) -> None:
    def mark(url: str) -> str:
        template = parts(spec(proxies={"http_proxy": url}))["Deployment ocr"]["spec"]["template"]
        return str(template["metadata"]["annotations"][egress.HASH_ANNOTATION])

    assert mark(LOGIN) == mark(LOGIN) != mark(LOGIN.replace("ss@", "st@"))


def test_passwords_are_masked() -> None:
    assert secrets({"proxies": {"http_proxy": LOGIN, "https_proxy": PROXY}}) == {
        "p%40ss",
        "p@ss",
    }
    assert secrets({"proxies": None}) == secrets({}) == set()


def test_given_authorities(spec: MakeSpec) -> None:
    made = parts(spec(ca_bundle={"pem": f"\n{PEM}\n\n"}))
    assert made["ConfigMap ocr-ca"]["data"] == {"ca-bundle.crt": PEM}
    assert container(made)["volumeMounts"][-1] == {
        "name": "ca-bundle",
        "mountPath": "/etc/ssl/certs/ca-certificates.crt",
        "subPath": "ca-bundle.crt",
        "readOnly": True,
    }
    volume = made["Deployment ocr"]["spec"]["template"]["spec"]["volumes"][-1]
    items = [{"key": "ca-bundle.crt", "path": "ca-bundle.crt"}]
    assert volume == {"name": "ca-bundle", "configMap": {"name": "ocr-ca", "items": items}}


def test_authorities_of_others(spec: MakeSpec) -> None:
    made = parts(spec(ca_bundle={"config_map": "company", "key": "root.pem"}))
    assert "ConfigMap ocr-ca" not in made
    volume = made["Deployment ocr"]["spec"]["template"]["spec"]["volumes"][-1]
    items = [{"key": "root.pem", "path": "ca-bundle.crt"}]
    assert volume["configMap"] == {"name": "company", "items": items}


def test_authorities_of_the_cluster_are_written_by_the_cluster(spec: MakeSpec) -> None:
    item = parts(spec(ca_bundle={"from_cluster": True}))["ConfigMap ocr-ca"]
    assert item["metadata"]["labels"][egress.INJECT_LABEL] == "true"
    assert "data" not in item, "sent again and again, it would empty the map"


KEY = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("options", "option", "text"),
    [
        ({"proxies": {"http_proxy": "http://proxy"}}, "proxies.http_proxy", "HOST:PORT"),
        ({"proxies": {"https_proxy": "http://p:1/x"}}, "proxies.https_proxy", "HOST:PORT"),
        ({"proxies": {"no_proxy": ["http://a"]}}, "proxies.no_proxy[0]", "is a URL"),
        (
            {"proxies": {"http_proxy": PROXY}, "env": {"no_PROXY": "x"}},
            "env.no_PROXY",
            "set by proxies",
        ),
        ({"proxies": {"from_cluster": True}, "env": {"HTTPS_PROXY": "x"}}, "env.HTTPS_PROXY", "as"),
        ({"ca_bundle": {}}, None, None),
        ({"ca_bundle": {"key": "x"}}, "ca_bundle", "no authority is given"),
        ({"ca_bundle": {"pem": "x", "config_map": "y"}}, "ca_bundle", "exclude each other"),
        ({"ca_bundle": {"pem": "nothing"}}, "ca_bundle.pem", "no certificates"),
        ({"ca_bundle": {"pem": KEY}}, "ca_bundle.pem", "private key"),
        ({"ca_bundle": {"config_map": "A"}}, "ca_bundle.config_map", "not a name"),
        ({"ca_bundle": {"config_map": "a", "key": "a/b"}}, "ca_bundle.key", "not a key"),
    ],
)
def test_refused(
    spec: MakeSpec, options: dict[str, Any], option: str | None, text: str | None
) -> None:
    if option is None:
        option, text = "ca_bundle", "no authority is given"
    with pytest.raises(InputError, match=text) as caught:
        spec(**options)
    assert caught.value.option == option


def test_completed() -> None:
    network = ClusterNetwork(("10.43.0.0/16",), ("10.42.0.0/24", "10.42.7.0/24"), "api.example")
    done = complete(["store.lan", "localhost"], network)
    assert done.bypass[:2] == ("store.lan", "localhost")
    assert done.added == (*ALWAYS[1:], "10.43.0.0/16", "10.42.0.0/16", "api.example")
    assert done.unknown == ()


def test_what_could_not_be_read_is_told() -> None:
    done = complete([], ClusterNetwork(None, None, ""))
    assert done.added == ALWAYS and done.unknown == ("services", "pods")


def test_ranges_of_nodes() -> None:
    nodes: list[dict[str, Any]] = [
        {"spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd00:1::/64"]}},
        {"spec": {"podCIDR": "10.1.1.0/24"}},
        {},
    ]
    assert node_ranges(nodes) == ("10.1.0.0/24", "fd00:1::/64", "10.1.1.0/24")
    assert blocks([*node_ranges(nodes), "odd"]) == ("10.1.0.0/16", "fd00:1::/56")


NETWORKS = st.builds(
    lambda address, size: str(ipaddress.ip_network((address, size), strict=False)),
    st.ip_addresses(v=4).map(str),
    st.integers(8, 28),
)


@given(st.lists(NETWORKS, max_size=8))
def test_blocks_cover_every_range_once(ranges: list[str]) -> None:
    made = [ipaddress.IPv4Network(block) for block in blocks(ranges)]
    for text in ranges:
        assert sum(ipaddress.IPv4Network(text).subnet_of(block) for block in made) == 1
    assert all(block.prefixlen <= 16 for block in made)
    assert blocks(reversed(ranges)) == blocks(ranges) == blocks(blocks(ranges))
