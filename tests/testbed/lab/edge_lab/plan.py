# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and addresses of clusters and their machines: pure functions of name, index and size.

A cluster is one control machine and 1 to 8 nodes on a bridge of its own:

    machines  10.213.INDEX.0/24     .1 this host, .10 control, .11 the first node
    pods      10.214.X.0/24         X = 8 * INDEX + number of the node, counted from 0
    services  10.215.X.0/21         X = 8 * INDEX; .1 the API server, .10 cluster DNS

A cluster has room for 2,000 Services, since one can stand for a fleet of a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edge_lab.errors import LabError

#: Clusters that `up` makes when none is named, with their number of nodes.
DEFAULTS = {"factory": 2, "shop": 1}
#: Fixed, so that addresses of the default clusters are the same on every machine.
FIXED_INDEX = {"factory": 1, "shop": 2}
LAST_INDEX = 31
MAX_NODES = 8
CLUSTER_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
API_PORT = 6443
DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Machine:
    """One machine of a cluster; number 0 is the control machine."""

    cluster: str
    index: int
    number: int

    @property
    def control(self) -> bool:
        """Whether this machine runs the control plane (and no pods)."""
        return self.number == 0

    @property
    def name(self) -> str:
        """Host name, and node name in Kubernetes."""
        return f"{self.cluster}-{'control' if self.control else self.number}"

    @property
    def address(self) -> str:
        """The machine's address on the cluster's bridge."""
        return f"10.213.{self.index}.{10 + self.number}"

    @property
    def pods(self) -> str:
        """The network of this node's pods, in CIDR form."""
        return f"10.214.{MAX_NODES * self.index + self.number - 1}.0/24"

    @property
    def cgroup(self) -> str:
        """Name of the machine's cgroup, directly under each hierarchy's root."""
        return f"edge-{self.name}"

    @property
    def link(self) -> str:
        """Host end of the machine's veth pair (at most 15 characters)."""
        return f"edge-v{self.index}-{self.number}"


@dataclass(frozen=True)
class Cluster:
    """One cluster: its name, the index its addresses come from, and how many nodes it has."""

    name: str
    index: int
    size: int

    @property
    def control(self) -> Machine:
        """The machine of the control plane."""
        return Machine(self.name, self.index, 0)

    @property
    def nodes(self) -> list[Machine]:
        """The machines that run pods."""
        return [Machine(self.name, self.index, number + 1) for number in range(self.size)]

    @property
    def machines(self) -> list[Machine]:
        """All machines, control first."""
        return [self.control, *self.nodes]

    @property
    def bridge(self) -> str:
        """Name of the bridge on this host."""
        return f"edge-b{self.index}"

    @property
    def gateway(self) -> str:
        """This host's address on the bridge."""
        return f"10.213.{self.index}.1"

    @property
    def network(self) -> str:
        """The network of the machines."""
        return f"10.213.{self.index}.0/24"

    @property
    def pods(self) -> str:
        """The network of all pods."""
        return f"10.214.{MAX_NODES * self.index}.0/21"

    @property
    def services(self) -> str:
        """The network of Service addresses."""
        return f"10.215.{8 * self.index}.0/21"

    @property
    def api_service(self) -> str:
        """The Service address of the API server, as pods see it."""
        return f"10.215.{8 * self.index}.1"

    @property
    def dns_service(self) -> str:
        """The Service address of cluster DNS."""
        return f"10.215.{8 * self.index}.10"

    @property
    def api_url(self) -> str:
        """The API server's address for this host."""
        return f"https://{self.control.address}:{API_PORT}"


def check_name(name: str) -> str:
    """Return `name` when it can name a cluster, else raise LabError."""
    if not CLUSTER_NAME.fullmatch(name):
        raise LabError(f"cluster name {name!r}: want a-z and 0-9, a letter first, at most 16")
    return name


def choose_index(name: str, taken: Iterable[int]) -> int:
    """The index for a new cluster: fixed for the defaults, else the lowest free one.

    Raises LabError when all are taken.
    """
    if name in FIXED_INDEX:
        return FIXED_INDEX[name]
    used = set(taken) | set(FIXED_INDEX.values())
    for index in range(1, LAST_INDEX + 1):
        if index not in used:
            return index
    raise LabError(f"all {LAST_INDEX} cluster networks are in use; take a cluster down first")


def choose_size(name: str, wanted: int | None) -> int:
    """The number of nodes for a new cluster. Raises LabError when it is out of range."""
    size = DEFAULTS.get(name, 1) if wanted is None else wanted
    if not 1 <= size <= MAX_NODES:
        raise LabError(f"cluster {name}: {size} nodes; want 1 to {MAX_NODES}")
    return size


def owns(cluster: str, cgroup: str) -> bool:
    """Whether a cgroup name is that of one of the cluster's machines."""
    return re.fullmatch(rf"edge-{re.escape(cluster)}-(control|\d+)", cgroup) is not None
