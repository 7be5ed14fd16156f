# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers whose pods the OpenVINO operator or KServe makes, on a real cluster.

The API server judges what is written by the definitions of both. The controllers are stand-ins
(controllers.py); the pods they make are real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import controllers
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import info
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import (
    signs as operator_signs,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as gate
from kubernetes import client as k8s
from serving import ALL_OBJECTS, Server, models_on_claim, put_models
from test_running_rights import OPTIONS, bind

VERSION_2 = [{"name": "adder", "versions": [2]}]
# The operator always sets an argument on which later servers end.
STARTS = pytest.mark.until(2026, 2, "no later server starts with the operator")
OPERATOR = pytest.param("operator", marks=STARTS)
# Options that reach every part of what is written.
MANY: dict[str, dict[str, Any]] = {
    "operator": {
        "replicas": 0,
        "rest_port": 9001,
        "grpc_port": 9000,
        "service_type": "NodePort",
        "run_as_user": 2000,
        "run_as_group": 1000,
        "log_level": "DEBUG",
        "file_system_poll_wait_seconds": 2,
        "strategy": "RollingUpdate",
        "rolling_update": {"max_surge": "0", "max_unavailable": "50%"},
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "annotations": {"sidecar.istio.io/inject": "true"},
        "resources": {"limits": {"cpu": "1000m", "example.com/other": "1"}},
        "extra_args": ["--grpc_workers", "1", "--rest_workers", "4"],
        "monitoring": {"metrics_list": ["ovms_streams"]},
        "proxies": {"http_proxy": "http://proxy:3128"},
        "models": [
            {
                "name": "adder",
                "version_policy": {"latest": 2},
                "nireq": 2,
                "batch_size": "4",
                "layout": "NHWC:NCHW",
                "shape": "(1,4)",
                "plugin_config": {"NUM_STREAMS": "1"},
                "target_device": "AUTO:GPU,CPU",
            }
        ],
    },
    "kserve": {
        "replicas": 2,
        "env": {"A": "b"},
        "tolerations": [{"operator": "Exists"}],
        "node_selector": {"no": "where"},
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "resources": {"limits": {"cpu": "1000m", "gpu.intel.com/i915": "1"}},
        "supplemental_groups": [44],
        "se_linux_options": {"level": "s0:c1"},
        "app_armor_profile": {"type": "RuntimeDefault"},
        "image_pull_secrets": ["login"],
        "env_from": [{"secret": "more", "optional": True, "prefix": "X_"}],
        "extra_volumes": [{"name": "more", "emptyDir": {"sizeLimit": "1Mi"}}],
        "extra_volume_mounts": [{"name": "more", "mountPath": "/more"}],
        "topology_spread_constraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "pod_overrides": {"spec": {"hostAliases": [{"ip": "10.9.9.9", "hostnames": ["camera"]}]}},
        "network_policy": {"namespaces": ["shop"]},
        "disruption_budget": {"max_unavailable": "1"},
        "proxies": {"http_proxy": "http://proxy:3128"},
        "monitoring": {},
    },
}


@pytest.fixture(scope="module")
def kinds(shop: Any) -> Iterator[None]:
    with controllers.definitions(shop):
        yield


@pytest.fixture(scope="module")
def place(shop: Any, kinds: None, lasting_namespace: Any, adders: Any) -> str:
    """A namespace with models on a claim; the operator's pods do not pass a stricter level."""
    namespace: str = lasting_namespace(shop, "baseline")
    models_on_claim(shop, namespace, adders)
    return namespace


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Iterator[Server]:
    made: Server = make_server(shop, place, wait_timeout=60)
    yield made
    made.run(state="absent")
    assert made.made() == [] and written(made) == []


def written(server: Server) -> list[str]:
    """Return the resources of the server that exist, as kind/name."""
    custom = k8s.CustomObjectsApi(server.cluster.api)
    found = []
    for group, version, plural, kind in (controllers.MODEL_SERVERS, controllers.SERVICES):
        listed = custom.list_namespaced_custom_object(group, version, server.namespace, plural)
        found += [f"{kind}/{item['metadata']['name']}" for item in listed["items"]]
    return found


def pods(server: Server, selector: str) -> list[Any]:
    listed = server.cluster.core.list_namespaced_pod(server.namespace, label_selector=selector)
    return [pod for pod in listed.items if not pod.metadata.deletion_timestamp]


def done(result: dict[str, Any]) -> dict[str, str]:
    changed = [item for item in result["objects"] if item["action"] != "unchanged"]
    return {f"{item['kind']}/{item['name']}": item["action"] for item in changed}


def asked(server: Server, *versions: int) -> dict[str, Any]:
    """Ask the gate whether exactly these versions are served."""
    models = [{"name": "adder", "versions": list(versions)}]
    task = {**server.cluster.auth, "namespace": server.namespace, "name": server.name}
    rules = ArgumentSpecValidator(dict(gate.ARGUMENT_SPEC), **gate.SPEC_RULES)
    checked = rules.validate({**task, "models": models, "wait_timeout": 30})
    return gate.run(checked.validated_parameters, Runtime())


def reported(server: Server) -> dict[str, Any]:
    params = {**server.cluster.auth, "namespace": server.namespace, "name": server.name}
    rules = ArgumentSpecValidator(dict(info.ARGUMENT_SPEC), **info.SPEC_RULES)
    (found,) = info.run(rules.validate(params).validated_parameters, Runtime())["servers"]
    return dict(found)


OPERATORS_PODS = "release=ocr,app=ocr-ovms"
KSERVES_PODS = "serving.kserve.io/inferenceservice=ocr"


@STARTS
def test_the_operator_runs_a_server(server: Server) -> None:
    predicted = server.run(backend="operator", check=True, diff=True)
    assert written(server) == []
    with controllers.operator(server.cluster, server.namespace):
        made = server.run(backend="operator", diff=True)
        assert done(made) == done(predicted)
        assert done(made) == {"ConfigMap/ocr-operator": "created", "ModelServer/ocr": "created"}
        assert "model_path: /models/models/adder" in made["diff"]["after"]
        assert made["endpoints"]["rest"] == f"ocr-ovms.{server.namespace}.svc:8081"
        assert made["replicas"] == {"wanted": 1, "ready": 1}
        assert not server.run(backend="operator")["changed"]
        assert asked(server, 1)["available"]
        other = server.run(backend="operator", models=VERSION_2)
        assert other["reload"] == "rolling_restart"
        assert asked(server, 2)["available"]
        shown = reported(server)
        assert (shown["backend"], shown["workload"]) == ("operator", "Deployment")
        assert shown["service"]["endpoints"]["rest"].startswith("ocr-ovms.")
        both = [{"name": "adder", "versions": [1, 2]}, {"name": "other", "versions": [1]}]
        server.run(backend="operator", models=both, wait=False)
        assert "ConfigMap/ocr-config" in server.made()
        gone = server.run(state="absent")
    assert done(gone)["ModelServer/ocr"] == "deleted"
    assert pods(server, OPERATORS_PODS) == []


def test_kserve_runs_a_server_and_takes_a_version_without_a_restart(
    shop: Any, place: str, server: Server
) -> None:
    with controllers.kserve(server.cluster, server.namespace):
        made = server.run(backend="kserve")
        assert set(done(made)) == {
            "ServiceAccount/ocr",
            "ConfigMap/ocr-config",
            "ConfigMap/ocr-kserve",
            "InferenceService/ocr",
        }
        assert made["endpoints"] == {
            "rest": f"ocr-predictor.{place}.svc:80",
            "grpc": f"ocr-predictor.{place}.svc:8080",
        }
        assert not server.run(backend="kserve")["changed"]
        assert asked(server, 1)["available"]
        (before,) = pods(server, KSERVES_PODS)
        assert before.spec.security_context.run_as_user == 5000
        other = server.run(backend="kserve", models=VERSION_2)
        assert other["reload"] == "config_reload"
        assert asked(server, 2)["available"]
        (after,) = pods(server, KSERVES_PODS)
        assert after.metadata.uid == before.metadata.uid
        more = server.run(backend="kserve", models=VERSION_2, log_level="DEBUG")
        assert more["reload"] == "rolling_restart"
        (newest,) = pods(server, KSERVES_PODS)
        assert newest.metadata.uid != before.metadata.uid
        assert reported(server)["replicas"] == {"wanted": 1, "ready": 1, "updated": 1}


@STARTS
def test_a_server_moves_and_serves_all_the_time(server: Server) -> None:
    assert server.run()["changed"] and server.made() == ALL_OBJECTS
    with pytest.raises(WaitError) as caught:
        server.run(backend="operator", wait_timeout=3)
    text = f"ModelServer {server.namespace}/ocr: no controller has made pods for it within 3 s"
    assert text in str(caught.value) and "backend: manifests" in str(caught.value)
    assert caught.value.details["changed"]
    assert set(ALL_OBJECTS) <= set(server.made()) and asked(server, 1)["available"]
    with controllers.operator(server.cluster, server.namespace):
        moved = server.run(backend="operator")
        assert done(moved)["Deployment/ocr"] == "deleted"
        assert moved["reload_reason"] == ["another backend makes the pods"]
        assert server.made() == ["ConfigMap/ocr-operator"] and server.pods() == []
        assert asked(server, 1)["available"]
        with controllers.kserve(server.cluster, server.namespace):
            server.run(backend="kserve")
            assert written(server) == ["InferenceService/ocr"]
            assert pods(server, OPERATORS_PODS) == [] and asked(server, 1)["available"]
            back = server.run()
        assert done(back)["InferenceService/ocr"] == "deleted"
    assert written(server) == [] and server.made() == ALL_OBJECTS
    assert pods(server, KSERVES_PODS) == [] and asked(server, 1)["available"]
    assert not server.run()["changed"]


@pytest.mark.parametrize("backend", [OPERATOR, "kserve"])
def test_the_api_server_takes_all_that_can_be_said(server: Server, backend: str) -> None:
    options = {"backend": backend, "wait": False, **MANY[backend]}
    predicted = server.run(check=True, **options)
    assert done(predicted) == done(server.run(**options))
    again = server.run(diff=True, **options)
    assert not again["changed"], again["diff"]
    assert done(server.run(**{**options, "replicas": 1}))
    back = server.run(backend="manifests", wait=False, replicas=0)
    assert written(server) == [] and sorted(server.made()) == ALL_OBJECTS
    assert back["reload"] == "rolling_restart"


@STARTS
def test_a_field_that_the_definition_lacks_is_refused(server: Server) -> None:
    with pytest.raises(InputError, match="env_from: ModelServer .*extra_envs_secret"):
        server.run(backend="operator", env_from=[{"secret": "more"}])
    assert server.made() == [] and written(server) == []


@STARTS
def test_a_complaint_of_the_controller_is_passed_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_signs, "SIGNS", replace(operator_signs.SIGNS, grace=1.0))
    server.run(backend="operator", wait=False)
    failed = {"type": "ReleaseFailed", "status": "True", "reason": "InstallError"}
    status = {"status": {"conditions": [{**failed, "message": "quota is used up."}]}}
    group, version, plural, _kind = controllers.MODEL_SERVERS
    k8s.CustomObjectsApi(server.cluster.api).patch_namespaced_custom_object_status(
        group, version, server.namespace, plural, "ocr", status
    )
    with pytest.raises(WaitError, match="its controller says: quota is used up") as caught:
        server.run(backend="operator")
    assert caught.value.details == {"reason": "InstallError", "changed": False}


