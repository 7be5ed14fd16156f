# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before the first byte, with a scripted cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository import preflight, usage
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import RawVersion
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    HostPathStore,
    PvcStore,
    store_from_params,
)

from .fake_cluster import FakeCluster

STORE = PvcStore("ns", "claim")


def cluster_with_claim(**fields: Any) -> FakeCluster:
    cluster = FakeCluster()
    cluster.add("Namespace", "ns", metadata={"labels": fields.pop("labels", {})})
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard"}
    spec.update(fields.pop("spec", {}))
    status = {"phase": "Bound", **fields.pop("status", {})}
    cluster.add("PersistentVolumeClaim", "claim", spec=spec, status=status, **fields)
    return cluster


def targets(cluster: FakeCluster, store: Any = STORE, **kwargs: Any) -> Any:
    return preflight.find_targets(cluster, store, [], **kwargs)  # type: ignore[arg-type]


def test_a_bound_claim() -> None:
    (target,) = targets(cluster_with_claim())
    assert not target.unbound and target.node_selector == () and target.short == "claim"


def test_claim_faults(monkeypatch: Any) -> None:
    monkeypatch.setattr(preflight, "BIND_SECONDS", 0.0)
    monkeypatch.setattr(preflight.time, "sleep", lambda seconds: None)
    for fields, text in (
        ({"status": {"accessModes": ["ReadOnlyMany"]}}, "ReadOnlyMany"),
        ({"status": {"phase": "Lost"}}, "Lost, not Bound"),
        ({"status": {"phase": "Pending"}}, "StorageClass standard"),
        ({"spec": {"volumeMode": "Block"}}, "block device"),
        ({"metadata": {"deletionTimestamp": "now"}}, "being deleted"),
    ):
        with pytest.raises(InputError, match=text) as caught:
            targets(cluster_with_claim(**fields))
        assert caught.value.option == "pvc.claim_name"
    with pytest.raises(InputError, match="does not exist"):
        targets(cluster_with_claim(), PvcStore("ns", "other"))
    with pytest.raises(InputError, match="namespace ns does not exist"):
        targets(FakeCluster())


def test_a_claim_that_waits_for_its_first_pod() -> None:
    cluster = cluster_with_claim(status={"phase": "Pending"})
    cluster.add("StorageClass", "standard", volumeBindingMode="WaitForFirstConsumer")
    assert targets(cluster)[0].unbound
    cluster.forbidden = ("StorageClass", "Namespace")
    assert targets(cluster)[0].unbound, "the scheduler tells the rest"


def test_the_helper_goes_where_a_one_node_volume_is_in_use() -> None:
    cluster = cluster_with_claim()
    volumes = [{"name": "m", "persistentVolumeClaim": {"claimName": "claim"}}]
    cluster.add(
        "Pod", "old", spec={"nodeName": "n0", "volumes": volumes}, status={"phase": "Failed"}
    )
    cluster.add(
        "Pod", "user", spec={"nodeName": "n7", "volumes": volumes}, status={"phase": "Running"}
    )
    cluster.add("Node", "n7", metadata={"labels": {"kubernetes.io/hostname": "seven"}})
    assert targets(cluster)[0].node_selector == (("kubernetes.io/hostname", "seven"),)
    cluster.forbidden = ("Node",)
    assert targets(cluster)[0].node_selector == (("kubernetes.io/hostname", "n7"),)
    claim = cluster.objects[("PersistentVolumeClaim", "claim")]
    claim["status"]["accessModes"] = ["ReadWriteMany"]
    assert targets(cluster)[0].node_selector == ()
    claim["status"]["accessModes"] = ["ReadWriteOncePod"]
    with pytest.raises(WaitError, match="in use by pod user"):
        targets(cluster)


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_pod_security_levels(level: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    cluster = cluster_with_claim(labels=labels)
    with pytest.raises(ForbiddenError, match=f"enforce={level}"):
        targets(cluster, HostPathStore("ns", "/data"))
    assert targets(cluster)
    if level == "restricted":
        with pytest.raises(ForbiddenError, match="uid 0"):
            targets(cluster, uid=0)


def node(name: str, *, ready: str = "True", taints: Any = (), **labels: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}}
    return {
        "metadata": meta,
        "spec": {"taints": list(taints)},
        "status": {"conditions": conditions},
    }


CONTROL = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
SOFT = {"key": "busy", "effect": "PreferNoSchedule"}
NODES = [
    node("b"),
    node("a", taints=[SOFT]),
    node("master", taints=[CONTROL]),
    node("z", ready="False"),
]


def chosen(tolerations: Any = (), **options: Any) -> list[str]:
    store = store_from_params({"namespace": "ns", "host_path": {"path": "/data", **options}})
    assert isinstance(store, HostPathStore)
    found = preflight.choose_nodes(store, NODES, tolerations)
    return [item["metadata"]["name"] for item in found]


