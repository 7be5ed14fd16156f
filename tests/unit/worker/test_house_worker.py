# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real play: the action inside the worker and the module beside it give the same answer.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SECRET = "a-token-that-nobody-may-see"


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port that is taken but not listened on: connections to it are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, closed_port: int) -> "dict[str, Any]":
    folder = tmp_path_factory.mktemp("answers")
    local = {"ansible_python_interpreter": sys.executable}
    inventory = {
        "all": {
            "hosts": {
                "worker": {**local, "ansible_connection": "local"},
                "module": {**local, "ansible_connection": "elsewhere"},
            },
            "vars": {"closed_port": closed_port, "secret": SECRET, "answers": str(folder)},
        }
    }
    (folder / "hosts.json").write_text(json.dumps(inventory))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "NO_PROXY": "127.0.0.1",
    }
    executable = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [str(executable), "-vvv", "-i", str(folder / "hosts.json"), str(HERE / "play.yml")],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = {"output": done.stdout + done.stderr}
    for host in ("worker", "module"):
        found[host] = json.loads((folder / f"{host}.json").read_text())
    return found


@pytest.mark.parametrize("host", ["worker", "module"])
def test_unreachable_server_is_named(answers: "dict[str, Any]", host: str) -> None:
    nobody = answers[host]["nobody"]
    assert nobody["failed"] is True
    assert nobody["changed"] is False
    assert nobody["error"]["kind"] == "unreachable"
    assert "127.0.0.1" in nobody["msg"]


def test_both_ways_give_the_same_error(answers: "dict[str, Any]") -> None:
    worker, module = answers["worker"]["nobody"], answers["module"]["nobody"]
    assert (worker["msg"], worker["error"]) == (module["msg"], module["error"])


@pytest.mark.parametrize("host", ["worker", "module"])
def test_unknown_option_is_refused(answers: "dict[str, Any]", host: str) -> None:
    unknown = answers[host]["unknown"]
    assert unknown["failed"] is True
    assert "no_such_option" in unknown["msg"]


def test_secrets_are_not_shown(answers: "dict[str, Any]") -> None:
    shown = json.dumps([answers["worker"], answers["module"]])
    assert SECRET not in shown
