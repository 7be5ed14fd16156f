# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chart of OVMS makes of a model on a claim, and Helm itself with a chart of that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed" / "bench")]

import peers  # noqa: E402

NAME = "ovms-app"
LABELS = {"release": NAME, "app": NAME}
HELM_LABELS = {**LABELS, "heritage": "Helm", "app.kubernetes.io/managed-by": "Helm"}
# What the chart was installed with.
VALUES = {
    "models_settings": {
        "model_name": "adder",
        "model_path": "/models/models/adder",
        "model_version_policy": '{"specific": {"versions": [1]}}',
        "plugin_config": '{"PERFORMANCE_HINT":"LATENCY"}',
    },
    "models_repository": {"models_volume_claim": "models"},
}
HELM_MARKS = {"meta.helm.sh/release-name": NAME, "meta.helm.sh/release-namespace": "edge"}


def chart_deployment(image: str) -> dict[str, Any]:
    """What the chart of OVMS renders for one model on a claim."""
    args = ["--model_path", "/models/models/adder", "--model_name", "adder"]
    args += ["--target_device", "CPU", "--log_level", "INFO", "--port", "8080"]
    args += ["--rest_port", "8081", "--file_system_poll_wait_seconds", "1"]
    health = {"path": "/v2/health/ready", "port": "rest"}
    container = {
        "name": "ovms",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [
            {"containerPort": 8080, "name": "grpc"},
            {"containerPort": 8081, "name": "rest"},
        ],
        "args": args,
        "env": [{"name": "AWS_ACCESS_KEY_ID", "value": "left-over"}],
        "readinessProbe": {"httpGet": health, "periodSeconds": 1},
        "volumeMounts": [{"name": "models", "mountPath": "/models", "readOnly": True}],
    }
    claim = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
    return {
        "metadata": {"name": NAME, "labels": HELM_LABELS, "annotations": HELM_MARKS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {"containers": [container], "volumes": [claim]},
            },
        },
    }


def chart_service(kind: str = "ClusterIP") -> dict[str, Any]:
    """What the chart of OVMS renders for its Service."""
    ports = [
        {"name": "grpc", "port": 8080, "targetPort": 8080},
        {"name": "rest", "port": 8081, "targetPort": 8081},
    ]
    return {
        "metadata": {"name": NAME, "labels": HELM_LABELS, "annotations": HELM_MARKS},
        "spec": {"type": kind, "selector": {"app": NAME}, "ports": ports},
    }


@dataclass
class Helm:
    """The command, built once from its Go module, for one release in one namespace.

    Attributes:
        kubeconfig: of an administrator.
        namespace: of the release.
        folder: for the chart, and for what Helm keeps on disk.
    """

    kubeconfig: Path
    namespace: str
    folder: Path

    def write_chart(self, image: str) -> None:
        """Write a chart of all kinds that an adoption takes over.

        The value C(level) is an argument of the server, C(extra) a variable of its environment that
        is only there if it has a value.
        """
        deployment = chart_deployment(image)
        pod = deployment["spec"]["template"]["spec"]
        pod["serviceAccountName"] = NAME
        container = pod["containers"][0]
        level = "{{ .Values.level }}"
        container["args"] = [level if word == "INFO" else word for word in container["args"]]
        container["env"] = "EXTRA"
        text = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", **_own(deployment)})
        extra = "{{ if .Values.extra }}{name: EXTRA, value: {{ .Values.extra | quote }}}{{ end }}"
        config = {"config.json": level, "other": "kept"}
        metadata = {"name": NAME, "labels": LABELS}
        items = {
            "deployment": text.replace('"EXTRA"', f"[{extra}]"),
            "service": json.dumps({"apiVersion": "v1", "kind": "Service", **_own(chart_service())}),
            "config": json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {**metadata, "name": f"{NAME}-config"},
                    "data": config,
                }
            ),
            "account": json.dumps(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
            ),
        }
        templates = self.folder / "chart" / "templates"
        templates.mkdir(parents=True)
        for name, item in items.items():
            (templates / f"{name}.yaml").write_text(item)
        about = {"apiVersion": "v2", "name": "ovms", "version": "1.0.0"}
        (self.folder / "chart" / "Chart.yaml").write_text(yaml.safe_dump(about))
        (self.folder / "chart" / "values.yaml").write_text(yaml.safe_dump({"level": "INFO"}))

    def __call__(self, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a verb on the release, whatever comes of it."""
        command = [str(peers.helm()), verb, NAME, *options, "--namespace", self.namespace]
        homes = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
        return subprocess.run(
            [*command, "--kubeconfig", str(self.kubeconfig)],
            env={**os.environ, **{name: str(self.folder / "helm") for name in homes}},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def do(self, verb: str, *options: str) -> str:
        """Run a verb that has to work; returns what it prints."""
        done = self(verb, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, *values: str) -> subprocess.CompletedProcess[str]:
        """Upgrade the release with some values, and wait for the pods."""
        sets = [part for value in values for part in ("--set", value)]
        return self("upgrade", "chart", "--wait", "--timeout", "240s", *sets)

    def status(self) -> str:
        """Return the status of the newest revision."""
        found: str = json.loads(self.do("status", "--output", "json"))["info"]["status"]
        return found


def _own(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what Helm adds itself."""
    metadata = {"name": item["metadata"]["name"], "labels": LABELS}
    return {**item, "metadata": metadata}
