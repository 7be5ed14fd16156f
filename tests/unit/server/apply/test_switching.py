# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Deployment to a DaemonSet and back: who comes first, and what a cut leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.workloads import Verdict
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import switching
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.guard import GateShut
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.watch_over import Watch
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status import wait as waiting

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

NAMESPACE = {"kind": "Namespace", "metadata": {"name": "edge", "labels": {}}}
IMAGE: dict[str, Any] = {"pvc": None, "image_volume": {"reference": "registry.example/models:1"}}
ON_NODES = {**IMAGE, "workload": "DaemonSet"}
DEVICE = {"resources": {"limits": {"gpu.intel.com/i915": 1}}}


class Waits:
    """Notes the waits among the requests; C(error) is what the next one ends with."""

    def __init__(self, cluster: ServingCluster) -> None:
        self.cluster = cluster
        self.error: WaitError | None = None

    def beside(self, client: Any, namespace: str, name: str, *args: Any, mine: Any = None) -> Any:
        """Stand for C(wait_rollout)."""
        self.cluster.calls.append(f"wait {args[2]}")
        if self.error is not None:
            raise self.error
        return []


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> ServingCluster:
    made = ServingCluster()
    made.add(NAMESPACE)
    monkeypatch.setattr(ServingCluster, "version", lambda self: {"minor": "36"}, raising=False)
    monkeypatch.setattr(
        "ansible_collections.openvino.edge.plugins.module_utils.server.checks.cluster.check_version",
        lambda version: None,
    )
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod", "edge")[0]
    )
    return made


@pytest.fixture
def waits(cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch) -> Waits:
    made = Waits(cluster)
    monkeypatch.setattr(waiting, "wait_rollout", made.beside)
    return made


def run(
    cluster: ServingCluster,
    *,
    check: bool = False,
    wait: bool = True,
    keep: bool = False,
    **options: Any,
) -> tuple[Outcome, list[str], Runtime]:
    """Return what was done, the writes and waits in their order, and the runtime."""
    runtime = Runtime(check_mode=check)
    cluster.calls.clear()
    waiting = Waiting(wait, 100.0, puts_back=not keep)
    deployer = Deployer(cluster, make_spec(**options), runtime, waiting)  # type: ignore[arg-type]
    try:
        outcome = deployer.present()
    except WaitError as error:
        assert error.details["changed"]
        outcome = Outcome()
    steps = [call for call in cluster.calls if call.split()[0] in ("apply", "delete", "wait")]
    return outcome, steps, runtime


def test_new_pods_come_first_both_ways(cluster: ServingCluster, waits: Waits) -> None:
    run(cluster, **IMAGE)
    predicted, nothing, _ = run(cluster, check=True, **ON_NODES)
    there, steps, said = run(cluster, **ON_NODES)
    assert nothing == [] and said.warnings == []
    assert steps == ["apply Service", "apply DaemonSet", "wait DaemonSet", "delete Deployment"]
    actions = {change.kind: change.action for change in there.changes}
    assert actions == {change.kind: change.action for change in predicted.changes}
    assert (actions["DaemonSet"], actions["Deployment"]) == ("created", "deleted")
    assert there.reload == predicted.reload == "rolling_restart"
    assert run(cluster, **ON_NODES)[1] == []

    _, steps, _ = run(cluster, **IMAGE)
    # The record of the DaemonSet, on the Service, goes after it.
    assert steps == ["apply Deployment", "wait Deployment", "delete DaemonSet", "apply Service"]
    assert run(cluster, **IMAGE)[1] == []


@pytest.mark.parametrize(("first", "then"), [(IMAGE, ON_NODES), (ON_NODES, IMAGE)])
def test_a_new_kind_that_does_not_start_leaves_the_old_one_serving(
    cluster: ServingCluster, waits: Waits, first: dict[str, Any], then: dict[str, Any]
) -> None:
    run(cluster, **first)
    old = "DaemonSet" if "workload" in first else "Deployment"
    waits.error = WaitError("no image", details={"reason": "ErrImagePull"})
    _, steps, _ = run(cluster, keep=True, **then)
    assert steps[-1].startswith("wait") and (old, "ocr") in cluster.objects
    _, steps, _ = run(cluster, keep=True, **then)
    assert not any(step.startswith("delete") for step in steps)
    waits.error = None
    _, steps, _ = run(cluster, **then)
    assert steps[:2] == [
        f"wait {'Deployment' if old == 'DaemonSet' else 'DaemonSet'}",
        f"delete {old}",
    ]
    assert (old, "ocr") not in cluster.objects
    assert run(cluster, **then)[1] == []
    # Nor is anything left when the old kind is asked for again in between.
    run(cluster, **first)
    assert sum(kind in ("Deployment", "DaemonSet") for kind, _name in cluster.objects) == 1


@pytest.mark.parametrize(("first", "then"), [(IMAGE, ON_NODES), (ON_NODES, IMAGE)])
def test_a_new_kind_that_does_not_start_goes_again(
    cluster: ServingCluster, waits: Waits, first: dict[str, Any], then: dict[str, Any]
) -> None:
    run(cluster, **first)
    old, new = ("DaemonSet", "Deployment") if "workload" in first else ("Deployment", "DaemonSet")
    # The fake makes pods for Deployments only.
    cluster.add(
        "Pod",
        "ocr-9",
        metadata={
            "namespace": "edge",
            "labels": {"openvino.edge/server": "ocr"},
            "uid": "old",
        },
    )
    cluster.objects["Pod", "ocr-9"].update(
        spec={"containers": []}, status={"conditions": [{"type": "Ready", "status": "True"}]}
    )
    waits.error = WaitError("no image", details={"reason": "ErrImagePull"})
    _, steps, _ = run(cluster, **then)
    assert steps[-2:] == [f"wait {new}", f"delete {new}"]
    assert (old, "ocr") in cluster.objects and (new, "ocr") not in cluster.objects


