# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and forbidding clusters: one clear error, nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source import opening
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import claims
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

RBAC = Path(__file__).parents[3] / "roles/preflight/files/rbac.yml"
HOST_PATH = {"path": "/var/lib/openvino-edge/never-made"}
PVC = {"claim_name": "models"}


@pytest.fixture
def namespace(shop: Any, make_namespace: Any) -> str:
    return str(make_namespace(shop, "restricted"))


def refused(copy: Any, cluster: Any, kind: type[EdgeError], **options: Any) -> str:
    """Return the text of the error; no helper may have been made."""
    with pytest.raises(kind) as caught:
        copy(cluster, **options)
    jobs = cluster.core.list_namespaced_config_map(
        options["namespace"], label_selector="openvino.edge/agent"
    ).items
    assert not jobs and not caught.value.details.get("changed")
    return str(caught.value)


def test_host_path_under_pod_security(shop: Any, namespace: str, source: Path, copy: Any) -> None:
    text = refused(
        copy, shop, ForbiddenError, src=str(source), namespace=namespace, host_path=HOST_PATH
    )
    assert "pod-security.kubernetes.io/enforce=restricted" in text
    assert "enforce=privileged" in text and "pvc" in text


def test_claim_faults(
    shop: Any, namespace: str, source: Path, copy: Any, make_pvc: Any, monkeypatch: Any
) -> None:
    options = {"src": str(source), "namespace": namespace}
    text = refused(copy, shop, InputError, pvc={"claim_name": "nowhere"}, **options)
    assert text.startswith("pvc.claim_name: ") and "does not exist" in text
    make_pvc(shop, namespace, "readers", accessModes=["ReadOnlyMany"])
    text = refused(copy, shop, InputError, pvc={"claim_name": "readers"}, **options)
    assert "ReadOnlyMany" in text
    monkeypatch.setattr(claims, "BIND_SECONDS", 1.0)
    make_pvc(shop, namespace, "classless", storageClassName="no-such-class")
    text = refused(copy, shop, InputError, pvc={"claim_name": "classless"}, **options)
    assert "the StorageClass no-such-class, which does not exist" in text
    text = refused(copy, shop, InputError, pvc=PVC, src=str(source), namespace="not-there")
    assert "namespace not-there does not exist" in text


def test_node_faults(factory: Any, make_namespace: Any, source: Path, copy: Any) -> None:
    options = {"src": str(source), "namespace": make_namespace(factory, "privileged")}
    text = refused(
        copy, factory, InputError, host_path={**HOST_PATH, "nodes": ["no-such-node"]}, **options
    )
    assert text.startswith("host_path.nodes: ") and factory.nodes()[0] in text
    selector = {"no-such-label": "x"}
    text = refused(
        copy, factory, InputError, host_path={**HOST_PATH, "node_selector": selector}, **options
    )
    assert "no node fits" in text


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_disk_too_small(
    transport: str,
    shop: Any,
    namespace: str,
    source: Path,
    copy: Any,
    listing: Any,
    make_pvc: Any,
    monkeypatch: Any,
) -> None:
    make_pvc(shop, namespace, "models")

    def huge(version: Any, *_args: Any) -> Manifest:
        files = (FileEntry("model.bin", 1 << 60, "0" * 64),)
        return Manifest(version.model, version.version, files)

    monkeypatch.setattr(opening, "build", huge)
    options = {"namespace": namespace, "pvc": PVC, "transport": transport}
    with pytest.raises(InputError, match="too small: needs .* are free") as caught:
        copy(shop, src=str(source), **options)
    assert "models" in str(caught.value)
    assert listing(shop, **options)["targets"][0]["versions"] == []


def test_image_absent(
    shop: Any, namespace: str, source: Path, copy: Any, make_pvc: Any, server_image: str
) -> None:
    make_pvc(shop, namespace, "models")
    options = {"src": str(source), "namespace": namespace, "pvc": PVC}
    absent = {"agent_image": "localhost/no-such-image:1", "image_pull_policy": "Never"}
    with pytest.raises(EdgeError) as caught:
        copy(shop, transport="agent", **absent, **options)
    assert "localhost/no-such-image:1" in str(caught.value)
    runtime = Runtime()
    done = copy(shop, runtime=runtime, **absent, **options)
    assert done["transport"] == "exec" and "exec transport" in runtime.warnings[0]


def test_image_without_python_falls_back(
    shop: Any, namespace: str, source: Path, copy: Any, make_pvc: Any, server_image: str
) -> None:
    make_pvc(shop, namespace, "models")
    runtime = Runtime()
    done = copy(
        shop,
        runtime=runtime,
        agent_image=server_image,
        src=str(source),
        namespace=namespace,
        pvc=PVC,
    )
    assert done["transport"] == "exec" and "python3" in runtime.warnings[0]


def test_unreachable_api_server(source: Path, shop: Any, copy: Any) -> None:
    with pytest.raises(UnreachableError):
        copy(
            shop,
            src=str(source),
            namespace="x",
            pvc=PVC,
            kubeconfig=None,
            host="https://127.0.0.1:1",
            api_key="x",
        )


def test_local_faults_come_before_any_contact(tmp_path: Path, shop: Any, copy: Any) -> None:
    (tmp_path / "ocr/002").mkdir(parents=True)
    (tmp_path / "ocr/002/a.onnx").write_bytes(b"x")
    with pytest.raises(InputError, match="version name: ocr/002"):
        copy(
            shop,
            src=str(tmp_path),
            namespace="x",
            pvc=PVC,
            kubeconfig=None,
            host="https://127.0.0.1:1",
            api_key="x",
        )


EVERY_JOB = ("deployer", "cluster-reader")


