# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a fleet: predicted, brought up, run again, upgraded under load, taken down."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from jobkit import HOST_ROOT, Run, publish_locally, run_playbook, tiny_ir
from kubernetes.client.exceptions import ApiException
from snapshots import Snapshot, changes, idle, raw, settled
from watching import Answer, Watcher

CLUSTERS = ("factory", "shop")
UNLOAD_SECONDS = 20.0
ENFORCE = "pod-security.kubernetes.io/enforce"


@dataclass
class Fleet:
    """Both clusters, with a namespace on each that the job itself makes."""

    work: Path
    clusters: dict[str, Any]
    namespace: str
    model: str
    images: dict[str, str]
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def play(self, playbook: str, version: int, *options: str, **variables: Any) -> Run:
        """Run a playbook that wants one version of the model everywhere."""
        common = {
            **self.images,
            "edge_create": True,
            "preflight_claim_size": "64Mi",
            "edge_namespace": self.namespace,
            "edge_src": str(self.work / "models"),
            "edge_models": [{"name": self.model, "versions": [version]}],
            **variables,
        }
        return run_playbook(self.work, playbook, self.hosts, common, *options)

    def exists(self, name: str) -> bool:
        """Tell whether the namespace is there."""
        try:
            self.clusters[name].core.read_namespace(self.namespace)
        except ApiException as error:
            assert error.status == 404
            return False
        return True

    def pods(self, name: str) -> dict[str, tuple[str, int]]:
        """Return uid and restarts of each replica of a cluster."""
        selector = "openvino.edge/server=ovms"
        core = self.clusters[name].core
        return {
            pod.metadata.name: (pod.metadata.uid, pod.status.container_statuses[0].restart_count)
            for pod in core.list_namespaced_pod(self.namespace, label_selector=selector).items
        }

    def states(self, name: str, pod: str) -> dict[str, str]:
        """Return what a replica itself reports: {version: state}."""
        path = f"api/v1/namespaces/{self.namespace}/pods/{pod}:8081/proxy/v1/config"
        listed = raw(self.clusters[name], path)[self.model]["model_version_status"]
        return {item["version"]: item["state"] for item in listed}

    def watcher(self, name: str) -> Watcher:
        """Return a client that asks the service and each replica."""
        targets = ["services/ovms", *(f"pods/{pod}" for pod in self.pods(name))]
        return Watcher(self.clusters[name], self.namespace, self.model, targets)


@pytest.fixture(scope="module")
def fleet(
    shop: Any,
    factory: Any,
    tmp_path_factory: pytest.TempPathFactory,
    job_images: dict[str, str],
) -> Iterator[Fleet]:
    work, mark = tmp_path_factory.mktemp("site"), uuid.uuid4().hex[:8]
    made = Fleet(
        work, {"factory": factory, "shop": shop}, f"edge-test-{mark}", f"tiny-{mark}", job_images
    )
    nodes = factory.nodes()
    made.hosts["factory"] = {
        "edge_store": {"host_path": {"path": HOST_ROOT, "nodes": nodes}},
        "edge_namespace_labels": {ENFORCE: "privileged"},
        "edge_kubeconfig": str(factory.kubeconfig),
        "edge_replicas": len(nodes),
    }
    made.hosts["shop"] = {
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_namespace_labels": {ENFORCE: "restricted"},
        "edge_kubeconfig": str(shop.kubeconfig),
    }
    publish_locally(work / "models", made.model, "1", tiny_ir("ReLU"))
    publish_locally(work / "models", made.model, "2", tiny_ir("Abs"))
    yield made
    for name in CLUSTERS:
        if made.exists(name):
            made.clusters[name].core.delete_namespace(made.namespace)


@dataclass
class Story:
    """What each run of the fleet's life did, and what was seen between them."""

    runs: dict[str, Run] = field(default_factory=dict)
    made_by_prediction: list[str] = field(default_factory=list)
    moved_by_prediction: dict[str, list[str]] = field(default_factory=dict)
    pods: dict[str, list[dict[str, tuple[str, int]]]] = field(default_factory=dict)
    states: list[dict[str, str]] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def ended_well(story: Story, name: str, run: Run) -> None:
    """Keep a run; stop at once when it failed, what comes after would only confuse."""
    story.runs[name] = run
    assert run.code == 0, f"{name}\n{run.text[-6000:]}"


def upgrade(fleet: Fleet, story: Story) -> None:
    """Run the upgrade while clients ask."""
    story.pods = {name: [fleet.pods(name)] for name in CLUSTERS}
    watchers = {name: fleet.watcher(name) for name in CLUSTERS}
    with ExitStack() as stack:
        for watcher in watchers.values():
            stack.enter_context(watcher)
        run = fleet.play("site.yml", 2)
    story.answers = {name: watcher.answers for name, watcher in watchers.items()}
    ended_well(story, "upgrade", run)
    for name in CLUSTERS:
        story.pods[name].append(fleet.pods(name))
        for pod in story.pods[name][-1]:
            story.states.append(states_in_the_end(fleet, name, pod))


def states_in_the_end(fleet: Fleet, name: str, pod: str) -> dict[str, str]:
    """Return what a replica reports; version 1 gets a moment to leave the memory."""
    end = time.monotonic() + UNLOAD_SECONDS
    while True:
        states = fleet.states(name, pod)
        if states.get("1") == "END" or time.monotonic() > end:
            return states
        time.sleep(0.5)


