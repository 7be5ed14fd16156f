# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares each store of a cluster with what was published, file by file. Pure.

The expected files are those of the source, if one is given, else those of the version's record.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..content.manifest import FileEntry, Manifest
from ..content.ownership import Ownership
from ..content.state import Key, RawVersion, RemoteVersion, believe
from ..content.units import format_bytes
from .repair import damage_of, wrong_modes

Json = Dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One deviation from the expected state; C(kind) is a word of C(KINDS)."""

    kind: str
    model: str
    version: int
    path: str = ""
    detail: str = ""

    def as_row(self, target: str) -> Json:
        """Return the row of a table."""
        return {
            "target": target,
            "model": self.model,
            "version": self.version,
            "path": self.path,
            "finding": self.kind,
            "detail": self.detail,
        }

    def __str__(self) -> str:
        parts = [self.kind.replace("_", " "), self.path, f"({self.detail})" if self.detail else ""]
        return " ".join(part for part in parts if part)


KINDS = (
    "missing",
    "extra",
    "changed",
    "wrong_owner",
    "wrong_mode",
    "unreadable",
    "touched",
    "record_missing",
    "record_unreadable",
    "version_missing",
    "version_differs",
)


@dataclass
class VersionAudit:
    """One version on one target.

    Attributes:
        raw: what was listed.
        digest: of what is there, C("") when it is not known.
        checked: C(hash), C(stamps) or C(none): how the content is known.
        files: path, size and, if known, sha256.
        record: C(fits), C(touched), C(missing) or C(unreadable).
        findings: what is wrong.
    """

    raw: RawVersion
    digest: str
    checked: str
    files: List[Json]
    record: str
    findings: List[Finding]

    def paths(self, *kinds: str) -> List[str]:
        """Return the paths of findings."""
        return [item.path for item in self.findings if item.kind in kinds]

    def as_dict(self) -> Json:
        """Return the entry of the module's result."""
        return {
            "model": self.raw.model,
            "version": self.raw.version,
            "digest": self.digest,
            "checked": self.checked,
            "record": self.record,
            "bytes": self.raw.size,
            "files": self.files,
            "missing": self.paths("missing"),
            "extra": self.paths("extra"),
            "changed": self.paths("changed"),
            "wrong_owner": self._faults("wrong_owner"),
            "wrong_mode": self._faults("wrong_mode"),
            "problems": [str(item) for item in self.findings],
            "sound": not self.findings,
        }

    def _faults(self, kind: str) -> List[Json]:
        found = [item for item in self.findings if item.kind == kind]
        return [{"path": item.path, "fault": item.detail} for item in found]


@dataclass
class TargetAudit:
    """One target; C(exists) is whether there is a store at all."""

    name: str
    exists: bool = True
    versions: List[VersionAudit] = field(default_factory=list)
    findings: List[Finding] = field(default_factory=list)

    @property
    def all_findings(self) -> List[Finding]:
        """What is wrong with the target and its versions."""
        return self.findings + [item for audit in self.versions for item in audit.findings]

    def names(self, kind: str) -> List[str]:
        """Return the versions of findings of one kind, as C(model/version)."""
        return [f"{item.model}/{item.version}" for item in self.findings if item.kind == kind]

    def summary(self) -> str:
        """Return one line for people."""
        size = sum(audit.raw.size for audit in self.versions)
        count = sum(len(audit.raw.files) for audit in self.versions)
        head = f"{self.name}: {len(self.versions)} versions, {count} files, {format_bytes(size)}"
        kinds = [item.kind for item in self.all_findings]
        words = [f"{kinds.count(kind)} {kind.replace('_', ' ')}" for kind in KINDS if kind in kinds]
        state = ", ".join(words) or "sound"
        return f"{head if self.exists else f'{self.name}: no store there'}: {state}"


def audit_version(
    raw: RawVersion,
    ownership: Ownership,
    *,
    source: Optional[Manifest] = None,
    read: Optional[RemoteVersion] = None,
) -> VersionAudit:
    """Return what is wrong with one version.

    Args:
        raw: what was listed.
        ownership: of published files on this store.
        source: what the source holds under this number, if it has it.
        read: the content, if every byte was read; without it the record is believed as long as
            its stamps fit.
    """
    recorded, believed = raw.recorded, believe(raw) if raw.files else None
    record = _record_state(raw, believed is not None)
    expected = source or recorded
    known = read or believed
    findings = _record_findings(raw, record, expected, read is not None)
    if expected is not None:
        findings += _content_findings(raw, expected, known, ownership)
    elif not raw.files:
        findings.append(Finding("missing", raw.model, raw.version, "", "the directory is empty"))
    findings += _mode_findings(raw, ownership)
    findings += [
        Finding("unreadable", raw.model, raw.version, path, "the helper may not list it")
        for path in raw.unreadable
    ]
    return VersionAudit(
        raw,
        known.manifest.digest if known else "",
        known.checked if known else "none",
        _files(raw, known),
        record,
        findings,
    )


