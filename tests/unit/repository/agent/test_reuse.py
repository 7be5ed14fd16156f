# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a store the agent takes for a new version without reading them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.origins import (
    LINKED,
    Library,
    origins_of,
    reuse_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import Have

from ..conftest import manifests_of, write_files
from ..near import NearClient, channel_of
from ..transport.test_transports import put

DATA = b"weights" * 100_000


def spoil(path: Path) -> None:
    """Change a byte so that size, modification time and inode stay."""
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(4711)
        stream.write(b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def touch(path: Path) -> None:
    """Change a byte, and the modification time with it."""
    spoil(path)
    os.utime(path, ns=(1, 1))


def give_mode(path: Path) -> None:
    """Change a byte, and the mode, with which no link of the file can be published."""
    spoil(path)
    path.chmod(0o600)


@pytest.mark.parametrize(
    "believed, harm, taken",
    [(True, spoil, True), (True, touch, False), (True, give_mode, False), (False, spoil, False)],
)
def test_a_file_is_taken_unread_only_as_a_link_of_what_its_record_describes(
    make_agent: Any,
    tmp_path: Path,
    source: Path,
    believed: bool,
    harm: Callable[[Path], None],
    taken: bool,
) -> None:
    root = tmp_path / "store"
    channel = channel_of("agent", NearClient(root, root, make_agent(root).port))
    write_files(source, {"cls/1/a.onnx": DATA, "cls/2/a.onnx": DATA})
    channel.lock("me", "test")
    first, second = (item for item in manifests_of(source) if item.model == "cls")
    put(channel, source, first)
    library = Library.of(channel.inventory().versions, recorded_ones=believed)
    harm(root / "models/cls/1/a.onnx")
    reuse = reuse_of(origins_of(second, {}, library, deltas=True, twins=True), LINKED)
    assert reuse
    number = [entry.path for entry in second.files].index("a.onnx")
    staged = channel.stage(second, reuse)
    assert staged.get(number, Have()).done is taken
    channel.close()


def test_a_record_of_other_bytes_is_not_believed(
    make_agent: Any, tmp_path: Path, source: Path
) -> None:
    root = tmp_path / "store"
    channel = channel_of("agent", NearClient(root, root, make_agent(root).port))
    write_files(source, {"cls/1/a.onnx": DATA})
    channel.lock("me", "test")
    (manifest,) = (item for item in manifests_of(source) if item.model == "cls")
    put(channel, source, manifest)
    number = [entry.path for entry in manifest.files].index("a.onnx")
    files = list(manifest.files)
    files[number] = replace(files[number], sha256="0" * 64)
    other = replace(manifest, version=2, files=tuple(files))
    place = {"model": "cls", "version": 1, "path": "a.onnx", "recorded": True}
    assert not channel.stage(other, {number: [place]}).get(number, Have()).done
    channel.close()
