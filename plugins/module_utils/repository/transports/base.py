# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a transport: the same manifest, verification and publish for all of them."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    BusyError,
    EdgeError,
    InputError,
    TransferError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import (
    Advance,
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Facts,
    Inventory,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore, Store

BLOCK = 256 * 1024  # bytes per read and write on the controller
# A helper flushes to the disk before it answers; slow flash writes some 5 MB/s.
ANSWER_SECONDS = 120.0
SLOW_DISK_BYTES_PER_SECOND = 5_000_000
# Longest wait for a lock of a writer that gives no sign of life (its lease is 20 s).
LOCK_WAIT = 40.0
# A writer that lives beats every few seconds; one that was killed just now once more at most.
LIVE_BEATS = 2


@dataclass(frozen=True)
class Target:
    """One place that gets the files.

    Attributes:
        store: where they go.
        node: the node of a host path; C(None) for a volume.
        node_selector: what places a helper pod where the store is; sorted pairs.
        unbound: the claim waits for its first pod; it has no volume, so it holds nothing.
    """

    store: Store
    node: Optional[str] = None
    node_selector: Tuple[Tuple[str, str], ...] = ()
    unbound: bool = False

    @property
    def name(self) -> str:
        """The name in messages."""
        return f"{self.store} on node {self.node}" if self.node else str(self.store)

    @property
    def short(self) -> str:
        """The name in progress lines and results."""
        claim = self.store.claim_name if isinstance(self.store, PvcStore) else ""
        return self.node or claim


class Channel(ABC):
    """An open way to one target. Closing it removes everything it made in the cluster.

    All methods raise C(EdgeError): C(UnreachableError) when the way is broken,
    C(BusyError) when another controller writes, C(TransferError) when bytes did not arrive whole.
    """

    transport = ""

    def __init__(self, target: Target) -> None:
        self.target = target

    @abstractmethod
    def facts(self) -> Facts:
        """Return free space and inodes of the store."""

    @abstractmethod
    def inventory(self) -> Inventory:
        """Return what is published there, without reading file content."""

    @abstractmethod
    def hashes(self, model: str, version: int, size: int) -> Mapping[str, str]:
        """Return path and sha256 of each file of a version, read on the target now."""

    @abstractmethod
    def lock(self, owner: str, note: str) -> None:
        """Become the one writer, waiting for a dead one's lease; C(BusyError) for a live one."""

    @abstractmethod
    def publish(self, manifest: Manifest, sources: Mapping[str, str], advance: Advance) -> None:
        """Send, verify and make visible one version; C(advance) is told bytes as they go."""

    @abstractmethod
    def seal(self, manifest: Manifest, size: int) -> None:
        """Record a version that is there and right, after reading it once more."""

    @abstractmethod
    def remove(self, model: str, version: int) -> bool:
        """Take a version out of sight and delete it; C(False) when it was not there."""

    @abstractmethod
    def close(self) -> None:
        """Let the lock go and remove the helper; never raises."""


class LockPatience:
    """Decides whether to go on waiting for a lock that somebody holds."""

    def __init__(self) -> None:
        self._end = time.monotonic() + LOCK_WAIT
        self._beat: Optional[object] = None
        self._moves = 0

    def ends(self, beat: object) -> bool:
        """Return whether the holder lives, or the time is up; C(beat) is its last sign of life."""
        if self._beat is not None and beat != self._beat:
            self._moves += 1
        self._beat = beat
        return self._moves >= LIVE_BEATS or time.monotonic() > self._end


def answer_seconds(size: int) -> float:
    """Return how long a helper may work on C(size) bytes before it counts as gone."""
    return ANSWER_SECONDS + size / SLOW_DISK_BYTES_PER_SECOND


def file_blocks(
    source: str, entry: FileEntry, advance: Advance, stopped: Callable[[], bool]
) -> Iterator[bytes]:
    """Yield the bytes of a local file, exactly as many as the manifest says.

    Raises:
        InputError: the file changed its size or cannot be read any more.
        TransferError: the task was told to stop.
    """
    try:
        with open(source, "rb", buffering=0) as stream:
            if os.fstat(stream.fileno()).st_size != entry.size:
                raise _changed(source)
            left = entry.size
            while left:
                if stopped():
                    raise TransferError("stopped", subject=source)
                block = stream.read(min(BLOCK, left))
                if not block:
                    raise _changed(source)
                yield block
                left -= len(block)
                advance(len(block))
    except OSError as error:
        raise InputError(
            f"the file cannot be read ({error.strerror})", option="src", subject=source
        ) from error


def _changed(source: str) -> InputError:
    return InputError(
        "the file changed while it was sent",
        option="src",
        subject=source,
        hint="Run again when nobody writes to the repository",
    )


def busy_error(target: Target, holder: Optional[Mapping[str, Any]]) -> BusyError:
    """Return the error that names who writes."""
    note = str((holder or {}).get("note") or "another controller")
    return BusyError(
        f"{note} is at work on this store",
        subject=target.name,
        hint="Wait until it is done and run again",
        details={"holder": dict(holder or {})},
    )


class HelperGone(TransferError):
    """The helper ended before its work was done."""


def helper_gone(target: Target, why: str) -> HelperGone:
    """Return the error for a helper that ended early."""
    return HelperGone(
        f"the helper is gone ({why})",
        subject=target.name,
        hint="What was published is whole; run again for the rest",
    )


def refusal(target: Target, status: int, message: str, fields: Dict[str, Any]) -> EdgeError:
    """Return the error for a helper's answer; statuses are those of HTTP."""
    if status == 423:
        return busy_error(target, fields.get("holder"))
    if status == 507:
        return TransferError(
            f"the store is full ({message})",
            subject=target.name,
            hint="Free space or remove old versions (state: absent), then run again",
        )
    if status == 422:
        return TransferError(
            f"bytes changed on the way ({message})", subject=target.name, hint="Run again"
        )
    if status == 401:
        return UnsupportedError(
            "the helper did not get the token; something between the API server and the pod"
            " removes the header X-Edge-Token",
            subject=target.name,
            hint="Use transport: exec",
        )
    return TransferError(message, subject=target.name, details={"status": status})
