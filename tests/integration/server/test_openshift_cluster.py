# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster with the kinds of OpenShift: detection, constraints, and the rights for them.

A cluster of its own, since these kinds make an OpenShift of it for everything that asks. The kinds,
rights and reviews are real; no admission by constraints stands behind them.
"""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render import scc
from definitions import Kind, serve
from grants import Grants, Right, shipped
from kubernetes import client as k8s
from readers import read_all
from serving import Server

LAB = Path(__file__).resolve().parents[2] / "testbed" / "lab" / "lab"
NAME = "openshift"
CONSTRAINTS = Kind(scc.GROUP, "v1", scc.KIND, scc.RESOURCE)
PROXIES = Kind("config.openshift.io", "v1", "Proxy", "proxies")


def example(word: str) -> dict[str, Any]:
    """Return the options of the one example of the page that has a word."""
    text = (Path(__file__).parents[3] / "docs" / "openshift.md").read_text(encoding="utf-8")
    (block,) = [item for item in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if word in item]
    options = yaml.safe_load(block)[0]["openvino.edge.model_server"]
    return {key: value for key, value in options.items() if key not in ("namespace", "name")}


ON_HOST = {"pvc": None, **example("scc:")}
ON_HOST["host_path"] = {**ON_HOST["host_path"], "nodes": [f"{NAME}-1"]}
FROM_CLUSTER = example("from_cluster")


def lab(*argv: str) -> str:
    done = subprocess.run([str(LAB), *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def cluster(shop: Any) -> Iterator[Any]:
    """A cluster of one node with the kinds of OpenShift; it goes after the last test."""
    if os.environ.get("EDGE_KUBECONFIG") or os.geteuid():
        pytest.skip("makes a cluster of its own in the lab")
    lab("up", NAME, "--nodes", "1")
    try:
        made = type(shop)(NAME, Path(lab("kubeconfig", NAME, "--user", "admin")))
        serve(made, CONSTRAINTS, PROXIES)
        yield made
    finally:
        lab("down", NAME)


@pytest.fixture
def grants(cluster: Any) -> Iterator[Grants]:
    """The usual rights in a namespace that admits host paths and has users of its own."""
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    meta = {
        "name": name,
        "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
        "annotations": {"openshift.io/sa.scc.uid-range": "1000680000/10000"},
    }
    cluster.core.create_namespace({"metadata": meta})
    claim = {
        "metadata": {"name": "models"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    cluster.core.create_namespaced_persistent_volume_claim(name, claim)
    made = Grants(cluster, name)
    made.give("deployer")
    made.give("cluster-reader", wide=True)
    yield made
    made.remove()
    cluster.core.delete_namespace(name)


@pytest.fixture
def server(cluster: Any, grants: Grants, make_server: Any) -> Server:
    kubeconfig = str(grants.account.kubeconfig)
    options = {"kubeconfig": kubeconfig, "models": [], "replicas": 0, "wait": False}
    made: Server = make_server(cluster, grants.namespace, **options)
    return made


def context_of(server: Server) -> Any:
    apps = server.cluster.apps
    found = apps.read_namespaced_deployment("ocr", server.namespace)
    return found.spec.template.spec.security_context


def test_a_server_on_a_claim_needs_no_right_of_openshift(server: Server) -> None:
    """The platform is found out by itself, and users are left to the namespace."""
    assert server.run()["changed"] and not server.run()["changed"]
    context = context_of(server)
    assert context.run_as_user is context.fs_group is context.run_as_group is None
    assert context.run_as_non_root
    assert not server.run(platform="openshift")["changed"]
    assert server.run(platform="kubernetes")["changed"]
    assert context_of(server).run_as_user == 5000
    assert server.run(state="absent", models=None, replicas=None)["changed"]


def refused(server: Server, right: Right, **options: Any) -> None:
    """The lack of a right is named, in our words or the API server's, and nothing is changed."""
    with pytest.raises(ForbiddenError) as caught:
        server.run(**options)
    text = str(caught.value)
    assert right.verb in text and right.resource in text, text
    assert not caught.value.details.get("changed")


