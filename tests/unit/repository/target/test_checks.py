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
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import checks
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import (
    nodes as node_rules,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    HostPathStore,
    PvcStore,
    store_from_params,
)

from ...fakes.cluster import HelperCluster

STORE = PvcStore("ns", "claim")


def targets(cluster: HelperCluster, store: Any = STORE, **kwargs: Any) -> Any:
    return checks.find_targets(cluster, store, [], **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_pod_security_levels(level: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    cluster = HelperCluster()
    cluster.add("Namespace", "ns", metadata={"labels": labels})
    claim = {"accessModes": ["ReadWriteOnce"]}
    cluster.add("PersistentVolumeClaim", "claim", spec=claim, status={"phase": "Bound"})
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
    found = node_rules.choose_nodes(store, NODES, tolerations)
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
        node_rules.choose_nodes(HostPathStore("ns", "/data", nodes=names), NODES, ())


def test_helpers_of_a_host_path_run_on_its_nodes() -> None:
    node_rules.refuse_others(NODES[:2], ())
    with pytest.raises(InputError, match="b, a of host_path does not fit node_selector"):
        node_rules.refuse_others(NODES[:2], (("disk", "ssd"),))


def test_no_node_at_all() -> None:
    with pytest.raises(InputError, match="no node takes pods"):
        node_rules.choose_nodes(HostPathStore("ns", "/data"), [NODES[3]], ())
    with pytest.raises(InputError, match="no node fits"):
        node_rules.choose_nodes(HostPathStore("ns", "/data", (("a", "b"),)), [], ())


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
    assert node_rules.tolerates(toleration, taint) is covers


def test_rights_choose_the_transport_or_are_named() -> None:
    warnings: list[str] = []

    def choose(transport: str, *refuse: str) -> str:
        cluster: Any = HelperCluster(refuse=refuse)
        return checks.choose_transport(cluster, STORE, transport, [], warnings.append)

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


def local(**fields: Any) -> dict[str, Any]:
    return {"claim_name": "c", "local": {"path": "/srv/m", "nodes": ["n1"], **fields}}


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
        ({"namespace": "ns", "pvc": local()}, None),
        ({"namespace": "ns", "pvc": local(path="relative")}, "pvc.local.path"),
        ({"namespace": "ns", "pvc": local(path="/")}, "pvc.local.path"),
        ({"namespace": "ns", "pvc": local(nodes=[])}, "pvc.local.nodes"),
        ({"namespace": "ns", "pvc": local(nodes=["N 1"])}, "pvc.local.nodes"),
        ({"namespace": "ns", "pvc": local(capacity="much")}, "pvc.local.capacity"),
        ({"namespace": "ns", "pvc": local(capacity="0Gi")}, "pvc.local.capacity"),
        ({"namespace": "ns", "pvc": local(storage_class="A b")}, "pvc.local.storage_class"),
        (
            {"namespace": "ns", "pvc": local(create_directory_in="A")},
            "pvc.local.create_directory_in",
        ),
        ({"namespace": "ns", "pvc": {"claim_name": "c"}, "host_path": {"path": "/a"}}, "pvc"),
    ],
)
def test_store_options(params: dict[str, Any], option: str | None) -> None:
    if option is None:
        store_from_params(params)
        return
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
