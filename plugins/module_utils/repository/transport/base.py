# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a transport; manifest, verification and publishing are the same for all."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ...errors import BusyError, EdgeError, InputError, TransferError, UnsupportedError
from ...store import PvcStore, Store
from ..content.manifest import Advance, FileEntry, Manifest
from ..content.state import Facts, Inventory
from ..content.users import Ids

if TYPE_CHECKING:
    from ..delta.pack import Block, FileJob

BLOCK = 256 * 1024  # bytes per read and write on the controller
# A helper flushes to the disk before it answers; slow flash writes some 5 MB/s.
ANSWER_SECONDS = 120.0
SLOW_DISK_BYTES_PER_SECOND = 5_000_000
LONGEST_ANSWER = 24 * 3600.0  # the helper's Job ends then (helper_job.DEADLINE_SECONDS)
# Longest wait for the lock of a writer without heartbeats (its lease is 20 s).
LOCK_WAIT = 40.0
# A live writer sends a heartbeat every few seconds; after a kill at most one more is seen.
LIVE_BEATS = 2


@dataclass(frozen=True)
class Target:
    """One place that gets the files.

    Attributes:
        store: where they go.
        node: the node of a host path; C(None) for a volume.
        node_selector: what places a helper pod where the store is; sorted pairs.
        unbound: the claim waits for its first pod, so it has no volume and holds nothing; or, in
            check mode, the namespace is not there yet.
        tolerations: of a server that uses this claim, besides those of the task.
        affinity: of that server, where the first pod decides where the volume is made.
        ids: who the helper runs as, where OpenShift decides; C(None) for those of the task.
        lone: one pod only may use the volume, so no helper stays beyond its task.
        capacity: bytes that an unbound claim asks for; C(None) where that is not known.
    """

    store: Store
    node: Optional[str] = None
    node_selector: Tuple[Tuple[str, str], ...] = ()
    unbound: bool = False
    tolerations: Tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    affinity: Mapping[str, Any] = field(default_factory=dict, hash=False)
    ids: Optional[Ids] = None
    capacity: Optional[int] = None
    lone: bool = False

    @property
    def name(self) -> str:
        """The name in messages."""
        return f"{self.store} on node {self.node}" if self.node else str(self.store)

    @property
    def short(self) -> str:
        """The name in progress lines and results."""
        claim = self.store.claim_name if isinstance(self.store, PvcStore) else ""
        return self.node or claim


class Have(NamedTuple):
    """One file of a stage: complete and verified, or how many bytes of it are there."""

    done: bool = False
    have: int = 0


# By number of the file in its (sorted) manifest.
Staged = Mapping[int, Have]
# Where bytes lie on a store: {model, version, path} is a published file, {digest, number} a done
# file of a stage, {bad: number} a file that arrived wrong, {part: number} the beginning of one.
Place = Mapping[str, Any]

DONE, BAD = "done", "bad"


