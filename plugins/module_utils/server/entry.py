# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_server."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from ..entry import merge_specs
from ..kube.apply import render_diff
from ..kube.auth.options import AUTH_ARGUMENT_SPEC, WAIT_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.planned import OPTION, PLANNED_ARGUMENT_SPEC
from ..kube.types import Access
from ..runtime import Params, Result, Runtime
from ..verify.marker import without_marker
from . import values
from .apply.deploy import Deployer
from .apply.give_back import give_back
from .apply.outcome import Outcome, Waiting, summary
from .apply.removal import remove
from .backends.select import select
from .checks import auto, cloud, cluster, device_fit, device_nodes, expose, gateway
from .clients.reached import from_spec
from .clients.ways import told
from .config.refuse import check_config
from .config.render import Config
from .discover import platform, release
from .plan.changes import consequence_text, reason
from .render.config import context_of, render_config
from .render.identity import endpoints
from .spec import cache
from .spec.argument_spec import (
    CHANGE_ARGUMENT_SPEC,
    DEFAULT_WAIT_TIMEOUT,
    ROLLBACK,
    SERVER_ARGUMENT_SPEC,
    SERVER_RULES,
)
from .spec.server import ServerSpec, spec_from_params

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
    {"wait_timeout": {"type": "int", "default": DEFAULT_WAIT_TIMEOUT}},
    SERVER_ARGUMENT_SPEC,
    CHANGE_ARGUMENT_SPEC,
    PLANNED_ARGUMENT_SPEC,
)
SPEC_RULES: Dict[str, Any] = SERVER_RULES


@dataclass(frozen=True)
class Parsed:
    """Options that were checked without the cluster.

    Attributes:
        spec: the server.
        config: its configuration; None if the release of OVMS has to be read from a running server.
    """

    spec: ServerSpec
    config: Optional[Config]


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    wait = bool(params["wait"])
    if params["state"] != "present":
        return cluster.access_for_removal(params["namespace"], wait=wait)
    spec = auto.left_open(_spec(params))
    return cluster.access_for(spec, wait=wait, prune=True, namespace=spec.create_namespace)


def run(params: Params, runtime: Runtime) -> Result:
    """Bring the server to the wanted state.

    Raises:
        InputError, ForbiddenError, AuthError, UnreachableError: nothing was changed.
        WaitError: C(details.changed) tells whether something was.
    """
    if params["state"] != "present":
        return _absent(params, runtime)
    found = parsed(params, runtime)
    with KubeClient.from_params(params) as client:
        if runtime.check_mode and params.get(OPTION):
            client.foresee(params)
        return present(client, params, found, runtime)


def present(client: KubeClient, params: Params, found: Parsed, runtime: Runtime) -> Result:
    """Deploy a server whose options C(parsed) has checked; see C(run)."""
    begun = time.monotonic()
    spec, proxies = _resolved(client, found.spec, found.config, runtime)
    deployer = Deployer(client, spec, runtime, _waiting(params))
    outcome = deployer.present()
    result = _result(outcome, runtime, begun)
    result["config"] = without_marker(json.loads(deployer.config)) if deployer.config else None
    result["replicas"] = {"wanted": outcome.wanted, "ready": outcome.ready}
    names = select(spec.backend).names(spec)
    result["endpoints"] = endpoints(names.service, spec.namespace, deployer.ports)
    result["exposed"] = spec.running.expose.addresses() if spec.running.expose else {}
    result["exposed_through"] = auto.told(spec.running.expose)
    result["clients"] = told(
        from_spec(spec, names.service, deployer.ports, deployer.pod_ports, result["config"])
    )
    result["addresses"] = outcome.addresses
    result["prepulled"] = outcome.prepulled
    result["ended_first"] = outcome.ended_first
    result["downtime_seconds"] = outcome.downtime
    result["carrier"] = client.carrier
    result.update(proxies)
    return result


def _waiting(params: Params) -> Waiting:
    return Waiting(
        wait=bool(params["wait"]),
        timeout=float(params["wait_timeout"]),
        prepull=bool(params["image_prepull"]),
        puts_back=params["on_failure"] == ROLLBACK,
    )


def parsed(params: Params, runtime: Runtime) -> Parsed:
    """Return the spec and the configuration, as far as they are known without the cluster.

    Raises:
        InputError: names the option and the way out.
    """
    spec = _spec(params)
    late = release.matters(spec)
    config = None
    if not late:
        spec, config = _judged(spec, runtime)
    caching = cache.warnings(spec.cache, spec.models, spec.extra_args)
    for text in (*spec.running.warnings, *caching):
        runtime.warn(text)
    expose.check_given(spec, runtime.warn)
    return Parsed(spec, config)


def _resolved(
    client: KubeClient, spec: ServerSpec, config: Optional[Config], runtime: Runtime
) -> Tuple[ServerSpec, Dict[str, Any]]:
    """Return the spec with the settings that the cluster decides, and the proxies for the result.

    The order matters: the configuration depends on the release, ids and proxies depend on the
    platform, and the choice of device resources depends on the configuration.

    Raises:
        InputError: the cluster does not have what is asked for.
    """
    if config is None:
        spec, config = _judged(release.probed(client, spec, runtime), runtime)
    spec, proxies = platform.resolved(client, spec)
    spec = device_nodes.resolved(client, spec, config)
    spec = gateway.resolved(client, auto.resolved(client, spec), runtime.warn)
    cloud.check(spec, runtime.warn)
    return spec, proxies


def _spec(params: Params) -> ServerSpec:
    """Return the checked spec as the servers of its backend see it."""
    spec = spec_from_params(params)
    return select(spec.backend).check(params, spec)


def _judged(spec: ServerSpec, runtime: Runtime) -> Tuple[ServerSpec, Config]:
    """Return the spec with its devices resolved, and the rendered, linted configuration.

    Raises:
        InputError: the server would refuse it.
    """
    config: Config = {}
    if not spec.config.own:
        config = render_config(spec)
        check_config(config, runtime, context_of(spec))
    return device_fit.fitted(spec, config, runtime), config


def _absent(params: Params, runtime: Runtime) -> Result:
    begun = time.monotonic()
    name = values.dns_1035(params["name"], "name")
    with KubeClient.from_params(params) as client:
        leave = remove if params["state"] == "absent" else give_back
        outcome = leave(client, params["namespace"], name, runtime, _waiting(params))
    return _result(outcome, runtime, begun)


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
            diff["after_header"] += f": {consequence_text(outcome.changes)}"
        result["diff"] = diff
    return result
