# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the way through layer 7 adds to a latency: the objects of C(expose), and Envoy by hand.

Contour and its Envoy serve what C(model_server) makes of C(expose). A second Envoy of the same file
has a configuration written by hand for this one server. Both run on the same node with one worker
thread, end TLS with the same certificate and ask the same replica. One pod asks directly (through
the Service), and by each way, in turns over connections that stay open.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import envoy_by_hand
import measure
from bench_clients import busy
from ground import SERVER, Ground, ground

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "testbed"), str(TESTS / "integration" / "server")]

from running_contour import run_contour  # noqa: E402
from web.authority import Authority  # noqa: E402
from web.ingress_controller import envoy  # noqa: E402

HOSTS = {"rest": "bench.example.org", "grpc": "grpc.bench.example.org"}
SCHEMES = {"rest": "https", "grpc": "grpcs"}
DIRECT, EXPOSED = "direct", "expose"
BOUND = 1.3


def plans(
    place: Ground, ways: dict[str, str], ca: Path, client: str, rows: int
) -> dict[str, dict[str, Any]]:
    """Return what asks the server, by way; each is host and port of a proxy."""
    common = {"client": client, "inputs": [{"name": "input", "shape": [rows, 10]}], "requests": 1}
    url = f"{SCHEMES[client]}://{HOSTS[client]}"
    found = {DIRECT: place.plan(**common)}
    for way, connect in ways.items():
        found[way] = place.plan(
            **common, url=url, url_from="cluster", connect=connect, tls={"ca": str(ca)}
        )
    return found


def bench(
    work: Path,
    rounds: int,
    requests: int = 200,
    sizes: Sequence[int] = (1, 1000, 10000),
    kinds: Sequence[str] = ("rest", "grpc"),
) -> str:
    """Return the section of the report.

    Args:
        work: directory for the model, the configuration and the logs.
        rounds: measurements of each.
        requests: of each way in a round.
        sizes: rows of a tensor, 40 bytes each.
        kinds: of clients.
    """
    before, class_name = busy(), f"bench-{uuid.uuid4().hex[:6]}"
    pair, ca = _certificate(work)
    with (
        ground("edge-bench-layer7", work) as place,
        run_contour(place, class_name, work) as contour,
    ):
        place.serve(
            expose={
                "controller": "contour",
                "class_name": class_name,
                **{name: {"host": host} for name, host in HOSTS.items()},
                "tls": pair,
            }
        )
        (pod,) = place.core.list_namespaced_pod(
            place.namespace, label_selector=f"openvino.edge/server={SERVER}"
        ).items
        address = pod.status.pod_ip
        settings = (envoy_by_hand.BEST, *envoy_by_hand.OTHERS)
        ports = dict(zip(settings, random.sample(range(28100, 29000), len(settings))))
        upstreams = {"rest": (address, 8081), "grpc": (address, 8080)}
        config = envoy_by_hand.written(contour.address, ports, pair, HOSTS, upstreams)
        (work / "by-hand.json").write_text(json.dumps(config), encoding="utf-8")
        with envoy(pod.spec.node_name, work / "by-hand.json", work / "by-hand.log"):
            ways = {EXPOSED: f"{contour.address}:{contour.https}"}
            ways |= {name: f"{contour.address}:{port}" for name, port in ports.items()}
            cases = {
                f"{kind} {rows}": plans(place, ways, ca, kind, rows)
                for kind in kinds
                for rows in sizes
            }
            wanted = {"rounds": rounds, "requests": requests, "warm": 20, "cases": cases}
            found = _measured(place, work, wanted, ca)
    return f"{head(rounds, requests, before)}\n{table(found)}"


def _certificate(work: Path) -> tuple[dict[str, str], Path]:
    """Return the server's certificate and key, and the file of the authority for its clients."""
    authority = Authority()
    certificate, key = authority.issue(*HOSTS.values())
    ca = work / "ca.pem"
    ca.write_text(authority.certificate, encoding="utf-8")
    return {"certificate": certificate, "key": key}, ca


def _measured(place: Ground, work: Path, wanted: dict[str, Any], ca: Path) -> Any:
    """Return what the pod has measured.

    Raises:
        BenchError: it has failed; with the last words of the proxies.
    """
    script = Path(__file__).with_name("inside_layer7.py")
    try:
        return place.in_pod(script, wanted, {"ca.pem": ca.read_bytes()}, 1800)
    except measure.BenchError as error:
        logs = "\n".join(
            (work / name).read_text(encoding="utf-8", errors="replace")[-1500:]
            for name in ("by-hand.log", "contour.log")
        )
        raise measure.BenchError(f"{error}\n{logs}") from None


def head(rounds: int, requests: int, before: str) -> str:
    """Return what the tables are about."""
    return (
        "## Layer 7\n\n"
        "Contour with the objects of `expose`, and an Envoy with a configuration by hand, one"
        " worker thread each, on one node before one replica; one pod asks in turns, one connection"
        f" to each. Medians of {rounds} rounds of {requests} requests; what is added is the median"
        f" less that of the same round through the Service, without TLS. {before}\n"
    )


def added(rounds: Sequence[dict[str, float]], way: str) -> float:
    """Return the milliseconds that a way adds: the median of all rounds."""
    return statistics.median(item[way] - item[DIRECT] for item in rounds)


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """Return two tables: ours beside the best by hand, and what each setting does."""
    rows, settings = [], []
    for case, rounds in found.items():
        client, _space, count = case.partition(" ")
        size = str(int(count) * 40)
        best, ours = added(rounds, envoy_by_hand.BEST), added(rounds, EXPOSED)
        each = sorted(
            (item[EXPOSED] - item[DIRECT]) / (item[envoy_by_hand.BEST] - item[DIRECT])
            for item in rounds
        )
        direct = statistics.median(item[DIRECT] for item in rounds)
        rows.append(
            [
                client,
                size,
                f"{direct:.3f}",
                f"{best:.3f}",
                f"{ours:.3f}",
                f"{ours / best:.2f}",
                f"{each[0]:.2f} to {each[-1]:.2f}",
            ]
        )
        others = [f"{added(rounds, way) / best:.2f}" for way in envoy_by_hand.OTHERS]
        settings.append([client, size, *others])
    title = f"Added milliseconds; the ratio should be at most {BOUND}"
    columns = ["client", "bytes of the tensor", "direct, ms", "by hand adds", "`expose` adds"]
    first = measure.table(title, [*columns, "ratio", "in the rounds"], rows)
    title = "By hand with one other setting: what it adds, as a multiple of the best by hand"
    second = measure.table(title, [*columns[:2], *envoy_by_hand.OTHERS], settings)
    return f"{first}\n{second}"
