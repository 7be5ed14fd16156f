# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One trial: copy, strike, copy again, judge."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_faults import servers
from edge_faults.candidates import Candidate, Ours, Outcome, Run
from edge_faults.models import MIB, Shape
from edge_faults.sites import Site, Target
from edge_faults.strikes import await_api, reach
from edge_faults.verdict import Trial

#: Runs that nothing happens to, to know what one costs; the smallest counts.
UNDISTURBED = 2
Strike = Callable[[Run], int]


@dataclass
class Stage:
    """Where a trial takes place: a site, a candidate, chance of its own, the trial's number."""

    site: Site
    candidate: Candidate
    chance: random.Random
    number: int
    shape: Shape = field(default_factory=Shape)
    log_errors: set[str] = field(default_factory=set)

    def prepare(self) -> None:
        """Bring the site to where every trial starts."""
        self.ready()
        self.log_errors = set(servers.log_errors(self.site))

    def ready(self) -> None:
        """Wait until a run has what it needs, as whoever runs it again would.

        On a busy machine a node can be NotReady for a while, long after an API server came back;
        a run refuses such a node, and says so.
        """
        await_api(self.site.cluster)
        self.candidate.refresh(self.site)

    def undisturbed(self) -> int:
        """Return the bytes of a run that nothing happens to; measured once for a site."""
        candidate = self.candidate
        way = candidate.transport if isinstance(candidate, Ours) else ""
        key = (candidate.name, way, self.shape)
        if key not in self.site.baselines:
            costs = [self._measure() for _again in range(UNDISTURBED)]
            self.site.baselines[key] = min(costs)
        return self.site.baselines[key]

    def _measure(self) -> int:
        target = self.site.new_target(self.shape)
        start = self.site.net.sent()
        outcome = self.candidate.copy(self.site, target)
        cost = self.site.net.sent() - start
        fault = self.site.fault(target)
        if not outcome.success or fault:
            words = outcome.message or fault
            raise RuntimeError(f"{self.candidate.name} fails without any fault: {words[-1500:]}")
        self.site.settle(target)
        return cost

    def judge(self, trial: Trial, targets: list[Target]) -> Trial:
        """Add what the watcher and the servers saw; bring the site back to order."""
        names = {target.name for target in targets}
        seen = self.site.seen()
        trial.partial = [words[0] for name, words in sorted(seen.items()) if name in names]
        if self.candidate.ours:
            trial.partial += [
                words[0]
                for name, words in sorted(seen.items())
                if name not in names and name not in self.site.blamed
            ]
        self.site.blamed.update(seen)
        for target in targets:
            self.site.settle(target)
        if not trial.resumed:
            self.site.recover()
        errors = servers.log_errors(self.site)
        trial.failed_loads = [line for line in errors if line not in self.log_errors][:3]
        return trial


def success_fault(site: Site, target: Target, outcome: Outcome) -> int:
    """Return 1 for a run that said success while the store is wrong."""
    return 1 if outcome.success and site.fault(target) else 0


def interrupted(
    stage: Stage, offset: int, spot: str, strike: Strike, *, bound: bool = True
) -> Trial:
    """Copy until C(offset) bytes have left, strike, and copy again.

    C(strike) does the fault and what heals it, and returns the bytes that were in flight.
    """
    site, candidate = stage.site, stage.candidate
    undisturbed = stage.undisturbed()
    stage.prepare()
    target = site.new_target(stage.shape)
    began, start = time.monotonic(), site.net.sent()
    run = candidate.start(site, target)
    trial = Trial(f"trial {stage.number}: {spot}", undisturbed=undisturbed if bound else 0)
    if reach(run, start, offset):
        trial.in_flight = strike(run)
    else:
        trial.note = "the run ended before that"
    return finish(stage, trial, run, target, start, began)


def finish(stage: Stage, trial: Trial, run: Run, target: Target, start: int, began: float) -> Trial:
    """Wait for the disturbed run, run again unless it succeeded, and judge both."""
    site, candidate = stage.site, stage.candidate
    first = run.wait()
    trial.wrong_success += success_fault(site, target, first)
    last = first
    words = [trial.note] if trial.note else []
    if first.success and not site.fault(target):
        words.append("the disturbed run finished by itself")
    else:
        if first.hung:
            words.append("the disturbed run hung")
        stage.ready()
        last = candidate.copy(site, target)
        trial.wrong_success += success_fault(site, target, last)
    trial.bytes = site.net.sent() - start
    trial.resumed = last.success and not site.fault(target)
    if not trial.resumed:
        words.append(f"last: {last.message[-400:]}")
    if trial.excess > 0:
        words.append(f"first: {first.message[-300:]}")
        words += [f"{key} {last.count(key)}" for key in ("bytes_sent", "bytes_resumed")]
    trial.note = ", ".join(words)
    trial.seconds = time.monotonic() - began
    return stage.judge(trial, [target])


def offset_of(stage: Stage, low: float = 0.0, high: float = 0.995) -> tuple[int, str]:
    """Return a random offset in an undisturbed run's bytes, and words for it."""
    total = stage.undisturbed()
    offset = int(stage.chance.uniform(low, high) * total)
    return offset, f"at {offset / MIB:.2f} of {total / MIB:.2f} MiB"
