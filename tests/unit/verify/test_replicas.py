# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods count."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import (
    Target,
    current_fleet,
    find_fleet,
    fleet_on_nodes,
    replicas_of,
)

Obj = Dict[str, Any]


def deployment(**changes: Any) -> Obj:
    item: Obj = {
        "metadata": {
            "name": "ovms",
            "uid": "d1",
            "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "ovms", "a": "b"}}},
        "status": {"observedGeneration": 3},
    }
    item["status"].update(changes)
    return item


def replica_set(revision: str, template: str, owner: str = "d1") -> Obj:
    return {
        "metadata": {
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "labels": {"pod-template-hash": template},
            "ownerReferences": [{"uid": owner}],
        }
    }


def pod(name: str, template: str = "new", phase: str = "Running", **metadata: Any) -> Obj:
    return {
        "metadata": {"name": name, "labels": {"pod-template-hash": template}, **metadata},
        "spec": {
            "nodeName": "n1",
            "containers": [
                {"name": "side", "ports": [{"containerPort": 9}]},
                {"name": "ovms", "ports": [{"containerPort": 8081}]},
            ],
        },
        "status": {"phase": phase, "containerStatuses": []},
    }


SETS = [replica_set("1", "old"), replica_set("2", "new"), replica_set("2", "x", owner="other")]


def names(sets: List[Obj], pods: List[Obj], item: Optional[Obj] = None) -> List[str]:
    fleet = current_fleet(item or deployment(), sets, pods, 8081)
    return [replica.name for replica in fleet.replicas]


def test_only_pods_of_the_current_generation_that_live() -> None:
    pods = [
        pod("b"),
        pod("a"),
        pod("old", "old"),
        pod("foreign", "x"),
        pod("going", deletionTimestamp="2026-01-01T00:00:00Z"),
        pod("evicted", phase="Failed"),
        pod("done", phase="Succeeded"),
    ]
    assert names(SETS, pods) == ["a", "b"]


def test_nothing_counts_before_the_controller_saw_the_change() -> None:
    late = deployment(observedGeneration=2)
    fleet = current_fleet(late, SETS, [pod("a")], 8081)
    assert (fleet.expected, fleet.replicas) == (2, ())
    assert "not acted on" in fleet.note


def test_a_rolled_back_deployment_counts_the_old_set_again() -> None:
    sets = [replica_set("3", "old"), replica_set("2", "new")]
    item = deployment()
    item["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    assert names(sets, [pod("a", "old"), pod("b")], item) == ["a"]


def test_quota_is_told() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q"}
    fleet = current_fleet(deployment(conditions=[failure]), SETS, [pod("a")], 8081)
    assert "exceeded quota: q" in fleet.note


def test_the_container_with_the_port_and_the_node() -> None:
    replica = current_fleet(deployment(), SETS, [pod("a")], 8081).replicas[0]
    assert (replica.container, replica.node) == ("ovms", "n1")
    assert current_fleet(deployment(), SETS, [pod("a")], 1).replicas[0].container == "side"


def test_a_pod_without_an_address_says_that_it_has_not_started() -> None:
    waiting = pod("late", phase="Pending")
    state = {"waiting": {"reason": "ContainerCreating"}}
    waiting["status"]["containerStatuses"] = [{"name": "ovms", "state": state}]
    (replica,) = replicas_of([waiting], 8081)
    assert replica.trouble is not None and not replica.trouble.fatal
    assert replica.trouble.message == "pod late has not started on node n1 (ContainerCreating)"
    waiting["status"]["podIP"] = "10.0.0.1"
    assert replicas_of([waiting], 8081)[0].trouble is None


@pytest.mark.parametrize(
    ("args", "poll"),
    [
        ([], 1.0),
        (["--file_system_poll_wait_seconds", "20", "--port", "1"], 20.0),
        (["--file_system_poll_wait_seconds=0"], 0.0),
        (["--file_system_poll_wait_seconds"], 1.0),
    ],
)
def test_how_often_a_server_looks_is_read_from_its_arguments(args: List[str], poll: float) -> None:
    made = pod("a")
    for container in made["spec"]["containers"]:
        container["args"] = args if container["name"] == "ovms" else ["x"]
    assert current_fleet(deployment(), SETS, [made], 8081).replicas[0].poll == poll


def daemon_set(**changes: Any) -> Obj:
    return {
        "metadata": {"name": "ovms", "uid": "s1", "generation": 4},
        "spec": {"selector": {"matchLabels": {"app": "ovms"}}},
        "status": {"observedGeneration": 4, "desiredNumberScheduled": 2, **changes},
    }


def revision(number: int, digest: str, owner: str = "s1") -> Obj:
    labels = {"controller-revision-hash": digest}
    return {
        "metadata": {"labels": labels, "ownerReferences": [{"uid": owner}]},
        "revision": number,
    }


def on_node(name: str, digest: str, owner: str = "s1") -> Obj:
    labels = {"controller-revision-hash": digest}
    return pod(name, labels=labels, ownerReferences=[{"uid": owner}])


REVISIONS = [revision(2, "new"), revision(1, "old"), revision(9, "x", owner="other")]


def test_the_newest_revision_of_a_daemon_set_counts() -> None:
    pods = [on_node("b", "new"), on_node("a", "old"), on_node("x", "new", owner="other")]
    fleet = fleet_on_nodes(daemon_set(), REVISIONS, pods, 8081)
    assert (fleet.expected, [replica.name for replica in fleet.replicas]) == (2, ["b"])
    late = fleet_on_nodes(daemon_set(observedGeneration=3), REVISIONS, pods, 8081)
    assert late.replicas == () and "not acted on" in late.note
    assert fleet_on_nodes(daemon_set(desiredNumberScheduled=0), REVISIONS, [], 8081).expected == 1


def test_a_daemon_set_is_found_where_there_is_no_deployment() -> None:
    client: Any = FakeClient(None, [on_node("a", "new")])
    client.daemon_sets = [daemon_set()]
    fleet = find_fleet(client, Target("edge", name="ovms"))
    assert [replica.name for replica in fleet.replicas] == ["a"]
    client.daemon_sets = None
    with pytest.raises(InputError, match="no such Deployment, and no DaemonSet"):
        find_fleet(client, Target("edge", name="ovms"))


def test_a_deployment_that_was_read_just_now_is_not_read_again() -> None:
    client: Any = FakeClient(None, [pod("a")])
    fleet = find_fleet(client, Target("edge", name="ovms"), deployment())
    assert [replica.name for replica in fleet.replicas] == ["a"]


@pytest.mark.parametrize(
    ("suffix", "label"),
    [("-ovms", "release"), ("-predictor", "serving.kserve.io/inferenceservice")],
)
def test_what_a_controller_made_of_a_server_is_found_by_its_label(suffix: str, label: str) -> None:
    client: Any = FakeClient(None, [pod("a")])
    client.named = {f"edge{suffix}": deployment()}
    with pytest.raises(InputError, match="no such Deployment"):
        find_fleet(client, Target("edge", name="edge"))
    client.named[f"edge{suffix}"]["metadata"]["labels"] = {label: "edge"}
    fleet = find_fleet(client, Target("edge", name="edge"))
    assert [replica.name for replica in fleet.replicas] == ["a"]


class FakeClient:
    """Answers from lists, remembers the selectors."""

    def __init__(self, found: Optional[Obj], pods: List[Obj]) -> None:
        self.found = found
        self.pods = pods
        self.asked: List[Any] = []
        self.daemon_sets: Optional[List[Obj]] = []
        self.named: Dict[str, Obj] = {}

    def get(self, _api: str, _kind: str, name: str, *_args: Any) -> Optional[Obj]:
        return self.named.get(name, self.found)

    def list(
        self,
        _api: str,
        kind: str,
        namespace: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Any:
        self.asked.append((kind, namespace, label_selector or field_selector))
        if kind == "DaemonSet":
            if self.daemon_sets is None:
                raise ForbiddenError("may not list DaemonSet")
            return self.daemon_sets, "1"
        lists = {"ReplicaSet": SETS, "ControllerRevision": REVISIONS}
        return lists.get(kind, self.pods), "1"


def test_find_by_name_uses_the_selector_of_the_deployment() -> None:
    client: Any = FakeClient(deployment(), [pod("a")])
    fleet = find_fleet(client, Target("edge", name="ovms"))
    assert fleet.expected == 2
    assert client.asked == [("ReplicaSet", "edge", "a=b,app=ovms"), ("Pod", "edge", "a=b,app=ovms")]
    assert find_fleet(client, Target("edge", name="ovms", replicas=5)).expected == 5


def test_find_by_labels_counts_what_is_there() -> None:
    client: Any = FakeClient(None, [pod("a"), pod("b", "old")])
    assert find_fleet(client, Target("edge", label_selector="x=y")).expected == 2
    assert find_fleet(client, Target("edge", label_selector="x=y", replicas=1)).expected == 1
    client.pods = []
    assert find_fleet(client, Target("edge", label_selector="x=y")).expected == 0


def test_a_missing_deployment_names_the_option() -> None:
    client: Any = FakeClient(None, [])
    with pytest.raises(InputError, match=r"name: Deployment edge/ovms: .*model_server first"):
        find_fleet(client, Target("edge", name="ovms"))
