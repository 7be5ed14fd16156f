# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a server: which there are, which one is chosen, and the calls for each."""

from __future__ import annotations

import ast
import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.pki import client
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.select import select
from ansible_collections.openvino.edge.plugins.module_utils.server.clients import calls
from ansible_collections.openvino.edge.plugins.module_utils.server.clients.reached import (
    Reached,
    from_spec,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.clients.ways import told
from ansible_collections.openvino.edge.plugins.module_utils.server.info import describe
from ansible_collections.openvino.edge.plugins.module_utils.server.render.exposure import note
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import (
    ClusterFacts,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
    text_of_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.exposure.reach import (
    REACHES,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ..conftest import MakeSpec, make_spec

HOSTS = {"rest": {"host": "ocr.example.org"}, "grpc": {"host": "ocr-grpc.example.org"}}
SITE = {"tls": {"secret_name": "site"}}
MANY: dict[str, Any] = {"replicas": 3}
HEADLESS = {"service": {"headless": True}}
ROUTES = {
    "expose": {
        **HOSTS,
        **SITE,
        "controller": "openshift",
        "grpc": {**HOSTS["grpc"], "tls": {"secret_name": "own"}},
    }
}
INGRESSES = {"expose": {**HOSTS, **SITE, "controller": "traefik"}}
GATEWAYS = {
    "expose": {
        **HOSTS,
        "controller": "gateway",
        "gateway": {"name": "edge", "namespace": "infra", "listener": "https"},
        "tls": {"default_certificate": True},
    }
}
PLAIN = {"expose": {**HOSTS, "controller": "contour"}}
ONLY_REST = {"expose": {"rest": HOSTS["rest"], **SITE}}
ASKED = {
    "expose": {
        **HOSTS,
        **SITE,
        "controller": "contour",
        "client_auth": {"secret_name": "clients"},
    }
}


def clients(**options: Any) -> list[dict[str, Any]]:
    """Return what a run with these options says."""
    spec = make_spec(**options)
    names = select(spec.backend).names(spec)
    text = text_of_config(spec)
    config = json.loads(text) if text else None
    return told(from_spec(spec, names.service, names.ports, names.ports, config))


def chosen(found: list[dict[str, Any]]) -> dict[str, str]:
    return {item["interface"]: item["way"] for item in found if item["chosen"]}


def one(found: list[dict[str, Any]], way: str, interface: str) -> dict[str, Any]:
    (item,) = [item for item in found if (item["way"], item["interface"]) == (way, interface)]
    return item


@pytest.mark.parametrize(
    ("options", "rest", "grpc"),
    [
        ({}, "cluster_ip", "cluster_ip"),
        (MANY, "cluster_ip", "cluster_ip"),
        (HEADLESS, "cluster_ip", "cluster_ip"),
        ({**MANY, **HEADLESS}, "cluster_ip", "headless"),
        ({**HEADLESS, "workload": "DaemonSet"}, "cluster_ip", "headless"),
        (
            {
                **HEADLESS,
                "autoscaling": {"min_replicas": 1, "max_replicas": 4, "cpu_utilization": 70},
                "resources": {"requests": {"cpu": "1"}},
            },
            "cluster_ip",
            "headless",
        ),
        ({**MANY, **HEADLESS, **INGRESSES}, "ingress", "ingress"),
        ({**MANY, **HEADLESS, **ROUTES}, "route", "route"),
        ({**MANY, **HEADLESS, **ONLY_REST}, "ingress", "headless"),
        ({**MANY, **HEADLESS, "reach": "cluster_ip"}, "cluster_ip", "cluster_ip"),
        ({**HEADLESS, **INGRESSES, "reach": "headless"}, "headless", "headless"),
        ({**MANY, **HEADLESS, **ONLY_REST, "reach": "ingress"}, "ingress", "headless"),
        ({**ROUTES, "reach": "route"}, "route", "route"),
        ({**MANY, **HEADLESS, **GATEWAYS}, "gateway", "gateway"),
        ({**GATEWAYS, "reach": "gateway"}, "gateway", "gateway"),
    ],
)
def test_one_way_is_chosen_for_each_interface(
    options: dict[str, Any], rest: str, grpc: str
) -> None:
    found = clients(**options)
    assert chosen(found) == {"rest": rest, "grpc": grpc}
    assert all(bool(item["why"]) == item["chosen"] for item in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reach": "headless"}, r"no headless Service\. Set service\.headless: true"),
        ({"reach": "headless", **INGRESSES}, r"no headless Service"),
        ({"reach": "ingress"}, r"is not exposed\. Set expose, with expose\.controller: one that"),
        ({"reach": "route"}, r"is not exposed\. Set expose, with expose\.controller: openshift"),
        ({"reach": "gateway"}, r"is not exposed\. Set expose, with expose\.controller: gateway"),
        ({"reach": "gateway", **INGRESSES}, r"traefik the way in is ingress\. Set reach: ingress"),
        ({"reach": "route", **PLAIN}, r"contour the way in is ingress\. Set reach: ingress, or"),
        ({"reach": "ingress", **GATEWAYS}, r"gateway the way in is gateway\. Set reach: gateway"),
        ({"reach": "ingress", **ROUTES}, r"openshift the way in is route\. Set reach: route, or"),
        (
            {"reach": "headless", "backend": "kserve", "ovms_version": "2026.3"},
            "no headless Service",
        ),
    ],
)
def test_a_way_that_nothing_makes_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=rf"^reach: .*{message}"):
        make_spec(**options)


def test_addresses_protocols_and_names() -> None:
    found = clients(**MANY, **HEADLESS, **INGRESSES, rest_port=9001)
    assert [(item["way"], item["interface"]) for item in found] == [
        (way, interface)
        for way in ("cluster_ip", "headless", "ingress")
        for interface in ("rest", "grpc")
    ]
    keys = ("address", "protocol", "verify", "usable_from", "spreads")
    assert [tuple(item[key] for key in keys) for item in found] == [
        ("http://ocr.edge.svc:9001", "http", None, "inside", "connection"),
        ("ocr.edge.svc:8080", "grpc", None, "inside", "connection"),
        ("http://ocr-headless.edge.svc:9001", "http", None, "inside", "connection"),
        ("ocr-headless.edge.svc:8080", "grpc", None, "inside", "call"),
        ("https://ocr.example.org", "https", "ocr.example.org", "outside", "call"),
        ("ocr-grpc.example.org:443", "grpcs", "ocr-grpc.example.org", "outside", "call"),
    ]
    plain = clients(**PLAIN)[-2:]
    assert [tuple(item[key] for key in keys) for item in plain] == [
        ("http://ocr.example.org", "http", None, "outside", "call"),
        ("ocr-grpc.example.org:80", "grpc", None, "outside", "call"),
    ]


def test_the_pods_ports_count_where_no_proxy_is_between() -> None:
    spec = make_spec(**MANY, **HEADLESS)
    ports, listening = {"rest": 80, "grpc": 81}, {"rest": 8081, "grpc": 8080}
    found = told(from_spec(spec, "ocr", ports, listening, None))
    assert [item["address"].rpartition(":")[2] for item in found] == [
        "//ocr.edge.svc",
        "81",
        "8081",
        "8080",
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        MANY,
        {**MANY, **HEADLESS},
        {**HEADLESS, "workload": "DaemonSet"},
        {
            **HEADLESS,
            "autoscaling": {"min_replicas": 1, "max_replicas": 4, "cpu_utilization": 70},
            "resources": {"requests": {"cpu": "1"}},
        },
        {**MANY, **HEADLESS, "reach": "cluster_ip"},
        {**HEADLESS, **INGRESSES, "reach": "headless"},
        PLAIN,
        ROUTES,
        ASKED,
        {"expose": {**SITE, "rest": {**HOSTS["rest"], "paths": ["/v1"]}}},
        {"image": "registry.example/ovms:2026.2"},
        {"image": "registry.example/ovms:2026.3", **HEADLESS},
        {"image": "registry.example/ovms:latest", "ovms_version": "2025.4"},
        {"image": "registry.example/ovms:2026.3", "ovms_version": "2026.2"},
        {"rest_port": 9001, "grpc_port": 9000, **HEADLESS},
        {"models": [{"name": "org/ocr it's", "versions": [1], "directory": "m"}], **INGRESSES},
        {"models": None, "config_path": "/models/config.json"},
    ],
)
def test_the_objects_tell_the_same_as_the_options(options: dict[str, Any]) -> None:
    spec = make_spec(**options)
    (found,) = describe(render_objects(spec))
    assert found["clients"] == clients(**options)


