# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who follows a page: the installed tarball, kubectl, and the page's own commands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "tests" / "testbed" / "lab" / "lab"
RAW = "https://raw.githubusercontent.com/openvino-edge/openvino.edge/main"
FIVE_MINUTES = "Your own cluster in five minutes"
COMMAND_SECONDS = 400.0
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, its text, and the heading that it stands below."""

    heading: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, which is named from the root of the tree."""
    found, heading = [], ""
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in re.finditer(r"^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        if match.group(1):
            heading = match.group(1)
        else:
            found.append(Block(heading, match.group(2), match.group(3)))
    return found


def below(page: str, heading: str) -> list[Block]:
    """Return the blocks of one section; a section that is gone breaks the test."""
    found = [block for block in blocks(page) if block.heading == heading]
    assert found, f"{page} has no block below {heading!r}"
    return found


@dataclass(frozen=True)
class Done:
    """What a block of commands did: exit code, all it printed, changed and failed by host."""

    code: int
    text: str
    changed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)


@dataclass
class User:
    """Someone with an empty home directory, the tarball, and administrators' kubeconfigs.

    Attributes:
        home: the home directory, in which the commands are run.
        path: C(PATH) of the commands.
        sites: cluster of each host of the README's inventory.
        swaps: text of the pages and what stands in its place, such as names of this run.
    """

    home: Path
    path: str
    sites: Mapping[str, Any]
    swaps: dict[str, str]

    def sh(
        self, text: str, more: Mapping[str, str] | None = None, *, site: str = "", code: int = 0
    ) -> Done:
        """Run the commands of a block as they are, but for the swaps, as C(site)'s administrator.

        C(more) are further swaps. Every text that they replace has to be there.
        """
        for old, new in {**self.swaps, **(more or {})}.items():
            assert old in text or old in self.swaps, f"the block has no {old!r}"
            text = text.replace(old, new)
        environment = self.environment()
        if site:
            environment["KUBECONFIG"] = str(self.sites[site].kubeconfig)
        done = subprocess.run(
            ["sh", "-eu", "-c", text],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{text}\n{said}"
        recap = RECAP.findall(done.stdout)
        return Done(
            done.returncode,
            said,
            {host: int(changed) for host, changed, _lost, _failed in recap},
            {host: int(lost) + int(failed) for host, _changed, lost, failed in recap},
        )

    def environment(self) -> dict[str, str]:
        """Return an environment that knows the installed collection only."""
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
        return {
            "LC_ALL": "C.UTF-8",
            **kept,
            "PATH": self.path,
            "HOME": str(self.home),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "200",
        }

    def write(self, name: str, text: str) -> None:
        """Write a file of a page into the home directory, with the swaps."""
        for old, new in self.swaps.items():
            text = text.replace(old, new)
        (self.home / name).write_text(text, encoding="utf-8")

    def inventory(self, text: str) -> None:
        """Write the README's inventory, without the hosts for which there is no cluster."""
        lost = {"shop-north", "shop-south"} - set(self.sites)
        lines = [line for line in text.splitlines() if line.strip().partition(":")[0] not in lost]
        self.write("fleet.yml", "\n".join([*lines, ""]))

    def settings(self, **variables: Any) -> None:
        """Write variables of all hosts that only the tests need, such as images of the lab."""
        folder = self.home / "group_vars"
        folder.mkdir(exist_ok=True)
        (folder / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")


def seen(block: Block, text: str) -> None:
    """Check that a run printed each line of a block; C(...) stands for anything."""
    flat = " ".join(text.split())
    for line in block.text.strip().splitlines():
        parts = [
            r"\s+".join(re.escape(word) for word in part.split()) for part in line.split("...")
        ]
        assert re.search(".*?".join(parts), flat), f"not seen: {line}\n{text}"


PORT = '<port id="0" precision="FP32" names="x"><dim>1</dim><dim>4</dim></port>'


def publish(home: Path, version: int, size: int = 0, model: str = "ocr_detection") -> Path:
    """Write a version of a model as OpenVINO IR, with C(size) bytes of unused weights."""
    directory = home / "models" / model / str(version)
    directory.mkdir(parents=True)
    layers = (
        '<layer id="0" name="x" type="Parameter" version="opset1">'
        f'<data shape="1,4" element_type="f32"/><output>{PORT}</output></layer>'
        f'<layer id="1" name="y" type="Result" version="opset1"><input>{PORT}</input></layer>'
    )
    edge = '<edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>'
    (directory / "model.xml").write_text(
        f'<net name="tiny" version="11"><layers>{layers}</layers><edges>{edge}</edges></net>'
    )
    (directory / "model.bin").write_bytes(os.urandom(size))
    return directory


def start(user: User, claim: Mapping[str, str] | None = None) -> list[str]:
    """Follow the README up to the inventory; return its later blocks of commands.

    C(claim) replaces text of the claim for the first site.
    """
    _install, rights, inventory, *runs = [
        block for block in below("README.md", FIVE_MINUTES) if block.language
    ]
    for number, site in enumerate(user.sites):
        more = claim if claim and not number else {}
        user.sh(rights.text, {"SITE=shop-north": f"SITE={site}", **more}, site=site)
    user.inventory(inventory.text)
    return [block.text for block in runs]
