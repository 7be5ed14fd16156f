# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 35: rights on a namespace are for the named ones, and for that of the binding."""

from __future__ import annotations

import contextlib
import copy
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import GROUP, Restricted
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.objects import entry as objects
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from kubernetes.client.exceptions import ApiException

RBAC = Path(__file__).resolve().parents[3] / "roles" / "preflight" / "files" / "rbac.yml"


def rules(role: str, namespace: str) -> list[dict[str, Any]]:
    """Return the rules of a shipped role, with our namespace in the place of the example's."""
    items = yaml.safe_load(RBAC.read_text())["items"]
    (found,) = [item for item in items if item["metadata"]["name"] == f"openvino-edge-{role}"]
    own: list[dict[str, Any]] = copy.deepcopy(found["rules"])
    for rule in own:
        if "resourceNames" in rule:
            rule["resourceNames"] = [namespace]
    return own


@pytest.fixture
def creator(shop: Any) -> Iterator[tuple[Restricted, str]]:
    """An account that may create one namespace, and the name of that."""
    namespace, account = f"edge-test-{uuid.uuid4().hex[:8]}", shop.new_account()
    meta, given = {"metadata": {"name": namespace}}, rules("namespace-creator", namespace)
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": namespace}
    shop.rbac.create_cluster_role({**meta, "rules": given})
    shop.rbac.create_cluster_role_binding({**meta, "roleRef": role, "subjects": account.subjects})
    account.until_rules("", given)
    yield account, namespace
    shop.rbac.delete_cluster_role_binding(namespace)
    shop.rbac.delete_cluster_role(namespace)
    with contextlib.suppress(ApiException):
        shop.core.delete_namespace(namespace)


def bring(account: Restricted, name: str, state: str = "present", **options: Any) -> Any:
    definition = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    given = {**account.auth, "definitions": [definition], "state": state, **options}
    checked = ArgumentSpecValidator(dict(objects.ARGUMENT_SPEC)).validate(given)
    assert not checked.error_messages
    return objects.run(checked.validated_parameters, Runtime())


def test_case_35_a_namespace_is_made_and_removed_by_name_alone(
    shop: Any, creator: tuple[Restricted, str]
) -> None:
    account, namespace = creator
    with pytest.raises(ForbiddenError):
        bring(account, f"{namespace}-other")
    assert bring(account, namespace)["changed"]
    assert not bring(account, namespace)["changed"]
    with pytest.raises((ForbiddenError, InputError)):
        bring(account, namespace, "absent")

    given = rules("namespace-remover", namespace)
    meta = {"metadata": {"name": "remover"}}
    role = {"apiGroup": GROUP, "kind": "Role", "name": "remover"}
    shop.rbac.create_namespaced_role(namespace, {**meta, "rules": given})
    body = {**meta, "roleRef": role, "subjects": account.subjects}
    shop.rbac.create_namespaced_role_binding(namespace, body)
    for rule in given[:2]:
        account.until_rules(namespace, [rule])
    account.until("list", "", "secrets", namespace)
    with pytest.raises(ForbiddenError):
        bring(account, "kube-system", "absent", force=True)
    shop.core.create_namespaced_secret(namespace, {"metadata": {"name": "password"}})
    with pytest.raises(InputError, match="it holds Secret password"):
        bring(account, namespace, "absent")
    shop.core.delete_namespaced_secret("password", namespace)
    assert bring(account, namespace, "absent")["changed"]
