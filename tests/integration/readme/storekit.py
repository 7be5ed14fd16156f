# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and directories of the lab's nodes, which the tests fill and empty."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from userkit import LAB


def on_node(node: str, *argv: str) -> None:
    """Run a command on a node of the lab."""
    done = subprocess.run([str(LAB), "exec", node, "--", *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@dataclass
class Disk:
    """A small file system on one node, as a volume that a claim can name; C(size) as of tmpfs."""

    cluster: Any
    path: str
    size: str

    def __enter__(self) -> Disk:
        node = self.cluster.nodes()[0]
        on_node(node, "mkdir", "-p", self.path)
        options = f"mode=2770,gid=5000,size={self.size}"
        on_node(node, "mount", "-t", "tmpfs", "-o", options, "edge", self.path)
        name = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        body = {
            "metadata": {"name": self.name},
            "spec": {
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": self.name,
                "local": {"path": self.path},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [name]}]}},
            },
        }
        self.cluster.core.create_persistent_volume(body)
        return self

    @property
    def name(self) -> str:
        """Name of the volume, and of its class, which no other claim has."""
        return self.path.rpartition("/")[2]

    @property
    def claim(self) -> str:
        """What a claim for it says."""
        return f"storageClassName: {self.name}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cluster.core.delete_persistent_volume(self.name)
        on_node(self.cluster.nodes()[0], "umount", "--lazy", self.path)
        on_node(self.cluster.nodes()[0], "rmdir", self.path)


@dataclass
class Folder:
    """A directory of the same path on all nodes of a cluster."""

    cluster: Any
    path: str

    @property
    def nodes(self) -> list[str]:
        """Names of the nodes."""
        nodes: list[str] = self.cluster.nodes()
        return nodes

    def __enter__(self) -> Folder:
        return self

    def replace_last_node(self, namespace: str, server: str) -> None:
        """Empty the directory on the last node and end its replica, as a new machine would be."""
        node = self.nodes[-1]
        on_node(node, "rm", "-rf", self.path)
        on_node(node, "mkdir", "-p", self.path)
        core, selector = self.cluster.core, f"openvino.edge/server={server}"
        old = {
            pod.metadata.uid: pod.metadata.name
            for pod in core.list_namespaced_pod(namespace, label_selector=selector).items
            if pod.spec.node_name == node
        }
        for name in old.values():
            core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)

        def anew() -> bool:
            listed = core.list_namespaced_pod(namespace, label_selector=selector).items
            fresh = [pod for pod in listed if pod.metadata.uid not in old]
            return len(fresh) == len(self.nodes) and not set(old) & {
                pod.metadata.uid for pod in listed
            }

        self.cluster.wait_until(anew, "the node has a new replica")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for node in self.nodes:
            on_node(node, "rm", "-rf", self.path)