# The definitions take it, the API server refuses a Deployment with it.
NO_OPERATOR = {"matchExpressions": [{"key": "a", "operator": "Nearby", "values": ["b"]}]}
IMPOSSIBLE = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [NO_OPERATOR]}
    }
}


def test_60_a_server_of_kserve_becomes_available(shop: Any, place: str, server: Server) -> None:
    """No agent beside the server: it would never be ready, nor would the pod."""
    with controllers.kserve(server.cluster, server.namespace):
        server.run(backend="kserve")
        assert asked(server, 1)["available"]
        (pod,) = pods(server, KSERVES_PODS)
        assert [one.name for one in pod.spec.containers] == ["kserve-container"]
        assert pod.spec.containers[0].readiness_probe.http_get.port == 8081
        found = server.cluster.core.read_namespaced_endpoints("ocr-predictor", place)
        assert [one.ip for one in found.subsets[0].addresses] == [pod.status.pod_ip]


def test_61_what_kserve_complains_of_is_shown(server: Server) -> None:
    options: dict[str, Any] = {"backend": "kserve", "affinity": IMPOSSIBLE}
    with controllers.kserve(server.cluster, server.namespace):
        for changed in (True, False):
            with pytest.raises(WaitError, match="its controller says: .*Nearby") as caught:
                server.run(**options)
            assert caught.value.details == {"reason": "ReconcileFailed", "changed": changed}
        server.run(backend="kserve")
        assert asked(server, 1)["available"]


