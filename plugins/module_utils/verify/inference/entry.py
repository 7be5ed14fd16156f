# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_inference."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Dict, List, Sequence, Tuple

from ...entry import merge_specs
from ...errors import GateError, InputError
from ...kube.auth.options import AUTH_ARGUMENT_SPEC
from ...kube.client import KubeClient
from ...kube.types import Access
from ...runtime import Params, Result, Runtime
from .. import ports
from ..entry import target_from_params, wanted_from_params
from ..replicas import Fleet, Target, find_fleet
from .ask import Asker
from .check import Check, check_values, measure
from .files import read_cases
from .judge import Finding, Question, questions
from .latency import LATENCY_ARGUMENT_SPEC, bounds_from_params

TARGET_ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str"},
        "label_selector": {"type": "str"},
        "replicas": {"type": "int"},
        "rest_port": {"type": "int"},
        "timeout": {"type": "int", "default": 60},
    },
)
ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    TARGET_ARGUMENT_SPEC,
    {
        "golden": {"type": "list", "elements": "path", "required": True},
        "models": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "versions": {"type": "list", "elements": "int", "default": []},
            },
        },
        "latency": {"type": "dict", "options": LATENCY_ARGUMENT_SPEC},
        "report_only": {"type": "bool", "default": False},
    },
)
SPEC_RULES: Dict[str, Any] = {
    "mutually_exclusive": [("name", "label_selector")],
    "required_one_of": [("name", "label_selector")],
}
MOST_LINES = 20  # findings that a message has in words; all are in the result


class InferenceError(GateError):
    """A replica answers an inference otherwise than the golden file says, too slowly, or not."""

    kind = "inference"


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    namespace = params["namespace"]
    rights = [
        Access("list", "", "pods", namespace=namespace),
        Access("get", "", "pods", "proxy", namespace=namespace),
        Access("create", "", "pods", "proxy", namespace=namespace),
    ]
    if params.get("name"):
        rights.append(Access("get", "apps", "deployments", namespace=namespace))
        rights.append(Access("list", "apps", "replicasets", namespace=namespace))
    return rights


def run(params: Params, runtime: Runtime) -> Result:
    """Ask every replica the questions of the golden files and compare.

    Raises:
        InputError: a golden file is not as it has to be, or there is no such server.
        UnsupportedError: a model cannot be asked through the API server.
        InferenceError: not every answer is as expected, unless C(report_only).
    """
    begun = time.monotonic()
    if not params["golden"]:
        raise InputError("it names no file", option="golden")
    bounds = bounds_from_params(params.get("latency"))
    models = wanted_from_params({**params, "ignore_other_models": True}).models
    cases = read_cases(params["golden"])
    asked = questions(cases, {name: sorted(versions) for name, versions in models.items()})
    target = target_of(params)
    with KubeClient.from_params(params) as client:
        target, fleet = fleet_of(client, target, params, strict=not params["report_only"])
        asker = Asker(client, target.namespace, target.rest_port, float(params["timeout"]))
        checks = check_values(asker, fleet.replicas, asked, runtime.progress)
        checks = measure(asker, checks, bounds, every=params.get("latency") is not None)
    findings = counted(fleet) + [finding for check in checks for finding in check.findings]
    carrier = client.carrier
    result = {**_result(fleet, checks, findings, time.monotonic() - begun), "carrier": carrier}
    if findings and not params["report_only"]:
        raise _failed(target, findings, result)
    return result


def target_of(params: Params) -> Target:
    """Return the server to ask.

    Raises:
        InputError: a number is out of range.
    """
    if params["timeout"] < 1:
        raise InputError("it is a number of seconds from 1", option="timeout")
    return target_from_params(params)


def fleet_of(
    client: KubeClient, target: Target, params: Params, *, strict: bool = True
) -> Tuple[Target, Fleet]:
    """Return the server with its port, and its replicas.

    Raises:
        InputError: there is no such server, and C(strict).
    """
    deployment = None
    if params["rest_port"] is None:
        port, deployment = ports.told(client, target.namespace, target.name)
        target = replace(target, rest_port=port)
    try:
        return target, find_fleet(client, target, deployment)
    except InputError:
        if strict:
            raise
        return target, Fleet(0)


def counted(fleet: Fleet) -> List[Finding]:
    """Return the finding of a server that has not all of its replicas."""
    if len(fleet.replicas) == fleet.expected and fleet.expected > 0:
        return []
    note = f": {fleet.note}" if fleet.note else ""
    return [
        Finding(
            "replica_count",
            f"{len(fleet.replicas)} of {fleet.expected} replicas are there{note}",
            "Wait with model_status until all of them serve, then ask again",
        )
    ]


def _result(
    fleet: Fleet, checks: Sequence[Check], findings: Sequence[Finding], seconds: float
) -> Result:
    return {
        "changed": False,
        "passed": not findings,
        "replicas": {"wanted": fleet.expected, "seen": len(fleet.replicas)},
        "checks": [_row(check) for check in checks],
        "problems": [finding.as_dict() for finding in findings],
        "latencies": [_latency(check) for check in checks if check.latency_ms is not None],
        "seconds": round(seconds, 3),
    }


def _about(check: Check) -> Dict[str, Any]:
    question: Question = check.question
    return {
        "replica": check.replica.name,
        "model": question.case.model,
        "version": check.version if check.version is not None else question.version,
        "case": question.case.name,
    }


def _row(check: Check) -> Dict[str, Any]:
    file = check.question.case.path
    about = {**_about(check), "node": check.replica.node, "golden": file}
    return {**about, "ok": not check.findings}


def _latency(check: Check) -> Dict[str, Any]:
    times = {"median_ms": check.latency_ms, "baseline_ms": check.baseline_ms}
    return {**_about(check), **times, "baseline": check.baseline}


def _failed(target: Target, findings: Sequence[Finding], result: Result) -> InferenceError:
    first, lines = findings[0], [_line(finding) for finding in findings]
    wrong = sum(1 for row in result["checks"] if not row["ok"])
    what = f"{wrong} of {len(result['checks'])} answers are not as expected"
    more = lines[1:MOST_LINES]
    if len(lines) > MOST_LINES:
        more.append(f"and {len(lines) - MOST_LINES} more")
    listed = "".join(f"\n- {line}" for line in more)
    return InferenceError(
        f"{what}: {_line(first)}{listed}" + ("\n" if listed else ""),
        subject=str(target),
        hint=first.hint,
        details=result,
    )


def _line(finding: Finding) -> str:
    return f"{finding.replica}: {finding.message}" if finding.replica else finding.message