def seen(fleet: Fleet, look: Callable[..., Snapshot]) -> dict[str, Snapshot]:
    """Return what is in the namespace of each cluster."""
    return {name: look(fleet.clusters[name], fleet.namespace) for name in CLUSTERS}


def left_on_nodes(fleet: Fleet, namespace: str) -> list[str]:
    """Return what is left of the model in the nodes' directories."""
    factory, left = fleet.clusters["factory"], []
    for node in factory.nodes():
        volume = {"hostPath": {"path": HOST_ROOT}}
        with factory.visitor(namespace, volume, node=node, uid=0) as visitor:
            left += visitor.sh(f"find /store -path '*{fleet.model}*'").split()
    return left


@pytest.fixture(scope="module")
def story(fleet: Fleet, factory: Any, space: Callable[..., str]) -> Story:
    told = Story()
    ended_well(told, "prediction", fleet.play("site.yml", 1, "--check", "--diff"))
    told.made_by_prediction = [name for name in CLUSTERS if fleet.exists(name)]
    ended_well(told, "first", fleet.play("site.yml", 1))
    ended_well(told, "second", fleet.play("site.yml", 1))
    before = seen(fleet, idle)
    ended_well(told, "upgrade prediction", fleet.play("site.yml", 2, "--check", "--diff"))
    for name, snapshot in before.items():
        after = settled(fleet.clusters[name], fleet.namespace, snapshot)
        told.moved_by_prediction[name] = changes(snapshot, after)
    upgrade(fleet, told)
    ended_well(told, "after upgrade", fleet.play("site.yml", 2))
    everything = {"model_repository_models": [{"name": fleet.model, "versions": []}]}
    with fleet.watcher("shop") as watcher:
        ended_well(told, "teardown", fleet.play("teardown.yml", 2, **everything))
    told.answers["teardown"] = watcher.answers
    told.left = [name for name in CLUSTERS if fleet.exists(name)]
    told.left += left_on_nodes(fleet, space(factory, "privileged"))
    ended_well(told, "teardown again", fleet.play("teardown.yml", 2, **everything))
    return told


def test_the_prediction_before_the_first_run(story: Story, fleet: Fleet) -> None:
    run = story.runs["prediction"]
    assert story.made_by_prediction == []
    assert run.changed == story.runs["first"].changed == dict.fromkeys(CLUSTERS, 3)
    assert f"Namespace {fleet.namespace}" in run.text
    assert "kind: PersistentVolumeClaim" in run.text and f"+  name: {fleet.namespace}" in run.text


def test_the_first_run_serves_the_models_everywhere(story: Story, fleet: Fleet) -> None:
    run = story.runs["first"]
    assert run.changed == {"factory": 3, "shop": 3}, "namespace, models, server"
    for name, replicas in (("factory", len(fleet.clusters["factory"].nodes())), ("shop", 1)):
        (gate,) = [event for event in run.of(name) if event.action.endswith("model_status")]
        states = [(row["version"], row["state"]) for row in gate.result["statuses"]]
        assert states == [(1, "AVAILABLE")] * replicas


@pytest.mark.parametrize("name", ["second", "after upgrade", "teardown again"])
def test_a_second_run_changes_nothing(name: str, story: Story) -> None:
    assert story.runs[name].changed == {"factory": 0, "shop": 0}, story.runs[name].text


def test_the_prediction_of_the_upgrade(story: Story, fleet: Fleet) -> None:
    run = story.runs["upgrade prediction"]
    assert story.moved_by_prediction == {"factory": [], "shop": []}
    assert run.changed == story.runs["upgrade"].changed == {"factory": 2, "shop": 2}
    assert f"+  {fleet.model}/2: 2 files" in run.text, "the copy"
    config = run.text.split(f"updated ConfigMap {fleet.namespace}/ovms-config")
    assert len(config) == 1 + 2 * len(CLUSTERS), "each diff names it before and after"
    assert re.search(r"^- +1$\n\+ +2$", config[-1], re.M), "the configuration"


def test_version_1_is_retired_without_a_restart(story: Story) -> None:
    assert story.states and all(states == {"1": "END", "2": "AVAILABLE"} for states in story.states)
    for before, after in story.pods.values():
        assert before and before == after
        assert all(restarts == 0 for _uid, restarts in after.values())


@pytest.mark.parametrize("name", CLUSTERS)
def test_clients_saw_no_outage_during_the_upgrade(name: str, story: Story) -> None:
    answers = story.answers[name]
    assert len(answers) > 20
    assert [answer for answer in answers if answer.status != 200] == []
    relu, absolute = (0.0, 0.0, 1.0, 2.0), (2.0, 1.0, 1.0, 2.0)
    for target in {answer.target for answer in answers}:
        own = [(answer.version, answer.values) for answer in answers if answer.target == target]
        steps = [step for step, _group in groupby(own)]
        if target.startswith("pods/"):
            assert steps == [("1", relu), ("2", absolute)], target
        else:
            assert set(steps) == {("1", relu), ("2", absolute)}, target
            assert own[-1] == ("2", absolute)


def test_the_client_does_see_an_outage(story: Story) -> None:
    statuses = [answer.status for answer in story.answers["teardown"]]
    assert statuses[0] == 200 and statuses[-1] != 200


def test_the_teardown_leaves_nothing(story: Story) -> None:
    assert story.left == []
    assert all(count >= 2 for count in story.runs["teardown"].changed.values())
