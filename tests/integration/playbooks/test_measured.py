# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout that measures: a version that answers too slowly ends at the canary."""

from __future__ import annotations

import json
import sqlite3
import sys
from typing import Any

import pytest
from fleetkit import ROOT, SITES, Run, Sites

sys.path.append(str(ROOT / "tests" / "testbed" / "standin"))

from harness import write_heavy  # noqa: E402

# Between the two models lie three orders of magnitude, however busy the machine is.
FAST, SLOW = 1, 4
OBJECTIVE = {"p50_ms": 400, "error_rate": 0}


@pytest.fixture
def measured(sites: Sites) -> Sites:
    """The sites, with a version that loads, answers, and takes its time."""
    write_heavy(sites.inventory.parent / "models" / "tiny" / str(SLOW), size=1500, products=24)
    inventory = json.loads(sites.inventory.read_text())
    inventory["sites"]["vars"]["edge_benchmark"] = {
        "model": "tiny",
        "requests": 3,
        "warmup": 1,
        "timeout": 60,
        "slo": OBJECTIVE,
    }
    sites.inventory.write_text(json.dumps(inventory))
    return sites


def states(sites: Sites) -> dict[str, tuple[str, str, str]]:
    """Return state, phase and reason of each cluster in the newest rollout of the journal."""
    with sqlite3.connect(sites.journal) as store:
        rows = store.execute(
            "SELECT cluster, state, phase, reason FROM clusters"
            " WHERE rollout = (SELECT max(number) FROM rollouts)"
        ).fetchall()
    return {cluster: (state, phase, reason) for cluster, state, phase, reason in rows}


def sent(run: Run) -> int:
    """Return how many pods have sent requests."""
    return run.text.count("sends requests")


@pytest.mark.parametrize("together", [False, pytest.param(True, marks=pytest.mark.whole)])
def test_a_slow_version_ends_at_the_canary_which_is_put_back(
    measured: Sites, together: bool
) -> None:
    first = measured.rollout(FAST, edge_one_task=together)
    assert first.code == 0, first.text
    assert {site: state[0] for site, state in states(measured).items()} == dict.fromkeys(
        SITES, "done"
    )
    assert sent(first) == len(SITES), first.text

    slow = measured.rollout(SLOW, edge_one_task=together)
    assert slow.code == 2, slow.text
    assert "1 cluster of wave 'first' failed, and 0 may" in slow.text
    (site,) = states(measured)
    state, phase, reason = states(measured)[site]
    assert (site, state, phase) == ("canary", "undone", "inference")
    assert "the objective is not kept: p50 is" in reason and "more than 400 ms" in reason
    assert sent(slow) == 1, "a cluster behind the canary was measured"
    versions = [version for version, _verdict in measured.releases("canary")]
    assert versions == [FAST, SLOW, FAST]
    for other in SITES[1:]:
        assert measured.releases(other) == [(FAST, "good")]
    assert measured.play("verify.yml", *measured.options(FAST)).code == 0


def test_an_objective_that_cannot_be_is_refused_before_anything_is_changed(
    measured: Sites,
) -> None:
    wrong: dict[str, Any] = {"model": "tiny", "slo": {"p50_ms": 9, "p99_ms": 5}}
    for together in (False, True):
        run = measured.rollout(FAST, edge_benchmark=wrong, edge_one_task=together)
        assert run.code == 2 and not any(run.changed.values()), run.text
        (reason,) = [item[2] for item in states(measured).values()]
        assert "edge_benchmark" in reason and "p99" in reason
        assert states(measured)["canary"][:2] == ("failed", "begin")
    for site in SITES:
        assert measured.releases(site) == []
        assert measured.cluster.core.list_namespaced_pod(measured.namespaces[site]).items == []
