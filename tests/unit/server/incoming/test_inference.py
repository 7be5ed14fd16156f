# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of KServe that run OVMS become options, and nothing is lost without a word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter.migrate_values import migrate_values

from ..conftest import checked, make_params
from .samples import IMAGE, RUNTIME, converted, custom, runtime, secret, service, warned, why


def test_a_service_with_its_runtime() -> None:
    predictor = {
        "minReplicas": 2,
        "maxReplicas": 2,
        "nodeSelector": {"edge": "yes"},
        "tolerations": [{"operator": "Exists"}],
        "imagePullSecrets": [{"name": "login"}],
        "serviceAccountName": "reader",
    }
    resources = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}
    found = converted(
        service(
            predictor, resources=resources, args=["--nireq=4"], env=[{"name": "A", "value": "b"}]
        ),
        RUNTIME,
    )
    assert found["options"] == {
        "name": "ocr",
        "namespace": "edge",
        "image": IMAGE,
        "models": [
            {
                "name": "ocr",
                "target_device": "AUTO",
                "nireq": 4,
                "version_policy": {"latest": 1},
            }
        ],
        "pvc": {"claim_name": "models"},
        "grpc_port": 8001,
        "rest_port": 8888,
        "file_system_poll_wait_seconds": 0,
        "extra_args": ["--grpc_bind_address=0.0.0.0"],
        "monitoring": {"enable": True},
        "replicas": 2,
        "resources": resources,
        "env": {"A": "b"},
        "node_selector": {"edge": "yes"},
        "tolerations": [{"operator": "Exists"}],
        "image_pull_secrets": ["login"],
        "service_account": "reader",
        "annotations": {"prometheus.io/port": "8888", "prometheus.io/path": "/metrics"},
    }
    assert {item["path"] for item in found["dropped"]} == {
        "ServingRuntime.spec.supportedModelFormats",
        "ServingRuntime.spec.protocolVersions",
    }
    (address,) = found["warnings"]
    assert address.startswith("name: clients reach KServe's server at ocr-predictor")


def test_the_service_alone_says_that_the_image_is_missing() -> None:
    found = converted(service())
    assert found["options"]["pvc"] == {"claim_name": "models"}
    assert found["options"]["models"] == [{"name": "ocr", "version_policy": {"latest": 1}}]
    assert "image" not in found["options"] and warned(found, "image:", "ServingRuntime")


def test_a_runtime_alone_needs_a_name_and_says_so() -> None:
    found = migrate_values(RUNTIME)
    assert "models" not in found["options"] and found["options"]["grpc_port"] == 8001
    assert warned(found, "name: give it") and warned(found, "models:", "release")
    named = migrate_values(RUNTIME, "ocr")
    assert named["options"]["name"] == named["options"]["models"][0]["name"] == "ocr"
    assert warned(named, "nothing says where the model is")


def test_the_documents_may_be_a_list_a_template_or_a_stream() -> None:
    whole = converted(service(), RUNTIME)
    listed = {"kind": "List", "items": [service(), RUNTIME]}
    template = {"kind": "Template", "objects": [RUNTIME]}
    assert migrate_values(listed) == whole
    assert migrate_values([service(), template]) == whole
    text = yaml.safe_dump_all([service(), RUNTIME], sort_keys=False)
    assert migrate_values(yaml.safe_load_all(text)) == whole


