# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the steps of one target from the wanted and the published versions. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...errors import InputError
from ..content.layout import Selection
from ..content.manifest import Manifest
from ..content.ownership import Ownership
from ..content.state import Key, RawVersion, RemoteVersion, difference
from .repair import DAMAGED, OTHER, Damage, examine, refusal


@dataclass(frozen=True)
class Step:
    """One model version and what is done with it.

    C(publish), C(keep), C(seal) (write the record of a version that is there and right),
    C(repair) or C(remove). C(bytes) and C(files) are those of the version, for C(repair) those of
    the files that are restored. C(damage) is what is repaired, or left as it is by C(keep).
    """

    action: str
    model: str
    version: int
    digest: str
    files: int
    bytes: int
    manifest: Optional[Manifest] = field(default=None, compare=False, repr=False)
    damage: Optional[Damage] = field(default=None, compare=False, repr=False)

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
        return any(step.action in ("publish", "repair", "remove") for step in self.steps)

    @property
    def bytes_to_send(self) -> int:
        """Bytes of the files that have to be sent."""
        return sum(step.bytes for step in self.steps if step.action in ("publish", "repair"))

    @property
    def bytes_reused(self) -> int:
        """Bytes of the wanted files that the store already has."""
        kept = sum(step.bytes for step in self.steps if step.action in ("keep", "seal"))
        return kept + sum(
            step.manifest.size - step.bytes for step in self.of("repair") if step.manifest
        )


def plan_present(
    target: str,
    wanted: Sequence[Manifest],
    remote: Mapping[Key, RemoteVersion],
    ownership: Optional[Ownership] = None,
    *,
    repair: bool = False,
) -> Plan:
    """Return the plan that publishes every wanted version that is missing.

    Args:
        target: for messages.
        wanted: the versions.
        remote: what is there of them.
        ownership: of published files; without it owners and modes do not matter.
        repair: restore what was damaged since it was published.

    Raises:
        InputError: a version is there with other bytes; a published version never changes. Or it
            was damaged, and C(repair) is not set.
    """
    steps: List[Step] = []
    conflicts: List[str] = []
    damages: Dict[Key, Damage] = {}
    for manifest in wanted:
        there = remote.get((manifest.model, manifest.version))
        if there is None or not there.raw.files:
            steps.append(_step("publish", manifest))
            continue
        finding = examine(manifest, there, ownership)
        if finding.kind == OTHER:
            differs = difference(manifest, there.manifest)
            conflicts.append(f"{manifest.model}/{manifest.version} ({differs}): {finding.why}")
        elif finding.kind == DAMAGED and finding.damage and (repair or finding.damage.bytes):
            damages[there.raw.key] = finding.damage
            steps.append(_repair_step(finding.damage))
        else:
            step = _step("keep" if there.sealed else "seal", manifest)
            steps.append(replace(step, damage=finding.damage))
    if conflicts:
        raise _conflict(target, conflicts)
    if damages and not repair:
        raise refusal(damages, target)
    return Plan(target, tuple(steps))


def _repair_step(damage: Damage) -> Step:
    manifest = damage.manifest
    files = [manifest.files[number] for number in damage.files]
    size = sum(entry.size for entry in files)
    step = _step("repair", manifest)
    return replace(step, files=len(files), bytes=size, damage=damage)


def _conflict(target: str, conflicts: Sequence[str]) -> InputError:
    return InputError(
        f"the same version with other bytes is on the store: {'; '.join(conflicts)}",
        option="src",
        subject=target,
        hint="A published version is never changed in place: give the new files a new version"
        " number, or remove the old version first (state: absent)",
        details={"target": target, "conflicts": list(conflicts)},
    )


def plan_absent(
    target: str,
    unwanted: Sequence[Selection],
    there: Iterable[RawVersion],
    in_use: Mapping[Key, str],
    *,
    force: bool = False,
) -> Plan:
    """Return the plan that removes the unwanted versions.

    Args:
        target: for messages.
        unwanted: models; without versions all of them go.
        there: what the target holds.
        in_use: the users of each version that is in use.
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
