# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as damage, as a wrong owner or mode, and what the audit makes of it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.ownership import (
    Ownership,
    expected_ownership,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    RawDirectory,
    RawFile,
    RawVersion,
    RemoteVersion,
    from_hashes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import repair
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.audit import (
    TargetAudit,
    VersionAudit,
    audit_version,
    compare_targets,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.repair_origins import (
    mending_origins,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore, PvcStore
from hypothesis import given
from hypothesis import strategies as st

Content = Mapping[str, bytes]
FILES: Content = {"a.bin": b"weights", "b.xml": b"<net/>", "c/d.txt": b""}
OWNER = Ownership(5000, 5000)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest_of(content: Content, version: int = 1) -> Manifest:
    entries = [FileEntry(path, len(data), sha256(data)) for path, data in content.items()]
    return Manifest("m", version, tuple(entries))


def raw_of(content: Content, published: Content | None = FILES, **fields: Any) -> RawVersion:
    """Return what is listed now; the record is of C(published), with stamps that fit that."""

    def stamp(data: bytes) -> tuple[int, int, int]:
        return len(data), int(sha256(data)[:8], 16), 1

    files = tuple(
        RawFile(path, stamp(data), stat.S_IFREG | 0o644, 5000, 5000)
        for path, data in sorted(content.items())
    )
    record: Any = None
    if published is not None:
        stamps = {path: list(stamp(data)) for path, data in published.items()}
        record = {"manifest": manifest_of(published).as_dict(), "stamps": stamps}
    return RawVersion("m", 1, files, **{"record": record, **fields})


def read(raw: RawVersion, content: Content) -> RemoteVersion:
    return from_hashes(raw, {path: sha256(data) for path, data in content.items()})


def kinds(audit: VersionAudit) -> list[str]:
    return [item.kind for item in audit.findings]


def test_a_version_that_is_as_it_was_is_sound() -> None:
    raw = raw_of(FILES)
    for known in (None, read(raw, FILES)):
        audit = audit_version(raw, OWNER, read=known)
        assert not audit.findings and audit.record == "fits"
        assert audit.digest == manifest_of(FILES).digest
        assert audit.as_dict()["sound"]


CONTENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "e"]), st.binary(max_size=3), min_size=1
)


@given(CONTENTS, CONTENTS)
def test_damage_is_exactly_the_difference(published: Content, there: Content) -> None:
    raw = raw_of(there, published)
    damage = repair.damage_of(manifest_of(published), read(raw, there), OWNER)
    if published == there:
        assert damage is None
        return
    assert damage is not None and damage.bytes
    restored = {path: data for path, data in there.items() if path not in damage.extra}
    names = [damage.manifest.files[number].path for number in damage.files]
    assert sorted(names) == sorted({*damage.changed, *damage.missing})
    restored.update({name: published[name] for name in names})
    assert restored == published
    assert all(published[path] != there[path] for path in damage.changed)
    audit = audit_version(raw, OWNER, read=read(raw, there))
    assert (audit.paths("changed"), audit.paths("missing"), audit.paths("extra")) == (
        list(damage.changed),
        list(damage.missing),
        list(damage.extra),
    )
    finding = repair.examine(manifest_of(published), read(raw, there), OWNER)
    assert finding.kind == repair.DAMAGED
    other = repair.examine(manifest_of({**published, "new": b"x"}), read(raw, there), OWNER)
    assert other.kind == repair.OTHER


def test_without_a_record_only_another_source_of_the_digest_allows_a_repair() -> None:
    there = {**FILES, "a.bin": b"damaged"}
    raw = raw_of(there, None)
    wanted = manifest_of(FILES)
    finding = repair.examine(wanted, read(raw, there), OWNER)
    assert finding.kind == repair.OTHER and "no record" in finding.why
    assert repair.examine(wanted, read(raw, there), OWNER, wanted.digest).kind == repair.DAMAGED
    assert repair.examine(wanted, read(raw, FILES), OWNER).kind == repair.SAME


