# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of things: nothing is changed before everything is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import deploy, reload
from ansible_collections.openvino.edge.plugins.module_utils.server.deploy import (
    Deployer,
    Outcome,
    Waiting,
    remove,
)

from .conftest import make_spec
from .memory import MemoryCluster

CLAIM = {
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models"},
    "spec": {"accessModes": ["ReadWriteOnce"]},
    "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"]},
}
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "edge", "labels": {}}}
VERSION_2 = [{"name": "detection", "versions": [2]}]
SENT = ["apply ServiceAccount", "apply ConfigMap", "apply Deployment", "apply Service"]


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(reload, "time", made)
    monkeypatch.setattr(deploy, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(
        deploy, "wait_rollout", lambda client, *args: client.list("v1", "Pod", "edge")[0]
    )
    return made


@pytest.fixture
def cluster() -> MemoryCluster:
    made = MemoryCluster()
    made.add(CLAIM)
    made.add(NAMESPACE)
    return made


def run(
    cluster: MemoryCluster,
    *,
    check: bool = False,
    wait: bool = True,
    runtime: Runtime | None = None,
    **options: Any,
) -> Outcome:
    runtime = runtime or Runtime(check_mode=check)
    deployer = Deployer(cluster, make_spec(**options), runtime, Waiting(wait, 100.0))  # type: ignore[arg-type]
    cluster.calls.clear()
    return deployer.present()


def done(outcome: Outcome) -> dict[str, str]:
    return {change.kind: change.action for change in outcome.changes}


def test_first_run_checks_all_then_sends_all(cluster: MemoryCluster) -> None:
    outcome = run(cluster)
    assert cluster.writes() == SENT
    first_write = cluster.calls.index("apply ServiceAccount")
    assert cluster.calls.index("denied") < first_write
    assert cluster.calls.index("dry-apply Service") < first_write
    assert set(done(outcome).values()) == {"created"}
    assert (outcome.reload, outcome.ready) == ("none", 1)


def test_second_run_only_reads(cluster: MemoryCluster) -> None:
    run(cluster)
    outcome = run(cluster)
    assert sorted(cluster.calls) == [
        "get PersistentVolumeClaim",
        "list ConfigMap",
        "list Deployment",
        "list Pod",
        "list Service",
        "list ServiceAccount",
    ]
    assert not outcome.changed
    assert outcome.ready == 1


def test_check_mode_predicts_the_same_and_sends_nothing(cluster: MemoryCluster) -> None:
    predicted = run(cluster, check=True)
    assert cluster.writes() == []
    assert done(predicted) == done(run(cluster))
    predicted = run(cluster, check=True, models=VERSION_2)
    assert cluster.writes() == []
    cluster.reports = lambda pod: {"detection": {2: "AVAILABLE"}}
    real = run(cluster, models=VERSION_2)
    assert done(predicted) == done(real)
    assert predicted.reload == real.reload == "config_reload"


def refused(cluster: MemoryCluster, kind: type[Exception], match: str, **options: Any) -> None:
    with pytest.raises(kind, match=match):
        run(cluster, **options)
    assert cluster.writes() == []


def test_refusals_come_before_the_first_change(cluster: MemoryCluster) -> None:
    host: dict[str, Any] = {"pvc": None, "host_path": {"path": "/m", "nodes": ["n1"]}}
    refused(cluster, InputError, "does not exist", pvc={"claim_name": "other"})
    refused(cluster, InputError, "no such node", **host)
    refused(cluster, ApiError, "rejected", annotations={"reject": "yes"})
    cluster.forbidden = ["create services in namespace edge"]
    refused(cluster, ForbiddenError, "may not: create services in namespace edge")
    cluster.forbidden = []
    cluster.add({"kind": "Service", "metadata": {"name": "ocr"}})
    refused(cluster, InputError, "Service edge/ocr: it exists and belongs to someone else")
    del cluster.objects["Namespace", "edge"]
    refused(cluster, InputError, "set create_namespace")


def test_what_may_not_be_read_is_not_needed(cluster: MemoryCluster) -> None:
    cluster.unreadable = ("Namespace", "Node", "StorageClass")
    host: dict[str, Any] = {"pvc": None, "host_path": {"path": "/m", "nodes": ["n1"]}}
    assert run(cluster, **host).changed


def test_all_missing_rights_are_named_when_nothing_can_be_read(cluster: MemoryCluster) -> None:
    cluster.unreadable = ("ServiceAccount",)
    cluster.forbidden = [
        "list serviceaccounts in namespace edge",
        "patch deployments.apps in namespace edge",
    ]
    refused(cluster, ForbiddenError, "list serviceaccounts in .*; patch deployments.apps in ")


def test_unbound_claims(cluster: MemoryCluster) -> None:
    def claim(**spec: Any) -> None:
        cluster.add({**CLAIM, "spec": spec, "status": {"phase": "Pending"}})

    claim(storageClassName="late")
    refused(cluster, InputError, "StorageClass 'late' does not exist")
    claim()
    refused(cluster, InputError, "it has no StorageClass")
    claim(storageClassName="late")
    cluster.add({"kind": "StorageClass", "metadata": {"name": "late"}})
    assert run(cluster).changed


def test_replicas_on_a_volume_of_one_node_are_warned_about(cluster: MemoryCluster) -> None:
    runtime = Runtime()
    run(cluster, replicas=2, runtime=runtime)
    assert "ReadWriteOnce" in runtime.warnings[0]


def test_the_namespace_comes_first(cluster: MemoryCluster) -> None:
    del cluster.objects["Namespace", "edge"]
    run(cluster, create_namespace=True)
    assert cluster.writes() == ["apply Namespace", *SENT]
    assert not run(cluster, create_namespace=True).changed


def test_leftovers_go_last_and_need_the_right_to_delete(cluster: MemoryCluster) -> None:
    run(cluster)
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/server": "ocr"}
    old = {"apiVersion": "v1", "kind": "ConfigMap"}
    cluster.add({**old, "metadata": {"name": "old", "namespace": "edge", "labels": labels}})
    cluster.forbidden = ["delete configmaps in namespace edge"]
    refused(cluster, ForbiddenError, "delete configmaps")
    cluster.forbidden = []
    outcome = run(cluster, log_level="DEBUG")
    assert cluster.writes() == ["apply Deployment", "delete ConfigMap"]
    assert outcome.reload == "rolling_restart"


def stuck(cluster: MemoryCluster, reason: str) -> None:
    """Make the server's pod one that the kubelet has given up for a while."""
    pod = cluster.objects["Pod", "ocr-0"]
    waiting = {"name": "ovms", "state": {"waiting": {"reason": reason, "message": "x"}}}
    pod["status"] = {"phase": "Pending", "containerStatuses": [waiting]}
    cluster.objects["Deployment", "ocr"]["status"]["readyReplicas"] = 0


def test_pods_stuck_since_an_earlier_run_start_afresh(cluster: MemoryCluster) -> None:
    run(cluster)
    stuck(cluster, "ImagePullBackOff")
    assert not run(cluster).changed
    assert cluster.writes() == ["delete Pod"]
    del cluster.objects["Deployment", "ocr"]
    run(cluster)
    stuck(cluster, "ContainerCreating")
    run(cluster)
    assert cluster.writes() == []


def test_pods_that_could_not_be_made_are_tried_again(cluster: MemoryCluster) -> None:
    run(cluster)
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q"}
    status = cluster.objects["Deployment", "ocr"]["status"]
    status.update({"conditions": [condition], "replicas": 0})
    assert not run(cluster).changed
    (patch,) = cluster.writes()
    assert "openvino.edge/retried" in patch


def reports_after(polls: int, before: str, after: str) -> Callable[[str], dict[str, Any]]:
    """Report version 2 as C(before), then as C(after)."""
    seen: list[str] = []

    def report(pod: str) -> dict[str, Any]:
        seen.append(pod)
        states = {1: "AVAILABLE"} if len(seen) <= polls else {1: "END", 2: after}
        return {"detection": {**states, **({2: before} if before else {})}}

    return report


def test_a_new_version_touches_the_pods_until_they_report_it(
    cluster: MemoryCluster, clock: Clock
) -> None:
    run(cluster, replicas=2)
    cluster.reports = reports_after(12, "", "AVAILABLE")
    outcome = run(cluster, replicas=2, models=VERSION_2)
    assert outcome.reload == "config_reload"
    touches = [call for call in cluster.writes() if call.startswith("patch Pod")]
    assert len(touches) == 2
    assert cluster.writes()[0] == "apply ConfigMap"
    assert 1.0 <= clock.now < 2.0


def test_a_touch_that_was_too_early_is_repeated_with_another_mark(
    cluster: MemoryCluster, clock: Clock
) -> None:
    run(cluster)
    cluster.reports = reports_after(10, "", "AVAILABLE")
    run(cluster, models=VERSION_2)
    touches = [call for call in cluster.writes() if call.startswith("patch Pod")]
    assert len(touches) == len(set(touches)) == 2


def test_versions_that_never_come(cluster: MemoryCluster, clock: Clock) -> None:
    run(cluster)
    cluster.reports = lambda pod: {"detection": {1: "END"}}
    with pytest.raises(WaitError, match="Pod edge/ocr-0: after 17 s") as caught:
        run(cluster, models=VERSION_2)
    assert caught.value.details["changed"] is True
    cluster.reports = lambda pod: {"detection": {1: "AVAILABLE"}}
    with pytest.raises(WaitError, match="after 100 s"):
        run(cluster, models=[{"name": "detection", "versions": [3]}])


def test_a_server_that_polls_seldom_is_told(cluster: MemoryCluster) -> None:
    run(cluster, file_system_poll_wait_seconds=60)
    cluster.reports = lambda pod: {"detection": {2: "AVAILABLE"}}
    run(cluster, file_system_poll_wait_seconds=60, models=VERSION_2)
    assert "proxy POST /v1/config/reload" in cluster.calls


def test_without_waiting_the_pods_are_only_touched(cluster: MemoryCluster) -> None:
    run(cluster)
    outcome = run(cluster, models=VERSION_2, wait=False)
    assert any(call.startswith("patch Pod") for call in cluster.calls)
    assert not any(call.startswith("proxy") for call in cluster.calls)
    assert outcome.ready is None


def test_removal(cluster: MemoryCluster) -> None:
    run(cluster)
    client: Any = cluster
    cluster.calls.clear()
    predicted = remove(client, "edge", "ocr", Runtime(check_mode=True), Waiting())
    assert cluster.writes() == [] and predicted.changed
    cluster.forbidden = ["delete services in namespace edge"]
    with pytest.raises(ForbiddenError):
        remove(client, "edge", "ocr", Runtime(), Waiting())
    assert cluster.writes() == []
    cluster.forbidden = []
    outcome = remove(client, "edge", "ocr", Runtime(), Waiting())
    kinds = ["Service", "Deployment", "ConfigMap", "ServiceAccount"]
    assert cluster.writes() == [f"delete {kind}" for kind in kinds]
    assert done(outcome) == dict.fromkeys(kinds, "deleted")
    assert ("PersistentVolumeClaim", "models") in cluster.objects
    assert not remove(client, "edge", "ocr", Runtime(), Waiting()).changed
