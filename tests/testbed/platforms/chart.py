# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chart of the OpenVINO operator (ovms 4.0.0) makes of a C(ModelServer). A stand-in.

Written from openvinotoolkit/operator 5cd2e76, helm-charts/ovms: the values that a resource leaves
out, the templates, and Helm's limit of names.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
# helm.sh/helm/v3, pkg/chartutil/validate_name.go.
LONGEST_RELEASE = 53
VALUES: dict[str, Object] = {
    "deployment_parameters": {"replicas": 1},
    "service_parameters": {"grpc_port": 8080, "rest_port": 8081, "service_type": "ClusterIP"},
    "models_settings": {
        "single_model_mode": True,
        "model_name": "resnet",
        "model_path": "gs://<bucket_name>/<model_dir>",
        "plugin_config": '{"PERFORMANCE_HINT":"LATENCY"}',
        "model_version_policy": '{"latest": { "num_versions":1 }}',
        "target_device": "CPU",
        "idle_sequence_cleanup": False,
        "low_latency_transformation": True,
    },
    "server_settings": {
        "file_system_poll_wait_seconds": 1,
        "sequence_cleaner_poll_wait_minutes": 0,
        "log_level": "INFO",
        "grpc_workers": 1,
    },
    "models_repository": {},
    "monitoring": {},
}


class ReleaseFailed(Exception):
    """Helm refuses the release; the text is that of Helm."""


def chart(item: Object) -> list[Object]:
    """Return the Deployment and the Service of a resource.

    Raises:
        ReleaseFailed: the name is none for a release.
    """
    name = item["metadata"]["name"]
    if len(name) > LONGEST_RELEASE:
        text = "release name is invalid, must match regex ... and the length must not be longer"
        raise ReleaseFailed(f"failed to install release: {text} than {LONGEST_RELEASE}")
    spec = {"image_name": "openvino/model_server:latest", **item["spec"]}
    for group, values in VALUES.items():
        spec[group] = {**values, **(item["spec"].get(group) or {})}
    full = (name if "ovms" in name else f"{name}-ovms")[:63].rstrip("-")
    labels = {"heritage": "Helm", "release": name, "chart": "ovms-4.0.0", "app": full}
    parameters, service = spec["deployment_parameters"], spec["service_parameters"]
    metadata: Object = {"labels": labels}
    if parameters.get("openshift_service_mesh"):
        metadata["annotations"] = {"sidecar.istio.io/inject": "true"}
    deployment: Object = {
        "replicas": parameters["replicas"],
        "selector": {"matchLabels": {"release": name, "app": full}},
        "template": {"metadata": metadata, "spec": _pod(spec)},
    }
    if parameters.get("update_strategy"):
        deployment["strategy"] = parameters["update_strategy"]
    ports = [
        {"name": "grpc", "port": service["grpc_port"], "protocol": "TCP", "targetPort": 8080},
        {"name": "rest", "port": service["rest_port"], "protocol": "TCP", "targetPort": 8081},
    ]
    served = {"ports": ports, "selector": {"app": full}, "type": service["service_type"]}
    made = (("apps/v1", "Deployment", deployment), ("v1", "Service", served))
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": full, "labels": dict(labels)},
            "spec": body,
        }
        for version, kind, body in made
    ]


def _pod(spec: Object) -> Object:
    parameters, store = spec["deployment_parameters"], spec["models_repository"]
    container: Object = {
        "name": "ovms",
        "image": spec["image_name"],
        "ports": [{"containerPort": 8080, "name": "grpc"}, {"containerPort": 8081, "name": "rest"}],
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": "rest"}},
        "readinessProbe": {
            "initialDelaySeconds": 5,
            "periodSeconds": 5,
            "httpGet": {"path": "/v2/health/ready", "port": "rest"},
        },
        "args": arguments(spec),
        "resources": _resources(parameters.get("resources") or {}),
    }
    env = _environment(store)
    if env:
        container["env"] = env
    sources = [
        {key: {"name": parameters[field]}}
        for key, field in (
            ("secretRef", "extra_envs_secret"),
            ("configMapRef", "extra_envs_configmap"),
        )
        if parameters.get(field)
    ]
    if sources:
        container["envFrom"] = sources
    user = {key: int(store[key]) for key in ("runAsUser", "runAsGroup") if store.get(key)}
    if user:
        container["securityContext"] = user
    volumes, mounts = _volumes(spec)
    if volumes:
        container["volumeMounts"] = mounts
    pod: Object = {"containers": [container], **({"volumes": volumes} if volumes else {})}
    affinity = {
        name: parameters[field]
        for name, field in (
            ("nodeAffinity", "node_affinity"),
            ("podAffinity", "pod_affinity"),
            ("podAntiAffinity", "pod_antiaffinity"),
        )
        if parameters.get(field)
    }
    return {**pod, "affinity": affinity} if affinity else pod


