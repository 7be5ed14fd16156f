# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy, verify and re-run one server, against the same objects by kubernetes.core tasks.

The server has no model (an empty list is a valid configuration), so that what is measured is the
tool and not the load of a model. The server is the OVMS stand-in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import measure
from cluster import SERVER_IMAGE, Cluster, with_claim

OURS = "model_server + model_status"
PEER = "kubernetes.core.k8s + k8s_info"
SERVER = "bench"
KINDS = ("ServiceAccount", "ConfigMap", "Deployment", "Service")


def our_tasks(namespace: str) -> list[dict[str, Any]]:
    """Return the two tasks of ours."""
    server = {
        "name": SERVER,
        "namespace": namespace,
        "image": SERVER_IMAGE,
        "pvc": {"claim_name": "models"},
        "models": [],
        "wait_timeout": 180,
    }
    status = {"name": SERVER, "namespace": namespace, "models": []}
    return [{"openvino.edge.model_server": server}, {"openvino.edge.model_status": status}]


def peer_tasks(namespace: str, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one ``k8s`` task per object (server-side apply, waiting) and two ``k8s_info``."""
    tasks: list[dict[str, Any]] = []
    for item in objects:
        options = {"definition": item, "apply": True, "server_side_apply": {"field_manager": "x"}}
        if item["kind"] == "Deployment":
            options.update({"wait": True, "wait_timeout": 180})
        tasks.append({"kubernetes.core.k8s": options})
    deployment = {"api_version": "apps/v1", "kind": "Deployment", "namespace": namespace}
    tasks.append({"kubernetes.core.k8s_info": {**deployment, "name": SERVER}})
    selector = [f"openvino.edge/server={SERVER}"]
    pods = {"kind": "Pod", "namespace": namespace, "label_selectors": selector}
    tasks.append({"kubernetes.core.k8s_info": pods})
    return tasks


def _live_objects(cluster: Cluster) -> list[dict[str, Any]]:
    """Read back what ours made, as the peer's input: the very same objects."""
    objects = []
    for kind in KINDS:
        found = json.loads(
            cluster.kubectl("get", kind, "-l", f"openvino.edge/server={SERVER}", "-o", "json")
        )
        objects += [_clean(item) for item in found["items"]]
    return objects


def _clean(item: dict[str, Any]) -> dict[str, Any]:
    kept = ("name", "namespace", "labels", "annotations")
    item["metadata"] = {key: item["metadata"][key] for key in kept if key in item["metadata"]}
    item.pop("status", None)
    item.get("metadata", {}).get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    for key in ("clusterIP", "clusterIPs"):
        item.get("spec", {}).pop(key, None)
    return item


class Deploy:
    """First run and second run of each candidate, each first run in a clean namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.objects: list[dict[str, Any]] = []

    def _clear(self) -> None:
        for kind in ("Deployment", "Service", "ConfigMap", "ServiceAccount"):
            selector = f"openvino.edge/server={SERVER}"
            self.cluster.kubectl("delete", kind, "-l", selector, "--wait=true")
        self.cluster.kubectl(
            "wait", "--for=delete", "pod", "-l", f"openvino.edge/server={SERVER}", "--timeout=60s"
        )

    def ours(self, number: int) -> measure.Sample:
        """Measure our first run."""
        self._clear()
        sample = self.cluster.playbook(our_tasks(self.cluster.namespace), number)
        self.objects = _live_objects(self.cluster)
        return sample

    def ours_again(self, number: int) -> measure.Sample:
        """Measure our unchanged re-run."""
        return self.cluster.playbook(our_tasks(self.cluster.namespace), number)

    def peer(self, number: int) -> measure.Sample:
        """Measure the peer's first run."""
        self._clear()
        tasks = peer_tasks(self.cluster.namespace, self.objects)
        return self.cluster.playbook(tasks, number)

    def peer_again(self, number: int) -> measure.Sample:
        """Measure the peer's unchanged re-run."""
        tasks = peer_tasks(self.cluster.namespace, self.objects)
        return self.cluster.playbook(tasks, number)


def bench(work: Path, rounds: int) -> str:
    """Run both candidates and return the tables."""
    with with_claim("edge-bench-deploy", work) as cluster:
        deploy = Deploy(cluster)
        samples = measure.interleaved(
            {
                "empty play": cluster.empty_play,
                f"{OURS}, first run": deploy.ours,
                f"{OURS}, re-run": deploy.ours_again,
                f"{PEER}, first run": deploy.peer,
                f"{PEER}, re-run": deploy.peer_again,
            },
            rounds,
        )
    return report(samples)


def report(samples: dict[str, list[measure.Sample]]) -> str:
    """Return both tables: the figures, and ours as ratios to the peer."""
    middle = {name: measure.median(values) for name, values in samples.items()}
    rows = [[name, f"{s.wall:.2f}", f"{s.cpu:.2f}"] for name, s in middle.items()]
    first = measure.table("Deploy + verify, medians", ["play", "wall s", "CPU s"], rows)
    floor = middle["empty play"]
    ratios = []
    for what in ("first run", "re-run"):
        ours = middle[f"{OURS}, {what}"].minus(floor)
        peer = middle[f"{PEER}, {what}"].minus(floor)
        ratios.append([what, f"{peer.wall / ours.wall:.1f}x", f"{peer.cpu / ours.cpu:.1f}x"])
    second = measure.table("Peer / ours (net of an empty play)", ["", "wall", "CPU"], ratios)
    return first + "\n" + second
