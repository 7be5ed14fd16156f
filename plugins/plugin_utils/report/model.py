# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of one run: its waves, its clusters and what happened on each. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from ...module_utils.fleet.states import BEGUN, DEFERRED, DONE, FAILED, SOAK, STUCK, UNDONE

# Beside the states of a rollout: the turn of a cluster is still to come, or never came.
WAITING = "waiting"
STOPPED = "stopped"
# The order of every list that people read: what needs them comes first.
STATES = (STUCK, FAILED, UNDONE, STOPPED, BEGUN, DEFERRED, WAITING, DONE)
# After these nothing more happens to a cluster, unless a failed one is undone.
ENDED = (DONE, FAILED, UNDONE, STUCK, DEFERRED, STOPPED)
# Those that a reader wants to know the reason of.
BAD = (STUCK, FAILED, UNDONE)

UNDO = "undo"
PHASES = ("preflight", "check", "copy", "deploy", "gate", "inference", SOAK, UNDO)

GO_ON = "go_on"
STOP = "stop"

# How a run ended.
TOLERATED = "tolerated"
INTERRUPTED = "interrupted"
RUNNING = "running"
VERDICTS = (DONE, TOLERATED, STOPPED, FAILED, INTERRUPTED, RUNNING)

# Counts of model_repository, by their names in the report.
BYTES = {
    "total": "bytes_total",
    "planned": "bytes_planned",
    "sent": "bytes_sent",
    "reused": "bytes_reused",
    "linked": "bytes_linked",
    "resumed": "bytes_resumed",
    "from_peers": "bytes_from_peers",
    "pulled": "bytes_pulled",
}

PUT_BACK = "put back to what it served before, since the rollout stopped"


@dataclass
class Span:
    """One task of ours on one cluster; times in seconds since the begin of the run."""

    phase: str
    started: float
    ended: Optional[float] = None
    failed: bool = False


@dataclass
class Failure:
    """Why a task failed on a cluster."""

    phase: str
    task: str
    kind: str
    message: str
    hint: str = ""
    problems: List[Dict[str, str]] = field(default_factory=list)


@dataclass
class Cluster:
    """One inventory host; times in seconds since the begin of the run."""

    name: str
    wave: Optional[int] = None
    state: str = WAITING
    phase: str = ""
    reason: str = ""
    started: Optional[float] = None
    ended: Optional[float] = None
    # Whether the waves of the run decide over its state, or only its own tasks.
    led: bool = False
    spans: List[Span] = field(default_factory=list)
    bytes: Dict[str, int] = field(default_factory=dict)
    models: Dict[str, Dict[str, str]] = field(default_factory=dict)
    release: Dict[str, Any] = field(default_factory=dict)
    replicas: List[Dict[str, Any]] = field(default_factory=list)
    failures: List[Failure] = field(default_factory=list)

    @property
    def why(self) -> str:
        """Return the reason of its state in words; empty when there is none."""
        if self.reason or self.state not in (*BAD, BEGUN):
            return self.reason
        if self.failures:
            return self.failures[0].message
        return PUT_BACK if self.state == UNDONE else ""


@dataclass
class Wave:
    """One wave of a rollout; ``soak`` in seconds, times in seconds since the begin of the run."""

    number: int
    name: str
    clusters: List[str]
    max_failures: Optional[int] = None
    soak: Optional[float] = None
    started: Optional[float] = None
    ended: Optional[float] = None
    verdict: str = ""
    spent: Optional[int] = None
    allowed: Optional[int] = None


@dataclass
class Report:
    """One run of a playbook; ``began`` is seconds since 1970, by the controller's clock."""

    playbook: str
    began: float
    check_mode: bool = False
    name: str = ""
    run: str = ""
    resumed: bool = False
    max_failures: Optional[int] = None
    # Why the rollout was stopped, by this run or an earlier one.
    stopped: str = ""
    waves: Dict[int, Wave] = field(default_factory=dict)
    clusters: Dict[str, Cluster] = field(default_factory=dict)
    seconds: Optional[float] = None
    # Seconds in which at least one cluster was copying; the divisor of the rate.
    copying: float = 0.0
    # False if the callback itself stumbled: then something may be missing.
    complete: bool = True

    def counts(self) -> Dict[str, int]:
        """Return the number of clusters by state, in the order of ``STATES``, without zeros."""
        found = dict.fromkeys(STATES, 0)
        for cluster in self.clusters.values():
            found[cluster.state] += 1
        return {state: count for state, count in found.items() if count}

    def sums(self) -> Dict[str, int]:
        """Return the bytes of all clusters, by the names of ``BYTES``."""
        return {
            name: sum(cluster.bytes.get(name, 0) for cluster in self.clusters.values())
            for name in BYTES
        }

    @property
    def spent(self) -> int:
        """Return the failures that count against the budget: the gates' word, or else ours."""
        told = [wave.spent for wave in self.waves.values() if wave.spent is not None]
        return max(told) if told else self._bad()

    def _bad(self) -> int:
        return sum(cluster.state in BAD for cluster in self.clusters.values())

    @property
    def verdict(self) -> str:
        """Return how the run ended, one of ``VERDICTS``."""
        if self.seconds is None:
            return RUNNING
        if self.is_stopped:
            return STOPPED
        counts = self.counts()
        if counts.get(BEGUN) or counts.get(WAITING):
            return INTERRUPTED
        if set(counts) <= {DONE}:
            return DONE
        if self._bad() and self.max_failures is None:
            return FAILED
        ended = all(wave.verdict == GO_ON for wave in self.waves.values())
        return TOLERATED if self.waves and ended else FAILED

    @property
    def is_stopped(self) -> bool:
        """Tell whether a gate said stop, now or in an earlier run of the same rollout."""
        return bool(self.stopped) or any(wave.verdict == STOP for wave in self.waves.values())

    @property
    def is_plain(self) -> bool:
        """Tell whether there are no waves that anybody asked for."""
        return not self.run and len(self.waves) <= 1

    def ordered(self) -> List[Cluster]:
        """Return the clusters by wave and, within a wave, those that need somebody first."""
        last = max(self.waves, default=0) + 1
        rank = {state: number for number, state in enumerate(STATES)}

        def key(cluster: Cluster) -> Any:
            wave = last if cluster.wave is None else cluster.wave
            return (wave, rank[cluster.state], cluster.name)

        return sorted(self.clusters.values(), key=key)
