# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server in a namespace of its own, and pods of clients beside it.

What a client costs and what a way in adds is measured in one pod, which asks in turns. The plan of
a measurement is what the module C(benchmark) hands to its own pod.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import measure
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import entry, program
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.pod import Runner
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from cluster import AGENT_IMAGE, RESTRICTED, SERVER_IMAGE, claim, kubeconfig
from kubernetes import client as k8s
from kubernetes import config as k8s_config

sys.path.append(str(Path(__file__).resolve().parents[1] / "standin"))

from harness import write_ir

CLIENT_IMAGE = os.environ.get("EDGE_CLIENT_IMAGE", "localhost/edge-client:3.11")
SERVER = "bench"
MODEL = "m"


class Taken(Exception):
    """Ends a measurement whose plan is all that was wanted."""


@dataclass
class Ground:
    """A namespace with the model C(m) on a claim and a server that serves it."""

    config: str
    namespace: str
    api: Any

    @property
    def kubeconfig(self) -> Path:
        """The file, as those want it who read it themselves."""
        return Path(self.config)

    @property
    def core(self) -> Any:
        """The core API."""
        return k8s.CoreV1Api(self.api)

    def wait_until(self, condition: Callable[[], Any], what: str, seconds: float = 180) -> None:
        """Wait until something holds.

        Raises:
            BenchError: it does not, in time.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise measure.BenchError(f"not within {seconds:g} s: {what}")
            time.sleep(0.5)

    def copy(self, folder: Path) -> None:
        """Write the model, x times two with any number of rows, and copy it to the claim."""
        write_ir(folder / MODEL / "1", dynamic=True)
        self._run(repository, src=str(folder), pvc={"claim_name": "models"})

    def serve(self, **more: Any) -> dict[str, Any]:
        """Deploy the server, or change it."""
        return self._run(
            server,
            name=SERVER,
            image=SERVER_IMAGE,
            pvc={"claim_name": "models"},
            models=[{"name": MODEL, "versions": [1]}],
            wait_timeout=180,
            **more,
        )

    def _run(self, module: Any, **given: Any) -> dict[str, Any]:
        common = {"kubeconfig": self.config, "namespace": self.namespace}
        if module is repository:
            common["agent_image"] = AGENT_IMAGE
        result: dict[str, Any] = module.run(
            fill(module.ARGUMENT_SPEC, {**common, **given}), Runtime()
        )
        return result

    def plan(self, **given: Any) -> dict[str, Any]:
        """Return the plan that C(benchmark) would hand to its pod; files of TLS are in the plan."""
        found: list[dict[str, Any]] = []

        def take(_runner: Any, plan: Mapping[str, Any], *_more: Any) -> None:
            found.append(dict(plan))
            raise Taken

        common = {"kubeconfig": self.config, "namespace": self.namespace, "name": SERVER}
        params = fill(entry.ARGUMENT_SPEC, {**common, "model": MODEL, **given})
        with mock.patch.object(Runner, "run", take):
            try:
                entry.run(params, Runtime())
            except Taken:
                return found[0]
        raise measure.BenchError("benchmark has made no plan")

    def in_pod(self, script: Path, work: Any, files: Mapping[str, bytes], seconds: float) -> Any:
        """Run a script in a pod of the client's image; return the JSON that it prints last.

        Args:
            script: gets the directory of the files as its argument.
            work: for C(work.json) in that directory.
            files: by name, beside it, as C(worker.pyz) and the script are.
            seconds: that it may take.

        Raises:
            BenchError: it has failed, or takes longer.
        """
        contents = {
            program.PROGRAM: program.program(),
            script.name: script.read_bytes(),
            "work.json": json.dumps(work).encode(),
            **files,
        }
        data = {key: base64.b64encode(value).decode() for key, value in contents.items()}
        name = f"client-{time.monotonic_ns() % 10**9}"
        self.core.create_namespaced_config_map(
            self.namespace, {"metadata": {"name": name}, "binaryData": data}
        )
        self.core.create_namespaced_pod(self.namespace, _pod(name, script.name))
        ended: list[str] = []

        def over() -> bool:
            phase = self.core.read_namespaced_pod(name, self.namespace).status.phase
            ended[:] = [phase] if phase in ("Succeeded", "Failed") else []
            return bool(ended)

        self.wait_until(over, f"pod {name} has ended", seconds)
        text = self.core.read_namespaced_pod_log(name, self.namespace, _preload_content=False)
        said = text.data.decode()
        if ended != ["Succeeded"]:
            raise measure.BenchError(f"pod {name}: {said[-3000:]}")
        return json.loads(said.strip().splitlines()[-1])


def _pod(name: str, script: str) -> dict[str, Any]:
    nothing = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    identity = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532}
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {**identity, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "client",
                "image": CLIENT_IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-B", f"/edge/{script}", "/edge"],
                "volumeMounts": [{"name": "edge", "mountPath": "/edge"}],
                "securityContext": nothing,
            }
        ],
        "volumes": [{"name": "edge", "configMap": {"name": name}}],
    }
    return {"metadata": {"name": name, "labels": {"app": "edge-bench-client"}}, "spec": spec}


@contextmanager
def ground(namespace: str, work: Path) -> Iterator[Ground]:
    """Give a namespace with the model; it goes afterwards."""
    config = kubeconfig()
    made = Ground(config, namespace, k8s_config.new_client_from_config(config))
    made.core.create_namespace({"metadata": {"name": namespace, "labels": RESTRICTED}})
    try:
        made.core.create_namespaced_persistent_volume_claim(namespace, claim("models", "1Gi"))
        made.copy(work / "repository")
        yield made
    finally:
        made.core.delete_namespace(namespace)