def test_without_reading_names_and_sizes_tell() -> None:
    raw = raw_of({"a.bin": b"longer weights", "b.xml": b"<NET/>", "x": b""})
    audit = audit_version(raw, OWNER)
    assert audit.checked == "none" and audit.digest == "" and audit.record == "touched"
    assert kinds(audit) == ["touched", "missing", "extra", "changed"]
    assert audit.paths("changed") == ["a.bin"], "b.xml has the right size"
    assert "14 bytes instead of 7" in str(audit.findings[-1])
    whole = audit_version(
        raw, OWNER, read=read(raw, {"a.bin": b"longer weights", "b.xml": b"<NET/>", "x": b""})
    )
    assert whole.paths("changed") == ["a.bin", "b.xml"] and "touched" not in kinds(whole)


def test_touched_files_with_the_right_bytes_are_sound_once_read() -> None:
    raw = raw_of(FILES)
    files = tuple(replace(item, stamp=(item.stamp[0], 7, 7)) for item in raw.files)
    raw = replace(raw, files=files)
    assert kinds(audit_version(raw, OWNER)) == ["touched"]
    assert not audit_version(raw, OWNER, read=read(raw, FILES)).findings


def test_links_and_what_cannot_be_read_are_changed() -> None:
    raw = raw_of(FILES)
    link = replace(raw.files[0], mode=stat.S_IFLNK | 0o777)
    listed = replace(raw, files=(link, *raw.files[1:]), record={**(raw.record or {}), "stamps": {}})
    assert audit_version(listed, OWNER).paths("changed") == ["a.bin"]
    assert not audit_version(listed, OWNER).paths("wrong_mode")
    hashes = {path: sha256(data) for path, data in FILES.items()}
    audit = audit_version(raw, OWNER, read=from_hashes(raw, {**hashes, "a.bin": ""}))
    assert audit.paths("changed") == ["a.bin"] and "cannot be read" in str(audit.findings[0])


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"record": None}, "record_missing"),
        ({"record": None, "record_fault": "Permission denied"}, "record_unreadable"),
        ({"record": {"manifest": 1}}, "record_unreadable"),
        ({"unreadable": ("c",)}, "unreadable"),
    ],
)
def test_what_keeps_the_audit_from_knowing_is_a_finding(fields: dict[str, Any], kind: str) -> None:
    raw = raw_of(FILES, **fields)
    assert kinds(audit_version(raw, OWNER, read=read(raw, FILES))) == [kind]


def test_the_source_stands_in_for_a_lost_record() -> None:
    raw = raw_of({**FILES, "a.bin": b"changed"}, None)
    source = manifest_of(FILES)
    audit = audit_version(raw, OWNER, source=source, read=read(raw, {**FILES, "a.bin": b"changed"}))
    assert kinds(audit) == ["changed"] and audit.record == "missing"
    empty = RawVersion("m", 1, ())
    assert kinds(audit_version(empty, OWNER)) == ["record_missing", "missing"]


@pytest.mark.parametrize(
    ("mode", "directory", "exact", "claim"),
    [
        (0o644, False, True, True),
        (0o664, False, False, True),
        (0o660, False, False, False),
        (0o646, False, False, False),
        (0o600, False, False, False),
        (0o755, True, True, True),
        (0o2775, True, False, True),
        (0o2755, True, False, True),
        (0o777, True, False, False),
        (0o700, True, False, False),
    ],
)
def test_on_a_claim_the_kubelet_may_give_the_group_more(
    mode: int, directory: bool, exact: bool, claim: bool
) -> None:
    host = expected_ownership(HostPathStore("ns", "/data"), (5000, 5000))
    volume = expected_ownership(PvcStore("ns", "claim"), (5000, 5000))
    assert (host.mode_fault(mode, directory=directory) == "") is exact
    assert (volume.mode_fault(mode, directory=directory) == "") is claim


