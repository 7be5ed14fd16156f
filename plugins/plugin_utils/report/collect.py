# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the events of a play into the model of the run. Pure: the caller gives the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Set, Tuple

from ...module_utils.fleet.states import BEGUN, DONE, FAILED, SOAK, UNCHANGED, UNDONE
from . import fields
from .model import (
    ENDED,
    STATES,
    STOP,
    STOPPED,
    UNDO,
    WAITING,
    Cluster,
    Report,
    Span,
    Wave,
)

PLAN = "openvino.edge.rollout_plan"
CLUSTER = "openvino.edge.rollout_cluster"
GATE = "openvino.edge.rollout_gate"
END = "openvino.edge.rollout_end"
LOOK = "openvino.edge.rollout_look"
TURNS = "openvino.edge.rollout_turns"
ENGINE = (PLAN, CLUSTER, GATE, END, LOOK, TURNS)
# What the report says of a cluster that had no turn.
HAD_IT = "unchanged: it had what is wanted already"
# One task that asks many clusters.
FLEET = "openvino.edge.fleet_status"
BEGIN = "begin"
CHECK = "check"
COPY = "copy"
# The phase that each action of ours belongs to.
PHASE_OF = {
    "openvino.edge.preflight_info": "preflight",
    "openvino.edge.objects": "preflight",
    "openvino.edge.model_repository": COPY,
    "openvino.edge.model_server": "deploy",
    "openvino.edge.release": "deploy",
    "openvino.edge.model_status": "gate",
    "openvino.edge.model_inference": "inference",
    "openvino.edge.benchmark": "inference",
}
ACTIONS = (*ENGINE, FLEET, *PHASE_OF)
# Tasks of Ansible that are there to say why something must not go on; their message is taken.
SAYING = (
    "ansible.builtin.assert",
    "ansible.builtin.fail",
    "ansible.builtin.validate_argument_spec",
)


@dataclass(frozen=True)
class Change:
    """What a person wants to be told: a plan, or a new state of a wave or of a cluster."""

    kind: str
    name: str = ""


