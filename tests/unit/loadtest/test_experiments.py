# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What experiments say of what was measured: figures, verdicts, sentences, the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.experiments import (
    balance,
    entry,
    fit,
    options,
    scaling,
    ways,
)
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.experiments.figure import (
    CONTRADICTS,
    SUPPORTS,
    UNCLEAR,
    in_order,
    listed,
    many,
    size,
)
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

from ..fakes.cluster import Cluster

NASTY = "</td><script>alert('x')</script>"


@pytest.mark.parametrize("seed", range(20))
def test_the_line_is_that_of_numpy(seed: int) -> None:
    random = numpy.random.default_rng(seed)
    xs = random.uniform(-5, 5, 7)
    ys = 3 * xs + random.normal(0, 1, 7)
    found = fit.line(list(zip(xs.tolist(), ys.tolist())))
    slope, start = numpy.polyfit(xs, ys, 1)
    assert found.slope == pytest.approx(slope) and found.start == pytest.approx(start)
    rest = ys - slope * xs - start
    assert found.residual == pytest.approx(numpy.sqrt(numpy.mean(rest**2)))
    assert found.at(2.0) == pytest.approx(start + 2 * slope)


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)]])
def test_one_place_makes_no_line(points: Any) -> None:
    with pytest.raises(ValueError, match="two places"):
        fit.line(points)


def test_words() -> None:
    assert [size(count) for count in (40, 999, 40_000, 1.5e6)] == [
        "40 bytes",
        "999 bytes",
        "40 kB",
        "1.5 MB",
    ]
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert (many(1, "client"), many(2, "client")) == ("1 client", "2 clients")
    assert in_order(["mtls", "headless", "mtls"]) == ("headless", "mtls")


def client(way: str, number: int, *answers: int) -> balance.Client:
    return balance.Client(way, number, {f"r{at}": count for at, count in enumerate(answers)})


PINNED = [client("cluster_ip", 1, 0, 310, 0), client("cluster_ip", 2, 310, 0, 0)]
EVEN = [client("headless", 1, 103, 104, 103), client("headless", 2, 103, 103, 104)]


@pytest.mark.parametrize(
    ("clients", "verdict", "says"),
    [
        (
            [*PINNED, *EVEN],
            SUPPORTS,
            "ClusterIP: each of 2 clients stayed with one replica (2 replicas in all); 1 replica of"
            " 3 had nothing to do. headless Service: 2 clients reached 3 replicas alike, each with"
            " 33.2 to 33.5 % of a client's requests.",
        ),
        ([*EVEN, *PINNED], SUPPORTS, "ClusterIP: each of 2"),
        (
            [*PINNED, client("layer7", 1, 200, 60, 50)],
            CONTRADICTS,
            "layer 7 with TLS: 1 client reached 3 replicas unevenly, each with 16.1 to 64.5 %",
        ),
        (
            [client("cluster_ip", 1, 100, 105, 105), *EVEN],
            CONTRADICTS,
            "ClusterIP: 1 client reached 3 replicas alike",
        ),
        ([*PINNED, client("headless", 1, 310, 0, 0)], CONTRADICTS, "headless Service: each of 1"),
        (PINNED, UNCLEAR, "1 replica of 3 had nothing to do"),
        (EVEN, UNCLEAR, "alike"),
        (
            [client("cluster_ip", 1, 310), client("headless", 1, 310)],
            UNCLEAR,
            "ClusterIP: there was one replica, which answered 1 client.",
        ),
    ],
)
def test_which_replicas_answer(clients: Any, verdict: str, says: str) -> None:
    found = balance.figure(clients)
    assert (found.verdict, says in found.sentence) == (verdict, True), found.sentence
    assert len(found.rows) == len(clients)
    assert all(len(row) == len(found.columns) for row in found.rows)


def test_names_are_short_where_they_begin_alike() -> None:
    assert balance.short(["s-5d9-2x8", "s-5d9-2zz"]) == ["2x8", "2zz"]
    assert balance.short(["s-1", "other"]) == ["s-1", "other"]
    assert balance.short(["s-5d9-2x8"]) == ["s-5d9-2x8"]


