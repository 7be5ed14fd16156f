# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XFS: equal files of two versions share their blocks, and so do the equal parts of a delta."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).resolve().parents[2] / "testbed" / "lab" / "lab"
MIB = 1 << 20
SMALLEST_XFS = "320M"  # mkfs.xfs refuses less than 300 MiB
WEIGHTS = 24 * MIB


def on_node(node: str, *argv: str) -> str:
    done = subprocess.run([str(LAB), "exec", node, "--", *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def disk(factory: Any, node_directory: Any) -> Iterator[tuple[str, str]]:
    """A fresh XFS on the last node, and where it is mounted."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("mounts a file system on a node of the lab")
    node = factory.nodes()[-1]
    path = str(node_directory(node))
    image = f"{path}.img"
    on_node(node, "truncate", "-s", SMALLEST_XFS, image)
    try:
        on_node(node, "mkfs.xfs", "-q", "-m", "reflink=1", image)
        on_node(node, "mount", "-o", "loop", image, path)
        on_node(node, "chown", "5000:5000", path)
        yield node, path
        on_node(node, "umount", "--lazy", path)
    finally:
        on_node(node, "rm", "-f", image)


@pytest.fixture
def options(
    factory: Any, make_namespace: Any, tmp_path: Path, disk: tuple[str, str]
) -> Iterator[dict[str, Any]]:
    namespace = make_namespace(factory, "restricted")
    node, path = disk
    store = {"claim_name": "models", "local": {"path": path, "nodes": [node]}}
    yield {"namespace": namespace, "src": str(tmp_path / "src"), "pvc": store}
    for volume in factory.core.list_persistent_volume().items:
        if volume.spec.claim_ref and volume.spec.claim_ref.namespace == namespace:
            factory.core.delete_persistent_volume(volume.metadata.name)


def write(options: dict[str, Any], version: int, weights: bytes) -> None:
    directory = Path(options["src"]) / "m" / str(version)
    directory.mkdir(parents=True)
    (directory / "model.xml").write_text(f"<net version='{version}'/>")
    (directory / "model.bin").write_bytes(weights)


def used(disk: tuple[str, str]) -> int:
    """Return the bytes in use, all of them on the disk."""
    node, path = disk
    on_node(node, "sync", "-f", path)
    return int(on_node(node, "df", "--output=used", "-B1", path).split()[-1])


def test_equal_bytes_are_stored_once(
    factory: Any, disk: tuple[str, str], options: dict[str, Any], copy: Any, listing: Any
) -> None:
    weights = os.urandom(WEIGHTS)
    write(options, 1, weights)
    copy(factory, **options)
    before = used(disk)
    assert before > WEIGHTS

    write(options, 2, weights)
    same = copy(factory, **options)
    assert same["bytes_linked"] == WEIGHTS and same["bytes_sent"] < MIB
    node, path = disk
    inodes = on_node(node, "sh", "-c", f"stat -c %i {path}/models/m/[12]/model.bin").split()
    assert len(set(inodes)) == 2, "a reflink is a file of its own, a hard link is not"
    assert used(disk) - before < 2 * MIB

    write(options, 3, weights[: WEIGHTS // 2] + b"changed!" + weights[WEIGHTS // 2 + 8 :])
    delta = copy(factory, **options)
    assert delta["bytes_sent"] < MIB
    assert used(disk) - before < 4 * MIB, "the copied parts of a delta share their blocks as well"
    plain = {key: value for key, value in options.items() if key != "src"}
    assert listing(factory, **plain)["sound"]
