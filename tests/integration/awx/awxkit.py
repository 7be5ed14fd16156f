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
from awx_role import role_variables  # noqa: E402
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


def store_with(logins: dict[str, str], *templates: str) -> Store:
    """Return a stand-in with credentials, and with some of the role's templates that have them all.

    Args:
        logins: content of each credential by its kind; inventories are read with the first.
        templates: names of job templates.
    """
    own, store = role_variables(), Store()
    organization = store.add("organizations", {"name": "o"})["id"]
    credentials = []
    for login, content in logins.items():
        kind = {"name": login, "kind": "cloud", **own["__awx_setup_login_types"][login]}
        row = {
            "name": login,
            "credential_type": store.add("credential_types", kind)["id"],
            "organization": organization,
            "inputs": {"content": content},
        }
        credentials.append(store.add("credentials", row)["id"])
    project = store.add("projects", {"name": "p", "organization": organization})["id"]
    inventory = store.add("inventories", {"name": "i", "organization": organization})["id"]
    source = {"inventory": inventory, "source": "scm", "source_project": project}
    source |= {"source_path": "clusters.yml", "credential": credentials[0]}
    store.add("inventory_sources", {"name": "i", **source})
    known = {one["name"]: one["playbook"] for one in own["__awx_setup_templates"]}
    for name in templates:
        given = {"playbook": known.get(name, f"{name}.yml"), "forks": 5}
        row = store.add(
            "job_templates", {"name": name, "project": project, "inventory": inventory, **given}
        )
        store.links[f"job_templates/{row['id']}/credentials"] = credentials
        if name in ("site", "verify"):
            asked = own["__awx_setup_rollout_survey"] if name == "site" else ["verify_wait_timeout"]
            questions = [one for one in own["__awx_setup_questions"] if one["variable"] in asked]
            store.surveys[row["id"]] = {"name": "", "description": "", "spec": questions}
    return store