def test_a_client_without_an_answer_has_no_share() -> None:
    assert client("headless", 1, 0, 0).shares(["r0", "r1"]) == [0.0, 0.0]


SIZES = (100, 100_000, 1_000_000)


def latencies(
    way: str, fixed: float, per_byte: float, noise: tuple[float, ...] = (0.0, 0.01, -0.01)
) -> list[ways.Measured]:
    """Return what three rounds of a way give, beside a plain way whose time drifts."""
    found = []
    for number, off in enumerate(noise):
        for count in SIZES:
            plain, turn = 1.0 + number + count * 1e-6, f"open/{number}"
            found.append(ways.Measured("cluster_ip", turn, count, plain))
            more = fixed + per_byte * count + off
            found.append(ways.Measured(way, turn, count, plain + more))
    return found


def test_each_protocol_is_compared_with_itself() -> None:
    """Sizes and times of one are those of the other, plus two milliseconds for everything."""
    rest = latencies("layer7", 0.5, 2e-6)
    grpc = [
        replace(item, client="grpc", p50_ms=item.p50_ms + 2.0 + (item.way == "layer7"))
        for item in [*rest, *latencies("gateway", 0.25, 1e-6)]
    ]
    assert [way.title for way in ways.ways_of(grpc)] == ["layer 7 with TLS", "Gateway with TLS"]
    found = ways.ways_of([*grpc, *rest])
    assert [way.title for way in found] == [
        "REST, layer 7 with TLS",
        "gRPC, layer 7 with TLS",
        "gRPC, Gateway with TLS",
    ]
    differences = [item.middle for item in found[1].added]
    assert differences == pytest.approx([item.middle + 1 for item in found[0].added])
    assert ways.figure([*grpc, *rest]).sentence.count("gRPC, ") == 2


def test_what_a_way_adds_is_told_apart_from_what_drifts() -> None:
    found = ways.figure(latencies("layer7", 0.5, 2e-6))
    assert found.verdict == SUPPORTS
    assert found.sentence == (
        "layer 7 with TLS adds 0.50 ms (0.49 to 0.51) to a request of 100 bytes, 0.70 ms (0.69 to"
        " 0.71) to a request of 100 kB and 2.50 ms (2.49 to 2.51) to a request of 1 MB; of the"
        " last, 80 % grow with the payload."
    )
    (way,) = ways.ways_of(latencies("layer7", 0.5, 2e-6))
    assert way.grows == pytest.approx(0.8)
    assert [item.plain for item in way.added] == pytest.approx([2.0001, 2.1, 3.0])
    assert found.rows[0] == (
        "layer 7 with TLS",
        "100 bytes",
        "2.000",
        "2.500",
        "+0.500",
        "+0.490 to +0.510",
    )


@pytest.mark.parametrize(
    ("measured", "verdict", "says"),
    [
        # As much for a small one as for a big one: it adds, and does not grow.
        (latencies("layer7", 0.5, -1e-9), CONTRADICTS, "0 % grow"),
        (latencies("layer7", -0.5, 1e-9), CONTRADICTS, "adds -0.50 ms (-0.51 to -0.49)"),
        (
            latencies("layer7", 0.5, 2e-6, (0.0, -0.6, 0.1)),
            UNCLEAR,
            "at 100 bytes the rounds do not agree",
        ),
        (latencies("mtls", 0.0, 0.0), UNCLEAR, "cannot be told from what the rounds differ by"),
        (latencies("headless", 0.5, 2e-6), UNCLEAR, "headless Service adds 0.50 ms"),
        (latencies("layer7", 0.5, 2e-6, (0.0,)), UNCLEAR, "cannot be told"),
        (
            [item for item in latencies("layer7", 0.5, 2e-6) if item.size < 1_000_000],
            UNCLEAR,
            "0.70 ms (0.69 to 0.71) to a request of 100 kB.",
        ),
        (
            [item for item in latencies("layer7", 0.5, 2e-6) if item.way == "layer7"],
            UNCLEAR,
            "Nothing was measured beside the plain way.",
        ),
    ],
)
def test_a_difference_that_the_data_do_not_show_is_not_claimed(
    measured: Any, verdict: str, says: str
) -> None:
    found = ways.figure(measured)
    assert (found.verdict, says in found.sentence) == (verdict, True), found.sentence


