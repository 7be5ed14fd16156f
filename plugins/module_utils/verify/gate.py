# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: does every replica itself report what is wanted, and nothing else?

Pure: observations in, verdict out; no socket and no clock. The rule, per replica:

- each wanted version is AVAILABLE with error code OK, and no other version is AVAILABLE;
- LOADING with UNKNOWN or FAILED_PRECONDITION is a failed load. OVMS tries again at each poll of its
  storage, so the second failure more than a poll after the first one is final; with polling off it
  never tries again, and the first one is;
- START or LOADING with OK for longer than a limit is stuck: a version directory that OVMS cannot
  read stays so for ever while the pod is Ready;
- a name that is not listed, or listed without versions, is "nothing found"; final after the limit,
  since a new configuration may still be on its way to the pod;
- END is history: it stays listed until the process ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from . import explain
from .explain import Finding
from .status import AVAILABLE, END, LOADING, START, UNLOADING, ConfigStatus, ModelVersionStatus

PASSED = "passed"
PENDING = "pending"
FAILED = "failed"

Key = Tuple[str, Optional[int]]
POLL_SLACK = 0.5  # seconds


@dataclass(frozen=True)
class Limits:
    """Times in seconds.

    ``polls`` has the file_system_poll_wait_seconds of each replica, 0 where polling is off;
    ``server_poll`` is that of the others (OVMS default: 1); ``stuck_after`` is how long one version
    may load, or a wanted name be missing; ``missing_after`` is another time for the latter, where
    the configuration that names it is known to be loaded.
    """

    server_poll: float = 1.0
    stuck_after: float = 120.0
    missing_after: Optional[float] = None
    polls: Mapping[str, float] = field(default_factory=dict)

    def poll_of(self, replica: str) -> float:
        """Return the poll interval of a replica."""
        return self.polls.get(replica, self.server_poll)


@dataclass(frozen=True)
class Wanted:
    """The models and versions that each replica has to serve.

    Attributes:
        models: versions by model name; an empty set means "whatever version the server chose".
        exclusive: no model but these may be AVAILABLE.
        listed: C(models) were given; else every model that a replica lists is wanted.
        alone: no version of a model but those wanted may be AVAILABLE.
    """

    models: Mapping[str, FrozenSet[int]] = field(default_factory=dict)
    exclusive: bool = True
    listed: bool = True
    alone: bool = True

    def keys(self, status: ConfigStatus) -> Set[Key]:
        """Return the wanted (model, version) pairs; version None stands for "at least one"."""
        models = self.models if self.listed else {name: frozenset() for name in status.models}
        keys: Set[Key] = set()
        for model, versions in models.items():
            chosen: Set[Optional[int]] = set(versions) or _live_versions(status, model)
            keys.update((model, version) for version in chosen or {None})
        return keys

    def refuses(self, version: ModelVersionStatus) -> bool:
        """Tell whether this version must not be served."""
        if not self.listed:
            return False
        versions = self.models.get(version.model)
        if versions is None:
            return self.exclusive
        return self.alone and bool(versions) and version.version not in versions


def _live_versions(status: ConfigStatus, model: str) -> Set[Optional[int]]:
    return {
        item.version
        for item in status.versions
        if item.model == model and item.state not in (UNLOADING, END)
    }


@dataclass(frozen=True)
class Observation:
    """One answer of one replica, or the reason why there is none.

    Attributes:
        replica: name of the pod.
        at: when, in monotonic seconds.
        status: the answer.
        problem: why there is none.
        hint: what to do about the problem.
        fatal: the problem does not pass by itself once it has lasted for ``grace`` seconds.
    """

    replica: str
    at: float
    status: Optional[ConfigStatus] = None
    problem: str = ""
    hint: str = ""
    fatal: bool = False
    grace: float = 0.0


@dataclass(frozen=True)
class Streak:
    """The times since when a (model, version) is in its state, and since when its loads fail."""

    state: str
    error_code: str
    since: float
    first_failure: Optional[float] = None


@dataclass(frozen=True)
class Track:
    """The history of one replica.

    Attributes:
        last: the last observation.
        streaks: by (model, version).
        fatal_since: when its problem was first seen to be fatal, in monotonic seconds.
    """

    last: Observation
    streaks: Mapping[Key, Streak] = field(default_factory=dict)
    fatal_since: Optional[float] = None


