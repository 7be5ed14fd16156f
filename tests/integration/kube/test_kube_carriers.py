# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a pod through the kubelet, also where the API server has no route to it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from cuts import cut_off

MIB = 1024 * 1024
COUNT = 64


def blocks(count: int = COUNT) -> Iterator[bytes]:
    """Blocks of 1 MiB that all differ."""
    for number in range(count):
        yield number.to_bytes(4, "big") * (MIB // 4)


def digest(count: int = COUNT) -> str:
    whole = hashlib.sha256()
    for block in blocks(count):
        whole.update(block)
    return whole.hexdigest()


def put(client: KubeClient, namespace: str, pod: str, count: int = COUNT, **more: Any) -> Any:
    body = blocks(count)
    answer = client.pod_proxy(namespace, pod, 8081, "PUT", "/f", body=body, **more)
    return json.loads(answer.body)


def get(client: KubeClient, namespace: str, pod: str, **more: Any) -> Any:
    answer = client.pod_proxy(
        namespace, pod, 8081, "GET", "/a?b=c", headers={"X-Edge-Token": "t"}, **more
    )
    assert answer.status == 200
    return json.loads(answer.body)


@pytest.fixture
def forwarding(shop: Any) -> Iterator[KubeClient]:
    """A client that is told to go through the kubelet."""
    with KubeClient.from_params({**shop.auth, "pod_carrier": "portforward"}) as made:
        yield made


def test_requests_and_uploads_through_the_kubelet(
    forwarding: KubeClient, namespace: str, pod: str
) -> None:
    for _turn in range(3):
        assert get(forwarding, namespace, pod) == {"path": "/a?b=c", "token": "t"}
    found = put(forwarding, namespace, pod, length=COUNT * MIB)
    assert found == {"size": COUNT * MIB, "sha256": digest()}
    assert forwarding.carrier == "portforward"


def test_a_refusal_ends_the_upload_through_the_kubelet(
    forwarding: KubeClient, namespace: str, pod: str
) -> None:
    sent = []

    def counted() -> Iterator[bytes]:
        for block in blocks(400):
            sent.append(1)
            yield block

    answer = forwarding.pod_proxy(
        namespace, pod, 8081, "PUT", "/refuse", body=counted(), length=400 * MIB
    )
    assert (answer.status, json.loads(answer.body)) == (507, {"error": "no space"})
    assert len(sent) < 390
    assert get(forwarding, namespace, pod)["path"] == "/a?b=c"


def test_parallel_uploads_through_the_kubelet(
    forwarding: KubeClient, namespace: str, pod: str
) -> None:
    answers: list[str] = []

    def send() -> None:
        answers.append(put(forwarding, namespace, pod, 10, length=10 * MIB)["sha256"])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [digest(10)] * 4


def test_nobody_listens_behind_the_kubelet(
    forwarding: KubeClient, namespace: str, pod: str
) -> None:
    with pytest.raises(UnreachableError, match=r"kubelet cannot reach the pod: dial tcp.*refused"):
        forwarding.pod_proxy(namespace, pod, 9, "GET", "/")
    with pytest.raises(UnreachableError, match="kubelet cannot reach the pod"):
        forwarding.pod_proxy(namespace, pod, 9, "PUT", "/", body=blocks(), length=COUNT * MIB)
    with pytest.raises(ApiError, match='pods "gone" not found'):
        forwarding.pod_proxy(namespace, "gone", 8081, "GET", "/")
    assert forwarding.carrier == ""


def test_no_carrier_is_looked_for_where_the_proxy_does(
    client: KubeClient, namespace: str, pod: str
) -> None:
    with pytest.raises(UnreachableError, match="API server cannot reach the pod"):
        client.pod_proxy(namespace, pod, 9, "GET", "/")
    assert get(client, namespace, pod)["token"] == "t"
    assert client.carrier == "proxy"


@pytest.mark.parametrize("verdict", ["drop", "reject"])
def test_an_api_server_without_a_route_to_pods(
    verdict: str, shop: Any, namespace: str, pod: str
) -> None:
    address = shop.core.read_namespaced_pod(pod, namespace).status.pod_ip
    with cut_off(shop, verdict) as cut:
        cut.sever(address)
        with (
            KubeClient.from_params({**shop.auth, "pod_carrier": "proxy"}) as client,
            pytest.raises(UnreachableError),
        ):
            get(client, namespace, pod, timeout=2)
        with KubeClient.from_params(shop.auth) as client:
            for _turn in range(2):
                assert get(client, namespace, pod) == {"path": "/a?b=c", "token": "t"}
            assert client.carrier == "portforward"
            # The finding stays, so a body that can be sent only once arrives, too.
            tried = cut.packets()
            assert put(client, namespace, pod, length=COUNT * MIB)["sha256"] == digest()
            assert get(client, namespace, pod)["path"] == "/a?b=c"
            assert verdict == "drop" or cut.packets() == tried


def test_without_the_right_the_error_names_it(shop: Any, namespace: str, pod: str) -> None:
    """Beside the proxy's own words; told to go this way, the API server's refusal."""
    account = shop.new_account()
    rules = [{"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]}]
    meta = {"name": "asking", "namespace": namespace}
    shop.rbac.create_namespaced_role(namespace, {"metadata": meta, "rules": rules})
    role = {"kind": "Role", "name": "asking", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": meta, "roleRef": role, "subjects": account.subjects}
    shop.rbac.create_namespaced_role_binding(namespace, binding)
    account.until_rules(namespace, rules)
    address = shop.core.read_namespaced_pod(pod, namespace).status.pod_ip
    with cut_off(shop, "reject") as cut:
        cut.sever(address)
        with (
            KubeClient.from_params(account.auth) as client,
            pytest.raises(UnreachableError, match="create pods/portforward"),
        ):
            get(client, namespace, pod)
    with (
        KubeClient.from_params({**account.auth, "pod_carrier": "portforward"}) as client,
        pytest.raises(ForbiddenError, match="pods/portforward"),
    ):
        get(client, namespace, pod)
