# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks space, inodes and rights of a store before the first byte is written. Pure.

Only bytes to be written count: a file that is linked or complete in staging needs no space; a delta
needs space for the whole new file, since the old one stays until it is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ..content.state import Facts, Key, RawVersion
from ..content.units import format_bytes
from .origins import DONE, LINKED, TWIN, Origin

# A directory, an extent block and the file system's own tables, for each file and each version.
BLOCKS_PER_FILE = 1
BLOCKS_PER_VERSION = 16
# Directories of model, version and stage, manifest, record, stamps, lock and its owner.
INODES_PER_VERSION = 8
SHOWN = 3

# The meaning of each operation of the agent's probe (/v1/facts, "probe"), for messages.
_PROBES = {
    "write": "a file cannot be written there",
    "fsync": "the file system cannot flush a file to the disk (fsync)",
    "rename": "the file system cannot rename a directory, which is how a version is published",
    "mode": "the file system has no modes that can be set (mount it so that files show 0644)",
    "owner": "the file system lets nobody give a file an owner: a share with root_squash, or one"
    " without owners (use a claim, whose helper is the user itself, or no_root_squash)",
    "fsync_dir": "the file system cannot flush a directory to the disk (fsync)",
}


@dataclass(frozen=True)
class Write:
    """One file that has to be written: its size, and the bytes of it that lie in staging."""

    size: int
    have: int = 0


@dataclass(frozen=True)
class Need:
    """The files and directories that a task writes to one store.

    Attributes:
        files: those that have to be written.
        versions: that get a directory and a record.
        linked: files that only get another name (or share blocks): an inode at most, no bytes.
    """

    files: Tuple[Write, ...] = ()
    versions: int = 0
    linked: int = 0

    def bytes_on(self, block: int) -> int:
        """Return the bytes that will be taken on a file system with such blocks."""
        blocks = BLOCKS_PER_VERSION * self.versions + BLOCKS_PER_FILE * self.linked
        for item in self.files:
            blocks += _blocks(item.size, block) - _blocks(item.have, block) + BLOCKS_PER_FILE
        return blocks * block

    @property
    def inodes(self) -> int:
        """Return how many names will be made that are not there."""
        new = sum(1 for item in self.files if not item.have)
        return new + self.linked + INODES_PER_VERSION * self.versions


def _blocks(size: int, block: int) -> int:
    return (size + block - 1) // block


@dataclass(frozen=True)
class Removable:
    """Bytes that could be freed.

    Attributes:
        staging: bytes of unfinished copies that this task does not go on with; the agent drops
            them when they are in the way, so they count as free.
        versions: published ones that this task does not want, with their bytes.
    """

    staging: int = 0
    versions: Tuple[Tuple[str, int], ...] = ()


def check(
    target: str,
    facts: Facts,
    need: Need,
    *,
    node: str = "",
    removable: Removable = Removable(),
) -> None:
    """Refuse a store without the space, inodes or rights for the files.

    Args:
        target: name of the store.
        facts: what its file system reports.
        need: what has to be written.
        node: where the helper runs.
        removable: what could make room.

    Raises:
        InputError: names store, node, need and free, and what could be removed.
    """
    if not need.files and not need.versions:
        return
    subject = f"{target} (node {node})" if node and f"node {node}" not in target else target
    fault = write_fault(facts) or space_fault(facts, need, removable)
    if fault:
        raise InputError(
            fault.message,
            option=fault.option,
            subject=subject,
            hint=fault.hint,
            details=fault.details,
        )


def check_claim(target: str, capacity: int, need: Need, block: int) -> None:
    """Refuse a claim that asks for less than the files take, before its volume is made.

    Args:
        target: name of the store.
        capacity: bytes that the claim asks for.
        need: what has to be written.
        block: bytes of a block of the file system, as a guess.

    Raises:
        InputError: names need and claim.
    """
    wanted = need.bytes_on(block)
    if wanted <= capacity:
        return
    raise InputError(
        f"the claim is too small: the files need {format_bytes(wanted)}, it asks for"
        f" {format_bytes(capacity)}",
        option="pvc.claim_name",
        subject=target,
        hint="Let the claim ask for more (preflight_claim_size of the role preflight), or choose"
        " fewer models",
        details={"need_bytes": wanted, "claim_bytes": capacity},
    )


