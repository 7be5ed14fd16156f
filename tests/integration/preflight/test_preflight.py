# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing on a real cluster is named, all of it, in one error."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    AuthError,
    EdgeError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.preflight import entry
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

PVC = {"claim_name": "models"}
PATHS = {"path": "/var/lib/openvino-edge/models"}


def check(auth: dict[str, Any], namespace: str, **given: Any) -> dict[str, Any]:
    params = fill(entry.ARGUMENT_SPEC, {**auth, "namespace": namespace, **given})
    return entry.run(params, Runtime())


def refusal(auth: dict[str, Any], namespace: str, **given: Any) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        check(auth, namespace, **given)
    assert not caught.value.details.get("changed")
    return caught.value


def levels(result: dict[str, Any]) -> set[str]:
    return {item["level"] for item in result["findings"]}


def test_a_good_cluster(
    shop: Any, make_namespace: Callable[..., str], make_pvc: Callable[..., Any]
) -> None:
    namespace = make_namespace(shop)
    make_pvc(shop, namespace)
    result = check(shop.auth, namespace, pvc=PVC)
    assert "problem" not in levels(result) and not result["changed"]
    assert result["version"].startswith("v1.")


def test_nodes_of_a_host_path(factory: Any, make_namespace: Callable[..., str]) -> None:
    namespace = make_namespace(factory, "privileged")
    nodes = factory.nodes()
    result = check(factory.auth, namespace, host_path={**PATHS, "nodes": nodes})
    assert f"nodes {', '.join(nodes)}" in [item["message"] for item in result["findings"]]
    error = refusal(factory.auth, namespace, host_path={**PATHS, "nodes": [*nodes, "nobody"]})
    assert "there is no node nobody" in str(error) and nodes[0] in str(error)


def test_a_namespace_that_forbids_host_paths(
    factory: Any, make_namespace: Callable[..., str]
) -> None:
    text = str(refusal(factory.auth, make_namespace(factory, "restricted"), host_path=PATHS))
    assert "refuses hostPath volumes" in text
    assert "pod-security.kubernetes.io/enforce=privileged" in text and "pvc" in text


def test_a_missing_claim_and_a_missing_namespace_in_one_error(shop: Any) -> None:
    error = refusal(shop.auth, "edge-nobody", pvc=PVC)
    assert "there is no namespace edge-nobody" in str(error)
    assert "there is no PersistentVolumeClaim edge-nobody/models" in str(error)
    assert "2 things are missing" in str(error)


def test_claims_that_cannot_be_used(
    shop: Any, make_namespace: Callable[..., str], make_pvc: Callable[..., Any]
) -> None:
    namespace = make_namespace(shop)
    make_pvc(shop, namespace, "lost", storageClassName="nobody")
    assert "nobody" in str(refusal(shop.auth, namespace, pvc={"claim_name": "lost"}))
    make_pvc(shop, namespace, "readers", accessModes=["ReadOnlyMany"])
    text = str(refusal(shop.auth, namespace, pvc={"claim_name": "readers"}))
    assert "ReadOnlyMany" in text and "ReadWriteMany" in text


def test_every_missing_right_is_named(shop: Any, make_namespace: Callable[..., str]) -> None:
    namespace = make_namespace(shop)
    text = str(refusal(shop.new_account().auth, namespace, pvc=PVC))
    for right in ("create jobs.batch", "update pods/proxy", "patch deployments.apps"):
        assert f"no right to {right} in namespace {namespace}" in text
    assert "rbac.yml" in text


def kubeconfig(cluster: Any) -> dict[str, Any]:
    """Return the cluster's kubeconfig, to be bent."""
    return copy.deepcopy(yaml.safe_load(cluster.kubeconfig.read_text()))


def test_an_api_server_that_does_not_answer(shop: Any) -> None:
    config = kubeconfig(shop)
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    with pytest.raises(UnreachableError) as caught:
        check({"kubeconfig": config}, "edge", pvc=PVC)
    assert "127.0.0.1:1" in str(caught.value)


def test_the_wrong_certificate_authority(shop: Any, factory: Any) -> None:
    if shop.kubeconfig == factory.kubeconfig:
        pytest.fail("this needs two clusters with authorities of their own")
    config, other = kubeconfig(shop), kubeconfig(factory)
    config["clusters"][0]["cluster"].pop("certificate-authority", None)
    config["clusters"][0]["cluster"]["certificate-authority-data"] = authority(other)
    with pytest.raises(UnreachableError) as caught:
        check({"kubeconfig": config}, "edge", pvc=PVC)
    assert "certificate" in str(caught.value).lower()


def authority(config: dict[str, Any]) -> str:
    entry_ = config["clusters"][0]["cluster"]
    if "certificate-authority-data" in entry_:
        return str(entry_["certificate-authority-data"])
    with open(entry_["certificate-authority"], "rb") as stream:
        return base64.b64encode(stream.read()).decode()


def test_a_token_that_nobody_knows(shop: Any) -> None:
    config = kubeconfig(shop)
    config["users"][0]["user"] = {"token": "expired-and-gone"}
    with pytest.raises(AuthError) as caught:
        check({"kubeconfig": config}, "edge", pvc=PVC)
    assert "expired-and-gone" not in str(caught.value)
