# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of the fault tests, its sites, and who runs which trial where."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge_lab import cluster as lab_clusters
from edge_lab.plan import Cluster

from edge_faults import servers
from edge_faults.candidates import ROOT, Candidate
from edge_faults.catalog import Fault
from edge_faults.models import Maker
from edge_faults.netlab import ControllerNet, clear_rules
from edge_faults.sites import Site, SiteError
from edge_faults.trials import Stage
from edge_faults.verdict import Tally, Trial

# So often a trial looks for another moment when its fault came too late.
MOMENTS = 5
# So often a trial is done that sent too much and did nothing else wrong; the least of them counts,
# as with the undisturbed runs. A copy that cannot resume sends too much each time; a busy machine,
# on which more left between the look at the queues and the fault, does so once.
MEASURED = 3
LAB = ROOT / "tests" / "testbed" / "lab" / "lab"


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def lab(*arguments: str) -> None:
    """Run the lab's command line; its words go to standard error."""
    subprocess.run([str(LAB), *arguments], check=True, stdout=subprocess.DEVNULL, timeout=900)


@dataclass
class World:
    """The cluster and what was made in it.

    Args:
        name: of the lab cluster.
        folder: for models and logs.
        kubectl: the program.
        seed: of everything random.
    """

    name: str
    folder: Path
    kubectl: Path
    seed: int
    made: int = 0
    watched: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    standing: dict[tuple[str, int], Site] = field(default_factory=dict)

    @property
    def cluster(self) -> Cluster:
        """The lab cluster's plan."""
        return lab_clusters.get(self.name)

    def up(self, images: Sequence[Path]) -> None:
        """Bring the cluster up and give its nodes the images."""
        lab("up", self.name, "--nodes", "2")
        lab("load-image", *map(str, images), "--cluster", self.name)
        clear_rules(self.cluster)

    def repair(self) -> None:
        """Start what ended by itself: the scheduler does, when an API server's end confuses it."""
        lab("up", self.name)

    def make(self, label: str, lane: int, fault: Fault | None = None) -> Site:
        """Return a new site on the lane's node, without servers."""
        self.made += 1
        cluster = self.cluster
        node = cluster.nodes[lane % len(cluster.nodes)]
        # 10 and 20 more are a second and a slow controller of the same site.
        net = ControllerNet(cluster, 1 + (self.made - 1) % 9)
        disk, inodes = (fault.disk, fault.inodes) if fault else (None, None)
        maker = Maker(self.folder, self.seed)
        name = f"{label}-{self.made}"
        everywhere = bool(fault and fault.everywhere)
        ways = fault.ways if fault else None
        shared = bool(fault and fault.rolling)
        site = Site(
            *(name, cluster, node, maker, self.kubectl, net),
            *(disk, inodes, everywhere, ways, shared),
        )
        self.sites.append(site)
        net.up()
        site.up()
        return site

    def site(self, label: str, lane: int) -> Site:
        """Return a site that stays for all faults."""
        if (label, lane) not in self.standing:
            self.standing[label, lane] = self.make(label, lane)
        return self.standing[label, lane]

    @contextmanager
    def own_site(self, label: str, fault: Fault) -> Iterator[Site]:
        """A site for one fault alone, or for those that want the same store."""
        if fault.store:
            key = (f"{fault.store}-{label}", 0)
            if key not in self.standing:
                self.standing[key] = self.make(key[0], 0, fault)
            yield self.standing[key]
            return
        site = self.make(f"{fault.name}-{label}", 0, fault)
        try:
            yield site
        finally:
            self._stop(site)

    def _stop(self, site: Site) -> None:
        self.watched.update(site.watched)
        site.stop()
        pods = ["delete", "pods,jobs", "--all", "--wait=false", "--grace-period=0"]
        try:
            site.kube(*pods)
        except (SiteError, subprocess.TimeoutExpired) as error:
            say(f"{site.name}: {error}")

    def down(self, keep: bool) -> None:
        """End all sites; with C(keep) also remove them from the cluster, which stays."""
        for site in self.sites:
            self.watched.update(site.watched)
            site.stop()
            if keep:
                site.down()
        self.sites.clear()
        self.standing.clear()

    def watch_line(self) -> str:
        """Return how well the watchers kept their period."""
        count = sum(listings for listings, _late, _worst in self.watched.values())
        late = sum(late for _listings, late, _worst in self.watched.values())
        worst = max((worst for _listings, _late, worst in self.watched.values()), default=0.0)
        share = 100 * (1 - late / count) if count else 0.0
        return (
            f"The watchers listed {count} times, {share:.1f} % of them within 20 ms of the one "
            f"before, the longest pause was {1000 * worst:.0f} ms."
        )