def arguments(spec: Object) -> list[str]:
    """Return the command line; C(spec) has the values that the chart has by itself."""
    models, server, metrics = spec["models_settings"], spec["server_settings"], spec["monitoring"]
    found: list[str] = []

    def add(values: Object, *names: str) -> None:
        for name in names:
            if values.get(name):
                found.extend((f"--{name}", str(values[name])))

    if models["single_model_mode"]:
        for name in ("model_path", "model_name", "target_device"):
            found.extend((f"--{name}", str(models[name])))
        add(models, "nireq", "plugin_config", "batch_size", "layout", "shape")
        add(models, "model_version_policy")
        if models.get("is_stateful"):
            found.append("--stateful")
            if models["idle_sequence_cleanup"] is False:
                found.append("--idle_sequence_cleanup=false")
            if models["low_latency_transformation"] is True:
                found.append("--low_latency_transformation")
            add(models, "max_sequence_number")
    else:
        found += ["--config_path", models.get("config_path") or "/config/config.json"]
    if metrics.get("metrics_enable"):
        found.append("--metrics_enable")
    add(metrics, "metrics_list")
    for name in ("log_level", "file_system_poll_wait_seconds"):
        found.extend((f"--{name}", str(server[name])))
    add(server, "grpc_workers", "rest_workers")
    scan = "sequence_cleaner_poll_wait_minutes"
    return [*found, f"--{scan}", str(server[scan]), "--port", "8080", "--rest_port", "8081"]


def _resources(given: Object) -> Object:
    found: Object = {}
    for group in ("limits", "requests"):
        asked = given.get(group) or {}
        amounts = {name: str(asked[name]) for name in ("cpu", "memory") if asked.get(name)}
        if asked.get("xpu_device"):
            amounts[asked["xpu_device"]] = str(asked.get("xpu_device_quantity") or "1")
        found[group] = amounts
    return found


def _environment(store: Object) -> list[Object]:
    pairs = (
        ("http_proxy", store.get("http_proxy")),
        ("https_proxy", store.get("https_proxy")),
        ("no_proxy", store.get("no_proxy")),
        (
            "GOOGLE_APPLICATION_CREDENTIALS",
            "/secret/gcp-creds.json" if store.get("gcp_creds_secret_name") else "",
        ),
        ("AWS_REGION", store.get("aws_region")),
        ("S3_ENDPOINT", store.get("s3_compat_api_endpoint")),
    )
    return [{"name": name, "value": value} for name, value in pairs if value]


def _volumes(spec: Object) -> tuple[list[Object], list[Object]]:
    store, volumes, mounts = spec["models_repository"], [], []

    def add(name: str, path: str, source: Object) -> None:
        volumes.append({"name": name, **source})
        mounts.append({"name": name, "mountPath": path, "readOnly": True})

    if store.get("gcp_creds_secret_name"):
        add("gcpcreds", "/secret", {"secret": {"secretName": "gcpcreds"}})
    config_map = spec["models_settings"].get("config_configmap_name")
    if config_map:
        add("config", "/config", {"configMap": {"name": config_map}})
    if store.get("models_host_path"):
        add("models", "/models", {"hostPath": {"path": store["models_host_path"]}})
    elif store.get("models_volume_claim"):
        claim = {"claimName": store["models_volume_claim"]}
        add("models", "/models", {"persistentVolumeClaim": claim})
    return volumes, mounts
