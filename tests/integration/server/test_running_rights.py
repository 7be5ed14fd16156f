# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options with the rights that are shipped for them, and what is said without these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import GROUP, Restricted
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from serving import Server, put_models

RBAC = Path(__file__).resolve().parents[3] / "roles" / "preflight" / "files" / "rbac.yml"
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
def account(shop: Any) -> Restricted:
    made: Restricted = shop.new_account()
    return made


@pytest.fixture
def server(
    shop: Any,
    make_namespace: Any,
    make_pvc: Any,
    make_server: Any,
    adders: Any,
    account: Restricted,
) -> Server:
    """A server whose account has the rights of the standard job in its namespace."""
    namespace = make_namespace(shop, "restricted")
    put_models(shop, namespace, make_pvc(shop, namespace), adders)
    bind(shop, namespace, "openvino-edge-deployer", account)
    made: Server = make_server(shop, namespace, kubeconfig=str(account.kubeconfig))
    return made


def bind(shop: Any, namespace: str, name: str, account: Restricted) -> None:
    """Bind a shipped role, and wait until the account has all of it."""
    meta = {"metadata": {"name": name}}
    reference = {"apiGroup": GROUP, "kind": "Role", "name": name}
    role = {"roleRef": reference, "subjects": account.subjects}
    shop.rbac.create_namespaced_role(namespace, {**meta, "rules": shipped(name)})
    shop.rbac.create_namespaced_role_binding(namespace, {**meta, **role})
    account.until_rules(namespace, shipped(name))


def test_the_shipped_rights_are_enough_and_their_lack_is_told(
    server: Server, account: Restricted
) -> None:
    shop, namespace = server.cluster, server.namespace
    assert server.run()["changed"] and not server.run()["changed"]
    for options, right in (
        (ON_NODES, "daemonsets.apps"),
        (SCALED, "poddisruptionbudgets.policy"),
    ):
        with pytest.raises(ForbiddenError, match=f"get {right}.*create {right}"):
            server.run(**options)
    assert not server.run()["changed"]

    bind(shop, namespace, OPTIONS, account)
    for options in (ON_NODES, SCALED):
        assert server.run(**options)["changed"]
        assert not server.run(**options)["changed"]
        checked = {"namespace": namespace, "name": "ocr", "kubeconfig": server.args()["kubeconfig"]}
        params = dict.fromkeys(status.ARGUMENT_SPEC)
        defaults = {k: v["default"] for k, v in status.ARGUMENT_SPEC.items() if "default" in v}
        assert status.run({**params, **defaults, **checked}, Runtime())["available"]
    assert server.run(state="absent")["changed"]
    assert server.made() == []
