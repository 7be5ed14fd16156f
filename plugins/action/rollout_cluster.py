# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs openvino.edge.rollout_cluster on the controller."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..module_utils.fleet.cluster import ARGUMENT_SPEC, GO, ROLES, SPEC_RULES, run
from ..module_utils.runtime import Runtime
from ..plugin_utils.action import EdgeAction
from ..plugin_utils.role_options import check_roles, specs_of
from ..plugin_utils.templates import load_jinja_plugins, share_compiled

# All this once, in the process that workers are forked from: in a rollout they do the same on each
# cluster.
SPECS = specs_of(ROLES)
if share_compiled():
    load_jinja_plugins()


class ActionModule(EdgeAction):
    """The action of the module of the same name; there is no other form of it."""

    ARGUMENT_SPEC = ARGUMENT_SPEC
    SPEC_RULES = SPEC_RULES
    ON_CONTROLLER = True

    def entry(self, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        """Begin or end the turn; one that begins has the variables of its roles checked."""
        result = run(params, runtime)
        if result["turn"] == GO:
            specs = {name: SPECS[name] for name in params["roles"]}
            check_roles(specs, self._task_vars, self._templar)
        return result
