# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated clusters by the hundred, behind a real API server.

A simulated cluster is a namespace of a lab cluster of its own. The product installs one real server
there (the OVMS stand-in); its ConfigMap, ServiceAccount, Deployment, ReplicaSet and Pod are then
copied into one namespace for each simulated cluster. The copied pods are bound to a node that has
no kubelet, and their status is what a kubelet has said of the real one, its address included. So
each question to a simulated cluster goes the real way: TLS, the API server, its pod proxy, and
the one real server that answers for all.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from show import GOOD, LAB, PLAYBOOK, ROOT

CLUSTER = "fleet"
NODE = "without-kubelet"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
# A node's controller takes it for lost after 40 s without a new lease.
BEAT = 10.0
MODEL = "tiny"
Object = dict[str, Any]


def lab(*arguments: str) -> str:
    """Run the lab's command and return what it printed."""
    done = subprocess.run([str(LAB), *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


@contextmanager
def simulated(folder: Path, count: int, cluster: str = CLUSTER) -> Iterator[Simulation]:
    """Give so many simulated clusters, in a lab cluster that is up meanwhile."""
    simulation = Simulation(folder, count, cluster)
    try:
        simulation.up()
        yield simulation
    finally:
        simulation.down()


@dataclass
class Simulation:
    """Simulated clusters.

    Attributes:
        folder: for models, kubeconfigs and inventories.
        count: how many.
        cluster: name of the lab cluster.
    """

    folder: Path
    count: int
    cluster: str = CLUSTER
    _stop: threading.Event = field(default_factory=threading.Event)
    _beats: threading.Thread | None = None

    @property
    def names(self) -> list[str]:
        """Return the names of the simulated clusters, as inventory hosts and namespaces."""
        return [f"site-{number:04d}" for number in range(1, self.count + 1)]

    def up(self) -> None:
        """Make everything; some 25 s for the real server, then about 40 ms for each cluster."""
        # One that a run before this has left has other objects.
        lab("down", self.cluster)
        lab("up", self.cluster)
        cache = Path(os.environ.get("EDGE_CACHE") or Path.home() / ".cache" / "openvino-edge")
        images = sorted(map(str, (cache / "images").glob("*.tar")))
        lab("load-image", *images, "--cluster", self.cluster)
        api = Api(self.kubeconfig())
        self._install()
        self._node(api)
        originals = self._originals(api)
        with ThreadPoolExecutor(4) as pool:
            for step in (make_pod, make_set, make_deployment):
                # Each step for all: a controller that sees what it looks for makes nothing.
                list(pool.map(lambda name, step=step: step(api, originals, name), self.names))
        self.check(api)

    def down(self) -> None:
        """End the lab cluster and all in it."""
        self._stop.set()
        if self._beats is not None:
            self._beats.join()
        lab("down", self.cluster)

    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig of the lab cluster."""
        return Path(lab("kubeconfig", self.cluster))

    def check(self, api: Api) -> None:
        """Make sure that the controllers have made no pod of their own.

        Raises:
            RuntimeError: they have.
        """
        pods = api.get("/api/v1/pods?labelSelector=app.kubernetes.io/managed-by%3Dopenvino.edge")
        if len(pods["items"]) != self.count + 1:
            raise RuntimeError(f"{len(pods['items'])} pods for {self.count} simulated clusters")

    def hosts(self, count: int | None = None) -> dict[str, Object]:
        """Return the hosts of an inventory; each cluster has a kubeconfig of its own."""
        content = self.kubeconfig().read_bytes()
        home = self.folder / "kubeconfigs"
        home.mkdir(parents=True, exist_ok=True)
        hosts = {}
        for name in self.names[:count]:
            path = home / f"{name}.yml"
            path.write_bytes(content)
            hosts[name] = {"edge_namespace": name, "edge_kubeconfig": str(path)}
        return hosts

    def variables(self) -> Object:
        """Return the variables that all clusters have in common."""
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "edge_models": [{"name": MODEL, "versions": [1]}],
            "edge_src": str(self.folder / "models"),
            "edge_store": {"pvc": {"claim_name": "models"}},
            "edge_create": True,
            "edge_image": os.environ.get("EDGE_SERVER_IMAGE") or "localhost/ovms-standin:2026.3",
            "edge_agent_image": "localhost/edge-python:3.11",
            "edge_fleet": "simulated",
            "edge_journal": str(self.folder / "journal.sqlite"),
        }

    def inventory(self, hosts: dict[str, Object], name: str = "hosts") -> Path:
        """Write an inventory of some hosts."""
        path = self.folder / f"{name}.json"
        content = {"sites": {"hosts": hosts, "vars": self.variables()}}
        path.write_text(json.dumps(content, indent=1))
        return path

    def _install(self) -> None:
        """Have the product install the one real server, in the namespace C(real)."""
        version = self.folder / "models" / MODEL / "1"
        version.mkdir(parents=True, exist_ok=True)
        (version / "model.xml").write_text(GOOD)
        (version / "model.bin").write_bytes(b"")
        (self.folder / "journal.sqlite").unlink(missing_ok=True)
        real: Object = {
            "edge_namespace": "real",
            "edge_kubeconfig": str(self.kubeconfig()),
            "edge_namespace_labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            "preflight_claim_size": "64Mi",
        }
        written = self.inventory({"real": real}, "real")
        command = [str(PLAYBOOK), "-i", str(written), "site.yml"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the real server was not installed: {done.stdout}{done.stderr}")

    def _node(self, api: Api) -> None:
        """Make the node, and keep its lease fresh as a kubelet would."""
        node = {
            "metadata": {"name": NODE},
            "spec": {"taints": [{"key": "openvino.edge/simulated", "effect": "NoSchedule"}]},
        }
        lease = {"metadata": {"name": NODE}, "spec": {"holderIdentity": NODE}}
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        api.post("/api/v1/nodes", node)
        api.patch(f"/api/v1/nodes/{NODE}/status", {"status": {"conditions": [ready]}})
        api.post(LEASES, lease)

        def beat() -> None:
            while True:
                now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                spec = {"renewTime": now, "leaseDurationSeconds": 40}
                api.patch(f"{LEASES}/{NODE}", {"spec": spec})
                if self._stop.wait(BEAT):
                    return

        self._beats = threading.Thread(target=beat, name="lease", daemon=True)
        self._beats.start()

    def _originals(self, api: Api) -> dict[str, Object]:
        """Return the objects of the real server by kind."""
        label = "?labelSelector=openvino.edge/server%3Dovms"
        return {
            "Pod": one(api.get(f"/api/v1/namespaces/real/pods{label}")),
            "ReplicaSet": one(api.get(f"/apis/apps/v1/namespaces/real/replicasets{label}")),
            "Deployment": api.get("/apis/apps/v1/namespaces/real/deployments/ovms"),
            "ServiceAccount": api.get("/api/v1/namespaces/real/serviceaccounts/ovms"),
            "ConfigMap": api.get("/api/v1/namespaces/real/configmaps/ovms-config"),
        }


class Api:
    """One API server, by paths and plain data; the client is the product's."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client = KubeClient.from_params({"kubeconfig": str(kubeconfig)})

    def get(self, path: str) -> Object:
        """Return an object."""
        return self._client.request_json("GET", path, what=f"get {path}")

    def post(self, path: str, body: Object) -> Object:
        """Create an object."""
        return self._client.request_json("POST", path, body=body, what=f"create in {path}")

    def patch(self, path: str, body: Object) -> Object:
        """Merge into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._client.request_json(
            "PATCH", path, body=body, headers=headers, what=f"patch {path}"
        )


def one(listing: Object) -> Object:
    """Return the only item of a list.

    Raises:
        ValueError: there is none, or there are more.
    """
    (item,) = listing["items"]
    return dict(item)


def copied(original: Object, **spec: Any) -> Object:
    """Return an object as it is to be created elsewhere: without what the API server gives it."""
    meta = original["metadata"]
    kept = {key: meta[key] for key in ("name", "labels", "annotations") if key in meta}
    body = {
        key: copy.deepcopy(value)
        for key, value in original.items()
        if key not in ("metadata", "status")
    }
    if spec:
        body["spec"].update(spec)
    return {**body, "metadata": kept}


def owned(path: str, owner: Object, api: Api) -> None:
    """Make one object the owner of another, as its controller would a little later."""
    reference = {
        "apiVersion": "apps/v1",
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    api.patch(path, {"metadata": {"ownerReferences": [reference]}})


def make_pod(api: Api, originals: dict[str, Object], name: str) -> None:
    """Make the namespace of a simulated cluster, with its pod and what the pod needs."""
    home = f"/api/v1/namespaces/{name}"
    api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    for kind, path in (("ServiceAccount", "serviceaccounts"), ("ConfigMap", "configmaps")):
        api.post(f"{home}/{path}", copied(originals[kind]))
    pod = originals["Pod"]
    made = api.post(f"{home}/pods", copied(pod, nodeName=NODE))
    status = {key: value for key, value in pod["status"].items() if key != "hostIP"}
    status.pop("hostIPs", None)
    api.patch(f"{home}/pods/{made['metadata']['name']}/status", {"status": status})


def make_set(api: Api, originals: dict[str, Object], name: str) -> None:
    """Make the ReplicaSet around the pod, which it finds and takes."""
    home = f"/apis/apps/v1/namespaces/{name}/replicasets"
    made = api.post(home, copied(originals["ReplicaSet"]))
    owned(f"/api/v1/namespaces/{name}/pods/{originals['Pod']['metadata']['name']}", made, api)
    _settle(api, f"{home}/{made['metadata']['name']}", originals["ReplicaSet"])


def make_deployment(api: Api, originals: dict[str, Object], name: str) -> None:
    """Make the Deployment around the ReplicaSet, which it finds and takes."""
    home = f"/apis/apps/v1/namespaces/{name}"
    made = api.post(f"{home}/deployments", copied(originals["Deployment"]))
    owned(f"{home}/replicasets/{originals['ReplicaSet']['metadata']['name']}", made, api)
    _settle(api, f"{home}/deployments/ovms", originals["Deployment"])


def _settle(api: Api, path: str, original: Object) -> None:
    """Write the status that the controller would write: with a thousand it comes late."""
    status = {**original["status"], "observedGeneration": 1}
    api.patch(f"{path}/status", {"status": status})


def main() -> int:
    """Make simulated clusters, write their inventory, and keep them until the input ends."""
    folder, count = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with simulated(folder, count) as simulation:
        written = simulation.inventory(simulation.hosts())
        seconds = time.monotonic() - begun
        print(f"{count} simulated clusters in {seconds:.0f} s: {written}", flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