@STARTS
def test_62_a_change_is_done_when_the_operator_has_acted(server: Server) -> None:
    def cpu() -> list[str]:
        found = (pod.spec.containers[0].resources.requests for pod in pods(server, OPERATORS_PODS))
        return [one["cpu"] for one in found]

    def port() -> int:
        service = server.cluster.core.read_namespaced_service("ocr-ovms", server.namespace)
        return int(next(one.port for one in service.spec.ports if one.name == "rest"))

    with controllers.operator(server.cluster, server.namespace):
        for amount, number in (("20m", 9001), ("30m", 9002)):
            asks: dict[str, Any] = {"resources": {"requests": {"cpu": amount}}, "rest_port": number}
            assert server.run(backend="operator", **asks)["changed"]
            assert (cpu(), port()) == ([amount], number)
        assert not server.run(backend="operator", **asks)["changed"]


@STARTS
def test_62_a_failed_change_is_told_in_the_first_and_in_later_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_signs, "SIGNS", replace(operator_signs.SIGNS, grace=4.0))
    with controllers.operator(server.cluster, server.namespace):
        server.run(backend="operator")
        for changed in (True, False, False):
            with pytest.raises(WaitError, match="failed to upgrade release: .*Nearby") as caught:
                server.run(backend="operator", affinity=IMPOSSIBLE, on_failure="keep")
            details = caught.value.details
            assert (details["reason"], details["changed"]) == ("UpgradeError", changed)
            assert not details.get("undone"), "it is kept for a look"
        assert asked(server, 1)["available"], "the old pods serve"
        assert server.run(backend="operator")["changed"]
        with pytest.raises(WaitError, match="put back as before: ModelServer ocr") as caught:
            server.run(backend="operator", affinity=IMPOSSIBLE)
        assert caught.value.details["serves_again"]
        assert not server.run(backend="operator")["changed"]


