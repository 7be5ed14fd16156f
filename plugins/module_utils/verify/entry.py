# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_status."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.entry import merge_specs
from ansible_collections.openvino.edge.plugins.module_utils.errors import GateError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.args import AUTH_ARGUMENT_SPEC
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Result, Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify.explain import Finding
from ansible_collections.openvino.edge.plugins.module_utils.verify.gate import (
    PASSED,
    Limits,
    Verdict,
    Wanted,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.probe import Prober
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import (
    Fleet,
    Target,
    find_fleet,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.table import (
    GATE_COLUMNS,
    render,
    status_rows,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.watcher import Watcher

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str"},
        "label_selector": {"type": "str"},
        "replicas": {"type": "int"},
        "models": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "versions": {"type": "list", "elements": "int", "default": []},
            },
        },
        "ignore_other_models": {"type": "bool", "default": False},
        "rest_port": {"type": "int", "default": 8081},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        "stuck_after": {"type": "int", "default": 120},
    },
)

SPEC_RULES: Dict[str, Any] = {
    "mutually_exclusive": [("name", "label_selector")],
    "required_one_of": [("name", "label_selector")],
}


class GateClosed(GateError):
    """The gate did not open; the text ends with the table and what the logs say."""

    report = ""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.report}" if self.report else super().__str__()


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    namespace = params["namespace"]
    rights = [
        Access("list", "", "pods", namespace=namespace),
        Access("get", "", "pods", "proxy", namespace=namespace),
        Access("get", "", "pods", "log", namespace=namespace),
    ]
    if params.get("name"):
        rights.append(Access("get", "apps", "deployments", namespace=namespace))
        rights.append(Access("list", "apps", "replicasets", namespace=namespace))
    return rights


def wanted_from_params(params: Params) -> Wanted:
    """Return what each replica has to serve.

    Raises:
        InputError: a name twice, or a version that OVMS cannot have.
    """
    items = params.get("models")
    models: "dict[str, frozenset[int]]" = {}
    for item in items or []:
        name, versions = item["name"], frozenset(item.get("versions") or ())
        if name in models:
            raise InputError(f"the model '{name}' is listed twice", option="models.name")
        if any(version < 1 for version in versions):
            raise InputError(
                f"the model '{name}' wants a version below 1",
                option="models.versions",
                hint="Versions are whole numbers from 1, the names of the version directories",
            )
        models[name] = versions
    return Wanted(models, exclusive=not params["ignore_other_models"], listed=items is not None)


def target_from_params(params: Params) -> Target:
    """Return whom to ask.

    Raises:
        InputError: a number that cannot be.
    """
    if not 1 <= params["rest_port"] <= 65535:
        raise InputError("a port is a number from 1 to 65535", option="rest_port")
    if params.get("replicas") is not None and params["replicas"] < 1:
        raise InputError("at least one replica has to serve", option="replicas")
    return Target(
        namespace=params["namespace"],
        name=params.get("name"),
        label_selector=params.get("label_selector"),
        replicas=params.get("replicas"),
        rest_port=params["rest_port"],
    )


def run(params: Params, runtime: Runtime) -> Result:
    """Ask every replica, wait if wished, and return the table.

    Raises:
        InputError: no such server.
        GateError: C(wait) and not every replica serves what is wanted, and only that.
    """
    wanted, target = wanted_from_params(params), target_from_params(params)
    begun = time.monotonic()
    with (
        KubeClient.from_params(params) as client,
        Prober(client, target.namespace, target.rest_port) as prober,
    ):
        watcher = Watcher(
            find=lambda: _find(client, target, params["wait"]),
            prober=prober,
            wanted=wanted,
            limits=Limits(stuck_after=params["stuck_after"]),
            progress=runtime.progress if params["wait"] else lambda line: None,
        )
        verdict = watcher.wait(params["wait_timeout"]) if params["wait"] else watcher.look()
        seconds = round(time.monotonic() - begun, 3)
        if verdict.outcome == PASSED:
            return _result(watcher, wanted, verdict.findings, seconds)
        findings = watcher.with_logs(verdict.findings)
        result = _result(watcher, wanted, findings, seconds)
        if params["wait"]:
            raise _closed(target, verdict, findings, result)
        return result


def _find(client: KubeClient, target: Target, strict: bool) -> Fleet:
    """List the replicas; a report without waiting takes a missing Deployment for no replicas."""
    try:
        return find_fleet(client, target)
    except InputError:
        if strict:
            raise
        return Fleet(0)


def _result(
    watcher: Watcher, wanted: Wanted, findings: Sequence[Finding], seconds: float
) -> Result:
    nodes = {replica.name: replica.node for replica in watcher.fleet.replicas}
    return {
        "changed": False,
        "available": not findings,
        "replicas": {"wanted": watcher.fleet.expected, "seen": len(watcher.tracks)},
        "statuses": status_rows(watcher.tracks, wanted, nodes),
        "problems": [finding.as_dict() for finding in findings],
        "seconds": seconds,
    }


def _closed(
    target: Target, verdict: Verdict, findings: Sequence[Finding], result: Result
) -> GateClosed:
    first = next((finding for finding in findings if finding.final), findings[0])
    what = "not every replica serves what is wanted"
    when = f"after {result['seconds']:.0f} s "
    error = GateClosed(
        f"{when}{what}: {_where(first)}{first.message}",
        subject=str(target),
        hint=first.hint,
        details={**result, "outcome": verdict.outcome},
    )
    error.report = report(findings, result["statuses"])
    return error


def report(findings: Sequence[Finding], rows: Sequence[Dict[str, Any]]) -> str:
    """Return the table and one line per finding, with what the log says below it."""
    lines = [render(GATE_COLUMNS, rows)] if rows else []
    for finding in findings:
        lines.append(f"- {_where(finding)}{finding.message}")
        lines.extend(f"    {line}" for line in finding.log.splitlines())
    return "\n".join(lines)


def _where(finding: Finding) -> str:
    return f"{finding.replica}: " if finding.replica else ""
