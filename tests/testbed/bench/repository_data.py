# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local repositories to copy: random weights, and the ways in which a new version differs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

MIB = 1 << 20
SHARE = 0.01  # of the bytes change
TENSORS, SPOTS = 40, 1000
PARTS = 20  # files of a model that keeps 19 of them
SMALL_BYTES = 2560  # average size of a small file


@dataclass(frozen=True)
class Job:
    """One version to copy; C(basis) is the version before it that the store already has."""

    repository: Path
    model: str
    version: int
    basis: int = 0

    @property
    def path(self) -> Path:
        """The version's directory."""
        return self.repository / self.model / str(self.version)

    def next(self) -> Job:
        """Return the version after this one."""
        return Job(self.repository, self.model, self.version + 1, self.version)


def random_file(path: Path, size: int) -> None:
    """Write C(size) bytes that do not compress."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        for start in range(0, size, MIB):
            out.write(os.urandom(min(MIB, size - start)))


def weights(job: Job) -> Path:
    """Return the one big file of a version."""
    return job.path / "model.bin"


def one_file(job: Job, mib: int) -> None:
    """Write a version with one big file of weights and its description."""
    random_file(weights(job), mib * MIB)
    (job.path / "model.xml").write_text("<net>" + "<layer/>" * 4000 + "</net>")


def parts(job: Job, mib: int) -> None:
    """Write a version whose weights are in 20 files."""
    for number in range(PARTS):
        random_file(job.path / f"weights/{number:02}.data", mib * MIB // PARTS)
    (job.path / "model.onnx").write_bytes(os.urandom(64 * 1024))


def small_files(job: Job, count: int) -> None:
    """Write a version of many small files in 100 directories."""
    random_file(job.path / "model.onnx", 64 * 1024)
    for number in range(count):
        size = SMALL_BYTES // 2 + number * 7919 % SMALL_BYTES
        path = job.path / f"assets/{number % 100:02}/{number:05}.dat"
        if number < 100:
            path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(size))


def new_part(job: Job) -> None:
    """Make the version from its basis, with one of the 20 files anew."""
    shutil.copytree(job.path.with_name(str(job.basis)), job.path)
    changed = job.path / "weights/07.data"
    random_file(changed, changed.stat().st_size)


def _copy_basis(job: Job) -> int:
    before = job.path.with_name(str(job.basis))
    shutil.copytree(before, job.path)
    return weights(job).stat().st_size


def _overwrite(job: Job, spots: int) -> None:
    size = _copy_basis(job)
    length = max(1, int(size * SHARE / spots))
    with weights(job).open("r+b") as out:
        for number in range(spots):
            # Not on any power of two: tensors begin where they begin.
            out.seek(size // spots * number + size // spots // 3 + 13)
            out.write(os.urandom(length))


def one_region(job: Job) -> None:
    """Make the version from its basis, with 1 % changed in one place."""
    _overwrite(job, 1)


def tensors(job: Job) -> None:
    """Make the version from its basis, with 1 % changed in 40 places."""
    _overwrite(job, TENSORS)


def spots(job: Job) -> None:
    """Make the version from its basis, with 1 % changed in 1,000 places."""
    _overwrite(job, SPOTS)


def insertion(job: Job) -> None:
    """Make the version from its basis, with 1 % new bytes at a third: the rest is moved."""
    size = _copy_basis(job)
    cut = size // 3 + 13
    source = job.path.with_name(str(job.basis)) / "model.bin"
    with source.open("rb") as old, weights(job).open("wb") as out:
        left = cut
        while left:
            block = old.read(min(MIB, left))
            out.write(block)
            left -= len(block)
        out.write(os.urandom(int(size * SHARE) + 7))
        shutil.copyfileobj(old, out, MIB)


CHANGES: dict[str, Callable[[Job], None]] = {
    "1 % changed, one region": one_region,
    "1 % changed, 40 tensors": tensors,
    "1 % changed, 1,000 spots": spots,
    "1 % inserted, rest moved": insertion,
}