def test_the_constraint_for_host_paths_and_its_rights(server: Server, grants: Grants) -> None:
    with pytest.raises(ForbiddenError, match="securitycontextconstraints"):
        server.run(**ON_HOST)
    grants.give("scc-maker", wide=True)
    with pytest.raises(ForbiddenError, match="create rolebindings"):
        server.run(**ON_HOST)
    grants.give("scc-binder")
    for right in shipped("scc-maker"):
        with grants.lost("scc-maker", right, wide=True):
            refused(server, right, **ON_HOST)
    assert server.made() == []
    made = server.run(**ON_HOST)
    assert [item["kind"] for item in made["objects"]][:2] == [scc.KIND, "ClusterRole"]
    assert not server.run(**ON_HOST)["changed"]
    constraint = read_all(server.cluster, scc.API_VERSION, scc.KIND)[scc.OWN]
    assert constraint["allowHostDirVolumePlugin"] and "hostPath" in constraint["volumes"]
    assert constraint["runAsUser"] == {"type": "MustRunAsNonRoot"}
    assert not constraint["allowPrivilegedContainer"] and not constraint["allowHostNetwork"]
    pod = server.cluster.apps.read_namespaced_deployment("ocr", server.namespace).spec.template
    assert pod.metadata.annotations[scc.REQUIRED_ANNOTATION] == scc.OWN
    gone: dict[str, Any] = {"state": "absent", "models": None, "replicas": None, "pvc": None}
    assert server.run(**gone)["changed"]


def test_binding_alone_is_for_who_made_nothing(
    cluster: Any, server: Server, grants: Grants, make_server: Any
) -> None:
    """The administrator makes the constraint, the deployer lets servers use it, or is told."""
    bind = {**ON_HOST, "scc": {"bind": True}}
    grants.give("openshift-reader", wide=True)
    api, plural = k8s.CustomObjectsApi(cluster.api), (scc.GROUP, "v1", scc.RESOURCE)
    for thing in api.list_cluster_custom_object(*plural)["items"]:
        api.delete_cluster_custom_object(*plural, thing["metadata"]["name"])
    with pytest.raises(InputError, match="the cluster has no constraint of this name"):
        server.run(**{**ON_HOST, "scc": None})
    admin: Server = make_server(cluster, server.namespace, models=[], replicas=0, wait=False)
    admin.run(**{**ON_HOST, "scc": {"create": True}, "name": "first"})
    with pytest.raises(InputError, match="may not use it"):
        server.run(**{**ON_HOST, "scc": None})
    grants.give("scc-binder")
    assert server.run(**bind)["changed"] and not server.run(**bind)["changed"]
    for right in shipped("scc-binder"):
        if right.name.endswith(scc.NON_ROOT):
            continue  # the same, for another constraint
        wanted = bind if right.verb != "delete" else {**ON_HOST, "scc": None}
        if right.verb != "delete":
            server.run(state="absent", models=None, replicas=None, pvc=None)
        with grants.lost("scc-binder", right):
            refused_binding(server, right, wanted)
        server.run(**bind)


def refused_binding(server: Server, right: Right, options: dict[str, Any]) -> None:
    if right.verb == "bind":
        with pytest.raises(EdgeError, match="Nobody can give rights that he has not"):
            server.run(**options)
    else:
        refused(server, right, **options)


def test_the_proxies_of_the_cluster(cluster: Any, server: Server, grants: Grants) -> None:
    spec = {"httpProxy": "http://proxy.corp:3128"}
    body = {
        "apiVersion": "config.openshift.io/v1",
        "kind": "Proxy",
        "metadata": {"name": "cluster"},
        "spec": spec,
    }
    api, kind = k8s.CustomObjectsApi(cluster.api), (PROXIES.group, "v1", PROXIES.plural)
    api.create_cluster_custom_object(*kind, body)
    status = {"status": {**spec, "noProxy": ".corp"}}
    api.patch_cluster_custom_object_status(*kind, "cluster", status)
    with pytest.raises(ForbiddenError, match="Grant get on proxies.config.openshift.io"):
        server.run(**FROM_CLUSTER)
    assert server.made() == []
    grants.give("openshift-reader", wide=True)
    assert server.run(**FROM_CLUSTER)["proxies"]["source"] == "cluster"
    assert not server.run(**FROM_CLUSTER)["changed"]
    assert FROM_CLUSTER["ca_bundle"] == {"from_cluster": True}
    config_map = server.cluster.core.read_namespaced_config_map("ocr-ca", server.namespace)
    assert config_map.metadata.labels["config.openshift.io/inject-trusted-cabundle"] == "true"
