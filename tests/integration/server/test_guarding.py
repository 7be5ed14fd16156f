# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies, authorities, callers and constraints on a real cluster, in a restricted namespace."""

from __future__ import annotations

import http.server
import json
import os
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.server.render import scc
from kubernetes import client as k8s
from serving import FETCH, PYTHON, Server, run_in_pod

PROXY_API = "config.openshift.io"
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


@pytest.fixture
def server(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Callable[..., Server]
) -> Server:
    """A server without models in a restricted namespace with an empty claim."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace)
    return make_server(shop, namespace, models=[])


@dataclass
class ForwardProxy:
    """A proxy for HTTP that asks for a login; ``asked`` has what went through it."""

    address: str
    asked: list[str] = field(default_factory=list)
    logins: set[str | None] = field(default_factory=set)


@pytest.fixture
def forward_proxy(shop: Any) -> Iterator[ForwardProxy]:
    api_server = urlsplit(shop.api.configuration.host)
    with socket.create_connection((api_server.hostname, api_server.port)) as probe:
        host = probe.getsockname()[0]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            proxy.asked.append(self.path)
            proxy.logins.add(self.headers.get("Proxy-Authorization"))
            body = b"through the proxy"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    listener = http.server.ThreadingHTTPServer((host, 0), Handler)
    proxy = ForwardProxy(f"{host}:{listener.server_port}")
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield proxy
    listener.shutdown()
    listener.server_close()
    thread.join()


@pytest.mark.standin("asks from inside the pod with the stand-in's own Python")
def test_downloads_go_through_the_proxy_and_the_cluster_does_not(
    server: Server, forward_proxy: ForwardProxy
) -> None:
    url = f"http://edge:first@{forward_proxy.address}"
    proxies = {"http_proxy": url, "no_proxy": ["store.lan"]}
    made = server.run(proxies=proxies, diff=True)
    assert made["proxies"]["source"] == "options" and made["proxies"]["unknown"] == []
    assert made["proxies"]["no_proxy"].startswith("store.lan,localhost,")
    assert "first" not in made["diff"]["after"] and "first" not in json.dumps(made["proxies"])

    inside = f"http://ocr.{server.namespace}.svc:8081/v2"
    urls = ["http://models.example/detection/1/model.xml", inside]
    answers = run_in_pod(server, *PYTHON, FETCH, *urls)
    assert "OpenVINO Model Server" in answers, (answers, forward_proxy)
    assert answers.count("through the proxy") == 1, (answers, forward_proxy)
    assert forward_proxy.asked == [urls[0]]
    assert forward_proxy.logins == {"Basic ZWRnZTpmaXJzdA=="}

    assert not server.run(proxies=proxies)["changed"]
    deployment = server.cluster.apps.read_namespaced_deployment("ocr", server.namespace)
    assert "first" not in json.dumps(server.cluster.api.sanitize_for_serialization(deployment))

    (before,) = server.pods()
    other = {**proxies, "http_proxy": url.replace("first", "second")}
    assert server.run(proxies=other)["reload"] == "rolling_restart"
    (after,) = server.pods()
    assert before.metadata.uid != after.metadata.uid
    run_in_pod(server, *PYTHON, FETCH, urls[0])
    assert "Basic ZWRnZTpzZWNvbmQ=" in forward_proxy.logins

    gone = server.run()
    assert {"kind": "Secret", "name": "ocr-proxy", "action": "deleted"} in gone["objects"]
    assert not server.run()["changed"]


def test_the_examples_of_the_page_work_as_they_are_written(server: Server) -> None:
    text = (Path(__file__).parents[3] / "docs" / "behind-a-proxy.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    first, second = (block[0] for block in blocks if isinstance(block, list))
    given = {**first["openvino.edge.model_server"], "namespace": server.namespace, "wait": False}
    assert server.run(**given)["proxies"]["no_proxy"].startswith("store.example,localhost")
    given = {**second["openvino.edge.model_server"], "namespace": server.namespace, "wait": False}
    assert "company-ca.pem" in given["ca_bundle"]["pem"]
    given["ca_bundle"] = {"pem": PEM}
    made = server.run(**given)
    assert {"kind": "Secret", "name": "ocr-proxy", "action": "deleted"} in made["objects"]
    assert {"kind": "ConfigMap", "name": "ocr-ca", "action": "created"} in made["objects"]


def test_authorities_take_the_place_of_those_of_the_image(server: Server) -> None:
    bundle = {"pem": PEM}
    server.run(ca_bundle=bundle)
    path = "/etc/ssl/certs/ca-certificates.crt"
    assert run_in_pod(server, "cat", path) == PEM
    assert not server.run(ca_bundle=bundle)["changed"]
    changed = server.run(ca_bundle={"pem": PEM + PEM})
    assert changed["reload"] == "rolling_restart"
    assert run_in_pod(server, "cat", path) == PEM + PEM
    gone = server.run()
    assert {"kind": "ConfigMap", "name": "ocr-ca", "action": "deleted"} in gone["objects"]


def test_only_named_callers(server: Server) -> None:
    """The network of the lab does not enforce policies: the object is what is looked at."""
    asked = {"namespaces": ["line-1"], "addresses": ["10.0.0.0/8"]}
    made = server.run(network_policy=asked, wait=False)
    assert {"kind": "NetworkPolicy", "name": "ocr", "action": "created"} in made["objects"]
    assert not server.run(network_policy=asked, wait=False)["changed"]
    closed = server.run(network_policy={}, wait=False)
    assert {"kind": "NetworkPolicy", "name": "ocr", "action": "updated"} in closed["objects"]
    assert not server.run(network_policy={}, wait=False)["changed"]
    api = k8s.NetworkingV1Api(server.cluster.api)
    policy = api.read_namespaced_network_policy("ocr", server.namespace)
    assert not policy.spec.ingress and policy.spec.policy_types == ["Ingress"]
    gone = server.run(wait=False)
    assert {"kind": "NetworkPolicy", "name": "ocr", "action": "deleted"} in gone["objects"]


def test_a_service_account_of_others(server: Server) -> None:
    with pytest.raises(InputError, match="service_account"):
        server.run(service_account="vision")
    assert server.made() == []
    body = {"metadata": {"name": "vision"}}
    server.cluster.core.create_namespaced_service_account(server.namespace, body)
    server.run(service_account="vision", se_linux_options={"type": "container_t"})
    (pod,) = server.pods()
    assert pod.spec.service_account_name == "vision"
    assert pod.spec.security_context.se_linux_options.type == "container_t"
    server.run(service_account="vision", state="absent")
    assert server.cluster.core.read_namespaced_service_account("vision", server.namespace)


def _admitted(server: Server, namespace: str, pod: dict[str, Any]) -> bool:
    """Tell whether the cluster's own admission lets a pod in."""
    try:
        server.cluster.core.create_namespaced_pod(namespace, pod, dry_run="All")
    except k8s.ApiException as error:
        assert "violates PodSecurity" in str(error.body)
        return False
    return True


