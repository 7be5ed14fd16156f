# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sliced job template on a real receptor mesh, as AWX spreads its jobs over machines.

A controller that only packs jobs and takes their events, a hop, and two nodes that execute.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from awx_jobs import JOB_SECONDS, Job, environment, prepare
from awxkit import ROOT, TESTBED, fleet_repository, store_with
from rollout_hub import Hub, bind_shipped
from userkit import below

sys.path[:0] = [str(TESTBED / name) for name in ("faults", "lab")]
sys.path[:0] = [str(ROOT / "tests" / "integration" / "playbooks")]

from edge_lab import cluster as lab_clusters  # noqa: E402
from fleetkit import SITES, TINY, WAVES, Sites  # noqa: E402
from mesh import EXECUTION, HOP, Mesh, Work, mesh, program  # noqa: E402

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(program() is None, reason="no receptor in PATH or EDGE_RECEPTOR"),
    pytest.mark.skipif("EDGE_KUBECONFIG" in os.environ, reason="its machines are on the lab's net"),
]
HEADING = "On many machines"
# AWX deals the hosts of a sliced template out one by one.
SLICES = (SITES[0::2], SITES[1::2])


@dataclass
class Fleet:
    """What AWX has of a fleet, and what it runs: one sliced job template."""

    folder: Path
    project: Path
    store: Any
    sites: Sites
    hub: Hub
    mesh: Mesh
    workflow: int = 70
    variables: dict[str, Any] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)

    def want(self, version: int, *, named: bool = True) -> None:
        """Let AWX's inventory want another version; the template is launched anew for it."""
        file = self.project / "group_vars" / "edge_clusters.yml"
        self.variables = yaml.safe_load(file.read_text())
        self.variables["edge_models"] = [{"name": "tiny", "versions": [version]}]
        if not named:
            del self.variables["edge_rollout_id"]
        self.workflow += 1

    def launch(self, part: int, node: str, *, again: bool = False) -> Work:
        """Give a slice to a node; one that is launched again by itself has no workflow job."""
        number = len(self.jobs)
        there = self.folder / f"there-{number}"
        hosts = {site: {"edge_namespace": self.sites.namespaces[site]} for site in SLICES[part]}
        group = {"hosts": list(hosts), "vars": self.variables}
        inventory = {"edge_clusters": group, "_meta": {"hostvars": hosts}}
        job = prepare(
            self.store,
            "site",
            self.project,
            self.folder / f"job-{number}",
            json.dumps(inventory),
            there,
            None if again else self.workflow,
        )
        self.jobs.append(job)
        return self.mesh.submit(job, node, there)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that the journal tells, while the jobs go on."""

        def over() -> bool:
            for job in self.jobs:
                if (job.artifacts / "rc").exists() and job.result()[1]:
                    pytest.fail(job.stdout())
            return condition()

        self.sites.cluster.wait_until(over, what, JOB_SECONDS)


@pytest.fixture(scope="module")
def machines(factory: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """The mesh, on the network of the cluster whose sites it works on."""
    env = environment([ROOT / "collections"])
    with mesh(lab_clusters.get(factory.name), tmp_path_factory.mktemp("mesh"), env) as made:
        yield made


@pytest.fixture
def fleet(
    tmp_path: Path,
    factory: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    agent_image: str,
    server_image: str,
    machines: Mesh,
) -> Fleet:
    """Three sites and the hub on one cluster; the second version of the model does not load.

    What is said of slices is that of docs/awx.md, with another namespace of the hub.
    """
    setup, wanted = (yaml.safe_load(block.text) for block in below("docs/awx.md", HEADING))
    assert wanted["edge_slices"] == len(SLICES) and list(wanted["edge_journal"]) == ["namespace"]
    namespaces = {site: make_namespace(factory) for site in SITES}
    for namespace in namespaces.values():
        make_pvc(factory, namespace)
    journal, who = make_namespace(factory), factory.new_account()
    bind_shipped(factory, journal, who)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "edge_kubeconfig": "",
        "edge_waves": WAVES,
        **wanted,
        "edge_journal": {"namespace": journal},
        "edge_image": server_image,
        "edge_agent_image": agent_image,
        "edge_server_options": {"replicas": 1},
    }
    project = fleet_repository(tmp_path / "fleet", "tiny", **variables)
    shutil.rmtree(project / "models")
    for number, text in ((1, TINY), (2, "<net")):
        version = project / "models" / "tiny" / str(number)
        version.mkdir(parents=True)
        (version / "model.xml").write_text(text)
        (version / "model.bin").write_bytes(b"")
    logins = {"kubeconfig": factory.kubeconfig.read_text(), "hub": who.kubeconfig.read_text()}
    store = store_with({name: logins[name] for name in setup["awx_setup_logins"]}, "site")
    sites = Sites(tmp_path / "none", namespaces, factory)
    return Fleet(tmp_path, project, store, sites, Hub(factory, journal), machines)


def assert_whole(job: Job) -> None:
    """Check that each event of a job has come, once."""
    counters = [event["counter"] for event in job.events()]
    assert counters == list(range(1, len(counters) + 1)) and len(counters) > 20


def test_slices_have_one_budget_and_a_lost_hop_loses_nothing(fleet: Fleet) -> None:
    assert {fleet.mesh.routes()[node] for node in EXECUTION} == {HOP}
    fleet.want(1, named=False)
    works = [fleet.launch(part, node) for part, node in enumerate(EXECUTION)]
    fleet.until(lambda: "canary" in fleet.hub.states(), "the first wave has begun")
    fleet.mesh.lose(HOP)
    # Behind the hop, the wave goes on without it.
    fleet.until(lambda: fleet.hub.states()["canary"][0] == "done", "the canary is done")
    assert all(not (work.job.artifacts / "rc").exists() for work in works), "nobody could tell"
    fleet.mesh.start(HOP)
    for work in works:
        assert work.wait(JOB_SECONDS) == ("successful", 0), work.job.stdout()
        assert_whole(work.job)
    assert fleet.hub.states() == dict.fromkeys(SITES, ("done", ""))
    assert [item["verdict"] for item in fleet.hub.rollouts()] == ["done"]
    for site in SITES:
        assert fleet.sites.releases(site) == [(1, "good")]

    fleet.want(2, named=False)
    works = [fleet.launch(part, node) for part, node in enumerate(EXECUTION)]
    for work in works:
        assert work.wait(JOB_SECONDS) == ("failed", 2), work.job.stdout()
        told = " ".join(work.job.stdout().split())
        assert "1 cluster of wave 'first' failed, and 0 may" in told, told
    assert "north: it was not begun, since the rollout stopped" in told
    assert [item["verdict"] for item in fleet.hub.rollouts()] == ["done", "stopped"]
    assert fleet.sites.releases("canary") == [(1, "good"), (2, "failed"), (1, "good")]
    for site in ("north", "south"):
        assert fleet.sites.releases(site) == [(1, "good")]


def test_the_job_of_a_lost_node_goes_on_when_it_is_launched_again(fleet: Fleet) -> None:
    fleet.want(1)
    works = [fleet.launch(part, node) for part, node in enumerate(EXECUTION)]
    fleet.until(lambda: fleet.hub.states().get("north", ("",))[0] == "begun", "north has begun")
    fleet.mesh.lose(EXECUTION[1])
    works[1].give_up()
    assert fleet.hub.states()["north"][0] == "begun", "nobody was left to say more"
    time.sleep(1)
    again = fleet.launch(1, EXECUTION[0], again=True)
    for work in (again, works[0]):
        assert work.wait(JOB_SECONDS) == ("successful", 0), work.job.stdout()
        assert_whole(work.job)
    assert fleet.hub.states() == dict.fromkeys(SITES, ("done", ""))
    assert [item["verdict"] for item in fleet.hub.rollouts()] == ["done"]
    for site in SITES:
        assert fleet.sites.releases(site) == [(1, "good")], "nothing is released twice"
    fleet.mesh.start(EXECUTION[1])
    fleet.mesh.until_there(EXECUTION[1])
