# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a record, as data, table and page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import page, plots
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.options import (
    ARGUMENT_SPEC,
    options_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.result import (
    measured,
    table,
    warnings,
)
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill

NASTY = "</title><script>alert('x')</script>"
RECORD = {
    "starts": [0, 10_000, 20_000, 2_000_000],
    "latencies": [1000, 2000, 3000, 4000],
    "received": 400,
    "failures": [[30_000, "timeout"], [40_000, "HTTP 503"], [50_000, "HTTP 503"]],
    "examples": {"timeout": "no answer in time", "HTTP 503": NASTY},
    "late": 0,
    "latest": 0,
    "seconds": 2.5,
    "began": 1_700_000_000.0,
    "complete": True,
    "client_cpu": 0.25,
    "load_average": 0.5,
    "cores": 4,
}
SHARES = [
    {"replica": "ovms-a", "node": "n1", "inferences": 3, "share": 0.75},
    {"replica": NASTY, "node": "n2", "inferences": 1, "share": 0.25},
]


def result(record: Any = None, **given: Any) -> Any:
    params = {"url": "http://h", "model": NASTY, "requests": 7, **given}
    options = options_from_params(fill(ARGUMENT_SPEC, params))
    about = {
        "from": "cluster",
        "address": "h:80",
        "bytes": {"request": 120, "tensors": 16},
        "shares": SHARES,
        "shares_from": "the replicas' own counters",
    }
    made = measured({**RECORD, **(record or {})}, options, about)
    return made, warnings(made, options)


def test_the_figures_of_a_record() -> None:
    made, told = result(slo={"p95_ms": 3.0, "error_rate": 0.5})
    assert made["requests"] == {"sent": 7, "answered": 4, "failed": 3}
    figures = made["statistics"]
    assert (figures["mean_ms"], figures["max_ms"], figures["count"]) == (2.5, 4.0, 4)
    assert figures["throughput"] == 1.6 and figures["error_rate"] == 0.428571
    assert made["bytes"] == {"request": 120, "tensors": 16, "answer": 100}
    assert [(item["kind"], item["count"]) for item in made["errors"]] == [
        ("HTTP 503", 2),
        ("timeout", 1),
    ]
    assert not made["passed"]
    assert [(item["name"], item["ok"]) for item in made["slo"]] == [
        ("p95_ms", False),
        ("error_rate", True),
    ]
    assert made["began"] == "2023-11-14T22:13:20Z"
    assert sum(made["timeline"]["answers"]) == 4
    assert len(told) == 1 and "3 of 7 requests have no answer, most often HTTP 503" in told[0]


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"client_cpu": 0.95}, "95 % of a core"),
        ({"late": 3, "latest": 40_000}, "3 requests began up to 40 ms after their moment"),
    ],
)
def test_what_a_reader_should_know(record: Any, says: str) -> None:
    _made, told = result(record, rate=100.0)
    assert any(says in text for text in told)
    assert not any(says in text for text in result(rate=100.0)[1])


def test_a_closed_loop_is_never_late() -> None:
    _made, told = result({"late": 3, "latest": 40_000})
    assert not any("after their moment" in text for text in told)


def test_the_table_has_all_figures() -> None:
    text = table(result(slo={"p95_ms": 3.0})[0])
    for word in ("P99.9 MS", "STD DEV MS", "75.0 %", "ovms-a", "HTTP 503", "p95_ms"):
        assert word in text
    made, _told = result()
    unknown = table({**made, "shares": [], "shares_from": "metrics are off"})
    assert "Shares of replicas: unknown, metrics are off" in unknown


class Reader(HTMLParser):
    """Notes tags, and text outside of the style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_what_comes_from_outside_is_text() -> None:
    reader = Reader()
    text = page.page(result(slo={"p95_ms": 3.0})[0])
    reader.feed(text)
    assert "script" not in reader.tags and reader.tags.count("svg") == 3
    assert reader.text.count(NASTY) >= 3
    assert not re.search(r"(src|href)=|url\(|http(s?)://(?!www\.w3\.org)", text)
    assert "not kept:" in reader.text and "p95 is 3.85 ms, more than 3 ms" in reader.text
    for word in ("Latency, in milliseconds", "Throughput over time", "Share of each replica"):
        assert word in reader.text


def test_one_latency_makes_a_page() -> None:
    made, _told = result({"starts": [0], "latencies": [0], "failures": [], "seconds": 0.0})
    assert "svg" in page.page(made)
    assert made["statistics"]["throughput"] == 0


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (3, 4), (0.07, 0.08), (41, 60), (100, 100), (101, 200)]
)
def test_the_grid_has_round_numbers(value: float, top: float) -> None:
    assert plots._round_up(value) == pytest.approx(top)
