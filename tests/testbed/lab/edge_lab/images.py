# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own images, and loading images into the nodes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge_lab import build, machine, paths
from edge_lab.config import PAUSE_IMAGE
from edge_lab.errors import LabError
from edge_lab.host import run, say
from edge_lab.plan import Machine

sys.path.insert(0, str(paths.SOURCE))
import oci

PROBE_IMAGE = "localhost/edge-probe:1"
#: Images made of one static program each: reference and program.
OWN = {PAUSE_IMAGE: "pause", PROBE_IMAGE: "probe"}
#: The kubelet never collects an image with this label (containerd's CRI plugin).
PINNED = "io.cri-containerd.pinned=pinned"


def _make(tar: Path, reference: str, program: Path) -> None:
    layer = program.with_name(f"{program.name}.layer.tar")
    oci.write_layer(layer, [oci.LayerFile(program.name, program, 0o755)])
    oci.write_image(tar, reference, [layer], {"Entrypoint": [f"/{program.name}"]})
    layer.unlink()


def make_own(binaries: Path) -> list[Path]:
    """Write the lab's own images beside the programs they hold; return the tars."""
    tars = []
    for reference, program in OWN.items():
        tar = binaries / f"{program}.image.tar"
        if not tar.exists():
            with build.locked(binaries.parent / ".lock", "building"):
                _make(tar, reference, binaries / program)
        tars.append(tar)
    return tars


def parse_listing(text: str) -> dict[str, str]:
    """Image names and digests from the table `ctr images list` prints."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2 and row[2].startswith("sha256:")}


def present(node: Machine) -> dict[str, str]:
    """The images a node has: digests by name."""
    return parse_listing(run(machine.enter(node, ["ctr", "images", "list"])))


def load(node: Machine, tar: Path) -> bool:
    """Import an image tar into one node and keep it there; False when the node has it already.

    Raises LabError when the file is no image or the node refuses it.
    """
    try:
        wanted = oci.image_digests(tar)
    except ValueError as error:
        raise LabError(str(error)) from error
    names = ", ".join(wanted)
    if wanted.items() <= present(node).items():
        return False
    command = machine.enter(node, ["ctr", "images", "import", "-"])
    with tar.open("rb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{node.name}: import {tar.name}: {done.stderr.decode().strip()}")
    for name in wanted:
        run(machine.enter(node, ["ctr", "images", "label", name, PINNED]))
    say(f"{node.name}: loaded {names}")
    return True
