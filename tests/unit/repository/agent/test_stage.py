# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage believes: bytes as the disk gives them back, never as they were in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import disk, stage
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.files import Refused

from ..conftest import manifests_of, write_files

CONTENTS = {"a.onnx": b"weights" * 50, "b.txt": b"one\ntwo\n"}


@pytest.fixture
def begun(tmp_path: Path) -> stage.Stage:
    """A stage for two small files, nothing of which is there."""
    write_files(tmp_path / "src", {f"m/1/{name}": data for name, data in CONTENTS.items()})
    (manifest,) = manifests_of(tmp_path / "src")
    made = stage.Stage(str(tmp_path / "stage"), manifest.as_dict())
    made.prepare()
    return made


@pytest.fixture
def bad_disk(begun: stage.Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A disk that keeps another byte of ``a.onnx`` than it was given, once it is flushed."""
    real, flushed = disk.sync_all, []

    def flush(top: str, paths: Iterable[str]) -> None:
        every = list(paths)
        real(top, every)
        flushed.extend(every)
        for path in every:
            if path.endswith("a.onnx"):
                _spoil(Path(path))

    monkeypatch.setattr(disk, "sync_all", flush)
    return flushed


def _spoil(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _bring(begun: stage.Stage, number: int) -> dict[str, Any]:
    """Finish a file as one that was fetched: hashed before it was flushed."""
    entry = begun.files[number]
    Path(begun.part(number)).write_bytes(CONTENTS[entry["path"]])
    return begun.finish(number, entry["sha256"], synced=False)


def test_a_fetched_file_is_read_back_from_the_disk(begun: stage.Stage, bad_disk: list[str]) -> None:
    assert [_bring(begun, number) for number in (0, 1)] == [{"done": True}] * 2
    with pytest.raises(Refused, match=r"a\.onnx: the disk gives back other bytes") as caught:
        begun.flush()
    assert caught.value.status == 500
    begun.flush()
    again = stage.Stage(begun.path, begun.manifest)
    assert [again.is_done(number) for number in (0, 1)] == [False, True]
    assert again.status()["files"]["0"] == {"done": False, "have": 0, "bad": True}


def test_what_a_killed_helper_left_is_flushed_before_it_is_read(
    begun: stage.Stage, bad_disk: list[str]
) -> None:
    """Else its bytes would be read from the memory of the node, where they may still be only."""
    for name, data in CONTENTS.items():
        Path(begun.tree, name).write_bytes(data)
    heir = stage.Stage(begun.path, begun.manifest)
    heir.prepare()
    assert {Path(path).name for path in bad_disk} == set(CONTENTS)
    assert [heir.is_done(number) for number in (0, 1)] == [False, True]