@dataclass(frozen=True)
class Fault:
    """The reason why a store cannot take the files."""

    message: str
    option: str
    hint: str
    details: Mapping[str, object]


def write_fault(facts: Facts) -> Optional[Fault]:
    """Return why nothing can be written, whatever its size."""
    kind = facts.fs_type
    where = f" on {kind}" if kind else ""
    texts = [(step, text) for step, text in facts.probe.items() if text]
    if facts.fs_read_only or any("read-only" in text.lower() for _step, text in texts):
        return Fault(
            f"the file system is mounted read-only{where}",
            "pvc" if facts.uid else "host_path",
            "Mount it for writing; a disk with errors is mounted read-only by the kernel",
            {"fs_type": kind},
        )
    if not facts.writable:
        return Fault(
            f"uid {facts.uid} may not write there (mode {facts.root_mode})",
            "uid",
            "Give the volume to this user (fsGroup, chown), or set uid and gid to its owner",
            {"uid": facts.uid, "mode": facts.root_mode},
        )
    for step, text in texts:
        if "no space" in text.lower() or "quota" in text.lower():
            continue  # the size check gives the better message
        return Fault(
            f"{_PROBES.get(step, step)} ({kind or 'unknown'}: {text})",
            "pvc" if facts.uid else "host_path",
            "Use a file system that can (ext4, xfs, btrfs, NFS 4)",
            {"fs_type": kind, "step": step},
        )
    return None


def space_fault(facts: Facts, need: Need, removable: Removable = Removable()) -> Optional[Fault]:
    """Return which of bytes and inodes is too little, with need and free; 0 in all is unknown."""
    bytes_needed, inodes = need.bytes_on(facts.block_bytes), need.inodes
    details: Dict[str, object] = {
        "need_bytes": bytes_needed,
        "free_bytes": facts.free_bytes,
        "need_inodes": inodes,
        "free_inodes": facts.free_inodes,
    }
    hint = _ways_out(removable)
    if facts.total_bytes and bytes_needed > facts.free_bytes + removable.staging:
        message = (
            f"the store is too small: needs {format_bytes(bytes_needed)}, "
            f"{format_bytes(facts.free_bytes)} of {format_bytes(facts.total_bytes)} are free"
        )
        if removable.staging:
            message += f" and {format_bytes(removable.staging)} are left from unfinished copies"
        return Fault(message, "src", hint, details)
    if facts.total_inodes and inodes > facts.free_inodes:
        message = (
            f"the store has too few inodes: needs {inodes},"
            f" {facts.free_inodes} of {facts.total_inodes} are free"
        )
        return Fault(message, "src", hint, details)
    return None


def _ways_out(removable: Removable) -> str:
    ways: List[str] = []
    if removable.versions:
        biggest = sorted(removable.versions, key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{name} ({format_bytes(size)})" for name, size in biggest[:SHOWN])
        more = f" and {len(biggest) - SHOWN} more" if len(biggest) > SHOWN else ""
        ways.append(f"remove versions that no server needs, like {shown}{more} (state: absent)")
    ways.append("free space in the file system")
    ways.append("choose fewer models")
    text = ", ".join(ways[:-1]) + f", or {ways[-1]}"
    return text[:1].upper() + text[1:]


def need_of(versions: Iterable[Sequence[Origin]], facts: Facts) -> Need:
    """Return what versions need whose files come from where C(origins_of) says."""
    files: List[Write] = []
    count = linked = 0
    # A reader tries nothing out: nearly every file system has links.
    links = facts.hardlink or not facts.probe
    for origins in versions:
        count += 1
        for item in origins:
            copied = bool(item.places) and all(place.get("copied") for place in item.places)
            names_only = facts.reflink or (links and not copied)
            if item.kind in (LINKED, TWIN) and names_only:
                linked += 1
            elif item.kind != DONE:
                files.append(Write(item.entry.size, item.start))
    return Need(tuple(files), count, linked)


def removable_of(
    facts: Facts, published: Iterable[RawVersion], wanted: Collection[Key], digests: Collection[str]
) -> Removable:
    """Return what could make room.

    Args:
        facts: with the stages on the store.
        published: versions there.
        wanted: versions that this task wants there.
        digests: of the versions that this task stages.
    """
    staging = sum(size for digest, size in facts.stages.items() if digest not in digests)
    old = [(f"{raw.model}/{raw.version}", raw.size) for raw in published if raw.key not in wanted]
    return Removable(staging, tuple(old))
