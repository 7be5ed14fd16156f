# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs openvino.edge.rollout_look on the controller."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..module_utils.fleet.cluster import ROLES
from ..module_utils.fleet.look import ARGUMENT_SPEC, SPEC_RULES, run
from ..module_utils.objects import entry as objects
from ..module_utils.preflight import entry as preflight
from ..module_utils.repository import entry as repository
from ..module_utils.rollout import deploy
from ..module_utils.runtime import Params, Result, Runtime
from ..module_utils.verify import entry as gate
from ..module_utils.verify.inference import entry as inference
from ..plugin_utils.action import EdgeAction
from ..plugin_utils.role_options import specs_of
from ..plugin_utils.turn import HostTurns, Kind

SPECS = specs_of(ROLES)
NO_RECORD = "its newest release is another one, or has not passed the gate"


def _server(params: Params, runtime: Runtime) -> Result:
    """Return what a deployment would do, with the record that it would write."""
    if not deploy.is_recorded(params, runtime):
        return {"recorded": False}
    return {**deploy.run(params, runtime), "recorded": True}


def _changes(result: Result) -> str:
    return "it would change something" if result["changed"] else ""


def _copies(result: Result) -> str:
    """Return what a copy would do; a version that servers load anew is no change of the store."""
    anew = any(target["versions_loaded_anew"] for target in result["targets"])
    return _changes(result) or ("servers would load a version anew" if anew else "")


def _store(params: Params, runtime: Runtime) -> Result:
    """Return what a copy would do, unless a signature raises a counter without a change."""
    if params.get("signature"):
        return {"changed": True, "targets": []}
    return repository.run(params, runtime)


# What differs most often, and costs least, comes first. The gate does not wait: what does not serve
# yet has its turn. A wrong answer is an error, also in check mode.
KINDS: Dict[str, Kind] = {
    "openvino.edge.model_server": Kind(
        deploy.ARGUMENT_SPEC,
        deploy.SPEC_RULES,
        _server,
        lambda result: _changes(result) if result["recorded"] else NO_RECORD,
        ("seconds",),
        {"release_run": ""},
    ),
    "openvino.edge.model_status": Kind(
        gate.ARGUMENT_SPEC,
        gate.SPEC_RULES,
        gate.run,
        lambda result: "" if result["available"] else "it does not serve all that is wanted",
        ("available", "statuses", "seconds"),
        {"wait": False},
    ),
    "openvino.edge.objects": Kind(objects.ARGUMENT_SPEC, objects.SPEC_RULES, objects.run, _changes),
    "openvino.edge.preflight_info": Kind(
        preflight.ARGUMENT_SPEC, preflight.SPEC_RULES, preflight.run, _changes
    ),
    "openvino.edge.model_inference": Kind(
        inference.ARGUMENT_SPEC,
        inference.SPEC_RULES,
        inference.run,
        _changes,
        fixed={"report_only": False},
    ),
    "openvino.edge.model_repository": Kind(
        repository.ARGUMENT_SPEC,
        repository.SPEC_RULES,
        _store,
        _copies,
        ("bytes_total", "bytes_planned", "bytes_sent", "bytes_pulled", "bytes_reused", "seconds"),
    ),
}


class ActionModule(EdgeAction):
    """The action of the module of the same name; there is no other form of it."""

    ARGUMENT_SPEC = ARGUMENT_SPEC
    SPEC_RULES = SPEC_RULES
    ON_CONTROLLER = True
    FOR_FLEET = True

    def entry(self, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        """Look at the clusters, each with the tasks and options that it has in this play."""
        return run(params, runtime, HostTurns(self, self._task_vars, KINDS, SPECS))
