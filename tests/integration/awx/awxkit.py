# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real collection awx.awx, and runs of openvino.edge.awx against the stand-in for AWX."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
TESTBED = ROOT / "tests" / "testbed"
README = ROOT / "tests" / "integration" / "readme"
sys.path[:0] = [str(path) for path in (TESTBED / "awx", TESTBED / "bench", TESTBED, README)]

import peers  # noqa: E402
from awx_standin import Store  # noqa: E402
from userkit import publish  # noqa: E402

RECAP = re.compile(r"^localhost +: ok=\d+ +changed=(\d+)", re.M)
# Nobody else writes this: where it is found, a secret has got out.
MARKER = "kept-for-nobody-to-read"
TOKEN = "token-of-nobody"


@dataclass(frozen=True)
class Run:
    """What a run did: exit code, changed tasks, all it printed, and what it asked AWX to change."""

    code: int
    changed: int
    text: str
    requests: list[tuple[str, str, Any]]


@dataclass(frozen=True)
class Awx:
    """An AWX that is none, and who sets it up.

    Attributes:
        url: where the stand-in listens.
        store: what it keeps.
        collections: where awx.awx is.
        folder: in which variables are written.
    """

    url: str
    store: Store
    collections: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        """Return the environment of a run: both collections, and the login."""
        return {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{self.collections}",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "CONTROLLER_HOST": self.url,
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
        }

    def play(self, variables: dict[str, Any], *options: str) -> Run:
        """Run the playbook with some variables; secrets go through a file, as in the page."""
        self.store.requests.clear()
        file = self.folder / "awx.yml"
        file.write_text(json.dumps(variables))
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "openvino.edge.awx"]
        done = subprocess.run(
            [*command, "-i", "localhost,", "-e", f"@{file}", *options],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        recap = RECAP.search(done.stdout)
        changed = int(recap[1]) if recap else -1
        requests = list(self.store.requests)
        return Run(done.returncode, changed, done.stdout + done.stderr, requests)


def awx_awx() -> Path:
    """Return a collections path that holds awx.awx, unpacked once from PyPI."""
    return peers.collection("awx.awx", TESTBED / "awx" / "requirements-awx.txt")


def fleet_repository(folder: Path, model: str, **variables: Any) -> Path:
    """Write a repository as docs/awx.md has it: playbooks, the inventory, one model."""
    folder.mkdir()
    for name in ("site", "verify"):
        play = [{"ansible.builtin.import_playbook": f"openvino.edge.{name}"}]
        (folder / f"{name}.yml").write_text(yaml.safe_dump(play))
    (folder / "ansible.cfg").write_text("[defaults]\ncallbacks_enabled = openvino.edge.rollout\n")
    clusters = {
        "plugin": "openvino.edge.clusters",
        "contexts": ["*"],
        "compose": {"edge_kubeconfig": "''"},
    }
    (folder / "clusters.yml").write_text(yaml.safe_dump(clusters))
    wanted = {
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_src": "models",
        "edge_models": [{"name": model, "versions": [1]}],
        **variables,
    }
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "edge_clusters.yml").write_text(yaml.safe_dump(wanted))
    publish(folder, 1, model=model)
    return folder