@pytest.mark.parametrize(
    ("backend", "longest"), [pytest.param("operator", 53, marks=STARTS), ("kserve", 48)]
)
def test_64_a_name_that_the_controller_cannot_use_is_refused_first(
    server: Server, backend: str, longest: int
) -> None:
    with pytest.raises(InputError, match=f"^name: .* can work with {longest}"):
        server.run(backend=backend, name="a" * (longest + 1))
    assert server.made() == [] and written(server) == []


@pytest.mark.parametrize(
    ("backend", "plural"),
    [pytest.param("operator", "modelservers", marks=STARTS), ("kserve", "inferenceservices")],
)
def test_the_shipped_rights_are_enough(
    shop: Any,
    kinds: None,
    make_namespace: Any,
    make_pvc: Any,
    make_server: Any,
    adders: Any,
    backend: str,
    plural: str,
) -> None:
    namespace = make_namespace(shop, "baseline")
    put_models(shop, namespace, make_pvc(shop, namespace), adders)
    account = shop.new_account()
    bind(shop, namespace, "openvino-edge-deployer", account)
    server = make_server(shop, namespace, kubeconfig=str(account.kubeconfig))
    with pytest.raises(ForbiddenError, match=f"create {plural}"):
        server.run(backend=backend)
    bind(shop, namespace, OPTIONS, account)
    with getattr(controllers, backend)(shop, namespace):
        assert server.run(backend=backend)["changed"]
        assert not server.run(backend=backend)["changed"]
        assert server.run(state="absent")["changed"]
    assert server.made() == []


@STARTS
def test_the_operators_pods_do_not_pass_a_restricted_namespace(
    shop: Any, kinds: None, make_namespace: Any, make_pvc: Any, make_server: Any
) -> None:
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace)
    server = make_server(shop, namespace)
    with pytest.raises(InputError, match="backend: Namespace .*enforce=baseline"):
        server.run(backend="operator")
    assert server.made() == []


@pytest.mark.parametrize(
    ("backend", "kind"),
    [pytest.param("operator", "ModelServer", marks=STARTS), ("kserve", "InferenceService")],
)
def test_without_its_definition_a_backend_is_refused(
    factory: Any, make_namespace: Any, make_server: Any, backend: str, kind: str
) -> None:
    server = make_server(factory, make_namespace(factory, "restricted"))
    with pytest.raises(InputError, match=f"backend: the cluster has no {kind}.*manifests"):
        server.run(backend=backend)
    assert server.made() == []
