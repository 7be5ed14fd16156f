# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the document report.json of a run; docs/report.schema.json says what is in it. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional

from ...module_utils.fleet.states import DEFERRED
from .model import (
    BAD,
    Cluster,
    Report,
    Span,
    Wave,
)

# A reader refuses numbers that it does not know; a field more does not change it.
SCHEMA = 1

Document = Dict[str, Any]


def document(report: Report) -> Document:
    """Return the report as plain data; times are in seconds since its begin."""
    counts = report.counts()
    return {
        "schema": SCHEMA,
        "playbook": report.playbook,
        "rollout": {"name": report.name, "run": report.run, "resumed": report.resumed},
        "verdict": report.verdict,
        "stopped": report.stopped,
        "check_mode": report.check_mode,
        "complete": report.complete,
        "began": when(report, 0.0),
        "ended": when(report, report.seconds or 0.0),
        "seconds": _round(report.seconds or 0.0),
        "copying_seconds": _round(report.copying),
        "budget": {"allowed": report.max_failures, "spent": report.spent},
        "clusters_by_state": counts,
        "bytes": report.sums(),
        "waves": [_wave(report, report.waves[number]) for number in sorted(report.waves)],
        "clusters": [_cluster(cluster) for cluster in report.ordered()],
    }


def when(report: Report, at: float) -> str:
    """Return a time of the run as ISO 8601 in UTC, to the second."""
    found = datetime.fromtimestamp(report.began + at, tz=timezone.utc)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def _wave(report: Report, wave: Wave) -> Document:
    return {
        "number": wave.number,
        "name": wave.name,
        "clusters": list(wave.clusters),
        "max_failures": wave.max_failures,
        "soak": wave.soak,
        "started": _round(wave.started),
        "ended": _round(wave.ended),
        "verdict": wave.verdict,
        "spent": wave.spent,
        "allowed": wave.allowed,
        "failed": [
            {"cluster": name, "phase": found.phase, "reason": found.why}
            for name, found in _members(report, wave).items()
            if found.state in BAD
        ],
        "deferred": [
            name for name, found in _members(report, wave).items() if found.state == DEFERRED
        ],
    }


def _members(report: Report, wave: Wave) -> Mapping[str, Cluster]:
    found = {name: report.clusters.get(name) for name in wave.clusters}
    return {name: cluster for name, cluster in found.items() if cluster is not None}


def _cluster(cluster: Cluster) -> Document:
    return {
        "name": cluster.name,
        "wave": cluster.wave,
        "state": cluster.state,
        "phase": cluster.phase,
        "reason": cluster.why,
        "started": _round(cluster.started),
        "ended": _round(cluster.ended),
        "phases": _spans(cluster.spans),
        "bytes": dict(cluster.bytes),
        "models": cluster.models,
        "release": cluster.release or None,
        "replicas": cluster.replicas,
        "failures": [asdict(failure) for failure in cluster.failures],
    }


def _spans(spans: List[Span]) -> List[Document]:
    return [
        {
            "phase": span.phase,
            "started": _round(span.started),
            "ended": _round(span.ended),
            "failed": span.failed,
        }
        for span in spans
    ]


def _round(seconds: Optional[float]) -> Optional[float]:
    return None if seconds is None else round(seconds, 3)
