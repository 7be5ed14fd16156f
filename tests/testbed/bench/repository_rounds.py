# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The situations, each with every candidate that can be in it, round by round."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Callable, Sequence

from repository_data import CHANGES, Job, new_part, one_file, parts, small_files
from repository_hosts import Hosts
from repository_runs import (
    EMPTY,
    FLOOR,
    K8S_CP,
    KUBECTL,
    OURS,
    RECORD,
    RSYNC,
    RSYNC_FLUSHED,
    Once,
    Runs,
)
from repository_site import Wired

COLD, SAME, PARTS_95 = "first copy", "no change", "new version, 95 % unchanged"
SMALL, NODES = "many small files", "two nodes, host_path"
SMALL_SAME = "many small files, no change"
SLOW_COLD, SLOW_CHANGE = "20 Mbit/s, first copy", "20 Mbit/s, 40 tensors"
BIG = "first copy, four times the size"
GROUPS = ("changes", "parts", "small", "nodes", "slow")
Results = dict[str, dict[str, list[Wired]]]


# Seconds. What people deploy was written longer ago than the cache of hashes asks for (2 s).
OLD_ENOUGH = 2.1


@dataclass(frozen=True)
class Sizes:
    """How much is copied: MiB, and a number of files."""

    mib: int = 1024
    small: int = 10_000
    nodes: int = 256
    slow: int = 32
    rate: str = "20mbit"


@dataclass
class Rounds:
    """Measures everything once per round, so that drift of the machine hits all alike."""

    runs: Runs
    hosts: Hosts
    sizes: Sizes
    only: Sequence[str] = ()
    results: Results = field(default_factory=dict)
    number: int = 0

    def round(self, number: int) -> None:
        """Run all situations once."""
        self.number = number
        self._add("", EMPTY, self.runs.empty)
        for name, situation in self._groups().items():
            if not self.only or name in self.only:
                situation()
                self._tidy()

    def _groups(self) -> dict[str, Callable[[], None]]:
        groups = (self._changes, self._parts, self._small, self._nodes, self._slow)
        return dict(zip(GROUPS, groups, strict=True))

    def _add(self, situation: str, name: str, once: Callable[[], Wired]) -> None:
        sample = once()
        self.results.setdefault(situation, {}).setdefault(name, []).append(sample)
        sys.stderr.write(
            f"[{time.strftime('%H:%M:%S')}] round {self.number + 1}, {situation or 'floor'},"
            f" {name}: {sample.wall:.2f} s, CPU {sample.cpu:.2f} s, {sample.rss:.0f} MiB,"
            f" wire {sample.wire / 2**20:.2f} MiB\n"
        )

    def _all(self, situation: str, job: Job, *, extra: dict[str, Once] | None = None) -> None:
        """Measure every candidate; who begins changes with the round."""
        time.sleep(OLD_ENOUGH)
        runs = self.runs
        candidates: dict[str, tuple[Once, str]] = {
            OURS: (runs.ours, "/models/models"),
            RSYNC: (runs.rsync, "/data/rsync"),
            RSYNC_FLUSHED: (runs.rsync_flushed, "/data/rsync-fsync"),
            KUBECTL: (runs.kubectl_cp, "/data/kubectl"),
            K8S_CP: (runs.k8s_cp, "/data/k8s_cp"),
        }
        names = list(candidates)
        turn = self.number % len(names)
        for name in names[turn:] + names[:turn]:
            once, root = candidates[name]
            self._add(situation, name, lambda once=once: once(job))  # type: ignore[misc]
            runs.check(f"{situation}, {name}", job, f"{root}/{job.model}/{job.version}")
        for name, once in (extra or {}).items():
            self._add(situation, name, lambda once=once: once(job))  # type: ignore[misc]

    def _job(self, model: str) -> Job:
        return Job(self.runs.site.work / "src", f"{model}{self.number}", 1)

    def _forget(self, job: Job) -> None:
        """Remove what those who always copy everything have made, and old sources."""
        self.runs.remove("/data/kubectl", "/data/k8s_cp", "/data/floor")
        if job.basis:
            shutil.rmtree(job.path.with_name(str(job.basis)))

    def _changes(self) -> None:
        """First copy, again, and one version after the other."""
        job = self._job("one")
        one_file(job, self.sizes.mib)
        self._all(COLD, job, extra={FLOOR: self.runs.floor})
        self._all(SAME, job, extra={RECORD: self._by_record()})
        self._forget(job)
        for situation, change in CHANGES.items():
            job = job.next()
            change(job)
            self._all(situation, job)
            self._forget(job)

    def _by_record(self) -> Once:
        def once(job: Job) -> Wired:
            self.runs.ours_by_record(job)  # writes the record, unless one is there
            return self.runs.ours_by_record(job)

        return once

    def _parts(self) -> None:
        job = self._job("parts")
        parts(job, self.sizes.mib)
        self.runs.ours(job)
        self.runs.rsync(job)
        self.runs.rsync_flushed(job)
        job = job.next()
        new_part(job)
        self._all(PARTS_95, job)
        self._forget(job)

    def _small(self) -> None:
        job = self._job("small")
        small_files(job, self.sizes.small)
        self._all(SMALL, job)
        self._all(SMALL_SAME, job, extra={RECORD: self._by_record()})

    def _nodes(self) -> None:
        job = self._job("nodes")
        one_file(job, self.sizes.nodes)
        for name, once in self.hosts.candidates().items():
            self._add(NODES, name, lambda once=once: once(job))  # type: ignore[misc]
            self.hosts.check(name, job)
        self.hosts.tidy()

    def _slow(self) -> None:
        job = self._job("slow")
        one_file(job, self.sizes.slow)
        link = self.runs.site.link
        link.shape(self.sizes.rate)
        try:
            self._all(SLOW_COLD, job, extra={FLOOR: self.runs.floor})
            job = job.next()
            CHANGES["1 % changed, 40 tensors"](job)
            self._all(SLOW_CHANGE, job)
        finally:
            link.shape("")

    def _tidy(self) -> None:
        """Leave both volumes and the sources empty."""
        self.runs.remove("/data/*", "/models/models", "/models/.edge")
        shutil.rmtree(self.runs.site.work / "src", ignore_errors=True)

    def big(self) -> None:
        """Measure ours once at four times the size, for the growth of its memory."""
        if self.only and "changes" not in self.only:
            return
        job = self._job("big")
        one_file(job, 4 * self.sizes.mib)
        self._add(BIG, OURS, lambda: self.runs.ours(job))
        self.runs.check(f"{BIG}, {OURS}", job, f"/models/models/{job.model}/1")
        self._tidy()
