# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller has done with a resource, and what it complains of.

The operator's chart and KServe are the stand-ins of C(tests/testbed/platforms).
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import conditions
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.kserve import (
    signs as kserve,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import made_by
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import (
    backend as operator_backend,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import (
    signs as operator,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.select import select

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec, rendered

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "testbed")]

from platforms.chart import LONGEST_RELEASE, ReleaseFailed, chart  # noqa: E402
from platforms.kserve import AGENT, standard  # noqa: E402

IMAGE = "registry.example/ovms:2026.2.1"
Object = dict[str, Any]
TERM = {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}
AFFINITY = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [TERM]}}
NEAR = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}
APART = {
    "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": NEAR}]
}
MODEL = {"name": "detection", "versions": [1]}


def server_of(**options: Any) -> Object:
    """Return the ModelServer of a task."""
    found = rendered(make_spec(**{"image": IMAGE, "backend": "operator", **options}))[-1]
    # The default of the definition on the cluster.
    found["spec"]["server_settings"].setdefault("grpc_workers", 1)
    return found


def service_of(**options: Any) -> Object:
    """Return the InferenceService of a task."""
    made = rendered(make_spec(**{"image": IMAGE, "backend": "kserve", **options}))
    return next(item for item in made if item["kind"] == "InferenceService")


def stored(item: Object) -> Object:
    """Return an object as the API server gives it back: quantities its own way, nothing empty."""
    found = copy.deepcopy(item)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    other = {"1000m": "1", "0.5": "500m", "1024Mi": "1Gi"}
    groups = container.get("resources") or {}
    container["resources"] = {
        group: {name: other.get(amount, amount) for name, amount in amounts.items()}
        for group, amounts in groups.items()
        if amounts
    }
    return found


# Each option that a ModelServer can say and that is neither image, replicas nor an argument of a
# dozen; and those.
CHANGES: list[Object] = [
    {"image": "registry.example/ovms:2025.4"},
    {"replicas": 2},
    {"log_level": "DEBUG"},
    {"grpc_workers": 2},
    {"rest_workers": 3},
    {"resources": {"limits": {"cpu": "1000m"}}},
    {"resources": {"requests": {"memory": "1024Mi"}}},
    {"resources": {"limits": {"gpu.intel.com/i915": "1"}}},
    {"affinity": AFFINITY},
    {"affinity": {"podAntiAffinity": APART}},
    {"env_from": [{"secret": "more"}]},
    {"env_from": [{"config_map": "more"}]},
    {"run_as_user": 2000},
    {"run_as_group": 2000},
    {"annotations": {"sidecar.istio.io/inject": "true"}},
    {"strategy": "RollingUpdate", "rolling_update": {"max_surge": "0", "max_unavailable": "50%"}},
    {"pvc": {"claim_name": "other"}},
    {"pvc": None, "host_path": {"path": "/data"}},
    {"pvc": None, "cloud": {"s3": {"uri": "s3://bucket", "region": "eu-1"}}},
    {"pvc": None, "cloud": {"gs": {"uri": "gs://bucket", "secret_name": "gcpcreds"}}},
    {"proxies": {"http_proxy": "http://proxy:3128"}},
    {"proxies": {"https_proxy": "http://proxy:3128"}},
    {"monitoring": {"enable": True}},
    {"monitoring": {"metrics_list": ["ovms_streams"]}},
    {"models": [{**MODEL, "nireq": 4}]},
    {"models": [{**MODEL, "batch_size": "4"}]},
    {"models": [{**MODEL, "stateful": True}]},
    {"models": [{**MODEL, "stateful": True, "max_sequence_number": 9}]},
    {"models": [MODEL, {"name": "other", "versions": [1]}]},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_62_a_change_is_done_when_the_operator_has_acted_on_it(change: Object) -> None:
    """Every change is seen to be missing before, and to be there after; so is its way back."""
    plain, other = server_of(), server_of(**change)
    before, after = stored(chart(plain)[0]), stored(chart(other)[0])
    assert operator.behind(plain, before) == [] and operator.behind(other, after) == []
    assert operator.behind(other, before) != [], "the operator has not acted yet"
    assert operator.behind(plain, after) != [] or "strategy" in change, "nor on the way back"


def test_62_what_lacks_is_named() -> None:
    before = stored(chart(server_of())[0])
    other = server_of(resources={"requests": {"cpu": "2"}}, log_level="DEBUG")
    verdict = conditions.judge(operator.SIGNS, [[other], [before], [], [], []])
    assert not verdict.done
    assert verdict.message == f"{conditions.NOT_SEEN} (resources.requests, --log_level)"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"rest_port": 9001}, ["rest_port"]),
        ({"grpc_port": 9000}, ["grpc_port"]),
        ({"service_type": "NodePort"}, ["service_type"]),
    ],
)
def test_62_the_service_has_to_be_that_of_the_change(options: Object, names: list[str]) -> None:
    old, other = chart(server_of())[1], server_of(**options)
    assert operator.behind_service(other, old) == names
    assert operator.behind_service(other, chart(other)[1]) == []


