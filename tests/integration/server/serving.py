# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server under test, and small real models for it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import openvino
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry
from ansible_collections.openvino.edge.plugins.module_utils.verify.marker import is_marker
from openvino import opset13

COLLECTIONS = Path(__file__).resolve().parents[3] / "collections"
HOST_ROOT = "/var/lib/openvino-edge/models"
# The interpreter that the stand-in for the server itself runs on.
PYTHON = ("sh", "-c", 'exec "$(readlink /proc/1/exe)" -c "$0" "$@"')
# What a program with the usual rules does with the variables of its pod. It asks again, since each
# node learns a moment later that a pod is ready, and a Service is refused there until then.
FETCH = """\
import sys, time, urllib.request
for url in sys.argv[1:]:
    for left in reversed(range(20)):
        try:
            print(urllib.request.urlopen(url, timeout=10).read().decode())
            break
        except OSError as error:
            if not left:
                print(type(error).__name__, error)
            time.sleep(0.5)
"""


def tiny_model(directory: Path, value: float) -> dict[str, bytes]:
    """Return the files of a real model that adds C(value)."""
    data = opset13.parameter([1, 4], numpy.float32, name="x")
    constant = opset13.constant(numpy.full((1, 4), value, numpy.float32))
    model = openvino.Model([opset13.add(data, constant)], [data], "adder")
    path = directory / f"adder-{value:g}.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    return {"model.xml": path.read_bytes(), "model.bin": path.with_suffix(".bin").read_bytes()}


def shell_to_write(files: dict[str, bytes], directory: str) -> str:
    """Return the shell line that puts files into a directory below /store/models."""
    lines = [f"mkdir -p /store/{directory}"]
    for name, content in files.items():
        text = base64.b64encode(content).decode()
        lines.append(f"echo {text} | base64 -d > /store/{directory}/{name}")
    return " && ".join(lines) + " && echo written"


def put_models(
    cluster: Any,
    namespace: str,
    volume: dict[str, Any],
    versions: dict[int, dict[str, bytes]],
    *,
    node: str | None = None,
    below: str = ".",
) -> None:
    """Write C(models/adder/VERSION) on a store, with a pod of the tests' own."""
    with cluster.visitor(namespace, volume, node=node, read_only=False) as visitor:
        for version, files in versions.items():
            line = shell_to_write(files, f"{below}/models/adder/{version}")
            assert visitor.sh(line).strip() == "written"


