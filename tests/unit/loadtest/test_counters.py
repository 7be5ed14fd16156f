# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of replicas, from the text of their metrics."""

from __future__ import annotations

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.counters import (
    counts_of,
    shares,
)

LABELS = 'api="KServe",interface="{interface}",method="{method}",name="{name}",version="{version}"'


def line(family: str, value: int, **given: str) -> str:
    labels = {"interface": "REST", "method": "ModelInfer", "name": "m", "version": "1", **given}
    return f"{family}{{{LABELS.format(**labels)}}} {value}"


TEXT = "\n".join(
    [
        "# HELP ovms_requests_success Number of successful requests to a model or a DAG.",
        "# TYPE ovms_requests_success counter",
        line("ovms_requests_success", 7),
        line("ovms_requests_success", 5, interface="gRPC"),
        line("ovms_requests_success", 100, version="2"),
        line("ovms_requests_success", 1000, name="other"),
        line("ovms_requests_success", 10000, method="ModelMetadata"),
        line("ovms_requests_fail", 3),
        'ovms_streams{name="m",version="1"} 4',
    ]
)


def test_inferences_of_one_model_are_counted() -> None:
    assert counts_of(TEXT, "m", 1) == (12, 3)
    assert counts_of(TEXT, "m", None) == (112, 3)
    assert counts_of(TEXT, "nobody", None) == (0, 0)


def test_metrics_without_that_counter_are_no_zero() -> None:
    with pytest.raises(ValueError, match="no ovms_requests_success"):
        counts_of('ovms_streams{name="m",version="1"} 4', "m", 1)


def test_shares_are_what_was_counted_meanwhile() -> None:
    before, after = {"a": (10, 0), "b": (0, 1)}, {"a": (40, 0), "b": (8, 3)}
    assert shares(before, after) == {"a": (30, 0.75), "b": (10, 0.25)}
    assert shares(before, before) == {"a": (0, 0.0), "b": (0, 0.0)}


def test_a_replica_that_began_anew_makes_shares_unknown() -> None:
    with pytest.raises(ValueError, match="a began to count anew"):
        shares({"a": (10, 0)}, {"a": (9, 0)})
    with pytest.raises(ValueError, match=r"changed meanwhile \(a, b\)"):
        shares({"a": (10, 0)}, {"b": (9, 0)})
