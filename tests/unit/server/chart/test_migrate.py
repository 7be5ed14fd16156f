# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the chart become options, and none is lost without a word."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.filter.migrate_values import FilterModule
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.migrate import migrate
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.table import (
    BY_PATH,
    FIELDS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# The leaves of the schema of a ModelServer (openvinotoolkit/operator, config/crd/bases); with
# EDGE_CRDS=DIR they are also read from the file itself.
LEAVES = """
image_name deployment_parameters.{replicas,node_affinity,pod_affinity,pod_antiaffinity}
deployment_parameters.{update_strategy,openshift_service_mesh}
deployment_parameters.resources.limits.{cpu,memory,xpu_device,xpu_device_quantity}
deployment_parameters.resources.requests.{cpu,memory,xpu_device,xpu_device_quantity}
service_parameters.{grpc_port,rest_port,service_type}
models_settings.{single_model_mode,config_configmap_name,config_path,model_name,model_path,shape}
models_settings.{batch_size,target_device,plugin_config,model_version_policy,layout,nireq}
models_settings.{is_stateful,idle_sequence_cleanup,low_latency_transformation,max_sequence_number}
server_settings.{file_system_poll_wait_seconds,log_level,grpc_workers,rest_workers}
server_settings.{sequence_cleaner_poll_wait_minutes}
models_repository.{storage_type,models_host_path,models_volume_claim,runAsUser,runAsGroup}
models_repository.{aws_secret_access_key,aws_access_key_id,aws_region,s3_compat_api_endpoint}
models_repository.{gcp_creds_secret_name,azure_storage_connection_string,https_proxy,http_proxy}
monitoring.{metrics_enable,metrics_list}
"""
# In other copies of the CRD, or in the chart alone.
MORE = """
deployment_parameters.{extra_envs_secret,extra_envs_configmap} models_repository.no_proxy
nameOverride fullnameOverride
"""
OLD = """
image_name model_name model_path target_device nireq plugin_config config_configmap_name config_path
grpc_port rest_port service_type log_level replicas resources security_context models_volume_claim
models_host_path aws_access_key_id aws_secret_access_key aws_region s3_compat_api_endpoint
gcp_creds_secret_name azure_storage_connection_string https_proxy http_proxy no_proxy annotations
node_selector batch_size layout shape model_version_policy stateful file_system_poll_wait_seconds
"""
HOST = "/opt/host/models"
SAMPLES: dict[str, Any] = {
    "image_name": "registry.example/ovms:2026.2.1",
    "deployment_parameters.replicas": 3,
    "deployment_parameters.update_strategy": {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "50%"},
    },
    "deployment_parameters.openshift_service_mesh": True,
    "deployment_parameters.node_affinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
    "deployment_parameters.pod_affinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
    "deployment_parameters.pod_antiaffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": []
    },
    "deployment_parameters.extra_envs_secret": "more-secret",
    "deployment_parameters.extra_envs_configmap": "more",
    "deployment_parameters.resources.limits.cpu": "4",
    "deployment_parameters.resources.limits.memory": "512Mi",
    "deployment_parameters.resources.limits.xpu_device": "gpu.intel.com/i915",
    "deployment_parameters.resources.limits.xpu_device_quantity": "1",
    "deployment_parameters.resources.requests.cpu": "1",
    "deployment_parameters.resources.requests.memory": "256Mi",
    "deployment_parameters.resources.requests.xpu_device": "gpu.intel.com/i915",
    "deployment_parameters.resources.requests.xpu_device_quantity": "1",
    "service_parameters.grpc_port": 9000,
    "service_parameters.rest_port": 9001,
    "service_parameters.service_type": "NodePort",
    "models_settings.single_model_mode": True,
    "models_settings.model_name": "resnet",
    "models_settings.model_path": "/models/resnet",
    "models_settings.target_device": "GPU",
    "models_settings.nireq": 2,
    "models_settings.plugin_config": '{"NUM_STREAMS":"1"}',
    "models_settings.batch_size": "auto",
    "models_settings.shape": "(1,3,224,224)",
    "models_settings.layout": "NHWC:NCHW",
    "models_settings.model_version_policy": '{"specific": {"versions": [2, 3]}}',
    "server_settings.file_system_poll_wait_seconds": 5,
    "server_settings.log_level": "DEBUG",
    "server_settings.grpc_workers": 2,
    "server_settings.rest_workers": 4,
    "server_settings.sequence_cleaner_poll_wait_minutes": 5,
    "models_repository.storage_type": "cluster",
    "models_repository.models_host_path": HOST,
    "models_repository.runAsUser": "2000",
    "models_repository.runAsGroup": "1000",
    "models_repository.http_proxy": "http://proxy:3128",
    "models_repository.https_proxy": "http://proxy:3128",
    "models_repository.no_proxy": "10.0.0.0/8,.example",
    "monitoring.metrics_enable": True,
    "monitoring.metrics_list": "ovms_streams",
}


