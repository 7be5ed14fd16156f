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
from ansible_collections.openvino.edge.plugins.module_utils.server import info
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import deploy, removal
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.removal import remove
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import (
    conditions,
    controlled,
    leaving,
    manifests,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.controlled import (
    lost_path,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import (
    ISVC_LABEL,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import (
    backend as operator,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.select import select
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.adoption import (
    ADOPTED_ANNOTATION,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.changes import (
    consequence_text,
    reason,
)

from ...fakes.cluster import ServingCluster
from ..apply.conftest import CLAIM, NAMESPACE
from ..apply.test_deploy import done
from ..conftest import make_spec, rendered

IMAGE = "registry.example/ovms:2026.2.1"
DEVICE = {"limits": {"gpu.intel.com/i915": "1"}}


class Cluster(ServingCluster):
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
            raise WaitError(f"not done within {timeout:g} s: {conditions.NOTHING_MADE}")
        name = _["what"].rpartition("/")[2]
        full = name if "ovms" in name else f"{name}-ovms"
        labels = {"app": full, "release": name, ISVC_LABEL: name}
        made = {"name": f"{name}-made", "uid": "made", "namespace": "edge", "labels": labels}
        client.add({"kind": "Pod", "metadata": made, "spec": {}, "status": READY})
        return [client.objects["Pod", f"{name}-made"]]

    monkeypatch.setattr(controlled, "wait_for", wait)
    monkeypatch.setattr(operator.OperatorPods, "_behind_service", lambda *_: [])
    monkeypatch.setattr(leaving, "wait_gone", lambda *args, **_: None)
    monkeypatch.setattr(deploy, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(removal, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod")[0]
    )
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
        "get ModelServer",
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
        assert "pods are replaced" in consequence_text(other.changes) and reason(other.changes)
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
    assert not kinds & {"ModelServer", "InferenceService"}
    names = {name for kind, name in cluster.objects if kind == "ConfigMap"}
    assert names == {"ocr-config"}


def test_a_move_that_was_cut_off_is_ended_by_the_next_run(cluster: Cluster) -> None:
    run(cluster, "operator")
    spec = make_spec(image=IMAGE)
    for item in rendered(spec):
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
    assert order.index("InferenceService") < order.index("ConfigMap")
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


def controller() -> operator.OperatorPods:
    spec = make_spec(image=IMAGE, backend="operator")
    client: Any = None
    found: operator.OperatorPods = select("operator").controlled(client, spec, Runtime())  # type: ignore[assignment]
    return found


def test_a_field_that_this_cluster_does_not_know_names_its_option() -> None:
    spec = make_spec(image=IMAGE, backend="operator", env_from=[{"secret": "more"}])
    wanted = rendered(spec)
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


def plain_deployment() -> dict[str, Any]:
    """Return as much of a Deployment as a report shows."""
    pod = {"containers": [{"image": IMAGE, "args": []}]}
    return {"spec": {"replicas": 1, "template": {"metadata": {}, "spec": pod}}}


@pytest.mark.parametrize(
    ("backend", "name"), [("operator", "ocr-ovms"), ("kserve", "ocr-predictor")]
)
def test_a_report_shows_what_the_controller_made(cluster: Cluster, backend: str, name: str) -> None:
    run(cluster, backend)
    metadata = {"name": name, "namespace": "edge", "labels": {"app": name}}
    status = {"readyReplicas": 1, "updatedReplicas": 1}
    cluster.add(
        {"kind": "Deployment", "metadata": metadata, **plain_deployment(), "status": status}
    )
    ports = [{"name": "rest", "port": 80}]
    cluster.add({"kind": "Service", "metadata": metadata, "spec": {"ports": ports}})
    maps = cluster.list("v1", "ConfigMap")[0]
    client: Any = cluster
    made = select(backend).observe(client, "edge", "ocr")
    (found,) = info.describe(maps, *made)
    assert (found["name"], found["backend"], found["workload"]) == ("ocr", backend, "Deployment")
    assert found["replicas"] == {"wanted": 1, "ready": 1, "updated": 1}
    assert found["service"]["endpoints"] == {"rest": f"{name}.edge.svc:80"}
