# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task of site.yml resolves the turns of many hosts from the tasks of the play that it is in.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "testbed" / "fleet")]

import wavekit  # noqa: E402

BARE = "{{ there_is_no_such_variable }}"
# Each host, what it has of its own, and what the look says of it.
HOSTS: "dict[str, tuple[dict[str, Any], str]]" = {
    "well": ({}, "offline: "),
    "held": ({"edge_hold": "inventory day"}, "on hold: inventory day"),
    "odd": ({"edge_replicas": "two"}, "replicas"),
    "far": ({"ansible_connection": "ssh"}, "it runs on another machine"),
    "bare": ({"edge_store": {"pvc": {"claim_name": BARE}}}, "there_is_no_such_variable"),
}


def rollout(folder: Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run site.yml over the hosts, with more variables; its whole output is in C(stdout)."""
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "edge_auth": {"host": "https://127.0.0.1:1", "validate_certs": False},
        "edge_create": True,
        "edge_fleet": "tests",
        "edge_journal": str(folder / "journal.sqlite"),
        "edge_models": [{"name": "ocr", "versions": [1]}],
        "edge_namespace": "edge-{{ inventory_hostname }}",
        "edge_server_options": {"replicas": 2},
        "edge_src": str(folder),
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_verify_forks": 1,
        **more,
    }
    inventory = folder / "hosts.json"
    hosts = {name: own for name, (own, _words) in HOSTS.items()}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")},
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "NO_PROXY": "127.0.0.1",
    }
    program = str(Path(sys.executable).parent / "ansible-playbook")
    return subprocess.run(
        [program, "-v", "-i", str(inventory), str(ROOT / "playbooks" / "site.yml")],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def why_in(text: str) -> "dict[str, str]":
    """Return why each host has its turn, as the one task of a batch tells it."""
    (found,) = re.findall(r'"why": (\{.*?\})\}?$', text, re.M)
    why: "dict[str, str]" = json.loads(found)
    return why


def states(folder: Path) -> "dict[str, tuple[str, str]]":
    """Return state and phase of each cluster in the journal."""
    with sqlite3.connect(folder / "journal.sqlite") as store:
        rows = store.execute("SELECT cluster, state, phase FROM clusters").fetchall()
    return {name: (state, phase) for name, state, phase in rows}


def test_a_turn_is_resolved_as_its_tasks_would_be(tmp_path: Path) -> None:
    """Nobody answers, so each host has its turn, for a reason of its own."""
    done = rollout(tmp_path, edge_skip_unchanged=True)
    assert "wave 'all': 0 of 5 clusters have what is wanted already" in done.stdout, done.stdout
    assert "so have 2 others their turn" in done.stdout
    why = why_in(done.stdout)
    for host, (_own, words) in HOSTS.items():
        assert words in why[host], why


def test_turns_in_one_task_end_as_those_of_tasks(tmp_path: Path) -> None:
    """All is refused: each cluster fails, or says not now, in the state and phase of its tasks."""
    ends: "dict[bool, list[Any]]" = {}
    codes = {}
    for together in (False, True):
        folder = tmp_path / str(together)
        folder.mkdir()
        waves = [{"name": "all of them", "rest": True}]
        auth = {"host": wavekit.refusing()}
        done = rollout(folder, edge_one_task=together, edge_waves=waves, edge_auth=auth)
        codes[together] = done.returncode
        ends[together] = [*re.findall(r"^rollout .*", done.stdout, re.M), states(folder)]
        assert len(ends[together]) == 2, done.stdout
        failed = re.findall(r"^(\w+) +: .* failed=([1-9])", done.stdout, re.M)
        ends[together].append(dict(failed))
    # One of them has a connection that nobody answers on, which Ansible itself says with 4.
    assert ends[True] == ends[False] and codes == {False: 4, True: 4}
    assert "the turns of 2 of 5 clusters were in one task" in done.stdout, done.stdout
    why = why_in(done.stdout)
    assert set(why) == {"odd", "far", "bare"} and all(HOSTS[name][1] in why[name] for name in why)
    # What has had its turn has no task of its own.
    turn = done.stdout.split("TASK [Begin the turn of the cluster]")[1].split("TASK [")[0]
    assert "[odd]" in turn and "[well]" not in turn and "[held]" not in turn
