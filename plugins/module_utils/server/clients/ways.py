# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a server, and which one its clients are to use. Pure.

A gRPC client keeps one connection. Through an address of the cluster that is one replica, whatever
the client asks; a client that knows the addresses of all pods, and a proxy that speaks HTTP/2 with
both sides, send each call to another replica.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from ..render.identity import endpoints
from ..spec.exposure.reach import AUTO, CLUSTER_IP, HEADLESS
from . import calls
from .reached import Reached

INSIDE, OUTSIDE = "inside", "outside"
CALL, CONNECTION = "call", "connection"
_INTERFACES = ("rest", "grpc")
_PROTOCOLS = {"rest": ("http", "https"), "grpc": ("grpc", "grpcs")}


@dataclass(frozen=True)
class Way:
    """One way to one interface.

    Attributes:
        name: of the way, as C(reach) names it.
        interface: C(rest) or C(grpc).
        address: C(HOST:PORT).
        tls: the client has to verify the host.
        side: where a client can use it, inside of the cluster or outside, too.
        spreads: what goes to the replicas in turn, each call or each connection.
    """

    name: str
    interface: str
    address: str
    tls: bool = False
    side: str = INSIDE
    spreads: str = CONNECTION

    @property
    def host(self) -> str:
        """Return the host's name."""
        return self.address.rpartition(":")[0]


def told(reached: Reached) -> List[Dict[str, Any]]:
    """Return the result C(clients): each way to each interface, the one to be used is C(chosen)."""
    ways = ways_of(reached)
    chosen: Dict[str, Way] = {}
    why: Dict[str, str] = {}
    for interface in _INTERFACES:
        own = [way for way in ways if way.interface == interface]
        if own:
            chosen[interface], why[interface] = choose(reached, own)
    return [
        {
            "way": way.name,
            "interface": way.interface,
            "chosen": way == chosen[way.interface],
            "why": why[way.interface] if way == chosen[way.interface] else None,
            "usable_from": way.side,
            "address": _written(way),
            "protocol": _PROTOCOLS[way.interface][way.tls],
            "verify": way.host if way.tls else None,
            "client_certificate": _is_asked(reached, way),
            "spreads": way.spreads,
            "calls": calls.of(_target(reached, way)),
        }
        for way in ways
    ]


def ways_of(reached: Reached) -> List[Way]:
    """Return the ways that there are: through the Service, to the pods, from outside."""
    inside = endpoints(reached.service, reached.namespace, reached.ports)
    found = [Way(CLUSTER_IP, name, inside[name]) for name in _INTERFACES if name in inside]
    if reached.headless:
        # No proxy is between, so that the ports are those of the pods.
        direct = endpoints(reached.headless, reached.namespace, reached.pod_ports)
        for name in _INTERFACES:
            if name in direct:
                spreads = CALL if name == "grpc" else CONNECTION
                found.append(Way(HEADLESS, name, direct[name], spreads=spreads))
    for name in _INTERFACES:
        if name in reached.note.exposed:
            found.append(_outside(reached, name, reached.note.exposed[name]))
    return found


def _outside(reached: Reached, interface: str, exposed: str) -> Way:
    """Return the way that C(expose) makes, from its URL."""
    scheme, _slashes, rest = exposed.partition("://")
    tls = scheme.endswith("s")
    host, _colon, port = rest.partition(":")
    port = port or ("443" if tls else "80")
    return Way(reached.note.way, interface, f"{host}:{port}", tls, OUTSIDE, CALL)


def choose(reached: Reached, ways: Sequence[Way]) -> Tuple[Way, str]:
    """Return the way to one interface that clients are to use, and why.

    Args:
        reached: the server.
        ways: to the interface, in the order of C(ways_of); one at least.
    """
    by_name = {way.name: way for way in ways}
    asked = by_name.get(reached.note.reach) if reached.note.reach != AUTO else None
    if asked is not None:
        return asked, "reach asks for it"
    outside = [way for way in ways if way.side == OUTSIDE]
    if outside:
        return outside[0], "the server is exposed, and the proxy there spreads the calls"
    if ways[0].interface == "rest":
        return ways[0], "each new connection goes to a replica that the cluster chooses"
    if not reached.many:
        return ways[0], "there is one replica"
    many = "there can be more than one replica"
    if HEADLESS in by_name:
        return by_name[HEADLESS], f"{many}, and the client spreads its calls"
    way_out = "service.headless or expose.grpc would spread the calls"
    return ways[0], f"{many}, and each connection stays with one; {way_out}"


def _is_asked(reached: Reached, way: Way) -> bool:
    return way.side == OUTSIDE and way.interface in reached.note.asks


def _written(way: Way) -> str:
    """Return the address as clients write it: a URL for REST, without the usual port."""
    if way.interface == "grpc":
        return way.address
    scheme, usual = ("https", "443") if way.tls else ("http", "80")
    host, _colon, port = way.address.rpartition(":")
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{way.address}"


def _target(reached: Reached, way: Way) -> calls.Target:
    return calls.Target(
        interface=way.interface,
        address=way.address,
        url=_written(way),
        tls=way.tls,
        model=reached.model,
        paths=reached.note.paths if way.side == OUTSIDE else ("/",),
        certificate=_is_asked(reached, way),
        balances=way.name == HEADLESS,
        old=reached.old,
    )
