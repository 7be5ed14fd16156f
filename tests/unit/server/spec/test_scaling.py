# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pods: a DaemonSet, an autoscaler, a budget, and the way from one to another."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.workloads import (
    judge_daemon_set,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import handover
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.removal import remove
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    cluster as preflight,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status.progress import complete
from ansible_collections.openvino.edge.plugins.module_utils.server.status.wait import judge_rollout

from ...fakes.cluster import ServingCluster
from ...preflight.test_rights import plain, shipped
from ..conftest import MakeSpec, make_spec

BUDGET: dict[str, Any] = {"disruption_budget": {"max_unavailable": "1"}}
SCALED: dict[str, Any] = {"autoscaling": {"max_replicas": 4, "pod_metrics": {"streams": "1"}}}
ON_NODES: dict[str, Any] = {"workload": "DaemonSet"}
REQUESTS = {"requests": {"cpu": "1", "memory": "1Gi"}}


def of_kind(kind: str, **options: Any) -> dict[str, Any]:
    (found,) = [item for item in render_objects(make_spec(**options)) if item["kind"] == kind]
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**ON_NODES, "replicas": 2}, "replicas: a DaemonSet runs one pod on every chosen node"),
        ({**ON_NODES, **SCALED}, "autoscaling: a DaemonSet cannot be scaled"),
        ({**ON_NODES, **BUDGET}, "disruption_budget: draining"),
        ({**ON_NODES, "strategy": "Recreate"}, "strategy: a DaemonSet has no Recreate"),
        ({**SCALED, "replicas": 2}, "replicas: autoscaling chooses"),
        ({"autoscaling": {"max_replicas": 2}}, "nothing to scale by"),
        ({"autoscaling": {"max_replicas": 2, "cpu_utilization": 50}}, "resources.requests.cpu"),
        ({"autoscaling": {"max_replicas": 1, "min_replicas": 2}}, "max_replicas: 1 is not in 2"),
        ({"rolling_update": {"max_surge": "0", "max_unavailable": "0%"}}, "ever be replaced"),
        (
            {"rolling_update": {"max_surge": "1"}, "strategy": "Recreate"},
            "rolling_update: strategy",
        ),
        ({"rolling_update": {"max_surge": "some"}}, "'some' is not a number of pods"),
    ],
)
def test_refusals(spec: MakeSpec, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spec(**options)


def test_a_daemon_set_has_the_template_of_the_deployment() -> None:
    made, usual = of_kind("DaemonSet", **ON_NODES), of_kind("Deployment")
    assert made["spec"]["template"] == usual["spec"]["template"]
    assert made["spec"]["selector"] == usual["spec"]["selector"]
    limits = {"maxSurge": 0, "maxUnavailable": 1}
    assert made["spec"]["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": limits}
    host = {"pvc": None, "host_path": {"path": "/m", "nodes": ["n1", "n2"]}}
    pod = of_kind("DaemonSet", **ON_NODES, **host)["spec"]["template"]["spec"]
    assert "topologySpreadConstraints" not in pod and "nodeAffinity" in pod["affinity"]
    pod = of_kind("Deployment", **SCALED, pvc=None, host_path={"path": "/m"})["spec"]["template"]
    assert "topologySpreadConstraints" in pod["spec"]


def test_an_autoscaler_has_the_number_and_the_deployment_has_none() -> None:
    options = {
        "autoscaling": {
            "min_replicas": 2,
            "max_replicas": 5,
            "cpu_utilization": 70,
            "pod_metrics": {"streams": 1},
            "behavior": {"scaleDown": {"selectPolicy": "Disabled"}},
        },
        "resources": REQUESTS,
    }
    assert "replicas" not in of_kind("Deployment", **options)["spec"]
    spec = of_kind("HorizontalPodAutoscaler", **options)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert [metric["type"] for metric in spec["metrics"]] == ["Resource", "Pods"]
    assert spec["metrics"][1]["pods"]["target"] == {"type": "AverageValue", "averageValue": "1"}
    assert spec["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"


@pytest.mark.parametrize(
    ("options", "stuck"),
    [
        ({"disruption_budget": {"min_available": "1"}}, True),
        ({"disruption_budget": {"min_available": "1"}, "replicas": 2}, False),
        ({"disruption_budget": {"max_unavailable": "0"}, "replicas": 2}, True),
        ({"disruption_budget": {"max_unavailable": "50%"}}, False),
        ({**SCALED, "disruption_budget": {"min_available": "1"}}, True),
    ],
)
def test_a_budget_that_holds_every_node_is_warned_about(
    spec: MakeSpec, options: dict[str, Any], stuck: bool
) -> None:
    assert any("draining" in text for text in spec(**options).running.warnings) is stuck


@pytest.fixture
def cluster() -> ServingCluster:
    made = ServingCluster()
    claim = {"accessModes": ["ReadWriteMany"]}
    made.add({"kind": "PersistentVolumeClaim", "metadata": {"name": "models"}, "spec": claim})
    made.objects["PersistentVolumeClaim", "models"]["status"] = {"phase": "Bound", **claim}
    made.add({"kind": "Namespace", "metadata": {"name": "edge", "labels": {}}})
    return made


def run(cluster: ServingCluster, *, check: bool = False, **options: Any) -> Outcome:
    runtime, waiting = Runtime(check_mode=check), Waiting(False, 1.0)
    deployer = Deployer(cluster, make_spec(**options), runtime, waiting)  # type: ignore[arg-type]
    cluster.calls.clear()
    return deployer.present()


def done(outcome: Outcome) -> dict[str, str]:
    return {change.kind: change.action for change in outcome.changes}


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (BUDGET, "PodDisruptionBudget"),
        (ON_NODES, "DaemonSet"),
        ({"service_monitor": {}}, "ServiceMonitor"),
    ],
)
def test_made_left_alone_and_pruned(
    cluster: ServingCluster, options: dict[str, Any], kind: str
) -> None:
    run(cluster)
    predicted, made = run(cluster, check=True, **options), run(cluster, **options)
    assert done(predicted) == done(made) and done(made)[kind] == "created"
    writes = cluster.writes()
    assert writes.index("apply Service") < writes.index(f"apply {kind}")
    assert not run(cluster, **options).changed and cluster.writes() == []
    gone = run(cluster)
    assert done(gone)[kind] == "deleted"
    assert cluster.writes()[0] == f"delete {kind}", "removed while the Service still names it"
    assert not run(cluster).changed
    assert f"list {kind}" not in cluster.calls


