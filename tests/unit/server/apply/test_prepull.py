# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where old pods have to end first, nodes get the image before; where they cannot, nothing ends."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.prepull import (
    ends_first,
    nodes_to_ask,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.prepull import (
    PREPULL_LABEL,
    images_of,
    prepull_job,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status.pulled import (
    judge_pulled,
)

from ...fakes import cluster as fake
from ...fakes.cluster import ServingCluster
from ..conftest import make_spec, rendered
from .conftest import run

OTHER = "registry.example/ovms:2"
MANY: dict[str, Any] = {"pvc": {"claim_name": "models"}, "strategy": "RollingUpdate"}


def workload(**options: Any) -> dict[str, Any]:
    """Return the object that runs the pods."""
    objects = rendered(make_spec(**options))
    return next(item for item in objects if item["kind"] in ("Deployment", "DaemonSet"))


def of_jobs(cluster: ServingCluster) -> list[str]:
    return [call for call in cluster.writes() if call.endswith("Job")]


def test_it_is_pulled_before_the_first_change_and_leaves_nothing(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster, image=OTHER)
    assert outcome.prepulled == [{"node": "n1", "image": OTHER, "image_id": "sha256:1"}]
    writes = [call for call in cluster.writes() if not call.startswith("dry-")]
    assert writes.index("create Job") < writes.index("apply Deployment")
    assert writes[: writes.index("apply Deployment")] == ["delete Job", "create Job", "delete Job"]
    assert not [key for key in cluster.objects if key[0] == "Job" or "prepull" in key[1]]


def test_an_image_that_cannot_be_had_changes_nothing(cluster: ServingCluster) -> None:
    run(cluster)
    cluster.missing = [OTHER]
    before = dict(cluster.objects)
    begun: list[str] = []
    runtime = Runtime(begins=lambda: begun.append("begins"))
    with pytest.raises(WaitError, match=f"node n1: .*image {OTHER} cannot be had") as caught:
        run(cluster, image=OTHER, runtime=runtime)
    assert cluster.objects == before and begun == []
    assert of_jobs(cluster) == ["delete Job", "create Job", "delete Job"]
    details = caught.value.details
    assert (details["reason"], details["why"]) == ("ImageMissing", "ImagePullBackOff")
    assert (details["node"], details["image"], details["changed"]) == ("n1", OTHER, False)


def test_check_mode_says_so_and_makes_nothing(cluster: ServingCluster) -> None:
    run(cluster)
    said: list[str] = []
    outcome = run(cluster, image=OTHER, runtime=Runtime(check_mode=True, progress=said.append))
    assert outcome.prepulled == [{"node": "n1", "image": OTHER}]
    assert of_jobs(cluster) == [] and said == ["ocr: would first have the image pulled on n1"]


@pytest.mark.parametrize(
    ("options", "waiting"),
    [
        ({"env": {"A": "b"}}, Waiting()),
        ({"models": [{"name": "detection", "versions": [2]}]}, Waiting()),
        ({"replicas": 2}, Waiting()),
        ({"image": OTHER}, Waiting(prepull=False)),
        ({"image": OTHER}, Waiting(wait=False)),
        ({"image": OTHER, **MANY}, Waiting()),
    ],
    ids=["same-image", "configuration", "replicas", "off", "no-wait", "surge"],
)
def test_nobody_pulls_where_nothing_is_won(
    cluster: ServingCluster, options: dict[str, Any], waiting: Waiting
) -> None:
    first: dict[str, Any] = MANY if "strategy" in options else {}
    run(cluster, **first)
    cluster.calls.clear()
    outcome = Deployer(cluster, make_spec(**options), Runtime(), waiting).present()  # type: ignore[arg-type]
    assert outcome.changed and outcome.prepulled == [] and of_jobs(cluster) == []


def test_always_asks_the_registry_again(cluster: ServingCluster) -> None:
    run(cluster, image_pull_policy="Always")
    outcome = run(cluster, image_pull_policy="Always", env={"A": "b"})
    assert [item["node"] for item in outcome.prepulled] == ["n1"]


def test_the_right_is_named_with_the_way_out(cluster: ServingCluster) -> None:
    run(cluster)
    cluster.refuse = ["create jobs.batch"]
    with pytest.raises(ForbiddenError, match=r"create jobs\.batch.*image_prepull: false"):
        run(cluster, image=OTHER)
    assert not [call for call in cluster.writes() if not call.startswith("dry-")]


@pytest.mark.parametrize(
    ("message", "goes_on"),
    [
        ("0/1 nodes are available: 1 Too many pods", True),
        ("0/1 nodes are available: 1 Insufficient memory", True),
        ("0/1 nodes are available: 1 node(s) were unschedulable", False),
        ("0/1 nodes are available: 1 node(s) had untolerated taint {a: b}", False),
    ],
)
def test_a_full_node_is_no_reason_to_refuse_but_a_closed_one_is(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch, message: str, goes_on: bool
) -> None:
    run(cluster)
    state = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    condition = {**state, "message": message}

    def pull(cluster: ServingCluster, job: dict[str, Any], missing: Any) -> None:
        owner = {"uid": job["metadata"]["uid"]}
        cluster.add(
            "Pod",
            "x",
            metadata={**job["spec"]["template"]["metadata"], "ownerReferences": [owner]},
            spec=job["spec"]["template"]["spec"],
            status={"phase": "Pending", "conditions": [condition]},
        )

    monkeypatch.setattr(fake, "pull", pull)
    runtime = Runtime()
    if goes_on:
        assert run(cluster, image=OTHER, runtime=runtime).changed
        assert any("pulled when the old pods are gone" in text for text in runtime.warnings)
    else:
        with pytest.raises(WaitError, match="node n1: .* cannot be scheduled"):
            run(cluster, image=OTHER, runtime=runtime)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"strategy": {"type": "Recreate"}}, True),
        ({"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}, True),
        ({"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "50%"}}}, True),
        ({"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}, False),
        ({"strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "0%"}}}, False),
    ],
)
def test_when_old_pods_end_first(spec: dict[str, Any], expected: bool) -> None:
    assert ends_first({"kind": "Deployment", "spec": spec}) is expected


@pytest.mark.parametrize(("surge", "expected"), [(None, True), (0, True), (1, False)])
def test_when_those_of_a_daemon_set_do(surge: int | None, expected: bool) -> None:
    rolling = {} if surge is None else {"maxSurge": surge}
    item = {"kind": "DaemonSet", "spec": {"updateStrategy": {"rollingUpdate": rolling}}}
    assert ends_first(item) is expected


def pod(node: str, template: dict[str, Any], *, ready: bool = True) -> dict[str, Any]:
    names = [container["name"] for container in template["spec"]["containers"]]
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    statuses = [{"name": name, "state": {"running": {}}} for name in names]
    status = {"conditions": [condition], "containerStatuses": statuses}
    return {
        "metadata": {"name": f"on-{node}"},
        "spec": {**template["spec"], "nodeName": node},
        "status": status,
    }


def test_the_nodes_of_ready_pods_are_asked() -> None:
    old, new = workload(), workload(image=OTHER)
    template = old["spec"]["template"]
    pods = [pod("b", template), pod("a", template), pod("a", template)]
    assert nodes_to_ask(new, old, pods) == ["a", "b"]
    assert nodes_to_ask(new, old, [pod("a", template, ready=False)]) == []
    assert nodes_to_ask(old, old, pods) == []
    moved = workload(image=OTHER, node_selector={"disk": "fast"})
    assert nodes_to_ask(moved, old, pods) == [None], "nobody knows where to"
    other_login = workload(image_pull_secrets=["login"])
    assert nodes_to_ask(other_login, old, pods) == ["a", "b"], "the login may be wrong"


def test_the_pod_is_like_the_server_s_without_what_it_serves() -> None:
    item = workload(
        image_pull_secrets=["login"],
        tolerations=[{"key": "edge", "operator": "Exists"}],
        node_selector={"disk": "fast"},
        affinity={
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]},
        },
        run_as_user=5001,
        priority_class="high",
        resources={"limits": {"gpu.intel.com/i915": 1, "memory": "8Gi"}},
    )
    template = item["spec"]["template"]
    job = prepull_job("ocr", "edge", "Deployment", template, "n1", account="ocr", seconds=90)
    made = job["spec"]["template"]["spec"]
    server = template["spec"]
    for key in ("imagePullSecrets", "securityContext", "nodeSelector", "tolerations"):
        assert made[key] == server[key], key
    (container,) = made["containers"]
    (serving,) = server["containers"]
    for key in ("image", "imagePullPolicy", "securityContext"):
        assert container[key] == serving[key], key
    assert container["args"] == ["--version"] and "command" not in container
    assert not {"volumes", "priorityClassName", "resourceClaims"}.intersection(made)
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert list(made["affinity"]) == ["nodeAffinity"] and "n1" in str(made["affinity"])
    assert made["serviceAccountName"] == "ocr" and made["automountServiceAccountToken"] is False
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels[PREPULL_LABEL] == "ocr" and "openvino.edge/server" not in labels
    assert job["spec"]["activeDeadlineSeconds"] == 90
    again = prepull_job("ocr", "edge", "Deployment", template, "n1")
    other = prepull_job("ocr", "edge", "Deployment", template, "n2")
    assert job["metadata"]["name"] == again["metadata"]["name"] != other["metadata"]["name"]


def test_of_other_images_nothing_is_run() -> None:
    item = workload(
        pod_overrides={
            "spec": {
                "initContainers": [{"name": "first", "image": "registry.example/init:1"}],
                "containers": [{"name": "aside", "image": "registry.example/proxy:1"}],
            }
        }
    )
    template = item["spec"]["template"]
    job = prepull_job("ocr", "edge", "DaemonSet", template, None)
    made = job["spec"]["template"]["spec"]
    commands = {each["image"]: each.get("command") for each in made["containers"]}
    assert commands.pop("registry.example/ovms:1") is None
    assert set(map(tuple, commands.values())) == {("/openvino-edge-prepull",)}
    assert len({each["name"] for each in made["containers"]}) == 3
    assert "affinity" not in made and made["tolerations"], "the scheduler chooses"
    assert [image for image, _policy in images_of(template)][0] == "registry.example/ovms:1"


def status(state: dict[str, Any], image_id: str = "") -> dict[str, Any]:
    return {"name": "ovms", "image": "r/ovms:1", "imageID": image_id, "state": state}


def waits(reason: str) -> dict[str, Any]:
    return status({"waiting": {"reason": reason, "message": "so it is"}})


@pytest.mark.parametrize(
    ("found", "done", "trouble"),
    [
        (status({"terminated": {"exitCode": 0}}, "sha256:1"), True, None),
        (status({"running": {}}, "sha256:1"), True, None),
        (status({"terminated": {"exitCode": 128, "reason": "StartError"}}, "sha256:1"), True, None),
        (waits("CreateContainerError"), True, None),
        (waits("ContainerCreating"), False, None),
        (waits("ErrImagePull"), False, "ErrImagePull"),
        (waits("ImagePullBackOff"), False, "ImagePullBackOff"),
        (waits("ErrImageNeverPull"), False, "ErrImageNeverPull"),
        (waits("InvalidImageName"), False, "InvalidImageName"),
        # The server would not start either.
        (waits("CreateContainerConfigError"), False, "CreateContainerConfigError"),
    ],
)
def test_what_proves_that_the_image_is_there(
    found: dict[str, Any], done: bool, trouble: str | None
) -> None:
    pods: list[dict[str, Any]] = [
        {
            "metadata": {"name": "x", "ownerReferences": [{"uid": "j1"}]},
            "spec": {"nodeName": "n1", "containers": [{"name": "ovms", "image": "r/ovms:1"}]},
            "status": {"phase": "Pending", "containerStatuses": [found]},
        }
    ]
    verdict = judge_pulled(pods, [], {"j1": {"metadata": {"name": "j"}}})
    assert verdict.done is done
    assert (verdict.trouble and verdict.trouble.reason) == trouble
    assert not judge_pulled(pods, [], {"j1": {}, "j2": {"metadata": {"name": "k"}}}).done
    assert not judge_pulled(pods, [], {"other": {"metadata": {"name": "j"}}}).done
