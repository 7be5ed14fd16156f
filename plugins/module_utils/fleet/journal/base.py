# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of journal does, and how it tells of rollouts and who works on them."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Protocol

from ...errors import ConflictError
from ..slices import Share
from ..states import Cluster

# Seconds for which a task goes on trying to write: others write at the same time, and a hub may be
# away for a moment.
PATIENCE = 60
# Reason of the error that tells who works on a fleet.
HELD = "Held"
# How a rollout ends that nobody goes on with.
GIVEN_UP = "given up"


@dataclass(frozen=True)
class Holder:
    """The process that works on a rollout.

    Attributes:
        host: name of its machine.
        pid: of C(ansible-playbook).
        started: when that process began, in the units of its machine; another process that got the
            same number later began at another time.
        job: number of the job of AWX that it is; empty if it is none.
    """

    host: str
    pid: int
    started: str
    job: str = ""

    @classmethod
    def of_process(cls, pid: int) -> "Holder":
        """Return the holder that a process of this machine is.

        AWX gives the number of a job as C(JOB_ID) in the environment (awx/main/tasks/jobs.py,
        RunJob.build_env).
        """
        return cls(socket.gethostname(), pid, _started(pid), os.environ.get("JOB_ID", ""))

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Holder":
        """Return the holder that C(as_record) told of."""
        return cls(**{name: record[name] for name in asdict(cls("", 0, "")) if name in record})

    def as_record(self) -> Dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def lives(self) -> bool:
        """Tell whether it is a process that runs on this machine."""
        return self.host == socket.gethostname() and _started(self.pid) == self.started != ""

    def __str__(self) -> str:
        text = f"process {self.pid} on {self.host}"
        return f"{text} (job {self.job})" if self.job else text


@dataclass(frozen=True)
class Rollout:
    """One rollout of a fleet, as the journal holds it.

    Attributes:
        number: of the rollout in this journal.
        fleet: name of the fleet.
        plan: clusters by wave, as text that can be compared.
        holder: who works, or worked, on it.
        began: when, in UTC.
        stopped: why it went no further; empty if it was not stopped.
        ended: when it ended, in UTC; empty if a run of it still goes on, or was killed.
        verdict: how it ended.
    """

    number: int
    fleet: str
    plan: str
    holder: Holder
    began: str
    stopped: str = ""
    ended: str = ""
    verdict: str = ""


class Others(Protocol):
    """The other slices of a rollout."""

    def join(self, number: int, share: Share) -> None:
        """Tell the others which clusters this slice has, unless an earlier run of it has."""

    def meet(self, number: int) -> List[Share]:
        """Return the shares of all slices; wait until all have come.

        Raises:
            WaitError: one has not come in time.
        """

    def wait(self, number: int, done: int) -> str:
        """Tell that this slice needs no more of the first C(done) batches, and wait for the others.

        Returns:
            Why the rollout does not go on: another slice has stopped it, or is not heard of. Empty
            when all have come as far.
        """


class Journal(Protocol):
    """The journal as one process sees it, which is the holder of what it begins."""

    @property
    def sharing(self) -> Optional[Others]:
        """Return the other slices; None if this run has the whole fleet."""

    def address(self) -> Any:
        """Return what the later tasks of a run open this journal with."""

    def last(self, fleet: str) -> Optional[Rollout]:
        """Return the newest rollout of a fleet; None if there is none. Writes nothing."""

    def refuse_held(self, rollout: Rollout) -> None:
        """Refuse to work on a rollout that another living process works on. Writes nothing.

        Raises:
            ConflictError: with who that is.
        """

    def begin(self, fleet: str, plan: str) -> Rollout:
        """Write a new rollout and remove the oldest ones.

        Raises:
            ConflictError: another living process works on one that has not ended.
        """

    def take(self, rollout: Rollout) -> None:
        """Go on with a rollout that another process has left, under the plan that it has here.

        Raises:
            ConflictError: that process still runs, or another one was faster.
        """

    def give_up(self, rollout: Rollout) -> None:
        """Write that nobody goes on with a rollout that another process has left.

        Raises:
            ConflictError: see C(take).
        """

    def stop(self, number: int, reason: str) -> None:
        """Write that a rollout goes no further, and why."""

    def end(self, number: int, verdict: str) -> None:
        """Write that nothing is left to be done for a rollout."""

    def write(self, number: int, cluster: Cluster) -> None:
        """Write the state of a cluster."""

    def cluster(self, number: int, name: str) -> Optional[Cluster]:
        """Return one cluster of a rollout; None if it was not begun."""

    def clusters(self, number: int) -> List[Cluster]:
        """Return the clusters of a rollout that were begun, by name."""


def held(fleet: str, text: str) -> ConflictError:
    """Return the error that somebody else works on a fleet; C(text) says who, and on what."""
    return ConflictError(
        text,
        status=409,
        reason=HELD,
        subject=f"fleet {fleet}",
        hint="Wait until it ends, or end it; it goes on where it was",
    )


def now() -> str:
    """Return the time in UTC, for people."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _started(pid: int) -> str:
    """Return when a process of this machine began; empty if it does not run."""
    try:
        # The fields after the name in parentheses: the first is the state, where Z and X are dead,
        # and the 20th starttime, see proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    # Without /proc only the number is known.
    return "unknown"
