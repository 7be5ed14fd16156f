# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback in real plays: with recorded results, on the ansible-core of this environment.

`make matrix` runs it on every supported one.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.openvino.edge.plugins.plugin_utils.report.collect import ACTIONS
from invent import closed_gate, statuses

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MARKER = "a-marker"


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This collection, with recorded answers in place of its actions."""
    folder = tmp_path_factory.mktemp("played")
    plugins = folder / "ansible_collections" / "openvino" / "edge" / "plugins"
    (plugins / "action").mkdir(parents=True)
    for part in ("callback", "module_utils", "plugin_utils"):
        (plugins / part).symlink_to(ROOT / "plugins" / part)
    for action in ACTIONS:
        name = action.rpartition(".")[2]
        (plugins / "action" / f"{name}.py").symlink_to(HERE / "played" / "recorded.py")
    return folder


def environment(folder: Path, collections: Path, **more: str) -> "dict[str, str]":
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LC_ALL", "LANG") if key in os.environ}
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CALLBACKS_ENABLED": "openvino.edge.rollout",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "EDGE_REPORT_DIR": str(folder / "report"),
        "TERM": "xterm",
        **more,
    }


def inventory(folder: Path, hosts: str) -> Path:
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    found = {
        name: {
            **local,
            "wave": 1 if name == "a" else 2,
            "secret": MARKER,
            "gate": closed_gate(name) if name == "c" else {"statuses": statuses(name, True)},
        }
        for name in hosts
    }
    path = folder / "hosts.yml"
    path.write_text(json.dumps({"all": {"hosts": found}}))
    return path


def command(folder: Path, play: str, hosts: str, *more: str) -> "list[str]":
    executable = Path(sys.executable).parent / "ansible-playbook"
    return [
        str(executable),
        "-i",
        str(inventory(folder, hosts)),
        *more,
        str(HERE / "played" / play),
    ]


def played(
    folder: Path, collections: Path, play: str, hosts: str, *more: str, **settings: str
) -> "tuple[int, str, str]":
    """Run a play without a terminal; return exit code, output and errors."""
    done = subprocess.run(
        command(folder, play, hosts, *more),
        env=environment(folder, collections, **settings),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def report(folder: Path) -> Any:
    return json.loads((folder / "report" / "report.json").read_text())


def told(output: str) -> "list[str]":
    return [line for line in output.splitlines() if line.startswith("rollout: ")]


def test_a_rollout_in_waves(tmp_path: Path, collections: Path) -> None:
    code, output, errors = played(tmp_path, collections, "waves.yml", "abc")
    assert code == 0, output + errors
    assert "rollout" not in errors, errors
    made = report(tmp_path)
    states = {cluster["name"]: cluster for cluster in made["clusters"]}
    assert {name: found["state"] for name, found in states.items()} == {
        "a": "done",
        "b": "done",
        "c": "undone",
    }
    assert (made["verdict"], made["complete"], made["check_mode"]) == ("tolerated", True, False)
    assert made["rollout"] == {"name": "detector 2", "run": "7", "resumed": False}
    assert [wave["verdict"] for wave in made["waves"]] == ["go_on", "go_on"]
    assert made["budget"] == {"allowed": 1, "spent": 1}
    assert made["bytes"]["sent"] == 3 * 1024
    phases = [span["phase"] for span in states["c"]["phases"]]
    assert phases == ["preflight", "check", "copy", "deploy", "gate", "undo"]
    assert (states["c"]["reason"], states["c"]["release"]["number"]) == ("shuffled", 5)
    assert not states["c"]["replicas"][0]["ok"]
    lines = told(output)
    assert lines[0] == "rollout: detector 2, run 7, 3 clusters in 2 waves, 1 failure allowed"
    assert "rollout: a: begun (wave 1 of 2, canary)" in lines
    assert "rollout: c: FAILED in gate: shuffled" in lines
    assert lines.index("rollout: c: UNDONE: shuffled") < lines.index(
        "rollout: wave 2 of 2, rest: passed, 1 of 1 failure spent"
    )
    assert len(lines) == len(set(lines)) and lines[-1].endswith(str(tmp_path / "report"))
    files = {path.name: path.read_text() for path in (tmp_path / "report").iterdir()}
    assert set(files) == {"report.json", "junit.xml", "metrics.prom", "report.html"}
    assert not [name for name, text in files.items() if MARKER in text]
    assert ElementTree.fromstring(files["junit.xml"]).get("failures") == "1"


def test_a_play_without_waves(tmp_path: Path, collections: Path) -> None:
    code, output, errors = played(tmp_path, collections, "plain.yml", "abcd")
    assert code != 0
    made = report(tmp_path)
    found = {cluster["name"]: cluster for cluster in made["clusters"]}
    assert {name: item["state"] for name, item in found.items()} == {
        "a": "done",
        "b": "failed",
        "c": "failed",
        "d": "failed",
    }, output + errors
    assert made["verdict"] == "failed" and made["waves"] == []
    assert found["a"]["bytes"] == {"total": 20, "sent": 7}
    assert [failure["message"] for failure in found["a"]["failures"]] == ["no"]
    assert found["b"]["failures"][-1]["kind"] == "unreachable"
    assert "detector 2 cannot be loaded" in found["c"]["reason"]
    assert "Something of a stranger" in found["d"]["reason"]
    files = [path.read_text() for path in (tmp_path / "report").iterdir()]
    assert len(files) == 4 and not [text for text in files if MARKER in text]
    assert "openvino.edge.rollout" not in errors


def test_check_mode_is_told(tmp_path: Path, collections: Path) -> None:
    code, output, errors = played(tmp_path, collections, "waves.yml", "ab", "--check")
    assert code == 0, output + errors
    made = report(tmp_path)
    assert made["check_mode"] is True
    assert "(check mode)" in (tmp_path / "report" / "report.html").read_text()


def test_an_error_of_the_callback_is_one_warning(tmp_path: Path, collections: Path) -> None:
    (tmp_path / "report").write_text("a file in the way")
    code, output, errors = played(tmp_path, collections, "waves.yml", "ab")
    assert code == 0, output + errors
    assert errors.count("openvino.edge.rollout: FileExistsError") == 1
    assert "rollout: done: 2 done" in output or "rollout: INTERRUPTED" in output


def test_no_report_of_a_play_without_clusters(tmp_path: Path, collections: Path) -> None:
    code, output, errors = played(tmp_path, collections, "plain.yml", "a", "-t", "none")
    assert code == 0, output + errors
    assert not (tmp_path / "report").exists() and told(output) == []


@pytest.mark.parametrize(("live", "held"), [("auto", True), ("never", False)])
def test_on_a_terminal(tmp_path: Path, collections: Path, live: str, held: bool) -> None:
    """With a foot, the terminal scrolls a part of itself, and the whole again in the end."""
    outer, inner = pty.openpty()
    with subprocess.Popen(
        command(tmp_path, "waves.yml", "abc"),
        env=environment(tmp_path, collections, EDGE_ROLLOUT_LIVE=live, LINES="24", COLUMNS="80"),
        cwd=tmp_path,
        stdout=inner,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    ) as process:
        os.close(inner)
        shown = b""
        while True:
            try:
                part = os.read(outer, 65536)
            except OSError:  # Linux: the other end is closed.
                break
            if not part:
                break
            shown += part
    os.close(outer)
    assert process.returncode == 0, shown
    assert (b"\033[1;22r" in shown) is held
    assert shown.count(b"\033[r") == (1 if held else 0)
    assert (b"wave 1 of 2, canary | 0 of 3 done" in shown) is held
    assert (b"rollout: a: begun" in shown) is not held
    assert b"rollout: c: FAILED in gate: shuffled" in shown
    assert shown.rstrip().endswith(str(tmp_path / "report").encode())
