# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Polls the replicas until the verdict of the gate is final."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Callable, Dict, List, Optional, Tuple

from ..errors import EdgeError, may_pass
from .downloads import explained
from .explain import Finding, api_silent, label, replica_count
from .gate import PASSED, PENDING, Limits, Track, Verdict, Wanted, judge, observe
from .probe import Prober, pause_after
from .replicas import Fleet, Replica

LIST_AGAIN = 2.0
"""Seconds between two looks at the list of pods while all of them answer."""

LOG_CODES = (
    "load_failed",
    "stuck",
    "loading",
    "no_version",
    "not_configured",
    "retired",
    "unreachable",
)


class Watcher:
    """Polls the replicas and keeps the observations of each.

    Args:
        find: lists the replicas now.
        prober: asks them.
        wanted: what each has to serve.
        limits: times of the gate.
        progress: called with one line when a replica reports something new.
        clock: monotonic seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        find: Callable[[], Fleet],
        prober: Prober,
        wanted: Wanted,
        limits: Limits,
        progress: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._find = find
        self._prober = prober
        self._wanted = wanted
        self._limits = limits
        self._progress = progress
        self._clock = clock
        self._sleep = sleep
        self._listed_at: Optional[float] = None
        self._news_at = clock()
        self._said: Dict[str, str] = {}
        self.fleet = Fleet(0)
        self.tracks: Dict[str, Track] = {}

    def wait(self, timeout: float) -> Verdict:
        """Return the first verdict that is final, or the last one before the time is over."""
        deadline = self._clock() + timeout
        while True:
            result = self.look()
            now = self._clock()
            if result.outcome != PENDING or now >= deadline:
                return result
            self._sleep(min(pause_after(now - self._news_at), deadline - now))

    def look(self) -> Verdict:
        """Poll once and judge. A pass counts only if the list of replicas was read again since."""
        fresh = self._list_if_due()
        verdict = self._ask()
        if verdict.outcome == PASSED and not fresh:
            known = self.fleet
            if not self._list():
                return replace(verdict, outcome=PENDING, findings=(api_silent(),))
            if self.fleet != known:
                verdict = self._ask()
        return verdict

    def _ask(self) -> Verdict:
        for seen in self._prober.ask_all(self.fleet.replicas):
            track = observe(self.tracks.get(seen.replica), seen, self._wanted)
            self.tracks[seen.replica] = track
            self._tell(seen.replica, track)
        polls = {replica.name: replica.poll for replica in self.fleet.replicas}
        limits = replace(self._limits, polls=polls)
        verdict = judge(self.tracks, self._wanted, self.fleet.expected, limits)
        return replace(verdict, findings=self._annotate(verdict.findings))

    def _list_if_due(self) -> bool:
        silent = any(track.last.status is None for track in self.tracks.values())
        short = len(self.fleet.replicas) != self.fleet.expected
        old = self._listed_at is None or self._clock() - self._listed_at > LIST_AGAIN
        return self._list() if silent or short or old else False

    def _list(self) -> bool:
        """List the replicas; an API server that has answered before may be silent for a while."""
        try:
            self.fleet = self._find()
        except EdgeError as error:
            if self._listed_at is None or not may_pass(error):
                raise
            return False
        self._listed_at = self._clock()
        names = {replica.name for replica in self.fleet.replicas}
        self.tracks = {name: track for name, track in self.tracks.items() if name in names}
        return True

    def _annotate(self, findings: Tuple[Finding, ...]) -> Tuple[Finding, ...]:
        """Say why replicas are missing, if the Deployment tells."""
        count = replica_count(len(self.tracks), self.fleet.expected)
        return tuple(
            replace(finding, message=f"{finding.message}: {self.fleet.note}")
            if self.fleet.note and finding == count
            else finding
            for finding in findings
        )

    def _tell(self, name: str, track: Track) -> None:
        text = _summary(track)
        if self._said.get(name) != text:
            self._said[name] = text
            self._news_at = self._clock()
            self._progress(f"{name}: {text}")

    def with_logs(self, findings: Tuple[Finding, ...]) -> Tuple[Finding, ...]:
        """Return the findings with the reason from the log, one look per replica and version."""
        by_name = {replica.name: replica for replica in self.fleet.replicas}
        logs: Dict[Tuple[str, str, Optional[int]], str] = {}
        result: List[Finding] = []
        for finding in findings:
            replica = by_name.get(finding.replica)
            if finding.code in LOG_CODES and replica is not None:
                key = (finding.replica, finding.model, finding.version)
                if key not in logs:
                    logs[key] = self._reason(replica, finding.model, finding.version)
                finding = explained(replace(finding, log=logs[key]), replica.proxy)
            result.append(finding)
        return tuple(result)

    def _reason(self, replica: Replica, model: str, version: Optional[int]) -> str:
        return self._prober.log_reason(replica, model, version) if replica.node else ""


def _summary(track: Track) -> str:
    if track.last.status is None:
        return track.last.problem or "no answer"
    parts = [
        f"{label(key)} {streak.state}"
        + (f"/{streak.error_code}" if streak.error_code not in ("", "OK") else "")
        for key, streak in sorted(track.streaks.items(), key=lambda item: label(item[0]))
        if streak.state != "END"
    ]
    return ", ".join(parts) or "no models"