def test_removal_takes_all_kinds(cluster: ServingCluster) -> None:
    run(cluster, **BUDGET, service={"headless": True})
    outcome = remove(cluster, "edge", "ocr", Runtime(), Waiting(False))  # type: ignore[arg-type]
    assert ("PodDisruptionBudget", "ocr") not in cluster.objects
    assert [change.name for change in outcome.changes][-1].startswith("ocr")
    assert cluster.writes()[-1] == "delete Service"


def test_a_change_of_workload_replaces_the_pods(cluster: ServingCluster) -> None:
    run(cluster)
    there = run(cluster, **ON_NODES)
    assert done(there)["Deployment"] == "deleted" and there.reload == "rolling_restart"
    back = run(cluster)
    assert done(back)["DaemonSet"] == "deleted" and back.reload == "rolling_restart"


LIVE = {
    "kind": "Deployment",
    "metadata": {
        "managedFields": [
            {"manager": "openvino.edge", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "other", "fieldsV1": {"f:spec": {"f:paused": {}}}},
        ]
    },
    "spec": {"replicas": 3},
}


def test_the_number_outlasts_our_leaving_it_out() -> None:
    wanted = {"kind": "Deployment", "spec": {}}
    assert handover.kept_replicas(wanted, LIVE) == 3
    assert handover.with_replicas(wanted, 3)["spec"] == {"replicas": 3} and wanted["spec"] == {}
    others = {**LIVE, "metadata": {"managedFields": [{"manager": "kubectl"}]}}
    assert handover.kept_replicas(wanted, others) is None
    assert handover.kept_replicas({"kind": "Deployment", "spec": {"replicas": 1}}, LIVE) is None
    assert handover.kept_replicas(wanted, None) is None


def daemon_set(**status: int) -> dict[str, Any]:
    counts = ("desired", "current", "updated")
    full = {f"{name}NumberScheduled": 2 for name in counts}
    full.update(numberReady=2, numberAvailable=2, observedGeneration=5)
    annotations = {"deprecated.daemonset.template.generation": "3"}
    metadata = {"name": "ocr", "generation": 5, "annotations": annotations}
    return {"kind": "DaemonSet", "metadata": metadata, "spec": {}, "status": {**full, **status}}


def pod(number: str, reason: str = "") -> dict[str, Any]:
    waiting = {"name": "ovms", "state": {"waiting": {"reason": reason}}}
    return {
        "metadata": {"name": f"p{number}", "labels": {"pod-template-generation": number}},
        "spec": {},
        "status": {"containerStatuses": [waiting] if reason else []},
    }


