# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of things: nothing is changed before everything is checked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.removal import remove

from ...fakes.cluster import ServingCluster
from .conftest import CLAIM, run

VERSION_2 = [{"name": "detection", "versions": [2]}]
SENT = ["apply ServiceAccount", "apply ConfigMap", "apply Deployment", "apply Service"]


def done(outcome: Outcome) -> dict[str, str]:
    return {change.kind: change.action for change in outcome.changes}


def test_first_run_checks_all_then_sends_all(cluster: ServingCluster) -> None:
    outcome = run(cluster)
    assert cluster.writes() == SENT
    first_write = cluster.calls.index("apply ServiceAccount")
    assert cluster.calls.index("denied") < first_write
    assert cluster.calls.index("dry-apply Service") < first_write
    assert set(done(outcome).values()) == {"created"}
    assert (outcome.reload, outcome.ready) == ("none", 1)


def test_second_run_only_reads(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster)
    assert sorted(cluster.calls) == [
        "get PersistentVolumeClaim",
        "list ConfigMap",
        "list Deployment",
        "list Pod",
        "list Service",
        "list ServiceAccount",
        "proxy GET /v1/config",
    ]
    assert not outcome.changed
    assert outcome.ready == 1


def test_check_mode_predicts_the_same_and_sends_nothing(cluster: ServingCluster) -> None:
    predicted = run(cluster, check=True)
    assert cluster.writes() == []
    assert done(predicted) == done(run(cluster))
    predicted = run(cluster, check=True, models=VERSION_2)
    assert cluster.writes() == []
    cluster.reports = lambda pod: {"detection": {2: "AVAILABLE"}}
    real = run(cluster, models=VERSION_2)
    assert done(predicted) == done(real)
    assert predicted.reload == real.reload == "config_reload"


def refused(cluster: ServingCluster, kind: type[Exception], match: str, **options: Any) -> None:
    with pytest.raises(kind, match=match):
        run(cluster, **options)
    assert cluster.writes() == []


def test_refusals_come_before_the_first_change(cluster: ServingCluster) -> None:
    host: dict[str, Any] = {"pvc": None, "host_path": {"path": "/m", "nodes": ["n1"]}}
    refused(cluster, InputError, "does not exist", pvc={"claim_name": "other"})
    refused(cluster, InputError, "no such node", **host)
    refused(cluster, ApiError, "rejected", annotations={"reject": "yes"})
    cluster.refuse = ["create services in namespace edge"]
    refused(cluster, ForbiddenError, "may not: create services in namespace edge")
    cluster.refuse = []
    cluster.add({"kind": "Service", "metadata": {"name": "ocr"}})
    refused(cluster, InputError, "Service edge/ocr: it exists and belongs to someone else")
    del cluster.objects["Namespace", "edge"]
    refused(cluster, InputError, "set create_namespace")


def test_what_may_not_be_read_is_not_needed(cluster: ServingCluster) -> None:
    cluster.unreadable = ("Namespace", "Node", "StorageClass")
    host: dict[str, Any] = {"pvc": None, "host_path": {"path": "/m", "nodes": ["n1"]}}
    assert run(cluster, **host).changed


def test_all_missing_rights_are_named_when_nothing_can_be_read(cluster: ServingCluster) -> None:
    cluster.unreadable = ("ServiceAccount",)
    cluster.refuse = [
        "list serviceaccounts in namespace edge",
        "patch deployments.apps in namespace edge",
    ]
    refused(cluster, ForbiddenError, "list serviceaccounts in .*; patch deployments.apps in ")


def test_unbound_claims(cluster: ServingCluster) -> None:
    def claim(**spec: Any) -> None:
        cluster.add({**CLAIM, "spec": spec, "status": {"phase": "Pending"}})

    claim(storageClassName="late")
    refused(cluster, InputError, "StorageClass 'late' does not exist")
    claim()
    refused(cluster, InputError, "it has no StorageClass")
    claim(storageClassName="late")
    cluster.add({"kind": "StorageClass", "metadata": {"name": "late"}})
    assert run(cluster).changed


