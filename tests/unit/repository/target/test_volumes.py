# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims and where their helpers go, with a scripted cluster."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import checks, claims
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import (
    nodes as node_rules,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore

from ...fakes.cluster import HelperCluster

STORE = PvcStore("ns", "claim")
HOST = "kubernetes.io/hostname"
OURS = {"app.kubernetes.io/managed-by": "openvino.edge"}
VOLUMES = [{"name": "m", "persistentVolumeClaim": {"claimName": "claim"}}]
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
TOLERATION = {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: Any) -> None:
    monkeypatch.setattr(claims, "BIND_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def cluster_with_claim(**fields: Any) -> HelperCluster:
    cluster = HelperCluster()
    cluster.add("Namespace", "ns")
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard"}
    spec.update(fields.pop("spec", {}))
    status = {"phase": "Bound", **fields.pop("status", {})}
    cluster.add("PersistentVolumeClaim", "claim", spec=spec, status=status, **fields)
    return cluster


def add_node(
    cluster: HelperCluster, name: str, *taints: Any, ready: str = "True", **labels: str
) -> None:
    cluster.add(
        "Node",
        name,
        metadata={"labels": {HOST: name, **labels}},
        spec={"taints": list(taints)},
        status={"conditions": [{"type": "Ready", "status": ready}]},
    )


def add_user(cluster: HelperCluster, node: str, name: str = "user", **spec: Any) -> None:
    fields = {"nodeName": node, "volumes": VOLUMES, **spec}
    cluster.add("Pod", name, spec=fields, status={"phase": "Running"})


def add_server(cluster: HelperCluster, kind: str = "Deployment", **spec: Any) -> None:
    pod = {"volumes": VOLUMES, **spec}
    cluster.add(kind, "ovms", metadata={"labels": OURS}, spec={"template": {"spec": pod}})


def add_volume(cluster: HelperCluster, *nodes: str, **spec: Any) -> None:
    """Bind the claim to a volume that only these nodes have."""
    item = {"key": HOST, "operator": "In", "values": list(nodes)}
    terms = [{"matchExpressions": [item]}]
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}} if nodes else {}
    cluster.add("PersistentVolume", "pv", spec={**affinity, **spec})
    cluster.objects[("PersistentVolumeClaim", "claim")]["spec"]["volumeName"] = "pv"


def target(cluster: HelperCluster, tolerations: Any = (), **kwargs: Any) -> Any:
    (found,) = checks.find_targets(cluster, STORE, tolerations, **kwargs)  # type: ignore[arg-type]
    return found


def test_a_bound_claim() -> None:
    found = target(cluster_with_claim())
    assert not found.unbound and found.node_selector == () and found.short == "claim"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"status": {"accessModes": ["ReadOnlyMany"]}}, "ReadOnlyMany"),
        ({"status": {"phase": "Lost"}, "spec": {"volumeName": "pv"}}, "lost its volume pv"),
        ({"spec": {"volumeMode": "Block"}}, "block device"),
        ({"metadata": {"deletionTimestamp": "now"}}, "being deleted"),
    ],
)
def test_claims_that_cannot_be_written(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        target(cluster_with_claim(**fields))
    assert caught.value.option == "pvc.claim_name" and caught.value.hint


def test_a_claim_that_is_not_there() -> None:
    with pytest.raises(checks.NoStore, match="does not exist"):
        checks.find_targets(cluster_with_claim(), PvcStore("ns", "other"), [])  # type: ignore[arg-type]
    with pytest.raises(checks.NoStore, match="namespace ns does not exist"):
        target(HelperCluster())


def test_a_claim_that_is_being_deleted_names_who_keeps_it() -> None:
    cluster = cluster_with_claim(metadata={"deletionTimestamp": "now"})
    add_user(cluster, "n1", "ovms-1")
    with pytest.raises(InputError, match="when these pods end: ovms-1"):
        target(cluster)


def test_a_pending_claim_tells_what_it_waits_for() -> None:
    cluster = cluster_with_claim(status={"phase": "Pending"})
    with pytest.raises(InputError, match="StorageClass standard, which does not exist"):
        target(cluster)
    cluster.add("StorageClass", "standard", volumeBindingMode="Immediate")
    about = {"kind": "PersistentVolumeClaim", "name": "claim"}
    cluster.events = [{"type": "Warning", "involvedObject": about, "message": "no disk is free."}]
    with pytest.raises(InputError, match=r"Pending, not Bound \(no disk is free\)"):
        target(cluster)
    claim = cluster.objects[("PersistentVolumeClaim", "claim")]
    claim["spec"]["storageClassName"] = ""
    with pytest.raises(InputError, match="names no StorageClass"):
        target(cluster)


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        (None, "PersistentVolume pv does not exist"),
        ({"claimRef": {"namespace": "ns", "name": "x"}}, "belongs to the claim ns/x"),
        ({"phase": "Released", "claimRef": {"namespace": "ns", "name": "claim"}}, "phase Released"),
        ({}, "does not fit"),
    ],
)
def test_a_claim_that_names_its_volume(volume: Any, text: str) -> None:
    cluster = cluster_with_claim(status={"phase": "Pending"}, spec={"volumeName": "pv"})
    if volume is not None:
        phase = volume.pop("phase", "Available")
        cluster.add("PersistentVolume", "pv", spec=volume, status={"phase": phase})
    with pytest.raises(InputError, match=text):
        target(cluster)


