# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of things where a controller makes the pods, or a server moves to or from one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import deploy, info
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import (
    ADOPTED_ANNOTATION,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import (
    controlled,
    judging,
    seen,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.controlled import (
    Controlled,
    lost_path,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.changes import reason, told
from ansible_collections.openvino.edge.plugins.module_utils.server.deploy import (
    Deployer,
    Outcome,
    Waiting,
    remove,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import render_objects

from .conftest import make_spec
from .memory import MemoryCluster
from .test_deploy import CLAIM, NAMESPACE, done

IMAGE = "registry.example/ovms:2026.2.1"
DEVICE = {"limits": {"gpu.intel.com/i915": "1"}}


class Cluster(MemoryCluster):
    """One with controllers, unless it is deaf."""

    deaf = False


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose controllers need no time, and which has no watches."""
    made = Cluster()
    made.add(CLAIM)
    made.add(NAMESPACE)

    def wait(client: Cluster, sources: Any, judge: Any, timeout: float, **_: Any) -> Any:
        if client.deaf:
            raise WaitError(f"not done within {timeout:g} s: {judging.NOTHING_MADE}")
        return [{"metadata": {"name": "made", "uid": "made"}, "status": READY}]

    monkeypatch.setattr(controlled, "wait_for", wait)
    monkeypatch.setattr(controlled, "wait_gone", lambda *args, **_: None)
    monkeypatch.setattr(deploy, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(deploy, "wait_rollout", lambda client, *args: client.list("v1", "Pod")[0])
    return made


READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def run(cluster: Cluster, backend: str, *, check: bool = False, **options: Any) -> Outcome:
    spec = make_spec(**{"image": IMAGE, "backend": backend, **options})
    waiting = Waiting(options.get("wait", True), 10.0)
    deployer = Deployer(cluster, spec, Runtime(check_mode=check), waiting)  # type: ignore[arg-type]
    cluster.calls.clear()
    return deployer.present()


def test_a_model_server_is_written_once(cluster: Cluster) -> None:
    assert done(run(cluster, "operator", check=True)) == {
        "ConfigMap": "created",
        "ModelServer": "created",
    }
    assert cluster.writes() == []
    outcome = run(cluster, "operator")
    assert cluster.writes() == ["apply ConfigMap", "apply ModelServer"]
    assert (outcome.reload, outcome.ready) == ("none", 1)
    again = run(cluster, "operator")
    assert not again.changed and cluster.writes() == []
    assert sorted(cluster.calls) == [
        "get Deployment",
        "get PersistentVolumeClaim",
        "list ConfigMap",
        "list Deployment",
        "list ModelServer",
        "list Pod",
        "list Service",
        "list ServiceAccount",
    ]


def test_another_model_replaces_pods_and_another_number_does_not(cluster: Cluster) -> None:
    for backend in ("operator", "kserve"):
        run(cluster, backend)
        more = run(cluster, backend, replicas=2)
        assert more.changed and more.reload == "none"
        other = run(cluster, backend, replicas=2, log_level="DEBUG")
        assert other.reload == "rolling_restart"
        assert "pods are replaced" in told(other.changes) and reason(other.changes)
        remove(cluster, "edge", "ocr", Runtime(), Waiting())  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["operator", "kserve"])
def test_the_old_pods_serve_until_the_new_ones_are_ready(cluster: Cluster, backend: str) -> None:
    run(cluster, "manifests")
    predicted = run(cluster, backend, check=True)
    assert cluster.writes() == [] and predicted.reload == "rolling_restart"
    cluster.deaf = True
    with pytest.raises(WaitError, match="no controller has made pods for it within 10 s") as caught:
        run(cluster, backend)
    assert caught.value.details == {"changed": True, "reason": "NoController"}
    assert ("Deployment", "ocr") in cluster.objects and ("Service", "ocr") in cluster.objects
    cluster.deaf = False
    moved = run(cluster, backend)
    assert ("Deployment", "ocr") not in cluster.objects
    assert ("Service", "ocr") not in cluster.objects
    assert moved.reload == "rolling_restart"
    assert reason(moved.changes) == ["another backend makes the pods"]
    assert not run(cluster, backend).changed


def test_back_again_nothing_is_left_of_the_other(cluster: Cluster) -> None:
    for backend in ("operator", "kserve", "operator", "manifests", "kserve", "manifests"):
        assert run(cluster, backend).changed
        assert not run(cluster, backend).changed
    kinds = {kind for kind, _name in cluster.objects}
    assert not kinds & {"ModelServer", "ServingRuntime", "InferenceService"}
    names = {name for kind, name in cluster.objects if kind == "ConfigMap"}
    assert names == {"ocr-config"}


def test_a_move_that_was_cut_off_is_ended_by_the_next_run(cluster: Cluster) -> None:
    run(cluster, "operator")
    spec = make_spec(image=IMAGE)
    for item in render_objects(spec):
        cluster.apply(item)
    outcome = run(cluster, "manifests")
    assert done(outcome)["ModelServer"] == "deleted"
    assert ("ConfigMap", "ocr-operator") not in cluster.objects
    order = [call for call in cluster.writes() if call.startswith("delete")]
    assert order == ["delete ModelServer", "delete ConfigMap"]


@pytest.mark.parametrize("options", [{"resources": DEVICE}, {"strategy": "Recreate"}])
def test_who_holds_what_the_new_pods_need_goes_first(
    cluster: Cluster, options: dict[str, Any]
) -> None:
    run(cluster, "manifests", **options)
    cluster.deaf = True
    with pytest.raises(WaitError, match="no controller"):
        run(cluster, "operator", **options)
    assert ("Deployment", "ocr") not in cluster.objects
    run(cluster, "manifests", **options)
    calls = cluster.writes()
    assert calls.index("delete ModelServer") < calls.index("apply Deployment")


def test_two_deployments_of_one_name_are_refused(cluster: Cluster) -> None:
    run(cluster, "manifests", name="ovms-shop")
    with pytest.raises(InputError, match="backend: Deployment edge/ovms-shop: .*state: absent"):
        run(cluster, "operator", name="ovms-shop")
    assert cluster.writes() == []
    assert run(cluster, "kserve", name="ovms-shop").changed


def test_an_adopted_server_does_not_move(cluster: Cluster) -> None:
    run(cluster, "manifests")
    annotations = cluster.objects["Service", "ocr"]["metadata"]["annotations"]
    annotations[ADOPTED_ANNOTATION] = "{}"
    with pytest.raises(InputError, match="backend: Deployment edge/ocr: .*state: returned"):
        run(cluster, "kserve")
    assert cluster.writes() == []


def test_removed_with_its_record_last(cluster: Cluster) -> None:
    run(cluster, "kserve")
    cluster.calls.clear()
    outcome = remove(cluster, "edge", "ocr", Runtime(), Waiting())  # type: ignore[arg-type]
    assert outcome.changed
    order = [call.split()[1] for call in cluster.writes()]
    assert order.index("InferenceService") < order.index("ServingRuntime")
    assert order.index("ServingRuntime") < order.index("ConfigMap")
    assert not remove(cluster, "edge", "ocr", Runtime(), Waiting()).changed  # type: ignore[arg-type]


def test_what_kserve_owns_is_left_to_it(cluster: Cluster) -> None:
    run(cluster, "kserve")
    labels = cluster.objects["InferenceService", "ocr"]["metadata"]["labels"]
    metadata = {"name": "ocr-predictor", "namespace": "edge", "labels": labels}
    owner = {"kind": "InferenceService", "name": "ocr", "uid": "1", "controller": True}
    cluster.add({"kind": "Service", "metadata": {**metadata, "ownerReferences": [owner]}})
    assert not run(cluster, "kserve").changed
    assert ("Service", "ocr-predictor") in cluster.objects


def test_a_namespace_for_restricted_pods_is_refused(cluster: Cluster) -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.add({"kind": "Namespace", "metadata": {"name": "edge", "labels": level}})
    with pytest.raises(InputError, match="backend: Namespace edge: .*enforce=baseline"):
        run(cluster, "operator")
    assert cluster.writes() == []
    assert run(cluster, "kserve").changed


def controller() -> Controlled:
    spec = make_spec(image=IMAGE, backend="operator")
    return Controlled(None, spec, Runtime())  # type: ignore[arg-type]


def test_a_field_that_this_cluster_does_not_know_names_its_option() -> None:
    spec = make_spec(image=IMAGE, backend="operator", env_from=[{"secret": "more"}])
    wanted = render_objects(spec)
    pruned = copy.deepcopy(wanted[-1])
    del pruned["spec"]["deployment_parameters"]["extra_envs_secret"]
    predicted = [Change("ModelServer", "ocr", "edge", "created", None, pruned)]
    with pytest.raises(InputError, match="env_from: ModelServer edge/ocr: .*extra_envs_secret"):
        controller().check_predicted(wanted, predicted)
    predicted[0].after = wanted[-1]
    controller().check_predicted(wanted, predicted)


def test_so_does_one_that_the_api_server_refuses() -> None:
    text = "failed to create typed patch object (a/b; x, Kind=Y): .spec.predictor.new: field not"
    error = controller().explain(ApiError(f"apply: {text} declared in schema", status=500))
    assert error is not None and "has no field spec.predictor.new" in str(error)
    assert controller().explain(ApiError("etcd is gone", status=500)) is None


@pytest.mark.parametrize(
    ("wanted", "found", "lost"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, ""),
        ({"a": {"b": 1}}, {"a": {}}, "spec.a.b"),
        ({"a": {"b": 1}}, None, "spec.a.b"),
        ({"a": {}, "b": None, "c": ""}, {}, ""),
        ({"a": [{"name": "x", "b": 1}]}, {"a": [{"name": "x"}]}, "spec.a"),
        ({"cpu": "1000m"}, {"cpu": "1"}, ""),
    ],
)
def test_the_first_lost_value_is_named(wanted: Any, found: Any, lost: str) -> None:
    assert lost_path(wanted, found, "spec") == lost


def deployment(args: list[str], **options: Any) -> dict[str, Any]:
    container = {"image": options.get("image", IMAGE), "args": args}
    annotations = options.get("annotations", {})
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}
    return {"spec": {"replicas": options.get("replicas", 1), "template": template}}


def chart_args(spec: dict[str, Any]) -> list[str]:
    """Return the arguments that the chart renders for a single model."""
    models, server = spec["models_settings"], spec["server_settings"]
    names = ("model_path", "model_name", "target_device", "plugin_config", "model_version_policy")
    args = [part for name in names for part in (f"--{name}", models[name])]
    args += ["--log_level", server["log_level"], "--file_system_poll_wait_seconds"]
    return [*args, str(server["file_system_poll_wait_seconds"]), "--grpc_workers", "1"]


def test_a_deployment_of_the_operator_is_current_when_it_says_the_same() -> None:
    owner = render_objects(make_spec(image=IMAGE, backend="operator"))[-1]
    owner["spec"]["server_settings"]["grpc_workers"] = 1  # the definition's default
    args = chart_args(owner["spec"])
    assert judging.follows(owner, deployment(args))
    assert not judging.follows(owner, deployment(args, image="other"))
    assert not judging.follows(owner, deployment(args, replicas=2))
    for index in range(1, len(args), 2):
        other = [*args[:index], "other", *args[index + 1 :]]
        assert not judging.follows(owner, deployment(other)), args[index - 1]
    models = [{"name": "a", "versions": [1]}, {"name": "b", "versions": [1]}]
    owner = render_objects(make_spec(image=IMAGE, backend="operator", models=models))[-1]
    owner["spec"]["models_settings"]["model_name"] = "resnet"  # the definition's default
    tail = ["--log_level", "INFO", "--file_system_poll_wait_seconds", "1"]
    assert judging.follows(owner, deployment(["--config_path", "/config/config.json", *tail]))
    assert not judging.follows(owner, deployment(tail))


def test_a_deployment_of_kserve_is_current_when_it_has_the_mark() -> None:
    rendered = render_objects(make_spec(image=IMAGE, backend="kserve"))
    owner = next(item for item in rendered if item["kind"] == "InferenceService")
    marks = owner["spec"]["predictor"]["annotations"]
    assert judging.follows(owner, deployment([], annotations=marks))
    assert not judging.follows(owner, deployment([], annotations=marks, replicas=2))
    assert not judging.follows(owner, deployment([], annotations={}))


FAILED = {"type": "ReleaseFailed", "status": "True", "reason": "InstallError", "message": "no."}
INVALID = {
    "transitionStatus": "InvalidSpec",
    "lastFailureInfo": {"reason": "RuntimeNotRecognized", "message": "waits for the runtime"},
}


@pytest.mark.parametrize(
    ("status", "reason_"),
    [
        ({}, None),
        ({"conditions": [{**FAILED, "status": "False"}]}, None),
        ({"conditions": [{"type": "Deployed", "status": "True"}]}, None),
        ({"conditions": [FAILED]}, "InstallError"),
        ({"modelStatus": {"transitionStatus": "InProgress"}}, None),
        ({"modelStatus": INVALID}, "RuntimeNotRecognized"),
    ],
)
def test_what_a_controller_complains_of(status: dict[str, Any], reason_: str | None) -> None:
    trouble = judging.trouble_of({"status": status})
    assert (trouble.reason if trouble else None) == reason_
    if trouble:
        assert trouble.fatal and "its controller says: " in trouble.message


def test_the_judge_goes_from_the_resource_to_its_pods() -> None:
    owner = render_objects(make_spec(image=IMAGE, backend="operator"))[-1]
    assert judging.judge([[], [], [], [], []]).message == "it is gone"
    assert judging.judge([[owner], [], [], [], []]).message == judging.NOTHING_MADE
    old = {**deployment([]), "metadata": {"name": "ocr-ovms", "generation": 1}}
    assert judging.judge([[owner], [old], [], [], []]).message == judging.NOT_SEEN
    new = {**deployment(chart_args(owner["spec"])), "metadata": old["metadata"]}
    assert "about to be rolled out" in judging.judge([[owner], [new], [], [], []]).message


@pytest.mark.parametrize(
    ("backend", "name"), [("operator", "ocr-ovms"), ("kserve", "ocr-predictor")]
)
def test_a_report_shows_what_the_controller_made(cluster: Cluster, backend: str, name: str) -> None:
    run(cluster, backend)
    metadata = {"name": name, "namespace": "edge", "labels": {"app": name}}
    status = {"readyReplicas": 1, "updatedReplicas": 1}
    cluster.add({"kind": "Deployment", "metadata": metadata, **deployment([]), "status": status})
    ports = [{"name": "rest", "port": 80}]
    cluster.add({"kind": "Service", "metadata": metadata, "spec": {"ports": ports}})
    maps = cluster.list("v1", "ConfigMap")[0]
    (found,) = info.describe(maps, *seen.made_of(cluster, "edge", maps))  # type: ignore[arg-type]
    assert (found["name"], found["backend"], found["workload"]) == ("ocr", backend, "Deployment")
    assert found["replicas"] == {"wanted": 1, "ready": 1, "updated": 1}
    assert found["service"]["endpoints"] == {"rest": f"{name}.edge.svc:80"}
