# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options with the usual rights and those of rbac-options.yml, and without each of these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
)
from grants import Grants, shipped
from serving import Server

POLICY: dict[str, Any] = {"network_policy": {"namespaces": ["line-1"]}}
PROXIES: dict[str, Any] = {"proxies": {"http_proxy": "http://proxy.corp:3128"}}


@pytest.fixture
def grants(shop: Any, make_namespace: Any, make_pvc: Any) -> Iterator[Grants]:
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace)
    made = Grants(shop, namespace)
    made.give("deployer")
    yield made
    made.remove()


@pytest.fixture
def server(shop: Any, grants: Grants, make_server: Any) -> Server:
    kubeconfig = str(grants.account.kubeconfig)
    options = {"kubeconfig": kubeconfig, "models": [], "replicas": 0, "wait": False}
    made: Server = make_server(shop, grants.namespace, **options)
    assert made.run()["changed"]
    return made


def test_a_network_policy(server: Server, grants: Grants) -> None:
    with pytest.raises(ForbiddenError, match=r"create networkpolicies.networking.k8s.io"):
        server.run(**POLICY)
    assert not server.run()["changed"]
    role = "network-policy"
    grants.give(role)
    for right in shipped(role):
        wanted = POLICY
        if right.verb == "delete":
            assert server.run(**POLICY)["changed"] and not server.run(**POLICY)["changed"]
            wanted = {}
        with grants.lost(role, right):
            named = rf'{right.verb} (resource ")?networkpolicies'
            with pytest.raises(ForbiddenError, match=named) as caught:
                server.run(**wanted)
            assert not caught.value.details.get("changed")
    assert server.run()["changed"] and not server.run()["changed"]
    assert server.run(state="absent", models=None, replicas=None)["changed"]


def test_what_is_only_welcome(server: Server, grants: Grants) -> None:
    """Without it the same is done, and less is known before."""
    made = server.run(**PROXIES)
    assert made["changed"] and made["proxies"]["unknown"]
    server.run(priority_class="no-such-class", **PROXIES)
    grants.give("options-reader", wide=True)
    told = server.run(**PROXIES)["proxies"]
    assert "services" not in told["unknown"], told
    with pytest.raises(InputError, match="the cluster has no such PriorityClass"):
        server.run(priority_class="no-other-class", **PROXIES)