def waiting_cluster() -> HelperCluster:
    cluster = cluster_with_claim(status={"phase": "Pending"})
    cluster.add("StorageClass", "standard", volumeBindingMode="WaitForFirstConsumer")
    return cluster


def test_a_claim_that_waits_for_its_first_pod() -> None:
    cluster = waiting_cluster()
    add_node(cluster, "n1")
    assert target(cluster).unbound
    cluster.unreadable = ("StorageClass", "Namespace")
    assert target(cluster).unbound, "the scheduler tells the rest"


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_the_first_pod_goes_where_the_server_may_go(kind: str) -> None:
    """Else the volume would be made on a node where the server cannot run."""
    cluster = waiting_cluster()
    add_node(cluster, "n1")
    add_node(cluster, "n2", TAINT, zone="b")
    affinity = {"nodeAffinity": {"any": "thing"}}
    wishes = {"nodeSelector": {"zone": "b"}, "tolerations": [TOLERATION], "affinity": affinity}
    add_server(cluster, kind, **wishes)
    found = target(cluster)
    assert found.node_selector == (("zone", "b"),) and found.affinity == affinity
    assert found.tolerations == (TOLERATION,)
    with pytest.raises(InputError, match="contradicts the server ovms") as caught:
        target(cluster, node_selector=(("zone", "a"),))
    assert caught.value.option == "node_selector"


def test_no_node_for_the_first_pod() -> None:
    cluster = waiting_cluster()
    add_node(cluster, "n1", TAINT)
    with pytest.raises(InputError, match="no node can run the helper: n1 has the taint gpu"):
        target(cluster)
    assert target(cluster, tolerations=[TOLERATION]).unbound
    with pytest.raises(InputError, match="no node has the labels disk=ssd"):
        target(cluster, node_selector=(("disk", "ssd"),))


def test_the_helper_goes_where_a_one_node_volume_is_in_use() -> None:
    cluster = cluster_with_claim()
    add_user(cluster, "n0", "old")
    cluster.objects[("Pod", "old")]["status"] = {"phase": "Failed"}
    add_user(cluster, "n7")
    add_node(cluster, "n7", kind="x")
    cluster.objects[("Node", "n7")]["metadata"]["labels"][HOST] = "seven"
    assert target(cluster).node_selector == ((HOST, "seven"),)
    cluster.unreadable = ("Node",)
    assert target(cluster).node_selector == ((HOST, "n7"),)
    claim = cluster.objects[("PersistentVolumeClaim", "claim")]
    claim["status"]["accessModes"] = ["ReadWriteMany"]
    assert target(cluster).node_selector == ()
    claim["status"]["accessModes"] = ["ReadWriteOncePod"]
    with pytest.raises(WaitError, match="in use by pod user"):
        target(cluster)


