# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_status."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any, Dict, List, Sequence

from ..entry import merge_specs
from ..errors import GateError, InputError
from ..kube.auth.options import AUTH_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.types import Access
from ..runtime import Params, Result, Runtime
from . import caches, ports
from .explain import Finding
from .gate import PASSED, Limits, Verdict, Wanted
from .probe import Prober
from .replicas import Fleet, Target, find_fleet
from .report import report, where
from .table import status_rows
from .watcher import Watcher

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
        "rest_port": {"type": "int"},
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
    """The gate failed; the message ends with the table and log lines."""

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
    """Return the server to query.

    Raises:
        InputError: a number is out of range.
    """
    port = ports.DEFAULT if params["rest_port"] is None else params["rest_port"]
    if not 1 <= port <= 65535:
        raise InputError("a port is a number from 1 to 65535", option="rest_port")
    if params.get("replicas") is not None and params["replicas"] < 1:
        raise InputError("at least one replica has to serve", option="replicas")
    return Target(
        namespace=params["namespace"],
        name=params.get("name"),
        label_selector=params.get("label_selector"),
        replicas=params.get("replicas"),
        rest_port=port,
    )


def run(params: Params, runtime: Runtime) -> Result:
    """Query every replica, wait if C(wait) is set, and return the table.

    Raises:
        InputError: no such server.
        GateError: C(wait) and not every replica serves what is wanted, and only that.
    """
    wanted, target = wanted_from_params(params), target_from_params(params)
    with KubeClient.from_params(params) as client:
        return ask(client, wanted, target, params, runtime)


def ask(
    client: KubeClient, wanted: Wanted, target: Target, params: Params, runtime: Runtime
) -> Result:
    """Query every replica; see C(run)."""
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        seen: List[Any] = []
        if params["rest_port"] is None:
            port, deployment = ports.told(client, target.namespace, target.name)
            target = replace(target, rest_port=port)
            seen.append(deployment)
        prober = stack.enter_context(Prober(client, target.namespace, target.rest_port))
        watcher = Watcher(
            find=lambda: _find(client, target, params["wait"], seen.pop() if seen else None),
            prober=prober,
            wanted=wanted,
            limits=Limits(stuck_after=params["stuck_after"]),
            progress=runtime.progress if params["wait"] else lambda line: None,
        )
        verdict = watcher.wait(params["wait_timeout"]) if params["wait"] else watcher.look()
        seconds = round(time.monotonic() - begun, 3)
        kept = caches.look(client, target.namespace, watcher.fleet.replicas)
        for cache in kept:
            if cache.warning:
                runtime.warn(cache.warning)
        passed = verdict.outcome == PASSED
        findings = verdict.findings if passed else watcher.with_logs(verdict.findings)
        result = {
            **_result(watcher, wanted, findings, seconds),
            "caches": [cache.as_dict() for cache in kept],
            "carrier": client.carrier,
        }
        if passed:
            return result
        if params["wait"]:
            raise _closed(target, verdict, findings, result)
        return result


def _find(client: KubeClient, target: Target, strict: bool, deployment: Any) -> Fleet:
    """List the replicas; a report without waiting takes a missing Deployment for no replicas."""
    try:
        return find_fleet(client, target, deployment)
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
        f"{when}{what}: {where(first)}{first.message}",
        subject=str(target),
        hint=first.hint,
        details={**result, "outcome": verdict.outcome},
    )
    error.report = report(findings, result["statuses"])
    return error
