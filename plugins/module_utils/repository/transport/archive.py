# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs the agent's source files into the zip that runs in a helper pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict

from ... import shipping
from .. import agent

if TYPE_CHECKING:
    # Never loaded here, since that would have Ansible compile them in every worker. Where a module
    # runs on another host, these lines are what brings the files there.
    from ..agent import (  # noqa: F401
        blocks,
        body,
        callers,
        commands,
        disk,
        files,
        lock,
        main,
        pack,
        repair,
        reuse,
        shared,
        stage,
        store,
        tasks,
        trust,
        upkeep,
        verify,
    )
    from ..agent.pull import fetch, http, look, s3  # noqa: F401

ARCHIVE = "agent.pyz"
PACKAGE = "edge_agent"
NAMES = (
    "main",
    "blocks",
    "body",
    "callers",
    "commands",
    "disk",
    "files",
    "lock",
    "pack",
    "pull.fetch",
    "pull.http",
    "pull.look",
    "pull.s3",
    "repair",
    "reuse",
    "shared",
    "stage",
    "store",
    "tasks",
    "trust",
    "upkeep",
    "verify",
)


def scripts() -> Dict[str, str]:
    """Return the text of each file by its path in the archive."""
    return shipping.scripts(agent.__name__, PACKAGE, NAMES)


def archive() -> bytes:
    """Return the files as one zip, which Python runs as it stands.

    The zip is sent to the cluster with every helper; it has a third of the size of the sources.
    """
    return shipping.zipped(scripts())
