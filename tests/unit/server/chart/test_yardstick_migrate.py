# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What chart 4.0.0 renders for a values file, against the objects of what migrate_values makes.

The facts were made by reading helm-charts/ovms/templates of openvinotoolkit/operator: which value
becomes which argument, variable or field, and when it is left out. Each fact of the chart is a fact
of ours as well, or the value is among what is dropped, with its reason, or in a warning.
EDGE_YARDSTICK=N tries N values files.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

from ansible_collections.openvino.edge.plugins.filter.migrate_values import migrate_values

from ..conftest import checked, rendered
from .test_migrate import accepted, nested

SEEDS = int(os.environ.get("EDGE_YARDSTICK") or 150)
MS, SS, MR = "models_settings", "server_settings", "models_repository"
DP, SP = "deployment_parameters", "service_parameters"
# The chart's own values.yaml, as far as a template reads it.
DEFAULTS: dict[str, Any] = {
    f"{DP}.replicas": 1,
    f"{SP}.grpc_port": 8080,
    f"{SP}.rest_port": 8081,
    f"{SP}.service_type": "ClusterIP",
    f"{MS}.target_device": "CPU",
    f"{MS}.plugin_config": '{"PERFORMANCE_HINT":"LATENCY"}',
    f"{MS}.model_version_policy": '{"latest": { "num_versions":1 }}',
    f"{MS}.idle_sequence_cleanup": False,
    f"{MS}.low_latency_transformation": True,
    f"{SS}.file_system_poll_wait_seconds": 1,
    f"{SS}.log_level": "INFO",
    f"{SS}.sequence_cleaner_poll_wait_minutes": 0,
}
POOL: dict[str, tuple[Any, ...]] = {
    "image_name": ("registry.example/ovms:2025.4", "registry.example/ovms:2026.2.1"),
    f"{DP}.replicas": (0, 1, 3),
    f"{DP}.resources.limits.memory": ("1Gi",),
    f"{DP}.resources.requests.cpu": ("500m",),
    f"{DP}.extra_envs_secret": ("", "more"),
    f"{SP}.grpc_port": (8080, 9000, 80),
    f"{SP}.rest_port": (8081, 9001, 443),
    f"{SP}.service_type": ("ClusterIP", "NodePort"),
    f"{MS}.target_device": ("CPU", "AUTO"),
    f"{MS}.nireq": (0, 4),
    f"{MS}.plugin_config": ("", '{"NUM_STREAMS":"2"}', '{"PERFORMANCE_HINT":"THROUGHPUT"}'),
    f"{MS}.batch_size": ("", "auto", "4", "-1", "1:8"),
    f"{MS}.shape": ("", "(1,3,224,224)"),
    f"{MS}.layout": ("", "NHWC:NCHW"),
    f"{MS}.model_version_policy": ('{"all": {}}', '{"specific": {"versions": [3, 1]}}'),
    f"{MS}.is_stateful": (False, True),
    f"{MS}.idle_sequence_cleanup": (False, True),
    f"{MS}.low_latency_transformation": (False, True),
    f"{MS}.max_sequence_number": (0, 7),
    f"{SS}.file_system_poll_wait_seconds": (0, 1, 60),
    f"{SS}.log_level": ("INFO", "DEBUG"),
    f"{SS}.grpc_workers": (1, 2),
    f"{SS}.rest_workers": (0, 4),
    f"{SS}.sequence_cleaner_poll_wait_minutes": (0, 5),
    f"{MR}.runAsUser": ("2000",),
    f"{MR}.http_proxy": ("", "http://proxy:3128"),
    f"{MR}.aws_access_key_id": ("AK",),
    f"{MR}.aws_region": ("eu-1",),
    f"{MR}.azure_storage_connection_string": ("AccountName=a;AccountKey=b",),
    "monitoring.metrics_enable": (False, True),
}
PLACES: tuple[dict[str, Any], ...] = (
    {f"{MR}.models_volume_claim": "c", f"{MS}.model_path": "/models/models/net"},
    {f"{MR}.models_volume_claim": "c", f"{MS}.model_path": "/models/site/models/net"},
    {f"{MR}.models_host_path": "/opt/models", f"{MS}.model_path": "/models/net"},
)
OWN: dict[str, Any] = {
    f"{MS}.single_model_mode": False,
    f"{MS}.config_configmap_name": "line",
    f"{MR}.models_volume_claim": "c",
}

Facts = dict[str, Any]


def values_of(seed: int) -> dict[str, Any]:
    """Return the values of a file, by path."""
    chance = random.Random(seed)
    own = chance.random() < 0.3
    made = dict(OWN if own else chance.choice(PLACES))
    if not own:
        made[f"{MS}.model_name"] = "net"
    made["image_name"] = POOL["image_name"][0]
    for path in chance.sample(sorted(POOL), chance.randint(0, 12)):
        made[path] = chance.choice(POOL[path])
    return made