def bind(
    cluster: Any,
    namespace: str,
    request: Any,
    *roles: str,
    without: tuple[str, ...] = (),
) -> Any:
    """Give an account of its own the shipped rights, less some resources; return its options."""
    account = cluster.new_account()
    for role in yaml.safe_load(RBAC.read_text())["items"]:
        if role["metadata"]["name"].removeprefix("openvino-edge-") not in roles:
            continue
        wide = role["metadata"]["name"].endswith("cluster-reader")
        kind = "ClusterRole" if wide else "Role"
        name = f"{namespace}-{role['metadata']['name']}"
        rules = [
            {**rule, "resources": [item for item in rule["resources"] if item not in without]}
            for rule in role["rules"]
        ]
        body = {"metadata": {"name": name}, "rules": [rule for rule in rules if rule["resources"]]}
        ref = {"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"}
        binding = {"metadata": {"name": name}, "subjects": account.subjects, "roleRef": ref}
        if wide:
            cluster.rbac.create_cluster_role(body)
            request.addfinalizer(lambda name=name: cluster.rbac.delete_cluster_role(name))
            cluster.rbac.create_cluster_role_binding(binding)
            request.addfinalizer(lambda name=name: cluster.rbac.delete_cluster_role_binding(name))
        else:
            cluster.rbac.create_namespaced_role(namespace, body)
            cluster.rbac.create_namespaced_role_binding(namespace, binding)
        account.until_rules("" if wide else namespace, body["rules"])
    return account.auth


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_least_privilege(
    transport: str,
    shop: Any,
    namespace: str,
    source: Path,
    copy: Any,
    listing: Any,
    make_pvc: Any,
    request: Any,
) -> None:
    make_pvc(shop, namespace, "models")
    roles = [*EVERY_JOB, *(["exec-transport"] if transport == "exec" else [])]
    who = bind(shop, namespace, request, *roles)
    options = {"namespace": namespace, "pvc": PVC, "transport": transport, **who}
    assert copy(shop, src=str(source), **options)["changed"]
    assert not copy(shop, src=str(source), **options)["changed"]
    assert listing(shop, **options)["sound"]
    assert copy(shop, state="absent", models=[{"name": "ocr"}], **options)["changed"]


def test_missing_rights_are_named(
    shop: Any, namespace: str, source: Path, copy: Any, make_pvc: Any, request: Any
) -> None:
    make_pvc(shop, namespace, "models")
    who = bind(shop, namespace, request, *EVERY_JOB, without=("jobs", "pods/proxy"))
    text = refused(copy, shop, ForbiddenError, src=str(source), namespace=namespace, pvc=PVC, **who)
    for right in ("create jobs.batch", "delete jobs.batch", "update pods/proxy"):
        assert f"{right} in namespace {namespace}" in text


def test_without_pod_proxy_auto_takes_exec(
    shop: Any, namespace: str, source: Path, copy: Any, make_pvc: Any, request: Any
) -> None:
    make_pvc(shop, namespace, "models")
    who = bind(shop, namespace, request, *EVERY_JOB, "exec-transport", without=("pods/proxy",))
    runtime = Runtime()
    done = copy(shop, runtime=runtime, src=str(source), namespace=namespace, pvc=PVC, **who)
    assert done["transport"] == "exec" and "pods/proxy" in runtime.warnings[0]


def test_without_pod_proxy_auto_port_forwards_before_it_takes_exec(
    shop: Any, namespace: str, source: Path, copy: Any, listing: Any, make_pvc: Any, request: Any
) -> None:
    make_pvc(shop, namespace, "models")
    roles = (*EVERY_JOB, "port-forward", "exec-transport")
    who = bind(shop, namespace, request, *roles, without=("pods/proxy",))
    runtime = Runtime()
    done = copy(shop, runtime=runtime, src=str(source), namespace=namespace, pvc=PVC, **who)
    assert (done["transport"], done["carrier"]) == ("agent", "portforward")
    assert runtime.warnings == []
    assert listing(shop, namespace=namespace, pvc=PVC, **who)["carrier"] == "portforward"


def test_in_use_is_not_removed(
    shop: Any, namespace: str, source: Path, copy: Any, make_pvc: Any, server_image: str
) -> None:
    make_pvc(shop, namespace, "models")
    options = {"namespace": namespace, "pvc": PVC}
    copy(shop, src=str(source), **options)
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "app": "reader"}
    config = '{"model_config_list": [{"config": {"name": "ocr", "base_path": "/models/ocr"}}]}'
    meta = {"name": "reader", "labels": labels}
    shop.core.create_namespaced_config_map(
        namespace, {"metadata": meta, "data": {"config.json": config}}
    )
    volumes = [
        {"name": "models", "persistentVolumeClaim": {"claimName": "models"}},
        {"name": "config", "configMap": {"name": "reader"}},
    ]
    container = {
        "name": "main",
        "image": server_image,
        "args": ["--config_path", "/config/config.json"],
        "volumeMounts": [
            {"name": "models", "mountPath": "/models", "subPath": "models"},
            {"name": "config", "mountPath": "/config"},
        ],
    }
    pod = {"containers": [container], "volumes": volumes}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "reader"}}, "template": template}
    shop.apps.create_namespaced_deployment(namespace, {"metadata": meta, "spec": spec})
    models = [{"name": "ocr"}, {"name": "det"}]
    with pytest.raises(InputError, match="ocr/1 by Deployment .*/reader") as caught:
        copy(shop, state="absent", models=models, **options)
    assert "force" in str(caught.value)
    forced = copy(shop, state="absent", models=models, force=True, **options)
    assert forced["targets"][0]["versions_removed"] == ["det/3", "ocr/1"]
