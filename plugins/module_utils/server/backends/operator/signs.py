# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the OpenVINO operator's progress with a C(ModelServer). Pure.

The operator is Helm-based and has no generation in its status, so the live Deployment is compared
with the one that its chart renders from the resource: openvinotoolkit/operator,
helm-charts/ovms/templates and pkg/helm/internal/types/types.go.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ...plan.diff import covers
from ..conditions import Signs

_FAILURES = ("ReleaseFailed", "Irreconcilable")
# A failed release stays in the status until the next one ends well, which takes Helm seconds.
_GRACE = 15.0
_MODELS, _SERVER, _DEPLOYED = "models_settings", "server_settings", "deployment_parameters"
_STORE, _METRICS = "models_repository", "monitoring"
# Arguments by flag: where their value is, and whether the chart or the definition has one when the
# resource has none.
_ARGUMENTS: Dict[str, Tuple[str, str, bool]] = {
    **{
        f"--{name}": (_MODELS, name, usual)
        for name, usual in (
            ("model_name", True),
            ("model_path", True),
            ("target_device", True),
            ("plugin_config", True),
            ("model_version_policy", True),
            ("batch_size", False),
            ("layout", False),
            ("shape", False),
            ("nireq", False),
        )
    },
    "--log_level": (_SERVER, "log_level", True),
    "--file_system_poll_wait_seconds": (_SERVER, "file_system_poll_wait_seconds", True),
    "--grpc_workers": (_SERVER, "grpc_workers", True),
    "--rest_workers": (_SERVER, "rest_workers", False),
    "--metrics_list": (_METRICS, "metrics_list", False),
}
# These arguments are always written.
_ALWAYS = ("--file_system_poll_wait_seconds",)
_SWITCHES = {
    "--stateful": (_MODELS, "is_stateful"),
    "--metrics_enable": (_METRICS, "metrics_enable"),
}
_VARIABLES = {
    "http_proxy": "http_proxy",
    "https_proxy": "https_proxy",
    "AWS_REGION": "aws_region",
    "S3_ENDPOINT": "s3_compat_api_endpoint",
}
_AFFINITY = {
    "nodeAffinity": "node_affinity",
    "podAffinity": "pod_affinity",
    "podAntiAffinity": "pod_antiaffinity",
}
_MESH = "sidecar.istio.io/inject"

Object = Mapping[str, Any]
Fields = Dict[str, Any]


def behind(owner: Object, deployment: Object) -> List[str]:
    """Return the fields in which a Deployment is not what the resource asks for."""
    wanted, found = _wanted(owner["spec"]), _found(deployment)
    names = [name for name, value in wanted.items() if not _same(found.get(name), value)]
    strategy = (owner["spec"].get(_DEPLOYED) or {}).get("update_strategy")
    if strategy and not covers(deployment["spec"].get("strategy") or {}, strategy):
        names.append("strategy")
    return names


def behind_service(owner: Object, service: Object) -> List[str]:
    """Return the fields in which a Service is not what the resource asks for."""
    asked, spec = owner["spec"].get("service_parameters") or {}, service["spec"]
    ports = {str(item.get("name")): item.get("port") for item in spec.get("ports") or ()}
    wanted = {
        "grpc_port": (asked.get("grpc_port"), ports.get("grpc")),
        "rest_port": (asked.get("rest_port"), ports.get("rest")),
        "service_type": (asked.get("service_type"), spec.get("type", "ClusterIP")),
    }
    return [name for name, (value, found) in wanted.items() if value not in (None, found)]


def complaints(owner: Object) -> Iterator[Tuple[str, str]]:
    """Yield reason and message of what the status says is wrong."""
    for condition in (owner.get("status") or {}).get("conditions") or ():
        if condition.get("type") in _FAILURES and condition.get("status") == "True":
            reason = str(condition.get("reason") or condition["type"])
            yield reason, str(condition.get("message") or reason)


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        # The API server leaves out what is empty.
        names = {key for key, value in (found or {}).items() if value}
        return names <= set(wanted) and covers(found or {}, wanted)
    return wanted == found or covers(found, wanted)


