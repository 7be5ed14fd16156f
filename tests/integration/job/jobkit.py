# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as a person would, and reads what each task said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOST_ROOT = "/var/lib/openvino-edge/models"
PLAY_SECONDS = 400.0
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.M)


@dataclass(frozen=True)
class Event:
    """One task on one host; C(outcome) is ok, failed, ignored or unreachable."""

    host: str
    task: str
    action: str
    outcome: str
    result: dict[str, Any]

    @property
    def message(self) -> str:
        """What the task says to a person."""
        return str(self.result.get("msg", ""))


@dataclass
class Run:
    """What a playbook did: exit code, every task's result, the recap, and all it printed."""

    code: int
    events: list[Event]
    text: str
    changed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def of(self, host: str, outcome: str = "") -> list[Event]:
        """Return the events of a host, in order."""
        return [
            event for event in self.events if event.host == host and outcome in ("", event.outcome)
        ]


def run_playbook(
    work: Path,
    playbook: str | Path,
    hosts: Mapping[str, Mapping[str, Any]],
    common: Mapping[str, Any],
    *options: str,
    prefix: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Run:
    """Run ansible-playbook on an inventory of ``hosts``; ``prefix`` goes before the command."""
    mark = uuid.uuid4().hex[:6]
    inventory, record = work / f"hosts-{mark}.json", work / f"record-{mark}.jsonl"
    everywhere = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        **common,
    }
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts, "vars": everywhere}}))
    record.touch()
    command = [*prefix, sys.executable, "-m", "ansible", "playbook", str(playbook)]
    done = subprocess.run(
        [*command, "-i", str(inventory), *options],
        cwd=ROOT,
        env=_environment(work, record, env or {}),
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS,
        check=False,
    )
    recap = RECAP.findall(done.stdout)
    return Run(
        done.returncode,
        [Event(**json.loads(line)) for line in record.read_text().splitlines()],
        done.stdout + done.stderr,
        {host: int(changed) for host, changed, _lost, _failed in recap},
        {host: int(lost) + int(failed) for host, _changed, lost, failed in recap},
    )


def _environment(work: Path, record: Path, more: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH")}
    return {
        **clean,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_LOCAL_TEMP": str(work / "ansible-tmp"),
        "ANSIBLE_REMOTE_TEMP": str(work / "ansible-remote"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "EDGE_TEST_RECORD": str(record),
        **more,
    }


def publish_locally(root: Path, model: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Write one version of a local model repository; return its directory."""
    directory = root / model / version
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


def tiny_ir(operation: str = "ReLU") -> dict[str, bytes]:
    """Return OpenVINO IR (version 11) without weights: x -> operation -> y, for [1, 4] floats."""
    shape = "<dim>1</dim><dim>4</dim>"
    port = f'<port id="{{}}" precision="FP32" names="{{}}">{shape}</port>'
    entry = f'<input><port id="0" precision="FP32">{shape}</port></input>'
    text = f"""<?xml version="1.0"?>
<net name="tiny" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/>
<output>{port.format(0, "x")}</output></layer>
<layer id="1" name="y" type="{operation}" version="opset1">{entry}
<output>{port.format(1, "y")}</output></layer>
<layer id="2" name="y/sink" type="Result" version="opset1">{entry}</layer>
</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>
<edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges></net>
"""
    return {"model.xml": text.encode(), "model.bin": b""}
