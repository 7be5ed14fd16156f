# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a run as text: one line for each change, and two lines of a terminal that stay. Pure."""

from __future__ import annotations

from typing import Dict, List, Optional

from ...module_utils.fleet.states import BEGUN, DONE, FAILED
from ...module_utils.repository.content.units import format_bytes
from .collect import Change
from .model import (
    BAD,
    ENDED,
    GO_ON,
    INTERRUPTED,
    STOP,
    STOPPED,
    TOLERATED,
    WAITING,
    Cluster,
    Report,
    Wave,
)

HEAD = "rollout: "
MAX_REASON = 300  # characters of a reason in a line
ENDINGS = {
    DONE: "done",
    TOLERATED: "done, with failures or postponed clusters within the limit",
    STOPPED: "STOPPED",
    FAILED: "FAILED",
    INTERRUPTED: "INTERRUPTED",
}


def line(report: Report, change: Change, brief: bool = False) -> str:
    """Return the line that tells of a change; empty if nothing is to be told.

    Args:
        report: the model after the change.
        change: what has changed.
        brief: leaves out clusters that begin or are done, for a terminal that counts them.
    """
    told = ""
    if report.is_plain and change.kind in ("plan", "wave", "gate"):
        return ""
    if change.kind == "plan":
        told = _plan(report)
    elif change.kind == "wave":
        told = _wave(report, report.waves[int(change.name)])
    elif change.kind == "gate":
        told = _gate(report, report.waves[int(change.name)])
    elif change.kind == "end":
        told = _end(report)
    else:
        cluster = report.clusters[change.name]
        if not brief or cluster.state not in (BEGUN, DONE):
            told = _cluster(report, cluster)
    return HEAD + told if told else ""


def status(report: Report, at: float, copying: float, width: int) -> List[str]:
    """Return the two lines for the foot of a terminal that is ``width`` columns wide.

    Args:
        report: the model.
        at: seconds since the begin of the run.
        copying: seconds in which clusters were copying.
        width: columns.
    """
    counts = report.counts()
    known = [wave for wave in report.waves.values() if wave.started is not None]
    first = [report.name or "rollout"]
    if known and not report.is_plain:
        first.append(_title(report, max(known, key=lambda wave: wave.number)))
    first.append(f"{counts.get(DONE, 0)} of {len(report.clusters)} done")
    first += [f"{counts[state]} {state}" for state in counts if state in ENDED and state != DONE]
    if report.max_failures is not None:
        first.append(f"budget {report.spent}/{report.max_failures}")
    second = [f"{count} in {phase}" for phase, count in _phases(report).items()]
    second += [f"{counts[WAITING]} waiting"] if WAITING in counts else []
    second += [_bytes(report, copying), _left(report, at)]
    return [_cut(" | ".join(filter(None, words)), width) for words in (first, second)]


def eta(report: Report, at: float) -> Optional[float]:
    """Return the seconds that the clusters left will take, soak times included.

    They are taken to need the mean time of those that are done, as many side by side as now. Null
    until one is done, and where no waves say how many there are.
    """
    if report.is_plain:
        return None
    found = report.clusters.values()
    spans = [
        item.ended - item.started
        for item in found
        if item.state == DONE and item.started is not None and item.ended is not None
    ]
    now = [at - item.started for item in found if item.state == BEGUN and item.started is not None]
    waiting = sum(item.state == WAITING for item in found)
    if not spans or not (now or waiting):
        return None
    mean = sum(spans) / len(spans)
    rest = max(0.0, mean - min(now)) if now else 0.0
    soak = sum(wave.soak or 0.0 for wave in report.waves.values() if wave.started is None)
    return rest + mean * waiting / max(1, len(now)) + soak


def clock(seconds: float) -> str:
    """Return a time for people: C(4 s), C(3 min), C(2 h 5 min)."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _plan(report: Report) -> str:
    words = [f"{_many(len(report.clusters), 'cluster')} in {_many(len(report.waves), 'wave')}"]
    if report.max_failures is not None:
        words.append(f"{_many(report.max_failures, 'failure')} allowed")
    if report.name or report.run:
        words.insert(0, ", run ".join(filter(None, (report.name, report.run))))
    return ", ".join([*words, *(["resumed"] if report.resumed else [])])


def _wave(report: Report, wave: Wave) -> str:
    limit = "" if wave.max_failures is None else f", {_many(wave.max_failures, 'failure')} allowed"
    return f"{_title(report, wave)}: begins, {_many(len(wave.clusters), 'cluster')}{limit}"


def _gate(report: Report, wave: Wave) -> str:
    members = [report.clusters[name].state for name in wave.clusters if name in report.clusters]
    if wave.verdict == GO_ON and not all(state in ENDED for state in members):
        # A wave may have several batches, each with a gate.
        return ""
    verdict = {GO_ON: "passed", STOP: "STOP"}.get(wave.verdict, wave.verdict)
    words = [f"{_title(report, wave)}: {verdict}"]
    if wave.spent is not None and wave.allowed is not None:
        words.append(f"{wave.spent} of {_many(wave.allowed, 'failure')} spent")
    why = _short(report.stopped) if wave.verdict == STOP else ""
    return ": ".join(filter(None, (", ".join(words), why)))


def _cluster(report: Report, cluster: Cluster) -> str:
    state = cluster.state.upper() if cluster.state in BAD else cluster.state
    told = f"{cluster.name}: {state}"
    if cluster.state == FAILED and cluster.phase:
        told += f" in {cluster.phase}"
    if cluster.state == DONE and cluster.started is not None and cluster.ended is not None:
        told += f" in {clock(cluster.ended - cluster.started)}"
        sent = cluster.bytes.get("sent")
        told += "" if sent is None else f", {format_bytes(sent)} sent"
    wave = report.waves.get(cluster.wave or 0)
    if cluster.state == BEGUN and wave and not report.is_plain:
        told += f" ({_title(report, wave)})"
    why = _short(cluster.why)
    return f"{told}: {why}" if why else told


def _end(report: Report) -> str:
    if not report.clusters:
        return ""
    sums = report.sums()
    counts = ", ".join(f"{count} {state}" for state, count in report.counts().items())
    moved = f"{format_bytes(sums['sent'])} sent, {format_bytes(sums['reused'])} reused"
    return f"{ENDINGS[report.verdict]}: {counts}; {moved}; {clock(report.seconds or 0.0)}"


def _phases(report: Report) -> Dict[str, int]:
    found: Dict[str, int] = {}
    for cluster in report.clusters.values():
        if cluster.state == BEGUN:
            phase = cluster.phase or "begin"
            found[phase] = found.get(phase, 0) + 1
    return found


def _bytes(report: Report, copying: float) -> str:
    sent = sum(cluster.bytes.get("sent", 0) for cluster in report.clusters.values())
    if not sent:
        return ""
    rate = f", {format_bytes(sent / copying)}/s" if copying > 0 else ""
    return f"{format_bytes(sent)} sent{rate}"


def _left(report: Report, at: float) -> str:
    left = eta(report, at)
    return "" if left is None else f"about {clock(left)} left"


def _title(report: Report, wave: Wave) -> str:
    number = f"wave {wave.number} of {len(report.waves)}"
    return f"{number}, {wave.name}" if wave.name else number


def _short(text: str) -> str:
    return _cut(" ".join(text.split()), MAX_REASON)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "\u2026"
