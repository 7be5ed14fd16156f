# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that fail, and the longest time without an answer, while a server is changed.

A client in a pod asks the server over its Service 20 times a second, each time over a new
connection and whether or not earlier requests were answered. One peer is ``kubectl set`` with
``kubectl rollout status`` on the very workload that ``model_server`` has made; it has no way to
another version. The other is ``helm upgrade --wait`` of the chart in ``chart``, which renders the
same objects; its version is a change of the configuration, which the server reads by itself later,
so that command is over before the version serves. The server is the OVMS stand-in.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import measure
import peers
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from bench_gate import params, tiny_repository
from bench_helm import BARE as HELM
from bench_helm import CHART, HELM_DIRECTORIES
from cluster import AGENT_IMAGE, RESTRICTED, SERVER_IMAGE, Cluster, claim, pod

SERVER = "bench"
OTHER_IMAGE = "localhost/ovms-standin:2026.3"
OURS, PEER = "model_server", "kubectl set, rollout status"
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
ABOVE, DIRECTORY = "/var/lib/openvino-edge", "bench-updates"
# By the store and by what a pod asks for: with memory requested there may be two pods for a moment.
MEMORY: dict[str, Any] = {"requests": {"memory": "64Mi"}}
SHARED = {"accessModes": ["ReadWriteMany"], "storageClassName": "shared"}
ON_NODES = {"path": f"{ABOVE}/{DIRECTORY}"}
SITES: dict[str, dict[str, Any]] = {
    "claim ReadWriteOnce, memory requested": {"on": "shop", "claim": {}, "resources": MEMORY},
    "claim ReadWriteOnce, no memory requested": {"on": "shop", "claim": {}, "resources": {}},
    "claim ReadWriteMany": {"on": "factory", "claim": SHARED, "resources": MEMORY},
    "hostPath of one node": {"on": "shop", "host_path": ON_NODES, "resources": MEMORY},
    "DaemonSet, hostPath of two nodes": {
        "on": "factory",
        "host_path": ON_NODES,
        "resources": MEMORY,
        "workload": "DaemonSet",
    },
}
RATE = 20  # requests in a second
DONE = "--for=jsonpath={.status.phase}=Succeeded"
SETTLED = 3.0  # seconds of load before and after a change
CLIENT = """\
import http.client, json, os, sys, threading, time
host, rate = sys.argv[1], float(sys.argv[2])
data = {"name": "data", "shape": [1, 64], "datatype": "FP32", "data": [1.0] * 64}
body = json.dumps({"inputs": [data]})
answers, failures, lock = [], {}, threading.Lock()
def ask():
    connection = http.client.HTTPConnection(host, 8081, timeout=5)
    try:
        connection.request("POST", "/v2/models/tiny/infer", body, {"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        said = "" if answer.status == 200 else f"status {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        said = type(error).__name__
    finally:
        connection.close()
    with lock:
        if said:
            failures[said] = failures.get(said, 0) + 1
        else:
            answers.append(time.monotonic())
begun, number, threads = time.monotonic(), 0, []
while not os.path.exists("/tmp/stop"):
    threads.append(threading.Thread(target=ask))
    threads[-1].start()
    number += 1
    time.sleep(max(0.0, begun + number / rate - time.monotonic()))
for thread in threads:
    thread.join()
answers.sort()
gaps = [then - now for now, then in zip(answers, answers[1:])]
print(json.dumps({"asked": number, "failures": failures, "dark": max(gaps, default=None)}))
"""


