# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the files of one version into its stage on one target, and estimates the bytes to send."""

from __future__ import annotations

import threading
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

from ...errors import EdgeError, TransferError
from ..content.state import Key
from ..delta.pack import FileJob
from ..delta.signature import Signature, block_size, delta_pays, parse_signature
from ..plan.origins import DONE, LINKED, PEER, PULLED, SENT, TWIN, Origin, reuse_of
from ..progress import Meter
from ..transport.base import BAD, Flow, Have, Interrupted, Place, Staged
from .limit import Limiter
from .work import Incoming, Work

# Block tables of the files of one pack are in memory together; that of 1 GiB has some MiB.
DELTA_BYTES_PER_PACK = 1 << 30

Sources = Callable[[Key], Mapping[str, str]]
FindLocal = Callable[[int, str], Optional[str]]  # a local file by size and sha256


class Sender:
    """Sends files to the targets of one task.

    Args:
        sources: where the files of a version are, by path.
        compress: whether text may be compressed.
        limiter: bound of the bytes per second, for all streams.
        streams: how many streams there may be at once.
        stopped: tells when the task is to end early.
        find_local: returns a local file with given bytes: with one that is on the target too, no
            block table is needed.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        compress: bool,
        limiter: Limiter,
        streams: int,
        stopped: Callable[[], bool],
        find_local: FindLocal = lambda size, sha256: None,
    ) -> None:
        self._find_local = find_local
        self._sources, self._compress, self._limiter = sources, compress, limiter
        self._slots = threading.BoundedSemaphore(streams)
        self._stopped = stopped
        self.meter: Optional[Meter] = None

    def estimate(self, work: Work, incoming: Incoming) -> int:
        """Return the bytes that C(bring) will send if nothing breaks."""
        wanted = [item for item in incoming.origins if item.kind == SENT]
        starts = {item.number: Have(False, item.start) for item in wanted}
        return sum(
            work.way.body_bytes(jobs, self._compress)
            for jobs in self._packs(work, incoming, wanted, starts)
        )

    def bring(self, work: Work, incoming: Incoming, kinds: Sequence[str] = (LINKED, SENT)) -> None:
        """Stage a version and send its missing bytes; resumes from the bytes that are there.

        Raises:
            Interrupted, UnreachableError: the connection broke; call this again to resume.
            TransferError: a file has a wrong checksum on the target, also after it was sent twice.
        """
        staged = work.way.stage(incoming.manifest, self._reuse(incoming))
        self._note(work, incoming, staged)
        wanted = [item for item in incoming.origins if item.kind in kinds]
        wanted += self._spoilt(work, incoming, staged)
        staged = self._send(work, incoming, wanted, staged)
        twins = [item for item in incoming.origins if item.kind == TWIN]
        if twins and SENT in kinds:
            staged = work.way.stage(incoming.manifest, reuse_of(incoming.origins, TWIN))
            self._note(work, incoming, staged)
            self._send(work, incoming, twins, staged)
        incoming.staged_on = work.channel

    @staticmethod
    def _spoilt(work: Work, incoming: Incoming, staged: Staged) -> List[Origin]:
        """Return the files that an earlier run staged and that now fail their checksum."""
        gone = [
            item
            for item in incoming.origins
            if item.kind == DONE and not staged.get(item.number, Have()).done
        ]
        if work.way.deltas:
            return [_onto_bad(item) for item in gone]
        return [Origin(item.number, item.entry, SENT, 0) for item in gone]

    @staticmethod
    def _reuse(incoming: Incoming) -> Dict[int, List[Place]]:
        return reuse_of(incoming.origins, LINKED)

    @staticmethod
    def _note(work: Work, incoming: Incoming, staged: Staged) -> None:
        """Count the bytes of linked files, each file once."""
        for item in incoming.origins:
            linked = item.kind in (LINKED, TWIN) and staged.get(item.number, Have()).done
            if linked and item.number not in incoming.settled:
                incoming.settled.add(item.number)
                work.counts.linked += item.entry.size
        work.staged_bytes[incoming.step.key] = sum(
            incoming.manifest.files[number].size if item.done else item.have
            for number, item in staged.items()
        )

    def _send(
        self, work: Work, incoming: Incoming, wanted: Sequence[Origin], staged: Staged
    ) -> Staged:
        missing = [item for item in wanted if not staged.get(item.number, Have()).done]
        bad = self._round(work, incoming, missing, staged)
        if bad:
            again = [_onto_bad(item) for item in missing if item.number in bad]
            still = self._round(work, incoming, again, {})
            if still:
                names = ", ".join(incoming.manifest.files[number].path for number in sorted(still))
                raise TransferError(
                    f"the bytes of {names} were wrong on the target, twice",
                    subject=work.target.name,
                    hint="Does the file change while it is sent? Else look at the disk, the memory"
                    " and the network of the target",
                )
        return staged

    def _round(
        self, work: Work, incoming: Incoming, wanted: Sequence[Origin], staged: Staged
    ) -> List[int]:
        """Send files once; returns the numbers of those that arrived wrong."""
        bad: List[int] = []
        for jobs in self._packs(work, incoming, wanted, staged):
            flow = Flow(
                lambda count: self._count(work, count),
                self._advance,
                self._stopped,
                self._compress,
                self._limiter.cut,
            )
            with self._slots:
                answer = work.way.send(incoming.manifest, jobs, flow)
            missing = [job.number for job in jobs if job.number not in answer]
            if missing:
                raise Interrupted("the answer lacks files", subject=work.target.name)
            bad += [number for number, outcome in answer.items() if outcome == BAD]
            work.counts.files += len(jobs)
        return bad

    def _count(self, work: Work, count: int) -> None:
        self._limiter.take(count)
        with self._slots_lock:
            work.counts.sent += count

    _slots_lock = threading.Lock()

    def _advance(self, count: int) -> None:
        if self.meter is not None:
            self.meter.advance(count)

    def _packs(
        self, work: Work, incoming: Incoming, wanted: Iterable[Origin], staged: Staged
    ) -> Iterator[List[FileJob]]:
        """Yield the jobs of one pack after the other; block tables are asked for late."""
        plain = [item for item in wanted if item.basis is None]
        if plain:
            yield [self._job(work, incoming, item, staged) for item in plain]
        jobs: List[FileJob] = []
        size = 0
        for item in wanted:
            if item.basis is None:
                continue
            if jobs and size + item.entry.size > DELTA_BYTES_PER_PACK:
                yield jobs
                jobs, size = [], 0
            jobs.append(self._job(work, incoming, item, staged))
            size += item.entry.size
        if jobs:
            yield jobs

    def _job(self, work: Work, incoming: Incoming, item: Origin, staged: Staged) -> FileJob:
        have = min(staged.get(item.number, Have()).have, item.entry.size)
        source = self._sources(incoming.step.key)[item.entry.path]
        job = FileJob(item.number, source, item.entry, have)
        if item.basis is None or not delta_pays(item.entry.size - have):
            return job
        if item.basis_file is not None:
            job.old = self._find_local(item.basis_file.size, item.basis_file.sha256)
        if job.old is None:
            job.signature = self._signature(work, incoming, item)
        if job.is_delta:
            job.basis = dict(item.basis)
        return job

    @staticmethod
    def _signature(work: Work, incoming: Incoming, item: Origin) -> Optional[Signature]:
        """Return the block signature of the basis; C(None) when the helper cannot give it."""
        block = block_size(item.entry.size)
        try:
            data = work.way.signature(incoming.manifest, item.basis or {}, block)
            work.counts.hashes += len(data)
            return parse_signature(data)
        except (TransferError, ValueError) as error:
            if isinstance(error, Interrupted):
                raise
            return None


def _onto_bad(item: Origin) -> Origin:
    """Return an origin that repairs the copy that arrived with a wrong checksum."""
    return Origin(item.number, item.entry, SENT, 0, (), {"bad": item.number})


def summed(origins: Iterable[Origin], *kinds: str) -> int:
    """Return the bytes of the files of some kinds."""
    return sum(item.entry.size for item in origins if item.kind in kinds)


def resumed(origins: Iterable[Origin]) -> int:
    """Return the bytes that an earlier run left."""
    return sum(item.entry.size if item.kind == DONE else item.start for item in origins)


__all__ = ["PEER", "PULLED", "EdgeError", "Sender", "resumed", "summed"]