def test_32_a_new_kind_that_does_not_serve_goes_again(
    cluster: ServingCluster, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(cluster, **IMAGE)

    def shut(self: Watch, mine: Any) -> None:
        error = GateShut("detection 1 cannot be loaded", details={"reason": "GateShut"})
        error.final = True
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Watch, "beside", shut)
        run(cluster, **ON_NODES)
    assert ("Deployment", "ocr") in cluster.objects
    assert ("DaemonSet", "ocr") not in cluster.objects
    run(cluster, **ON_NODES)
    assert ("Deployment", "ocr") not in cluster.objects


def test_without_room_beside_them_the_old_ones_go(cluster: ServingCluster, waits: Waits) -> None:
    run(cluster, **IMAGE)
    reason = {"reason": "Unschedulable"}
    waits.error = WaitError("1 node(s) didn't match Pod's node affinity", details=dict(reason))
    _, steps, _ = run(cluster, **ON_NODES)
    assert steps[-2:] == ["wait DaemonSet", "delete DaemonSet"]
    waits.error = WaitError("0/1 nodes are available: 1 Insufficient cpu.", details=reason)
    _, steps, _ = run(cluster, **ON_NODES)
    assert steps[-2:] == ["wait DaemonSet", "delete Deployment"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (DEVICE, "devices"),
        ({"pod_overrides": {"spec": {"hostNetwork": True}}}, "ports of the nodes"),
        ({"pvc": {"claim_name": "models"}, "image_volume": None}, "one node at a time"),
    ],
)
def test_old_pods_go_first_where_they_are_in_the_way(
    cluster: ServingCluster, waits: Waits, options: dict[str, Any], why: str
) -> None:
    claim = {"metadata": {"name": "models"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    cluster.add({"kind": "PersistentVolumeClaim", **claim, "status": {"phase": "Bound"}})
    run(cluster, **{**IMAGE, **options})
    _, steps, said = run(cluster, **{**ON_NODES, **options})
    assert not any(step.startswith("wait") for step in steps)
    assert steps[-1] == "delete Deployment"
    assert [why in text for text in said.warnings if "all of them end" in text] == [True]
    _, steps, _ = run(cluster, **{**IMAGE, **options})
    assert steps[0] == "delete DaemonSet"


def test_without_waiting_nobody_is_waited_for(cluster: ServingCluster, waits: Waits) -> None:
    run(cluster, wait=False, **IMAGE)
    assert run(cluster, wait=False, **ON_NODES)[1][-1] == "delete Deployment"


@pytest.mark.parametrize(
    ("modes", "options", "blocked"),
    [
        (("ReadWriteMany",), {}, False),
        (("ReadWriteMany",), {"strategy": "Recreate"}, True),
        (("ReadWriteOnce",), {}, True),
        (("ReadWriteOnce",), {"strategy": "RollingUpdate"}, False),
        (None, {"pvc": None, "host_path": {"path": "/m"}}, False),
        (None, {}, True),
    ],
)
def test_what_is_in_the_way(
    modes: tuple[str, ...] | None, options: dict[str, Any], blocked: bool
) -> None:
    spec, facts = make_spec(**options), ClusterFacts(modes)
    (found,) = [item for item in render_objects(spec, facts) if item["kind"] == "Deployment"]
    assert bool(switching.in_the_way(spec, facts, found["spec"]["template"])) is blocked


def test_only_pods_of_the_new_kind_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def wait_for(client: Any, sources: Any, judge: Any, *args: Any, **kwargs: Any) -> None:
        pods = [
            {"metadata": {"name": kind, "ownerReferences": [{"kind": kind}]}}
            for kind in ("ReplicaSet", "DaemonSet")
        ]
        judge([[], [], [*pods, {"metadata": {"name": "orphan"}}], []])

    def judge_nodes(snapshot: Any) -> Verdict:
        seen.extend(pod["metadata"]["name"] for pod in snapshot[2])
        return Verdict(True, "")

    monkeypatch.setattr(waiting, "wait_for", wait_for)
    monkeypatch.setattr(waiting, "judge_nodes", judge_nodes)
    switching.wait_beside(None, make_spec(**ON_NODES), "DaemonSet", 1.0, Runtime())  # type: ignore[arg-type]
    assert seen == ["DaemonSet"]


def test_a_deployment_of_others_is_not_left_beside_a_daemon_set(
    cluster: ServingCluster, waits: Waits
) -> None:
    theirs: dict[str, Any] = {"metadata": {"name": "ocr", "labels": {}}, "spec": {}}
    cluster.add({"kind": "Deployment", "apiVersion": "apps/v1", **theirs})
    with pytest.raises(InputError, match="workload: Deployment edge/ocr: it belongs to someone"):
        run(cluster, adopt=True, **ON_NODES)
    assert cluster.writes() == []