def _record_state(raw: RawVersion, fits: bool) -> str:
    if fits:
        return "fits"
    if raw.recorded is not None:
        return "touched"
    return "unreadable" if raw.record is not None or raw.record_fault else "missing"


def _record_findings(
    raw: RawVersion, record: str, expected: Optional[Manifest], was_read: bool
) -> List[Finding]:
    """Return the findings about the record itself, if they leave the content unproven."""
    if record == "unreadable":
        detail = raw.record_fault or "it is damaged"
        return [Finding("record_unreadable", raw.model, raw.version, "", detail)]
    if record == "missing" and expected is None:
        detail = "nothing tells what was published; give src to compare with"
        return [Finding("record_missing", raw.model, raw.version, "", detail)]
    if record != "fits" and not was_read and raw.files:
        detail = "files were written since it was published; verify reads them"
        return [Finding("touched", raw.model, raw.version, "", detail)]
    return []


def _content_findings(
    raw: RawVersion, expected: Manifest, known: Optional[RemoteVersion], ownership: Ownership
) -> List[Finding]:
    there = known or _by_listing(raw, expected)
    damage = damage_of(expected, there, ownership)
    if damage is None:
        return []
    want = {entry.path: entry for entry in expected.files}
    have = {entry.path: entry for entry in there.manifest.files}
    model, version = raw.key
    return [
        *(Finding("missing", model, version, path) for path in damage.missing),
        *(Finding("extra", model, version, path) for path in damage.extra),
        *(
            Finding("changed", model, version, path, _change(want[path], have[path]))
            for path in damage.changed
        ),
    ]


def _change(want: FileEntry, have: FileEntry) -> str:
    if want.size != have.size:
        return f"{have.size} bytes instead of {want.size}"
    if not have.sha256:
        return "it is no regular file, or cannot be read"
    return f"sha256 {have.sha256[:12]} instead of {want.sha256[:12]}"


def _by_listing(raw: RawVersion, expected: Manifest) -> RemoteVersion:
    """Return the content by names and sizes only; hashes are assumed to be right."""
    want = {entry.path: entry for entry in expected.files}
    entries: List[FileEntry] = []
    for item in raw.files:
        entry = want.get(item.path)
        right = entry is not None and not stat.S_ISLNK(item.mode)
        sha256 = entry.sha256 if entry is not None and right else ""
        entries.append(FileEntry(item.path, item.stamp[0], sha256))
    manifest = Manifest(raw.model, raw.version, tuple(entries))
    return RemoteVersion(raw, manifest, "none", False)


def _mode_findings(raw: RawVersion, ownership: Ownership) -> List[Finding]:
    found: List[Finding] = []
    for item in wrong_modes(raw, ownership, {entry.path for entry in raw.files}):
        for kind, fault in (("wrong_owner", item.owner), ("wrong_mode", item.mode)):
            if fault:
                found.append(Finding(kind, raw.model, raw.version, item.path, fault))
    return found


def _files(raw: RawVersion, known: Optional[RemoteVersion]) -> List[Json]:
    if known is None:
        return [{"path": item.path, "size": item.stamp[0]} for item in raw.files]
    return [entry.as_dict() for entry in known.manifest.files]


def compare_targets(targets: Sequence[TargetAudit], source: Mapping[Key, Manifest]) -> None:
    """Add a finding for each version that a target lacks, or holds with other content than others.

    A version is lacking when the source has it, or another target: a node that joined after it was
    published has nothing.
    """
    holders: Dict[Key, List[Tuple[TargetAudit, VersionAudit]]] = {}
    for target in targets:
        for audit in target.versions:
            holders.setdefault(audit.raw.key, []).append((target, audit))
    for key in sorted({*holders, *source}):
        having = holders.get(key, [])
        where = "the source" if key in source else ", ".join(item.name for item, _audit in having)
        there = [item.name for item, _audit in having]
        for target in targets:
            if target.name not in there:
                target.findings.append(Finding("version_missing", *key, "", f"it is on {where}"))
        if key not in source:
            _compare_content(key, having)


def _compare_content(key: Key, having: Iterable[Tuple[TargetAudit, VersionAudit]]) -> None:
    digests: Dict[str, List[TargetAudit]] = {}
    for target, audit in having:
        expected = audit.raw.recorded
        digest = expected.digest if expected else audit.digest
        if digest:
            digests.setdefault(digest, []).append(target)
    if len(digests) < 2:
        return
    for digest, group in digests.items():
        others = [
            item.name for other, found in digests.items() if other != digest for item in found
        ]
        for target in group:
            detail = f"published with other content than on {', '.join(others)}"
            target.findings.append(Finding("version_differs", *key, "", detail))
