# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one target during a copy: its incoming versions and its counters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Set

from ...errors import EdgeError
from ..content.manifest import Manifest
from ..content.state import Facts, Inventory, Key, RemoteVersion
from ..plan.origins import Origin
from ..plan.retention import Retained
from ..plan.steps import Plan, Step
from ..transport.base import Channel, Target
from ..usage.holders import Holder


@dataclass
class Counts:
    """Bytes of one target by where they came from, and files.

    Attributes:
        sent: handed to the socket by the controller.
        planned: that the controller has to send.
        hashes: of block tables, received by the controller.
        linked: files with the same bytes on the same store.
        from_peers: fetched from another node of the site.
        pulled: fetched from a URL.
        resumed: left by an earlier run.
        files: that were sent.
    """

    sent: int = 0
    planned: int = 0
    hashes: int = 0
    linked: int = 0
    from_peers: int = 0
    pulled: int = 0
    resumed: int = 0
    files: int = 0


@dataclass
class Incoming:
    """A version that comes to one target.

    Attributes:
        step: C(publish) or C(repair).
        manifest: its files.
        origins: where each of them comes from.
        after: another version of this run with the same files, which is published before.
        settled: numbers of files that were counted as linked.
        staged_on: the helper that knows the stage.
        tried: whether publishing was asked for; the answer may have been lost.
    """

    step: Step
    manifest: Manifest
    origins: List[Origin]
    after: Optional[Key] = None
    settled: Set[int] = field(default_factory=set)
    staged_on: Optional[Channel] = None
    tried: bool = False


@dataclass
class Work:
    """One target with its plan, its state and the changes made so far.

    Attributes:
        loaders: pods that may go on with other bytes of a version.
        holders: servers that have loaded a number that is published, repaired or swapped.
        swapped: versions that are right, and that somebody else put there: the last run, or the
            store's own record, knows other bytes under their number.
        renewed: those repaired or swapped that servers load again.
    """

    target: Target
    channel: Optional[Channel] = None
    facts: Optional[Facts] = None
    inventory: Inventory = field(default_factory=Inventory)
    remote: Dict[Key, RemoteVersion] = field(default_factory=dict)
    plan: Optional[Plan] = None
    published: List[Key] = field(default_factory=list)
    removed: List[Key] = field(default_factory=list)
    repaired: List[Key] = field(default_factory=list)
    loaders: Dict[Key, List[str]] = field(default_factory=dict)
    holders: Dict[Key, List[Holder]] = field(default_factory=dict)
    swapped: Sequence[Key] = ()
    renewed: List[Key] = field(default_factory=list)
    retained: Sequence[Retained] = ()
    incoming: List[Incoming] = field(default_factory=list)
    staged_bytes: Dict[Key, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    locked: bool = False
    busy: bool = False

    @property
    def way(self) -> Channel:
        """The open channel."""
        if self.channel is None:
            raise EdgeError("the target was not opened", subject=self.target.name)
        return self.channel

    @property
    def todo(self) -> Plan:
        """The plan."""
        if self.plan is None:
            raise EdgeError("the target was not examined", subject=self.target.name)
        return self.plan

    def sees(self, node: str) -> bool:
        """Return whether a pod on a node, C("") if that is not known, may see this store."""
        return not self.target.node or not node or node == self.target.node

    @property
    def changed(self) -> bool:
        """Whether something was published, repaired or removed."""
        swapped = any(key in self.swapped for key in self.renewed)
        return bool(self.published or self.repaired or self.removed or swapped)

    @property
    def mended(self) -> List[Key]:
        """The versions there with other bytes than servers may have loaded."""
        repairs = [step.key for step in self.todo.of("repair") if step.damage and step.damage.bytes]
        return [*repairs, *self.swapped]
