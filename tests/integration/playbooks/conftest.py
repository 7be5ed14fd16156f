# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped rights, bound for an account that has no other."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from fleetkit import ROOT
from kubernetes.client.exceptions import ApiException

RBAC = ROOT / "roles" / "preflight" / "files" / "rbac.yml"


@pytest.fixture
def rights(shop: Any, factory: Any) -> Iterator[Callable[..., None]]:
    """``rights(cluster, namespace, without=None)`` binds the shipped roles to edge-deployer."""
    made: list[tuple[Any, str, str]] = []

    def bind(cluster: Any, namespace: str, without: str | None = None) -> None:
        suffix = uuid.uuid4().hex[:6]
        for role in yaml.safe_load(RBAC.read_text())["items"]:
            short = role["metadata"]["name"].removeprefix("openvino-edge-")
            if short == "namespace-admin":
                continue
            name = f"edge-test-{short}-{suffix}"
            rules = [rule for rule in role["rules"] if without not in rule["resources"]]
            cluster.rbac.create_cluster_role({"metadata": {"name": name}, "rules": rules})
            made.append((cluster, "cluster_role", name))
            binding: dict[str, Any] = {
                "metadata": {"name": name},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": name,
                },
                "subjects": [
                    {
                        "apiGroup": "rbac.authorization.k8s.io",
                        "kind": "User",
                        "name": os.environ.get("EDGE_RESTRICTED_USER", "edge-deployer"),
                    }
                ],
            }
            if short == "deployer":
                cluster.rbac.create_namespaced_role_binding(namespace, binding)
            else:
                cluster.rbac.create_cluster_role_binding(binding)
                made.append((cluster, "cluster_role_binding", name))
            user = str(binding["subjects"][0]["name"])
            cluster.wait_for_rights(user, namespace if short == "deployer" else None, rules)

    yield bind
    for cluster, kind, name in made:
        try:
            getattr(cluster.rbac, f"delete_{kind}")(name)
        except ApiException as error:
            if error.status != 404:
                raise