class Collector:
    """Follows one run.

    Every method takes ``at``, the seconds since the begin of the run. What there is to tell is
    collected until ``news`` is called.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self._news: List[Change] = []
        self._candidates: List[str] = []
        self._copying: Set[str] = set()
        self._copy_since: Optional[float] = None
        # The task that runs on each host now.
        self._open: Dict[str, Span] = {}
        # Clusters whose failure a task for the whole fleet has told.
        self._told: Set[str] = set()

    def news(self) -> List[Change]:
        """Return what happened since the last call."""
        found, self._news = self._news, []
        return found

    def play(self, hosts: Collection[str]) -> None:
        """Begin a play; its hosts are clusters once the first task of ours runs on one."""
        self._candidates = list(hosts)

    def plan(self, result: Mapping[str, Any]) -> None:
        """Take the plan of a rollout."""
        rollout, waves = fields.mapping(result.get("rollout")), fields.rows(result.get("waves"))
        report = self.report
        report.name = fields.name(rollout.get("name"))
        # Without waves nothing is written of the run, and it has no number.
        report.run = fields.name(rollout.get("run") or "")
        report.stopped = fields.text(result.get("stopped"))
        report.resumed = bool(rollout.get("resumed"))
        report.max_failures = fields.whole(result.get("max_failures"))
        for position, item in enumerate(waves, 1):
            wave = self._wave(fields.whole(item.get("number")) or position)
            name = fields.name(item.get("name"))
            wave.name = "" if name == f"wave {wave.number}" else name
            wave.clusters = fields.names(item.get("clusters"))
            wave.max_failures = fields.whole(item.get("max_failures"))
            wave.soak = fields.seconds(item.get("soak"))
            for host in wave.clusters:
                cluster = self._cluster(host)
                cluster.wave, cluster.led = wave.number, True
        self._news.append(Change("plan"))

    def cluster(self, host: str, result: Mapping[str, Any], at: float) -> None:
        """Take the word of the wave engine on one cluster."""
        state = fields.name(result.get("state"))
        if state not in STATES:
            return
        cluster = self._cluster(result.get("cluster") or host)
        cluster.led = True
        number = fields.whole(result.get("wave"))
        if number is not None:
            self._join(cluster, number, at if state == BEGUN else None)
        cluster.phase = fields.name(result.get("phase")) or cluster.phase
        cluster.reason = fields.text(result.get("reason")) or (
            cluster.reason if state == UNDONE else ""
        )
        self._move(cluster, state, at)

    def look(self, result: Mapping[str, Any], at: float) -> None:
        """Take the clusters of a batch that have what is wanted, and so need no turn."""
        results = fields.mapping(result.get("results"))
        for item in fields.rows(result.get("clusters")):
            name = fields.name(item.get("cluster"))
            told = fields.mapping(fields.mapping(results.get(name)).get("verify_result"))
            cluster = self._cluster(name)
            cluster.replicas = fields.replicas(told) or cluster.replicas
            reason = HAD_IT if item.get("state") == UNCHANGED else ""
            self.cluster(name, {**item, "state": DONE, "reason": reason}, at)

    def turns(self, result: Mapping[str, Any], at: float) -> None:
        """Take the turns that one task has gone through, each with its steps."""
        begun = at - (fields.seconds(result.get("seconds")) or 0.0)
        steps, results = fields.mapping(result.get("steps")), fields.mapping(result.get("results"))
        again = set(fields.names(result.get("again")))
        for item in fields.rows(result.get("clusters")):
            name = fields.name(item.get("cluster"))
            rows, told = fields.rows(steps.get(name)), fields.mapping(results.get(name))
            until = at
            if name not in again:
                since = fields.seconds(rows[0].get("began")) if rows else None
                self.cluster(name, {**item, "state": BEGUN}, begun + (since or 0.0))
            for row in rows:
                until = self._step(self._cluster(name), row, told, begun)
            self.cluster(name, item, min(until, at))
        copies = [
            (span.started, span.ended or at)
            for name in steps
            for span in self._cluster(name).spans
            if span.phase == COPY
        ]
        self.report.copying += _covered(copies)

    def _step(
        self, cluster: Cluster, row: Mapping[str, Any], told: Mapping[str, Any], begun: float
    ) -> float:
        """Take one step of a turn, and return when it ended."""
        module, failed = fields.name(row.get("module")), bool(row.get("failed"))
        since = begun + (fields.seconds(row.get("began")) or 0.0)
        until = since + (fields.seconds(row.get("seconds")) or 0.0)
        if module not in PHASE_OF:
            return until
        phase = CHECK if row.get("check") else PHASE_OF[module]
        found = fields.mapping(told.get(fields.name(row.get("register")) or module))
        cluster.spans.append(Span(phase, since, until, failed))
        if failed:
            cluster.failures.append(fields.failure(found, phase, module, True))
        self._take(cluster, module, found, phase)
        return until

    def gate(self, result: Mapping[str, Any], at: float) -> None:
        """Take the verdict on a wave."""
        number = fields.whole(result.get("wave"))
        if number is None:
            return
        wave = self._wave(number)
        wave.verdict = fields.name(result.get("verdict"))
        wave.spent, wave.allowed = (fields.whole(result.get(key)) for key in ("spent", "allowed"))
        wave.ended = at
        if wave.verdict == STOP:
            self.report.stopped = fields.text(result.get("reason")) or self.report.stopped
        for key in ("failures", "deferred"):
            self._states(fields.rows(result.get(key)), at)
        self._news.append(Change("gate", str(number)))

    def end(self, result: Mapping[str, Any], at: float) -> None:
        """Take the end of a rollout, with the states of all clusters that it has met."""
        if fields.name(result.get("verdict")) == STOPPED:
            self.report.stopped = fields.text(result.get("reason")) or self.report.stopped
        self._states(fields.rows(result.get("clusters")), at)

    def fleet(self, result: Mapping[str, Any], at: float) -> None:
        """Take the result of a task that has asked many clusters; each is one that the play has."""
        begun = at - (fields.seconds(result.get("seconds")) or 0.0)
        for host, item in fields.mapping(result.get("clusters")).items():
            found, cluster = fields.mapping(item), self._cluster(host)
            since = begun + (fields.seconds(found.get("began")) or 0.0)
            until = min(at, since + (fields.seconds(found.get("seconds")) or 0.0))
            failed = bool(found.get("failed"))
            phase = SOAK if cluster.led and cluster.state in ENDED else "gate"
            cluster.spans.append(Span(phase, since, until, failed))
            cluster.replicas = fields.replicas(found) or cluster.replicas
            if cluster.led:
                # The engine says what becomes of it.
                if failed and phase == SOAK:
                    cluster.failures.append(fields.failure(found, SOAK, FLEET, True))
                continue
            cluster.phase = "gate"
            cluster.started = since if cluster.started is None else cluster.started
            if failed:
                cluster.failures.append(fields.failure(found, "gate", FLEET, True))
                self._told.add(cluster.name)
            self._move(cluster, FAILED if failed else DONE, until)

    def begun(self, host: str, action: str, checking: bool, at: float) -> None:
        """Take the begin of a task of ours on a host; ``checking``: it only looks ahead."""
        if action not in PHASE_OF:
            return
        self._admit()
        cluster = self._cluster(host)
        phase = CHECK if checking else PHASE_OF[action]
        if cluster.led and cluster.state in ENDED:
            again = cluster.state == DONE and phase in ("gate", "inference")
            phase = SOAK if again else UNDO
        self._open[host] = Span(phase, at)
        if phase == COPY:
            self._copy_since = at if self._copy_since is None else self._copy_since
            self._copying.add(host)
        if not cluster.led or cluster.state == BEGUN:
            cluster.phase = phase
        if not cluster.led and cluster.state != BEGUN:
            # A task after one that failed: somebody has caught the failure.
            self._move(cluster, BEGUN, at)

    def ended(self, host: str, action: str, result: Mapping[str, Any], at: float) -> None:
        """Take the result of a task of ours that went well."""
        span = self._close(host, at, failed=False)
        if action in PHASE_OF:
            phase = span.phase if span else PHASE_OF[action]
            self._take(self._cluster(host), action, result, phase)

    def skipped(self, host: str, at: float) -> None:
        """Take it that a task was not run after all."""
        if self._open.pop(host, None) is not None:
            self._copied(host, at)

    def failed(
        self, host: str, action: str, task: str, result: Mapping[str, Any], at: float
    ) -> None:
        """Take a failed task, ours or a stranger's; one of a stranger counts on clusters only."""
        span = self._close(host, at, failed=True)
        strange = action not in PHASE_OF and fields.name(host) not in self.report.clusters
        if action == CLUSTER:
            # A turn that does not begin. The task that writes it tells the state.
            self._cluster(host).failures.append(fields.failure(result, BEGIN, task, True))
            return
        if strange or action in ENGINE:
            return
        cluster = self._cluster(host)
        if cluster.led and cluster.state in ENDED and action not in PHASE_OF:
            # The play lets clusters fail in the end, for what has been told of them before.
            return
        phase = span.phase if span else cluster.phase
        known = action in PHASE_OF or action in SAYING
        if action not in SAYING or cluster.name not in self._told:
            cluster.failures.append(fields.failure(result, phase, task, known))
        if action in PHASE_OF:
            self._take(cluster, action, result, phase)
        if not cluster.led:
            cluster.phase = phase
            self._move(cluster, FAILED, at)

    def unreachable(self, host: str, task: str, result: Mapping[str, Any], at: float) -> None:
        """Take a host that Ansible could not reach."""
        self._admit()
        self.failed(host, SAYING[0], task, {**result, "error": {"kind": "unreachable"}}, at)

    def finish(self, lost: Collection[str], at: float) -> None:
        """End the run; ``lost`` are the hosts on which Ansible counts a failure."""
        self.report.seconds = at
        lost = {fields.name(host) for host in lost}
        for cluster in list(self.report.clusters.values()):
            self._close(cluster.name, at, failed=cluster.name in lost)
            if cluster.led:
                if cluster.state == BEGUN and cluster.name in lost:
                    self._move(cluster, FAILED, at)
                elif cluster.state == WAITING and self.report.is_stopped:
                    self._move(cluster, STOPPED, at)
            elif cluster.name in lost:
                if cluster.state != FAILED:
                    self._move(cluster, FAILED, at)
            elif cluster.state in (BEGUN, FAILED):
                self._move(cluster, DONE, at)
        self._news.append(Change("end"))

    def _take(self, cluster: Cluster, action: str, result: Mapping[str, Any], phase: str) -> None:
        """Keep what a task tells, also in the details of an error."""
        if action.endswith(".model_repository"):
            for key, count in fields.transfers(result).items():
                cluster.bytes[key] = cluster.bytes.get(key, 0) + count
            cluster.models.update(fields.digests(result))
        elif action.endswith((".model_server", ".release")) and phase != CHECK:
            cluster.release = fields.release(result) or cluster.release
        elif action.endswith(".model_status"):
            cluster.replicas = fields.replicas(result) or cluster.replicas

    def _states(self, items: List[Mapping[str, Any]], at: float) -> None:
        """Take the states of clusters as the engine knows them, for example of one that is lost."""
        for item in items:
            state = fields.name(item.get("state"))
            name = fields.name(item.get("cluster"))
            if name and state in ENDED and self._cluster(name).state != state:
                self.cluster(name, item, at)

    def _admit(self) -> None:
        """Make the hosts of the play clusters, unless a plan says which there are."""
        if not self.report.waves:
            for host in self._candidates:
                self._cluster(host)
        self._candidates = []

    def _cluster(self, host: str) -> Cluster:
        name = fields.name(host)
        return self.report.clusters.setdefault(name, Cluster(name))

    def _wave(self, number: int) -> Wave:
        return self.report.waves.setdefault(number, Wave(number, "", []))

    def _join(self, cluster: Cluster, number: int, begun: Optional[float]) -> None:
        wave = self._wave(number)
        if cluster.wave != number:
            cluster.wave = number
            if cluster.name not in wave.clusters:
                wave.clusters.append(cluster.name)
        if begun is not None and wave.started is None:
            wave.started = begun
            self._news.append(Change("wave", str(number)))

    def _move(self, cluster: Cluster, state: str, at: float) -> None:
        changed, cluster.state = state != cluster.state, state
        if state == BEGUN:
            cluster.started = at if cluster.started is None else cluster.started
            cluster.ended = None
        elif changed:
            cluster.ended = at
        if changed:
            self._news.append(Change("cluster", cluster.name))

    def _close(self, host: str, at: float, failed: bool) -> Optional[Span]:
        span = self._open.pop(host, None)
        if span is None:
            return None
        self._copied(host, at)
        span.ended, span.failed = at, failed
        self._cluster(host).spans.append(span)
        return span

    def _copied(self, host: str, at: float) -> None:
        self._copying.discard(host)
        if not self._copying and self._copy_since is not None:
            self.report.copying += max(0.0, at - self._copy_since)
            self._copy_since = None

    def copying(self, at: float) -> float:
        """Return the seconds in which at least one cluster was copying, until now."""
        since = at if self._copy_since is None else self._copy_since
        return self.report.copying + max(0.0, at - since)


def _covered(spans: List[Tuple[float, float]]) -> float:
    """Return the seconds in which at least one of some spans was going on."""
    total, until = 0.0, float("-inf")
    for begun, ended in sorted(spans):
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total
