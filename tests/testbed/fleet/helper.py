# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One helper of a simulated cluster: the real program of the agent, in a process of its own.

This module is loaded once, in the process that all helpers are forked from.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import main as agent


def run(environment: Mapping[str, str], user: int, group: int, log: Path) -> None:
    """Become the agent of one pod.

    Args:
        environment: of its container.
        user: of its security context.
        group: the same.
        log: takes what it prints.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.setgroups([group])
    os.setgid(group)
    os.setuid(user)
    os.environ.clear()
    os.environ.update(environment)
    try:
        agent.main()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
