# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rollout is, and what servers report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.status.progress import (
    complete,
    ready_pods,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status.reported import (
    judge,
    reported,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status.wait import judge_rollout


def pod(name: str, *, ready: bool = True, leaving: bool = False) -> Any:
    metadata: dict[str, Any] = {"name": name}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    condition = {"type": "Ready", "status": str(ready)}
    return {"metadata": metadata, "status": {"conditions": [condition]}}


def test_ready_pods() -> None:
    pods = [pod("b"), pod("a"), pod("c", ready=False), pod("d", leaving=True)]
    assert [item["metadata"]["name"] for item in ready_pods(pods)] == ["a", "b"]


def deployment(observed: int = 2, **status: int) -> Any:
    counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    return {
        "metadata": {"uid": "d", "generation": 2},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": observed, **counts, **status},
    }


def test_complete_at_one_look() -> None:
    assert complete(deployment(), [pod("a")])
    assert not complete(deployment(observed=1), [pod("a")])
    assert not complete(deployment(updatedReplicas=0), [pod("a")])
    assert not complete(deployment(), [pod("a"), pod("b", leaving=True)])
    assert not complete(deployment(), [])


def snapshot(*pods: Any) -> list[list[Any]]:
    return [[deployment()], [], list(pods), []]


def test_a_rollout_is_over_when_old_pods_are_gone() -> None:
    verdict = judge_rollout(snapshot(pod("a")))
    assert verdict.done
    assert verdict.found == [pod("a")]
    still = judge_rollout(snapshot(pod("a"), pod("b", leaving=True)))
    assert not still.done
    assert still.message.endswith("1 terminating")
    # The counts of the Deployment come by another watch, and may be ahead.
    assert not judge_rollout(snapshot(pod("a", ready=False))).done
    assert not judge_rollout(snapshot()).done
    assert not judge_rollout([[deployment(observed=1)], [], [pod("a")], []]).done


def replica_set(image: str) -> Any:
    labels = {"pod-template-hash": image, "a": "b"}
    metadata = {"uid": image, "ownerReferences": [{"uid": "d"}]}
    template = {"metadata": {"labels": labels}, "spec": {"image": image}}
    return {"metadata": metadata, "spec": {"replicas": 1, "template": template}}


def test_the_trouble_of_old_pods_is_not_ours() -> None:
    new = deployment(updatedReplicas=0, availableReplicas=0)
    new["spec"]["template"] = {"metadata": {"labels": {"a": "b"}}, "spec": {"image": "new"}}
    broken = pod("a", ready=False)
    broken["metadata"]["ownerReferences"] = [{"uid": "old"}]
    state = {"waiting": {"reason": "ErrImageNeverPull", "message": "x"}}
    broken["status"]["containerStatuses"] = [{"name": "ovms", "state": state}]
    before = judge_rollout([[new], [replica_set("old")], [broken], []])
    assert before.trouble is None and not before.done
    after = judge_rollout([[new], [replica_set("old"), replica_set("new")], [broken], []])
    assert after.trouble is None
    broken["metadata"]["ownerReferences"] = [{"uid": "new"}]
    ours = judge_rollout([[new], [replica_set("new")], [broken], []])
    assert ours.trouble is not None and ours.trouble.reason == "ErrImageNeverPull"


def body(**models: dict[int, str]) -> bytes:
    def item(version: int, word: str) -> dict[str, Any]:
        state, _slash, code = word.partition("/")
        status = {"error_code": code or "OK", "error_message": code or "OK"}
        return {"version": str(version), "state": state, "status": status}

    return json.dumps(
        {
            name: {"model_version_status": [item(*pair) for pair in versions.items()]}
            for name, versions in models.items()
        }
    ).encode()


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({1: "AVAILABLE"}, "pending"),
        ({1: "AVAILABLE", 2: "LOADING"}, "adopted"),
        ({1: "AVAILABLE", 2: "LOADING/UNKNOWN"}, "adopted"),
        ({1: "UNLOADING", 2: "AVAILABLE"}, "adopted"),
        ({1: "END", 2: "AVAILABLE"}, "adopted"),
        ({1: "END", 2: "LOADING/UNKNOWN"}, "adopted"),
        ({1: "AVAILABLE", 2: "AVAILABLE"}, "pending"),
        ({1: "AVAILABLE", 2: "END"}, "pending"),
        ({1: "END"}, "empty"),
        ({}, "empty"),
    ],
)
def test_adopted_version_two(states: dict[int, str], expected: str) -> None:
    assert judge(reported(body(m=states)), {"m": (2,)}) == expected


def test_adopted_removal_of_a_model() -> None:
    wanted = {"a": (1,)}
    assert judge(reported(body(a={1: "AVAILABLE"}, b={1: "END"})), wanted) == "adopted"
    assert judge(reported(body(a={1: "AVAILABLE"}, b={1: "AVAILABLE"})), wanted) == "pending"
    assert judge(reported(b"{}"), {}) == "adopted"


@pytest.mark.parametrize("junk", [b"", b"[]", b"<html>", b'{"m": 1}', b'{"m": {}}'])
def test_another_program_on_the_port(junk: bytes) -> None:
    assert reported(junk) is None
    assert judge(reported(junk), {}) == "pending"


def test_a_pod_that_ended_counts_only_as_long_as_it_is_leaving() -> None:
    workload = {
        "kind": "Deployment",
        "metadata": {"name": "ocr", "generation": 1},
        "spec": {"replicas": 1},
        "status": {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
        },
    }
    refused = {"metadata": {"name": "old"}, "status": {"phase": "Failed"}}
    ending = {**pod("old", leaving=True), "status": {"phase": "Succeeded"}}
    assert complete(workload, [pod("new"), refused])
    assert not complete(workload, [pod("new"), ending])
    assert judge_rollout([[workload], [], [pod("new"), refused], []]).done
    assert not judge_rollout([[workload], [], [pod("new"), ending], []]).done
