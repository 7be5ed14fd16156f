# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server, first run and unchanged re-run, against ``helm upgrade --install`` of the same.

The chart in ``chart`` is written for this and renders what ``model_server`` makes; after the first
runs both are compared as the API server shows them. Helm is measured as a command of its own and as
a task of a play, which is how it comes into a play of many clusters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import measure
import peers
from bench_deploy import SERVER, our_tasks
from cluster import SERVER_IMAGE, Cluster, with_claim

OURS = "model_server"
BARE = "helm upgrade --install"
PLAY = "helm upgrade --install, in a play"
CHART = Path(__file__).resolve().parent / "chart"
# Where Helm keeps what it knows.
HELM_DIRECTORIES = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
# What belongs to one of the two only, or is chosen by the cluster.
OWN = ("selector", "clusterIP", "clusterIPs", "labels", "creationTimestamp")


def without_own(item: Any) -> Any:
    """Return an object without the names and labels by which each tool finds its own."""
    if isinstance(item, dict):
        return {key: without_own(value) for key, value in item.items() if key not in OWN}
    if isinstance(item, list):
        return [without_own(value) for value in item]
    return item


class Helm:
    """First run and second run of each candidate, each first run without the server."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.helm = str(peers.helm())
        cluster.env.update({name: str(cluster.work / "helm") for name in HELM_DIRECTORIES})
        self.ours_live: dict[str, Any] = {}

    def command(self) -> list[str]:
        """Return the command that installs or upgrades the chart."""
        values = [f"image={SERVER_IMAGE}", "claimName=models"]
        sets = [part for value in values for part in ("--set", value)]
        place = ["--namespace", self.cluster.namespace]
        return [self.helm, "upgrade", "--install", SERVER, str(CHART), *place, *sets, "--wait"]

    def live(self) -> dict[str, Any]:
        """Return what the cluster runs, by kind."""
        names = {"Deployment": SERVER, "Service": SERVER, "ConfigMap": f"{SERVER}-config"}
        found = {}
        for kind, name in names.items():
            item = json.loads(self.cluster.kubectl("get", kind, name, "-o", "json"))
            part = without_own(item.get("spec") or item.get("data"))
            if kind == "ConfigMap":
                part = json.loads(part["config.json"])
            found[kind] = part
        return found

    def clear(self) -> None:
        """Remove the server, whoever made it."""
        release = [self.helm, "uninstall", SERVER, "--ignore-not-found", "--wait"]
        where = ["--namespace", self.cluster.namespace]
        self.cluster.measured([*release, *where], self.cluster.work / "uninstall.log")
        for kind in ("Deployment", "Service", "ConfigMap", "ServiceAccount"):
            label = f"openvino.edge/server={SERVER}"
            self.cluster.kubectl("delete", kind, "-l", label, "--wait=true")
        label = f"app.kubernetes.io/instance={SERVER}"
        self.cluster.kubectl("wait", "--for=delete", "pod", "-l", label, "--timeout=60s")

    def ours(self, number: int) -> measure.Sample:
        """Measure our first run."""
        self.clear()
        sample = self.ours_again(number)
        self.ours_live = self.live()
        return sample

    def ours_again(self, number: int) -> measure.Sample:
        """Measure our unchanged re-run."""
        return self.cluster.playbook(our_tasks(self.cluster.namespace)[:1], number)

    def bare(self, number: int) -> measure.Sample:
        """Measure Helm's first run, and make sure that it made the same."""
        self.clear()
        sample = self.bare_again(number)
        theirs = self.live()
        if theirs != self.ours_live:
            raise measure.BenchError(f"not the same objects:\n{self.ours_live}\n{theirs}")
        return sample

    def bare_again(self, number: int) -> measure.Sample:
        """Measure Helm's unchanged re-run."""
        log = self.cluster.work / f"helm-{number}.log"
        return self.cluster.measured(self.command(), log)

    def play(self, number: int) -> measure.Sample:
        """Measure Helm's first run as a task of a play."""
        self.clear()
        return self.play_again(number)

    def play_again(self, number: int) -> measure.Sample:
        """Measure Helm's unchanged re-run as a task of a play."""
        task = {"ansible.builtin.command": {"argv": self.command()}}
        return self.cluster.playbook([task], number)


def bench(work: Path, rounds: int) -> str:
    """Run all candidates and return the tables."""
    with with_claim("edge-bench-helm", work) as cluster:
        helm = Helm(cluster)
        samples = measure.interleaved(
            {
                "empty play": cluster.empty_play,
                f"{OURS}, first run": helm.ours,
                f"{OURS}, re-run": helm.ours_again,
                f"{BARE}, first run": helm.bare,
                f"{BARE}, re-run": helm.bare_again,
                f"{PLAY}, first run": helm.play,
                f"{PLAY}, re-run": helm.play_again,
            },
            rounds,
        )
    return report(samples)


def report(samples: dict[str, list[measure.Sample]]) -> str:
    """Return both tables: the figures, and Helm's as ratios to ours.

    Walls are also told for the quickest round, and compared by it: on a machine that others use,
    the median tells more about them.
    """
    middle = {name: measure.median(values) for name, values in samples.items()}
    quick = {name: min(item.wall for item in values) for name, values in samples.items()}
    rows = [
        [name, f"{quick[name]:.2f}", f"{item.wall:.2f}", f"{item.cpu:.2f}"]
        for name, item in middle.items()
    ]
    header = ["command", "wall s, quickest", "wall s, median", "CPU s, median"]
    first = measure.table("Render, apply and wait", header, rows)
    best = {name: measure.Sample(quick[name], item.cpu, item.rss) for name, item in middle.items()}
    floor, ratios = best["empty play"], []
    for what in ("first run", "re-run"):
        ours, bare, play = (best[f"{name}, {what}"] for name in (OURS, BARE, PLAY))
        net = ours.minus(floor)
        for name, peer, mine in (
            ("Helm's command / our whole play", bare, ours),
            ("Helm's command / ours net of an empty play", bare, net),
            ("Helm in a play / our play, both net of an empty play", play.minus(floor), net),
        ):
            wall, cpu = ratio(peer.wall, mine.wall), ratio(peer.cpu, mine.cpu)
            ratios.append([f"{what}: {name}", wall, cpu])
    title = "Helm / ours (wall of the quickest rounds, median CPU)"
    return first + "\n" + measure.table(title, ["", "wall", "CPU"], ratios)


def ratio(peer: float, mine: float) -> str:
    """Return a ratio; a net time that is lost in the noise has none."""
    return f"{peer / mine:.2f}x" if peer > 0 and mine > 0 else "-"
