# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chart would have rendered for a value is in the objects that its migration gives."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.migrate import migrate
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.table import FIELDS

from .test_migrate import SAMPLES, accepted, nested

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tools"))

import parity  # noqa: E402

from ..conftest import checked, rendered  # noqa: E402

BASE = {
    "image_name": "registry.example/ovms:2026.2.1",
    "models_settings.model_name": "resnet",
    "models_settings.model_path": "/models/models/resnet",
    "models_repository.models_volume_claim": "models",
}
CLOUD = {
    "aws_access_key_id": "AK",
    "aws_secret_access_key": "SK",
    "aws_region": "eu-1",
    "s3_compat_api_endpoint": "http://minio:9000",
}


class Rendered:
    """The objects of a migrated server."""

    def __init__(self, values: dict[str, Any]) -> None:
        given = {key: value for key, value in {**BASE, **values}.items() if value is not None}
        options = migrate(nested(given), "ocr")["options"]
        self.objects = rendered(checked(accepted(options)))

    def of(self, kind: str) -> dict[str, Any]:
        """Return the one object of a kind."""
        return next(item for item in self.objects if item["kind"] == kind)

    @property
    def pod(self) -> dict[str, Any]:
        """Return the spec of the pods."""
        spec: dict[str, Any] = self.of("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        """Return the server's container."""
        found: dict[str, Any] = self.pod["containers"][0]
        return found

    @property
    def model(self) -> dict[str, Any]:
        """Return the model's entry in the configuration."""
        text = self.of("ConfigMap")["data"]["config.json"]
        found: dict[str, Any] = json.loads(text)["model_config_list"][0]["config"]
        return found

    def env(self, name: str) -> Any:
        """Return one variable."""
        found = {item["name"]: item for item in self.container["env"]}
        return found[name].get("value", found[name].get("valueFrom"))

    def volume(self, name: str = "models") -> dict[str, Any]:
        """Return one volume."""
        found: dict[str, Any] = next(item for item in self.pod["volumes"] if item["name"] == name)
        return found

    def port(self, name: str) -> int:
        """Return a port of the Service."""
        ports = self.of("Service")["spec"]["ports"]
        return int(next(item["port"] for item in ports if item["name"] == name))


def amount(group: str, name: str) -> Callable[[Rendered], Any]:
    return lambda got: got.container["resources"][group][name]


def argument(name: str) -> Callable[[Rendered], Any]:
    return lambda got: got.container["args"][got.container["args"].index(name) + 1]


def model(key: str) -> Callable[[Rendered], Any]:
    return lambda got: got.model[key]


AFFINITY: dict[str, Any] = {"preferredDuringSchedulingIgnoredDuringExecution": []}
DEVICE = {
    f"deployment_parameters.resources.{group}.{name}": value
    for group in ("limits", "requests")
    for name, value in (("xpu_device", "gpu.intel.com/i915"), ("xpu_device_quantity", "2"))
}
IN_CLOUD = {"models_settings.model_path": "s3://bucket/dir/resnet"} | {
    f"models_repository.{key}": value for key, value in CLOUD.items()
}
OWN = {
    "models_settings.single_model_mode": False,
    "models_settings.model_name": None,
    "models_settings.model_path": None,
}
STATEFUL = {"models_settings.is_stateful": True}
METRICS = {"monitoring.metrics_enable": True, "monitoring.metrics_list": "ovms_streams"}

# By path: values beside the sample, where the value is looked for, and what has to be there.
Case = tuple[dict[str, Any], Callable[[Rendered], Any], Any]
CASES: dict[str, Case] = {
    "image_name": ({}, lambda got: got.container["image"], SAMPLES["image_name"]),
    "deployment_parameters.replicas": (
        {},
        lambda got: got.of("Deployment")["spec"]["replicas"],
        3,
    ),
    "deployment_parameters.update_strategy": (
        {},
        lambda got: got.of("Deployment")["spec"]["strategy"]["rollingUpdate"],
        {"maxSurge": 0, "maxUnavailable": "50%"},
    ),
    "deployment_parameters.openshift_service_mesh": (
        {},
        lambda got: got.of("Deployment")["spec"]["template"]["metadata"]["annotations"][
            "sidecar.istio.io/inject"
        ],
        "true",
    ),
    "deployment_parameters.node_affinity": (
        {},
        lambda got: got.pod["affinity"]["nodeAffinity"],
        AFFINITY,
    ),
    "deployment_parameters.pod_affinity": (
        {},
        lambda got: got.pod["affinity"]["podAffinity"],
        AFFINITY,
    ),
    "deployment_parameters.pod_antiaffinity": (
        {},
        lambda got: got.pod["affinity"]["podAntiAffinity"],
        AFFINITY,
    ),
    "deployment_parameters.extra_envs_secret": (
        {},
        lambda got: got.container["envFrom"][0]["secretRef"]["name"],
        "more-secret",
    ),
    "deployment_parameters.extra_envs_configmap": (
        {},
        lambda got: got.container["envFrom"][0]["configMapRef"]["name"],
        "more",
    ),
    "deployment_parameters.resources.limits.cpu": ({}, amount("limits", "cpu"), "4"),
    "deployment_parameters.resources.limits.memory": ({}, amount("limits", "memory"), "512Mi"),
    "deployment_parameters.resources.limits.xpu_device": (
        DEVICE,
        amount("limits", "gpu.intel.com/i915"),
        "2",
    ),
    "deployment_parameters.resources.limits.xpu_device_quantity": (
        DEVICE,
        amount("limits", "gpu.intel.com/i915"),
        "2",
    ),
    "deployment_parameters.resources.requests.cpu": ({}, amount("requests", "cpu"), "1"),
    "deployment_parameters.resources.requests.memory": ({}, amount("requests", "memory"), "256Mi"),
    "deployment_parameters.resources.requests.xpu_device": (
        DEVICE,
        amount("requests", "gpu.intel.com/i915"),
        "2",
    ),
    "deployment_parameters.resources.requests.xpu_device_quantity": (
        DEVICE,
        amount("requests", "gpu.intel.com/i915"),
        "2",
    ),
    "service_parameters.grpc_port": ({}, lambda got: got.port("grpc"), 9000),
    "service_parameters.rest_port": ({}, lambda got: got.port("rest"), 9001),
    "service_parameters.service_type": (
        {},
        lambda got: got.of("Service")["spec"]["type"],
        "NodePort",
    ),
    "nameOverride": (
        {"nameOverride": "vision"},
        lambda got: got.of("Deployment")["metadata"]["name"],
        "ocr-vision",
    ),
    "fullnameOverride": (
        {"fullnameOverride": "vision"},
        lambda got: got.of("Deployment")["metadata"]["name"],
        "vision",
    ),
    "models_settings.single_model_mode": ({}, model("name"), "resnet"),
    "models_settings.config_configmap_name": (
        {**OWN, "models_settings.config_configmap_name": "ovms-config"},
        lambda got: got.volume("config")["configMap"]["name"],
        "ovms-config",
    ),
    "models_settings.config_path": (
        {**OWN, "models_settings.config_path": "/models/OCR/config.json"},
        argument("--config_path"),
        "/models/OCR/config.json",
    ),
    "models_settings.model_name": ({}, model("name"), "resnet"),
    "models_settings.model_path": (
        {"models_settings.model_path": "/models/site/models/resnet"},
        lambda got: got.container["volumeMounts"][0]["subPath"],
        "site/models",
    ),
    "models_settings.target_device": ({}, model("target_device"), "GPU"),
    "models_settings.nireq": ({}, model("nireq"), 2),
    "models_settings.plugin_config": ({}, model("plugin_config"), {"NUM_STREAMS": "1"}),
    "models_settings.batch_size": ({}, model("batch_size"), "auto"),
    "models_settings.shape": ({}, model("shape"), "(1,3,224,224)"),
    "models_settings.layout": ({}, model("layout"), "NHWC:NCHW"),
    "models_settings.model_version_policy": (
        {},
        model("model_version_policy"),
        {"specific": {"versions": [2, 3]}},
    ),
    "models_settings.is_stateful": (STATEFUL, model("stateful"), True),
    "models_settings.idle_sequence_cleanup": (
        {**STATEFUL, "models_settings.idle_sequence_cleanup": False},
        model("idle_sequence_cleanup"),
        False,
    ),
    "models_settings.low_latency_transformation": (
        {**STATEFUL, "models_settings.low_latency_transformation": True},
        model("low_latency_transformation"),
        True,
    ),
    "models_settings.max_sequence_number": (
        {**STATEFUL, "models_settings.max_sequence_number": 7},
        model("max_sequence_number"),
        7,
    ),
    "server_settings.file_system_poll_wait_seconds": (
        {},
        argument("--file_system_poll_wait_seconds"),
        "5",
    ),
    "server_settings.sequence_cleaner_poll_wait_minutes": (
        STATEFUL,
        argument("--sequence_cleaner_poll_wait_minutes"),
        "5",
    ),
    "server_settings.log_level": ({}, argument("--log_level"), "DEBUG"),
    "server_settings.grpc_workers": ({}, argument("--grpc_workers"), "2"),
    "server_settings.rest_workers": ({}, argument("--rest_workers"), "4"),
    "models_repository.models_host_path": (
        {
            "models_settings.model_path": "/models/resnet",
            "models_repository.models_volume_claim": None,
        },
        lambda got: got.volume()["hostPath"]["path"],
        "/opt/host/models",
    ),
    "models_repository.models_volume_claim": (
        {},
        lambda got: got.volume()["persistentVolumeClaim"]["claimName"],
        "models",
    ),
    "models_repository.runAsUser": (
        {},
        lambda got: got.pod["securityContext"]["runAsUser"],
        2000,
    ),
    "models_repository.runAsGroup": (
        {},
        lambda got: got.pod["securityContext"]["runAsGroup"],
        1000,
    ),
    "models_repository.aws_access_key_id": (
        IN_CLOUD,
        lambda got: "AWS_ACCESS_KEY_ID" in got.of("Secret")["data"],
        True,
    ),
    "models_repository.aws_secret_access_key": (
        IN_CLOUD,
        lambda got: set(got.env("AWS_SECRET_ACCESS_KEY")),
        {"secretKeyRef"},
    ),
    "models_repository.aws_region": (IN_CLOUD, lambda got: got.env("AWS_REGION"), "eu-1"),
    "models_repository.s3_compat_api_endpoint": (
        IN_CLOUD,
        lambda got: got.env("S3_ENDPOINT").endswith("minio:9000"),
        True,
    ),
    "models_repository.gcp_creds_secret_name": (
        {
            "models_settings.model_path": "gs://bucket/resnet",
            "models_repository.gcp_creds_secret_name": "gcpcreds",
        },
        lambda got: "gcpcreds" in json.dumps(got.pod["volumes"]),
        True,
    ),
    "models_repository.azure_storage_connection_string": (
        {
            "models_settings.model_path": "az://box/resnet",
            "models_repository.azure_storage_connection_string": "AccountName=a;AccountKey=b",
        },
        lambda got: set(got.env("AZURE_STORAGE_CONNECTION_STRING")),
        {"secretKeyRef"},
    ),
    "models_repository.http_proxy": (
        {},
        lambda got: got.env("http_proxy"),
        "http://proxy:3128",
    ),
    "models_repository.https_proxy": (
        {},
        lambda got: got.env("https_proxy"),
        "http://proxy:3128",
    ),
    "models_repository.no_proxy": (
        {},
        lambda got: ".example" in got.env("no_proxy").split(","),
        True,
    ),
    "monitoring.metrics_enable": (
        METRICS,
        lambda got: json.loads(got.of("ConfigMap")["data"]["config.json"])["monitoring"]["metrics"][
            "enable"
        ],
        True,
    ),
    "monitoring.metrics_list": (
        METRICS,
        lambda got: json.loads(got.of("ConfigMap")["data"]["config.json"])["monitoring"]["metrics"][
            "metrics_list"
        ],
        ["ovms_streams"],
    ),
}


@pytest.mark.parametrize("path", sorted(CASES))
def test_a_value_arrives(path: str) -> None:
    beside, where, expected = CASES[path]
    sample = {path: SAMPLES[path]} if path in SAMPLES and path not in beside else {}
    assert where(Rendered({**sample, **beside})) == expected


def test_every_value_with_an_option_has_a_case() -> None:
    assert set(CASES) == {field.path for field in FIELDS if field.path and field.option}


def test_the_page_is_generated_and_up_to_date() -> None:
    page = Path(parity.PAGE).read_text(encoding="utf-8")
    assert page == parity.page(), "run make parity"


def test_a_test_that_does_not_exist_is_found() -> None:
    here = "tests/unit/server/chart/test_parity.py"
    assert parity.missing(f"{here}::test_a_test_that_does_not_exist_is_found") is None
    assert parity.missing(f"{here}::test_nothing") is not None
    assert parity.missing("tests/unit/server/test_none.py::test_x") is not None
    assert parity.missing(f"{here}::test_a_value_arrives[image_name]") is None
    assert (
        parity.missing(f"{here}::test_a_value_arrives[image_nome]".replace("no", "no_")) is not None
    )
