# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the addresses that pods must reach without a proxy, from the cluster's objects. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

# This machine, names of Services, and the metadata address of clouds.
ALWAYS = ("localhost", "127.0.0.1", "::1", ".svc", ".cluster.local", "169.254.169.254")
# Clusters hand out the nodes' ranges from blocks of this size or smaller ones (flannel, kubeadm and
# k3s: /24 of a /16; IPv6 of k3s: /64 of a /56). The whole block is named, so that a new node does
# not change the pods of the server.
_BLOCK = {4: 16, 6: 56}


@dataclass(frozen=True)
class ClusterNetwork:
    """The address ranges of the cluster; None where the account may not read them.

    Attributes:
        services: ranges of Services, or the address of the API server's own one.
        pods: ranges of pods, node by node.
        api_server: host part of the API server's URL as we reach it.
    """

    services: Optional[Tuple[str, ...]] = None
    pods: Optional[Tuple[str, ...]] = None
    api_server: str = ""


@dataclass(frozen=True)
class Completed:
    """A completed list.

    Attributes:
        bypass: the user's entries, then ours.
        added: ours.
        unknown: what could not be read.
    """

    bypass: Tuple[str, ...]
    added: Tuple[str, ...]
    unknown: Tuple[str, ...] = ()


def complete(given: Sequence[str], network: ClusterNetwork) -> Completed:
    """Return the user's list, followed by the cluster's own names and ranges."""
    wanted: List[str] = [*ALWAYS, *(network.services or ()), *blocks(network.pods or ())]
    if network.api_server:
        wanted.append(network.api_server)
    added = [item for item in dict.fromkeys(wanted) if item not in given]
    parts = (("services", network.services), ("pods", network.pods))
    unknown = [name for name, value in parts if value is None]
    return Completed((*given, *added), tuple(added), tuple(unknown))


def blocks(ranges: Iterable[str]) -> Tuple[str, ...]:
    """Return the blocks that ranges lie in, without doubles, IPv4 first."""
    found = set()
    for text in ranges:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        size = min(_BLOCK[network.version], network.prefixlen)
        found.add(network.supernet(new_prefix=size))
    ordered = sorted(found, key=lambda net: (net.version, int(net.network_address), net.prefixlen))
    kept: List[Any] = []
    for network in ordered:
        if not any(_within(network, other) for other in kept):
            kept.append(network)
    return tuple(str(network) for network in kept)


def _within(network: Any, other: Any) -> bool:
    return bool(network.version == other.version and network.subnet_of(other))


def node_ranges(nodes: Iterable[Mapping[str, Any]]) -> Tuple[str, ...]:
    """Return the ranges that nodes give to their pods."""
    found: List[str] = []
    for node in nodes:
        spec = node.get("spec") or {}
        one = [spec["podCIDR"]] if spec.get("podCIDR") else []
        found.extend(str(item) for item in spec.get("podCIDRs") or one)
    return tuple(found)


def split(text: str) -> Tuple[str, ...]:
    """Return the entries of a list as environment variables and OpenShift have it."""
    return tuple(dict.fromkeys(part for part in text.replace(",", " ").split() if part))