@pytest.mark.parametrize(
    "options",
    [
        {"seccomp_profile": {"type": "Unconfined"}},
        {"se_linux_options": {"user": "system_u"}},
        {"app_armor_profile": {"type": "Unconfined"}},
    ],
)
def test_our_word_on_the_namespace_is_the_admission_s(
    server: Server, make_namespace: Any, make_pvc: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="pod-security.kubernetes.io/enforce=privileged"):
        server.run(**options)
    namespace = make_namespace(server.cluster, "privileged")
    make_pvc(server.cluster, namespace)
    server.run(namespace=namespace, replicas=0, **options)
    apps = server.cluster.apps
    template = apps.read_namespaced_deployment("ocr", namespace).spec.template
    pod = {"metadata": {"generateName": "probe-"}, "spec": template.spec}
    for level, admitted in (("baseline", False), ("privileged", True)):
        server.cluster.core.patch_namespace(
            namespace,
            {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}},
        )
        # Admission reads namespaces from a cache that the change of the label has to reach.
        server.cluster.wait_until(
            lambda admitted=admitted: _admitted(server, namespace, pod) is admitted, level, 20
        )


@pytest.fixture
def proxies_api(shop: Any) -> Iterator[Any]:
    """OpenShift's C(Proxy) kind with an object; the group alone makes no OpenShift of a cluster."""
    definitions = k8s.ApiextensionsV1Api(shop.api)
    name = f"proxies.{PROXY_API}"
    definitions.create_custom_resource_definition(_definition())
    custom = k8s.CustomObjectsApi(shop.api)

    def served() -> bool:
        found = definitions.read_custom_resource_definition(name).status.conditions or []
        return any(item.type == "Established" and item.status == "True" for item in found)

    try:
        shop.wait_until(served, "the definition is served")
        yield custom
    finally:
        definitions.delete_custom_resource_definition(name)
        with KubeClient.from_params(shop.auth) as client:
            shop.wait_until(lambda: not client.serves(f"{PROXY_API}/v1"), "the group is gone")


