# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen on one target: a pure function of what is wanted and what is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.layout import Selection
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Facts,
    Key,
    RawVersion,
    RemoteVersion,
    difference,
)

# Directories, the record and the file system's own tables, a file and a version.
BLOCKS_PER_FILE = 1
BLOCKS_PER_VERSION = 16
INODES_PER_VERSION = 8


@dataclass(frozen=True)
class Step:
    """One model version and what is done with it: C(publish), C(keep), C(seal) or C(remove).

    C(bytes) and C(files) are those of the version; only C(publish) sends them. C(seal) writes the
    record of a version that is there and right.
    """

    action: str
    model: str
    version: int
    digest: str
    files: int
    bytes: int
    manifest: Optional[Manifest] = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> Key:
        """Model and version."""
        return self.model, self.version


@dataclass(frozen=True)
class Plan:
    """Steps for one target, in the order in which they are done."""

    target: str
    steps: Tuple[Step, ...]

    def of(self, action: str) -> List[Step]:
        """Return the steps of one kind."""
        return [step for step in self.steps if step.action == action]

    @property
    def changes(self) -> bool:
        """Whether servers would see a difference."""
        return any(step.action in ("publish", "remove") for step in self.steps)

    @property
    def bytes_to_send(self) -> int:
        """Bytes of the files that have to be sent."""
        return sum(step.bytes for step in self.of("publish"))

    @property
    def bytes_reused(self) -> int:
        """Bytes of the wanted files that are there already."""
        return sum(step.bytes for step in self.steps if step.action in ("keep", "seal"))


def plan_present(
    target: str, wanted: Sequence[Manifest], remote: Mapping[Key, RemoteVersion]
) -> Plan:
    """Return what makes every wanted version be there.

    Raises:
        InputError: a version is there with other bytes; a published version never changes.
    """
    steps: List[Step] = []
    conflicts: List[str] = []
    for manifest in wanted:
        there = remote.get((manifest.model, manifest.version))
        if there is None or not there.raw.files:
            steps.append(_step("publish", manifest))
            continue
        differs = difference(manifest, there.manifest)
        if differs:
            conflicts.append(f"{manifest.model}/{manifest.version} ({differs})")
        else:
            steps.append(_step("keep" if there.sealed else "seal", manifest))
    if conflicts:
        raise InputError(
            f"the same version with other bytes is on the store: {'; '.join(conflicts)}",
            option="src",
            subject=target,
            hint="A published version is never changed in place: give the new files a new version"
            " number, or remove the old version first (state: absent)",
            details={"target": target, "conflicts": conflicts},
        )
    return Plan(target, tuple(steps))


def plan_absent(
    target: str,
    unwanted: Sequence[Selection],
    there: Iterable[RawVersion],
    in_use: Mapping[Key, str],
    *,
    force: bool = False,
) -> Plan:
    """Return what removes the unwanted versions.

    Args:
        target: for messages.
        unwanted: models; without versions all of them go.
        there: what the target holds.
        in_use: for each version that a running server names, who.
        force: remove them all the same.

    Raises:
        InputError: a server names one of them, without C(force).
    """
    chosen: Dict[str, Set[int]] = {item.name: set(item.versions) for item in unwanted}
    steps: List[Step] = []
    for raw in sorted(there, key=lambda item: item.key):
        if raw.model not in chosen:
            continue
        if chosen[raw.model] and raw.version not in chosen[raw.model]:
            continue
        digest = str(((raw.record or {}).get("manifest") or {}).get("digest", ""))
        steps.append(Step("remove", raw.model, raw.version, digest, len(raw.files), raw.size))
    named = [
        f"{step.model}/{step.version} by {in_use[step.key]}" for step in steps if step.key in in_use
    ]
    if named and not force:
        raise InputError(
            f"in use: {'; '.join(named)}",
            option="models",
            subject=target,
            hint="Take it out of the server's configuration first, or set force",
            details={"target": target, "in_use": named},
        )
    return Plan(target, tuple(steps))


def space_fault(plan: Plan, facts: Facts) -> Optional[str]:
    """Return why the store cannot take the plan, with need and free, or C(None)."""
    steps = plan.of("publish")
    block = facts.block_bytes
    need = sum(_on_disk(step, block) for step in steps)
    if need > facts.free_bytes:
        return f"needs {format_bytes(need)}, {format_bytes(facts.free_bytes)} are free"
    inodes = sum(step.files + INODES_PER_VERSION for step in steps)
    if steps and facts.total_inodes and inodes > facts.free_inodes:
        return f"needs {inodes} inodes, {facts.free_inodes} are free"
    return None


def _on_disk(step: Step, block: int) -> int:
    files = step.manifest.files if step.manifest else ()
    rounded = sum((entry.size + block - 1) // block * block for entry in files)
    return rounded + (step.files * BLOCKS_PER_FILE + BLOCKS_PER_VERSION) * block


def format_bytes(count: float) -> str:
    """Return a size for people: C(0 B), C(1.5 KiB), C(300.0 MiB)."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _step(action: str, manifest: Manifest) -> Step:
    return Step(
        action,
        manifest.model,
        manifest.version,
        manifest.digest,
        len(manifest.files),
        manifest.size,
        manifest,
    )
