# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's inventory and play do what it says, from an installed tarball, not the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent


def blocks() -> "list[Any]":
    """Return the YAML blocks of the README: the inventory, then the play."""
    text = (ROOT / "README.md").read_text()
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]


@dataclass
class User:
    """Someone with a kubeconfig, an empty directory and the tarball."""

    home: Path
    namespace: str
    images: "dict[str, str]"

    def play(self, playbook: str, *options: str) -> str:
        """Run a playbook as the README tells; return what it prints."""
        variables = {"edge_namespace": self.namespace, **self.images}
        extra = [f"-e{name}={value}" for name, value in variables.items()]
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), playbook, "-i", "fleet.yml", *extra, *options],
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> "dict[str, str]":
        """Return an environment that knows the installed collection only."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.home),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(self.home / "collections"),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        }


@pytest.fixture
def user(
    tmp_path: Path, shop: Any, agent_image: str, server_image: str, ir_model: Path
) -> Iterator[User]:
    inventory = blocks()[0]
    variables = inventory["all"]["vars"]
    assert variables["edge_src"] == "./models"  # where the fixture ir_model puts it
    variables["edge_models"] = [{"name": "tiny", "versions": [1]}]
    inventory["all"]["hosts"] = {"shop-north": {"edge_kubeconfig": str(shop.kubeconfig)}}
    (tmp_path / "fleet.yml").write_text(yaml.safe_dump(inventory))
    tarball = subprocess.run(
        [str(ROOT / "tools" / "build"), str(tmp_path / "dist")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    images = {"edge_image": server_image, "edge_agent_image": agent_image}
    someone = User(tmp_path, f"readme-{uuid.uuid4().hex[:6]}", images)
    subprocess.run(
        [str(BIN / "ansible-galaxy"), "collection", "install", tarball, "-p", "collections"],
        cwd=tmp_path,
        env=someone.environment(),
        capture_output=True,
        check=True,
    )
    yield someone
    try:
        shop.core.delete_namespace(someone.namespace)
    except ApiException as error:
        assert error.status == 404


PORT = '<port id="0" precision="FP32" names="x"><dim>1</dim><dim>4</dim></port>'


@pytest.fixture
def ir_model(tmp_path: Path) -> Path:
    """A model without weights, as OpenVINO IR."""
    version = tmp_path / "models" / "tiny" / "1"
    version.mkdir(parents=True)
    layers = (
        '<layer id="0" name="x" type="Parameter" version="opset1">'
        f'<data shape="1,4" element_type="f32"/><output>{PORT}</output></layer>'
        f'<layer id="1" name="y" type="Result" version="opset1"><input>{PORT}</input></layer>'
    )
    edge = '<edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>'
    (version / "model.xml").write_text(
        f'<net name="tiny" version="11"><layers>{layers}</layers><edges>{edge}</edges></net>'
    )
    (version / "model.bin").write_bytes(b"")
    return version


def recap(output: str) -> str:
    return output[output.index("PLAY RECAP") :]


def test_from_tarball_to_available(user: User) -> None:
    user.play("openvino.edge.site", "--check", "--diff")
    first = user.play("openvino.edge.site")
    print(first)
    assert re.search(r"shop-north +\S+ +tiny +1 +AVAILABLE", first)
    assert "changed=0" not in recap(first)
    assert "changed=0" in recap(user.play("openvino.edge.site"))

    play = blocks()[1]
    task = play[0]["tasks"][0]["openvino.edge.model_status"]
    task.update(kubeconfig="{{ edge_kubeconfig }}", namespace=user.namespace)
    task["models"] = [{"name": "tiny", "versions": [1]}]
    (user.home / "check.yml").write_text(yaml.safe_dump(play))
    user.play("check.yml")

    user.play("openvino.edge.verify")
    user.play("openvino.edge.teardown")
