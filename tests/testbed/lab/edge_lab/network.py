# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of a cluster: a bridge on this host, one veth pair per machine, routes between nodes.

Only the bridge and the host ends of the pairs are on this host; the rest is inside the machines.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from edge_lab import host, machine
from edge_lab.plan import Cluster, Machine

#: Inside a node: pods that talk to addresses outside the cluster's own networks (control machine,
#: this host) do so with the node's address, as everywhere.
MASQUERADE = """
table ip edge-lab
delete table ip edge-lab
table ip edge-lab {{
    chain postrouting {{
        type nat hook postrouting priority srcnat + 10;
        ip saddr {pods} ip daddr != {pods} masquerade
    }}
}}
"""


#: Left in a machine (its /run ends with it) when its network is complete.
CONNECTED = "/run/edge-lab-connected"


def links() -> dict[str, dict[str, object]]:
    """The links of this host by name, as `ip -j link` tells them."""
    found = json.loads(host.run(["ip", "-j", "link", "show"]) or "[]")
    return {link["ifname"]: link for link in found}


def label(cluster: str) -> str:
    """The alias that marks a link as this cluster's."""
    return f"edge-lab {cluster}"


def ensure_bridge(cluster: Cluster) -> None:
    """Make the cluster's bridge with this host's address, unless it is there."""
    if cluster.bridge not in links():
        # Alias first: a bridge that was left half made is still known as the cluster's.
        host.run(["ip", "link", "add", cluster.bridge, "type", "bridge"])
        host.run(["ip", "link", "set", cluster.bridge, "alias", label(cluster.name)])
    host.run(["ip", "address", "replace", f"{cluster.gateway}/24", "dev", cluster.bridge])
    host.run(["ip", "link", "set", cluster.bridge, "up"])


def connected(cluster: Cluster, target: Machine, pid: int) -> bool:
    """Whether a machine's network is complete."""
    link = links().get(target.link, {})
    inner = Path(f"/proc/{pid}/root{CONNECTED}")
    return link.get("master") == cluster.bridge and inner.exists()


def _plug(target: Machine, pid: int) -> None:
    """Make the machine's pair of links, unless it is there."""
    if "eth0:" in Path(f"/proc/{pid}/net/dev").read_text():
        return
    # A dead machine's link outlives it for a moment.
    if target.link in links():
        subprocess.run(["ip", "link", "delete", target.link], capture_output=True, check=False)
    pair = ["ip", "link", "add", target.link, "type", "veth"]
    host.run([*pair, "peer", "name", "eth0", "netns", str(pid)])


def connect(cluster: Cluster, target: Machine, pid: int) -> None:
    """Plug a machine (by the pid of its process 1) into the bridge. It may be done again."""
    _plug(target, pid)
    host.run(["ip", "link", "set", target.link, "alias", label(cluster.name)])
    host.run(["ip", "link", "set", target.link, "master", cluster.bridge, "up"])
    if not target.control:
        rules = MASQUERADE.format(pods=cluster.pods)
        host.run(machine.enter(target, ["nft", "-f", "-"]), stdin=rules.encode())
    script = "\n".join(["set -e", *inside(cluster, target), f"touch {CONNECTED}"])
    host.run(machine.enter(target, ["sh", "-c", script]))


def inside(cluster: Cluster, target: Machine) -> Iterator[str]:
    """The commands that set up a machine's own end; each may be run again."""
    yield "ip link set lo up"
    yield f"ip address replace {target.address}/24 dev eth0"
    yield "ip link set eth0 up"
    # Without this route the kernel refuses a Service address before kube-proxy's rules see it.
    yield f"ip route replace {cluster.services} dev eth0"
    yield from (
        f"ip route replace {node.pods} via {node.address}"
        for node in cluster.nodes
        if node != target
    )
    yield "echo 1 > /proc/sys/net/ipv4/ip_forward"


def cluster_links(name: str, cluster: Cluster | None) -> list[str]:
    """Names of the cluster's links on this host: by their mark, and by the plan's names."""
    planned = [cluster.bridge, *(item.link for item in cluster.machines)] if cluster else []
    return [
        link
        for link, data in links().items()
        if link in planned or data.get("ifalias") == label(name)
    ]


def remove(name: str, cluster: Cluster | None) -> None:
    """Remove all links of a cluster from this host."""
    for link in cluster_links(name, cluster):
        # It may be gone by now: one end of a pair takes the other along.
        subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
