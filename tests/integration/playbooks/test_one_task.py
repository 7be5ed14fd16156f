# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout whose turns are gone through in one task for each batch, on a real cluster."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest
from fleetkit import SITES, Sites


def states(sites: Sites) -> dict[str, tuple[str, str]]:
    """Return state and phase of each cluster in the newest rollout of the journal."""
    with sqlite3.connect(sites.journal) as store:
        rows = store.execute(
            "SELECT cluster, state, phase FROM clusters"
            " WHERE rollout = (SELECT max(number) FROM rollouts)"
        ).fetchall()
    return {name: (state, phase) for name, state, phase in rows}


def together(sites: Sites, version: int, *options: str, **more: Any) -> Any:
    return sites.rollout(version, *options, edge_one_task=True, **more)


def had_tasks(run: Any) -> bool:
    """Tell whether a task of the roles has run for a host of its own."""
    found = re.findall(r"Bring the model server to its state.*?(?=\nTASK|\nPLAY)", run.text, re.S)
    return bool(re.search(r"^(?:ok|changed|fatal): ", "\n".join(found), re.M))


def test_one_task_does_what_the_tasks_would_do(sites: Sites) -> None:
    first = together(sites, 1)
    assert first.code == 0, first.text
    assert states(sites) == dict.fromkeys(SITES, ("done", "")), first.text
    assert not had_tasks(first) and "rollout done: 3 done" in first.text
    assert all(re.search(rf"- {site} +AVAILABLE +[1-9]", first.text) for site in SITES), first.text
    assert {site: sites.releases(site) for site in SITES} == dict.fromkeys(SITES, [(1, "good")])

    again = together(sites, 1)
    assert again.code == 0 and not any(again.changed.values()), again.text
    assert states(sites) == dict.fromkeys(SITES, ("done", "")) and not had_tasks(again)
    assert {site: sites.releases(site) for site in SITES} == dict.fromkeys(SITES, [(1, "good")])

    foreseen = sites.rollout(2, "--check")
    assert foreseen.code == 0 and "3 clusters: 3 would change" in foreseen.text
    same = together(sites, 2, "--check")
    assert same.code == 0 and "3 clusters: 3 would change" in same.text and had_tasks(same)


@pytest.mark.whole
def test_a_site_that_fails_stops_the_rollout_and_is_put_back(sites: Sites) -> None:
    """Version 2 cannot be loaded; the waves after the canary are not begun."""
    assert sites.rollout(1).code == 0
    run = together(sites, 2)
    assert run.code == 2 and not had_tasks(run), run.text
    assert run.failed == {"canary": 1}, run.text
    assert states(sites) == {"canary": ("undone", "deploy")}, run.text
    assert sites.releases("canary")[0] == (1, "good")
    assert {site: sites.releases(site) for site in SITES[1:]} == dict.fromkeys(
        SITES[1:], [(1, "good")]
    )


@pytest.mark.whole
def test_what_served_for_a_while_is_asked_again(sites: Sites) -> None:
    waves = [{"name": "all of them", "rest": True, "soak": 1}]
    run = together(sites, 1, "-v", edge_waves=waves)
    assert run.code == 0, run.text
    asked = run.text.split("Ask every replica of every cluster]")[1].split("TASK [")[0]
    assert all(site in asked for site in SITES), run.text
