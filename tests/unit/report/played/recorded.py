# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that answers what its task tells: recorded results in place of clusters."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """The class that Ansible loads, under the name of each action of the collection."""

    _requires_connection = False

    def run(
        self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None
    ) -> Dict[str, Any]:
        """Return the recorded result."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        recorded = self._task.args["recorded"]
        if recorded.get("unreachable"):
            raise AnsibleConnectionFailure("nobody answers")
        result.update(recorded)
        return result
