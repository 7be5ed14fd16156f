# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real cluster does what the collection's tests build on: the lab's, or EDGE_KUBECONFIG."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusterkit import (
    Kubectl,
    claim,
    eventually,
    given_kubeconfig,
    lab,
    lab_status,
    namespace,
    node_names,
    pod,
    service,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="session", name="kubeconfig")
def kubeconfig_path() -> str:
    given = given_kubeconfig()
    if given:
        return given
    lab("up", "factory")
    return lab("kubeconfig", "factory").stdout.strip()


@pytest.fixture(scope="module", name="kubectl")
def own_namespace(kubeconfig: str) -> Iterator[Kubectl]:
    with namespace(kubeconfig) as inside:
        yield inside


@pytest.fixture(scope="module", name="pair")
def pods_on_two_nodes(kubectl: Kubectl) -> list[str]:
    nodes = node_names(kubectl)
    first, last = nodes[0], nodes[-1]
    kubectl.apply(pod("one", node=first), pod("two", node=last), service("one"), service("two"))
    kubectl.ready("pod/one")
    kubectl.ready("pod/two")
    return [first, last]


def test_pods_talk_across_nodes_through_a_service_name(kubectl: Kubectl, pair: list[str]) -> None:
    for here, there in (("one", "two"), ("two", "one")):
        for name in (there, f"{there}.{kubectl.namespace}.svc.cluster.local"):
            argv = ("exec", here, "--", "/probe", "get", f"http://{name}/hello")
            answer = eventually(functools.partial(kubectl, *argv))
            assert answer.startswith(f"{there} /hello ")


def test_a_pod_reaches_itself_through_its_service(kubectl: Kubectl, pair: list[str]) -> None:
    # Not just "one": in its own /etc/hosts that is the pod itself.
    url = f"http://one.{kubectl.namespace}.svc/self"
    answer = kubectl("exec", "one", "--", "/probe", "get", url)
    assert answer.startswith("one /self ")


def test_pods_resolve_the_api_server(kubectl: Kubectl, pair: list[str]) -> None:
    url = "https://kubernetes.default.svc.cluster.local/"
    done = kubectl.run("exec", "one", "--", "/probe", "get", url)
    # The name resolved and TLS was spoken: the probe trusts no authority, so it ends there.
    assert "certificate" in done.stderr
    done = kubectl.run("exec", "one", "--", "/probe", "get", "http://nowhere.invalid/")
    assert "lookup nowhere.invalid on" in done.stderr


def test_api_server_reaches_pods_on_every_node(kubectl: Kubectl, pair: list[str]) -> None:
    for name in ("one", "two"):
        path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{name}:8080/proxy/through"
        assert kubectl("get", "--raw", path).startswith(f"{name} /through ")


def test_logs_events_and_metrics(kubectl: Kubectl, pair: list[str]) -> None:
    assert "serving on :8080 as uid 5000" in kubectl("logs", "two")
    reasons = {item["reason"] for item in kubectl.get("events")["items"]}
    assert {"Scheduled", "Started"} <= reasons
    for node in pair:
        summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
        assert summary["node"]["nodeName"] == node
    assert "apiserver_request_total" in kubectl("get", "--raw", "/metrics")


def test_exec_reports_status_and_standard_error(kubectl: Kubectl, pair: list[str]) -> None:
    done = kubectl.run("exec", "one", "--", "/probe", "read", "/none")
    assert done.returncode == 1
    assert "no such file" in done.stderr


def test_default_class_binds_and_keeps_data(kubectl: Kubectl) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    mounts = [{"name": "data", "mountPath": "/data"}]
    kubectl.apply(claim("data"), pod("writer", volumes=[volume], mounts=mounts))
    kubectl.ready("pod/writer")
    kubectl("exec", "writer", "--", "/probe", "write", "/data/file", "kept")
    kubectl("delete", "pod", "writer", "--wait=true")
    kubectl.apply(pod("reader", volumes=[volume], mounts=mounts))
    kubectl.ready("pod/reader")
    assert kubectl("exec", "reader", "--", "/probe", "read", "/data/file") == "kept"
    assert kubectl.get("pvc", "data")["status"]["phase"] == "Bound"


def test_restricted_namespace_refuses_host_paths(kubeconfig: str) -> None:
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    volume = {"name": "models", "hostPath": {"path": "/var/lib/openvino-edge/models"}}
    with namespace(kubeconfig, enforce) as restricted:
        text = json.dumps(pod("wrong", volumes=[volume]))
        done = restricted.run("apply", "-f", "-", stdin=text)
        assert done.returncode != 0
        assert 'violates PodSecurity "restricted' in done.stderr
        assert "hostPath" in done.stderr
        restricted.apply(pod("right"))
        restricted.ready("pod/right")


