# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KServe is told, what it cannot be told, and what it does with it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.kserve import (
    resource as kserve,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.unsupported import (
    refuse_given,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render import kinds
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    INPUT_HASH_ANNOTATION,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.argument_spec import (
    SERVER_ARGUMENT_SPEC,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import make_params, make_spec, rendered
from .test_backends import IMAGE, SCALE, Options, objects


def predictor(**options: Any) -> dict[str, Any]:
    """Return what KServe is told of the pods."""
    found: dict[str, Any] = objects("kserve", **options)["InferenceService"]["spec"]["predictor"]
    return found


def pod_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return the pod that KServe makes of a custom predictor: its fields but for its own ones."""
    own = ("labels", "annotations", "minReplicas", "maxReplicas", "deploymentStrategy")
    return {name: value for name, value in told.items() if name not in own}


KSERVE_REST = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(1, 5),
        "env": st.just({"A": "b"}),
        "tolerations": st.just([{"operator": "Exists"}]),
        "node_selector": st.just({"a": "b"}),
        "resources": st.just({"limits": {"gpu.intel.com/i915": "1"}, "requests": {"cpu": "1"}}),
        "supplemental_groups": st.just([44]),
        "extra_args": st.just(["--rest_bind_address", "0.0.0.0"]),
        "probes": st.just({"readiness": {"enabled": False}}),
        "pod_overrides": st.just({"spec": {"hostAliases": []}}),
        "image_pull_secrets": st.just(["login"]),
        "priority_class": st.just("high"),
        "model_cache": st.just({"size": "1Gi"}),
        "ca_bundle": st.just({"config_map": "ca"}),
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(KSERVE_REST)
def test_kserve_is_told_the_pods_that_a_deployment_would_have(options: Options) -> None:
    ours = {item["kind"]: item for item in rendered(make_spec(image=IMAGE, **options))}
    pod = dict(ours["Deployment"]["spec"]["template"]["spec"])
    (server,) = pod["containers"]
    found = pod_of(predictor(**options))
    (container,) = found["containers"]
    assert container["name"] == "kserve-container" and container["ports"][0]["name"] == "rest"
    assert sorted(container["ports"], key=str) == sorted(server["ports"], key=str)
    protocol = {"name": "PROTOCOL", "value": "v2"}
    assert container["env"] == [*server.get("env", []), protocol]
    same = {key: server[key] for key in server if key in ("name", "ports", "env")}
    probes = {key: value for key, value in server.items() if key.endswith("Probe")}
    rest = {key: value for key, value in container.items() if key in server or key != "env"}
    assert {**rest, **same, **probes} == server
    assert {**found, "containers": [server]} == pod


def test_what_kserve_makes_does_not_pass_for_ours() -> None:
    made = objects("kserve", labels={"team": "vision"})
    service = made["InferenceService"]
    labels = service["spec"]["predictor"]["labels"]
    assert labels["openvino.edge/server"] == "ocr.kserve" and labels["team"] == "vision"
    assert service["metadata"]["labels"]["openvino.edge/server"] == "ocr"
    assert service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    old = objects("kserve", annotations={"serving.kserve.io/deploymentMode": "RawDeployment"})
    mode = old["InferenceService"]["metadata"]["annotations"]["serving.kserve.io/deploymentMode"]
    assert mode == "RawDeployment"


def test_the_mark_of_the_pods_changes_with_them_and_not_with_their_number() -> None:
    def mark(**options: Any) -> str:
        return str(predictor(**options)["annotations"][INPUT_HASH_ANNOTATION])

    assert mark() == mark(replicas=3) == mark(strategy="Recreate")
    assert len({mark(), mark(log_level="DEBUG"), mark(fs_group=9), mark(env={"A": "b"})}) == 4


def test_what_goes_beside_the_pods_chooses_those_of_kserve() -> None:
    made = objects(
        "kserve", network_policy={"namespaces": ["shop"]}, disruption_budget={"min_available": "1"}
    )
    labels = {"serving.kserve.io/inferenceservice": "ocr"}
    assert made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    order = list(made)
    assert order[:2] == ["ServiceAccount", "ocr-kserve"] and order[-1] == "PodDisruptionBudget"
    noted = made["ocr-kserve"]["metadata"]["annotations"][kinds.KINDS_ANNOTATION].split(",")
    assert set(noted) == {"NetworkPolicy", "PodDisruptionBudget", "InferenceService"}


def test_a_claim_for_a_device_goes_with_the_pods_of_kserve() -> None:
    models = [{"name": "m", "versions": [1], "target_device": "GPU"}]
    claim = {"claim": {"device_class_name": "gpu.intel.com"}}
    made = objects("kserve", device=claim, models=models)
    told = made["InferenceService"]["spec"]["predictor"]
    (asked,) = told["resourceClaims"]
    template = made["ResourceClaimTemplate"]["metadata"]["name"]
    assert asked["resourceClaimTemplateName"] == template
    assert told["containers"][0]["resources"]["claims"] == [{"name": asked["name"]}]
    with pytest.raises(InputError, match="^device: ModelServer edge/ocr"):
        objects("operator", device=claim, models=models)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"service_type": "NodePort"}, "^service_type: InferenceService edge/ocr: an Infer"),
        ({"service": {"annotations": {"a": "b"}}}, "^service: "),
        ({"autoscaling": SCALE}, "^autoscaling: "),
        ({"workload": "DaemonSet"}, "^workload: "),
        ({"adopt": True}, "^adopt: "),
        ({"replicas": 0}, "^replicas: .*at least one"),
        ({"service_monitor": {}, "monitoring": {}}, "^service_monitor: "),
    ],
)
def test_what_kserve_cannot_say(options: Options, message: str) -> None:
    with pytest.raises(InputError, match=message):
        objects("kserve", **options)


def counts_as_multi_model(told: dict[str, Any]) -> bool:
    """Tell whether KServe v0.20.0 would add an agent to the pods (utils.go, IsMMSPredictor)."""
    containers = told.get("containers") or []
    if containers:
        named = {item["name"]: item.get("value") for item in containers[0].get("env", ())}
        return named.get("MULTI_MODEL_SERVER") == "true"
    model = told.get("model") or {}
    storage = model.get("storageUri") or model.get("storage") or told.get("storageUris")
    return not storage


@pytest.mark.parametrize(
    "store",
    [
        {},
        {"pvc": None, "host_path": {"path": "/data/edge"}},
        {"pvc": None, "image_volume": {"reference": "registry.example/m:1"}},
        {"pvc": None, "cloud": {"s3": {"uri": "s3://bucket", "region": "eu-1"}}},
    ],
)
def test_60_kserve_adds_no_agent_to_the_pods(store: Options) -> None:
    assert counts_as_multi_model({"model": {"runtime": "ocr"}})
    made = objects("kserve", **store)
    told = made["InferenceService"]["spec"]["predictor"]
    assert not counts_as_multi_model(told) and "ServingRuntime" not in made
    assert "model" not in told and told["containers"][0]["name"] == "kserve-container"


def test_60_ports_of_probes_are_numbers() -> None:
    (container,) = predictor(rest_port=9999)["containers"]
    probes = [value for key, value in container.items() if key.endswith("Probe")]
    assert [probe["httpGet"]["port"] for probe in probes] == [9999, 9999, 9999]
    sidecar = {"name": "log", "image": "registry.example/log:1"}
    given = {"spec": {"containers": [sidecar]}}
    assert [item["name"] for item in predictor(pod_overrides=given)["containers"]] == [
        "kserve-container",
        "log",
    ]


@pytest.mark.parametrize("name", ["MULTI_MODEL_SERVER", "PYTHONPATH", "STORAGE_URI"])
def test_60_variables_that_mean_something_to_kserve_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"^env: InferenceService edge/ocr: {name} has a meaning"):
        objects("kserve", env={name: "true"})
    rendered(make_spec(image=IMAGE, env={name: "true"}))


def test_a_protocol_of_ones_own_is_kept() -> None:
    (container,) = predictor(env={"PROTOCOL": "v1"})["containers"]
    assert container["env"] == [{"name": "PROTOCOL", "value": "v1"}]


@pytest.mark.parametrize("length", [48, 49])
def test_64_a_name_too_long_for_kserve_is_refused_first(length: int) -> None:
    name = "a" * length
    if length <= kserve.LONGEST_NAME:
        assert f"isvc.{name}-predictor" == f"isvc.{name}-predictor"[:63]
        assert objects("kserve", name=name)
        return
    with pytest.raises(InputError, match="^name: .* it has 49 characters, and KServe can work"):
        objects("kserve", name=name)


# A value for each option that changes what KServe is told; None: it says where or what for, and the
# rest says how.
NODES = [
    {
        "name": "one",
        "model_name": "detection",
        "type": "DL model",
        "inputs": [{"x": {"node_name": "request", "data_item": "x"}}],
        "outputs": [{"data_item": "y", "alias": "y"}],
    }
]
PIPELINE = {
    "name": "both",
    "inputs": ["x"],
    "nodes": NODES,
    "outputs": [{"y": {"node_name": "one", "data_item": "y"}}],
}
ARRIVES: dict[str, Any] = {
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "annotations": {"a": "b"},
    "app_armor_profile": {"type": "RuntimeDefault"},
    "ca_bundle": {"config_map": "ca"},
    "cloud": {"s3": {"uri": "s3://bucket", "region": "eu-1"}},
    "config_map": "mine",
    "config_path": "own.json",
    "custom_node_libraries": [{"name": "cut", "base_path": "libs/cut.so"}],
    "device": {"claim": {"device_class_name": "gpu.intel.com"}},
    "disruption_budget": {"max_unavailable": "1"},
    "env": {"A": "b"},
    "env_from": [{"secret": "more"}],
    "extra_args": ["--cache_dir", "/tmp"],
    "extra_volume_mounts": [{"name": "tmp", "mountPath": "/more"}],
    "extra_volumes": [{"name": "more", "emptyDir": {}}],
    "file_system_poll_wait_seconds": 9,
    "fit_cpu_limit": False,
    "fs_group": 7,
    "grpc_port": 9090,
    "grpc_workers": 3,
    "host_path": {"path": "/data"},
    "image": "registry.example/ovms:2025.4",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["login"],
    "image_volume": {"reference": "registry.example/m:1"},
    "labels": {"a": "b"},
    "log_level": "DEBUG",
    "model_cache": {"size": "1Gi"},
    "models": [{"name": "other", "versions": [2]}],
    "monitoring": {"enable": True},
    "name": "other",
    "namespace": "other",
    "network_policy": {"namespaces": ["shop"]},
    "node_selector": {"a": "b"},
    "pipelines": [PIPELINE],
    "pod_overrides": {"spec": {"hostNetwork": True}},
    "priority_class": "high",
    "probes": {"liveness": {"enabled": False}},
    "proxies": {"http_proxy": "http://proxy:3128"},
    "pvc": {"claim_name": "other"},
    "replicas": 3,
    "resources": {"limits": {"cpu": "1"}},
    "rest_port": 9091,
    "rest_workers": 3,
    "rolling_update": {"max_surge": "0", "max_unavailable": "1"},
    "run_as_group": 7,
    "run_as_user": 7,
    "scc": {"name": "mine", "bind": True},
    "se_linux_options": {"level": "s0:c1"},
    "seccomp_profile": {"type": "Unconfined"},
    "service_account": "mine",
    "startup_timeout": 30,
    "strategy": "RollingUpdate",
    "supplemental_groups": [44],
    "termination_grace_period_seconds": 9,
    "drain_seconds": 9,
    "tmp_size": "1Gi",
    "tolerations": [{"operator": "Exists"}],
    "topology_spread_constraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
}
# These are for the run, or for what the namespace and the checks are to be.
OF_THE_RUN = {
    "backend",
    "create_namespace",
    "namespace_labels",
    "ovms_version",
    "platform",
    "reach",
    "state",
}
# What goes with another option, or in the place of one.
WITH: dict[str, Options] = {
    "cloud": {"pvc": None},
    "config_map": {"models": None},
    "config_path": {"models": None},
    "device": {"models": [{"name": "m", "versions": [1], "target_device": "GPU"}]},
    "fit_cpu_limit": {"resources": {"limits": {"cpu": "2"}}},
    "host_path": {"pvc": None},
    "image_volume": {"pvc": None},
    "rolling_update": {"strategy": "RollingUpdate"},
}


def test_10_every_option_is_on_the_list_or_arrives() -> None:
    """Issue 10, 1.5: the list tells what KServe cannot do; what is not on it is in the objects."""
    assert set(SERVER_ARGUMENT_SPEC) == set(kserve.CANNOT) | set(ARRIVES) | OF_THE_RUN
    assert not set(kserve.CANNOT) & (set(ARRIVES) | OF_THE_RUN)


@pytest.mark.parametrize("option", sorted(ARRIVES))
def test_10_an_option_that_kserve_can_do_arrives(option: str) -> None:
    around = WITH.get(option, {})
    plain = {} if option in ("host_path", "cloud", "image_volume") else around
    if option in ("config_map", "config_path"):
        plain = {}
    assert objects("kserve", **{**around, option: ARRIVES[option]}) != objects("kserve", **plain)


@pytest.mark.parametrize("option", sorted(kserve.CANNOT))
def test_10_an_option_on_the_list_is_refused(option: str) -> None:
    rule = SERVER_ARGUMENT_SPEC[option]
    value: Any = {"str": "x", "int": 3, "bool": True}.get(rule["type"], {"x": "y"})
    with pytest.raises(InputError, match=f"^{option}: InferenceService edge/ocr: "):
        refuse_given(
            {**make_params(), option: value}, kserve.CANNOT, "InferenceService edge/ocr", {}
        )
