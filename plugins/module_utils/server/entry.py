# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_server."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.entry import merge_specs
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import render_diff
from ansible_collections.openvino.edge.plugins.module_utils.kube.args import (
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Result, Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import (
    cache,
    cloud_lint,
    device_fit,
    device_nodes,
    exposing_checks,
    platform,
    preflight,
    probing,
    values,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import MANIFESTS
from ansible_collections.openvino.edge.plugins.module_utils.server.changes import reason, told
from ansible_collections.openvino.edge.plugins.module_utils.server.config import render_config
from ansible_collections.openvino.edge.plugins.module_utils.server.deploy import (
    Deployer,
    Outcome,
    Waiting,
    remove,
    summary,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.give_back import give_back
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import endpoints
from ansible_collections.openvino.edge.plugins.module_utils.server.options import (
    DEFAULT_WAIT_TIMEOUT,
    SERVER_ARGUMENT_SPEC,
    SERVER_RULES,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.refusals import (
    check_config,
    context_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import (
    ServerSpec,
    spec_from_params,
)

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
    {"wait_timeout": {"type": "int", "default": DEFAULT_WAIT_TIMEOUT}},
    SERVER_ARGUMENT_SPEC,
)
SPEC_RULES: Dict[str, Any] = SERVER_RULES


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    wait = bool(params["wait"])
    if params["state"] != "present":
        return preflight.access_for_removal(params["namespace"], wait=wait)
    spec = spec_from_params(params)
    return preflight.access_for(spec, wait=wait, prune=True, namespace=spec.create_namespace)


def run(params: Params, runtime: Runtime) -> Result:
    """Bring the server to the wanted state.

    Raises:
        InputError, ForbiddenError, AuthError, UnreachableError: nothing was changed.
        WaitError: C(details.changed) tells whether something was.
    """
    begun = time.monotonic()
    waiting = Waiting(bool(params["wait"]), float(params["wait_timeout"]))
    if params["state"] != "present":
        return _absent(params, runtime, waiting, begun)
    spec = spec_from_params(params)
    late = probing.matters(spec)
    spec, config = (spec, {}) if late else _judged(spec, runtime)
    caching = cache.warnings(spec.cache, spec.models, spec.extra_args)
    for text in (*spec.running.warnings, *caching):
        runtime.warn(text)
    exposing_checks.check_given(spec, runtime.warn)
    with KubeClient.from_params(params) as client:
        if late:
            spec, config = _judged(probing.probed(client, spec, runtime), runtime)
        spec, told = platform.settled(client, spec)
        spec = device_nodes.resolved(client, spec, config)
        cloud_lint.check(spec, runtime.warn)
        deployer = Deployer(client, spec, runtime, waiting)
        outcome = deployer.present()
    result = _result(outcome, runtime, begun)
    result["config"] = json.loads(deployer.config or "null")
    result["replicas"] = {"wanted": outcome.wanted, "ready": outcome.ready}
    result["endpoints"] = _endpoints(spec)
    result["exposed"] = spec.running.expose.addresses() if spec.running.expose else {}
    result["addresses"] = outcome.addresses
    result.update(told)
    return result


def _judged(spec: ServerSpec, runtime: Runtime) -> Tuple[ServerSpec, Dict[str, Any]]:
    """Return the spec that fits its devices, and the configuration of ours, which is linted.

    Raises:
        InputError: the server would refuse it.
    """
    config: Dict[str, Any] = {}
    if not spec.config.own:
        config = render_config(spec)
        check_config(config, runtime, context_of(spec))
    return device_fit.fitted(spec, config, runtime), config


def _absent(params: Params, runtime: Runtime, waiting: Waiting, begun: float) -> Result:
    name = values.dns_1035(params["name"], "name")
    with KubeClient.from_params(params) as client:
        leave = remove if params["state"] == "absent" else give_back
        outcome = leave(client, params["namespace"], name, runtime, waiting)
    return _result(outcome, runtime, begun)


def _endpoints(spec: ServerSpec) -> Dict[str, str]:
    if spec.backend != MANIFESTS:
        from ansible_collections.openvino.edge.plugins.module_utils.server.backends import names

        service = names.made_by(spec.backend, spec.name).deployment
        numbers = names.ports(spec.backend, spec.rest_port, spec.grpc_port)
        return endpoints(service, spec.namespace, numbers)
    ports = {"rest": spec.rest_port, "grpc": spec.grpc_port}
    return endpoints(spec.name, spec.namespace, ports)


def _result(outcome: Outcome, runtime: Runtime, begun: float) -> Result:
    result: Result = {
        "changed": outcome.changed,
        "objects": summary(outcome.changes),
        "reload": outcome.reload,
        "reload_reason": reason(outcome.changes),
        "seconds": round(time.monotonic() - begun, 3),
    }
    diff: Optional[Dict[str, str]] = render_diff(outcome.changes) if runtime.diff else None
    if diff is not None:
        if outcome.changed:
            diff["after_header"] += f": {told(outcome.changes)}"
        result["diff"] = diff
    return result
