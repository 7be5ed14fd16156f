# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is written whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils import whole


def test_a_new_file_is_open_to_readers_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before")
    old.chmod(0o640)
    for path in (new, old):
        whole.replace(str(path), "größer\n")
    assert [path.read_text("utf-8") for path in (new, old)] == ["größer\n"] * 2
    assert [path.stat().st_mode & 0o7777 for path in (new, old)] == [0o644, 0o640]
    assert sorted(os.listdir(tmp_path)) == ["new", "old"]


def test_a_path_may_have_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole.write("key", b"secret", 0o600)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_what_fails_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        whole.replace(str(path), "after")
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["config.json"]
