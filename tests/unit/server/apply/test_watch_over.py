# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What serves goes on serving: slow kubelets, unseen changes, bad versions, rivals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ConflictError,
    ForbiddenError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import (
    hold,
    reload,
    watch_over,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    STATEFUL_KEYS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.restart import (
    EFFECTS,
    NEW_PODS,
    SECTIONS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import Fleet, Replica

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec
from .conftest import CLAIM, Clock, run

VERSION_2 = [{"name": "detection", "versions": [2]}]
GPU = [{"name": "detection", "versions": [1], "target_device": "GPU"}]


def pinned(cluster: ServingCluster) -> str:
    """Return the versions in the configuration that the cluster has."""
    text = cluster.objects["ConfigMap", "ocr-config"]["data"]["config.json"]
    after = text.partition('"versions": [')[2]
    return ",".join(after.partition("]")[0].split()).replace(",,", ",")


def touches(cluster: ServingCluster) -> list[str]:
    return [call for call in cluster.writes() if call.startswith("patch Pod")]


def always(**states: Any) -> Callable[[str], dict[str, Any]]:
    return lambda pod: {"detection": {int(key[1:]): value for key, value in states.items()}}


@pytest.mark.parametrize("poll", [1, 2, 20, 300])
@pytest.mark.parametrize("models", [GPU, VERSION_2], ids=["unseen", "seen"])
def test_30_success_waits_for_a_kubelet_that_is_slow(
    cluster: ServingCluster,
    clock: Clock,
    poll: int,
    models: list[dict[str, Any]],
) -> None:
    options: dict[str, Any] = {"file_system_poll_wait_seconds": poll, "replicas": 2}
    run(cluster, **options)
    cluster.lag = 60
    begun = clock.now
    outcome = run(cluster, **options, models=models)
    assert outcome.reload == "config_reload"
    assert clock.now - begun > 60 * reload.PAUSE * 0.9, "not before every pod has loaded it"
    text = cluster.objects["ConfigMap", "ocr-config"]["data"]["config.json"]
    assert set(cluster.loaded.values()) == {text}
    assert len(touches(cluster)) > 2, "and the kubelets are reminded"
    told = "proxy POST /v1/config/reload" in cluster.calls
    assert told is (poll > 2)


def test_30_a_kubelet_that_never_brings_it_is_a_failure_that_names_the_pod(
    cluster: ServingCluster,
) -> None:
    run(cluster)
    cluster.lag = 10**9
    with pytest.raises(WaitError, match="Pod edge/ocr-0: .* has not loaded the conf") as caught:
        run(cluster, models=GPU)
    assert caught.value.details["reason"] == "ConfigNotTaken"
    assert caught.value.details["undone"] == ["ConfigMap ocr-config"]


def test_30_with_polling_off_pods_roll_and_prove_what_they_read(
    cluster: ServingCluster,
) -> None:
    options: dict[str, Any] = {"file_system_poll_wait_seconds": 0}
    run(cluster, **options)
    outcome = run(cluster, **options, models=GPU)
    assert outcome.reload == "rolling_restart"
    assert "proxy GET /v1/config" in cluster.calls


def test_a_model_that_stops_serving_puts_the_old_configuration_back(
    cluster: ServingCluster,
) -> None:
    run(cluster)

    def report(pod: str) -> dict[str, Any]:
        broken = "GPU" in cluster.loaded[pod]
        return {"detection": {1: "LOADING/UNKNOWN" if broken else "AVAILABLE"}}

    cluster.reports = report
    with pytest.raises(WaitError, match="detection 1 cannot be loaded") as caught:
        run(cluster, models=GPU)
    assert "put back as before: ConfigMap ocr-config" in str(caught.value)
    assert "ocr-0" in str(caught.value), "the table is in the text"
    patch = [call for call in cluster.writes() if call.startswith("patch ConfigMap")]
    assert "GPU" not in patch[0] and "CPU" in patch[0]


def test_84_old_and_new_serve_together_before_the_old_goes(
    cluster: ServingCluster,
) -> None:
    run(cluster)
    seen: list[str] = []
    real = cluster.apply

    def apply(item: dict[str, Any], **options: Any) -> dict[str, Any]:
        done = real(item, **options)
        if item["kind"] == "ConfigMap" and not options.get("dry_run"):
            seen.append(pinned(cluster))
        return done

    cluster.apply = apply  # type: ignore[method-assign]
    assert run(cluster, models=VERSION_2).reload == "config_reload"
    assert seen == ["1,2", "2"]


def test_84_the_old_number_goes_on_where_the_new_one_does_not_load(
    cluster: ServingCluster,
) -> None:
    run(cluster)
    cluster.reports = always(v1="AVAILABLE", v2="LOADING/UNKNOWN")
    with pytest.raises(WaitError, match="detection 2 cannot be loaded") as caught:
        run(cluster, models=VERSION_2)
    assert caught.value.details["undone"] == ["ConfigMap ocr-config"]
    assert cluster.writes().count("apply ConfigMap") == 1, "the new one alone was never asked for"
    cluster.reports = always(v1="AVAILABLE")
    with pytest.raises(WaitError, match="detection 2 is not listed"):
        run(cluster, models=VERSION_2)


def test_84_what_nobody_serves_is_no_reason_to_wait(cluster: ServingCluster) -> None:
    run(cluster)
    cluster.reports = always(v1="LOADING/UNKNOWN", v2="LOADING/UNKNOWN")
    assert run(cluster, models=VERSION_2).reload == "config_reload"
    assert cluster.writes().count("apply ConfigMap") == 1


ROOMY: dict[str, Any] = {
    **CLAIM,
    "spec": {"accessModes": ["ReadWriteMany"]},
    "status": {"phase": "Bound", "accessModes": ["ReadWriteMany"]},
}


def test_32_no_pod_that_serves_ends_for_one_that_does_not(
    cluster: ServingCluster,
) -> None:
    cluster.add(ROOMY)
    run(cluster)
    before = cluster.objects["Deployment", "ocr"]
    cluster.reports = lambda pod: {"detection": {1: "AVAILABLE"}}
    seen: list[Any] = []
    real = cluster.apply

    def apply(item: dict[str, Any], **options: Any) -> dict[str, Any]:
        if item["kind"] == "Deployment" and not options.get("dry_run"):
            seen.append(item["spec"].get("minReadySeconds"))
            cluster.reports = always(v1="LOADING/UNKNOWN")
        return real(item, **options)

    cluster.apply = apply  # type: ignore[method-assign]
    with pytest.raises(WaitError, match="detection 1 cannot be loaded") as caught:
        run(cluster, image="registry.example/ovms:2")
    assert seen == [86400], "the rollout was held, and never let go"
    assert caught.value.details["undone"] == ["Deployment ocr"]
    (patch,) = [call for call in cluster.writes() if call.startswith("patch Deployment")]
    assert before["spec"]["template"]["spec"]["containers"][0]["image"] in patch


def test_32_a_rollout_goes_on_when_its_first_pod_serves(
    cluster: ServingCluster,
) -> None:
    cluster.add(ROOMY)
    run(cluster)
    outcome = run(cluster, image="registry.example/ovms:2")
    assert cluster.writes().count("apply Deployment") == 2
    live = cluster.objects["Deployment", "ocr"]
    assert "minReadySeconds" not in live["spec"] and outcome.reload == "rolling_restart"
    (change,) = [change for change in outcome.changes if change.kind == "Deployment"]
    assert change.after is not None and "minReadySeconds" not in change.after["spec"]
    assert not run(cluster, image="registry.example/ovms:2").changed


def test_32_a_run_that_was_cut_off_is_taken_up(
    cluster: ServingCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster.add(ROOMY)
    run(cluster)
    with monkeypatch.context() as patched:

        def late(*args: Any) -> Any:
            raise WaitError("not done within 1 s: 0 of 1 ready", details={"reason": "x"})

        patched.setattr(hold, "wait_first", late)
        with pytest.raises(WaitError) as caught:
            run(cluster, image="registry.example/ovms:2")
    assert "undone" not in caught.value.details
    assert cluster.objects["Deployment", "ocr"]["spec"]["minReadySeconds"] == 86400
    new = Fleet(1, (Replica("ocr-0"),))
    monkeypatch.setattr(watch_over, "find_fleet", lambda client, target: new)
    run(cluster, image="registry.example/ovms:2")
    assert "minReadySeconds" not in cluster.objects["Deployment", "ocr"]["spec"]


def test_80_another_directory_under_a_served_number_takes_new_pods(
    cluster: ServingCluster,
) -> None:
    run(cluster)
    moved = [{"name": "detection", "versions": [1], "directory": "other"}]
    outcome = run(cluster, models=moved)
    assert outcome.reload == "rolling_restart"
    assert not run(cluster, models=moved).changed, "the mark stays"
    also = [{"name": "detection", "versions": [2], "directory": "third"}]
    assert run(cluster, models=also).reload == "config_reload", "no number that is loaded"


def deployer(cluster: ServingCluster, **options: Any) -> Deployer:
    return Deployer(cluster, make_spec(**options), Runtime(), Waiting(True, 100.0))  # type: ignore[arg-type]


def test_33_who_read_before_another_wrote_says_so(cluster: ServingCluster) -> None:
    run(cluster)
    slow = deployer(cluster, models=GPU)
    real = cluster.denied

    def denied(wanted: Any) -> Any:
        cluster.denied = real  # type: ignore[method-assign]
        run(cluster, models=VERSION_2)
        return []

    cluster.denied = denied  # type: ignore[method-assign]
    with pytest.raises(ConflictError, match="ConfigMap edge/ocr-config: another run or person"):
        slow.present()
    assert pinned(cluster) == "2"


def test_33_whose_configuration_is_replaced_meanwhile_says_so(
    cluster: ServingCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(cluster)
    real = reload.Reload.confirm

    def confirm(self: Any, pods: Any, timeout: float) -> None:
        real(self, pods, timeout)
        monkeypatch.setattr(reload.Reload, "confirm", real)
        run(cluster, models=VERSION_2)

    monkeypatch.setattr(reload.Reload, "confirm", confirm)
    with pytest.raises(ConflictError, match="not what the cluster has"):
        run(cluster, models=GPU)


def own(cluster: ServingCluster, device: str) -> None:
    entry = f'{{"name": "a", "base_path": "/models/a", "target_device": "{device}"}}'
    text = f'{{"model_config_list": [{{"config": {entry}}}]}}'
    metadata = {"name": "mine", "namespace": "edge"}
    cluster.add({"kind": "ConfigMap", "metadata": metadata, "data": {"config.json": text}})


def test_30_a_configuration_of_ones_own_is_compared_in_the_pod_and_loaded(
    cluster: ServingCluster,
) -> None:
    options: dict[str, Any] = {"models": None, "config_map": "mine"}
    own(cluster, "CPU")
    run(cluster, **options)
    own(cluster, "GPU")
    assert run(cluster, **options).reload == "config_reload"
    compared = cluster.calls.index("exec sha256sum /config/config.json")
    assert cluster.calls.index("proxy POST /v1/config/reload") > compared


def test_30_where_nobody_may_look_into_a_pod_the_pods_roll(
    cluster: ServingCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {"models": None, "config_map": "mine"}
    own(cluster, "CPU")
    run(cluster, **options)
    own(cluster, "GPU")
    cluster.refuse = ["create pods/exec in namespace edge"]

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise ForbiddenError("pods/exec")

    monkeypatch.setattr(ServingCluster, "exec", refuse)
    assert run(cluster, **options).reload == "rolling_restart"
    assert not run(cluster, **options).changed


def test_a_daemon_set_changes_one_node_first() -> None:
    spec = make_spec(pvc=None, host_path={"path": "/m", "nodes": ["n1"]}, workload="DaemonSet")
    (item,) = [item for item in render_objects(spec) if item["kind"] == "DaemonSet"]
    held = hold.held(item)
    assert held["spec"]["updateStrategy"] == {"type": "OnDelete"} and hold.is_held(held)
    assert not hold.is_held(item)
    cluster = ServingCluster()
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    old: list[dict[str, Any]] = [
        {"metadata": {"name": name, "namespace": "edge", "uid": name}, "status": ready}
        for name in ("b", "a")
    ]
    assert hold.take_first_step(cluster, "DaemonSet", old)  # type: ignore[arg-type]
    assert cluster.calls == ["delete Pod"]
    first = {"metadata": {"name": "c", "namespace": "edge", "uid": "c"}, "status": ready}
    live = {
        "metadata": {"name": "ocr", "generation": 2},
        "status": {
            "observedGeneration": 2,
            "desiredNumberScheduled": 2,
            "updatedNumberScheduled": 1,
            "numberReady": 2,
        },
    }
    verdict = hold.judge_first([[live], [], [old[0], first], []], "DaemonSet", {"a", "b"})
    assert verdict.done and verdict.found == [first]
    waiting = hold.judge_first([[live], [], old, []], "DaemonSet", {"a", "b"})
    assert not waiting.done


def test_a_change_that_never_came_up_is_taken_back_without_a_new_pod() -> None:
    """The old pod still serves, beside one of the template that is given up; both are old."""
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": []}}
    live = {
        "metadata": {"name": "ocr", "generation": 3},
        "spec": {"replicas": 1, "template": template},
        "status": {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 1},
    }

    def pod(name: str, mark: str, **status: Any) -> dict[str, Any]:
        labels = {"pod-template-hash": mark}
        return {"metadata": {"name": name, "uid": name, "labels": labels}, "status": status}

    def replicas(mark: str, **spec: Any) -> dict[str, Any]:
        marked = {**template, "metadata": {"labels": {"app": "x", "pod-template-hash": mark}}}
        metadata = {"name": f"ocr-{mark}", "labels": {"pod-template-hash": mark}}
        return {"metadata": metadata, "spec": {"template": {**marked, **spec}}}

    good = pod("good", "a", conditions=[{"type": "Ready", "status": "True"}])
    bad = pod("bad", "b", phase="Running")
    sets = [replicas("a"), replicas("b", spec={"containers": [{"name": "other"}]})]
    verdict = hold.judge_first([[live], sets, [good, bad], []], "Deployment", {"good", "bad"})
    assert verdict.done and verdict.found == [good]
    # The good template's pod is still to come.
    fewer = [[live], sets, [bad], []]
    assert not hold.judge_first(fewer, "Deployment", {"good", "bad"}).done
    # Without the right to read ReplicaSets nobody knows whose pods these are.
    assert not hold.judge_first([[live], [], [good, bad], []], "Deployment", {"good", "bad"}).done


def test_every_key_is_classified() -> None:
    schema = {"name", "base_path", "target_device", "model_version_policy", "nireq", "batch_size"}
    schema |= {"shape", "layout", "plugin_config", "allow_cache", "graph_path", "subconfig"}
    assert set(EFFECTS) == schema | set(STATEFUL_KEYS)
    wide = make_spec(
        models=[
            {
                "name": "detection",
                "versions": [1],
                "nireq": 2,
                "shape": "auto",
                "layout": "NCHW",
                "plugin_config": {"NUM_STREAMS": 1},
                "allow_cache": True,
            }
        ]
    )
    for item in render_config(wide)["model_config_list"]:
        assert set(item["config"]) <= set(EFFECTS)
    assert EFFECTS["base_path"] == NEW_PODS and SECTIONS["monitoring"] == NEW_PODS


def test_every_row_of_the_page_names_a_test() -> None:
    root = Path(__file__).resolve().parents[4]
    page = (root / "docs" / "available.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    text = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    assert len(named) > 15
    assert [name for name in sorted(named) if f"def {name}(" not in text] == []


def crashes(cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the new pods of the next change crash, and the old ones come back; note the waits."""
    waits: list[str] = []

    def wait(client: Any, *args: Any, **_: Any) -> Any:
        template = cluster.objects["Deployment", "ocr"]["spec"]["template"]
        waits.append(template["spec"]["containers"][0]["image"])
        pods = cluster.list("v1", "Pod", "edge")[0]
        if len(waits) > 1:
            return pods
        for pod in pods:
            cluster.objects["Pod", pod["metadata"]["name"]]["status"] = {}
        raise WaitError("container ovms ended with exit code 64", details={"reason": "Crash"})

    monkeypatch.setattr(manifests, "wait_rollout", wait)
    return waits


def test_what_does_not_start_is_put_back_and_serves_again(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(cluster)
    waits = crashes(cluster, monkeypatch)
    with pytest.raises(WaitError, match="exit code 64; put back as before: Deployment") as caught:
        run(cluster, image="registry.example/ovms:2")
    assert len(waits) == 2, "the old state is waited for"
    assert caught.value.details["undone"] == ["Deployment ocr"]
    assert caught.value.details["serves_again"] is True
    (patch,) = [call for call in cluster.writes() if call.startswith("patch Deployment [")]
    assert "registry.example/ovms:1" in patch


def test_it_is_kept_for_inspection_on_wish(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(cluster)
    waits = crashes(cluster, monkeypatch)
    spec = make_spec(image="registry.example/ovms:2")
    kept = Waiting(True, 100.0, puts_back=False)
    cluster.calls.clear()
    with pytest.raises(WaitError, match="left as it is for inspection"):
        Deployer(cluster, spec, Runtime(), kept).present()  # type: ignore[arg-type]
    assert len(waits) == 1
    assert not [call for call in cluster.writes() if call.startswith("patch Deployment [")]


def test_what_did_not_serve_is_not_put_back(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(cluster)
    for key, item in cluster.objects.items():
        if key[0] == "Pod":
            item["status"] = {}
    crashes(cluster, monkeypatch)
    with pytest.raises(WaitError, match="exit code 64") as caught:
        run(cluster, image="registry.example/ovms:2")
    assert "undone" not in caught.value.details


def test_old_pods_that_are_slow_to_end_are_no_reason_to_go_back(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(cluster)

    def wait(*args: Any, **_: Any) -> Any:
        raise WaitError("not done within 100 s: 1 terminating", details={"timed_out": True})

    monkeypatch.setattr(manifests, "wait_rollout", wait)
    with pytest.raises(WaitError, match=r"1 terminating\.$") as caught:
        run(cluster, image="registry.example/ovms:2")
    assert "undone" not in caught.value.details
