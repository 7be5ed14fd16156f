# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory and what a playbook did with it; a model that is as small as can be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d+)", re.M)

SITES = ("canary", "north", "south")
WAVES = [{"name": "first", "clusters": ["canary"]}, {"name": "rest", "rest": True}]

# OpenVINO IR, version 11: x -> Result, without weights.
PORT = '<port id="0" precision="FP32" names="x"><dim>1</dim><dim>4</dim></port>'
TINY = f"""<?xml version="1.0"?>
<net name="tiny" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/>
<output>{PORT}</output></layer>
<layer id="1" name="y" type="Result" version="opset1"><input>{PORT}</input></layer>
</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>
"""


@dataclass
class Run:
    """What a playbook did: changed and failed tasks by host, and all it printed."""

    code: int
    changed: dict[str, int]
    failed: dict[str, int]
    text: str


@dataclass
class Fleet:
    """An inventory of two clusters and how to run a playbook on it."""

    inventory: Path
    namespaces: dict[str, str]

    def play(self, playbook: str, *options: str) -> Run:
        """Run a playbook of the root directory on it."""
        command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook]
        done = subprocess.run(
            [*command, "-i", str(self.inventory), *options],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        recap = RECAP.findall(done.stdout)
        return Run(
            done.returncode,
            {host: int(changed) for host, changed, _ in recap},
            {host: int(failed) for host, _, failed in recap},
            done.stdout + done.stderr,
        )


class Sites(Fleet):
    """Sites that share one cluster, each a namespace with a claim and a server of its own."""

    def __init__(self, inventory: Path, namespaces: dict[str, str], cluster: Any) -> None:
        super().__init__(inventory, namespaces)
        self.cluster = cluster
        self.journal: Any = str(inventory.parent / "journal.sqlite")

    def rollout(self, version: int, *options: str, **more: Any) -> Any:
        """Bring one version of the model to all sites."""
        return self.play("site.yml", *self.options(version, **more), *options)

    def options(self, version: int, **more: Any) -> list[str]:
        """Return the options of a rollout."""
        variables = {
            "edge_models": [{"name": "tiny", "versions": [version]}],
            "edge_waves": WAVES,
            "edge_journal": self.journal,
            "edge_fleet": "tests",
            **more,
        }
        return ["-e", json.dumps(variables)]

    def releases(self, site: str) -> list[tuple[int, str]]:
        """Return version and verdict of each release of a site, the oldest first."""
        listed = self.cluster.core.list_namespaced_config_map(
            self.namespaces[site], label_selector="openvino.edge/release-of=ovms"
        )
        records = sorted(
            (json.loads(item.data["release.json"]) for item in listed.items),
            key=lambda record: int(record["number"]),
        )
        return [(record["models"][0]["versions"][0], record["verdict"]) for record in records]
