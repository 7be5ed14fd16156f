# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a plan, sends the requests, prints the record.

The plan is C(plan.json) in the directory that the program is told, with C(inputs-N) beside it: the
bytes of given tensors, one after the other, and then those of wheels. The record goes to standard
output: a first line with number of lines and sha256, then the lines. Whoever reads a log can tell a
whole record from a part.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import os
import socket
import sys
import time
import zlib
from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from . import grpc_client, packages, rest, values
from .failure import Failure, MissingPackage
from .load import Load, run

MARK = "edge-benchmark-record"
MISSING_PACKAGE = "missing_package"
LINE = 4000  # characters; runtimes cut lines of a log at 16 KiB
PLAN = "plan.json"
INPUTS = "inputs-"
PACKAGES = "packages"


def main() -> None:
    """Run the plan of the directory that the first argument names."""
    folder = sys.argv[1]
    gc.disable()  # nothing here makes circles, and a collection would be in a latency
    try:
        with open(os.path.join(folder, PLAN), encoding="utf-8") as file:
            plan = json.load(file)
        task = describe if plan.get("task") == "describe" else measure
        given = given_in(folder)
        if plan.get("wheels"):
            target = plan.get("packages") or os.path.join(folder, PACKAGES)
            packages.unpack(wheels_of(plan, given), target)
        found = task(plan, inputs_of(plan, given))
    except MissingPackage as error:
        found = {"error": {"kind": MISSING_PACKAGE, "message": str(error)}}
    except Failure as error:
        found = {"error": {"kind": error.kind, "message": str(error)}}
    except Exception as error:  # whatever it is, the controller has to hear of it
        found = {"error": {"kind": type(error).__name__, "message": str(error)}}
    for line in encode(found):
        sys.stdout.write(line + "\n")


def encode(found: Mapping[str, Any]) -> List[str]:
    """Return the lines of a record."""
    packed = zlib.compress(json.dumps(found).encode("utf-8"), 6)
    text = base64.b64encode(packed).decode("ascii")
    lines = [text[at : at + LINE] for at in range(0, len(text), LINE)]
    return [f"{MARK} {len(lines)} {hashlib.sha256(packed).hexdigest()}", *lines]


def decode(text: str) -> Dict[str, Any]:
    """Return the record that a log holds.

    Raises:
        ValueError: there is none, or not all of it.
    """
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if line.startswith(MARK + " ")), None)
    if at is None:
        raise ValueError("it has no record")
    _mark, count, digest = lines[at].split()
    packed = base64.b64decode("".join(lines[at + 1 : at + 1 + int(count)]))
    if hashlib.sha256(packed).hexdigest() != digest:
        raise ValueError("the record is not whole")
    found: Dict[str, Any] = json.loads(zlib.decompress(packed).decode("utf-8"))
    return found


def given_in(folder: str) -> bytes:
    """Return the bytes beside the plan: those of given tensors, then those of wheels."""
    names = [name for name in os.listdir(folder) if name.startswith(INPUTS)]
    pieces = []
    for name in sorted(names, key=lambda name: int(name[len(INPUTS) :])):
        with open(os.path.join(folder, name), "rb") as file:
            pieces.append(file.read())
    return b"".join(pieces)


def wheels_of(plan: Mapping[str, Any], given: bytes) -> List[bytes]:
    """Return the wheels, which are behind the tensors."""
    found, at = [], len(given) - sum(plan["wheels"])
    for size in plan["wheels"]:
        found.append(given[at : at + size])
        at += size
    return found


def inputs_of(plan: Mapping[str, Any], given: bytes) -> List[bytes]:
    """Return the bytes of each input, in order."""
    found, at = [], 0
    for item in plan["inputs"]:
        if item.get("seed") is not None:
            found.append(values.raw(item["datatype"], item["count"], item["seed"]))
        else:
            found.append(given[at : at + item["size"]])
            at += item["size"]
    return found


def describe(plan: Mapping[str, Any], _raws: Sequence[bytes]) -> Dict[str, Any]:
    """Return what the server says of the model, as C(GET /v2/models/NAME) has it.

    Raises:
        Failure: it gives no answer, or does not serve the model.
        MissingPackage: the client is not installed here.
        OSError: a certificate cannot be used.
    """
    host, port = plan["addresses"][0]
    if plan["client"] == "grpc":
        return grpc_client.describe(_target((host, port)), plan)
    return rest.describe((host, port), plan)


def measure(plan: Mapping[str, Any], raws: Sequence[bytes]) -> Dict[str, Any]:
    """Send what a plan says, and return the record as plain data.

    Raises:
        MissingPackage: the client is not installed here.
        OSError: a certificate cannot be used.
    """
    load = Load(**plan["load"])
    addresses = _addresses(plan)
    clients = [
        _clients(plan, _of_connection(plan, addresses, number), raws)
        for number in range(load.concurrency)
    ]
    busy_node = os.getloadavg()[0]
    cpu, begun = time.process_time(), time.perf_counter()
    record = run(load, [[client.infer for client in mine] for mine in clients])
    spent = time.perf_counter() - begun
    busy = (time.process_time() - cpu) / spent if spent else 0.0
    for mine in clients:
        for client in mine:
            client.close()
    return {
        **asdict(record),
        "client_cpu": round(busy, 3),
        "load_average": round(busy_node, 2),
        "cores": os.cpu_count(),
    }


Address = Tuple[str, int]


def _addresses(plan: Mapping[str, Any]) -> List[Address]:
    """Return where requests go; of a name that has to be resolved, all its addresses.

    Raises:
        Failure: the name has no address.
    """
    found: List[Address] = [(item[0], item[1]) for item in plan["addresses"]]
    if not plan.get("resolve"):
        return found
    (name, port), *_others = found
    try:
        answers = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Failure("name", f"{name} has no address: {error.strerror}") from None
    return sorted({(str(item[4][0]), port) for item in answers})


def _of_connection(
    plan: Mapping[str, Any], addresses: Sequence[Address], number: int
) -> Sequence[Address]:
    """Return the addresses that one connection asks in turn."""
    return [addresses[number % len(addresses)]] if plan.get("pinned") else addresses


def _clients(
    plan: Mapping[str, Any], addresses: Sequence[Address], raws: Sequence[bytes]
) -> List[Any]:
    """Return what one connection asks with: a client for each address."""
    if plan["client"] == "grpc":
        inputs = grpc_client.tensors(plan["inputs"], raws)
        return [grpc_client.GrpcClient(_target(item), plan, inputs) for item in addresses]
    body = plan["head"].encode("utf-8") + b"".join(raws)
    message = rest.request("POST", plan["path"], plan["host"], plan["headers"], body)
    context = rest.context_of(plan.get("tls"))
    timeout, name = plan["timeout"], plan["server_name"]
    return [rest.RestClient(item, message, timeout, context, name) for item in addresses]


def _target(address: Tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