def test_beside_a_server_on_a_tainted_or_broken_node() -> None:
    cluster = cluster_with_claim()
    add_node(cluster, "n1", TAINT)
    short = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}
    add_user(cluster, "n1", tolerations=[TOLERATION, short])
    assert target(cluster).tolerations == (TOLERATION,)
    add_user(cluster, "n1", tolerations=[])
    with pytest.raises(InputError, match="in use on node n1 by pod user.*has the taint gpu"):
        target(cluster)
    assert target(cluster, tolerations=[TOLERATION]).node_selector == ((HOST, "n1"),)
    add_node(cluster, "n1", ready="Unknown")
    with pytest.raises(InputError, match="that node is not ready"):
        target(cluster)
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    add_node(cluster, "n1", cordon)
    with pytest.raises(InputError, match="that node is cordoned"):
        target(cluster)
    add_node(cluster, "n1")
    with pytest.raises(InputError, match="does not fit node_selector"):
        target(cluster, node_selector=(("disk", "ssd"),))


def test_a_local_volume_whose_node_is_gone_or_unfit() -> None:
    cluster = cluster_with_claim()
    add_node(cluster, "n1")
    add_node(cluster, "n2", ready="False")
    add_node(cluster, "n3", TAINT)
    add_volume(cluster, "n1", "n2")
    assert target(cluster).node_selector == (), "the scheduler knows where the volume is"
    for nodes, text in (
        (("n9",), r"volume pv, which is only on nodes with kubernetes.io/hostname in \(n9\)"),
        (("n2",), "no node that has it can run the helper: n2 is not ready"),
        (("n2", "n3"), "n2 is not ready; n3 has the taint gpu:NoSchedule"),
    ):
        add_volume(cluster, *nodes)
        with pytest.raises(InputError, match=text) as caught:
            target(cluster)
        assert caught.value.hint
    assert target(cluster, tolerations=[TOLERATION])
    add_server(cluster, tolerations=[TOLERATION])
    assert target(cluster).tolerations == (TOLERATION,), "as the server's own"
    cluster.unreadable = ("PersistentVolume",)
    add_volume(cluster, "n9")
    assert target(cluster), "the scheduler tells"


def test_a_node_selector_that_no_node_of_the_volume_fits() -> None:
    cluster = cluster_with_claim()
    add_node(cluster, "n1")
    add_node(cluster, "n2", disk="ssd")
    add_volume(cluster, "n1")
    with pytest.raises(InputError, match="n1 does not fit node_selector"):
        target(cluster, node_selector=(("disk", "ssd"),))


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"nfs": {"server": "x", "readOnly": True}}, "nfs.readOnly"),
        ({"mountOptions": ["ro", "noatime"]}, "mountOptions: ro"),
    ],
)
def test_a_volume_that_is_always_mounted_read_only(spec: dict[str, Any], text: str) -> None:
    cluster = cluster_with_claim()
    add_volume(cluster, **spec)
    with pytest.raises(InputError, match=f"always mounted read-only.*{text}"):
        target(cluster)


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "In", "values": ["2"]}, False),
        ({"key": "a", "operator": "NotIn", "values": ["2"]}, True),
        ({"key": "b", "operator": "NotIn", "values": ["2"]}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "b", "operator": "DoesNotExist"}, True),
        ({"key": "a", "operator": "Gt", "values": ["0"]}, True),
        ({"key": "a", "operator": "Lt", "values": ["1"]}, False),
        ({"key": "b", "operator": "Lt", "values": ["1"]}, False),
        ({"key": "a", "operator": "Strange"}, False),
    ],
)
def test_node_selector_terms(expression: dict[str, Any], fits: bool) -> None:
    node = {"metadata": {"name": "n", "labels": {"a": "1"}}}
    assert node_rules.fits_terms(node, [{"matchExpressions": [expression]}]) is fits
    assert node_rules.fits_terms(node, [{}]) is False
    name = {"key": "metadata.name", "operator": "In", "values": ["n"]}
    assert node_rules.fits_terms(node, [{"matchFields": [name]}])
    assert "metadata.name in (n)" in node_rules.terms_text([{"matchFields": [name]}])
