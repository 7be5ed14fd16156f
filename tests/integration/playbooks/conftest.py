# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of two clusters; the shipped rights, bound for accounts that have no other."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import GROUP, Restricted
from fleetkit import ROOT, SITES, TINY, Fleet, Sites
from kubernetes.client.exceptions import ApiException

RBAC = ROOT / "roles" / "preflight" / "files" / "rbac.yml"


@pytest.fixture
def account() -> Callable[[Any], Restricted]:
    """``account(cluster)`` returns the account that this test has on a cluster."""
    made: dict[str, Restricted] = {}

    def find(cluster: Any) -> Restricted:
        if cluster.name not in made:
            made[cluster.name] = cluster.new_account()
        return made[cluster.name]

    return find


@pytest.fixture
def fleet(
    tmp_path: Path,
    shop: Any,
    factory: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    agent_image: str,
    server_image: str,
    account: Callable[..., Restricted],
) -> Fleet:
    """A namespace on each cluster, one model, and an account without any right."""
    model = f"tiny-{uuid.uuid4().hex[:6]}"
    version = tmp_path / "models" / model / "1"
    version.mkdir(parents=True)
    (version / "model.xml").write_text(TINY)
    (version / "model.bin").write_bytes(b"")
    namespaces = {
        "factory": make_namespace(factory, "privileged"),
        "shop": make_namespace(shop),
    }
    make_pvc(shop, namespaces["shop"])
    nodes = factory.nodes()
    stores = {
        "factory": {"host_path": {"path": "/var/lib/openvino-edge/models", "nodes": nodes}},
        "shop": {"pvc": {"claim_name": "models"}},
    }
    kubeconfigs = {"factory": account(factory).kubeconfig, "shop": account(shop).kubeconfig}
    hosts = {
        name: {
            "edge_namespace": namespaces[name],
            "edge_store": stores[name],
            "edge_kubeconfig": str(kubeconfigs[name]),
            "edge_replicas": len(nodes) if name == "factory" else 1,
        }
        for name in namespaces
    }
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "edge_src": str(tmp_path / "models"),
        "edge_models": [{"name": model, "versions": [1]}],
        "edge_image": server_image,
        "edge_agent_image": agent_image,
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts, "vars": common}}))
    return Fleet(inventory, namespaces)


@pytest.fixture
def sites(
    tmp_path: Path,
    shop: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    agent_image: str,
    server_image: str,
) -> Sites:
    """Version 1 and 3 of the model load, version 2 does not."""
    for number, text in ((1, TINY), (2, "<net"), (3, TINY.replace("11", "11 "))):
        version = tmp_path / "models" / "tiny" / str(number)
        version.mkdir(parents=True)
        (version / "model.xml").write_text(TINY if number == 3 else text)
        (version / "model.bin").write_bytes(b"" if number < 3 else b"3")
    namespaces = {site: make_namespace(shop) for site in SITES}
    for namespace in namespaces.values():
        make_pvc(shop, namespace)
    inventory = tmp_path / "inventory.json"
    inventory.write_text(
        json.dumps(
            {
                "sites": {
                    "hosts": {site: {"edge_namespace": namespaces[site]} for site in SITES},
                    "vars": {
                        "ansible_connection": "local",
                        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                        "edge_kubeconfig": str(shop.kubeconfig),
                        "edge_store": {"pvc": {"claim_name": "models"}},
                        "edge_src": str(tmp_path / "models"),
                        "edge_image": server_image,
                        "edge_agent_image": agent_image,
                        "edge_server_options": {"replicas": 1},
                    },
                }
            }
        )
    )
    return Sites(inventory, namespaces, shop)


@pytest.fixture
def rights(account: Callable[[Any], Restricted]) -> Iterator[Callable[..., None]]:
    """``rights(cluster, namespace, *more, without=None)`` binds the roles of every job."""
    made: list[tuple[Any, str, str]] = []
    shipped = {
        item["metadata"]["name"].removeprefix("openvino-edge-"): item["rules"]
        for item in yaml.safe_load(RBAC.read_text())["items"]
    }

    def bind(cluster: Any, namespace: str, *more: str, without: str | None = None) -> None:
        suffix, who = uuid.uuid4().hex[:6], account(cluster)
        for short in ("deployer", "cluster-reader", *more):
            name = f"edge-test-{short}-{suffix}"
            rules = [rule for rule in shipped[short] if without not in rule["resources"]]
            cluster.rbac.create_cluster_role({"metadata": {"name": name}, "rules": rules})
            made.append((cluster, "cluster_role", name))
            role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
            binding = {"metadata": {"name": name}, "roleRef": role, "subjects": who.subjects}
            if short != "cluster-reader":
                cluster.rbac.create_namespaced_role_binding(namespace, binding)
                who.until_rules(namespace, rules)
            else:
                cluster.rbac.create_cluster_role_binding(binding)
                made.append((cluster, "cluster_role_binding", name))
                who.until_rules("", rules)

    yield bind
    for cluster, kind, name in made:
        try:
            getattr(cluster.rbac, f"delete_{kind}")(name)
        except ApiException as error:
            if error.status != 404:
                raise