@dataclass(frozen=True)
class Verdict:
    """``outcome`` is C(passed), C(pending) or C(failed); passed has no findings."""

    outcome: str
    findings: Tuple[Finding, ...] = ()


def observe(track: Optional[Track], seen: Observation, wanted: Wanted) -> Track:
    """Return the history of a replica after one more observation.

    Without an answer all streaks are reset, since the process may have restarted.
    """
    if seen.status is None:
        since = track.fatal_since if track and track.fatal_since is not None else seen.at
        return Track(last=seen, fatal_since=since if seen.fatal else None)
    before = track.streaks if track else {}
    now: Dict[Key, Tuple[str, str, bool]] = {
        (item.model, item.version): (item.state, item.error_code, item.load_failed)
        for item in seen.status.versions
    }
    for key in wanted.keys(seen.status):
        now.setdefault(key, (explain.MISSING, "", False))
    streaks = {key: _extend(before.get(key), *state, seen.at) for key, state in now.items()}
    return Track(last=seen, streaks=streaks)


def _extend(old: Optional[Streak], state: str, code: str, failed: bool, at: float) -> Streak:
    same = old is not None and (old.state, old.error_code) == (state, code)
    since = old.since if old is not None and same else at
    first = old.first_failure if old is not None and state in (START, LOADING) else None
    if failed and first is None:
        first = at
    return Streak(state, code, since, first)


def judge(
    tracks: Mapping[str, Track], wanted: Wanted, expected: int, limits: Limits = Limits()
) -> Verdict:
    """Return the verdict over the last observations.

    Args:
        tracks: memory by replica name.
        wanted: what each replica has to serve.
        expected: how many replicas there must be.
        limits: see M(Limits).
    """
    findings: List[Finding] = []
    if len(tracks) != expected or expected < 1:
        findings.append(explain.replica_count(len(tracks), expected))
    for replica in sorted(tracks):
        findings.extend(_judge_replica(tracks[replica], wanted, limits))
    if not findings:
        return Verdict(PASSED)
    outcome = FAILED if any(finding.final for finding in findings) else PENDING
    return Verdict(outcome, tuple(findings))


def verdict(
    observations: Sequence[Observation], wanted: Wanted, expected: int, limits: Limits = Limits()
) -> Verdict:
    """Return the verdict over a whole history, in the order it was seen."""
    tracks: Dict[str, Track] = {}
    for seen in observations:
        tracks[seen.replica] = observe(tracks.get(seen.replica), seen, wanted)
    return judge(tracks, wanted, expected, limits)


def _judge_replica(track: Track, wanted: Wanted, limits: Limits) -> List[Finding]:
    seen = track.last
    if seen.status is None:
        since = track.fatal_since
        lost = since is not None and seen.at - since >= seen.grace
        return [explain.unreachable(seen.replica, seen.problem, seen.hint, lost)]
    keys = wanted.keys(seen.status)
    if not keys and not wanted.listed:
        return [explain.serves_nothing(seen.replica)]
    findings = [_judge_pair(track, key, limits) for key in sorted(keys, key=_order)]
    refused = [item for item in seen.status.versions if item.serving and wanted.refuses(item)]
    extra = [explain.unwanted(seen.replica, item.model, item.version) for item in refused]
    return [finding for finding in findings if finding is not None] + extra


def _judge_pair(track: Track, key: Key, limits: Limits) -> Optional[Finding]:
    streak, seen = track.streaks[key], track.last
    age = seen.at - streak.since
    late = age > limits.stuck_after
    patience = limits.stuck_after if limits.missing_after is None else limits.missing_after
    gone = age > patience
    if streak.state == AVAILABLE and streak.error_code == "OK":
        return None
    if streak.state == explain.MISSING:
        named = seen.status is not None and key[0] in seen.status.models
        return explain.missing(seen.replica, key, named, gone)
    if streak.state not in (START, LOADING):
        return explain.retired(seen.replica, key, streak.state, gone)
    if streak.error_code != "OK":
        failing = seen.at - (streak.first_failure if streak.first_failure is not None else seen.at)
        poll = limits.poll_of(seen.replica)
        # The time of the server's polls is unknown: its next attempt may have begun just now.
        final = not poll or failing > poll + POLL_SLACK
        return explain.load_failed(seen.replica, key, streak.error_code, final, poll)
    return explain.loading(seen.replica, key, streak.state, age, late)


def _order(key: Key) -> Tuple[str, int]:
    return key[0], key[1] if key[1] is not None else 0