def test_replicas_on_a_volume_of_one_node_are_warned_about(cluster: ServingCluster) -> None:
    runtime = Runtime()
    run(cluster, replicas=2, runtime=runtime)
    assert "ReadWriteOnce" in runtime.warnings[0]


def test_the_namespace_comes_first(cluster: ServingCluster) -> None:
    del cluster.objects["Namespace", "edge"]
    run(cluster, create_namespace=True)
    made, marked, *sent = cluster.writes()
    # A new namespace is marked as ours, so that a removal knows who made it.
    assert made == "apply Namespace" and "openvino.edge/created-uid" in marked
    assert marked.startswith("patch Namespace ") and sent == SENT
    assert not run(cluster, create_namespace=True).changed


def test_leftovers_go_last_and_need_the_right_to_delete(cluster: ServingCluster) -> None:
    run(cluster)
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/server": "ocr"}
    old = {"apiVersion": "v1", "kind": "ConfigMap"}
    cluster.add({**old, "metadata": {"name": "old", "namespace": "edge", "labels": labels}})
    cluster.refuse = ["delete configmaps in namespace edge"]
    refused(cluster, ForbiddenError, "delete configmaps")
    cluster.refuse = []
    outcome = run(cluster, log_level="DEBUG")
    assert cluster.writes() == ["apply Deployment", "delete ConfigMap"]
    assert outcome.reload == "rolling_restart"


def stuck(cluster: ServingCluster, reason: str) -> None:
    """Make the server's pod one that the kubelet has given up for a while."""
    pod = cluster.objects["Pod", "ocr-0"]
    waiting = {"name": "ovms", "state": {"waiting": {"reason": reason, "message": "x"}}}
    pod["status"] = {"phase": "Pending", "containerStatuses": [waiting]}
    cluster.objects["Deployment", "ocr"]["status"]["readyReplicas"] = 0


def test_pods_stuck_since_an_earlier_run_start_afresh(cluster: ServingCluster) -> None:
    run(cluster)
    stuck(cluster, "ImagePullBackOff")
    assert not run(cluster).changed
    assert cluster.writes() == ["delete Pod"]
    del cluster.objects["Deployment", "ocr"]
    run(cluster)
    stuck(cluster, "ContainerCreating")
    run(cluster)
    assert cluster.writes() == []


def test_pods_that_could_not_be_made_are_tried_again(cluster: ServingCluster) -> None:
    run(cluster)
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q"}
    status = cluster.objects["Deployment", "ocr"]["status"]
    status.update({"conditions": [condition], "replicas": 0})
    assert not run(cluster).changed
    (patch,) = cluster.writes()
    assert "openvino.edge/retried" in patch


def test_without_waiting_the_pods_are_only_touched(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster, models=VERSION_2, wait=False)
    assert any(call.startswith("patch Pod") for call in cluster.calls)
    assert not any(call.startswith("proxy") for call in cluster.calls)
    assert outcome.ready is None


def test_removal(cluster: ServingCluster) -> None:
    run(cluster)
    client: Any = cluster
    cluster.calls.clear()
    predicted = remove(client, "edge", "ocr", Runtime(check_mode=True), Waiting())
    assert cluster.writes() == [] and predicted.changed
    cluster.refuse = ["delete services in namespace edge"]
    with pytest.raises(ForbiddenError):
        remove(client, "edge", "ocr", Runtime(), Waiting())
    assert cluster.writes() == []
    cluster.refuse = []
    outcome = remove(client, "edge", "ocr", Runtime(), Waiting())
    kinds = ["Service", "Deployment", "ConfigMap", "ServiceAccount"]
    assert cluster.writes() == [f"delete {kind}" for kind in kinds]
    assert done(outcome) == dict.fromkeys(kinds, "deleted")
    assert ("PersistentVolumeClaim", "models") in cluster.objects
    assert not remove(client, "edge", "ocr", Runtime(), Waiting()).changed
