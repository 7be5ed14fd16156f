# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each task's result as one line of JSON to the file that EDGE_TEST_RECORD names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: notification
short_description: results as lines of JSON
description: For tests.
version_added: 0.1.0
requirements: [EDGE_TEST_RECORD names a file]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Appends {host, task, action, outcome, result}."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a task that went well."""
        self._note("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note a task that failed, or whose failure is ignored."""
        self._note("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note a host that Ansible itself calls unreachable."""
        self._note("unreachable", result)

    @staticmethod
    def _note(outcome: str, result: Any) -> None:
        path = os.environ.get("EDGE_TEST_RECORD")
        if not path:
            return
        line = {
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "action": str(result._task.action),
            "outcome": outcome,
            "result": result._result,
        }
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")