def facts_of_chart(given: dict[str, Any]) -> Facts:
    """Return what the templates make of the values, by the path of the value behind it."""
    value = {**DEFAULTS, **given}
    facts: Facts = {
        "image_name": value["image_name"],
        f"{DP}.replicas": value[f"{DP}.replicas"],
        f"{SP}.grpc_port": value[f"{SP}.grpc_port"],
        f"{SP}.rest_port": value[f"{SP}.rest_port"],
        f"{SP}.service_type": value[f"{SP}.service_type"],
        f"{SS}.log_level": value[f"{SS}.log_level"],
        f"{SS}.file_system_poll_wait_seconds": str(value[f"{SS}.file_system_poll_wait_seconds"]),
    }
    for name in ("grpc_workers", "rest_workers"):
        if value.get(f"{SS}.{name}"):
            facts[f"{SS}.{name}"] = str(value[f"{SS}.{name}"])
    for path in (f"{MR}.http_proxy", f"{MR}.runAsUser", f"{DP}.extra_envs_secret"):
        if value.get(path):
            facts[path] = value[path]
    for path in (f"{DP}.resources.limits.memory", f"{DP}.resources.requests.cpu"):
        if path in given:
            facts[path] = value[path]
    for name in ("aws_access_key_id", "aws_region", "azure_storage_connection_string"):
        if value.get(f"{MR}.{name}"):
            facts[f"{MR}.{name}"] = True
    if value.get("monitoring.metrics_enable"):
        facts["monitoring.metrics_enable"] = True
    if value.get(f"{MS}.single_model_mode") is not False:
        facts.update(_model_of_chart(value))
    return facts


def _model_of_chart(value: dict[str, Any]) -> Facts:
    facts: Facts = {f"{MS}.target_device": value[f"{MS}.target_device"]}
    for name in ("nireq", "batch_size", "shape", "layout"):
        if value.get(f"{MS}.{name}"):
            facts[f"{MS}.{name}"] = str(value[f"{MS}.{name}"])
    for name in ("plugin_config", "model_version_policy"):
        if value[f"{MS}.{name}"]:
            facts[f"{MS}.{name}"] = json.loads(value[f"{MS}.{name}"])
    if value.get(f"{MS}.is_stateful") is True:
        facts[f"{MS}.is_stateful"] = True
        facts[f"{MS}.idle_sequence_cleanup"] = value[f"{MS}.idle_sequence_cleanup"]
        facts[f"{MS}.low_latency_transformation"] = value[f"{MS}.low_latency_transformation"]
        if value.get(f"{MS}.max_sequence_number"):
            facts[f"{MS}.max_sequence_number"] = value[f"{MS}.max_sequence_number"]
        path = f"{SS}.sequence_cleaner_poll_wait_minutes"
        facts[path] = str(value[path])
    return facts


def facts_of_ours(objects: list[dict[str, Any]]) -> Facts:
    """Return the same of our objects."""
    by_kind = {item["kind"]: item for item in objects}
    spec = by_kind["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    args = container["args"]
    flags = {args[n]: args[n + 1] for n in range(len(args) - 1) if args[n].startswith("--")}
    env = {item["name"]: item.get("value", True) for item in container.get("env", ())}
    ports = {item["name"]: item["port"] for item in by_kind["Service"]["spec"]["ports"]}
    facts: Facts = {
        "image_name": container["image"],
        f"{DP}.replicas": spec["replicas"],
        f"{SP}.grpc_port": ports["grpc"],
        f"{SP}.rest_port": ports["rest"],
        f"{SP}.service_type": by_kind["Service"]["spec"].get("type", "ClusterIP"),
        f"{MR}.http_proxy": env.get("http_proxy"),
        f"{MR}.runAsUser": str(pod["securityContext"].get("runAsUser")),
        f"{DP}.extra_envs_secret": next(
            (item["secretRef"]["name"] for item in container.get("envFrom", ())), None
        ),
        f"{MR}.aws_access_key_id": "AWS_ACCESS_KEY_ID" in env,
        f"{MR}.aws_region": "AWS_REGION" in env,
        f"{MR}.azure_storage_connection_string": "AZURE_STORAGE_CONNECTION_STRING" in env,
        f"{DP}.resources.limits.memory": _amount(container, "limits", "memory"),
        f"{DP}.resources.requests.cpu": _amount(container, "requests", "cpu"),
    }
    facts.update({f"{SS}.{name.lstrip('-')}": value for name, value in flags.items()})
    metrics = "--metrics_enable" in args
    if "ConfigMap" in by_kind:
        config = json.loads(by_kind["ConfigMap"]["data"]["config.json"])
        metrics = metrics or config.get("monitoring", {}).get("metrics", {}).get("enable", False)
        model = config["model_config_list"][0]["config"]
        facts.update({f"{MS}.{key}": value for key, value in model.items()})
        facts[f"{MS}.is_stateful"] = model.get("stateful")
        for name in ("nireq", "batch_size"):
            facts[f"{MS}.{name}"] = str(model.get(name))
    facts["monitoring.metrics_enable"] = metrics
    return facts


def _amount(container: dict[str, Any], group: str, name: str) -> Any:
    return container.get("resources", {}).get(group, {}).get(name)


def _same(path: str, chart: Any, ours: Any) -> bool:
    if path == f"{MS}.model_version_policy" and "specific" in chart:
        chart = {"specific": {"versions": sorted(chart["specific"]["versions"])}}
    return bool(chart == ours)


def test_each_fact_of_the_chart_is_ours_or_is_named() -> None:
    told = 0
    for seed in range(SEEDS):
        given = values_of(seed)
        found = migrate_values(nested(given), "ocr-ovms")
        named = {item["path"] for item in found["dropped"]}
        words = " ".join(found["warnings"])
        assert "model_server refuses" not in words, (seed, words)
        ours = facts_of_ours(rendered(checked(accepted(found["options"]))))
        for path, fact in facts_of_chart(given).items():
            if path in named or f"{path.rpartition('.')[2]}:" in words:
                told += 1
                continue
            assert _same(path, fact, ours.get(path)), (seed, path, fact, ours.get(path))
    assert told
