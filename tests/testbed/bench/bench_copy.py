# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of 300 MiB to a PVC: both our transports against ``kubectl cp`` and ``k8s_cp``.

Ours does more in that time than the peers: it starts its helper pod, hashes on both ends,
syncs and publishes by rename; the peers copy into a pod that already runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import measure
from cluster import AGENT_IMAGE, SERVER_IMAGE, Cluster, claim, receiver

MIB = 1 << 20


def model(folder: Path, name: str, mib: int) -> Path:
    """Write a repository with one ONNX-named model of random bytes; return the repository."""
    version = folder / name / "1"
    version.mkdir(parents=True)
    with (version / "model.onnx").open("wb") as out:
        for _ in range(mib):
            out.write(os.urandom(MIB))
    return folder


class Copy:
    """The four candidates; every run copies bytes that the volume has not seen."""

    def __init__(self, cluster: Cluster, size: int) -> None:
        self.cluster = cluster
        self.size = size
        self.counter = 0

    def _fresh(self) -> tuple[Path, str]:
        self.counter += 1
        name = f"bench{self.counter}"
        return model(self.cluster.work / name, name, self.size), name

    def ours(self, transport: str, number: int) -> measure.Sample:
        """Measure ``openvino.edge.model_repository``."""
        src, name = self._fresh()
        task = {
            "openvino.edge.model_repository": {
                "src": str(src),
                "namespace": self.cluster.namespace,
                "pvc": {"claim_name": "models"},
                "transport": transport,
                "agent_image": AGENT_IMAGE,
                "exec_image": SERVER_IMAGE,
            }
        }
        sample = self.cluster.playbook([task], number)
        self._clean(src, f"models/{name}")
        return sample

    def kubectl_cp(self, number: int) -> measure.Sample:
        """Measure ``kubectl cp`` of the same tree."""
        src, name = self._fresh()
        target = f"{self.cluster.namespace}/receiver:/data/{name}"
        command = [self.cluster.kubectl_path, "cp", str(src / name), target]
        sample = measure.run(command, self.cluster.env, self.cluster.work / f"cp-{number}.log")
        self._clean(src, name)
        return sample

    def k8s_cp(self, number: int) -> measure.Sample:
        """Measure ``kubernetes.core.k8s_cp`` of the same tree."""
        src, name = self._fresh()
        task = {
            "kubernetes.core.k8s_cp": {
                "namespace": self.cluster.namespace,
                "pod": "receiver",
                "local_path": str(src / name),
                "remote_path": "/data",
                "no_preserve": True,
            }
        }
        sample = self.cluster.playbook([task], number)
        self._clean(src, name)
        return sample

    def _clean(self, src: Path, remote: str) -> None:
        """Check that the bytes are there (size), then remove both ends."""
        remote_file = self.cluster.kubectl(
            "exec",
            "receiver",
            "--",
            "find",
            f"/data/{remote}",
            "-name",
            "model.onnx",
            "-size",
            f"{self.size * MIB}c",
        )
        if "model.onnx" not in remote_file:
            raise measure.BenchError(f"/data/{remote} does not hold {self.size} MiB")
        self.cluster.kubectl("exec", "receiver", "--", "rm", "-rf", f"/data/{remote}")
        for path in sorted(src.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()


def bench(work: Path, rounds: int, size: int) -> str:
    """Run all candidates and return the tables."""
    cluster = Cluster("edge-bench-copy", work)
    cluster.remove_namespace()
    cluster.make_namespace()
    try:
        cluster.apply(claim("models", "8Gi"), receiver("receiver", "models"))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/receiver", "--timeout=120s")
        copy = Copy(cluster, size)
        small = Copy(cluster, max(size // 10, 1))
        samples = measure.interleaved(
            {
                "empty play": cluster.empty_play,
                "model_repository (agent)": lambda n: copy.ours("agent", n),
                "model_repository (agent), a tenth": lambda n: small.ours("agent", n),
                "model_repository (exec)": lambda n: copy.ours("exec", n),
                "kubectl cp": copy.kubectl_cp,
                "kubernetes.core.k8s_cp": copy.k8s_cp,
            },
            rounds,
        )
    finally:
        cluster.remove_namespace()
    return report(samples, size)


def report(samples: dict[str, list[measure.Sample]], size: int) -> str:
    """Return both tables: the figures, and ours as ratios to the peers."""
    middle = {name: measure.median(values) for name, values in samples.items()}
    rows = [[name, f"{s.wall:.2f}", f"{s.cpu:.2f}", f"{s.rss:.0f}"] for name, s in middle.items()]
    title = f"{size} MiB to a PVC, medians"
    first = measure.table(title, ["command", "wall s", "CPU s", "peak RSS MiB"], rows)
    return first + "\n" + _ratios(middle)


def _ratios(middle: dict[str, measure.Sample]) -> str:
    """Return peer / ours, net of the empty play where the command is a play."""
    floor = middle["empty play"]
    net = {name: s.minus(floor) for name, s in middle.items()}
    net["kubectl cp"] = middle["kubectl cp"]
    rows = []
    for ours in ("model_repository (agent)", "model_repository (exec)"):
        for peer in ("kubectl cp", "kubernetes.core.k8s_cp"):
            wall = net[peer].wall / net[ours].wall
            cpu = net[peer].cpu / net[ours].cpu
            rows.append([ours, peer, f"{wall:.1f}x", f"{cpu:.1f}x"])
    agent = "model_repository (agent)"
    growth = middle[agent].rss - middle[f"{agent}, a tenth"].rss
    text = measure.table(
        "Peer / ours (net of an empty play)", ["ours", "peer", "wall", "CPU"], rows
    )
    return (
        text + f"\nMemory growth of ours from a tenth of the size to all of it: {growth:.1f} MiB\n"
    )