def _wanted(spec: Object) -> Fields:
    """Return the fields that the chart renders; None for a field that must be absent."""
    deployed = spec.get(_DEPLOYED) or {}
    store = spec.get(_STORE) or {}
    fields: Fields = {
        "image": spec.get("image_name"),
        "replicas": deployed.get("replicas", 1),
        "openshift_service_mesh": "true" if deployed.get("openshift_service_mesh") else None,
        "runAsUser": store.get("runAsUser") or None,
        "runAsGroup": store.get("runAsGroup") or None,
        "extra_envs_secret": deployed.get("extra_envs_secret") or None,
        "extra_envs_configmap": deployed.get("extra_envs_configmap") or None,
        "config_configmap_name": (spec.get(_MODELS) or {}).get("config_configmap_name") or None,
        "gcp_creds_secret_name": "gcpcreds" if store.get("gcp_creds_secret_name") else None,
        "models_host_path": store.get("models_host_path") or None,
        "models_volume_claim": store.get("models_volume_claim") or None,
    }
    fields.update({f"env.{name}": store.get(key) or None for name, key in _VARIABLES.items()})
    fields.update({name: deployed.get(key) or {} for name, key in _AFFINITY.items()})
    fields.update(_amounts(deployed.get("resources") or {}))
    fields.update(_arguments(spec))
    return fields


def _amounts(resources: Object) -> Fields:
    fields: Fields = {}
    for group in ("limits", "requests"):
        asked = resources.get(group) or {}
        amounts = {name: asked[name] for name in ("cpu", "memory") if asked.get(name)}
        if asked.get("xpu_device"):
            amounts[asked["xpu_device"]] = str(asked.get("xpu_device_quantity") or "1")
        fields[f"resources.{group}"] = amounts
    return fields


def _arguments(spec: Object) -> Fields:
    models = spec.get(_MODELS) or {}
    single = models.get("single_model_mode", True)
    fields: Fields = {}
    for flag, (group, name, usual) in _ARGUMENTS.items():
        value = (spec.get(group) or {}).get(name)
        if group == _MODELS and not single:
            fields[flag] = None
        elif value in (None, "") and usual:
            continue  # the chart has a value of its own
        else:
            fields[flag] = str(value) if value or flag in _ALWAYS else None
    for flag, (group, name) in _SWITCHES.items():
        on = bool((spec.get(group) or {}).get(name)) and (group != _MODELS or single)
        fields[flag] = "" if on else None
    stateful = fields["--stateful"] is not None
    number = models.get("max_sequence_number") if stateful else None
    fields["--max_sequence_number"] = str(number) if number else None
    for flag, name, value in (
        ("--idle_sequence_cleanup", "idle_sequence_cleanup", False),
        ("--low_latency_transformation", "low_latency_transformation", True),
    ):
        if stateful and models.get(name) is not None:
            shown = "" if value else "false"
            fields[flag] = shown if models[name] is value else None
    path = models.get("config_path") or "/config/config.json"
    fields["--config_path"] = None if single else path
    return fields


def _found(deployment: Object) -> Fields:
    """Return the same fields of a Deployment."""
    spec, template = deployment["spec"], deployment["spec"]["template"]
    pod = template["spec"]
    container = pod["containers"][0]
    security = container.get("securityContext") or {}
    sources = container.get("envFrom") or ()
    fields: Fields = {
        "image": container.get("image"),
        "replicas": spec.get("replicas", 1),
        "openshift_service_mesh": (template["metadata"].get("annotations") or {}).get(_MESH),
        "extra_envs_secret": _first(sources, "secretRef", "name"),
        "extra_envs_configmap": _first(sources, "configMapRef", "name"),
    }
    for name in ("runAsUser", "runAsGroup"):
        fields[name] = None if security.get(name) is None else str(security[name])
    volumes = {str(item.get("name")): [item] for item in pod.get("volumes") or ()}
    for name, volume, source, key in (
        ("config_configmap_name", "config", "configMap", "name"),
        ("gcp_creds_secret_name", "gcpcreds", "secret", "secretName"),
        ("models_host_path", "models", "hostPath", "path"),
        ("models_volume_claim", "models", "persistentVolumeClaim", "claimName"),
    ):
        fields[name] = _first(volumes.get(volume, ()), source, key)
    env = {str(item.get("name")): item.get("value") for item in container.get("env") or ()}
    fields.update({f"env.{name}": env.get(name) for name in _VARIABLES})
    fields.update(pod.get("affinity") or {})
    for group, amounts in (container.get("resources") or {}).items():
        fields[f"resources.{group}"] = amounts
    fields.update(_flags([str(word) for word in container.get("args") or ()]))
    return fields


def _first(items: Any, source: str, key: str) -> Any:
    return next((item[source].get(key) for item in items if item.get(source)), None)


def _flags(words: List[str]) -> Fields:
    """Return the value of each argument by its flag, empty where it has none."""
    found: Fields = {}
    for word, following in zip(words, [*words[1:], "--"]):
        if word.startswith("--"):
            flag, _equals, value = word.partition("=")
            found[flag] = value or ("" if following.startswith("--") else following)
    return found


SIGNS = Signs(behind, complaints, _GRACE)