def test_nodes() -> None:
    assert chosen() == ["a", "b"]
    tolerated = [{"key": CONTROL["key"], "operator": "Exists"}]
    assert chosen(tolerations=tolerated) == ["a", "b", "master"]
    assert chosen(nodes=["b", "a", "b"]) == ["a", "b"] and chosen(nodes=["b"]) == ["b"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("x", "a"), "named x.*Nodes there: a, b, master, z"),
        (("z",), "z is not ready"),
        (("master", "a"), "master has the taint node-role.kubernetes.io/control-plane:NoSchedule"),
    ],
)
def test_named_nodes_that_cannot_be_used(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(InputError, match=text):
        preflight.choose_nodes(HostPathStore("ns", "/data", nodes=names), NODES, ())


def test_no_node_at_all() -> None:
    with pytest.raises(InputError, match="no node takes pods"):
        preflight.choose_nodes(HostPathStore("ns", "/data"), [NODES[3]], ())
    with pytest.raises(InputError, match="no node fits"):
        preflight.choose_nodes(HostPathStore("ns", "/data", (("a", "b"),)), [], ())


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "operator": "Equal", "value": "v"}, True),
        ({"key": "k", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ({"key": "k", "operator": "Equal"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations(toleration: dict[str, str], covers: bool) -> None:
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    assert preflight.tolerates(toleration, taint) is covers


def test_rights_choose_the_transport_or_are_named() -> None:
    warnings: list[str] = []

    def choose(transport: str, *refuse: str) -> str:
        cluster = FakeCluster(refuse=refuse)
        return preflight.choose_transport(
            cluster,
            STORE,
            transport,
            [],
            warnings.append,  # type: ignore[arg-type]
        )

    assert choose("auto") == "auto" and choose("exec", "proxy") == "exec"
    assert choose("auto", "pods/proxy") == "exec" and "pods/proxy" in warnings[0]
    for transport, refuse in (
        ("agent", ("pods/proxy",)),
        ("auto", ("pods/proxy", "pods/exec")),
        ("auto", ("pods/proxy", "jobs")),
        ("exec", ("pods/exec",)),
    ):
        with pytest.raises(ForbiddenError) as caught:
            choose(transport, *refuse)
        named = [word for word in refuse if word != "pods/exec" or transport == "exec"]
        assert all(word in str(caught.value) for word in named)
        assert "rbac.yml" in str(caught.value)


def test_who_uses_a_version() -> None:
    config = '{"model_config_list": [{"config": {"name": "m", "base_path": "/models/m"}}]}'
    cluster = FakeCluster()
    cluster.add("ConfigMap", "conf", data={"config.json": config})
    volumes = [
        {"name": "models", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "config", "configMap": {"name": "conf"}},
    ]
    labels = {"app.kubernetes.io/managed-by": "openvino.edge"}
    spec = {"template": {"spec": {"volumes": volumes}}}
    cluster.add("Deployment", "ocr", metadata={"labels": labels}, spec=spec)
    there = [RawVersion("m", 1, ()), RawVersion("n", 1, ())]
    used = usage.versions_in_use(cluster, STORE, there)  # type: ignore[arg-type]
    assert used == {("m", 1): "Deployment ns/ocr"}
    other = usage.versions_in_use(cluster, PvcStore("ns", "other"), there)  # type: ignore[arg-type]
    assert other == {}
    path = {"hostPath": {"path": "/data/models"}}
    assert usage.is_store_volume(path, HostPathStore("ns", "/data"))
    assert not usage.is_store_volume(path, HostPathStore("ns", "/other"))


@pytest.mark.parametrize(
    ("params", "option"),
    [
        ({"namespace": "Bad_Name", "pvc": {"claim_name": "c"}}, "namespace"),
        ({"namespace": "ns", "pvc": {"claim_name": "C_"}}, "pvc.claim_name"),
        ({"namespace": "ns", "pvc": {"claim_name": "c", "sub_path": "../x"}}, "pvc.sub_path"),
        ({"namespace": "ns", "pvc": {"claim_name": "c", "sub_path": "/x"}}, "pvc.sub_path"),
        ({"namespace": "ns", "host_path": {"path": "relative"}}, "host_path.path"),
        ({"namespace": "ns", "host_path": {"path": "/"}}, "host_path.path"),
        ({"namespace": "ns", "host_path": {"path": "/a/../b"}}, "host_path.path"),
        ({"namespace": "ns", "host_path": {"path": "/a", "nodes": ["N 1"]}}, "host_path.nodes"),
        ({"namespace": "ns"}, "pvc"),
        ({"namespace": "ns", "pvc": {"claim_name": "c"}, "host_path": {"path": "/a"}}, "pvc"),
    ],
)
def test_store_options(params: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        store_from_params(params)
    assert caught.value.option == option


def test_stores_show_servers_only_the_models() -> None:
    store = store_from_params({"namespace": "ns", "pvc": {"claim_name": "c", "sub_path": "a//b/"}})
    assert store.serving_mount() == {
        "name": "models",
        "mountPath": "/models",
        "subPath": "a/b/models",
        "readOnly": True,
    }
    host = store_from_params({"namespace": "ns", "host_path": {"path": "//data/"}})
    assert host.serving_volume()["hostPath"] == {"path": "/data/models", "type": "Directory"}
