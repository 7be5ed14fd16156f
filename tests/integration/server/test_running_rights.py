# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options with the rights that are shipped for them, and what is said without these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from kubernetes import client as k8s
from kubernetes import config as k8s_config
from serving import Server, put_models

RBAC = Path(__file__).resolve().parents[3] / "roles" / "preflight" / "files" / "rbac.yml"
USER = os.environ.get("EDGE_RESTRICTED_USER", "edge-deployer")
GROUP = "rbac.authorization.k8s.io"
OPTIONS = "openvino-edge-server-options"
ON_NODES = {"workload": "DaemonSet", "service": {"headless": True}}
SCALED = {
    "autoscaling": {"max_replicas": 2, "pod_metrics": {"streams": "1"}},
    "disruption_budget": {"max_unavailable": "1"},
}


def shipped(name: str) -> list[dict[str, Any]]:
    """Return the rules of a shipped role."""
    (role,) = [
        item
        for item in yaml.safe_load(RBAC.read_text())["items"]
        if item["metadata"]["name"] == name
    ]
    rules: list[dict[str, Any]] = role["rules"]
    return rules


@pytest.fixture
def server(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, adders: Any
) -> Iterator[Server]:
    """A server whose account has the rights of the standard job in its namespace."""
    namespace = make_namespace(shop, "restricted")
    put_models(shop, namespace, make_pvc(shop, namespace), adders)
    bind(shop, namespace, "openvino-edge-deployer")
    made: Server = make_server(shop, namespace, kubeconfig=str(shop.restricted_kubeconfig))
    shop.wait_until(lambda: may(shop, namespace, "patch", "apps", "deployments"), "bound", 20)
    yield made


def bind(shop: Any, namespace: str, name: str) -> None:
    meta = {"metadata": {"name": name}}
    subjects = [{"kind": "User", "name": USER, "apiGroup": GROUP}]
    role = {"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name}, "subjects": subjects}
    shop.rbac.create_namespaced_role(namespace, {**meta, "rules": shipped(name)})
    shop.rbac.create_namespaced_role_binding(namespace, {**meta, **role})


def may(shop: Any, namespace: str, verb: str, group: str, resource: str) -> bool:
    """Ask the API server's authorizer, as the restricted user."""
    api = k8s_config.new_client_from_config(str(shop.restricted_kubeconfig))
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": resource}
    body = {"spec": {"resourceAttributes": asked}}
    review = k8s.AuthorizationV1Api(api).create_self_subject_access_review(body)
    return bool(review.status.allowed)


def test_the_shipped_rights_are_enough_and_their_lack_is_told(server: Server) -> None:
    shop, namespace = server.cluster, server.namespace
    assert server.run()["changed"] and not server.run()["changed"]
    for options, right in (
        (ON_NODES, "daemonsets.apps"),
        (SCALED, "poddisruptionbudgets.policy"),
    ):
        with pytest.raises(ForbiddenError, match=f"get {right}.*create {right}"):
            server.run(**options)
    assert not server.run()["changed"]

    bind(shop, namespace, OPTIONS)
    last = shipped(OPTIONS)[-1]
    group, resource = last["apiGroups"][0], last["resources"][0]
    shop.wait_until(lambda: may(shop, namespace, "delete", group, resource), "bound", 20)
    for options in (ON_NODES, SCALED):
        assert server.run(**options)["changed"]
        assert not server.run(**options)["changed"]
        checked = {"namespace": namespace, "name": "ocr", "kubeconfig": server.args()["kubeconfig"]}
        params = dict.fromkeys(status.ARGUMENT_SPEC)
        defaults = {k: v["default"] for k, v in status.ARGUMENT_SPEC.items() if "default" in v}
        assert status.run({**params, **defaults, **checked}, Runtime())["available"]
    assert server.run(state="absent")["changed"]
    assert server.made() == []