class Flow:
    """The callbacks of one upload stream: byte counts, bandwidth limit, progress and stop.

    Args:
        sent: told the bytes that are handed to the socket; may wait (bandwidth limit).
        advance: told how far the reading of the sources is, for the progress line.
        stopped: tells when the task is to end early.
        compress: whether text may be compressed.
        cut: makes blocks shorter, for an even stream.
    """

    def __init__(
        self,
        sent: Advance = lambda count: None,
        advance: Advance = lambda count: None,
        stopped: Callable[[], bool] = lambda: False,
        compress: bool = True,
        cut: Callable[[Iterable[Block]], Iterable[Block]] = lambda blocks: blocks,
    ) -> None:
        self.sent, self.advance, self.stopped, self.compress = sent, advance, stopped, compress
        self._cut = cut

    def through(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield the blocks, counted.

        Raises:
            TransferError: the task was told to stop.
        """
        for block in self._cut(blocks):
            if self.stopped():
                raise TransferError("stopped")
            self.sent(len(block))
            yield block


class Channel(ABC):
    """An open connection to one target. Closing it removes everything it made in the cluster.

    All methods raise C(EdgeError): C(UnreachableError) or C(Interrupted) when the connection broke,
    C(BusyError) when another controller writes, C(TransferError) when bytes did not arrive whole.

    Attributes:
        transport: its name in results.
        deltas: files can be built from parts of what is there.
        peers: the helper can give files to, and take them from, other helpers of the site, and
            fetch them from a URL.
        damaged: published files that were to be linked and have other bytes than their record says.
    """

    transport = ""
    deltas = False
    peers = False

    def __init__(self, target: Target) -> None:
        self.target = target
        self.damaged: List[Place] = []
        self.node = target.node or ""  # where the helper runs, as far as it is known

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
    def lock(self, owner: str, note: str, wanted: Sequence[str] = ()) -> None:
        """Take the lock, after waiting for an expired lease; C(BusyError) when the holder is alive.

        C(wanted) are the digests of the versions that will be staged.
        """

    @abstractmethod
    def staged(self, manifest: Manifest) -> Staged:
        """Return the staged files of a version that is not yet published; changes nothing."""

    @abstractmethod
    def stage(self, manifest: Manifest, reuse: Mapping[int, Sequence[Place]]) -> Staged:
        """Begin or resume the stage of a version; reuses and verifies the files that are there."""

    @abstractmethod
    def body_bytes(self, jobs: Sequence[FileJob], compress: bool) -> int:
        """Return the bytes that C(send) would send; may read the sources."""

    @abstractmethod
    def send(self, manifest: Manifest, jobs: Sequence[FileJob], flow: Flow) -> Mapping[int, str]:
        """Send files into a stage in one stream; returns C(DONE) or C(BAD) for each number.

        Raises:
            Interrupted: the connection broke; what arrived stays in the stage.
        """

    @abstractmethod
    def publish(self, manifest: Manifest) -> None:
        """Publish a version whose files are all staged and verified."""

    @abstractmethod
    def seal(self, manifest: Manifest, size: int) -> None:
        """Write the record of a published version, after hashing it once more."""

    @abstractmethod
    def remove(self, model: str, version: int) -> bool:
        """Unpublish a version and delete it; C(False) when it was not there."""

    @property
    def counters(self) -> bool:
        """Whether this transport keeps counters of signed sets."""
        return type(self).trust is not Channel.trust

    def trust(self, key_id: str, counter: int) -> None:
        """Keep the counter of a signed set, if it is the highest so far; needs the lock."""
        raise self._cannot("counters of signed sets")

    @abstractmethod
    def close(self) -> None:
        """Release the lock and remove the helper; never raises."""

    def ping(self) -> None:
        """Tell the helper that the controller is alive."""
        self.facts()

    def signature(self, manifest: Manifest, place: Place, block: int) -> bytes:
        """Return the block signature of a file that is there (C(deltas))."""
        raise self._cannot("deltas")

    def fetch(
        self,
        manifest: Manifest,
        files: Sequence[Mapping[str, Any]],
        via: Mapping[str, Any],
        advance: Advance,
    ) -> Mapping[int, str]:
        """Let the helper fetch files into a stage (C(peers)); see C(agent/pull/fetch.py)."""
        raise self._cannot("fetching")

    def content(self, digest: str, number: int) -> Tuple[str, Mapping[str, str]]:
        """Return URL and headers by which other helpers of the site get a file (C(peers))."""
        raise self._cannot("giving files to other nodes")

    def repair(
        self,
        manifest: Manifest,
        files: Sequence[int],
        modes: Sequence[int],
        extra: Sequence[str],
    ) -> None:
        """Put staged files in the place of damaged ones, restore modes, take extra files away."""
        raise self._cannot("repairing")

    @abstractmethod
    def set_aside(self, model: str, version: int) -> None:
        """Take a version out of the sight of servers; the directory of the model is there then."""

    def put_back(self) -> None:
        """Put back what was set aside; closing does that as well."""
        raise self._cannot("putting versions back")

    def _cannot(self, what: str) -> UnsupportedError:
        return UnsupportedError(
            f"the {self.transport} transport does not do {what}", subject=self.target.name
        )


class LockPatience:
    """Decides how long to wait for a lock that another writer holds."""

    def __init__(self) -> None:
        self._end = time.monotonic() + LOCK_WAIT
        self._beat: Optional[object] = None
        self._moves = 0

    def ends(self, beat: object) -> bool:
        """Return whether the holder is alive, or the time is up; C(beat) is its last heartbeat."""
        if self._beat is not None and beat != self._beat:
            self._moves += 1
        self._beat = beat
        return self._moves >= LIVE_BEATS or time.monotonic() > self._end


def answer_seconds(size: int) -> float:
    """Return how long a helper may work on C(size) bytes before it counts as gone."""
    return min(ANSWER_SECONDS + size / SLOW_DISK_BYTES_PER_SECOND, LONGEST_ANSWER)


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
    """Return the error that names the holder of the lock."""
    note = str((holder or {}).get("note") or "another controller")
    return BusyError(
        f"{note} is at work on this store",
        subject=target.name,
        hint="Wait until it is done and run again",
        details={"holder": dict(holder or {})},
    )


class Interrupted(TransferError):
    """The connection broke in the middle; what arrived before stays."""


class HelperGone(Interrupted):
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
            hint="Use pod_carrier: portforward, or transport: exec",
        )
    return TransferError(message, subject=target.name, details={"status": status})
