# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real models with fresh bytes for every trial, and what of them must be on a store."""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

MIB = 1 << 20
MODEL = "m"
#: Numbers that an input of these models takes; of the one in another directory.
WIDTH, OTHER_WIDTH = 4, 7
#: size and sha256 by path, the form in which everything here describes a version.
Files = Dict[str, Tuple[int, str]]


def describe(directory: Path) -> Files:
    """Return the files below a directory."""
    found: Files = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found[path.relative_to(directory).as_posix()] = (
                len(data),
                hashlib.sha256(data).hexdigest(),
            )
    return found


@dataclass(frozen=True)
class Shape:
    """What a version is made of.

    Args:
        weights: MiB of C(model.bin), all of it read by the server when it loads the model.
        extra: MiB of one more file, so that a fault also falls between two files.
        small: number of files of 200 KiB beside them.
        changed: None for bytes never seen, else the part of C(model.bin) that differs from the
            version before.
    """

    weights: float = 16
    extra: float = 8
    small: int = 0
    changed: float | None = None


@dataclass(frozen=True)
class Template:
    """A model's xml, and what stands in its bin before and after the large constant."""

    xml: bytes
    head: bytes
    tail: bytes


@dataclass
class Maker:
    """Writes versions below C(folder); the same seed gives the same bytes."""

    folder: Path
    seed: int
    _templates: Dict[int, Template] = field(default_factory=dict)

    def make(self, label: str, version: int, shape: Shape, before: Path | None = None) -> Path:
        """Write one repository with one version of the model and return its directory."""
        random_bytes = random.Random(f"{self.seed}-{label}-{version}")
        root = self.folder / label / f"v{version}"
        where = root / MODEL / str(version)
        where.mkdir(parents=True)
        size = int(shape.weights * MIB) // 4 * 4
        template = self.template(size)
        (where / "model.xml").write_bytes(template.xml)
        weights = random_bytes.randbytes(size)
        if shape.changed is not None and before is not None:
            old = before.joinpath("model.bin").read_bytes()
            begin = len(template.head)
            weights = _mixed(old[begin : begin + size], weights, shape.changed)
        (where / "model.bin").write_bytes(template.head + weights + template.tail)
        extra = where / "extra"
        extra.mkdir()
        if shape.extra:
            (extra / "table.dat").write_bytes(random_bytes.randbytes(int(shape.extra * MIB)))
        for number in range(shape.small):
            (extra / f"part{number:03d}.dat").write_bytes(random_bytes.randbytes(200 << 10))
        (extra / "labels.txt").write_text(f"{label} version {version}\n")
        return root

    def template(self, size: int) -> Template:
        """Return a model whose one large constant is C(size) bytes long; made once per size."""
        if size not in self._templates:
            self._templates[size] = _template(self.folder, size)
        return self._templates[size]


def _mixed(old: bytes, new: bytes, share: float) -> bytes:
    """Return the old bytes with one run of new ones in each of 16 equal parts."""
    parts, result = 16, bytearray(old)
    step = len(old) // parts
    run = int(step * share)
    for number in range(parts):
        begin = number * step + (number * 997) % max(1, step - run)
        result[begin : begin + run] = new[begin : begin + run]
    return bytes(result)


def make_other(where: Path) -> None:
    """Write a version whose input is wider than that of the others, so that one tells them apart.

    It does not come from the engine: whoever writes a store by hand does so.
    """
    openvino, numpy = _runtime()
    data = openvino.opset13.parameter([1, OTHER_WIDTH], numpy.float32, name="x")
    model = openvino.Model([openvino.opset13.relu(data)], [data], "other")
    openvino.save_model(model, where / "model.xml", compress_to_fp16=False)


def _runtime() -> tuple[Any, Any]:
    # Where it is installed, importing openvino sends usage statistics; a test must not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import numpy
    import openvino
    import openvino.opset13

    return openvino, numpy


def _template(folder: Path, size: int) -> Template:
    openvino, numpy = _runtime()
    opset13 = openvino.opset13
    data = opset13.parameter([1, WIDTH], numpy.float32, name="x")
    constant = opset13.constant(numpy.arange(size // 4, dtype=numpy.float32))
    total = opset13.reduce_sum(constant, numpy.array([0], numpy.int64), True)
    model = openvino.Model([opset13.add(data, total)], [data], "sum")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "model.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        xml, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    begin = weights.index(numpy.arange(8, dtype=numpy.float32).tobytes())
    return Template(xml, weights[:begin], weights[begin + size :])


def sizes(files: Mapping[str, Tuple[int, str]]) -> int:
    """Return the bytes of a version."""
    return sum(size for size, _digest in files.values())