def controller(cluster: ServingCluster, backend: str, runtime: Runtime | None = None) -> Any:
    spec = make_spec(image=IMAGE, backend=backend)
    client: Any = cluster
    return select(backend).controlled(client, spec, runtime or Runtime())


def put(cluster: ServingCluster, owner: Object, made: list[Object]) -> None:
    """Put a resource and what was made of it on the cluster, rolled out."""
    cluster.add(owner)
    for item in made:
        item["metadata"].setdefault("namespace", "edge")
        cluster.apply(stored(item) if item["kind"] == "Deployment" else item)


def failed(owner: Object, **condition: str) -> Object:
    return {**owner, "status": {"conditions": [{**FAILED, **condition}]}}


FAILED = {"type": "ReleaseFailed", "status": "True", "reason": "UpgradeError", "message": "no."}


def test_62_a_failed_release_is_told_in_later_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = ServingCluster()
    owner = server_of()
    put(cluster, owner, chart(owner))
    pods = controller(cluster, "operator")
    running = cluster.list("v1", "Pod")[0]
    assert pods.settled(owner, running)
    assert not pods.settled(failed(owner), running)
    snapshot = [[failed(owner)], [cluster.objects["Deployment", "ocr-ovms"]], [], running, []]
    verdict = conditions.judge(operator.SIGNS, snapshot)
    assert not verdict.done and verdict.trouble is not None
    assert (verdict.trouble.reason, verdict.trouble.fatal) == ("UpgradeError", True)
    assert conditions.judge(operator.SIGNS, [[owner], *snapshot[1:]]).done


def test_62_a_run_waits_for_the_service_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = ServingCluster()
    put(cluster, server_of(), chart(server_of(rest_port=9001)))
    pods = controller(cluster, "operator")
    assert not pods.settled(server_of(), cluster.list("v1", "Pod")[0])
    with pytest.raises(WaitError, match=r"has not acted on the last change \(rest_port\)"):
        pods.finish(0.0)
    looks: list[float] = []

    def act(seconds: float) -> None:
        looks.append(seconds)
        put(cluster, server_of(), chart(server_of()))

    monkeypatch.setattr("time.sleep", act)
    pods.finish(float("inf"))
    assert looks == [operator_backend.PAUSE]


@pytest.mark.parametrize("length", [53, 54, 60, 63])
def test_64_a_name_too_long_for_the_operator_is_refused_first(length: int) -> None:
    name = "a" * length
    if length <= LONGEST_RELEASE:
        assert chart(server_of(name=name))
        return
    with pytest.raises(ReleaseFailed):
        chart({"metadata": {"name": name}, "spec": {}})
    with pytest.raises(InputError, match=f"^name: ModelServer edge/a*: it has {length} char"):
        server_of(name=name)


@pytest.mark.parametrize("name", ["a" * 63, "a" * 58, "ovms-" + "a" * 58])
def test_64_what_is_long_can_still_be_asked_for(name: str) -> None:
    """Such a resource may be there from before: a selector has to be one."""
    labels = made_by("operator", name).labels
    assert all(len(value) <= 63 and not value.endswith("-") for value in labels.values())


def test_a_deployment_of_kserve_is_current_when_it_has_the_mark() -> None:
    owner = service_of()
    made, _service = standard(owner)
    assert kserve.behind(owner, made) == []
    assert kserve.behind(service_of(env={"A": "b"}), made) == ["predictor"]
    assert kserve.behind(service_of(replicas=2), made) == ["replicas"]
    assert [item["name"] for item in made["spec"]["template"]["spec"]["containers"]] != [AGENT]