def test_service_account_tokens_are_known_and_have_no_rights(
    kubectl: Kubectl, kubeconfig: str
) -> None:
    token = kubectl("create", "token", "default").strip()
    user = f"system:serviceaccount:{kubectl.namespace}:default"
    server = kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    anonymous = Kubectl("/dev/null", kubectl.namespace)
    flags = ("--server", server, "--insecure-skip-tls-verify", "--token", token)
    done = anonymous.run("get", "pods", *flags)
    assert done.returncode != 0
    assert f'User "{user}" cannot list resource "pods"' in done.stderr


# The lab's own clusters only


@pytest.fixture(name="facts")
def factory_facts(kubeconfig: str) -> dict[str, Any]:
    if given_kubeconfig():
        pytest.skip("about the lab's own clusters")
    return lab_status()["factory"]


def test_restricted_user_has_no_rights_until_some_are_bound(
    facts: dict[str, Any], kubectl: Kubectl
) -> None:
    restricted = Kubectl(facts["restricted_kubeconfig"], kubectl.namespace)
    done = restricted.run("get", "pods")
    assert 'User "edge-deployer" cannot list resource "pods"' in done.stderr
    kubectl("create", "role", "look", "--verb=list", "--resource=pods")
    kubectl("create", "rolebinding", "look", "--role=look", "--user=edge-deployer")
    eventually(lambda: restricted.run("get", "pods").returncode == 0)


def test_each_node_has_its_own_models_directory(
    facts: dict[str, Any], kubectl: Kubectl, pair: list[str]
) -> None:
    path = "/var/lib/openvino-edge/models/lab-test"
    volume = {"name": "m", "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
    for number, node in enumerate(pair):
        mounts = [{"name": "m", "mountPath": "/m"}]
        name = f"disk-{number}"
        kubectl.apply(pod(name, node=node, volumes=[volume], mounts=mounts))
        kubectl.ready(f"pod/{name}")
    for node in facts["nodes"]:
        folder = Path(node["models"]) / "lab-test"
        assert folder.is_dir()
        (folder / "who").write_text(node["name"])
    for number, node in enumerate(pair):
        assert kubectl("exec", f"disk-{number}", "--", "/probe", "read", "/m/who") == node
    for node in facts["nodes"]:
        (Path(node["models"]) / "lab-test" / "who").unlink()


def test_shared_class_is_one_directory_on_all_nodes(
    facts: dict[str, Any], kubectl: Kubectl, pair: list[str]
) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "shared"}}
    mounts = [{"name": "data", "mountPath": "/data"}]
    kubectl.apply(claim("shared", "shared", "ReadWriteMany"))
    for number, node in enumerate(pair):
        kubectl.apply(pod(f"share-{number}", node=node, volumes=[volume], mounts=mounts))
        kubectl.ready(f"pod/share-{number}")
    kubectl("exec", "share-0", "--", "/probe", "write", "/data/file", "both")
    assert kubectl("exec", "share-1", "--", "/probe", "read", "/data/file") == "both"


def test_local_class_refuses_what_one_directory_cannot_do(
    facts: dict[str, Any], kubectl: Kubectl
) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "many"}}
    kubectl.apply(claim("many", "standard", "ReadWriteMany"), pod("many", volumes=[volume]))
    eventually(
        lambda: any(
            "use class shared" in item["message"]
            for item in kubectl.get("events", "--field-selector=involvedObject.name=many")["items"]
        )
    )
    kubectl("delete", "pod/many", "pvc/many")


def test_static_local_volume_binds(
    facts: dict[str, Any], kubectl: Kubectl, pair: list[str]
) -> None:
    name = f"{kubectl.namespace}-static"
    affinity = {"key": "kubernetes.io/hostname", "operator": "In", "values": [pair[0]]}
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "storageClassName": "manual-local",
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "local": {"path": "/var/lib/openvino-edge/disks/a"},
                "nodeAffinity": {
                    "required": {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}
                },
            },
        },
        claim("static", "manual-local"),
    )
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "static"}}
    try:
        kubectl.apply(pod("static", volumes=[volume]))
        kubectl.ready("pod/static")
        assert kubectl.get("pod", "static")["spec"]["nodeName"] == pair[0]
    finally:
        kubectl("delete", "pod/static", "pvc/static", "--ignore-not-found")
        kubectl("delete", "pv", name)
