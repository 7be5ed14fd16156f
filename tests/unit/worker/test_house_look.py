# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task of site.yml resolves the turns of many hosts from the tasks of the play that it is in.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

BARE = "{{ there_is_no_such_variable }}"
# Each host, what it has of its own, and what the look says of it.
HOSTS: "dict[str, tuple[dict[str, Any], str]]" = {
    "well": ({}, "offline: "),
    "held": ({"edge_hold": "inventory day"}, "on hold: inventory day"),
    "odd": ({"edge_replicas": "two"}, "replicas"),
    "far": ({"ansible_connection": "ssh"}, "it runs on another machine"),
    "bare": ({"edge_store": {"pvc": {"claim_name": BARE}}}, "there_is_no_such_variable"),
}


def test_a_turn_is_resolved_as_its_tasks_would_be(tmp_path: Path) -> None:
    """Nobody answers, so each host has its turn, for a reason of its own."""
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "edge_auth": {"host": "https://127.0.0.1:1", "validate_certs": False},
        "edge_create": True,
        "edge_fleet": "tests",
        "edge_models": [{"name": "ocr", "versions": [1]}],
        "edge_namespace": "edge-{{ inventory_hostname }}",
        "edge_server_options": {"replicas": 2},
        "edge_skip_unchanged": True,
        "edge_src": str(tmp_path),
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_verify_forks": 1,
    }
    inventory = tmp_path / "hosts.json"
    inventory.write_text(
        json.dumps(
            {"all": {"hosts": {name: own for name, (own, _words) in HOSTS.items()}, "vars": common}}
        )
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")},
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "NO_PROXY": "127.0.0.1",
        "XDG_STATE_HOME": str(tmp_path),
    }
    playbook = str(ROOT / "playbooks" / "site.yml")
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-v",
            "-i",
            str(inventory),
            playbook,
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "wave 'all': 0 of 5 clusters have what is wanted already" in done.stdout, done.stdout
    assert "so have 2 others their turn" in done.stdout
    (found,) = re.findall(r'"why": (\{.*?\})\}?$', done.stdout, re.M)
    why = json.loads(found)
    for host, (_own, words) in HOSTS.items():
        assert words in why[host], why