def steps(*throughputs: float, cpu: float = 0.1) -> list[scaling.Measured]:
    return [
        scaling.Measured(number, value + off, 10.0, 12.0, cpu)
        for number, value in enumerate(throughputs, start=1)
        for off in (-1.0, 0.0, 5.0)
    ]


@pytest.mark.parametrize(
    ("measured", "verdict", "says"),
    [
        (
            steps(20, 40, 60, 80),
            SUPPORTS,
            "4 replicas answered 80.0 requests/s and 1 answered 20.0: 100 % of as much for each. A"
            " straight line through all 4 steps gives 20.0 requests/s for each replica; they are"
            " 0.0 % of the most away from it (root mean square).",
        ),
        (steps(20, 39, 57, 70), SUPPORTS, "88 % of as much for each"),
        (steps(20, 40, 45, 46), CONTRADICTS, "57 % of as much for each"),
        # As straight as can be, but flat.
        (steps(20, 22, 24, 26), CONTRADICTS, "32 % of as much for each"),
        # As much at the end, but by leaps.
        (steps(20, 22, 78, 80), CONTRADICTS, "% of the most away from it"),
        (steps(20, 40, 60, 80, cpu=0.95), UNCLEAR, "the client used 95 % of a core and is in it"),
        (steps(20, 40), UNCLEAR, "a line needs at least 3 numbers of replicas"),
    ],
)
def test_what_more_replicas_give(measured: Any, verdict: str, says: str) -> None:
    found = scaling.figure(measured)
    assert (found.verdict, says in found.sentence) == (verdict, True), found.sentence


