# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks all replicas the questions of golden files: values side by side, times one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ..replicas import Replica
from .ask import NOT_FOUND, Asker, Refusal
from .golden import Case
from .judge import NOT_SERVED, Finding, Question, finding, judge_answer, judge_metadata
from .latency import Bounds, middle, slower, too_slow
from .protocol import Metadata

MOST_AT_ONCE = 8
"""Replicas that are asked at the same time, as many as the gate asks."""

Known = Dict[Tuple[str, Optional[int]], Metadata]


@dataclass(frozen=True)
class Check:
    """One question to one replica, and what came of it.

    Attributes:
        replica: the pod.
        question: what was asked.
        findings: what is wrong.
        version: the version that has answered.
        outputs: names of the outputs that were asked for.
        latency_ms: median of warm requests; None where it was not measured.
        baseline_ms: what it was compared with.
        baseline: where that comes from.
    """

    replica: Replica
    question: Question
    findings: Tuple[Finding, ...] = ()
    version: Optional[int] = None
    outputs: Tuple[str, ...] = ()
    latency_ms: Optional[float] = None
    baseline_ms: Optional[float] = None
    baseline: str = ""


def check_values(
    asker: Asker,
    replicas: Sequence[Replica],
    questions: Sequence[Question],
    progress: Callable[[str], None],
) -> List[Check]:
    """Ask each replica each question once and compare.

    Raises:
        ForbiddenError: the right to create pods/proxy is missing.
    """

    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="golden") as pool:
        answers = pool.map(lambda replica: _check_replica(asker, replica, questions), replicas)
        checks: List[Check] = []
        for replica, found in zip(replicas, answers):
            wrong = sum(1 for check in found if check.findings)
            state = f"{wrong} of {len(found)} answers differ" if wrong else "answers as expected"
            progress(f"{replica.name}: {state}")
            checks += found
    return checks


def _check_replica(asker: Asker, replica: Replica, questions: Sequence[Question]) -> List[Check]:
    known: Known = {}
    return [_check(asker, replica, question, known) for question in questions]


def _check(
    asker: Asker,
    replica: Replica,
    question: Question,
    known: Known,
) -> Check:
    trouble, case = replica.trouble, question.case
    if trouble is not None and trouble.fatal:
        text, name = trouble.message, replica.name
        return Check(
            replica, question, (finding(question, name, "unreachable", text, trouble.hint),)
        )
    try:
        if question.key not in known:
            known[question.key] = asker.metadata(replica.name, *question.key)
        metadata = known[question.key]
        findings = judge_metadata(question, metadata, replica.name)
        if findings:
            return Check(replica, question, tuple(findings))
        names = outputs_of(case, metadata)
        answer, _seconds = asker.infer(replica.name, *question.key, case.inputs, names)
    except Refusal as error:
        return Check(replica, question, (refused(question, replica, error),))
    found = judge_answer(question, answer, replica.name)
    return Check(replica, question, tuple(found), answer.version, tuple(names))


def outputs_of(case: Case, metadata: Metadata) -> List[str]:
    """Return the outputs that are asked for in raw bytes.

    All of them: OVMS sends them anyway, and FP16 that is not asked for in bytes is an error.
    """
    return list(metadata.outputs) or [item.name for item in case.outputs]


def refused(question: Question, replica: Replica, error: Refusal) -> Finding:
    """Return the finding of a replica that gave no answer to compare."""
    hint = "The server's log tells more: kubectl logs " + replica.name
    if error.status == NOT_FOUND and question.case.version is not None:
        hint = NOT_SERVED
    code = "refused" if error.status else "unreachable"
    return finding(question, replica.name, code, str(error).rstrip("."), hint)


def measure(asker: Asker, checks: Sequence[Check], bounds: Bounds, every: bool) -> List[Check]:
    """Measure what has passed, one replica after the other, and compare with the bounds.

    Args:
        asker: who asks.
        checks: with their values.
        bounds: of the task.
        every: measure also where a case has no bound of its own.
    """
    return [
        _measured(asker, check, bounds)
        if not check.findings and (every or check.question.case.max_latency_ms is not None)
        else check
        for check in checks
    ]


def _measured(asker: Asker, check: Check, bounds: Bounds) -> Check:
    question, pod = check.question, check.replica.name
    case, model = question.case, question.case.model
    wanted, older = [question.key], bounds.baseline_version
    try:
        if older not in (None, question.version, check.version) and _serves(
            asker, pod, model, older
        ):
            wanted.append((model, older))
        times, empty = asker.times(pod, wanted, case.inputs, check.outputs, bounds.requests)
    except Refusal as error:
        return replace(check, findings=(refused(question, check.replica, error),))
    took = middle(times[0], empty)
    done = replace(check, latency_ms=took)
    if len(times) > 1:
        done = replace(done, baseline_ms=middle(times[1], empty), baseline=f"version {older}")
    else:
        done = _with_baseline(done, bounds)
    return replace(done, findings=tuple(_slow(done, bounds)))


def _serves(asker: Asker, pod: str, model: str, version: Optional[int]) -> bool:
    try:
        asker.metadata(pod, model, version)
    except Refusal as error:
        if error.status == NOT_FOUND:
            return False
        raise
    return True


def _with_baseline(check: Check, bounds: Bounds) -> Check:
    case = check.question.case
    before = bounds.measured(case.model, case.name)
    if before is not None:
        return replace(check, baseline_ms=before, baseline="the measurement before")
    if case.latency_ms is not None:
        return replace(check, baseline_ms=case.latency_ms, baseline="the golden file")
    return check


def _slow(check: Check, bounds: Bounds) -> List[Finding]:
    question, case = check.question, check.question.case
    took = check.latency_ms or 0.0
    absolute = [bound for bound in (bounds.max_ms, case.max_latency_ms) if bound is not None]
    texts = [too_slow(took, min(absolute))] if absolute else []
    if bounds.max_ratio is not None and check.baseline_ms is not None:
        texts.append(slower(took, check.baseline_ms, bounds.max_ratio, check.baseline))
    elif bounds.max_ratio is not None:
        return [
            finding(
                question,
                check.replica.name,
                "no_baseline",
                "there is no older time to compare with",
                "The baseline_version is not served here, no baseline was given, and the golden"
                " file has no recorded time: record it, or give latency.max_ms instead",
            )
        ]
    hint = (
        "Is the device the one that is wanted? AUTO:GPU,CPU and the like answer on the CPU where"
        " there is no GPU, and AVAILABLE does not tell"
    )
    return [finding(question, check.replica.name, "slow", text, hint) for text in texts if text]
