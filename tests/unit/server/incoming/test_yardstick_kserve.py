# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods that KServe makes of generated resources, against those of what migrate_values makes.

The facts were made by reading kserve/kserve v0.20.0 (utils.go, storage_initializer_injector.go,
hpa_reconciler.go): which field becomes which argument, variable or field of the pod. Each fact is
one of ours as well, or it is named among what is dropped, or in a warning. EDGE_YARDSTICK=N tries N
resources.
"""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter.migrate_values import migrate_values

from ..conftest import checked, make_params, rendered
from .samples import RUNTIME, custom, runtime, service

SEEDS = int(os.environ.get("EDGE_YARDSTICK") or 150)
ARGS: dict[str, tuple[str, ...]] = {
    "nireq": ("1", "8"),
    "batch_size": ("auto", "4", "-1"),
    "shape": ("(1,3,224,224)", "auto", '{"a": "(1,3)", "b": "(1,4)"}'),
    "layout": ("NHWC:NCHW", '{"a": "NHWC"}'),
    "plugin_config": ('{"PERFORMANCE_HINT": "THROUGHPUT"}', '{"PERFORMANCE_HINT": "LATENCY"}'),
    "model_version_policy": ('{"all": {}}', '{"specific": {"versions": [2, 1]}}'),
    "target_device": ("CPU", "GPU", "AUTO"),
    "log_level": ("DEBUG", "ERROR"),
    "file_system_poll_wait_seconds": ("0", "5"),
    "rest_workers": ("2", "8"),
    "grpc_workers": ("1",),
    "grpc_bind_address": ("127.0.0.1",),
    "port": ("9000", "80", "$(NOWHERE)"),
    "cache_dir": ("/tmp/cache",),
}
PREDICTOR: dict[str, tuple[Any, ...]] = {
    "minReplicas": (0, 1, 2),
    "maxReplicas": (1, 4),
    "scaleMetric": ("cpu", "memory", "rps"),
    "scaleTarget": (70,),
    "nodeSelector": ({"zone": "a"},),
    "tolerations": ([{"operator": "Exists"}],),
    "imagePullSecrets": ([{"name": "login"}],),
    "serviceAccountName": ("reader",),
    "priorityClassName": ("high",),
    "terminationGracePeriodSeconds": (10, 300),
    "securityContext": ({"runAsUser": 7, "fsGroup": 8}, {"runAsNonRoot": True, "sysctls": []}),
    "deploymentStrategy": ({"type": "Recreate"},),
    "labels": ({"team": "vision"}, {"opendatahub.io/dashboard": "true"}),
    "annotations": ({"a": "b"}, {"serving.knative.dev/x": "y"}),
    "hostNetwork": (True,),
    "dnsPolicy": ("Default",),
    "containers": ([{"name": "log", "image": "registry.example/log:1"}],),
    "timeout": (60,),
    "canaryTrafficPercent": (10,),
}
MODEL: dict[str, tuple[Any, ...]] = {
    "image": ("registry.example/other:2026.2",),
    "imagePullPolicy": ("Always",),
    "resources": (
        {"requests": {"cpu": "1", "memory": "1Gi"}},
        {"limits": {"cpu": "2", "gpu.intel.com/i915": "1"}},
    ),
    "env": (
        [{"name": "A", "value": "b"}],
        [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        [
            {"name": "HTTP_PROXY", "value": "http://p:1"},
            {"name": "http_proxy", "value": "http://p:1"},
        ],
    ),
    "envFrom": ([{"secretRef": {"name": "more"}}],),
    "workingDir": ("/work",),
    "securityContext": ({"runAsUser": 9, "privileged": False},),
    "readinessProbe": ({"httpGet": {"path": "/v2/health/ready", "port": 1}, "periodSeconds": 7},),
    "livenessProbe": ({"tcpSocket": {"port": 8888}},),
    "lifecycle": ({"preStop": {"exec": {"command": ["sleep", "9"]}}},),
    "runtimeVersion": ("2025.3",),
}
STORAGE: tuple[dict[str, Any], ...] = (
    {"storageUri": "pvc://claim/models/net"},
    {"storageUri": "pvc://claim/a/b"},
    {"storageUri": "pvc://claim"},
    {"storageUri": "s3://bucket/a/net"},
    {"storageUri": "gs://bucket/a/net"},
    {"storageUri": "https://account.blob.core.windows.net/box/net"},
    {"storageUri": "oci://registry.example/car:1"},
    {"storageUri": "hf://org/net"},
    {"storageUri": None, "storage": {"key": "data", "path": "a/net"}},
    {"storageUri": None, "storage": {"path": "a", "parameters": {"type": "gs", "bucket": "buck"}}},
)

Facts = dict[str, Any]


def documents_of(seed: int) -> tuple[list[dict[str, Any]], Facts]:
    """Return generated documents, and the facts of the pod that KServe makes of them."""
    chance = random.Random(seed)

    def some(pool: dict[str, Any], most: int) -> dict[str, Any]:
        names = chance.sample(sorted(pool), chance.randint(0, most))
        return {name: chance.choice(pool[name]) for name in names}

    args, model, predictor = some(ARGS, 6), some(MODEL, 4), some(PREDICTOR, 6)
    equals = chance.random() < 0.5
    words = [
        word
        for key, value in args.items()
        for word in ([f"--{key}={value}"] if equals else [f"--{key}", value])
    ]
    model["args"] = words
    kind = chance.choice(("runtime", "alone", "custom"))
    if kind == "custom":
        model.pop("runtimeVersion", None)
        words = ["--model_name=net", "--model_path=/data/net", *words]
        document = custom(**{**model, "args": words})
        mount = {"name": "data", "mountPath": "/data", "subPath": "models"}
        document["spec"]["predictor"]["containers"][0]["volumeMounts"] = [mount]
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "claim"}}
        predictor["volumes"] = [claim]
        predictor.pop("containers", None)
        base: dict[str, str] = {}
        document["spec"]["predictor"].update(predictor)
    else:
        document = service(predictor, **{**model, **chance.choice(STORAGE)})
        base = _flags(RUNTIME["spec"]["containers"][0]["args"]) if kind == "runtime" else {}
    facts = _facts({**base, **args}, model, predictor, kind)
    return [document, *([runtime()] if kind == "runtime" else [])], facts


def _flags(words: list[str]) -> dict[str, str]:
    pairs = (word[2:].partition("=") for word in words)
    return {key: value or "true" for key, _equals, value in pairs if key[:5] != "model"}


def _facts(args: dict[str, str], model: Facts, predictor: Facts, kind: str) -> Facts:
    facts: Facts = {f"--{key}": value for key, value in args.items()}
    if "image" in model or kind != "alone":
        image = model.get("image", "registry.example/ovms:2025.4")
        if "runtimeVersion" in model:
            image = f"{image.rpartition(':')[0]}:{model['runtimeVersion']}"
        facts["image"] = image
    for key in ("resources", "imagePullPolicy", "envFrom", "workingDir"):
        if key in model:
            facts[key] = model[key]
    facts["env"] = {
        item["name"]: item.get("value") or item["valueFrom"] for item in model.get("env", ())
    }
    if "lifecycle" in model:
        facts["lifecycle"] = model["lifecycle"]
    if "readinessProbe" in model:
        facts["readinessProbe"] = 7
    if "livenessProbe" in model:
        facts["livenessProbe"] = "tcpSocket"
    for key in PREDICTOR:
        if key in predictor and key not in ("scaleMetric", "scaleTarget", "minReplicas"):
            facts[key] = predictor[key]
    facts["minReplicas"] = predictor.get("minReplicas", 1)
    if "runAsUser" in model.get("securityContext", {}):
        facts["runAsUser"] = 9
    return facts


def ours_of(objects: list[dict[str, Any]]) -> Facts:
    """Return the same of our objects."""
    by_kind = {item["kind"]: item for item in objects}
    spec = by_kind["Deployment"]["spec"]
    template = spec["template"]
    pod = template["spec"]
    container, *others = pod["containers"]
    words = container["args"]
    facts: Facts = {}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            facts[name] = value if equals else words[index + 1]
    config = json.loads(by_kind["ConfigMap"]["data"]["config.json"])
    metrics = config.get("monitoring", {}).get("metrics", {}).get("enable")
    facts["--metrics_enable"] = str(bool(metrics)).lower()
    for entry in config["model_config_list"][:1]:
        facts.update({f"--{key}": value for key, value in entry["config"].items()})
    facts.update({key: container.get(key) for key in ("image", "imagePullPolicy", "resources")})
    facts.update({key: container.get(key) for key in ("workingDir", "envFrom", "lifecycle")})
    facts["env"] = {
        item["name"]: item.get("value") or item["valueFrom"] for item in container.get("env", ())
    }
    facts["readinessProbe"] = container["readinessProbe"]["periodSeconds"]
    facts["livenessProbe"] = "httpGet"
    facts["minReplicas"] = spec.get("replicas")
    facts["maxReplicas"] = facts["minReplicas"]
    if "HorizontalPodAutoscaler" in by_kind:
        scaler = by_kind["HorizontalPodAutoscaler"]["spec"]
        facts["minReplicas"], facts["maxReplicas"] = scaler["minReplicas"], scaler["maxReplicas"]
    facts.update(pod)
    facts["runAsUser"] = pod["securityContext"].get("runAsUser")
    facts.update(labels=template["metadata"]["labels"], containers=others)
    facts["annotations"] = template["metadata"].get("annotations", {})
    facts["deploymentStrategy"] = spec["strategy"]
    return facts


def same(name: str, theirs: Any, ours: Any) -> bool:
    """Tell whether a fact of theirs is one of ours; more of ours does no harm."""
    if name in ("--plugin_config", "--model_version_policy", "--shape", "--layout"):
        theirs = json.loads(theirs) if str(theirs).startswith("{") else theirs
        if isinstance(theirs, dict) and "specific" in theirs:
            theirs = {"specific": {"versions": sorted(theirs["specific"]["versions"])}}
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(same("", value, ours.get(key)) for key, value in theirs.items())
    if name == "maxReplicas" and isinstance(ours, int):
        return bool(theirs <= ours)
    if name == "terminationGracePeriodSeconds":
        return bool(theirs <= ours)
    return str(theirs) == str(ours) or theirs == ours


def test_each_fact_of_the_pod_is_ours_or_is_named() -> None:
    told = served = 0
    for seed in range(SEEDS):
        documents, facts = documents_of(seed)
        found = migrate_values(documents)
        assert not [text for text in found["warnings"] if "refuses" in text], (seed, found)
        options = {key: value for key, value in found["options"].items() if key != "expose"}
        stores = any(key in options for key in ("pvc", "cloud", "image_volume"))
        task = {"image": None, "models": None, **({"pvc": None} if stores else {}), **options}
        ours = ours_of(rendered(checked(make_params(**task))))
        served += stores
        paths = [item["path"] for item in found["dropped"]]
        for name, fact in facts.items():
            if not same(name, fact, ours.get(name)):
                assert any(
                    name in path.replace("[", ".").split(".")[-1].split() or f".{name}" in path
                    for path in paths
                ), (seed, name, fact, ours.get(name), found)
                told += 1
        assert all(item["why"] for item in found["dropped"])
    assert told and served > SEEDS / 3


# Each field of a predictor and of its model (kserve/kserve v0.20.0, config/crd/full), with a value;
# EDGE_CRDS=DIR compares them with the definition itself.
EVERY: dict[str, Any] = {
    **{key: values[0] for key, values in PREDICTOR.items()},
    "maxReplicas": 4,
    "activeDeadlineSeconds": 4711,
    "affinity": {"nodeAffinity": {}},
    "autoScaling": {"metrics": [{"type": "Resource", "resource": {"name": "cpu"}}]},
    "automountServiceAccountToken": True,
    "batcher": {"maxLatency": 4711},
    "containerConcurrency": 4711,
    "dnsConfig": {"searches": ["mark"]},
    "enableServiceLinks": True,
    "hostAliases": [{"ip": "1.2.3.4"}],
    "hostIPC": True,
    "hostPID": True,
    "hostUsers": True,
    "hostname": "mark",
    "hostnameOverride": "mark",
    "initContainers": [{"name": "mark", "image": "mark"}],
    "logger": {"url": "mark"},
    "name": "mark",
    "nodeName": "mark",
    "os": {"name": "linux"},
    "overhead": {"cpu": "1"},
    "preemptionPolicy": "Never",
    "priority": 4711,
    "readinessGates": [{"conditionType": "mark"}],
    "resourceClaims": [{"name": "mark"}],
    "resources": {"limits": {"cpu": "1"}},
    "restartPolicy": "Always",
    "runtimeClassName": "mark",
    "scaleMetricType": "Utilization",
    "schedulerName": "mark",
    "schedulingGates": [{"name": "mark"}],
    "serviceAccount": "mark",
    "setHostnameAsFQDN": True,
    "shareProcessNamespace": True,
    "storageContainerName": "mark",
    "storageUris": [{"uri": "pvc://mark/models/net"}],
    "subdomain": "mark",
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ],
    "volumes": [{"name": "mark", "emptyDir": {}}],
    "workerSpec": {"pipelineParallelSize": 2},
}
OTHERS = (
    *("huggingface", "lightgbm", "model", "onnx", "paddle", "pmml", "pytorch", "sklearn"),
    *("tensorflow", "triton", "xgboost"),
)
OF_MODEL: dict[str, Any] = {
    **{key: values[0] for key, values in MODEL.items()},
    "confidential": {"enabled": True},
    "name": "mark",
    "ports": [{"containerPort": 4711}],
    "protocolVersion": "v2",
    "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
    "restartPolicy": "Always",
    "restartPolicyRules": [{"action": "Restart"}],
    "startupProbe": {"httpGet": {"path": "/mark", "port": 1}},
    "stdin": True,
    "stdinOnce": True,
    "storage": {"key": "mark", "path": "a"},
    "storageUri": "pvc://mark/models/ocr",
    "terminationMessagePath": "mark",
    "terminationMessagePolicy": "File",
    "tty": True,
    "volumeDevices": [{"name": "mark", "devicePath": "/dev/mark"}],
    "volumeMounts": [{"name": "mark", "mountPath": "/mark"}],
    "command": ["/ovms/bin/ovms"],
    "args": ["--nireq=4711"],
    "modelFormat": {"name": "onnx"},
    "runtime": "ovms",
}
# They say what is so anyway.
SILENT = ("restartPolicy", "command", "modelFormat", "runtime", "name")


@pytest.mark.parametrize("field", sorted({*EVERY} - {"restartPolicy"}))
def test_no_field_of_a_predictor_is_lost(field: str) -> None:
    given = {field: EVERY[field]}
    model: dict[str, Any] = {"storageUri": None} if field == "storageUris" else {}
    plain = migrate_values([service(), RUNTIME])
    assert migrate_values([service(given, **model), RUNTIME]) != plain, field


@pytest.mark.parametrize("field", sorted({*OF_MODEL} - {*SILENT}))
def test_no_field_of_a_model_is_lost(field: str) -> None:
    model = {"storageUri": None} if field == "storage" else {}
    plain = migrate_values([service(), RUNTIME])
    assert migrate_values([service(**{**model, field: OF_MODEL[field]}), RUNTIME]) != plain, field


def test_the_fields_are_those_of_the_real_definition() -> None:
    if not os.environ.get("EDGE_CRDS"):
        pytest.skip("EDGE_CRDS names no folder with the real definitions")
    path = Path(os.environ["EDGE_CRDS"]) / "serving.kserve.io_inferenceservices.yaml"
    crd = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    predictor = schema["properties"]["predictor"]["properties"]
    assert set(predictor) == {*EVERY, *OTHERS}
    assert set(predictor["model"]["properties"]) == set(OF_MODEL)


ODD: tuple[Any, ...] = (None, 7, "x", "", [], {}, True, [7], {"a": 7}, {"name": None})


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(found for key, item in items for found in _paths(item, (*path, key)))]


def test_a_field_of_any_type_gives_options_or_one_clear_error() -> None:
    refused = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        documents = copy.deepcopy(documents_of(seed)[0])
        path = chance.choice([path for path in _paths(documents) if len(path) > 1])
        place: Any = documents
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = copy.deepcopy(chance.choice(ODD))
        try:
            migrate_values(documents)
        except AnsibleFilterError as error:
            assert str(error).startswith("migrate_values: "), (seed, path)
            refused += 1
    assert 0 < refused < SEEDS
