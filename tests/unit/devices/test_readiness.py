# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting devices, and saying what is in the way."""

from __future__ import annotations

from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.devices.entry import describe, totals
from ansible_collections.openvino.edge.plugins.module_utils.devices.readiness import Wanted, judge
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.devices import (
    GPU_I915,
    GPU_XE,
    explain,
    holders,
    offer_of,
    pod_request,
    shortage,
)
from hypothesis import given
from hypothesis import strategies as st


def node(name: str, capacity: Any = None, allocatable: Any = None, **extra: Any) -> dict[str, Any]:
    """A ready node with some i915 devices; None: its kubelet knows no such thing."""
    status: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True"}]}
    if capacity is not None:
        status["capacity"] = {GPU_I915: str(capacity)}
        status["allocatable"] = {GPU_I915: str(capacity if allocatable is None else allocatable)}
    return {
        "metadata": {"name": name, "labels": extra.pop("labels", {})},
        "status": status,
        **extra,
    }


def pod(name: str, where: str, count: int, phase: str = "Running") -> dict[str, Any]:
    limits = {"limits": {GPU_I915: str(count)}, "requests": {GPU_I915: str(count)}}
    return {
        "metadata": {"name": name, "namespace": "edge"},
        "spec": {"nodeName": where, "containers": [{"resources": limits}]},
        "status": {"phase": phase},
    }


def test_a_pod_counts_as_the_scheduler_counts_it() -> None:
    def container(count: int, **more: Any) -> dict[str, Any]:
        return {"resources": {"limits": {GPU_I915: str(count)}}, **more}

    spec: dict[str, Any] = {"containers": [container(1), container(2)]}
    assert pod_request({"spec": spec}, GPU_I915) == 3
    assert pod_request({"spec": {**spec, "initContainers": [container(5)]}}, GPU_I915) == 5
    sidecar = container(1, restartPolicy="Always")
    assert pod_request({"spec": {**spec, "initContainers": [sidecar]}}, GPU_I915) == 4
    both = {**spec, "initContainers": [sidecar, container(4)]}
    assert pod_request({"spec": both}, GPU_I915) == 5
    assert pod_request({"spec": spec}, GPU_XE) == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["Running", "Failed", "Pending"]))))
def test_only_pods_that_have_not_ended_hold(asked: list[tuple[int, str]]) -> None:
    pods = [pod(f"p{i}", "a", count, phase) for i, (count, phase) in enumerate(asked)]
    pods.append(pod("elsewhere", "b", 7))
    offer = offer_of(node("a", 3), GPU_I915, pods)
    held = sum(count for count, phase in asked if phase != "Failed")
    assert offer.allocated == held and offer.free == max(0, 3 - held)
    assert all(item.amount for item in holders(pods, "a", GPU_I915))


def test_what_is_not_known_is_not_made_up() -> None:
    offer = offer_of(node("a", 3), GPU_I915)
    assert offer.allocated is None and offer.free is None
    assert offer.as_dict()["allocatable"] == 3


def test_why_a_node_does_not_offer_enough() -> None:
    def text(item: dict[str, Any], count: int = 1) -> str:
        both = [offer_of(item, resource) for resource in (GPU_I915, GPU_XE)]
        return shortage(both, count) or ""

    assert text(node("a", 2)) == ""
    assert "no device plugin has registered there" in text(node("a"))
    assert "lists no device" in text(node("a", 0))
    assert "none is healthy" in text(node("a", 2, 0))
    assert text(node("a", 2), 3) == f"it offers 2 {GPU_I915}, 3 are needed"


def test_who_has_the_devices() -> None:
    nodes = [node("b"), node("a", 2), node("c", 1), node("d", 1, spec={"unschedulable": True})]
    pods = [pod("ocr", "a", 1), pod("other", "a", 1)]
    assert explain(nodes, pods, GPU_I915, 1) == [
        f"node a: 0 of 2 {GPU_I915} are free, the others have edge/ocr (1), edge/other (1)",
        f"node b: it offers no {GPU_I915}, no device plugin has registered there",
        "node d: it is closed for new pods (cordoned)",
    ]
    assert explain(nodes[1:3], None, GPU_I915, 1) == []


def test_waiting_is_over_when_each_chosen_node_offers_enough() -> None:
    labels = {"gpu": "yes"}
    nodes = [node("a", 1, labels=labels), node("b", 2, labels=labels), node("c")]
    verdict = judge(Wanted((GPU_I915, GPU_XE), labels=labels), [nodes])
    assert verdict.done and verdict.message == "2 of 2 nodes offer devices"
    verdict = judge(Wanted((GPU_I915,), 2, labels), [nodes])
    assert not verdict.done and verdict.trouble and not verdict.trouble.fatal
    assert verdict.trouble.message == f"node a: it offers 1 {GPU_I915}, 2 are needed"
    rows = describe(Wanted((GPU_I915,), labels=labels), nodes, [pod("ocr", "b", 1)])
    assert [row["name"] for row in rows] == ["a", "b"]
    assert rows[1]["holders"] == [
        {"namespace": "edge", "pod": "ocr", "resource": GPU_I915, "count": 1}
    ]
    assert totals(rows, [GPU_I915, GPU_XE]) == {GPU_I915: 3, GPU_XE: 0}


def test_labels_that_nodes_have_are_told_when_none_is_chosen() -> None:
    known = {"intel.feature.node.kubernetes.io/gpu": "true", "kubernetes.io/os": "linux"}
    verdict = judge(Wanted((GPU_I915,), labels={"x": "1"}), [[node("a", labels=known)]])
    assert verdict.trouble is not None
    assert "no node has the labels x=1" in verdict.trouble.message
    assert "intel.feature.node.kubernetes.io/gpu" in verdict.trouble.message
    assert "kubernetes.io/os" not in verdict.trouble.message


def test_a_plugin_pod_that_cannot_run_ends_the_wait() -> None:
    waiting = {"reason": "ErrImageNeverPull", "message": "is not present"}
    broken = pod("plugin", "a", 0, "Pending")
    broken["status"]["containerStatuses"] = [
        {"name": "plugin", "image": "x:1", "state": {"waiting": waiting}}
    ]
    wanted = Wanted((GPU_I915,), plugin_namespace="p", plugin_labels={"app": "x"})
    verdict = judge(wanted, [[node("a")], [broken], []])
    assert verdict.trouble is not None and verdict.trouble.fatal
    assert "x:1" in verdict.trouble.message
    verdict = judge(wanted, [[node("a"), node("b", 1)], [], []])
    assert verdict.trouble is not None and not verdict.trouble.fatal
    assert verdict.trouble.message.endswith("(no pod of the plugin is there)")
