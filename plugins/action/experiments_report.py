# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""openvino.edge.experiments_report, run in the worker."""

from __future__ import annotations

from ..module_utils.loadtest.experiments.entry import ARGUMENT_SPEC, SPEC_RULES, run
from ..plugin_utils.action import EdgeAction


class ActionModule(EdgeAction):
    """The judgement of experiments, in the worker."""

    ARGUMENT_SPEC = ARGUMENT_SPEC
    SPEC_RULES = SPEC_RULES
    entry = staticmethod(run)
