# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's side of a cluster: namespace, claim, receiver pod, playbook runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Mapping, Sequence

import measure
import peers

ROOT = Path(__file__).resolve().parents[3]
AGENT_IMAGE = os.environ.get("EDGE_AGENT_IMAGE", "localhost/edge-python:3.11")
SERVER_IMAGE = os.environ.get("EDGE_SERVER_IMAGE", "localhost/ovms-standin:2026.2")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def kubeconfig(name: str = "shop") -> str:
    """Return the kubeconfig: ``EDGE_KUBECONFIG``, else that of a cluster of the lab."""
    given = os.environ.get("EDGE_KUBECONFIG")
    if given:
        return given
    lab = [str(ROOT / "tests/testbed/lab/lab"), "kubeconfig", name]
    return subprocess.run(lab, check=True, capture_output=True, text=True).stdout.strip()


class Cluster:
    """One namespace of one cluster, made for a benchmark and removed after it."""

    def __init__(self, namespace: str, work: Path, name: str = "shop") -> None:
        self.namespace = namespace
        self.work = work
        self.config = kubeconfig(name)
        settings = work / "ansible.cfg"
        settings.write_text("[defaults]\n")
        self.kubectl_path = str(peers.kubectl())
        self.env = {
            **os.environ,
            "KUBECONFIG": self.config,
            "K8S_AUTH_KUBECONFIG": self.config,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{peers.kubernetes_core()}",
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        """Run kubectl outside the measurement and return what it printed."""
        command = [self.kubectl_path, "-n", self.namespace, *args]
        done = subprocess.run(
            command, env=self.env, input=stdin, capture_output=True, text=True, timeout=300
        )
        if done.returncode != 0:
            raise measure.BenchError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply objects outside the measurement."""
        for item in objects:
            self.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(item))

    def make_namespace(self, labels: Mapping[str, str] = RESTRICTED) -> None:
        """Create the namespace, under the restricted Pod Security level unless told otherwise."""
        metadata = {"name": self.namespace, "labels": dict(labels)}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def remove_namespace(self) -> None:
        """Delete the namespace and all in it."""
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=true")

    def playbook(self, tasks: Sequence[Mapping[str, Any]], number: int) -> measure.Sample:
        """Measure one play with these tasks on the implicit local host."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": list(tasks),
        }
        path = self.work / f"play-{number}-{time.monotonic_ns()}.yml"
        path.write_text(json.dumps([play]))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(path)]
        return self.measured(command, path.with_suffix(".log"))

    def measured(self, command: Sequence[str], log: Path) -> measure.Sample:
        """Measure one command."""
        return measure.run(command, self.env, log)

    def empty_play(self, number: int) -> measure.Sample:
        """Measure a play that does nothing: the floor of every Ansible run."""
        return self.playbook([{"ansible.builtin.meta": "noop"}], number)


@contextmanager
def with_claim(namespace: str, work: Path) -> Iterator[Cluster]:
    """Give a fresh namespace with the claim C(models); it goes afterwards."""
    cluster = Cluster(namespace, work)
    cluster.remove_namespace()
    cluster.make_namespace()
    try:
        cluster.apply(claim("models", "1Gi"))
        yield cluster
    finally:
        cluster.remove_namespace()


def claim(name: str, size: str) -> dict[str, Any]:
    """Return a PersistentVolumeClaim of the default class."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    metadata = {"name": name}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }


def receiver(name: str, claim_name: str) -> dict[str, Any]:
    """Return the sleeping pod with ``tar`` that the peers copy into."""
    container = {
        "name": "receiver",
        "image": AGENT_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "3600"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    identity = {"runAsNonRoot": True, "runAsUser": 5000, "runAsGroup": 5000, "fsGroup": 5000}
    spec = {
        "securityContext": {**identity, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
        "terminationGracePeriodSeconds": 0,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def pod(
    name: str,
    image: str,
    command: Sequence[str] | None,
    volumes: dict[str, dict[str, Any]],
    *,
    node: str = "",
    root: bool = False,
) -> dict[str, Any]:
    """Return a pod that mounts each volume at its name."""
    container: dict[str, Any] = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "volumeMounts": [{"name": key, "mountPath": f"/{key}"} for key in volumes],
    }
    if command:
        container["command"] = list(command)
    elif root:
        # The daemon would become "nobody", whom the image does not know.
        container["args"] = ["--dparam=uid=0", "--dparam=gid=0"]
    spec: dict[str, Any] = {
        "containers": [container],
        "volumes": [{"name": key, **value} for key, value in volumes.items()],
        "terminationGracePeriodSeconds": 0,
    }
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    if not root:
        nothing = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container["securityContext"] = nothing
        identity = {"runAsNonRoot": True, "runAsUser": 5000, "runAsGroup": 5000, "fsGroup": 5000}
        spec["securityContext"] = {**identity, "seccompProfile": {"type": "RuntimeDefault"}}
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
