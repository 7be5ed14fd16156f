# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of real clusters share: kubectl, manifests, and a namespace of their own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LAB = Path(__file__).resolve().parent / "lab"
PROBE = "localhost/edge-probe:1"


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the lab's command line; a failure is an AssertionError with its words."""
    done = subprocess.run(
        [str(LAB), *arguments], check=False, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, f"lab {' '.join(arguments)}: {done.stderr}"
    return done


def lab_status() -> dict[str, dict[str, Any]]:
    """`lab status --json`, by cluster name."""
    return {item["name"]: item for item in json.loads(lab("status", "--json").stdout)}


def find_kubectl() -> str:
    """A kubectl: the one in PATH, else the one the lab builds."""
    return shutil.which("kubectl") or lab("build").stdout.strip() + "/kubectl"


class Kubectl:
    """kubectl bound to one kubeconfig and namespace."""

    def __init__(self, kubeconfig: str, namespace: str = "default") -> None:
        self.base = [find_kubectl(), "--kubeconfig", kubeconfig, "--namespace", namespace]
        self.namespace = namespace

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl, whatever comes of it."""
        argv = [*self.base, *arguments]
        return subprocess.run(
            argv, input=stdin, capture_output=True, text=True, check=False, timeout=120
        )

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return its output; a failure is an AssertionError with its words."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "-f", "-", stdin=json.dumps(listed))

    def get(self, *arguments: str) -> Any:
        """An object or list, decoded."""
        return json.loads(self("get", *arguments, "-o", "json"))

    def ready(self, what: str, timeout: int = 90) -> None:
        """Wait until a pod is Ready."""
        self("wait", "--for=condition=Ready", what, f"--timeout={timeout}s")


def eventually(probe: Callable[[], Any], timeout: float = 30.0) -> Any:
    """Call `probe` until it returns something true; its last AssertionError is the failure."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            result = probe()
            assert result, "still nothing"
            return result
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


@contextmanager
def namespace(kubeconfig: str, labels: Mapping[str, str] | None = None) -> Iterator[Kubectl]:
    """A new namespace, ready to take pods; gone afterwards."""
    name = f"lab-test-{secrets.token_hex(4)}"
    cluster = Kubectl(kubeconfig)
    meta = {"name": name, "labels": dict(labels or {})}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    try:
        inside = Kubectl(kubeconfig, name)
        eventually(lambda: inside("get", "serviceaccount", "default"))
        yield inside
    finally:
        cluster("delete", "namespace", name, "--wait=true", "--timeout=90s")


def pod(name: str, *arguments: str, node: str = "", **spec: Any) -> dict[str, Any]:
    """A pod of the probe image that satisfies the restricted profile."""
    container: dict[str, Any] = {
        "name": "probe",
        "image": PROBE,
        "imagePullPolicy": "IfNotPresent",
        "args": list(arguments or ("serve", ":8080")),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": spec.pop("mounts", []),
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 5000,
        "fsGroup": 5000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    selector = {"kubernetes.io/hostname": node} if node else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "securityContext": security,
            "nodeSelector": selector,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            **spec,
        },
    }


def service(name: str, port: int = 80) -> dict[str, Any]:
    """A Service in front of the pod of the same name."""
    ports = [{"port": port, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def claim(name: str, storage_class: str = "", mode: str = "ReadWriteOnce") -> dict[str, Any]:
    """A claim for 1 GiB; without a class, of the cluster's default one."""
    spec: dict[str, Any] = {
        "accessModes": [mode],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": spec,
    }


def given_kubeconfig() -> str | None:
    """The cluster a user points the tests at instead of the lab."""
    return os.environ.get("EDGE_KUBECONFIG")


def node_names(kubectl: Kubectl) -> Sequence[str]:
    """The cluster's nodes that take pods."""
    return [
        item["metadata"]["name"]
        for item in kubectl.get("nodes")["items"]
        if not item["spec"].get("unschedulable") and not item["spec"].get("taints")
    ]
