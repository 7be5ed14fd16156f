# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversion, on a network of two nodes; nothing is downloaded here."""

from __future__ import annotations

import stat
from pathlib import Path

import make_repository
import numpy as np
import onnx
import pytest
from make_repository import VERSION_1, VERSION_2, Wanted, build, convert


def write_network(path: Path) -> Path:
    """Write y = relu(x + c) with nodes and constants that have no names of their own."""
    value = onnx.numpy_helper.from_array(np.linspace(0, 1, 4096, dtype=np.float32), "c")
    shape = {
        name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 4096])
        for name in "xy"
    }
    nodes = [
        onnx.helper.make_node("Add", ["x", "c"], ["sum"]),
        onnx.helper.make_node("Relu", ["sum"], ["y"]),
    ]
    graph = onnx.helper.make_graph(nodes, "g", [shape["x"]], [shape["y"]], [value])
    opsets = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def bytes_of(version: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in version.iterdir()}


def test_the_same_network_gives_the_same_bytes_whatever_was_converted_before(
    tmp_path: Path,
) -> None:
    network = write_network(tmp_path / "network.onnx")
    for name in ("first", "second"):
        convert(Wanted("m", 1, "", True), network, tmp_path / name / "m" / "1")
    first = bytes_of(tmp_path / "first" / "m" / "1")
    assert sorted(first) == ["model.bin", "model.xml"]
    assert bytes_of(tmp_path / "second" / "m" / "1") == first


def test_version_2_is_another_network_file(tmp_path: Path) -> None:
    network = write_network(tmp_path / "network.onnx")
    for version, half in ((1, True), (2, False)):
        target = tmp_path / "r" / "m" / str(version)
        convert(Wanted("m", version, "", half), network, target)
    sizes = [(tmp_path / "r" / "m" / name / "model.bin").stat().st_size for name in "12"]
    assert sizes[1] >= 2 * sizes[0] - 64


def test_everyone_may_read_what_is_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    network = write_network(tmp_path / "network.onnx")
    convert(Wanted("m", 1, "", True), network, tmp_path / "r" / "m" / "1")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "r/m/1").iterdir()}
    assert modes == {0o644}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "r"]


def test_versions_that_are_there_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_cache: Path) -> Path:
        raise AssertionError("nothing has to be fetched")

    monkeypatch.setattr(make_repository, "fetch_models", refuse)
    for item in (*VERSION_1, *VERSION_2):
        (tmp_path / item.model / str(item.version)).mkdir(parents=True)
    assert build(tmp_path, (*VERSION_1, *VERSION_2), tmp_path / "cache") == []


def test_only_what_is_missing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def note(wanted: Wanted, _onnx: Path, target: Path) -> None:
        made.append((wanted.model, wanted.version))
        target.mkdir(parents=True)

    monkeypatch.setattr(make_repository, "fetch_models", lambda cache: cache)
    monkeypatch.setattr(make_repository, "convert", note)
    (tmp_path / "r" / "ocr_detection" / "1").mkdir(parents=True)
    build(tmp_path / "r", VERSION_1, tmp_path / "cache")
    assert made == [("ocr_recognition", 1)]