def test_a_configuration_of_the_users_own_tells_its_models(spec: MakeSpec) -> None:
    text = '{"model_config_list": [{"config": {"name": "mine", "base_path": "/models/m"}}]}'
    made = spec(models=None, config_map="by-hand", ovms_version="2026.2")
    facts = ClusterFacts(own_config=text)
    (found,) = describe(render_objects(made, facts))
    config = json.loads(text_of_config(made, facts))
    ports = {"rest": 8081, "grpc": 8080}
    assert found["clients"] == told(from_spec(made, "ocr", ports, ports, config))
    assert "/v2/models/mine" in found["clients"][0]["calls"]["curl"]


def test_a_server_without_a_service_or_a_deployment() -> None:
    objects = render_objects(make_spec(**MANY, **HEADLESS))
    (found,) = describe([item for item in objects if item["kind"] != "Service"])
    assert found["clients"] is None
    (found,) = describe([item for item in objects if item["kind"] != "Deployment"])
    assert chosen(found["clients"]) == {"rest": "cluster_ip", "grpc": "cluster_ip"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exposed": 1}', '{"release": [1]}', "null"])
def test_a_damaged_note_is_none(text: str) -> None:
    service = {"metadata": {"annotations": {note.ANNOTATION: text}}}
    assert note.read(service) == note.NOTHING


def test_calls_with_the_certificate_of_a_client() -> None:
    found = clients(**ASKED, image="registry.example/ovms:2026.2")
    rest, grpc = one(found, "ingress", "rest"), one(found, "ingress", "grpc")
    assert rest["client_certificate"] and not found[0]["client_certificate"]
    assert shlex.split(rest["calls"]["curl"]) == [
        "curl",
        "--silent",
        "--show-error",
        "--fail-with-body",
        "--cert",
        "client.pem",
        "--key",
        "client.key",
        "https://ocr.example.org/v2/models/detection",
    ]
    texts = [rest["calls"]["tritonclient"], *grpc["calls"].values()]
    assert len(texts) == 3
    assert all("client.pem" in text and "client.key" in text for text in texts)
    assert "ovmsclient" not in rest["calls"], "it speaks no TLS by REST"
    assert "ssl=True" in grpc["calls"]["tritonclient"]
    assert '"server_cert_path": "ca.pem"' in grpc["calls"]["ovmsclient"]


def test_the_old_client_is_for_old_servers_alone() -> None:
    old = clients(**HEADLESS, image="registry.example/ovms:2026.2")
    told_of = {(item["way"], item["interface"]): sorted(item["calls"]) for item in old}
    assert told_of == {
        ("cluster_ip", "rest"): ["curl", "ovmsclient", "tritonclient"],
        ("cluster_ip", "grpc"): ["ovmsclient", "tritonclient"],
        ("headless", "rest"): ["curl", "ovmsclient", "tritonclient"],
        # It takes no settings for its channel, so it would stay with one of the addresses.
        ("headless", "grpc"): ["tritonclient"],
    }
    slash = {"name": "org/ocr", "versions": [1], "directory": "m"}
    named = clients(models=[slash], image="registry.example/ovms:2026.2")
    assert "ovmsclient" not in named[0]["calls"], "it writes the name into the path as it is"
    assert "/v2/models/org%2Focr" in named[0]["calls"]["curl"]
    for image in ("registry.example/ovms:2026.3", "registry.example/ovms:latest"):
        assert all("ovmsclient" not in item["calls"] for item in clients(image=image))


@pytest.mark.parametrize(
    ("paths", "asked", "others"),
    [
        (["/v1", "/v2", "/v3"], "/v2/models/detection", ["ovmsclient", "tritonclient"]),
        (["/v2/models/detection"], "/v2/models/detection", ["tritonclient"]),
        (["/v2/health"], "/v2/health/ready", ["tritonclient"]),
        (["/v1"], "/v1/config", ["ovmsclient"]),
        (["/v3"], "/v3", []),
        (["/"], "/v2/models/detection", ["ovmsclient", "tritonclient"]),
        (["/v2/models/other"], "/v2/models/other", ["tritonclient"]),
    ],
)
def test_only_what_is_exposed_is_called(paths: list[str], asked: str, others: list[str]) -> None:
    expose = {"rest": {**HOSTS["rest"], "paths": paths}}
    found = clients(expose=expose, image="registry.example/ovms:2026.2")
    item = one(found, "ingress", "rest")
    assert shlex.split(item["calls"]["curl"])[-1] == f"http://ocr.example.org{asked}"
    assert sorted(set(item["calls"]) - {"curl"}) == others


def test_a_channel_over_all_addresses() -> None:
    call = one(clients(**MANY, **HEADLESS), "headless", "grpc")["calls"]["tritonclient"]
    arguments = channel_arguments(call)
    assert json.loads(arguments.pop("grpc.service_config")) == {
        "loadBalancingConfig": [{"round_robin": {}}]
    }
    # Settings of one's own take the place of tritonclient's, which allow every size.
    assert arguments == {
        "grpc.max_send_message_length": -1,
        "grpc.max_receive_message_length": -1,
    }
    assert '"dns:///ocr-headless.edge.svc:8080"' in call


def channel_arguments(call: str) -> dict[str, Any]:
    """Return the channel arguments that a printed program passes."""
    for node in ast.walk(ast.parse(call)):
        if isinstance(node, ast.keyword) and node.arg == "channel_args":
            return dict(ast.literal_eval(node.value))
    raise AssertionError(f"no channel_args in {call}")


@given(
    name=st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20),
    way=st.sampled_from(REACHES[1:]),
)
@settings(max_examples=60, deadline=None)
def test_every_call_is_whole_whatever_the_name_of_the_model(name: str, way: str) -> None:
    wanted = Reached(
        service="ocr",
        namespace="edge",
        ports={"rest": 8081, "grpc": 8080},
        pod_ports={"rest": 8081, "grpc": 8080},
        headless="ocr-headless",
        many=True,
        model=name,
        note=note.Note(
            way=way,
            exposed={"rest": "https://a.example:8443", "grpc": "grpcs://a.example:8443"},
            asks=("rest", "grpc"),
        ),
        old=True,
    )
    for bare in (wanted, replace(wanted, model="")):
        for item in told(bare):
            for program, text in item["calls"].items():
                if program == "curl":
                    *_words, url = shlex.split(text)
                    assert url.isascii() and " " not in url
                else:
                    compile(text, program, "exec")
                    assert not bare.model or repr(bare.model) in text


def test_names_of_files_are_those_of_the_role() -> None:
    assert (calls.KEY, calls.CERTIFICATE) == (client.KEY, client.CERTIFICATE)


def test_a_network_policy_admits_to_both_services_alike(spec: MakeSpec) -> None:
    made = spec(**MANY, **HEADLESS, network_policy={"namespaces": ["line-1"]}, grpc_port=9000)
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for item in render_objects(made):
        by_kind.setdefault(item["kind"], []).append(item.get("spec", item))
    (policy,) = by_kind["NetworkPolicy"]
    (rule,) = policy["ingress"]
    (container,) = by_kind["Deployment"][0]["template"]["spec"]["containers"]
    listening = {port["name"]: port["containerPort"] for port in container["ports"]}
    admitted = {port["port"] for port in rule["ports"]}
    labels = by_kind["Deployment"][0]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    for service in by_kind["Service"]:
        assert service["selector"].items() <= labels.items()
        assert {listening[port["targetPort"]] for port in service["ports"]} == admitted
    found = clients(**MANY, **HEADLESS, grpc_port=9000)
    ports = {int(item["address"].rpartition(":")[2]) for item in found}
    assert ports == admitted
