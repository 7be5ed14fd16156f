# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying, deleting and watching objects against a real API server."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    AuthError,
    ConflictError,
    ForbiddenError,
    GoneError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    apply_objects,
    delete_objects,
    render_diff,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient

OWNER = {"openvino.edge/server": "ovms"}


def server_objects(namespace: str, image: str = "localhost/x:1") -> list[dict[str, Any]]:
    """Objects in which the server fills in many defaults."""
    meta = {"name": "ovms", "namespace": namespace}
    labels = {"app": "ovms"}
    container = {"name": "ovms", "image": image, "ports": [{"containerPort": 8081}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 8081}]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": deployment},
    ]


def test_a_big_object_does_not_come_back(client: KubeClient, namespace: str) -> None:
    meta = {"name": "big", "namespace": namespace}
    big = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b" * 99_000}}
    answer = client.create(big, brief=True)
    assert "data" not in answer and answer["metadata"]["name"] == "big"
    assert (client.get("v1", "ConfigMap", "big", namespace) or {})["data"] == big["data"]
    with pytest.raises(ConflictError):
        client.create(big, brief=True)


def test_apply_twice_then_change(client: KubeClient, namespace: str) -> None:
    objects = server_objects(namespace)
    predicted = apply_objects(client, objects, check_mode=True)
    assert {change.action for change in predicted} == {"created"}
    assert client.get("v1", "ConfigMap", "ovms", namespace) is None
    created = apply_objects(client, objects, check_mode=False)
    assert {change.action for change in created} == {"created"}
    for _ in range(3):
        again = apply_objects(client, objects, check_mode=False)
        assert {change.action for change in again} == {"unchanged"}
        time.sleep(0.3)  # controllers write annotations and status meanwhile
    objects[3]["spec"]["template"]["spec"]["containers"][0]["image"] = "localhost/x:2"
    predicted = apply_objects(client, objects, check_mode=True)
    assert [change.action for change in predicted] == ["unchanged"] * 3 + ["updated"]
    real = apply_objects(client, objects, check_mode=False)
    assert render_diff(predicted) == render_diff(real)
    diff = render_diff(real)
    before, after = diff["before"].splitlines(), diff["after"].splitlines()
    assert [pair for pair in zip(before, after) if pair[0] != pair[1]] == [
        ("      - image: localhost/x:1", "      - image: localhost/x:2")
    ]


def test_field_that_is_no_longer_applied_goes_away(client: KubeClient, namespace: str) -> None:
    meta = {"name": "c", "namespace": namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    apply_objects(client, [{**config, "data": {"a": "1", "b": "2"}}], check_mode=False)
    client.patch("v1", "ConfigMap", "c", namespace, {"data": {"theirs": "3"}})
    (change,) = apply_objects(client, [{**config, "data": {"a": "1"}}], check_mode=False)
    assert change.after is not None
    assert change.action == "updated"


def test_another_field_manager(client: KubeClient, namespace: str) -> None:
    meta = {"name": "c", "namespace": namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}}
    client.apply(config, field_manager="someone")
    config["data"] = {"a": "2"}
    with pytest.raises(ConflictError, match="Another field manager"):
        client.apply(config, force=False)
    assert client.apply(config)["data"] == {"a": "2"}


def test_check_mode_in_a_namespace_that_does_not_exist(client: KubeClient) -> None:
    name = "edge-test-never-there"
    meta = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    changes = apply_objects(client, [meta, *server_objects(name)], check_mode=True, owner=OWNER)
    assert {change.action for change in changes} == {"created"}
    assert len(changes) == 5
    assert client.get("v1", "Namespace", name) is None
    with pytest.raises(ApiError, match="Create the namespace first"):
        apply_objects(client, server_objects(name), check_mode=True)


def test_prune_and_delete(client: KubeClient, namespace: str) -> None:
    objects = server_objects(namespace)
    apply_objects(client, objects, check_mode=False, owner=OWNER)
    wanted = [obj for obj in objects if obj["kind"] != "Service"]
    for check_mode in (True, False):
        changes = apply_objects(client, wanted, check_mode=check_mode, owner=OWNER)
        assert [str(change) for change in changes if change.changed] == [
            f"deleted Service {namespace}/ovms"
        ]
    assert client.get("v1", "Service", "ovms", namespace) is None
    for check_mode, left in ((True, 3), (False, 0)):
        changes = delete_objects(client, wanted, check_mode=check_mode)
        assert {change.action for change in changes} == {"deleted"}
        found = [client.get(obj["apiVersion"], obj["kind"], "ovms", namespace) for obj in wanted]
        assert len([obj for obj in found if obj]) == left
    again = delete_objects(client, wanted, check_mode=False)
    assert {change.action for change in again} == {"unchanged"}


