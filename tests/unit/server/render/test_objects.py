# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as plain data: the whole set once, then what each option changes."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    INPUT_HASH_ANNOTATION,
    endpoints,
    object_labels,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_namespace,
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.placement import on_nodes
from ansible_collections.openvino.edge.plugins.module_utils.server.render.strategy import (
    rollout_strategy,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.marker import marker_model

from ..conftest import MakeSpec

HOST = {"path": "/var/lib/openvino-edge/models"}
LABELS = {
    "app.kubernetes.io/name": "ovms",
    "app.kubernetes.io/instance": "ocr",
    "app.kubernetes.io/managed-by": "openvino.edge",
    "openvino.edge/server": "ocr",
}
SELECTOR = {"app.kubernetes.io/name": "ovms", "openvino.edge/server": "ocr"}
CONFIG = """\
{
  "model_config_list": [
    {
      "config": {
        "base_path": "/models/detection",
        "model_version_policy": {
          "specific": {
            "versions": [
              1
            ]
          }
        },
        "name": "detection",
        "target_device": "CPU"
      }
    },
    {
      "config": {
        "base_path": "/config/edge-config",
        "name": "edge-config-94ef20af5ddc6d94",
        "target_device": "CPU"
      }
    }
  ]
}
"""


def probe(path: str, period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "rest", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


POD = {
    "serviceAccountName": "ocr",
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "terminationGracePeriodSeconds": 35,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 5000,
        "runAsGroup": 5000,
        "fsGroup": 5000,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [
        {
            "name": "ovms",
            "image": "registry.example/ovms:1",
            "imagePullPolicy": "IfNotPresent",
            "args": [
                "--config_path",
                "/config/config.json",
                "--port",
                "8080",
                "--rest_port",
                "8081",
                "--log_level",
                "INFO",
                "--file_system_poll_wait_seconds",
                "1",
            ],
            "ports": [
                {"name": "grpc", "containerPort": 8080, "protocol": "TCP"},
                {"name": "rest", "containerPort": 8081, "protocol": "TCP"},
            ],
            "volumeMounts": [
                {
                    "name": "models",
                    "mountPath": "/models",
                    "subPath": "edge/models",
                    "readOnly": True,
                },
                {"name": "config", "mountPath": "/config", "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},
            ],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "startupProbe": probe("/v2/health/ready", 1, 3, 600),
            "readinessProbe": probe("/v2/health/ready", 5, 3, 3),
            "livenessProbe": probe("/v2/health/live", 10, 5, 6),
            "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        }
    ],
    "volumes": [
        {"name": "models", "persistentVolumeClaim": {"claimName": "models"}},
        {
            "name": "config",
            "configMap": {
                "name": "ocr-config",
                "items": [
                    {"key": "config.json", "path": "config.json"},
                    {"key": "edge-config.onnx", "path": "edge-config/1/model.onnx"},
                ],
            },
        },
        {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
    ],
}


def metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "edge", "labels": LABELS}


GOLDEN = [
    {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata("ocr"),
        "automountServiceAccountToken": False,
    },
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata("ocr-config"),
        "data": {"config.json": CONFIG},
        "binaryData": {"edge-config.onnx": base64.b64encode(marker_model()).decode()},
    },
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata("ocr"),
        "spec": {
            "replicas": 1,
            "progressDeadlineSeconds": 720,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": SELECTOR},
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": LABELS}, "spec": POD},
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata("ocr"),
        "spec": {
            "type": "ClusterIP",
            "selector": SELECTOR,
            "ports": [
                {"name": "grpc", "port": 8080, "targetPort": "grpc", "protocol": "TCP"},
                {"name": "rest", "port": 8081, "targetPort": "rest", "protocol": "TCP"},
            ],
        },
    },
]


def without_hash(item: dict[str, Any]) -> dict[str, Any]:
    annotations = item["metadata"].pop("annotations")
    digest = annotations.pop(INPUT_HASH_ANNOTATION)
    assert len(digest) == 32
    if annotations:
        item["metadata"]["annotations"] = annotations
    return item


def test_golden(spec: MakeSpec) -> None:
    made = spec(pvc={"claim_name": "models", "sub_path": "edge"})
    assert [without_hash(item) for item in render_objects(made)] == GOLDEN


def deployment(made: Any, *modes: str) -> dict[str, Any]:
    facts = ClusterFacts(modes or None)
    item: dict[str, Any] = render_objects(made, facts)[2]
    return item


def pod(made: Any) -> dict[str, Any]:
    template: dict[str, Any] = deployment(made)["spec"]["template"]
    return template


def test_host_path(spec: MakeSpec) -> None:
    host = {**HOST, "nodes": ["n1", "n2"], "node_selector": {"disk": "fast"}}
    made = pod(spec(pvc=None, host_path=host))["spec"]
    assert made["volumes"][0] == {
        "name": "models",
        "hostPath": {"path": "/var/lib/openvino-edge/models/models", "type": "Directory"},
    }
    assert made["containers"][0]["volumeMounts"][0] == {
        "name": "models",
        "mountPath": "/models",
        "readOnly": True,
    }
    assert made["nodeSelector"] == {"disk": "fast"}
    terms = made["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["matchFields"][0]["values"] for term in terms["nodeSelectorTerms"]] == [
        ["n1"],
        ["n2"],
    ]
    (spread,) = made["topologySpreadConstraints"]
    assert (spread["maxSkew"], spread["whenUnsatisfiable"]) == (1, "DoNotSchedule")


def test_nodes_narrow_every_term_of_the_user() -> None:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = [{"matchExpressions": [{"key": k, "operator": "Exists"}]} for k in ("a", "b")]
    given = {"podAffinity": {}, "nodeAffinity": {required: {"nodeSelectorTerms": terms}}}
    made = on_nodes(given, ["n1", "n2"])
    found = made["nodeAffinity"][required]["nodeSelectorTerms"]
    pairs = [(t["matchExpressions"][0]["key"], t["matchFields"][0]["values"][0]) for t in found]
    assert pairs == [("a", "n1"), ("b", "n1"), ("a", "n2"), ("b", "n2")]
    assert given["nodeAffinity"] == {required: {"nodeSelectorTerms": terms}}


@pytest.mark.parametrize(
    ("strategy", "modes", "expected"),
    [
        ("auto", ("ReadWriteOnce",), "Recreate"),
        ("auto", (), "Recreate"),
        ("auto", ("ReadWriteOnce", "ReadWriteMany"), (1, 0)),
        ("auto", ("ReadOnlyMany",), (1, 0)),
        ("Recreate", ("ReadWriteMany",), "Recreate"),
        ("RollingUpdate", ("ReadWriteOnce",), (1, 0)),
    ],
)
def test_strategy_fits_the_claim(
    spec: MakeSpec, strategy: str, modes: tuple[str, ...], expected: Any
) -> None:
    found = rollout_strategy(spec(strategy=strategy), ClusterFacts(modes or None))
    if expected == "Recreate":
        assert found == {"type": "Recreate"}
    else:
        limits = dict(zip(("maxSurge", "maxUnavailable"), expected))
        assert found == {"type": "RollingUpdate", "rollingUpdate": limits}


@pytest.mark.parametrize("strategy", ["auto", "RollingUpdate"])
def test_host_paths_never_need_room_for_one_more(spec: MakeSpec, strategy: str) -> None:
    made = spec(pvc=None, host_path=HOST, strategy=strategy)
    assert rollout_strategy(made, ClusterFacts())["rollingUpdate"] == {
        "maxSurge": 0,
        "maxUnavailable": 1,
    }


def test_options_of_the_pod(spec: MakeSpec) -> None:
    made = pod(
        spec(
            resources={"limits": {"cpu": 2, "memory": "1Gi"}, "requests": {}},
            env={"B": 1, "A": "x"},
            image_pull_secrets=["login"],
            tolerations=[{"operator": "Exists"}],
            affinity={"podAntiAffinity": {}},
            labels={"team": "vision"},
            annotations={"note": "y"},
            supplemental_groups=[44],
            extra_args=["--metrics_enable"],
            startup_timeout=30,
        )
    )
    assert made["metadata"] == {
        "labels": {**LABELS, "team": "vision"},
        "annotations": {"note": "y"},
    }
    container = made["spec"]["containers"][0]
    assert container["resources"] == {"limits": {"cpu": "2", "memory": "1Gi"}}
    assert container["env"] == [{"name": "A", "value": "x"}, {"name": "B", "value": "1"}]
    assert container["args"][-1] == "--metrics_enable"
    assert container["startupProbe"]["failureThreshold"] == 30
    assert made["spec"]["imagePullSecrets"] == [{"name": "login"}]
    assert made["spec"]["tolerations"] == [{"operator": "Exists"}]
    assert made["spec"]["affinity"] == {"podAntiAffinity": {}}
    assert made["spec"]["securityContext"]["supplementalGroups"] == [44]


def test_platform_chooses_the_user(spec: MakeSpec) -> None:
    made = pod(spec(run_as_user=-1, run_as_group=-1, fs_group=-1))["spec"]["securityContext"]
    assert made == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_configuration_only_restarts_pods_that_do_not_poll(spec: MakeSpec) -> None:
    other = [{"name": "detection", "versions": [2]}]
    assert pod(spec()) == pod(spec(models=other))
    still = pod(spec(file_system_poll_wait_seconds=0))
    moved = pod(spec(file_system_poll_wait_seconds=0, models=other))
    assert still != moved
    assert list(still["metadata"]["annotations"]) == ["openvino.edge/config-hash"]


def test_labels_of_a_user_never_replace_ours(spec: MakeSpec) -> None:
    assert object_labels(spec(labels={"a": "b"})) == {**LABELS, "a": "b"}


def test_namespace(spec: MakeSpec) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    assert render_namespace(spec(create_namespace=True, namespace_labels=labels)) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "edge", "labels": labels},
    }


def test_endpoints() -> None:
    assert endpoints("ocr", "edge", {"rest": 8081}) == {"rest": "ocr.edge.svc:8081"}
