# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems that are too small, have too few inodes, or are read-only: told before a byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

LAB = Path(__file__).resolve().parents[2] / "testbed" / "lab" / "lab"
MIB = 1 << 20


def on_node(node: str, *argv: str) -> None:
    done = subprocess.run([str(LAB), "exec", node, "--", *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def mounted(factory: Any, node_directory: Any) -> Iterator[Callable[[str], str]]:
    """``mounted(options)`` -> path of a fresh tmpfs on the last node."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("mounts file systems on a node of the lab")
    node, made = factory.nodes()[-1], []

    def mount(options: str) -> str:
        path = str(node_directory(node))
        on_node(node, "mount", "-t", "tmpfs", "-o", f"mode=2770,gid=5000,{options}", "edge", path)
        made.append(path)
        return path

    yield mount
    for path in made:
        on_node(node, "umount", "--lazy", path)


@pytest.fixture
def options(factory: Any, make_namespace: Any, tmp_path: Path) -> Iterator[dict[str, Any]]:
    namespace = make_namespace(factory, "restricted")
    yield {"namespace": namespace, "src": str(tmp_path / "src")}
    for volume in factory.core.list_persistent_volume().items:
        if volume.spec.claim_ref and volume.spec.claim_ref.namespace == namespace:
            factory.core.delete_persistent_volume(volume.metadata.name)


def store(factory: Any, path: str) -> dict[str, Any]:
    return {"claim_name": "models", "local": {"path": path, "nodes": [factory.nodes()[-1]]}}


def model(options: dict[str, Any], version: int, **sizes: int) -> Path:
    """Write a version of the model C(m) with a file of random bytes for each size."""
    directory = Path(options["src"]) / "m" / str(version)
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(os.urandom(1000))
    for name, size in sizes.items():
        (directory / f"{name}.dat").write_bytes(os.urandom(size))
    return directory


def refused(copy: Any, factory: Any, options: dict[str, Any], **more: Any) -> str:
    """Return the error, which check mode tells as well and which changes nothing."""
    with pytest.raises(InputError) as dry:
        copy(factory, runtime=Runtime(check_mode=True), **options, **more)
    with pytest.raises(InputError) as real:
        copy(factory, **options, **more)
    assert real.value.message == dry.value.message
    assert f"node {factory.nodes()[-1]}" in str(real.value)
    return str(real.value)


def test_too_small(factory: Any, mounted: Any, options: dict[str, Any], copy: Any) -> None:
    options["pvc"] = store(factory, mounted("size=16m"))
    model(options, 1, weights=9 * MIB)
    copy(factory, **options)
    second = model(options, 2)
    os.link(second.with_name("1") / "weights.dat", second / "weights.dat")
    assert copy(factory, **options)["changed"], "what is linked needs no room"
    third = model(options, 3)
    data = bytearray((second / "weights.dat").read_bytes())
    data[:9] = b"something"
    (third / "weights.dat").write_bytes(data)
    models = [{"name": "m", "versions": [3]}]
    text = refused(copy, factory, options, models=models)
    assert "needs 9.1 MiB" in text and "of 16.0 MiB are free" in text
    assert "like m/1 (9.0 MiB), m/2 (9.0 MiB)" in text
    copy(factory, state="absent", **{**options, "models": [{"name": "m", "versions": [1, 2]}]})
    assert copy(factory, models=models, **options)["changed"]


def test_too_few_inodes(factory: Any, mounted: Any, options: dict[str, Any], copy: Any) -> None:
    options["pvc"] = store(factory, mounted("size=16m,nr_inodes=64"))
    model(options, 1)
    copy(factory, **options)
    model(options, 2, **{f"f{number}": 10 for number in range(60)})
    text = refused(copy, factory, options)
    assert "too few inodes: needs 69" in text and "of 64 are free" in text


def test_mounted_read_only(factory: Any, mounted: Any, options: dict[str, Any], copy: Any) -> None:
    path = mounted("size=16m")
    options["pvc"] = store(factory, path)
    model(options, 1)
    copy(factory, **options)
    on_node(factory.nodes()[-1], "mount", "-o", "remount,ro", path)
    model(options, 2)
    with pytest.raises(EdgeError, match="(?i)read-only"):
        copy(factory, **options)
