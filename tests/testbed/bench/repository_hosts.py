# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory on each node: ours sends one copy to the site, the peers one to each node."""

from __future__ import annotations

from typing import Callable

import measure
from cluster import AGENT_IMAGE, pod
from repository_data import Job
from repository_runs import K8S_CP, KUBECTL, OURS, RSYNC, Once, Runs
from repository_site import RSYNC_IMAGE, Site, Wired, node_port

ABOVE = "/var/lib/openvino-edge"


class Hosts:
    """The directories of all nodes and their pods.

    Args:
        site: a namespace that admits hostPath volumes.
        name: of the directory on each node.
    """

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        found = site.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")
        self.nodes = found.split()
        self.runs: dict[str, Runs] = {}

    def start(self) -> None:
        """Make the directory and the pods on each node."""
        for node in self.nodes:
            path = {"hostPath": {"path": f"{ABOVE}/{self.name}", "type": "DirectoryOrCreate"}}
            data = {"hostPath": {"path": f"{ABOVE}/{self.name}/peers", "type": "DirectoryOrCreate"}}
            volumes = {"store": path, "data": data}
            sleep = ["sleep", "86400"]
            daemon = f"rsyncd-{node}"
            self.site.apply(
                pod(f"peer-{node}", AGENT_IMAGE, sleep, volumes, node=node, root=True),
                pod(daemon, RSYNC_IMAGE, None, {"data": data}, node=node, root=True),
                node_port(daemon),
            )
        for node in self.nodes:
            self.site.wait_for(f"peer-{node}", f"rsyncd-{node}")
            address, port = self.site.node_of(f"peer-{node}"), self.site.port_of(f"rsyncd-{node}")
            self.runs[node] = Runs(self.site, f"rsync://{address}:{port}/data")

    def candidates(self) -> dict[str, Once]:
        """Return what is measured; each brings the job to all nodes."""
        return {
            OURS: self.ours,
            RSYNC: lambda job: self._each(lambda runs, name: runs.rsync(job, name)),
            KUBECTL: lambda job: self._each(lambda runs, name: runs.kubectl_cp(job, name)),
            K8S_CP: lambda job: self._each(lambda runs, name: runs.k8s_cp(job, name)),
        }

    def ours(self, job: Job) -> Wired:
        """Measure one task for all nodes."""
        host_path = {"path": f"{ABOVE}/{self.name}/ours", "nodes": self.nodes}
        runs = self.runs[self.nodes[0]]
        options = runs.options(job, host_path=host_path)
        del options["pvc"]
        return runs.play("openvino.edge.model_repository", options)

    def _each(self, once: Callable[[Runs, str], Wired]) -> Wired:
        """Measure one node after the other; what they take is added up."""
        samples = [once(self.runs[node], f"peer-{node}") for node in self.nodes]
        return Wired(
            sum(item.wall for item in samples),
            sum(item.cpu for item in samples),
            max(item.rss for item in samples),
            wire=sum(item.wire for item in samples),
        )

    def check(self, name: str, job: Job) -> None:
        """Compare the size of the weights on every node with the source's."""
        roots = {OURS: "/store/ours/models", RSYNC: "/data/rsync", KUBECTL: "/data/kubectl"}
        root = roots.get(name, "/data/k8s_cp")
        path = f"{root}/{job.model}/{job.version}/model.bin"
        for node in self.nodes:
            there = self.site.shell(f"stat -c %s {path}", f"peer-{node}").strip()
            if int(there) != (job.path / "model.bin").stat().st_size:
                raise measure.BenchError(f"{name}: {path} on {node} has another size")

    def tidy(self) -> None:
        """Empty the directories."""
        for node in self.nodes:
            self.site.shell("rm -rf /store/ours /data/*", f"peer-{node}")

    def end(self) -> None:
        """Remove the directories of the nodes."""
        for node in self.nodes:
            name = f"cleaner-{node}"
            above = {"above": {"hostPath": {"path": ABOVE}}}
            line = ["sh", "-c", f"rm -rf /above/{self.name}; sleep 86400"]
            self.site.apply(pod(name, AGENT_IMAGE, line, above, node=node, root=True))
            self.site.wait_for(name)
            self.site.shell(f"rm -rf /above/{self.name}", name)