def result(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a part of what benchmark returns, as register holds it after a loop."""
    return {
        "ansible_loop_var": "measured_item",
        "measured_item": item,
        "began": "2026-12-01T10:00:00Z",
        "statistics": {"p50_ms": 2.0, "p95_ms": 3.0, "throughput": 50.0},
        "requests": {"sent": 300, "answered": 299, "failed": 1},
        "bytes": {"request": 500},
        "client_cpu": 0.2,
        "client_node": {"load_average": 0.5, "cores": 2},
        "shares": [{"replica": NASTY, "node": "n", "inferences": 300, "share": 1.0}],
        "shares_from": "counters",
        **more,
    }


ALL = [
    result({"figure": "balance", "way": "cluster_ip", "client": 1}),
    result({"figure": "balance", "way": "headless", "client": 1}),
    *(
        result(
            {"figure": "ways", "way": way, "round": turn},
            statistics={"p50_ms": 2.0 + (way != "cluster_ip"), "p95_ms": 3.0, "throughput": 1.0},
            bytes={"request": count},
        )
        for way in ("cluster_ip", "layer7", "headless")
        for turn in (1, 2)
        for count in SIZES
    ),
    *(result({"figure": "scaling", "replicas": count}) for count in (1, 2, 3)),
]


def test_results_become_rows() -> None:
    busy = {"load_average": 7.5, "cores": 2}
    found = options.rows([*ALL, result({"figure": "scaling", "replicas": 4}, client_node=busy)])
    assert [len(part) for part in (found.clients, found.latencies, found.steps)] == [2, 18, 4]
    assert (found.sent, found.failed) == (300 * 24, 24)
    assert found.load == options.Load(0.5, 7.5, 2) and found.load.crowded
    assert not options.rows(ALL).load.crowded
    assert found.latencies[0] == ways.Measured("cluster_ip", "/1", 100, 2.0)


@pytest.mark.parametrize(
    ("measurements", "says"),
    [
        ([], "there is no measurement"),
        ([{"statistics": {}, "requests": {}}], "its item names no experiment"),
        ([result({"figure": "other"})], "its item names no experiment"),
        (
            [{"item": {"figure": "scaling", "replicas": 1}, "msg": "failed"}],
            "no result of benchmark",
        ),
        ([result({"figure": "scaling"})], "'replicas' is missing"),
        ([result({"figure": "scaling", "replicas": "many"})], "is no such value"),
        ([result({"figure": "ways", "way": "by_sea", "round": 1})], "way 'by_sea'"),
        ([result({"figure": "balance", "way": "headless"})], "'client' is missing"),
        (
            [result({"figure": "balance", "way": "headless", "client": 1}, shares=[])],
            "what each replica had is not known: counters",
        ),
    ],
)
def test_what_is_no_measurement_is_refused(measurements: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        options.rows(measurements)
    assert caught.value.option == "measurements" and caught.value.hint


class Reader(HTMLParser):
    """Notes tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    made.add(
        "Node",
        "n1",
        status={
            "nodeInfo": {"architecture": "amd64", "kernelVersion": "6.1"},
            "capacity": {"cpu": "2", "memory": "2097152Ki"},
        },
    )
    monkeypatch.setattr(KubeClient, "from_params", lambda params: made)
    return made


def report(**given: Any) -> dict[str, Any]:
    check = given.pop("check", False)
    params = fill(entry.ARGUMENT_SPEC, {"measurements": ALL, **given})
    return entry.run(params, Runtime(check_mode=check))


def test_the_page_is_whole_and_what_comes_from_outside_is_text(
    world: Cluster, tmp_path: Path
) -> None:
    facts = {"Model": NASTY}
    dest = str(tmp_path / "out")
    foreseen = report(facts=facts, note="In a laboratory.", dest=dest, check=True)
    assert not (tmp_path / "out").exists() and foreseen["changed"]
    made = report(facts=facts, note="In a laboratory.", dest=dest)
    assert made["files"] == foreseen["files"] and made["figures"] == foreseen["figures"]
    text = (tmp_path / "out" / "experiments.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert "script" not in reader.tags and reader.tags.count("svg") == 5
    assert not re.search(r"(src|href)=|url\(|http(s?)://(?!www\.w3\.org)", text)
    for item in made["figures"]:
        assert item["claim"] in reader.text
    for figure in entry.figures_of(options.rows(ALL)):
        assert figure.parts and all(part in reader.text for part in figure.parts)
    for words in ("In a laboratory.", "n1: 2 CPU, 2.0 GiB, amd64", NASTY, "6900 sent, 23 without"):
        assert words in reader.text
    written = json.loads((tmp_path / "out" / "experiments.json").read_text(encoding="utf-8"))
    assert written["figures"] == made["figures"] and written["schema"] == 1
    assert "work of others" not in reader.text
    assert not world.writes()


def test_a_machine_with_too_much_to_do_is_said(world: Cluster, tmp_path: Path) -> None:
    crowded = [
        result({"figure": "scaling", "replicas": 1}, client_node={"load_average": 9, "cores": 2})
    ]
    made = report(measurements=crowded, dest=str(tmp_path))
    assert made["load"]["crowded"]
    text = (tmp_path / "experiments.html").read_text(encoding="utf-8")
    assert "load averages of 9 to 9 on 2 cores: work of others is in these figures" in text


@pytest.mark.parametrize(("load", "verdict"), [(4.0, CONTRADICTS), (4.1, UNCLEAR)])
def test_times_of_a_crowded_machine_contradict_nothing(load: float, verdict: str) -> None:
    flat = [
        result(
            {"figure": "scaling", "replicas": count}, client_node={"load_average": load, "cores": 2}
        )
        for count in (1, 2, 3)
    ]
    (found,) = entry.figures_of(options.rows(flat))
    assert found.verdict == verdict
    assert ("The machine had other work" in found.sentence) is (verdict == UNCLEAR)


def test_without_a_directory_nothing_is_written(world: Cluster) -> None:
    made = report()
    assert not made["changed"] and made["files"] == []
    assert made["msg"].count("\n") == 2 and "The data " in made["msg"]
