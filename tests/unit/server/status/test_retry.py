# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed before this run is tried again, and old failures are told from new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.pods import pod_trouble
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.workloads import Verdict
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.status.retry import (
    attempts,
    only_news,
    try_again,
)

from ...fakes.cluster import Cluster

WORKLOAD = {"kind": "Deployment", "metadata": {"name": "ocr", "namespace": "edge"}, "spec": {}}


def pod(name: str, reason: str = "", restarts: int = 0) -> dict[str, Any]:
    state: dict[str, Any] = {"waiting": {"reason": reason, "message": "x"}} if reason else {}
    condition = {"type": "Ready", "status": "False" if reason else "True"}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "edge", "uid": name},
        "status": {
            "conditions": [condition],
            "containerStatuses": [{"name": "ovms", "restartCount": restarts, "state": state}],
        },
    }


def failed(count: int, message: str = "Failed to pull image r/o:1", at: str = "1") -> Any:
    return {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "a", "uid": "a"},
        "reason": "Failed",
        "message": message,
        "count": count,
        "lastTimestamp": at,
    }


class Closed(Cluster):
    """A cluster that grants no request of some verbs."""

    closed: Sequence[str] = ("delete",)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """See KubeClient."""
        if "delete" in self.closed:
            raise ForbiddenError("may not delete")
        return super().delete(*args, **kwargs)


def cluster_with(kind: type[Cluster], *pods: dict[str, Any]) -> Cluster:
    made = kind()
    for item in (WORKLOAD, *pods):
        made.add(item)
    return made


def test_a_stuck_pod_is_deleted_one_that_serves_is_not() -> None:
    pods = [pod("a", "ImagePullBackOff"), pod("b"), pod("c", "CrashLoopBackOff")]
    cluster = cluster_with(Cluster, *pods)
    assert try_again(cluster, WORKLOAD, pods, Runtime()) == {}  # type: ignore[arg-type]
    assert cluster.deleted == ["Pod a", "Pod c"]


def test_without_the_right_a_mark_in_the_template_makes_new_pods() -> None:
    pods = [pod("a", "ImagePullBackOff")]
    cluster = cluster_with(Closed, *pods)
    assert try_again(cluster, WORKLOAD, pods, Runtime()) == {}  # type: ignore[arg-type]
    (write,) = cluster.writes()
    assert write.startswith('patch Deployment {"spec": {"template": {"metadata": {"annotations"')


def test_where_another_pod_serves_it_is_waited_for_the_node() -> None:
    pods = [pod("a", "ImagePullBackOff"), pod("b")]
    cluster = cluster_with(Closed, *pods)
    cluster.events = [failed(3)]
    left = try_again(cluster, WORKLOAD, pods, Runtime())  # type: ignore[arg-type]
    assert left == {"a": (0, (("e", 3, "1"),))} and cluster.writes() == []


@pytest.mark.parametrize(
    ("now", "events", "final"),
    [
        (pod("a", "ImagePullBackOff"), [failed(3)], False),
        (pod("a", "ImagePullBackOff"), [failed(3), failed(9, "Error: ImagePullBackOff")], False),
        (pod("a", "ImagePullBackOff"), [failed(4, at="2")], True),
        (pod("a", "CrashLoopBackOff", restarts=1), [failed(3)], True),
        (pod("b", "ImagePullBackOff"), [], True),
    ],
    ids=["as-it-was", "still-waits", "pulled-again", "started-again", "another-pod"],
)
def test_only_a_newer_failure_is_final(now: Any, events: list[Any], final: bool) -> None:
    old = pod("a", "ImagePullBackOff")
    before = {"a": attempts(old, [failed(3)])}
    verdict = Verdict(False, "x", pod_trouble(now), now)
    told = only_news(verdict, events, before)
    assert told.trouble is not None and told.trouble.fatal is final
