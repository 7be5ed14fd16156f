# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests: canonical, stable, honest about changes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    files as agent_files,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content import (
    manifest as manifest_module,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import scan
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
    HashCache,
    Manifest,
    build,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import manifests_of

NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and "/" not in name
)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
ENTRIES = st.lists(
    st.builds(FileEntry, NAMES, st.integers(0, 2**50), HASHES),
    min_size=1,
    max_size=8,
    unique_by=lambda entry: entry.path,
)


@given(ENTRIES, st.randoms())
def test_order_does_not_matter_and_json_round_trips(
    entries: list[FileEntry], random: object
) -> None:
    one = Manifest("m", 1, tuple(entries))
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    two = Manifest("other", 2, tuple(shuffled))
    assert one.digest == two.digest
    assert Manifest.from_dict(json.loads(json.dumps(one.as_dict()))) == one


@given(ENTRIES)
def test_the_agent_computes_the_same_digest(entries: list[FileEntry]) -> None:
    one = Manifest("m", 1, tuple(entries))
    assert agent_files.checked_digest(json.loads(json.dumps(one.as_dict()))) == one.digest


@given(ENTRIES, st.data())
def test_any_change_changes_the_digest(entries: list[FileEntry], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(entries) - 1))
    entry = entries[number]
    other = data.draw(
        st.sampled_from(
            [
                FileEntry(entry.path + "x", entry.size, entry.sha256),
                FileEntry(entry.path, entry.size + 1, entry.sha256),
                FileEntry(entry.path, entry.size, hashlib.sha256(b"").hexdigest()),
            ]
        )
    )
    changed = [*entries[:number], other, *entries[number + 1 :]]
    if other != entry and len({item.path for item in changed}) == len(changed):
        before, after = Manifest("m", 1, tuple(entries)), Manifest("m", 1, tuple(changed))
        assert before.digest != after.digest


@pytest.mark.parametrize("change", [{"digest": "sha256:0"}, {"files": None}, {"files": [{}]}])
def test_a_damaged_record_is_refused(source: Path, change: dict[str, object]) -> None:
    good = manifests_of(source)[0].as_dict()
    with pytest.raises(ValueError, match="not a manifest"):
        Manifest.from_dict({**good, **change})


def test_content_and_not_modes_or_times_make_the_digest(source: Path) -> None:
    before = manifests_of(source)
    for path in source.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (1, 1))
    assert manifests_of(source) == before
    entry = before[0].files[0]
    data = (source / before[0].model / str(before[0].version) / entry.path).read_bytes()
    assert entry.sha256 == hashlib.sha256(data).hexdigest()


def test_each_file_is_read_once_until_it_changes(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    real = manifest_module._hash_file

    def hash_file(path: str, *rest: Any) -> Any:
        reads.append(path)
        return real(path, *rest)

    monkeypatch.setattr(manifest_module, "_hash_file", hash_file)
    cache = HashCache()
    counted: list[int] = []
    for _again in range(2):
        for version in scan(str(source)).versions:
            build(version, cache, counted.append)
    files = [path for path in source.rglob("*") if path.is_file()]
    assert len(reads) == len(files)
    assert sum(counted) == 2 * sum(path.stat().st_size for path in files)
    victim = source / "ocr/1/model.xml"
    stamp = victim.stat()
    victim.write_bytes(b"<NET/>")
    os.utime(victim, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    digest = cache.sha256(str(victim))[1]
    assert digest == hashlib.sha256(b"<NET/>").hexdigest()


def test_a_file_that_vanishes_is_an_input_error(source: Path) -> None:
    (version,) = (item for item in scan(str(source)).versions if item.model == "ocr")
    (source / "ocr/1/model.xml").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        build(version, HashCache())
