# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the ports of an adopted server, and the Services that lead to it. Pure."""

from __future__ import annotations

import shlex
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

Object = Mapping[str, Any]
GRPC, REST = "grpc", "rest"
# By the names that OVMS gives them (src/cli_parser.cpp).
_FLAGS = {"--port": GRPC, "--rest_port": REST}
# Where OVMS speaks gRPC when it is not told.
_OVMS_GRPC = 9178
# Lower ports need a capability that the pods do not have.
_FIRST_FREE = 1024


def server_of(containers: Sequence[Object]) -> Optional[Object]:
    """Return the container of the model server: the first with one of OVMS's flags."""
    for container in containers:
        if _flags(container):
            return container
    return containers[0] if containers else None


def _words(container: Object) -> Iterator[str]:
    """Yield the words of a command line, also of one that a shell is given as a text."""
    for part in (*(container.get("command") or ()), *(container.get("args") or ())):
        try:
            yield from shlex.split(str(part)) if " " in str(part) else [str(part)]
        except ValueError:
            yield str(part)


def _flags(container: Object) -> Dict[str, int]:
    found: Dict[str, int] = {}
    words = [piece for word in _words(container) for piece in word.split("=", 1)]
    for flag, value in zip(words, words[1:]):
        if flag in _FLAGS and value.isdigit() and int(value):
            found[_FLAGS[flag]] = int(value)
    return found


def container_ports(container: Optional[Object]) -> Dict[str, int]:
    """Return the ports on which a container listens, by C(grpc) and C(rest)."""
    if container is None:
        return {}
    found = _flags(container)
    return {GRPC: _OVMS_GRPC, **found} if found else {}


def free_ports(ports: Mapping[str, int]) -> Dict[str, int]:
    """Return the ports on which the new pods may listen."""
    return {name: port for name, port in ports.items() if port >= _FIRST_FREE}


def _named(container: Optional[Object]) -> Dict[str, int]:
    ports = (container or {}).get("ports") or ()
    return {str(port["name"]): int(port["containerPort"]) for port in ports if port.get("name")}


def side_of(entry: Object, container: Optional[Object]) -> str:
    """Return the interface (grpc or rest) that a Service port leads to, empty for none."""
    target = entry.get("targetPort") or entry.get("port")
    number = _named(container).get(str(target), target)
    for name, port in container_ports(container).items():
        if number == port:
            return name
    return ""


def service_ports(
    service: Optional[Object], container: Optional[Object]
) -> Tuple[Dict[str, int], List[Dict[str, Any]]]:
    """Return the Service port of each interface, and the other ports of the Service.

    A second port of an interface is kept, too, and so is one that leads elsewhere.
    """
    numbers: Dict[str, int] = {}
    others: List[Dict[str, Any]] = []
    for entry in ((service or {}).get("spec") or {}).get("ports") or ():
        side = side_of(entry, container)
        if side and side not in numbers:
            numbers[side] = int(entry["port"])
        else:
            others.append(_other(entry, side))
    taken = set(numbers.values())
    return numbers, [entry for entry in others if entry["port"] not in taken]


def _other(entry: Object, side: str) -> Dict[str, Any]:
    name = str(entry.get("name") or f"port-{entry['port']}")
    if name in (GRPC, REST):
        name = f"{name}-{entry['port']}"
    target = side or entry.get("targetPort") or entry["port"]
    kept = {key: entry[key] for key in ("protocol", "appProtocol") if key in entry}
    return {"protocol": "TCP", **kept, "name": name, "port": entry["port"], "targetPort": target}


def not_taken(deployment: Object) -> List[str]:
    """Return the parts of a Deployment's pods that adoption drops; its labels are kept."""
    pod = deployment["spec"]["template"]["spec"]
    server = server_of(pod.get("containers") or ())
    sidecars = [item["name"] for item in pod.get("containers") or () if item is not server]
    parts = [
        ("container", sidecars),
        ("init container", [item["name"] for item in pod.get("initContainers") or ()]),
    ]
    return [f"{what} {name}" for what, names in parts for name in names]


def leads_to(service: Object, labels: Mapping[str, str]) -> bool:
    """Tell whether a Service finds pods with these labels."""
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def told_of(service: Object, ports: Mapping[str, int]) -> str:
    """Return a sentence about another Service of the pods, which is not changed.

    C(ports) are those on which the new pods listen, by their names.
    """
    found: List[str] = []
    for entry in (service.get("spec") or {}).get("ports") or ():
        target = entry.get("targetPort") or entry["port"]
        number = ports.get(str(target), target)
        side = next((name for name, port in ports.items() if port == number), "")
        where = side or f"nowhere, since nobody listens on {target} any more"
        found.append(f"port {entry['port']} leads to {where}")
    return "; ".join(found)
