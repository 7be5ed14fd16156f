# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running commands, and the one error of the build."""

from __future__ import annotations

import subprocess


class BuildError(Exception):
    """The build cannot go on; the text says what to do."""


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed. Raises BuildError with its last lines."""
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    )
    if result.returncode:
        tail = "\n".join(result.stdout.splitlines()[-8:])
        raise BuildError(f"{command[0]} ended with {result.returncode}:\n{tail}")
    return result.stdout
