# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On a claim for one node the new pod starts beside the old one, unless something is in the way."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import hold, watch_over
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.successor import why_first
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import Fleet, Replica

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec, rendered
from .conftest import CLAIM, new_pods, run

OTHER = "registry.example/ovms:2"
ROOM: dict[str, Any] = {"resources": {"requests": {"memory": "1Gi"}}}
ONE_MORE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
NODE = {"kind": "Node", "metadata": {"name": "n1"}}


@pytest.fixture
def site(cluster: ServingCluster) -> ServingCluster:
    """A cluster with one node."""
    cluster.add(NODE)
    return cluster


def strategies(cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note the strategy with which the Deployment is sent each time, and whether it is held."""
    seen: list[Any] = []
    real = cluster.apply

    def apply(item: dict[str, Any], **options: Any) -> dict[str, Any]:
        if item["kind"] == "Deployment" and not options.get("dry_run"):
            held = "minReadySeconds" in item["spec"]
            seen.append((item["spec"]["strategy"]["type"], held))
        return real(item, **options)

    monkeypatch.setattr(cluster, "apply", apply)
    return seen


def test_the_new_pod_starts_beside_and_the_strategy_comes_back(
    site: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, **ROOM)
    seen = strategies(site, monkeypatch)
    outcome = run(site, image=OTHER, **ROOM)
    assert seen == [("RollingUpdate", True), ("RollingUpdate", False), ("Recreate", False)]
    assert (outcome.ended_first, outcome.downtime, outcome.prepulled) == ("", None, [])
    live = site.objects["Deployment", "ocr"]
    assert live["spec"]["strategy"] == {"type": "Recreate"}
    assert not run(site, image=OTHER, **ROOM).changed


def test_without_room_old_pods_end_first_with_the_image_there(
    site: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, **ROOM)
    seen = strategies(site, monkeypatch)

    def full(*args: Any, **_: Any) -> Any:
        message = "pod x cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory"
        raise WaitError(message, details={"reason": "Unschedulable"})

    monkeypatch.setattr(hold, "wait_first", full)
    runtime = Runtime()
    outcome = run(site, image=OTHER, runtime=runtime, **ROOM)
    assert seen == [("RollingUpdate", True), ("Recreate", False)]
    assert "no room" in outcome.ended_first and outcome.downtime is not None
    assert any("Insufficient memory" in text for text in runtime.warnings)
    monkeypatch.setattr(hold, "wait_first", new_pods)
    assert not run(site, image=OTHER, **ROOM).changed


def test_a_new_pod_that_does_not_start_is_taken_back_and_the_old_one_never_ended(
    site: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, **ROOM)
    seen = strategies(site, monkeypatch)

    def missing(*args: Any, **_: Any) -> Any:
        for key, item in site.objects.items():
            if key[0] == "Pod":
                item["status"] = {}
        raise WaitError("image cannot be had", details={"reason": "ImagePullBackOff"})

    monkeypatch.setattr(hold, "wait_first", missing)
    with pytest.raises(WaitError, match="put back as before: Deployment ocr"):
        run(site, image=OTHER, **ROOM)
    assert seen == [("RollingUpdate", True)], "the rollout was never let go"


def test_a_run_that_was_cut_off_beside_goes_on_there(
    site: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, **ROOM)
    with monkeypatch.context() as patched:

        def cut(*args: Any, **_: Any) -> Any:
            raise KeyboardInterrupt

        patched.setattr(hold, "wait_first", cut)
        with pytest.raises(KeyboardInterrupt):
            run(site, image=OTHER, **ROOM)
    assert site.objects["Deployment", "ocr"]["spec"]["strategy"] == ONE_MORE
    seen = strategies(site, monkeypatch)
    new = Fleet(1, (Replica("ocr-0"),))
    monkeypatch.setattr(watch_over, "find_fleet", lambda client, target: new)
    outcome = run(site, image=OTHER, **ROOM)
    assert seen == [("RollingUpdate", True), ("RollingUpdate", False), ("Recreate", False)]
    assert outcome.prepulled == []
    assert not run(site, image=OTHER, **ROOM).changed


@pytest.mark.parametrize(
    ("options", "modes", "why"),
    [
        (ROOM, ("ReadWriteOnce",), ""),
        ({"resources": {"limits": {"memory": "1Gi"}}}, ("ReadWriteOnce",), ""),
        ({}, ("ReadWriteOnce",), "without resources.requests.memory"),
        (ROOM, ("ReadWriteOncePod",), "ReadWriteOncePod lets one pod use it"),
        (ROOM, (), "may be for one node"),
        ({**ROOM, "strategy": "Recreate"}, ("ReadWriteOnce",), "strategy is Recreate"),
        ({**ROOM, "strategy": "RollingUpdate"}, ("ReadWriteOnce",), ""),
        (ROOM, ("ReadWriteMany",), ""),
        ({"resources": {"limits": {"gpu.intel.com/i915": 1}}}, ("ReadWriteOnce",), "devices"),
        ({**ROOM, "rolling_update": {"max_unavailable": "1"}}, ("ReadWriteOnce",), "takes a pod"),
        ({**ROOM, "workload": "DaemonSet"}, ("ReadWriteOnce",), "each node of a DaemonSet"),
        (
            {**ROOM, "pod_overrides": {"spec": {"hostNetwork": True}}},
            ("ReadWriteOnce",),
            "ports of the nodes",
        ),
    ],
)
def test_why_old_pods_end_first(
    site: ServingCluster, options: dict[str, Any], modes: tuple[str, ...], why: str
) -> None:
    spec, facts = make_spec(**options), ClusterFacts(modes)
    objects = rendered(spec, facts)
    item = next(each for each in objects if each["kind"] in ("Deployment", "DaemonSet"))
    said = why_first(site, spec, facts, CLAIM, item)  # type: ignore[arg-type]
    assert said == why if not why else why in said


def test_a_volume_that_is_on_no_node_could_be_wanted_on_another_one(site: ServingCluster) -> None:
    spec, facts = make_spec(**ROOM), ClusterFacts(("ReadWriteOnce",))
    item = next(each for each in rendered(spec, facts) if each["kind"] == "Deployment")
    site.add({"kind": "Node", "metadata": {"name": "n2"}})
    claim = {**CLAIM, "spec": {**CLAIM["spec"], "volumeName": "v"}}  # type: ignore[dict-item]

    def said() -> str:
        return why_first(site, spec, facts, claim, item)  # type: ignore[arg-type]

    assert "not bound to a node" in said()
    volume: dict[str, Any] = {"kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {}}
    site.add(volume)
    assert "not bound to a node" in said()
    site.unreadable = ["Node", "PersistentVolume"]
    assert "not bound to a node" in said(), "who may not look does not guess"


@pytest.mark.parametrize(
    ("key", "values", "readable", "bound"),
    [
        ("kubernetes.io/hostname", ["n1"], True, True),
        ("kubernetes.io/hostname", ["n1", "n2"], True, False),
        ("topology.kubernetes.io/zone", ["east"], True, False),
        ("topology.kubernetes.io/zone", ["west"], True, True),
        ("kubernetes.io/hostname", ["n1"], False, True),
        ("kubernetes.io/hostname", ["n1", "n2"], False, False),
        ("topology.kubernetes.io/zone", ["west"], False, False),
    ],
)
def test_a_volume_of_a_zone_with_several_nodes_is_on_none_of_them(
    cluster: ServingCluster, key: str, values: list[str], readable: bool, bound: bool
) -> None:
    for name, zone in (("n1", "east"), ("n2", "east"), ("n3", "west")):
        labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
        cluster.add({"kind": "Node", "metadata": {"name": name, "labels": labels}})
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": values}]}
    affinity = {"required": {"nodeSelectorTerms": [term]}}
    meta = {"name": "v"}
    cluster.add({"kind": "PersistentVolume", "metadata": meta, "spec": {"nodeAffinity": affinity}})
    if not readable:
        cluster.unreadable = ["Node"]
    spec, facts = make_spec(**ROOM), ClusterFacts(("ReadWriteOnce",))
    item = next(each for each in rendered(spec, facts) if each["kind"] == "Deployment")
    claim = {**CLAIM, "spec": {**CLAIM["spec"], "volumeName": "v"}}  # type: ignore[dict-item]
    said = why_first(cluster, spec, facts, claim, item)  # type: ignore[arg-type]
    assert ("not bound to a node" not in said) is bound
