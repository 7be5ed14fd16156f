# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs openvino.edge.rollout_look on the controller."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..module_utils.fleet.cluster import ROLES
from ..module_utils.fleet.look import ARGUMENT_SPEC, SPEC_RULES, run
from ..module_utils.runtime import Runtime
from ..plugin_utils.action import EdgeAction
from ..plugin_utils.role_options import specs_of
from ..plugin_utils.turn import HostTurns
from ..plugin_utils.turn_kinds import LOOKED_AT

SPECS = specs_of(ROLES)


class ActionModule(EdgeAction):
    """The action of the module of the same name; there is no other form of it."""

    ARGUMENT_SPEC = ARGUMENT_SPEC
    SPEC_RULES = SPEC_RULES
    ON_CONTROLLER = True
    FOR_FLEET = True

    def entry(self, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        """Look at the clusters, each with the tasks and options that it has in this play."""
        return run(params, runtime, HostTurns(self, self._task_vars, LOOKED_AT, SPECS))
