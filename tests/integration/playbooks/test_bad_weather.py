# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole rollout while API servers answer badly, are away for a while, or refuse the login."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fleetkit import SITES, Sites
from test_waves import states
from weather import FAULTS, Sky, weather

SEED = int(os.environ.get("EDGE_SEED", "1"))
# The turns have tasks of their own, or are gone through in one task. The sample of C(make test) has
# each kind of bad weather in one of the two ways.
TASKS = pytest.param({}, id="tasks")
ONE_TASK = pytest.param({"edge_one_task": True}, id="one task")
TASKS_WHOLE = pytest.param({}, id="tasks", marks=pytest.mark.whole)
ONE_TASK_WHOLE = pytest.param({"edge_one_task": True}, id="one task", marks=pytest.mark.whole)
# Every Python process of a controller loads it first; the clock of the machine is nobody's to set.
WRONG_CLOCK = """
import datetime, os, time
off = float(os.environ["EDGE_CLOCK_OFF"])
right, right_ns, real = time.time, time.time_ns, datetime.datetime
time.time = lambda: right() + off
time.time_ns = lambda: right_ns() + int(off * 1e9)
datetime.datetime = type("datetime", (real,), {
    "now": classmethod(lambda cls, tz=None: cls.fromtimestamp(time.time(), tz)),
    "utcnow": classmethod(lambda cls: cls.utcfromtimestamp(time.time())),
})
"""


def lead(sites: Sites, kubeconfig: Path | str, *names: str) -> None:
    """Let some sites be reached by another kubeconfig."""
    inventory = json.loads(sites.inventory.read_text())
    for name in names:
        inventory["sites"]["hosts"][name]["edge_kubeconfig"] = str(kubeconfig)
    sites.inventory.write_text(json.dumps(inventory))


def helpers(sites: Sites, site: str) -> list[str]:
    """Return the pods of copies that nobody has told to end."""
    pods = sites.cluster.core.list_namespaced_pod(sites.namespaces[site]).items
    return [
        pod.metadata.name
        for pod in pods
        if not pod.metadata.deletion_timestamp and not pod.metadata.name.startswith("ovms")
    ]


@pytest.mark.parametrize(
    "seed", [SEED, *(pytest.param(n, marks=pytest.mark.whole) for n in range(2, 7))]
)
@pytest.mark.parametrize("way", [TASKS, ONE_TASK_WHOLE])
def test_a_rollout_in_bad_weather_ends_as_in_good(
    sites: Sites, seed: int, way: dict[str, Any], tmp_path: Path
) -> None:
    """Every 16th answer is a bad one, of nine kinds, for all sites and all that is asked."""
    sky = Sky(seed, share=1 / 16)
    good = sites.cluster.kubeconfig
    with weather(sites.cluster, sky, tmp_path) as kubeconfig:
        lead(sites, kubeconfig, *SITES)
        first = sites.rollout(1, **way)
    assert first.code == 0, first.text
    assert states(sites) == dict.fromkeys(SITES, ("done", ""))
    assert set(FAULTS) <= set(sky.given), sky.given
    lead(sites, good, *SITES)
    again = sites.rollout(1)
    assert again.code == 0 and set(again.changed.values()) == {0}, again.text
    for site in SITES:
        assert sites.releases(site) == [(1, "good")], "nothing is released twice"
        assert helpers(sites, site) == []


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("POST", "/jobs"),
        pytest.param("PUT", "/proxy/", marks=pytest.mark.whole),
        ("PATCH", "/deployments/ovms"),
        pytest.param("GET", "/proxy/v1/config", marks=pytest.mark.whole),
    ],
)
@pytest.mark.parametrize(
    "fault", ["503", *(pytest.param(name, marks=pytest.mark.whole) for name in ("reset", "still"))]
)
def test_an_api_server_may_be_away_for_eight_seconds(
    sites: Sites, tmp_path: Path, method: str, part: str, fault: str
) -> None:
    """From one request on: the balancer before it answers, nobody does, or it stands still."""
    sky = Sky(SEED, share=0.0)
    sky.storm(method, part, fault, 8.0)
    with weather(sites.cluster, sky, tmp_path) as kubeconfig:
        lead(sites, kubeconfig, "canary")
        done = sites.rollout(1, "--limit", "canary")
    assert done.code == 0, done.text
    assert sky.given[fault] > 0, "nobody asked meanwhile"
    assert sites.releases("canary") == [(1, "good")]


@pytest.mark.parametrize("way", [TASKS_WHOLE, ONE_TASK])
def test_an_api_server_may_be_slow(sites: Sites, tmp_path: Path, way: dict[str, Any]) -> None:
    """Every answer takes a third of a second more, of what is asked of one site."""
    sky = Sky(SEED, share=1.0, faults=("slow",))
    sky.slow = 0.3
    with weather(sites.cluster, sky, tmp_path) as kubeconfig:
        lead(sites, kubeconfig, "north")
        done = sites.rollout(1, **way)
    assert done.code == 0, done.text
    assert sky.given["slow"] > 10 and set(sky.given) == {"slow"}
    assert {site: sites.releases(site) for site in SITES} == dict.fromkeys(SITES, [(1, "good")])
    assert helpers(sites, "north") == []


@pytest.mark.whole
@pytest.mark.parametrize("way", [TASKS, ONE_TASK])
def test_the_clock_of_a_controller_may_be_wrong(
    sites: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    """A rollout in the future, the next in the past, then the right time: each is the next one."""
    (tmp_path / "sitecustomize.py").write_text(WRONG_CLOCK)
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)
    served: list[tuple[int, str]] = []
    for days, version in ((400, 1), (-30, 3), (0, 1)):
        monkeypatch.setenv("EDGE_CLOCK_OFF", str(days * 86400))
        done = sites.rollout(version, **way)
        assert done.code == 0 and "rollout done: 3 done" in done.text, done.text
        served.append((version, "good"))
        assert {site: sites.releases(site) for site in SITES} == dict.fromkeys(SITES, served)
        assert states(sites) == dict.fromkeys(SITES, ("done", ""))
    same = sites.rollout(1, **way)
    assert same.code == 0 and not any(same.changed.values()), same.text


def test_a_login_that_ends_in_the_middle_is_one_cluster_and_the_next_run_goes_on(
    sites: Sites, tmp_path: Path
) -> None:
    class Ending(Sky):
        """The login is good until the server is deployed."""

        def _fault(self, method: str, path: str) -> str:
            if method == "PATCH" and "/deployments/ovms" in path and "dryRun" not in path:
                self.refusal = 401
            return super()._fault(method, path)

    options: dict[str, Any] = {"edge_max_failures": 1}
    with weather(sites.cluster, Ending(SEED, share=0.0), tmp_path) as kubeconfig:
        lead(sites, kubeconfig, "north")
        first = sites.rollout(1, **options)
    assert first.code == 2, first.text
    assert "did not accept ours (401)" in " ".join(first.text.split()), first.text
    # Nothing could be put back without a login.
    assert states(sites)["north"] == ("stuck", "deploy")
    assert states(sites)["canary"] == states(sites)["south"] == ("done", "")
    lead(sites, sites.cluster.kubeconfig, "north")
    again = sites.rollout(1, **options)
    assert again.code == 0, again.text
    assert again.changed["canary"] == again.changed["south"] == 0
    assert sites.releases("north") == [(1, "good")] and helpers(sites, "north") == []