def _definition() -> dict[str, Any]:
    directory = os.environ.get("EDGE_CRDS")
    if directory:
        text = (Path(directory) / "config.openshift.io_proxies.yaml").read_text()
        found: dict[str, Any] = yaml.safe_load(text)
        return found
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": free},
        "subresources": {"status": {}},
    }
    names = {"kind": "Proxy", "listKind": "ProxyList", "plural": "proxies", "singular": "proxy"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"proxies.{PROXY_API}",
            "annotations": {"api-approved.kubernetes.io": "https://github.com/openshift/api"},
        },
        "spec": {"group": PROXY_API, "names": names, "scope": "Cluster", "versions": [version]},
    }


def test_proxies_of_the_cluster(server: Server, proxies_api: Any) -> None:
    kind = (PROXY_API, "v1", "proxies")
    body = {"apiVersion": f"{PROXY_API}/v1", "kind": "Proxy", "metadata": {"name": "cluster"}}
    spec = {"httpProxy": "http://asked.corp:1", "noProxy": "asked.lan"}
    proxies_api.create_cluster_custom_object(*kind, {**body, "spec": spec})
    status = {"httpsProxy": "http://proxy.corp:3128", "noProxy": ".corp,10.128.0.0/14"}
    proxies_api.patch_cluster_custom_object_status(*kind, "cluster", {"status": status})
    made = server.run(proxies={"from_cluster": True})
    assert made["proxies"]["source"] == "cluster"
    text = run_in_pod(server, "env")
    assert "HTTPS_PROXY=http://proxy.corp:3128" in text and "asked" not in text
    assert "no_proxy=.corp,10.128.0.0/14,localhost" in text
    assert not server.run(proxies={"from_cluster": True})["changed"]


def test_a_cluster_without_proxies_is_refused(server: Server) -> None:
    both: tuple[dict[str, Any], ...] = (
        {"proxies": {"from_cluster": True}},
        {"ca_bundle": {"from_cluster": True}},
    )
    for options in both:
        with pytest.raises(InputError, match="OpenShift"):
            server.run(**options)
    assert server.made() == []


@pytest.fixture
def constraint_role(shop: Any) -> Iterator[str]:
    """A role as OpenShift has one for each of its constraints."""
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    rule = {
        "apiGroups": [scc.GROUP],
        "resources": [scc.RESOURCE],
        "resourceNames": [name],
        "verbs": ["use"],
    }
    shop.rbac.create_cluster_role({"metadata": {"name": name}, "rules": [rule]})
    yield name
    shop.rbac.delete_cluster_role(name)


def test_binding_gives_the_right_that_the_review_looks_for(
    server: Server, constraint_role: str
) -> None:
    """Rights and reviews are Kubernetes' own; admission by constraints is only on OpenShift."""
    asked = {"name": constraint_role, "cluster_role": constraint_role, "bind": True}
    options: dict[str, Any] = {"platform": "openshift", "run_as_user": 5000, "replicas": 0}

    def may_use() -> bool:
        with KubeClient.from_params(server.cluster.auth) as client:
            answer = client.create(scc.review(server.namespace, "ocr", constraint_role))
        return bool(answer["status"]["allowed"])

    assert not may_use()
    with KubeClient.from_params(server.cluster.auth) as client:
        assert not client.serves(scc.API_VERSION)
        own = scc.own_objects({})[1]
        assert client.apply(own, dry_run=True)["rules"][0]["resourceNames"] == [scc.OWN]
        assert client.denied([Access("use", scc.GROUP, scc.RESOURCE, name=constraint_role)]) == []
    with pytest.raises(InputError, match="the cluster has no constraint of this name"):
        server.run(scc=asked, **options)
    body = scc.binding({"name": "ocr-scc", "namespace": server.namespace}, "ocr", constraint_role)
    server.cluster.rbac.create_namespaced_role_binding(server.namespace, body)
    server.cluster.wait_until(may_use, "the right is there", 10)
