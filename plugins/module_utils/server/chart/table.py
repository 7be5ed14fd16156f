# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every value of the Helm chart, of C(ModelServer) and of C(Ovms), and the option it becomes.

The one source of C(migrate_values) and of docs/parity.md. Names and meanings:
openvinotoolkit/operator, helm-charts/ovms/templates and config/crd/bases (chart 4.0.0, whose values
are the C(spec) of a C(ModelServer)), and openvinotoolkit/model_server v2021.3 and v2021.4,
deploy/ovms and extras/openvino-operator-openshift (the old chart, whose values are the C(spec) of
an C(Ovms)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Tuple

from . import rules
from .rules import Draft

Rule = Callable[[Draft, str, str, Any], None]


@dataclass(frozen=True)
class Field:
    """One value of the chart, and the option that it becomes.

    Attributes:
        path: in chart 4.0.0 and in C(ModelServer); empty: it is only in the old ones.
        option: of C(model_server); empty: there is none, and C(note) says why.
        rule: how the value becomes that of the option.
        old: its name in the charts of 2021 and in C(Ovms); empty: they do not have it.
        note: what a person should know.
    """

    path: str
    option: str = ""
    rule: Rule = rules.same
    old: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """Return the name under which a value is kept."""
        return self.path or self.old


_REMOVED = "removed in OVMS 2026.3; the release decides whether the server takes it"
_SCANS = "of stateful models; removed in OVMS 2026.3, which ends with exit code 64 on it"
_DEPLOYMENT = (
    Field("image_name", "image", old="image_name"),
    Field("deployment_parameters.replicas", "replicas", rules.whole, "replicas"),
    Field(
        "deployment_parameters.update_strategy", "strategy, rolling_update", rules.update_strategy
    ),
    Field("deployment_parameters.openshift_service_mesh", "annotations", rules.mesh),
    Field("deployment_parameters.node_affinity", "affinity.nodeAffinity"),
    Field("deployment_parameters.pod_affinity", "affinity.podAffinity"),
    Field("deployment_parameters.pod_antiaffinity", "affinity.podAntiAffinity"),
    Field("deployment_parameters.extra_envs_secret", "env_from", rules.env_from),
    Field("deployment_parameters.extra_envs_configmap", "env_from", rules.env_from),
    *(
        field
        for group in ("limits", "requests")
        for field in (
            Field(
                f"deployment_parameters.resources.{group}.cpu", f"resources.{group}.cpu", rules.text
            ),
            Field(
                f"deployment_parameters.resources.{group}.memory",
                f"resources.{group}.memory",
                rules.text,
            ),
            Field(
                f"deployment_parameters.resources.{group}.xpu_device",
                f"resources.{group}",
                rules.device,
            ),
            Field(
                f"deployment_parameters.resources.{group}.xpu_device_quantity",
                f"resources.{group}",
                rules.later,
                note="taken together with xpu_device",
            ),
        )
    ),
    Field("", "resources", rules.resources, "resources"),
    Field("", "annotations", old="annotations"),
    Field("", "node_selector", old="node_selector"),
    Field("", "run_as_user, run_as_group, fs_group", rules.security_context, "security_context"),
    Field(
        "service_parameters.grpc_port",
        "grpc_port",
        rules.port,
        "grpc_port",
        "also the port of the pods, so 1024 or more",
    ),
    Field(
        "service_parameters.rest_port",
        "rest_port",
        rules.port,
        "rest_port",
        "also the port of the pods, so 1024 or more",
    ),
    Field("service_parameters.service_type", "service_type", rules.same, "service_type"),
    Field("nameOverride", "name", rules.later, "nameOverride", "RELEASE-nameOverride"),
    Field("fullnameOverride", "name", rules.later, "fullnameOverride"),
)
_MODELS = (
    Field("models_settings.single_model_mode", "models", rules.later, note="false: own config"),
    Field(
        "models_settings.config_configmap_name",
        "config_map",
        rules.later,
        "config_configmap_name",
        "only where there is no single model",
    ),
    Field(
        "models_settings.config_path",
        "config_path",
        rules.later,
        "config_path",
        "a file below /models; of a ConfigMap its key config.json",
    ),
    Field("models_settings.model_name", "models[].name", rules.later, "model_name"),
    Field(
        "models_settings.model_path",
        "pvc, host_path, cloud",
        rules.later,
        "model_path",
        "where the model is; models[].directory, if it is not called like the model",
    ),
    Field(
        "models_settings.target_device", "models[].target_device", rules.of_model, "target_device"
    ),
    Field("models_settings.nireq", "models[].nireq", rules.of_model, "nireq"),
    Field(
        "models_settings.plugin_config",
        "models[].plugin_config",
        rules.plugin_config,
        "plugin_config",
        "JSON with or without backslashes; old stream settings get today's names",
    ),
    Field("models_settings.batch_size", "models[].batch_size", rules.of_model, "batch_size"),
    Field("models_settings.shape", "models[].shape", rules.of_model, "shape"),
    Field("models_settings.layout", "models[].layout", rules.of_model, "layout"),
    Field(
        "models_settings.model_version_policy",
        "models[].version_policy",
        rules.version_policy,
        "model_version_policy",
        "specific versions become models[].versions",
    ),
    Field("models_settings.is_stateful", "models[].stateful", rules.stateful, "stateful", _REMOVED),
    Field(
        "models_settings.idle_sequence_cleanup",
        "models[].idle_sequence_cleanup",
        rules.stateful,
        note=_REMOVED,
    ),
    Field(
        "models_settings.low_latency_transformation",
        "models[].low_latency_transformation",
        rules.stateful,
        note=_REMOVED,
    ),
    Field(
        "models_settings.max_sequence_number",
        "models[].max_sequence_number",
        rules.stateful,
        note=_REMOVED,
    ),
)
_SERVER = (
    Field(
        "server_settings.file_system_poll_wait_seconds",
        "file_system_poll_wait_seconds",
        rules.whole,
        "file_system_poll_wait_seconds",
    ),
    Field(
        "server_settings.sequence_cleaner_poll_wait_minutes",
        "extra_args",
        rules.cleaner,
        note=_SCANS,
    ),
    Field("server_settings.log_level", "log_level", rules.same, "log_level"),
    Field("server_settings.grpc_workers", "extra_args", rules.flag),
    Field("server_settings.rest_workers", "extra_args", rules.flag),
    Field("monitoring.metrics_enable", "monitoring.enable", rules.metrics),
    Field("monitoring.metrics_list", "monitoring.metrics_list", rules.metrics),
)
_REPOSITORY = (
    Field(
        "models_repository.storage_type",
        "",
        rules.gone,
        note="only the form of the console reads it; the model's path tells where it is",
    ),
    Field("models_repository.models_host_path", "host_path.path", rules.later, "models_host_path"),
    Field(
        "models_repository.models_volume_claim",
        "pvc.claim_name",
        rules.later,
        "models_volume_claim",
    ),
    Field("models_repository.runAsUser", "run_as_user", rules.whole),
    Field("models_repository.runAsGroup", "run_as_group", rules.whole),
    Field(
        "models_repository.aws_access_key_id",
        "cloud.s3.access_key_id",
        rules.later,
        "aws_access_key_id",
    ),
    Field(
        "models_repository.aws_secret_access_key",
        "cloud.s3.secret_access_key",
        rules.later,
        "aws_secret_access_key",
    ),
    Field("models_repository.aws_region", "cloud.s3.region", rules.later, "aws_region"),
    Field(
        "models_repository.s3_compat_api_endpoint",
        "cloud.s3.endpoint",
        rules.later,
        "s3_compat_api_endpoint",
    ),
    Field(
        "models_repository.gcp_creds_secret_name",
        "cloud.gs.secret_name",
        rules.later,
        "gcp_creds_secret_name",
        "the chart always mounts a Secret named gcpcreds, whatever is given",
    ),
    Field(
        "models_repository.azure_storage_connection_string",
        "cloud.azure.connection_string",
        rules.later,
        "azure_storage_connection_string",
    ),
    Field("models_repository.http_proxy", "proxies.http_proxy", rules.same, "http_proxy"),
    Field("models_repository.https_proxy", "proxies.https_proxy", rules.same, "https_proxy"),
    Field("models_repository.no_proxy", "proxies.no_proxy", rules.commas, "no_proxy"),
)
FIELDS: Tuple[Field, ...] = (*_DEPLOYMENT, *_MODELS, *_SERVER, *_REPOSITORY)
BY_PATH: Dict[str, Field] = {field.path: field for field in FIELDS if field.path}
BY_OLD_NAME: Dict[str, Field] = {field.old: field for field in FIELDS if field.old}
