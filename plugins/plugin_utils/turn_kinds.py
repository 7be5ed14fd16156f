# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the turn of a cluster may have, where one task goes through many turns."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict

from ..module_utils.loadtest import entry as loadtest
from ..module_utils.objects import entry as objects
from ..module_utils.preflight import entry as preflight
from ..module_utils.repository import entry as repository
from ..module_utils.rollout import deploy
from ..module_utils.runtime import Params, Result, Run, Runtime
from ..module_utils.verify import entry as gate
from ..module_utils.verify.inference import entry as inference
from .report.model import BYTES
from .turn import Kind

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
LOOKED_AT: Dict[str, Kind] = {
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

# What a run does, and what the reports show of it.
_DOES: Dict[str, "tuple[Run, tuple[str, ...]]"] = {
    "openvino.edge.objects": (objects.run, ()),
    "openvino.edge.preflight_info": (preflight.run, ()),
    "openvino.edge.model_repository": (repository.run, (*BYTES.values(), "models", "seconds")),
    "openvino.edge.model_server": (deploy.run, ("release", "seconds")),
    "openvino.edge.model_status": (gate.run, ("available", "statuses", "seconds")),
    "openvino.edge.model_inference": (inference.run, ()),
}
DONE: Dict[str, Kind] = {
    **{
        name: replace(LOOKED_AT[name], run=run, told=told, fixed={})
        for name, (run, told) in _DOES.items()
    },
    # No look can tell how fast a server would be, so a cluster that is measured has its turn.
    "openvino.edge.benchmark": Kind(
        loadtest.ARGUMENT_SPEC,
        loadtest.SPEC_RULES,
        loadtest.run,
        _changes,
        ("statistics", "requests", "shares", "slo", "passed"),
    ),
}
