# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters, namespaces and a look behind the scenes for the integration tests.

Where the clusters come from: ``EDGE_KUBECONFIG`` (any cluster, one file for both roles), else the
lab (``tests/testbed/lab/lab kubeconfig NAME``). Without a cluster the tests fail: a skipped proof
is none.

Which server they run: ``EDGE_SERVER_IMAGE`` (an image that the nodes have), else the stand-in.
Where another server runs, the tests of the marker ``standin`` are skipped, and counted apart by
``tools/suite.py``; where a newer release runs than a test can have, those of the marker ``until``.

Everything here goes through the ``kubernetes`` package, never through our own client, so that
what the tests set up and look at does not depend on the code under test.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from accounts import Restricted, new_account, remove_accounts
from kubernetes import client as k8s
from kubernetes import config as k8s_config
from kubernetes.stream import stream

REPO_ROOT = Path(__file__).resolve().parents[2]
LAB = REPO_ROOT / "tests" / "testbed" / "lab" / "lab"
AGENT_IMAGE = os.environ.get("EDGE_AGENT_IMAGE", "localhost/edge-python:3.11")
CLIENT_IMAGE = os.environ.get("EDGE_CLIENT_IMAGE", "localhost/edge-client:3.11")
STANDIN = "localhost/ovms-standin:"
SERVER_IMAGE = os.environ.get("EDGE_SERVER_IMAGE") or f"{STANDIN}2026.2"
# How the reason of a skip begins that is counted apart (tools/suite.py).
APART = "stand-in only: "
AGENT_LABEL = "openvino.edge/agent"
POD_WAIT_SECONDS = 120.0