def expand(text: str) -> set[str]:
    """Return the words, those with braces as the shell would."""
    found: set[str] = set()
    for word in text.split():
        head, brace, tail = word.partition("{")
        names = tail.rstrip("}").split(",") if brace else [""]
        found.update(f"{head}{name}" for name in names)
    return found


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return values by path as a values file has them."""
    made: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split(".")
        place = made
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return made


def accepted(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as the module would have them; the argument spec has to take them."""
    task = {"namespace": "edge", "name": "ocr", "pvc": {"claim_name": "m"}, **options}
    if "host_path" in options or "cloud" in options:
        del task["pvc"]
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    assert not checked.error_messages, checked.error_messages
    result: dict[str, Any] = checked.validated_parameters
    return result


def leaves(schema: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, item in (schema.get("properties") or {}).items():
        inner = leaves(item, f"{prefix}{name}.")
        found |= inner or {f"{prefix}{name}"}
    return found


def test_the_table_has_every_value_of_the_chart_and_of_the_resource() -> None:
    assert set(BY_PATH) == expand(LEAVES) | expand(MORE)


def test_the_table_has_every_value_of_the_charts_of_2021() -> None:
    names = {field.old for field in FIELDS if field.old}
    assert expand(OLD) | {"nameOverride", "fullnameOverride"} == names


def test_the_leaves_are_those_of_the_real_definition() -> None:
    if not os.environ.get("EDGE_CRDS"):
        pytest.skip("EDGE_CRDS names no folder with the real definitions")
    path = Path(os.environ["EDGE_CRDS"]) / "intel.com_modelservers.yaml"
    crd = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert leaves(schema) == expand(LEAVES)


def test_every_option_of_the_table_exists() -> None:
    for field in FIELDS:
        for option in filter(None, field.option.split(", ")):
            spec: Any = ARGUMENT_SPEC
            for part in option.replace("[]", "").split("."):
                assert part in spec, (field.key, option)
                spec = spec[part].get("options")
                if spec is None:
                    break


def test_what_has_no_option_has_a_reason() -> None:
    assert all(field.option or len(field.note) > 20 for field in FIELDS)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(sorted(SAMPLES))))
def test_any_values_give_options_that_the_module_takes(paths: set[str]) -> None:
    result = migrate(nested({path: SAMPLES[path] for path in paths}), "ocr")
    accepted(result["options"])
    for path in paths:
        known = BY_PATH[path]
        if not known.option:
            assert path in {item["path"] for item in result["dropped"]}
    for item in result["dropped"]:
        assert item["path"] in paths and item["why"]


