# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole rollouts over simulated clusters, one after another, for `make bench-fleet`.

Each rollout takes the clusters to the next version of a small model, in four waves. The same
command once more is a run without a change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from show import ROOT
from simulated import MODEL, Object
from sites import Sites

PLAYBOOK = ROOT / "playbooks" / "site.yml"
WAVES: list[Object] = [
    {"name": "canary", "count": 1},
    {"name": "early", "percent": 10},
    {"name": "many", "percent": 30},
    {"name": "rest", "rest": True},
]
ONE_TASK: Object = {"edge_one_task": True}


class Rollouts:
    """Rollouts over some sites.

    Args:
        sites: the simulated clusters.
        play: runs a playbook with an inventory, and has a name for the run.
    """

    def __init__(self, sites: Sites, play: Callable[[str, Path, Path], None]) -> None:
        self._sites, self._play = sites, play
        self._version = 0

    def install(self) -> None:
        """Bring the first version to all sites."""
        self.next_together(self._sites.count, "install")

    def next(self, count: int, name: str, more: Object | None = None) -> None:
        """Bring the next version to some of the sites, with more variables."""
        self._version += 1
        self._sites.write_models(self._version)
        self.again(count, name, more)

    def next_together(self, count: int, name: str) -> None:
        """Bring the next version to some of the sites, from one task for each batch."""
        self.next(count, name, ONE_TASK)

    def again_together(self, count: int, name: str) -> None:
        """Run the same once more, from one task for each batch."""
        self.again(count, name, ONE_TASK)

    def looked_first(self, count: int, name: str) -> None:
        """Run the same once more, and leave those alone that have what is wanted."""
        self.again(count, name, {"edge_skip_unchanged": True})

    def again(self, count: int, name: str, more: Object | None = None) -> None:
        """Run the same once more, with more variables."""
        hosts = self._sites.hosts(count)
        for variables in hosts.values():
            variables["edge_models"] = [{"name": MODEL, "versions": [self._version]}]
            variables["edge_waves"] = WAVES
            variables.update(more or {})
        self._play(name, PLAYBOOK, self._sites.inventory(hosts, name))
