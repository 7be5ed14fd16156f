# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local connection under another name: tasks then run as modules, not inside the worker."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: elsewhere
short_description: run on this machine, but as on another one
description: For tests.
author: openvino.edge contributors
version_added: 0.1.0
options: {}
"""


class Connection(LocalConnection):  # type: ignore[misc]  # Ansible ships no types
    """Runs commands here."""

    transport = "elsewhere"