def pytest_configure() -> None:
    """Stop where an archive of a server is given and nobody has made an image of it."""
    if os.environ.get("EDGE_OVMS_IMAGE") and not os.environ.get("EDGE_SERVER_IMAGE"):
        raise pytest.UsageError(
            "EDGE_OVMS_IMAGE names an archive, which pytest does not load: use make real-server, or"
            " name the image that the nodes have in EDGE_SERVER_IMAGE"
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what leans on the stand-in, or on an older release, where another server runs.

    Of files with as many tests the pages come first: theirs mostly wait for the kubelet, and one
    worker would go on with them alone for minutes after the others have ended. xdist itself begins
    with the files that have the most tests.
    """
    items.sort(key=lambda item: item.path.parent.name != "readme")
    tag = re.search(r":v?(20\d\d)\.(\d{1,2})(?!\d)", SERVER_IMAGE.partition("@")[0])
    release = (int(tag[1]), int(tag[2])) if tag else None
    for item in items:
        for marker in item.iter_markers("standin"):
            (reason,) = marker.args
            if not SERVER_IMAGE.startswith(STANDIN):
                item.add_marker(pytest.mark.skip(reason=APART + reason))
        for marker in item.iter_markers("until"):
            year, number, reason = marker.args
            if release is not None and release > (year, number):
                text = f"needs OVMS {year}.{number} or earlier: {reason}"
                item.add_marker(pytest.mark.skip(reason=text))


def _lab_kubeconfig(name: str) -> Path:
    command = [str(LAB), "kubeconfig", name, "--user", "admin"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.fail(f"no cluster: {shlex.join(command)} failed: {done.stderr.strip()}")
    return Path(done.stdout.strip())


@dataclass
class Cluster:
    """One cluster for tests: ``kubeconfig`` of an administrator and independent API clients."""

    name: str
    kubeconfig: Path
    _api: Any = field(default=None, repr=False)

    @property
    def api(self) -> Any:
        """A client of the ``kubernetes`` package, made once."""
        if self._api is None:
            self._api = k8s_config.new_client_from_config(str(self.kubeconfig))
        return self._api

    @property
    def core(self) -> Any:
        """The core API."""
        return k8s.CoreV1Api(self.api)

    @property
    def apps(self) -> Any:
        """Deployments and the like."""
        return k8s.AppsV1Api(self.api)

    @property
    def rbac(self) -> Any:
        """Roles and bindings."""
        return k8s.RbacAuthorizationV1Api(self.api)

    def run_in_pod(self, namespace: str, pod: str, *command: str) -> str:
        """Run a command in a pod, return stdout and stderr together."""
        # stream() patches its client for good: a client of its own keeps the others whole.
        api = k8s.CoreV1Api(k8s_config.new_client_from_config(str(self.kubeconfig)))
        answer: str = stream(
            api.connect_get_namespaced_pod_exec,
            pod,
            namespace,
            command=list(command),
            stderr=True,
            stdin=False,
            stdout=True,
            tty=False,
        )
        return answer

    @property
    def auth(self) -> dict[str, Any]:
        """The authentication options of every module of the collection."""
        return {"kubeconfig": str(self.kubeconfig)}

    def nodes(self) -> list[str]:
        """Names of the nodes."""
        return sorted(node.metadata.name for node in self.core.list_node().items)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Poll twice a second until ``condition`` holds; fail the test with ``what`` after it."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"not within {seconds:g} s: {what}")
            time.sleep(0.5)

    def new_account(self) -> Restricted:
        """Make an account without rights that no other test, and no other worker, has."""
        return new_account(self.core, self.kubeconfig)

    @contextmanager
    def visitor(self, namespace: str, volume: dict[str, Any], **pod: Any) -> Iterator[Visitor]:
        """A pod that mounts ``volume`` read-only at /store, to look at what really is there."""
        visitor = Visitor(self, namespace, f"visitor-{uuid.uuid4().hex[:6]}")
        visitor.start(volume, **pod)
        try:
            yield visitor
        finally:
            visitor.stop()


@dataclass
class Visitor:
    """A running pod of the tests' own; ``sh`` runs a shell line in it."""

    cluster: Cluster
    namespace: str
    pod: str

    def start(
        self,
        volume: dict[str, Any],
        *,
        node: str | None = None,
        uid: int = 5000,
        read_only: bool = True,
        image: str = AGENT_IMAGE,
    ) -> None:
        """Make the pod and wait until it runs."""
        context: dict[str, Any] = {"runAsUser": uid, "runAsGroup": uid}
        if uid:
            context |= {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
            context |= {"fsGroup": uid}
        container: dict[str, Any] = {
            "name": "main",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sleep", "3600"],
            "volumeMounts": [{"name": "store", "mountPath": "/store", "readOnly": read_only}],
            "securityContext": {"allowPrivilegeEscalation": False},
        }
        if uid:  # root keeps what it needs to remove the files of others
            container["securityContext"]["capabilities"] = {"drop": ["ALL"]}
        spec: dict[str, Any] = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "securityContext": context,
            "containers": [container],
            "volumes": [{**volume, "name": "store"}],
        }
        if node:
            spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        metadata: dict[str, Any] = {"name": self.pod}
        if "hostPath" in volume:
            # Tests share the nodes' directories, and a pod that is nobody's helper counts as using
            # every version it sees: that of one test would keep another from deleting its own.
            metadata["labels"] = {AGENT_LABEL: self.pod}
        body = {"metadata": metadata, "spec": spec}
        self.cluster.core.create_namespaced_pod(self.namespace, body)
        self.cluster.wait_until(self._running, f"pod {self.pod} runs", POD_WAIT_SECONDS)

    def _running(self) -> bool:
        pod = self.cluster.core.read_namespaced_pod(self.pod, self.namespace)
        return bool(pod.status.phase == "Running")

    def sh(self, line: str) -> str:
        """Run a shell line, return stdout and stderr together."""
        return self.cluster.run_in_pod(self.namespace, self.pod, "sh", "-c", line)

    def stop(self) -> None:
        """Delete the pod, without waiting."""
        self.cluster.core.delete_namespaced_pod(self.pod, self.namespace, grace_period_seconds=0)


def _cluster(name: str) -> Cluster:
    given = os.environ.get("EDGE_KUBECONFIG")
    if given:
        return Cluster(name, Path(given))
    if not LAB.exists():
        pytest.fail("no cluster: set EDGE_KUBECONFIG or bring the lab up (make lab-up)")
    return Cluster(name, _lab_kubeconfig(name))


@pytest.fixture(scope="session", autouse=True)
def accounts_go() -> Iterator[None]:
    """Remove the accounts of this worker after its last test."""
    yield
    remove_accounts()


@pytest.fixture(scope="session")
def shop() -> Cluster:
    """The cluster with one node and dynamic volumes."""
    return _cluster("shop")


@pytest.fixture(scope="session")
def factory() -> Cluster:
    """The cluster with two nodes and a host directory on each."""
    return _cluster("factory")


@pytest.fixture(scope="session")
def agent_image() -> str:
    return AGENT_IMAGE


@pytest.fixture(scope="session")
def client_image() -> str:
    """An image with Python and the real tritonclient."""
    return CLIENT_IMAGE


@pytest.fixture(scope="session")
def server_image() -> str:
    return SERVER_IMAGE


MakeNamespace = Callable[..., str]


@pytest.fixture
def make_namespace(request: pytest.FixtureRequest) -> Iterator[MakeNamespace]:
    """``make_namespace(cluster, level="restricted")`` -> name; all are deleted after the test."""
    made: list[tuple[Cluster, str]] = []

    def make(cluster: Cluster, level: str = "restricted") -> str:
        name = f"edge-test-{uuid.uuid4().hex[:8]}"
        labels = {"pod-security.kubernetes.io/enforce": level, "openvino.edge/test": "true"}
        cluster.core.create_namespace({"metadata": {"name": name, "labels": labels}})
        made.append((cluster, name))
        return name

    yield make
    for cluster, name in made:
        cluster.core.delete_namespace(name)


MakePvc = Callable[..., dict[str, Any]]


@pytest.fixture
def make_pvc() -> MakePvc:
    """``make_pvc(cluster, namespace, name, size, **spec)`` -> the pod volume that uses it."""

    def make(
        cluster: Cluster, namespace: str, name: str = "models", size: str = "1Gi", **spec: Any
    ) -> dict[str, Any]:
        body = {
            "metadata": {"name": name},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": size}},
                **spec,
            },
        }
        cluster.core.create_namespaced_persistent_volume_claim(namespace, body)
        return {"persistentVolumeClaim": {"claimName": name}}

    return make