def test_fields_of_the_service_win_and_arguments_follow() -> None:
    found = converted(
        service(args=["--target_device", "GPU"], image="registry.example/other:1"),
        runtime(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
    )
    assert found["options"]["models"][0]["target_device"] == "GPU"
    assert found["options"]["image"] == "registry.example/other:1"
    assert found["options"]["env"] == {"A": "1", "B": "2"}
    assert why(found, "args --target_device") == "it is given again behind it"


def test_the_version_of_the_runtime_is_the_tag() -> None:
    assert converted(service(runtimeVersion="2025.3"), RUNTIME)["options"]["image"] == (
        "registry.example/ovms:2025.3"
    )
    digest = runtime(image=f"registry.example/ovms@sha256:{'a' * 64}")
    found = converted(service(runtimeVersion="2025.3"), digest)
    assert "digest" in why(found, "spec.predictor.model.runtimeVersion")


def test_placeholders_and_variables_of_the_arguments() -> None:
    given = service(env=[{"name": "DEVICE", "value": "GPU"}])
    given["metadata"]["annotations"] = {"threads": "3"}
    words = [
        "--model_name={{.Name}}",
        "--model_path=/mnt/models",
        "--nireq={{.Annotations.threads}}",
        "--target_device=$(DEVICE)",
    ]
    (model,) = converted(given, runtime(args=words))["options"]["models"]
    assert (model["name"], model["nireq"], model["target_device"]) == ("ocr", 3, "GPU")


@pytest.mark.parametrize(
    ("uri", "store", "directory"),
    [
        ("pvc://claim/models/ocr", {"pvc": {"claim_name": "claim"}}, None),
        ("pvc://claim/site/models/v2", {"pvc": {"claim_name": "claim", "sub_path": "site"}}, "v2"),
        ("pvc://claim/site/ocr", {"pvc": {"claim_name": "claim", "sub_path": "site"}}, None),
        ("pvc://claim/models/ocr/1", {"pvc": {"claim_name": "claim"}}, None),
        ("pvc://claim", {"pvc": {"claim_name": "claim"}}, None),
        (
            "oci://registry.example/car:1",
            {"image_volume": {"reference": "registry.example/car:1", "path": ""}},
            "models",
        ),
        ("gs://bucket/dir/ocr", {"cloud": {"gs": {"uri": "gs://bucket/dir"}}}, None),
    ],
)
def test_where_the_model_is(uri: str, store: dict[str, Any], directory: str | None) -> None:
    found = converted(service(storageUri=uri), RUNTIME)
    options = found["options"]
    names = ("pvc", "host_path", "cloud", "image_volume")
    assert {name: options[name] for name in names if name in options} == store
    assert options["models"][0].get("directory") == directory
    assert warned(found, "is a version of the model") == uri.endswith("/1")
    assert warned(found, "root of the") == (uri == "pvc://claim")
    assert warned(found, "pvc:", "Move them into its directory") == (
        uri in ("pvc://claim", "pvc://claim/site/ocr")
    )


@pytest.mark.parametrize("uri", ["hf://org/model", "https://host.example/m.tar.gz", "hdfs://a/b"])
def test_what_kserve_fetches_has_to_be_copied(uri: str) -> None:
    found = converted(service(storageUri=uri), RUNTIME)
    assert "a volume, an image or a bucket" in why(found, "spec.predictor.model.storageUri")
    assert warned(found, "model_repository", uri)


def test_a_bucket_without_its_region_is_told_and_not_made() -> None:
    found = converted(service(storageUri="s3://bucket/dir/ocr"), RUNTIME)
    assert "cloud" not in found["options"]
    assert "region" in why(found, "spec.predictor.model.storageUri")
    assert warned(found, "cloud:", "uri: s3://bucket/dir")


@pytest.mark.parametrize("by", ["account", "key"])
def test_credentials_of_a_bucket(by: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "geheim"}
    if by == "key":
        given = service(storageUri=None, storage={"key": "data", "path": "dir/ocr"})
        more = {"AWS_S3_BUCKET": "bucket", "AWS_S3_ENDPOINT": "http://minio:9000"}
        beside = [secret("data", {**keys, **more, "AWS_DEFAULT_REGION": "eu-1"})]
    else:
        given = service({"serviceAccountName": "reader"}, storageUri="s3://bucket/dir/ocr")
        notes = {"endpoint": "minio:9000", "usehttps": "0", "region": "eu-1"}
        notes = {f"serving.kserve.io/s3-{key}": value for key, value in notes.items()}
        account = {"metadata": {"name": "reader"}, "secrets": [{"name": "data"}]}
        beside = [secret("data", keys, notes), {"kind": "ServiceAccount", **account}]
    found = converted(given, RUNTIME, *beside)
    assert found["options"]["cloud"] == {
        "s3": {
            "uri": "s3://bucket/dir",
            "endpoint": "http://minio:9000",
            "region": "eu-1",
            "secret_name": "data",
        }
    }
    assert "geheim" not in str(found)
    checked(make_params(**{"pvc": None, **found["options"]}))


def test_an_endpoint_with_tls_is_no_bucket_for_ovms() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_S3_BUCKET": "bucket"}
    given = service(storageUri=None, storage={"key": "data", "path": "dir/ocr"})
    texts = {**keys, "AWS_S3_ENDPOINT": "https://minio:9000"}
    found = converted(given, RUNTIME, secret("data", texts))
    assert "cloud" not in found["options"]
    assert "plain HTTP" in why(found, "spec.predictor.model.storage.path")


def test_the_bucket_may_be_in_the_entry_of_storage_config() -> None:
    entry = {"type": "s3", "bucket": "bucket", "region": "eu-1", "secret_access_key": "geheim"}
    given = service(storageUri=None, storage={"key": "data", "path": "dir/ocr"})
    found = converted(given, RUNTIME, secret("storage-config", {"data": json.dumps(entry)}))
    assert found["options"]["cloud"] == {"s3": {"uri": "s3://bucket/dir", "region": "eu-1"}}
    assert "geheim" not in str(found) and warned(found, "cloud.s3.secret_name:")


def test_an_image_that_a_template_fills_in_is_named() -> None:
    found = converted(service(), runtime(image="$(ovms-image)"))
    assert "image" not in found["options"] and warned(found, "image:", "template")
    assert why(found, "spec.predictor.model.image")


def test_a_storage_whose_secret_is_not_given() -> None:
    found = converted(service(storageUri=None, storage={"key": "data", "path": "m/v2"}), RUNTIME)
    assert "storage-config, key data" in why(found, "spec.predictor.model.storage")
    assert found["options"]["models"][0]["directory"] == "v2"


@pytest.mark.parametrize(
    ("predictor", "resources", "options", "dropped"),
    [
        ({}, {}, {"replicas": 1}, []),
        ({"minReplicas": 0, "maxReplicas": 1}, {}, {"replicas": 1}, ["minReplicas"]),
        ({"minReplicas": 1, "maxReplicas": 3}, {}, {"replicas": 1}, ["maxReplicas"]),
        (
            {"minReplicas": 1, "maxReplicas": 3},
            {"requests": {"cpu": "1"}},
            {"autoscaling": {"min_replicas": 1, "max_replicas": 3, "cpu_utilization": 80}},
            [],
        ),
        (
            {"maxReplicas": 3, "scaleMetric": "memory", "scaleTarget": 60},
            {"limits": {"memory": "1Gi"}},
            {"autoscaling": {"min_replicas": 1, "max_replicas": 3, "memory_utilization": 60}},
            [],
        ),
        (
            {"maxReplicas": 3, "scaleMetric": "memory"},
            {"limits": {"memory": "1Gi"}},
            {"replicas": 1},
            ["maxReplicas", "scaleMetric"],
        ),
        (
            {
                "maxReplicas": 3,
                "autoScaling": {"metrics": [{"type": "Resource", "resource": {"name": "cpu"}}]},
            },
            {"limits": {"cpu": "1"}},
            {"autoscaling": {"min_replicas": 1, "max_replicas": 3, "cpu_utilization": 80}},
            [],
        ),
        (
            {"maxReplicas": 3, "scaleMetric": "concurrency", "scaleTarget": 5},
            {"requests": {"cpu": "1"}},
            {"replicas": 1},
            ["maxReplicas", "scaleMetric", "scaleTarget"],
        ),
    ],
)
def test_scaling(
    predictor: dict[str, Any],
    resources: dict[str, Any],
    options: dict[str, Any],
    dropped: list[str],
) -> None:
    found = converted(service(predictor, resources=resources), RUNTIME)
    made = {key: found["options"].get(key) for key in ("replicas", "autoscaling")}
    assert {key: value for key, value in made.items() if value is not None} == options
    paths = [item["path"] for item in found["dropped"]]
    assert sorted(path for path in paths if path.startswith("spec.")) == sorted(
        f"spec.predictor.{name}" for name in dropped
    )


def test_exposure_and_tokens_are_told() -> None:
    given = service()
    given["metadata"].update(
        labels={"networking.kserve.io/visibility": "exposed", "team": "vision"},
        annotations={
            "security.opendatahub.io/enable-auth": "true",
            "serving.kserve.io/deploymentMode": "RawDeployment",
        },
    )
    found = converted(given, RUNTIME)
    assert found["options"]["labels"] == {"team": "vision"}
    assert warned(found, "network_policy:", "token") and warned(found, "expose:", "does not tell")
    assert len(found["dropped"]) == 5 and all(item["why"] for item in found["dropped"])
    given["status"] = {"url": "https://ocr-edge.apps.example"}
    found = converted(given, RUNTIME)
    assert found["options"]["expose"] == {
        "controller": "openshift",
        "rest": {"host": "ocr-edge.apps.example"},
        "tls": {"default_certificate": True},
    }


def test_fields_without_an_option_override_the_pod() -> None:
    predictor = {
        "hostNetwork": True,
        "initContainers": [{"name": "wait", "image": "registry.example/wait:1"}],
        "containers": [{"name": "log", "image": "registry.example/log:1"}],
    }
    found = converted(service(predictor, workingDir="/work"), RUNTIME)
    spec = found["options"]["pod_overrides"]["spec"]
    assert spec["hostNetwork"] is True and spec["initContainers"][0]["name"] == "wait"
    assert [item["name"] for item in spec["containers"]] == ["ovms", "log"]
    assert spec["containers"][0] == {"name": "ovms", "workingDir": "/work"}


def test_a_variable_that_the_option_does_not_take_overrides_the_container() -> None:
    source = {"name": "A", "valueFrom": {"fileKeyRef": {"path": "a", "key": "k"}}}
    found = converted(service(env=[source, {"name": "B", "value": "c"}]), RUNTIME)
    assert found["options"]["env"] == {"B": "c"}
    (container,) = found["options"]["pod_overrides"]["spec"]["containers"]
    assert container == {"name": "ovms", "env": [source]}


@pytest.mark.parametrize(
    "key", ["canaryTrafficPercent", "containerConcurrency", "timeout", "logger", "batcher"]
)
def test_what_knative_and_the_agent_do_is_dropped(key: str) -> None:
    value = {"maxLatency": 5} if key in ("logger", "batcher") else 5
    assert why(converted(service({key: value}), RUNTIME), f"spec.predictor.{key}")


def test_the_user_of_the_container_wins() -> None:
    predictor = {"securityContext": {"runAsUser": 7, "fsGroup": 8}}
    found = converted(service(predictor, securityContext={"runAsUser": 9}), RUNTIME)
    assert (found["options"]["run_as_user"], found["options"]["fs_group"]) == (9, 8)
    assert "wins" in why(found, "spec.predictor.securityContext.runAsUser")


def test_a_custom_predictor_with_a_volume() -> None:
    given = custom(
        args=["--model_name", "net", "--model_path", "/data/deep/net", "--rest_port", "9000"],
        volumeMounts=[
            {"name": "models", "mountPath": "/data", "subPath": "site/models"},
            {"name": "config", "mountPath": "/labels"},
        ],
    )
    given["spec"]["predictor"]["volumes"] = [
        {"name": "models", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "config", "configMap": {"name": "labels"}},
    ]
    found = converted(given)
    assert found["options"]["pvc"] == {"claim_name": "claim", "sub_path": "site/models/deep"}
    assert found["options"]["extra_volumes"] == [
        {"name": "config-old", "configMap": {"name": "labels"}}
    ]
    assert found["options"]["extra_volume_mounts"] == [
        {"name": "config-old", "mountPath": "/labels"}
    ]


def test_a_custom_predictor_with_a_configuration() -> None:
    given = custom(
        args=["--config_path", "/config/config.json", "--rest_port", "9000", "--metrics_enable"],
        volumeMounts=[
            {"name": "m", "mountPath": "/models", "subPath": "models"},
            {"name": "c", "mountPath": "/config"},
        ],
    )
    given["spec"]["predictor"]["volumes"] = [
        {"name": "m", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "c", "configMap": {"name": "line"}},
    ]
    options = converted(given)["options"]
    assert options["config_map"] == "line" and options["pvc"] == {"claim_name": "claim"}
    assert options["extra_args"] == ["--metrics_enable"] and "models" not in options
    assert "extra_volumes" not in options


def test_storage_by_a_variable() -> None:
    env = [{"name": "STORAGE_URI", "value": "pvc://claim/models/net"}]
    found = converted(custom(args=["--model_name=net", "--model_path=/mnt/models"], env=env))
    assert found["options"]["pvc"] == {"claim_name": "claim"} and "env" not in found["options"]


def test_a_generative_model_is_not_made_a_classic_one() -> None:
    words = ["--source_model=org/llm", "--task=text_generation", "--rest_port=8000"]
    found = converted(custom(args=words))
    assert "models" not in found["options"] and warned(found, "models:", "graph_path")
    assert "configuration file" in why(found, "args --source_model")


def test_a_shell_line_is_not_read() -> None:
    found = converted(custom(command=["sh"], args=["-c", "ovms --model_path /m"]))
    assert why(found, "spec.predictor.containers[0].args") == "they are for the command sh"
    assert warned(found, "runs sh, not OVMS itself")


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([service(), service()], "several"),
        ([RUNTIME, RUNTIME], "several"),
        ([service(modelFormat={"name": "vLLM"}, runtime=None)], "format vLLM"),
        ([{**service(), "spec": {}}], "no predictor"),
        ([custom(args=["--http_port=8080"])], "no argument of OVMS"),
        ([{**RUNTIME, "spec": {**RUNTIME["spec"], "multiModel": True}}], "ModelMesh"),
        ([service(), runtime(args=["serve"])], "no argument of OVMS"),
    ],
)
def test_what_is_no_server_of_ovms_is_an_error(documents: list[Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        migrate_values(documents)


def test_a_field_of_another_type_is_an_error_not_a_traceback() -> None:
    for field in ("model", "containers", "volumes", "securityContext", "imagePullSecrets"):
        given = service({field: 7})
        with pytest.raises(AnsibleFilterError, match="InferenceService ocr"):
            migrate_values([given, RUNTIME])


def test_keys_in_the_parameters_of_a_storage_are_not_shown() -> None:
    storage = {"path": "a", "parameters": {"type": "s3", "secret_access_key": "geheim"}}
    found = converted(service(storageUri=None, storage=storage), RUNTIME)
    assert "geheim" not in str(found) and why(found, "spec.predictor.model.storage")


def test_a_stopped_service_has_no_pods() -> None:
    given = service({"minReplicas": 2, "maxReplicas": 3}, resources={"requests": {"cpu": "1"}})
    given["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    found = converted(given, RUNTIME)
    assert found["options"]["replicas"] == 0 and "autoscaling" not in found["options"]
    for name in ("minReplicas", "maxReplicas"):
        assert "stopped" in why(found, f"spec.predictor.{name}")


def test_knative_scales_by_requests_where_nothing_else_is_said() -> None:
    given = service({"maxReplicas": 3}, resources={"requests": {"cpu": "1"}})
    given["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Serverless"}
    found = converted(given, RUNTIME)
    assert found["options"]["replicas"] == 1
    assert "concurrency" in why(found, "spec.predictor.maxReplicas")


def test_other_documents_are_named() -> None:
    other = {"kind": "NetworkPolicy", "metadata": {"name": "deny"}}
    second = {**RUNTIME, "metadata": {"name": "second"}}
    found = converted(service(), RUNTIME, other, second)
    assert why(found, "NetworkPolicy/deny") and why(found, "ServingRuntime/second")


def test_the_example_of_the_page() -> None:
    page = Path(__file__).parents[4] / "docs" / "from-kserve.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    task, given, its_runtime, result = blocks
    name = yaml.safe_load(task)[0]["ansible.builtin.debug"]["msg"].split("|")[-1].strip(" }")
    assert name == "openvino.edge.migrate_values"
    assert converted(*map(yaml.safe_load, (given, its_runtime))) == yaml.safe_load(result)
