# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a helper gives to another node: files of a published version, one request for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import repair
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.files import Refused

from .crash_driver import NEW, OLD, manifest_of, send, store_on

FIRST, SECOND = manifest_of(1, OLD), manifest_of(2, NEW)


@pytest.fixture
def giver(tmp_path: Path) -> Any:
    """A store with two versions."""
    (tmp_path / "store").mkdir()
    store = store_on(tmp_path / "store", "me")
    for manifest, files in ((FIRST, OLD), (SECOND, NEW)):
        store.stage(manifest, {})
        send(store, manifest, files)
        store.publish(manifest["digest"])
    return store


def test_records_are_read_once_for_all_files_of_a_version(
    giver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = repair.record, []

    def record(path: str) -> Any:
        read.append(path)
        return real(path)

    monkeypatch.setattr(repair, "record", record)
    for _again in range(10):
        for number, entry in enumerate(SECOND["files"]):
            path = giver.content(SECOND["digest"], number)
            assert Path(path).read_bytes() == NEW[entry["path"]]
    assert len(read) == 2


def test_what_went_or_changed_meanwhile_is_not_given(giver: Any) -> None:
    digest = SECOND["digest"]
    assert giver.content(digest, 0) and giver.content(digest, 1)
    Path(giver.content(digest, 1)).write_bytes(b"other")
    with pytest.raises(Refused, match="no such file"):
        giver.content(digest, 1)
    giver.remove("ocr", 2)
    with pytest.raises(Refused, match="no such file"):
        giver.content(digest, 0)


def test_what_was_not_there_and_is_published_now_is_given(giver: Any) -> None:
    third = manifest_of(3, {"c.bin": b"c"})
    with pytest.raises(Refused, match="no such file"):
        giver.content(third["digest"], 0)
    giver.stage(third, {})
    send(giver, third, {"c.bin": b"c"})
    giver.publish(third["digest"])
    assert Path(giver.content(third["digest"], 0)).read_bytes() == b"c"
