# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task asks a fleet: two real clusters, and twenty that a real API server simulates."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleetkit import ROOT, Fleet, Run

sys.path.append(str(ROOT / "tests" / "testbed" / "fleet"))
from simulated import MODEL, Simulation, simulated  # noqa: E402

pytestmark = pytest.mark.whole
COUNT = 20


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Twenty simulated clusters, in a lab cluster that no other test has."""
    with simulated(tmp_path_factory.mktemp("simulated"), COUNT, "sim") as found:
        yield found


@pytest.fixture
def mixed(fleet: Fleet, simulation: Simulation, tmp_path: Path, shop: Any, factory: Any) -> Fleet:
    """The real clusters serve; of the others one wants a version that is not there, one is down."""
    inventory = json.loads(fleet.inventory.read_text())
    for host, cluster in (("shop", shop), ("factory", factory)):
        inventory["clusters"]["hosts"][host]["edge_kubeconfig"] = str(cluster.kubeconfig)
    fleet.inventory.write_text(json.dumps(inventory))
    first = fleet.play("site.yml")
    assert first.code == 0, first.text
    hosts = simulation.hosts()
    hosts["site-0002"]["edge_models"] = [{"name": MODEL, "versions": [1, 2]}]
    hosts["site-0003"]["edge_auth"] = {"host": "https://127.0.0.1:1"}
    inventory["sites"] = {"hosts": hosts, "vars": simulation.variables()}
    written = tmp_path / "mixed.json"
    written.write_text(json.dumps(inventory))
    return replace(fleet, inventory=written)


def verify(fleet: Fleet, *options: str) -> Run:
    return fleet.play("verify.yml", "-e", "verify_wait_timeout=2", *options)


def test_a_fleet_is_asked_from_one_task(
    mixed: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report"
    monkeypatch.setitem(os.environ, "ANSIBLE_CALLBACKS_ENABLED", "openvino.edge.rollout")
    monkeypatch.setitem(os.environ, "EDGE_REPORT_DIR", str(report))
    done = verify(mixed)
    bad = {"site-0002", "site-0003"}
    assert done.code == 2, done.text
    assert {host for host, count in done.failed.items() if count} == bad
    assert "not every replica serves what is wanted" in done.text
    assert f"{MODEL} 2 is not" in done.text or f"no version of {MODEL}" in done.text, done.text
    assert "127.0.0.1:1 refuses connections" in done.text
    told = json.loads((report / "report.json").read_text())
    states = {item["name"]: item["state"] for item in told["clusters"]}
    assert len(states) == COUNT + 2 and told["complete"], done.text
    assert {name for name, state in states.items() if state == "failed"} == bad
    kinds = {item["name"]: [one["kind"] for one in item["failures"]] for item in told["clusters"]}
    assert kinds["site-0002"] == ["gate"] and kinds["site-0003"] == ["unreachable"]
    rows = {item["name"]: item["replicas"] for item in told["clusters"]}
    assert len(rows["factory"]) == 2 and all(row["ok"] for row in rows["factory"])

    good = verify(mixed, "--limit", "shop,factory,site-0001")
    assert good.code == 0 and "site-0004" not in good.text, good.text
    looked = verify(mixed, "--check", "--limit", "site-0001,site-0002")
    assert looked.code == 0 and "NOT AVAILABLE" in looked.text, "a look does not fail"