def test_60_the_pods_of_the_stand_in_have_one_container() -> None:
    def names(item: Object, runtime: Object | None = None) -> list[str]:
        made, _service = standard(item, runtime)
        return [one["name"] for one in made["spec"]["template"]["spec"]["containers"]]

    now = service_of()
    assert names(now) == ["kserve-container"]
    then = copy.deepcopy(now)
    containers = then["spec"]["predictor"].pop("containers")
    then["spec"]["predictor"]["model"] = {"modelFormat": {"name": "openvino_ir"}, "runtime": "ocr"}
    assert names(then, {"spec": {"containers": containers}}) == ["kserve-container", AGENT]


INVALID = {
    "transitionStatus": "InvalidSpec",
    "lastFailureInfo": {"reason": "RuntimeNotRecognized", "message": "waits for the runtime"},
}
CAUSE = (
    'fails to reconcile predictor: admission webhook "x" denied the request: no such thing\nline 2'
)
UNFIT = {"type": "PredictorReady", "status": "False", "reason": "ReconcileFailed", "message": CAUSE}
WAITING = {**UNFIT, "reason": "MinimumReplicasUnavailable", "message": "not yet"}


@pytest.mark.parametrize(
    ("signs", "status", "reason"),
    [
        (operator.SIGNS, {}, None),
        (operator.SIGNS, {"conditions": [{**FAILED, "status": "False"}]}, None),
        (operator.SIGNS, {"conditions": [{"type": "Deployed", "status": "True"}]}, None),
        (operator.SIGNS, {"conditions": [FAILED]}, "UpgradeError"),
        (operator.SIGNS, {"conditions": [{**FAILED, "type": "Irreconcilable"}]}, "UpgradeError"),
        (kserve.SIGNS, {}, None),
        (kserve.SIGNS, {"modelStatus": {"transitionStatus": "InProgress"}}, None),
        (kserve.SIGNS, {"modelStatus": INVALID}, "RuntimeNotRecognized"),
        (kserve.SIGNS, {"conditions": [{**UNFIT, "status": "Unknown"}]}, None),
        (kserve.SIGNS, {"conditions": [UNFIT]}, "ReconcileFailed"),
        (kserve.SIGNS, {"conditions": [WAITING]}, None),
        (kserve.SIGNS, {"conditions": [{**UNFIT, "reason": "", "message": ""}]}, None),
        (kserve.SIGNS, {"conditions": [{**UNFIT, "reason": "Stopped", "message": ""}]}, "Stopped"),
    ],
)
def test_61_what_a_controller_complains_of(
    signs: conditions.Signs, status: Object, reason: str | None
) -> None:
    trouble = conditions.trouble_of(signs, {"status": status})
    assert (trouble.reason if trouble else None) == reason
    if trouble:
        assert trouble.fatal and "its controller says: " in trouble.message


def test_61_the_whole_cause_is_shown_though_there_are_no_pods() -> None:
    owner = {**service_of(), "status": {"conditions": [UNFIT]}}
    verdict = conditions.judge(kserve.SIGNS, [[owner], [], [], [], []])
    assert verdict.message == f"{conditions.NOTHING_MADE}; its controller says: {CAUSE}"
    assert verdict.trouble is not None and CAUSE in verdict.trouble.message
    assert verdict.trouble.grace <= 5


def test_61_a_server_that_kserve_calls_unready_is_warned_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster, runtime = ServingCluster(), Runtime()
    ready = {"type": "Ready", "status": "False", "reason": "NoDomain", "message": "no such host"}
    owner = {**service_of(), "status": {"conditions": [ready]}}
    put(cluster, owner, standard(owner))
    pods = controller(cluster, "kserve", runtime)
    assert pods.settled(owner, cluster.list("v1", "Pod")[0])
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    pods.finish(0.0)
    text = "InferenceService edge/ocr: its pods are ready, but KServe says: NoDomain: no such host."
    assert runtime.warnings == [text, text]
    owner["status"]["conditions"] = [{**ready, "status": "True"}]
    pods.finish(0.0)
    assert len(runtime.warnings) == 2


def test_the_judge_goes_from_the_resource_to_its_pods() -> None:
    owner = server_of()
    signs = operator.SIGNS
    assert conditions.judge(signs, [[], [], [], [], []]).message == "it is gone"
    assert conditions.judge(signs, [[owner], [], [], [], []]).message == conditions.NOTHING_MADE
    made = stored(chart(owner)[0])
    made["metadata"]["generation"] = 1
    verdict = conditions.judge(signs, [[owner], [made], [], [], []])
    assert "about to be rolled out" in verdict.message