def test_a_daemon_set_is_judged_by_its_current_pods() -> None:
    assert judge_daemon_set([[daemon_set()], [], []]).done
    assert not judge_daemon_set([[], [], []]).done
    assert not judge_daemon_set([[daemon_set(observedGeneration=4)], [], []]).done
    pods = [pod("2", "InvalidImageName"), pod("3")]
    assert judge_daemon_set([[daemon_set(updatedNumberScheduled=1)], pods, []]).trouble is None
    pods = [pod("2"), pod("3", "InvalidImageName")]
    verdict = judge_daemon_set([[daemon_set(updatedNumberScheduled=1)], pods, []])
    assert verdict.trouble is not None and verdict.trouble.reason == "InvalidImageName"
    nowhere = judge_daemon_set([[daemon_set(desiredNumberScheduled=0)], [], []])
    assert nowhere.trouble is not None and "no node takes a pod" in nowhere.trouble.message
    event = {
        "reason": "FailedCreate",
        "message": 'violates PodSecurity "restricted:latest": hostPath',
        "involvedObject": {"kind": "DaemonSet", "name": "ocr"},
    }
    refused = judge_daemon_set([[daemon_set(updatedNumberScheduled=0)], [], [event]])
    assert refused.trouble is not None and refused.trouble.reason == "PodSecurity"
    assert refused.trouble.grace > 0, "the event may be of an earlier run"


def test_one_look_at_a_daemon_set() -> None:
    pods: list[dict[str, Any]] = [{"metadata": {}}, {"metadata": {}}]
    assert complete(daemon_set(), pods)
    assert not complete(daemon_set(numberReady=1), pods)
    assert not complete(daemon_set(), pods[:1])
    assert not complete(daemon_set(desiredNumberScheduled=0), [])


def test_the_rights_of_the_options_are_shipped_apart() -> None:
    given: list[dict[str, Any]] = [BUDGET, ON_NODES, SCALED, {"service_monitor": {}}]
    wanted = {
        plain(access)
        for options in given
        for access in preflight.access_for(make_spec(**options), wait=True, prune=True)
    }
    usual = {plain(access) for access in preflight.access_for(make_spec(), wait=True, prune=True)}
    assert wanted - usual <= shipped("server-options")
    kinds = ("daemonsets", "poddisruptionbudgets", "horizontalpodautoscalers", "servicemonitors")
    mine = {right for right in shipped("server-options") if right[2] in kinds}
    assert mine <= wanted


def test_metrics_that_are_off_are_warned_about(spec: MakeSpec) -> None:
    def warned(**options: Any) -> bool:
        texts = spec(service_monitor={}, **options).running.warnings
        return any("nothing to read" in text for text in texts)

    assert warned() and not warned(extra_args=["--metrics_enable=true"])
    assert not spec().running.warnings


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"replicas": 2}, "replicas is 2"),
        (SCALED, "replicas is 4"),
        (ON_NODES, "workload is DaemonSet"),
        ({}, ""),
    ],
)
def test_a_claim_for_one_node_is_warned_about(
    cluster: ServingCluster, options: dict[str, Any], text: str
) -> None:
    cluster.objects["PersistentVolumeClaim", "models"]["status"]["accessModes"] = ["ReadWriteOnce"]
    runtime = Runtime()
    spec = make_spec(**options)
    Deployer(cluster, spec, runtime, Waiting(False, 1.0)).present()  # type: ignore[arg-type]
    told = [line for line in runtime.warnings if "ReadWriteOnce" in line]
    assert bool(told) is bool(text) and all(text in line for line in told)


def test_no_room_beside_the_old_pods_names_the_option() -> None:
    deployment = {
        "metadata": {"name": "ocr", "uid": "d", "generation": 1},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {}}}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 1},
    }
    owner = [{"uid": "r"}]
    current = {
        "metadata": {"uid": "r", "ownerReferences": [{"uid": "d"}]},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {}}}},
    }
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu.",
    }
    waiting = {"metadata": {"name": "new", "ownerReferences": owner}, "status": {}}
    waiting["status"] = {"conditions": [condition]}
    old = {"metadata": {"name": "old"}, "status": {}}
    verdict = judge_rollout([[deployment], [current], [waiting, old], []])
    assert verdict.trouble is not None and "max_unavailable" in verdict.trouble.hint
    alone = judge_rollout([[deployment], [current], [waiting], []])
    assert alone.trouble is not None and "add a node" in alone.trouble.hint