def test_the_whole_chart() -> None:
    result = migrate(nested(SAMPLES), "ocr")
    options = result["options"]
    assert options["name"] == "ocr-ovms"
    assert options["host_path"] == {"path": "/opt/host"}
    assert options["models"] == [
        {
            "name": "resnet",
            "versions": [2, 3],
            "target_device": "GPU",
            "nireq": 2,
            "plugin_config": {"NUM_STREAMS": "1"},
            "batch_size": "auto",
            "shape": "(1,3,224,224)",
            "layout": "NHWC:NCHW",
        }
    ]
    assert options["resources"]["limits"] == {
        "cpu": "4",
        "memory": "512Mi",
        "gpu.intel.com/i915": "1",
    }
    assert options["strategy"] == "RollingUpdate"
    assert options["rolling_update"] == {"max_surge": "0", "max_unavailable": "50%"}
    assert options["extra_args"] == ["--grpc_workers", "2", "--rest_workers", "4"]
    assert options["env_from"] == [{"secret": "more-secret"}, {"config_map": "more"}]
    assert options["monitoring"] == {"enable": True, "metrics_list": ["ovms_streams"]}
    assert options["proxies"]["no_proxy"] == ["10.0.0.0/8", ".example"]
    assert options["annotations"] == {"sidecar.istio.io/inject": "true"}
    assert sorted(item["path"] for item in result["dropped"]) == [
        "models_repository.storage_type",
        "server_settings.sequence_cleaner_poll_wait_minutes",
    ]
    assert result["warnings"] == []


def test_a_chart_of_2021_with_escaped_quotes() -> None:
    values = {
        "model_name": "resnet",
        "model_path": "/models/resnet",
        "models_host_path": "/opt/host_models",
        "plugin_config": '{\\"CPU_THROUGHPUT_STREAMS\\":\\"8\\"}',
        "security_context": {"runAsUser": 2000, "runAsGroup": 1000, "privileged": True},
        "resources": {"limits": {"cpu": 8.0, "gpu.intel.com/i915": 1}},
        "replicas": 10,
        "colour": "blue",
    }
    result = migrate(values, "ovms-app")
    options = result["options"]
    assert options["name"] == "ovms-app"
    assert options["models"][0]["plugin_config"] == {"NUM_STREAMS": "8"}
    assert (options["run_as_user"], options["run_as_group"]) == (2000, 1000)
    assert options["resources"] == {"limits": {"cpu": "8.0", "gpu.intel.com/i915": "1"}}
    assert options["host_path"] == {"path": "/opt/host_models"}
    assert any("Move them into" in warning for warning in result["warnings"])
    paths = {item["path"] for item in result["dropped"]}
    assert paths == {"security_context.privileged", "colour"}
    accepted(options)


@pytest.mark.parametrize(
    ("path", "settings_", "expected"),
    [
        (
            "s3://bucket/dir/resnet",
            {
                "aws_access_key_id": "AK",
                "aws_secret_access_key": "SK",
                "s3_compat_api_endpoint": "http://minio:9000",
            },
            {
                "s3": {
                    "uri": "s3://bucket/dir",
                    "access_key_id": "AK",
                    "secret_access_key": "SK",
                    "endpoint": "http://minio:9000",
                }
            },
        ),
        (
            "gs://bucket/resnet",
            {"gcp_creds_secret_name": "other"},
            {"gs": {"uri": "gs://bucket", "secret_name": "gcpcreds"}},
        ),
        (
            "az://box/resnet",
            {"azure_storage_connection_string": "AccountName=a;AccountKey=b"},
            {"azure": {"uri": "az://box", "connection_string": "AccountName=a;AccountKey=b"}},
        ),
    ],
)
def test_models_in_the_cloud(
    path: str, settings_: dict[str, str], expected: dict[str, Any]
) -> None:
    values = {
        "models_settings": {"model_name": "resnet", "model_path": path},
        "models_repository": settings_,
    }
    result = migrate(values, "ocr")
    assert result["options"]["cloud"] == expected and result["dropped"] == []
    accepted(result["options"])