def test_owners() -> None:
    volume = expected_ownership(PvcStore("ns", "claim"), (5000, 5000))
    assert OWNER.owner_fault(5000, 7) and not volume.owner_fault(5000, 7)
    assert volume.owner_fault(0, 5000) == "owner 0 instead of 5000"
    squashed = OWNER.recorded({"owner": [65534, 65534]})
    assert not squashed.owner_fault(65534, 65534)
    for record in (None, {}, {"owner": "x"}, {"owner": [1]}):
        assert OWNER.recorded(record) == OWNER


def test_owner_and_mode_alone_are_damage_without_bytes() -> None:
    raw = raw_of(FILES)
    files = (
        replace(raw.files[0], mode=stat.S_IFREG | 0o600),
        replace(raw.files[1], uid=0),
        raw.files[2],
    )
    directories = (RawDirectory("..", 0o40755, 5000, 5000), RawDirectory("", 0o40700, 5000, 5000))
    raw = replace(raw, files=files, directories=directories)
    finding = repair.examine(manifest_of(FILES), read(raw, FILES), OWNER)
    assert finding.kind == repair.DAMAGED and finding.damage and not finding.damage.bytes
    assert (finding.damage.files, finding.damage.modes) == ((), (0, 1))
    assert str(finding.damage) == (
        "m/1: wrong . (mode 0700 instead of 0755), a.bin (mode 0600 instead of 0644),"
        " b.xml (owner 0:5000 instead of 5000:5000)"
    )
    assert kinds(audit_version(raw, OWNER)) == ["wrong_mode", "wrong_mode", "wrong_owner"]


def test_targets_are_compared_with_each_other_and_with_the_source() -> None:
    one, other = raw_of(FILES), raw_of({**FILES, "x": b""}, {**FILES, "x": b""})
    audits = [
        TargetAudit("n1", versions=[audit_version(one, OWNER)]),
        TargetAudit("n2", versions=[audit_version(other, OWNER)]),
        TargetAudit("n3", exists=False),
    ]
    compare_targets(audits, {})
    assert [item.names("version_differs") for item in audits] == [["m/1"], ["m/1"], []]
    assert audits[2].names("version_missing") == ["m/1"]
    assert "n2" in audits[0].findings[0].detail and "n1, n2" in audits[2].findings[0].detail
    assert audits[2].summary() == "n3: no store there: 1 version missing"
    alone = TargetAudit("n1")
    compare_targets([alone], {("m", 2): manifest_of(FILES, 2)})
    assert alone.findings[0].detail == "it is on the source"


def test_a_file_is_linked_only_from_what_was_just_read() -> None:
    there = {**FILES, "a.bin": b"damaged"}
    raw = raw_of(there)
    damage = repair.damage_of(manifest_of(FILES), read(raw, there), OWNER)
    assert damage is not None
    twin = replace(read(raw_of(FILES), FILES), raw=replace(raw, version=2))
    (believed,) = mending_origins(damage, {}, [replace(twin, checked="stamps")], deltas=True)
    assert believed.kind == "sent" and believed.basis is None, "too small for a delta"
    (linked,) = mending_origins(damage, {}, [twin, read(raw, there)], deltas=True)
    assert linked.kind == "linked"
    assert linked.places == ({"model": "m", "version": 2, "path": "a.bin"},)


def test_a_changed_file_is_built_on_itself_a_missing_one_is_not() -> None:
    content = {"a.bin": b"w" * 100_000, "b.bin": b"v" * 100_000}
    there = {"a.bin": b"x" + b"w" * 99_999}
    raw = raw_of(there, content)
    damage = repair.damage_of(manifest_of(content), read(raw, there), OWNER)
    assert damage is not None
    changed, missing = mending_origins(damage, {}, [], deltas=True)
    assert changed.basis == {"model": "m", "version": 1, "path": "a.bin"}
    assert missing.basis is None and missing.kind == "sent"
    assert mending_origins(damage, {}, [], deltas=False)[0].basis is None