@dataclass
class Runner:
    """Runs the trials of one fault with one candidate, on one or several sites at once."""

    world: World
    lanes: int

    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, fault: Fault, candidate: Candidate, count: int) -> Tally:
        """Do all trials and return what they came to."""
        self.world.repair()
        tally = Tally(fault.name, candidate.name, candidate.ours)
        label = "ours" if candidate.ours else "peer"
        if fault.own_store:
            with self.world.own_site(label, fault) as site:
                tally.trials += self._lane(fault, candidate, site, range(count))
            return tally
        lanes = min(self.lanes, count) if fault.shared and candidate.ours else 1
        sites = [self.world.site(label, lane) for lane in range(lanes)]
        with ThreadPoolExecutor(lanes) as pool:
            work = [
                pool.submit(self._lane, fault, replace(candidate), site, range(lane, count, lanes))
                for lane, site in enumerate(sites)
            ]
            try:
                for one in work:
                    tally.trials += one.result()
            except BaseException:  # Ctrl-C: the other lanes end with their present trial
                self.stopping.set()
                for site in sites:
                    site.net.kill_all()
                raise
        return tally

    def _lane(
        self, fault: Fault, candidate: Candidate, site: Site, numbers: Sequence[int]
    ) -> list[Trial]:
        trials: list[Trial] = []
        for number in numbers:
            if self.stopping.is_set():
                break
            trials.append(self._trial(fault, candidate, site, number))
            if number == numbers[-1] and candidate.ours and site.served:
                trials[-1].failed_loads += servers.wait_served(site)
            show(fault, candidate, trials[-1])
        return trials

    def _trial(self, fault: Fault, candidate: Candidate, site: Site, number: int) -> Trial:
        """Do one trial, again at another moment if its fault came too late and all else went well.

        On a busy machine a run can be over before a rule of the network takes hold.
        """
        key = f"{self.world.seed}-{fault.name}-{candidate.name}-{number}"
        trial = self._measured(fault, candidate, site, number, key)
        for again in range(1, MOMENTS):
            if not (trial.missed and well(trial, missed=False)) or self.stopping.is_set():
                break
            trial = self._measured(fault, candidate, site, number, f"{key}-{again}")
        return trial

    def _measured(
        self, fault: Fault, candidate: Candidate, site: Site, number: int, key: str
    ) -> Trial:
        """Do one trial at one moment, up to C(MEASURED) times while only its bytes fall short."""
        trials = [self._once(fault, candidate, site, number, key)]
        while trials[-1].excess > 0 and well(trials[-1], bytes=0, missed=False):
            if len(trials) == MEASURED or self.stopping.is_set():
                return min(trials, key=lambda trial: trial.excess)
            show(fault, candidate, trials[-1])
            trials.append(self._once(fault, candidate, site, number, key))
        return trials[-1]

    def _once(self, fault: Fault, candidate: Candidate, site: Site, number: int, key: str) -> Trial:
        chance = random.Random(key)
        stage = Stage(site, replace(candidate), chance, number)
        try:
            if not site.served:
                stage.undisturbed()
                site.serve()
            return fault.trial(stage)
        except Exception as error:  # a trial that breaks is a trial that fell short
            words = f"{type(error).__name__}: {error}"
            site.recover()
            return Trial(f"trial {number}", note=words[-1500:])


def well(trial: Trial, **apart: Any) -> bool:
    """Whether nothing fell short in a trial, apart from what C(apart) sets right."""
    return Tally("", "", True, [replace(trial, **apart)]).sound


def show(fault: Fault, candidate: Candidate, trial: Trial) -> None:
    """Print one trial."""
    verdict = "ok" if Tally(fault.name, "", True, [trial]).sound else "SHORT"
    ratio = f" {trial.ratio:.2f}x" if trial.undisturbed else ""
    words = [trial.note, *trial.partial[:1], *trial.failed_loads[:2]]
    note = "; ".join(" ".join(word.split()) for word in words if word)
    say(
        f"{fault.name} {candidate.name} {trial.spot}: {verdict}{ratio} {trial.seconds:.1f} s"
        f" {note[:600]}"
    )


def images() -> list[Path]:
    """Return the image tars that the tests need."""
    cache = lab_cache() / "images"
    found = [cache / "edge-python-3.11.tar", cache / "ovms-standin-2026.2.tar"]
    for path in found:
        if not path.is_file():
            raise SystemExit(f"no such image: {path}; run tests/testbed/images/build")
    return found


def lab_cache() -> Path:
    """Return where built things are."""
    from edge_lab import paths

    return paths.cache()


def machine_line() -> str:
    """Return a line on the machine."""
    import os
    import platform

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"Machine: {os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.machine()}, Python "
        f"{sys.version.split()[0]}. The server is the OVMS stand-in."
    )
