# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout in waves over sites that share one real cluster: canary, budget, way back, kill."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from fleetkit import ROOT, SITES, Sites


def states(sites: Sites) -> dict[str, tuple[str, str]]:
    """Return state and phase of each cluster in the newest rollout of the journal."""
    with sqlite3.connect(sites.journal) as store:
        rows = store.execute(
            "SELECT cluster, state, phase FROM clusters"
            " WHERE rollout = (SELECT max(number) FROM rollouts)"
        ).fetchall()
    return {cluster: (state, phase) for cluster, state, phase in rows}


def test_a_broken_model_ends_at_the_canary_which_is_put_back(sites: Sites) -> None:
    first = sites.rollout(1)
    assert first.code == 0, first.text
    assert states(sites) == dict.fromkeys(SITES, ("done", ""))
    begun = [first.text.index(f"changed: [{site}]") for site in SITES]
    assert begun[0] < min(begun[1:]), "the canary comes first"
    assert "rollout done: 3 done" in first.text

    broken = sites.rollout(2)
    assert broken.code == 2, broken.text
    assert broken.failed["canary"] == 1 and set(broken.changed) == {"canary"}, broken.text
    assert "1 cluster of wave 'first' failed, and 0 may" in broken.text
    assert states(sites) == {"canary": ("undone", "deploy")}
    assert sites.releases("canary") == [(1, "good"), (2, "failed"), (1, "good")]
    for site in ("north", "south"):
        assert sites.releases(site) == [(1, "good")]

    assert sites.play("verify.yml", *sites.options(1)).code == 0


def test_a_killed_run_goes_on_where_it_was(sites: Sites) -> None:
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "site.yml"]
    killed = subprocess.Popen(
        [*command, "-i", str(sites.inventory), *sites.options(3)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert killed.stdout is not None
    for line in killed.stdout:
        # The canary is done, and the second wave copies.
        if "TASK [openvino.edge.model_repository" in line and states(sites).get("north"):
            break
    # It holds still, or it might be done before the second run has even begun.
    os.killpg(killed.pid, signal.SIGSTOP)
    second = sites.rollout(3)
    assert second.code == 2 and f"process {killed.pid} on" in second.text, second.text
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert states(sites)["canary"] == ("done", "") and states(sites)["north"][0] == "begun"

    again = sites.rollout(3)
    assert again.code == 0, again.text
    assert "going on with rollout 1" in again.text
    assert again.changed["canary"] == 0, "a finished cluster is only asked again"
    assert states(sites) == dict.fromkeys(SITES, ("done", ""))
    for site in SITES:
        assert sites.releases(site) == [(3, "good")], "nothing is released twice"


def test_sites_say_not_now_and_are_taken_later(sites: Sites) -> None:
    hold = {"metadata": {"name": "openvino-edge-hold"}, "data": {"reason": "inventory day"}}
    sites.cluster.core.create_namespaced_config_map(sites.namespaces["north"], hold)
    first = sites.rollout(1, edge_max_deferred=1)
    assert first.code == 0, first.text
    assert states(sites)["north"] == ("deferred", "")
    assert "north: deferred: on hold: inventory day" in first.text
    assert sites.releases("north") == [] and sites.releases("south") == [(1, "good")]
    sites.cluster.core.delete_namespaced_config_map("openvino-edge-hold", sites.namespaces["north"])
    later = sites.rollout(3, edge_max_deferred=1)
    assert later.code == 0, later.text
    assert sites.releases("north") == [(3, "good")], "straight to what is wanted now"


def test_what_no_record_holds_keeps_no_cluster_from_going_back(sites: Sites) -> None:
    """A record has no secrets; what the inventory has for them now is taken."""
    own = {"edge_server_options": {"env": {"API_TOKEN": "t0ken-of-a-test", "LEVEL": "3"}}}
    assert sites.rollout(1, "--limit", "canary", **own).code == 0
    run = sites.rollout(2, "--limit", "canary", **own)
    assert run.code == 2 and states(sites)["canary"][0] == "undone", run.text
    assert sites.releases("canary")[0] == (1, "good")
    assert "t0ken-of-a-test" not in run.text
    back = sites.play("rollback.yml", "-l", "canary", "-v", *sites.options(2, **own))
    assert back.code == 0 and "t0ken-of-a-test" not in back.text, back.text


@pytest.mark.whole
def test_all_waves_go_back_where_nothing_was_before(sites: Sites) -> None:
    """The last site of the fleet has no claim, so its copy fails after two sites serve."""
    inventory = json.loads(sites.inventory.read_text())
    inventory["sites"]["hosts"]["south"]["edge_store"] = {"pvc": {"claim_name": "nowhere"}}
    sites.inventory.write_text(json.dumps(inventory))
    waves = [1, 1, {"name": "rest", "rest": True}]
    result = sites.rollout(1, edge_waves=waves, edge_undo="all")
    assert result.code == 2, result.text
    assert states(sites) == {
        "canary": ("undone", ""),
        "north": ("undone", ""),
        "south": ("failed", "preflight"),
    }
    back = [
        result.text.index(f"changed: [{site}]", result.text.index("Put back")) for site in SITES[:2]
    ]
    assert back[1] < back[0], "the last wave goes back first"
    for site in SITES:
        pods = sites.cluster.core.list_namespaced_pod(sites.namespaces[site]).items
        assert [pod for pod in pods if not pod.metadata.deletion_timestamp] == []


def test_a_cluster_that_is_late_is_given_up(sites: Sites) -> None:
    """Two seconds are over when the helper pod of the copy runs, at the latest."""
    result = sites.rollout(1, "--limit", "canary", edge_deadline=2)
    assert result.code == 2, result.text
    assert "its deadline of 2 s has passed (edge_deadline)" in result.text
    assert states(sites)["canary"][0] in ("failed", "undone")
    assert sites.rollout(1, "--limit", "canary").code == 0, "nothing is in the way of the next run"