@pytest.mark.parametrize(
    ("path", "directory"),
    [("/models/models/resnet", None), ("/models/models/v2/", "v2"), ("gs://bucket/a/b", "b")],
)
def test_a_directory_that_is_not_called_like_the_model(path: str, directory: str | None) -> None:
    values = {"models_settings": {"model_name": "resnet", "model_path": path}}
    made = migrate({**values, "models_repository": {"models_volume_claim": "claim"}}, "ovms")
    (model,) = made["options"]["models"]
    assert model.get("directory") == directory
    assert not any("directory is" in text for text in made["warnings"])


def test_credentials_that_are_dropped_are_not_shown() -> None:
    values = {
        "models_settings": {"model_name": "m", "model_path": "/models/m"},
        "models_repository": {"models_volume_claim": "c", "aws_secret_access_key": "geheim"},
    }
    result = migrate(values, "ocr")
    assert result["dropped"] and "geheim" not in json.dumps(result)


def test_a_custom_resource_with_a_configuration_of_its_own() -> None:
    spec = {
        "image_name": "registry.example/ovms:2026.2.1",
        "models_settings": {"single_model_mode": False, "config_configmap_name": "ovms-config"},
        "models_repository": {"models_volume_claim": "models"},
        "monitoring": {"metrics_enable": True},
    }
    metadata = {"name": "ocr", "namespace": "edge"}
    result = migrate({"kind": "ModelServer", "metadata": metadata, "spec": spec})
    options = result["options"]
    assert options["config_map"] == "ovms-config" and "models" not in options
    assert options["namespace"] == "edge" and options["name"] == "ocr-ovms"
    assert options["extra_args"] == ["--metrics_enable"]
    accepted(options)


def test_defaults_that_the_api_server_wrote_into_a_resource_do_no_harm() -> None:
    spec = {
        "image_name": "registry.example/ovms:2026.3",
        "models_settings": {
            "model_name": "m",
            "model_path": "/models/models/m",
            "is_stateful": False,
            "idle_sequence_cleanup": True,
            "low_latency_transformation": False,
        },
        "server_settings": {
            "file_system_poll_wait_seconds": 0,
            "sequence_cleaner_poll_wait_minutes": 5,
        },
        "models_repository": {"models_volume_claim": "models", "storage_type": "google"},
    }
    result = migrate({"kind": "ModelServer", "metadata": {"name": "ocr"}, "spec": spec})
    (model,) = result["options"]["models"]
    assert set(model) == {"name", "plugin_config", "version_policy"}
    assert result["options"]["file_system_poll_wait_seconds"] == 0
    assert len(result["dropped"]) == 5 and result["warnings"] == []
    accepted(result["options"])


def test_an_old_resource_with_a_file_on_the_volume() -> None:
    spec = {"config_path": "/models/OCR/config.json", "models_volume_claim": "model-storage"}
    result = migrate({"kind": "Ovms", "metadata": {"name": "ovms-ocr"}, "spec": spec})
    assert result["options"]["config_path"] == "/models/OCR/config.json"
    assert result["options"]["pvc"] == {"claim_name": "model-storage"}
    accepted(result["options"])


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Deployment", "spec": {}},
        {"plugin_config": "no json", "model_name": "m"},
        {"replicas": "many"},
        {"model_version_policy": '{"newest": 1}'},
    ],
)
def test_what_it_cannot_be_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        migrate(document)


def test_the_filter_is_there() -> None:
    run = FilterModule().filters()["migrate_values"]
    assert run({"replicas": 2}, "ocr")["options"]["replicas"] == 2


def test_the_examples_of_the_page_are_options_of_the_module() -> None:
    page = Path(__file__).parents[4] / "docs" / "from-helm.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    tasks = [yaml.safe_load(block)[0] for block in blocks]
    name = "openvino.edge.model_server"
    ours = [task[name] for task in tasks if name in task]
    assert [task.get("state", "present") for task in ours] == ["present", "returned"]
    for task in ours:
        accepted(task)
