# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that leaves clusters alone which have what is wanted, on a real cluster."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fleetkit import SITES, Sites

OURS = "openvino.edge/"


def states(sites: Sites) -> dict[str, str]:
    """Return the state of each cluster in the newest rollout of the journal."""
    with sqlite3.connect(sites.journal) as store:
        return dict(
            store.execute(
                "SELECT cluster, state FROM clusters"
                " WHERE rollout = (SELECT max(number) FROM rollouts)"
            ).fetchall()
        )


def turns(run: Any) -> set[str]:
    """Return the sites whose server a task of the roles has been at."""
    found = re.findall(r"Bring the model server to its state.*?(?=\nTASK|\nPLAY)", run.text, re.S)
    return set(re.findall(r"^(?:ok|changed|fatal): \[(\w+)\]", "\n".join(found), re.M))


def skipping(sites: Sites, version: int, *options: str, **more: Any) -> Any:
    return sites.rollout(version, *options, edge_skip_unchanged=True, **more)


@contextmanager
def replicas(sites: Sites, site: str) -> Iterator[None]:
    """Have somebody scale the server down."""
    body = {"spec": {"replicas": 0}}
    sites.cluster.apps.patch_namespaced_deployment_scale("ovms", sites.namespaces[site], body)
    yield


@contextmanager
def record(sites: Sites, site: str) -> Iterator[None]:
    """Have the newest release recorded as one that nobody has judged."""
    core, place = sites.cluster.core, sites.namespaces[site]
    listed = core.list_namespaced_config_map(place, label_selector=f"{OURS}release-of=ovms")
    (found,) = listed.items
    text = json.loads(found.data["release.json"])
    changed = {"data": {"release.json": json.dumps({**text, "verdict": "unknown"})}}
    core.patch_namespaced_config_map(found.metadata.name, place, changed)
    yield


@contextmanager
def store(sites: Sites, site: str) -> Iterator[None]:
    """Want one more model on the store, of which the server knows nothing."""
    inventory = json.loads(sites.inventory.read_text())
    source = Path(inventory["sites"]["vars"]["edge_src"])
    shutil.copytree(source / "tiny" / "1", source / "other" / "1")
    own = inventory["sites"]["hosts"][site]
    own["edge_extra_files"] = [{"name": "other", "versions": [1]}]
    sites.inventory.write_text(json.dumps(inventory))
    yield


@contextmanager
def hold(sites: Sites, site: str) -> Iterator[None]:
    """Have the site say not now."""
    core, place = sites.cluster.core, sites.namespaces[site]
    core.create_namespaced_config_map(place, {"metadata": {"name": "openvino-edge-hold"}})
    yield
    core.delete_namespaced_config_map("openvino-edge-hold", place)


def test_only_what_differs_has_its_turn(sites: Sites) -> None:
    first = skipping(sites, 1)
    assert first.code == 0, first.text
    assert turns(first) == set(SITES) and states(sites) == dict.fromkeys(SITES, "done")
    made = {site: sites.releases(site) for site in SITES}

    again = skipping(sites, 1)
    assert again.code == 0, again.text
    # In each wave one has its turn; the second wave has two sites.
    assert states(sites) == {"canary": "done", "north": "done", "south": "unchanged"}, again.text
    assert "rollout done: 2 done, 1 unchanged" in again.text
    assert turns(again) == {"canary", "north"} and not any(again.changed.values())
    assert re.search(r"- south +AVAILABLE", again.text), "it is in the report all the same"
    assert {site: sites.releases(site) for site in SITES} == made

    foreseen = skipping(sites, 1, "--check", "--diff")
    assert foreseen.code == 0 and "3 clusters: 0 would change, 3 would not" in foreseen.text

    limited = skipping(sites, 1, "--limit", "north,south", edge_waves=[])
    assert limited.code == 0 and "rollout done: 1 done, 1 unchanged" in limited.text, limited.text


@pytest.mark.whole
@pytest.mark.parametrize("difference", [replicas, record, store, hold])
def test_a_site_that_differs_in_one_thing_has_its_turn(sites: Sites, difference: Any) -> None:
    """The first of the wave is unchanged in each, so it is not the one that has its turn anyway."""
    assert sites.rollout(1).code == 0
    with difference(sites, "south"):
        run = skipping(sites, 1, edge_max_deferred=1)
    assert run.code == 0, run.text
    assert states(sites)["north"] == "unchanged", run.text
    if difference is hold:
        assert states(sites)["south"] == "deferred" and turns(run) == {"canary"}
    else:
        assert states(sites)["south"] == "done" and turns(run) == {"canary", "south"}
    assert sites.releases("south") == [(1, "good")]


@pytest.mark.whole
def test_a_wave_that_stops_does_not_put_back_what_it_has_not_touched(sites: Sites) -> None:
    """North is unchanged; south fails at its copy and the rollout stops."""
    assert sites.rollout(1).code == 0
    inventory = json.loads(sites.inventory.read_text())
    inventory["sites"]["hosts"]["south"]["edge_store"] = {"pvc": {"claim_name": "nowhere"}}
    sites.inventory.write_text(json.dumps(inventory))
    run = skipping(sites, 1)
    assert run.code == 2, run.text
    assert states(sites)["north"] == "unchanged" and states(sites)["south"] == "failed", run.text
    assert "skipping: no hosts matched" in run.text.split("Put back what does not serve")[1]
