"""The one task of a batch (`edge_one_task`) for clusters that are none, whose job is a command.

All of it is the collection's own: how turns are resolved, gone through in threads and written to
the journal. Only the modules that a turn may have are those of the job of `make fleet-kills`.
"""

from __future__ import annotations

import subprocess
from typing import Any, Dict, Mapping

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.fleet.turns import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    run,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.plugin_utils.action import EdgeAction
from ansible_collections.openvino.edge.plugins.plugin_utils.turn import HostTurns, Kind


def _command(params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
    subprocess.run(params["argv"], check=True)
    return {"changed": True}


def _fail(params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
    raise EdgeError(params["msg"])


def _nothing(result: Mapping[str, Any]) -> str:
    return ""


KINDS = {
    "ansible.builtin.fail": Kind({"msg": {"type": "str"}}, {}, _fail, _nothing),
    "ansible.builtin.command": Kind(
        {"argv": {"type": "list", "elements": "str"}}, {}, _command, _nothing
    ),
}


class ActionModule(EdgeAction):
    """Takes the place of openvino.edge.rollout_turns."""

    ARGUMENT_SPEC = ARGUMENT_SPEC
    SPEC_RULES = SPEC_RULES
    ON_CONTROLLER = True
    FOR_FLEET = True

    def entry(self, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        """Go through the turns."""
        return run(params, runtime, HostTurns(self, self._task_vars, KINDS, {}, acts=True))