def client_pod(name: str, host: str) -> dict[str, Any]:
    """Return the pod that asks until it is told to stop."""
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    identity = {"runAsNonRoot": True, "runAsUser": 5000, "runAsGroup": 5000}
    container = {
        "name": "client",
        "image": AGENT_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", CLIENT, host, str(RATE)],
        "securityContext": secure,
    }
    spec = {
        "restartPolicy": "Never",
        "securityContext": {**identity, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


class Site:
    """One server on one kind of store, and the changes that are made to it."""

    def __init__(self, cluster: Cluster, options: dict[str, Any]) -> None:
        self.cluster = cluster
        self.store: dict[str, Any] = {"pvc": {"claim_name": "models"}}
        if "host_path" in options:
            self.store = {"host_path": options["host_path"]}
        self.workload = options.get("workload", "Deployment")
        self.base = {**self.store, "resources": options["resources"], "workload": self.workload}
        self.common = {"kubeconfig": cluster.config, "namespace": cluster.namespace}
        self.number = 0
        cluster.env.update({name: str(cluster.work / "helm") for name in HELM_DIRECTORIES})

    def fill(self, src: Path) -> None:
        """Publish both versions of the model."""
        given = {"src": str(src), **self.store, "agent_image": AGENT_IMAGE}
        repository.run(params(repository.ARGUMENT_SPEC, **given, **self.common), Runtime())

    def empty(self) -> None:
        """Remove the directories of the nodes, if this store has some."""
        if "host_path" not in self.store:
            return
        found = self.cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")
        above = {"above": {"hostPath": {"path": ABOVE}}}
        line = ["sh", "-c", f"rm -rf /above/{DIRECTORY} && sleep 86400"]
        for node in found.split():
            name = f"cleaner-{node}"
            self.cluster.apply(pod(name, AGENT_IMAGE, line, above, node=node, root=True))
            self.cluster.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")

    def ours(self, version: int = 1, image: str = SERVER_IMAGE, **changes: Any) -> dict[str, Any]:
        """Deploy with our engine."""
        models = [{"name": "tiny", "versions": [version]}]
        given = {**self.base, "image": image, "models": models, "wait_timeout": 180, **changes}
        checked = params(server.ARGUMENT_SPEC, name=SERVER, **given, **self.common)
        return server.run(checked, Runtime())

    def theirs(self, *change: str) -> None:
        """Change the workload with kubectl, and wait for its rollout."""
        what = f"{self.workload.lower()}/{SERVER}"
        self.cluster.kubectl("set", change[0], what, *change[1:])
        self.cluster.kubectl("rollout", "status", what, "--timeout=180s")

    def helm(self, version: int = 1, image: str = SERVER_IMAGE, cpu: str = "") -> None:
        """Install or change the release with Helm, and wait until its pods are Ready."""
        values = {"image": image, "models": [{"name": "tiny", "versions": [version]}]}
        resources = {**self.base["resources"], **({"limits": {"cpu": cpu}} if cpu else {})}
        given = json.dumps({**values, "claimName": "models", "resources": resources})
        path = self.cluster.work / "values.json"
        path.write_text(given)
        place = ["--namespace", self.cluster.namespace, "--values", str(path)]
        self.run_helm("upgrade", "--install", SERVER, str(CHART), *place, "--wait")

    def run_helm(self, *arguments: str) -> None:
        """Run Helm outside the measurement of a process."""
        self.cluster.measured([str(peers.helm()), *arguments], self.cluster.work / "helm.log")

    def remove(self) -> None:
        """Remove the server."""
        given = {"state": "absent", "wait_timeout": 180}
        server.run(params(server.ARGUMENT_SPEC, name=SERVER, **given, **self.common), Runtime())

    def loaded(self, change: Callable[[], Any]) -> tuple[dict[str, Any], float]:
        """Make a change under load; return what the client says, and the seconds it took."""
        self.number += 1
        name, kubectl = f"client-{self.number}", self.cluster.kubectl
        host = f"{SERVER}.{self.cluster.namespace}.svc"
        self.cluster.apply(client_pod(name, host))
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        time.sleep(SETTLED)
        begun = time.monotonic()
        change()
        seconds = time.monotonic() - begun
        time.sleep(SETTLED)
        kubectl("exec", name, "--", "touch", "/tmp/stop")
        kubectl("wait", DONE, f"pod/{name}", "--timeout=60s")
        found: dict[str, Any] = json.loads(kubectl("logs", name).splitlines()[-1])
        kubectl("delete", "pod", name, "--wait=false")
        return found, seconds


Change = tuple[str, str, Callable[[], Any]]


def changes(site: Site) -> list[Change]:
    """Return what is done to a server of ours, in this order: change, by whom, how."""
    more: dict[str, Any] = {"resources": {**site.base["resources"], "limits": {"cpu": "2"}}}
    return [
        ("new version", OURS, lambda: site.ours(2)),
        ("back", OURS, lambda: site.ours()),
        ("new image", OURS, lambda: site.ours(image=OTHER_IMAGE)),
        ("resources", OURS, lambda: site.ours(image=OTHER_IMAGE, **more)),
        # Not measured: the start of the peer's changes is that of ours.
        ("", OURS, lambda: site.ours()),
        ("new image", PEER, lambda: site.theirs("image", f"ovms={OTHER_IMAGE}")),
        ("resources", PEER, lambda: site.theirs("resources", "--limits=cpu=2")),
    ]


def changes_of_helm(site: Site) -> list[Change]:
    """Return the same for a release of the chart."""
    return [
        ("new version", HELM, lambda: site.helm(2)),
        ("back", HELM, lambda: site.helm()),
        ("new image", HELM, lambda: site.helm(image=OTHER_IMAGE)),
        ("resources", HELM, lambda: site.helm(image=OTHER_IMAGE, cpu="2")),
    ]


def repository_of_two(work: Path) -> Path:
    """Return a repository with the same model as versions 1 and 2."""
    folder = tiny_repository(work / "repository")
    first, second = folder / "tiny" / "1", folder / "tiny" / "2"
    second.mkdir()
    for path in first.iterdir():
        (second / path.name).write_bytes(path.read_bytes())
    return folder


def bench(work: Path, rounds: int) -> str:
    """Make every change on every kind of store and return the table."""
    rows = []
    src = repository_of_two(work)
    for where, options in SITES.items():
        with namespace(work, options) as cluster:
            site = Site(cluster, options)
            try:
                site.fill(src)
                found = measured(site, rounds)
            finally:
                site.empty()
        rows += [row(where, *key, values) for key, values in found.items()]
    title = f"Changes under {RATE} requests/s, {rounds} rounds (sums and the worst of all rounds)"
    header = ["store", "change", "by", "failed", "of", "longest s without an answer", "median s"]
    return measure.table(title, header, rows)


@contextmanager
def namespace(work: Path, options: dict[str, Any]) -> Iterator[Cluster]:
    """Give a fresh namespace with the claim of a site, if it has one; it goes afterwards."""
    cluster = Cluster("edge-bench-updates", work, options["on"])
    cluster.remove_namespace()
    cluster.make_namespace(PRIVILEGED if "host_path" in options else RESTRICTED)
    try:
        if "claim" in options:
            body = claim("models", "1Gi")
            body["spec"].update(options["claim"])
            cluster.apply(body)
        yield cluster
    finally:
        cluster.remove_namespace()


Measured = dict[tuple[str, str], list[tuple[dict[str, Any], float]]]


def measured(site: Site, rounds: int) -> Measured:
    """Return what clients said of each change, by change and who made it, and its seconds."""
    found: Measured = {}
    for number in range(rounds):
        told = f"round {number + 1}/{rounds}"
        site.ours()
        each_of(changes(site), site, found, told)
        site.remove()
        if "pvc" in site.store:  # the chart knows no other store
            site.helm()
            each_of(changes_of_helm(site), site, found, told)
            site.run_helm("uninstall", SERVER, "--namespace", site.cluster.namespace, "--wait")
    return found


def each_of(given: list[Change], site: Site, found: Measured, told: str) -> None:
    """Make changes one after the other, and add what the client saw."""
    for what, who, change in given:
        if not what:
            change()
            continue
        said, seconds = site.loaded(change)
        found.setdefault((what, who), []).append((said, seconds))
        sys.stderr.write(f"{told} {what} by {who}: {said}, {seconds:.1f} s\n")


def row(where: str, what: str, who: str, values: list[tuple[dict[str, Any], float]]) -> list[str]:
    """Return one row of the table."""
    said = [item for item, _seconds in values]
    failed = sum(sum(item["failures"].values()) for item in said)
    dark = max(item["dark"] or 0.0 for item in said)
    seconds = sorted(seconds for _item, seconds in values)[len(values) // 2]
    asked = str(sum(item["asked"] for item in said))
    return [where, what, who, str(failed), asked, f"{dark:.2f}", f"{seconds:.1f}"]
