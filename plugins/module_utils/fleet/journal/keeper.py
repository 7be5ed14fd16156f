# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that renews the Leases of a run for as long as C(ansible-playbook) runs.

The tasks of a run are processes that come and go, and a copy may write nothing to the journal for
an hour, so the Lease needs somebody who stays. This process ends by itself: soon after
C(ansible-playbook) has ended or was killed, when it also gives the Lease back, and when the rollout
has ended or somebody else has the Lease. When a whole machine is lost nobody renews any more.
"""

from __future__ import annotations

import os
import signal
from typing import Any, List, Mapping, Optional

from ...errors import EdgeError
from ...kube.client import KubeClient
from ..slices import Slice
from .base import Holder
from .lease import RENEWAL, Lease, leases
from .place import Place

# Files up to this number are closed, if the system does not say how many there may be.
_MANY = 4096


def start(
    params: Mapping[str, Any], namespace: str, fleet: str, holder: Holder, part: Optional[Slice]
) -> None:
    """Start the process for the Leases that were taken.

    It is a fork, so credentials are on no command line, and an orphan, so no task waits for it.

    Args:
        params: options of the hub's client.
        namespace: of the journal.
        fleet: its name.
        holder: whose life is watched, a process of this machine.
        part: the slice that it is.
    """
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if not os.fork():
            _let_go()
            with KubeClient.from_params(params) as client:
                place = Place(client, namespace)
                keep(place, leases(place, fleet, holder, part, lambda line: None), holder)
    finally:
        # Not through the caller's handlers and buffers, which are those of a task of Ansible.
        os._exit(0)


def keep(place: Place, held: List[Lease], holder: Holder) -> None:
    """Renew Leases until their holder has ended or one is somebody else's.

    The holder's own Lease, the last, is given back then. One that slices have together is not: the
    others may go on.
    """
    due = place.clock() + RENEWAL
    while holder.lives():
        place.sleep(1)
        if place.clock() < due:
            continue
        try:
            if not all(lease.renew() for lease in held):
                return
        except EdgeError:
            # The hub does not answer: it is asked again a second later, for as long as it takes.
            continue
        due = place.clock() + RENEWAL
    try:
        held[-1].release()
    except EdgeError:
        pass  # then it runs out


def _let_go() -> None:
    """Leave all that belongs to the task: its signals, its output, its files."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, most if most > 0 else _MANY)
