# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the examples of a page as plays, with the names of a test in place of the page's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jobkit import ROOT, Run, run_playbook

HOST = "page"


def blocks(page: str) -> list[str]:
    """Return the text of the YAML examples of a page below docs."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


@dataclass
class Pages:
    """One cluster to run examples on.

    Attributes:
        work: directory for plays.
        auth: options of every module for the way to the cluster.
        images: C(edge_agent_image) and C(edge_image).
        extra: further options by module.
    """

    work: Path
    auth: Mapping[str, Any]
    images: Mapping[str, str]
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def run(self, text: str, swaps: Mapping[str, str], *options: str) -> Run:
        """Run a block of tasks as one play; C(swaps) replaces text of the page first.

        Every text that is to be replaced has to be there: a page that changes breaks the test.
        """
        for old, new in swaps.items():
            assert old in text, f"the page has no {old!r}"
            text = text.replace(old, new)
        tasks = yaml.safe_load(text)
        for task in tasks:
            for module, added in self._added().items():
                if module in task:
                    task[module] = {**task[module], **added}
        play = self.work / "page.yml"
        play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        return run_playbook(self.work, play, {HOST: {}}, {}, *options)

    def _added(self) -> dict[str, dict[str, Any]]:
        agent, server = self.images["edge_agent_image"], self.images["edge_image"]
        images = {
            "model_repository": {"agent_image": agent, "exec_image": server},
            "model_server": {"image": server},
            "model_status": {},
        }
        return {
            f"openvino.edge.{name}": {**self.auth, **more, **self.extra.get(name, {})}
            for name, more in images.items()
        }
