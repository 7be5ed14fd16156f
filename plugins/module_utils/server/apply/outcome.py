# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change is made, and what came of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence

from ...kube.apply import Change
from ..render import kinds


@dataclass(frozen=True)
class Waiting:
    """How a change is made.

    Attributes:
        wait: for its end.
        timeout: seconds of the wait, at most; those of a pull beforehand come on top.
        prepull: nodes pull images before pods there end.
        puts_back: what does not serve in time is rolled back.
    """

    wait: bool = True
    timeout: float = 300.0
    prepull: bool = True
    puts_back: bool = True


@dataclass
class Outcome:
    """The result of a deployment.

    Attributes:
        changes: one per object; C(unchanged) ones included.
        reload: effect on running servers: none, config_reload, rolling_restart.
        ready: replicas that were ready in the end; None when the run did not wait.
        wanted: wanted number of replicas, where the cluster decides it; None when it is unknown.
        addresses: those that a load balancer assigned to the Service.
        prepulled: images that nodes have pulled before old pods ended; see C(prepull.Prepull).
        ended_first: why all old pods had to end before new ones could start; empty: they did not.
        downtime: seconds from then until the new ones were seen to serve, thus at most; None: not
            measured.
    """

    changes: List[Change] = field(default_factory=list)
    reload: str = "none"
    ready: Optional[int] = None
    wanted: Optional[int] = None
    addresses: List[str] = field(default_factory=list)
    prepulled: List[Dict[str, str]] = field(default_factory=list)
    ended_first: str = ""
    downtime: Optional[float] = None

    @property
    def changed(self) -> bool:
        """Tell whether any object was changed."""
        return any(change.action != "unchanged" for change in self.changes)


def in_order(changes: Sequence[Change]) -> List[Change]:
    """Return the changes in the order in which kinds are applied."""
    return sorted(changes, key=lambda change: kinds.ORDER.index(change.kind))


def summary(changes: Sequence[Change]) -> List[Dict[str, Any]]:
    """Return the changes as a result shows them."""
    return [
        {"kind": change.kind, "name": change.name, "action": change.action} for change in changes
    ]