def test_delete_only_this_incarnation(client: KubeClient, namespace: str) -> None:
    (config,) = [obj for obj in server_objects(namespace) if obj["kind"] == "ConfigMap"]
    client.apply(config)
    with pytest.raises(ConflictError):
        client.delete("v1", "ConfigMap", "ovms", namespace, uid="another")
    made = client.get("v1", "ConfigMap", "ovms", namespace)
    assert made is not None
    uid = made["metadata"]["uid"]
    assert client.delete("v1", "ConfigMap", "ovms", namespace, uid=uid)
    assert not client.delete("v1", "ConfigMap", "ovms", namespace)


def test_bad_objects(client: KubeClient, namespace: str) -> None:
    deployment = copy.deepcopy(server_objects(namespace)[3])
    client.apply(deployment)
    deployment["spec"]["selector"]["matchLabels"] = {"app": "other"}
    deployment["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(ApiError, match="immutable.* delete it and run again") as caught:
        client.apply(deployment)
    assert caught.value.status == 422
    with pytest.raises(ApiError, match="does not serve Nothing of example.com/v1"):
        client.get("example.com/v1", "Nothing", "x")


def test_kind_from_discovery(client: KubeClient) -> None:
    assert client.list("node.k8s.io/v1", "RuntimeClass")[0] == []


def test_watch(client: KubeClient, namespace: str) -> None:
    config = server_objects(namespace)[1]
    _, version = client.list("v1", "ConfigMap", namespace)

    def changes() -> None:
        with KubeClient(client.endpoint) as other:
            time.sleep(0.3)
            other.apply(config)
            other.apply({**config, "data": {"a": "2"}})
            other.delete("v1", "ConfigMap", "ovms", namespace)

    thread = threading.Thread(target=changes)
    thread.start()
    seen = []
    started = time.monotonic()
    for event in client.watch(
        "v1",
        "ConfigMap",
        namespace,
        field_selector="metadata.name=ovms",
        resource_version=version,
        timeout=10,
    ):
        seen.append((event.type, (event.object.get("data") or {}).get("a")))
        if event.type == "DELETED":
            break
    thread.join()
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    assert time.monotonic() - started < 3


def test_watch_from_long_ago(client: KubeClient, namespace: str) -> None:
    with pytest.raises(GoneError):
        list(client.watch("v1", "ConfigMap", namespace, resource_version="1", timeout=5))


def test_watch_ends_in_time(client: KubeClient, namespace: str) -> None:
    _, version = client.list("v1", "Pod", namespace)
    started = time.monotonic()
    assert list(client.watch("v1", "Pod", namespace, resource_version=version, timeout=1.5)) == []
    assert 1.4 < time.monotonic() - started < 4


def test_denied_before_and_after_a_binding(shop: Any, client: KubeClient, namespace: str) -> None:
    wanted = [
        Access("list", "", "configmaps", namespace=namespace),
        Access("update", "", "pods", "proxy", namespace=namespace),
        Access("create", "apps", "deployments", namespace=namespace),
    ]
    assert client.denied(wanted) == []
    account = shop.new_account()
    with KubeClient.from_params(account.auth) as poor:
        assert poor.denied(wanted) == wanted
        with pytest.raises(ForbiddenError, match='cannot list resource "configmaps"') as caught:
            poor.list("v1", "ConfigMap", namespace)
        assert "Give this account the right" in str(caught.value)
        assert account.user in str(caught.value)
        _bind(client, namespace, account.user)
        account.until("list", "", "configmaps", namespace)
        assert poor.denied(wanted) == wanted[1:]
        meta = {"name": "seen", "namespace": namespace}
        client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        assert poor.list("v1", "ConfigMap", namespace)[0]


def _bind(client: KubeClient, namespace: str, user: str) -> None:
    group = "rbac.authorization.k8s.io"
    meta = {"name": "reader", "namespace": namespace}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    client.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": [rule]})
    client.apply(
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        }
    )


def test_token_that_is_not_accepted(client: KubeClient) -> None:
    params = {"host": client.server, "validate_certs": False, "api_key": "no-such-token"}
    with pytest.raises(AuthError, match="api_key: .*does not accept the token"):
        KubeClient.from_params(params).version()


def test_certificate_that_is_not_trusted(client: KubeClient) -> None:
    with pytest.raises(UnreachableError, match="ca_cert: .*not trusted here"):
        KubeClient.from_params({"host": client.server, "api_key": "x"}).version()


def test_pod_security(client: KubeClient, namespace: str) -> None:
    volume = {"name": "models", "hostPath": {"path": "/var/lib/models"}}
    container = {"name": "c", "image": "localhost/x:1"}
    meta = {"name": "p", "namespace": namespace}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta}
    with pytest.raises(ForbiddenError) as caught:
        client.apply({**pod, "spec": {"containers": [container], "volumes": [volume]}})
    assert "pod-security.kubernetes.io/enforce=privileged; or use a pvc" in str(caught.value)