def models_on_claim(cluster: Any, namespace: str, versions: dict[int, dict[str, bytes]]) -> None:
    """Make the claim C(models), and write the models on it."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    body = {"metadata": {"name": "models"}, "spec": claim}
    cluster.core.create_namespaced_persistent_volume_claim(namespace, body)
    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    put_models(cluster, namespace, volume, versions)


@contextmanager
def models_on_nodes(
    cluster: Any, namespace: str, versions: dict[int, dict[str, bytes]]
) -> Iterator[str]:
    """Write the models into a directory of each node; give its path, and remove it afterwards."""
    root = {"hostPath": {"path": HOST_ROOT, "type": "Directory"}}
    for node in cluster.nodes():
        put_models(cluster, namespace, root, versions, node=node, below=namespace)
    yield f"{HOST_ROOT}/{namespace}"
    for node in cluster.nodes():
        with cluster.visitor(namespace, root, node=node, read_only=False) as visitor:
            visitor.sh(f"rm -rf /store/{namespace}")


@dataclass
class Server:
    """A server under test: run the entry point, look at what it did with another client."""

    cluster: Any
    options: dict[str, Any]
    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """Return where its objects are."""
        return str(self.options["namespace"])

    @property
    def name(self) -> str:
        """Return the option of that name."""
        return str(self.options["name"])

    def args(self, **changes: Any) -> dict[str, Any]:
        """Return the task's arguments; None takes one away."""
        merged = {**self.options, **changes}
        return {key: value for key, value in merged.items() if value is not None}

    def run(self, *, check: bool = False, diff: bool = False, **changes: Any) -> dict[str, Any]:
        """Run the engine's entry point in this process."""
        rules = ArgumentSpecValidator(dict(entry.ARGUMENT_SPEC), **entry.SPEC_RULES)
        checked = rules.validate(self.args(**changes))
        assert not checked.error_messages, checked.error_messages
        runtime = Runtime(check_mode=check, diff=diff, progress=self.said.append)
        try:
            return entry.run(checked.validated_parameters, runtime)
        finally:
            self.warnings.extend(runtime.warnings)

    def run_as_module(self, **changes: Any) -> dict[str, Any]:
        """Run the module file as Ansible does on a host."""
        task = {"ANSIBLE_MODULE_ARGS": self.args(**changes)}
        module = "ansible_collections.openvino.edge.plugins.modules.model_server"
        done = subprocess.run(
            [sys.executable, "-m", module],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def run_in_worker(self, work: Path, **changes: Any) -> dict[str, Any]:
        """Run a play with a local connection: the action plugin does the work."""
        answer = work / "result.json"
        copy = {"content": "{{ result | to_json }}", "dest": str(answer), "mode": "0600"}
        task = {"openvino.edge.model_server": self.args(**changes), "register": "result"}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "tasks": [{**task, "ignore_errors": True}, {"ansible.builtin.copy": copy}],
            "vars": {"ansible_python_interpreter": sys.executable},
        }
        playbook = work / "play.yml"
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(playbook)]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return result

    def pods(self) -> list[Any]:
        """Return its pods, whatever their state."""
        selector = f"openvino.edge/server={self.name}"
        listed = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=selector)
        return list(listed.items)

    def states(self, pod: Any) -> dict[str, str]:
        """Return what a pod itself reports of models: {"model:version": state}."""
        body = self.cluster.core.connect_get_namespaced_pod_proxy_with_path(
            f"{pod.metadata.name}:8081", self.namespace, "v1/config", _preload_content=False
        ).data
        return {
            f"{model}:{item['version']}": item["state"]
            for model, entry_ in json.loads(body).items()
            if not is_marker(model)
            for item in entry_["model_version_status"]
        }

    def until(self, states: dict[str, str], seconds: float = 20) -> None:
        """Wait until every pod itself reports exactly these states."""

        def reached() -> bool:
            return all(self.states(pod) == states for pod in self.pods())

        self.cluster.wait_until(reached, f"every pod reports {states}", seconds)

    def made(self) -> list[str]:
        """Return the objects of the server that exist, as kind/name."""
        selector = f"openvino.edge/server={self.name}"
        core, apps = self.cluster.core, self.cluster.apps
        lists = {
            "ConfigMap": core.list_namespaced_config_map,
            "DaemonSet": apps.list_namespaced_daemon_set,
            "Deployment": apps.list_namespaced_deployment,
            "Service": core.list_namespaced_service,
            "ServiceAccount": core.list_namespaced_service_account,
        }
        return [
            f"{kind}/{item.metadata.name}"
            for kind, listing in lists.items()
            for item in listing(self.namespace, label_selector=selector).items
        ]


ALL_OBJECTS = ["ConfigMap/ocr-config", "Deployment/ocr", "Service/ocr", "ServiceAccount/ocr"]


def play(work: Path, tasks: list[dict[str, Any]], result: str, **variables: Any) -> dict[str, Any]:
    """Run tasks in the worker; return the variable of that name."""
    save = {"content": f"{{{{ {result} | to_json }}}}", "dest": f"{work}/result.json"}
    book = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [*tasks, {"ansible.builtin.copy": {**save, "mode": "0600"}}],
        "vars": {"ansible_python_interpreter": sys.executable, **variables},
    }
    (work / "play.yml").write_text(json.dumps([book]))
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "play.yml"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(work)}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    done = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((work / "result.json").read_text())
    return found


def run_in_pod(server: Server, *command: str) -> str:
    """Run a command in the server's own pod, with its environment."""
    (pod,) = server.pods()
    answer: str = server.cluster.run_in_pod(server.namespace, pod.metadata.name, *command)
    return answer
