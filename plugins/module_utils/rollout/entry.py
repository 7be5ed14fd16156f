# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.release: goes back to a recorded release.

It is C(model_server) with the options of the record: the same checks, the same configuration and
reload, the same supervision of what serves, and then the gate of C(model_status).
"""

from __future__ import annotations

from typing import Any, Dict, List

from ..entry import merge_specs
from ..kube.auth.options import AUTH_ARGUMENT_SPEC, WAIT_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.types import Access
from ..releases import GOOD, Release
from ..runtime import Params, Result, Runtime
from ..server import entry as server
from ..server.spec.argument_spec import CHANGE_ARGUMENT_SPEC, DEFAULT_WAIT_TIMEOUT
from ..server.values import dns_1035
from ..store import checked_namespace
from .choose import LAST_GOOD, chosen
from .content import restored
from .deploy import WayBack, deploy
from .history import History
from .options import KEEP, MOST_RELEASES, RUN_ARGUMENT_SPEC, Keeping, run_from_params

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
    {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "to": {"type": "str", "default": LAST_GOOD},
        "options": {"type": "dict", "default": {}, "no_log": True},
        "wait_timeout": {"type": "int", "default": DEFAULT_WAIT_TIMEOUT},
    },
    RUN_ARGUMENT_SPEC,
)
SPEC_RULES: Dict[str, Any] = {}

# What the result has of that of model_server.
_TOLD = ("changed", "objects", "reload", "reload_reason", "config", "diff", "release", "seconds")


def required_access(params: Params) -> List[Access]:
    """Return the rights to find the release; those to go back are of model_server."""
    return [Access("list", "", "configmaps", namespace=params["namespace"])]


def run(params: Params, runtime: Runtime) -> Result:
    """Put the server back to the release that C(to) means.

    Raises:
        InputError: there is no such release, or its record does not hold all of it.
        GateError: the server was put back, and not every replica serves what the release says.
    """
    place, name = checked_namespace(params), dns_1035(params["name"], "name")
    # How many records of the server stay, the next deployment knows; a way back removes none.
    keeping = Keeping(MOST_RELEASES, run_from_params(params))
    with KubeClient.from_params(params) as client:
        history = History(client, place, name)
        releases = history.read()
        for record in history.unreadable:
            runtime.warn(f"ConfigMap {place}/{record} is no release record of this form")
    target = chosen(releases, str(params["to"]).strip())
    newest = releases[-1]
    result = _put_back(params, runtime, keeping, target, newest)
    told = {key: result[key] for key in _TOLD if key in result}
    return {**told, "from_release": newest.number, "to_release": target.number}


def _put_back(
    params: Params, runtime: Runtime, keeping: Keeping, target: Release, newest: Release
) -> Result:
    """Deploy the options of a release."""
    if target.verdict != GOOD:
        runtime.warn(f"release {target.number} is recorded as {target.verdict}: {target.reason}")
    options = {
        **restored(target.options, target.withheld, params["options"]),
        **{key: params[key] for key in (*AUTH_ARGUMENT_SPEC, *WAIT_ARGUMENT_SPEC)},
        **{key: rule["default"] for key, rule in CHANGE_ARGUMENT_SPEC.items()},
        "namespace": params["namespace"],
        "name": params["name"],
        "state": "present",
        "create_namespace": False,
        "namespace_labels": {},
        "failed_install": KEEP,
    }
    if runtime.check_mode:
        return server.run(options, runtime)
    numbers = WayBack(target.number, newest.number)
    return deploy(options, runtime, keeping, numbers)
