# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs openvino.edge.fleet_status on the controller."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..module_utils.fleet.status import ARGUMENT_SPEC, SPEC_RULES, run
from ..module_utils.runtime import Runtime
from ..plugin_utils.action import EdgeAction
from ..plugin_utils.per_host import HostOptions


class ActionModule(EdgeAction):
    """The action of the module of the same name; there is no other form of it."""

    ARGUMENT_SPEC = ARGUMENT_SPEC
    SPEC_RULES = SPEC_RULES
    ON_CONTROLLER = True
    FOR_FLEET = True

    def entry(self, params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
        """Ask all clusters with the options that each of them has."""
        return run(params, runtime, HostOptions(self, self._task_vars, params["options"]))
