# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the helper of a claim runs as, on Kubernetes and on OpenShift."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.health import openshift
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.ownership import (
    expected_ownership,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.users import Ids
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.helper import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import checks
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_job import (
    Program,
    render_job,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore, PvcStore

from ...fakes.cluster import HelperCluster

STORE = PvcStore("ns", "claim")
PROGRAM = Program("python", ("python3",), {}, {})
PROJECT = {openshift.UID_RANGE_ANNOTATION: "1000680000/10000"}
GROUPS = {**PROJECT, openshift.GROUPS_ANNOTATION: "1000700000/10000"}


def cluster_of(annotations: dict[str, str], **options: Any) -> HelperCluster:
    cluster = HelperCluster(**options)
    cluster.add("Namespace", "ns", metadata={"annotations": annotations})
    claim = {"accessModes": ["ReadWriteOnce"]}
    cluster.add("PersistentVolumeClaim", "claim", spec=claim, status={"phase": "Bound"})
    return cluster


def context_of(cluster: HelperCluster, **ids: Any) -> dict[str, Any]:
    """Return the security context of the helper's pod."""
    (target,) = checks.find_targets(cluster, STORE, [], **ids)  # type: ignore[arg-type]
    job = render_job("x", target, HelperOptions("python", "ovms", **ids), PROGRAM)
    context: dict[str, Any] = job["spec"]["template"]["spec"]["securityContext"]
    assert context.pop("seccompProfile") == {"type": "RuntimeDefault"}
    assert (context.pop("fsGroupChangePolicy", "") == "OnRootMismatch") is ("fsGroup" in context)
    return context


@pytest.mark.parametrize(
    ("annotations", "ids", "wanted"),
    [
        ({}, {}, (5000, 5000, 5000)),
        ({}, {"uid": 7}, (7, 5000, 5000)),
        ({}, {"gid": 0}, (5000, 0, None)),
        (PROJECT, {}, (1000680000, None, 1000680000)),
        (GROUPS, {}, (1000680000, None, 1000700000)),
        (GROUPS, {"uid": 7}, (7, None, 1000700000)),
        (GROUPS, {"gid": 8}, (1000680000, 8, 8)),
        (GROUPS, {"uid": 7, "gid": 8}, (7, 8, 8)),
    ],
)
def test_what_was_given_counts_then_the_namespace(
    annotations: dict[str, str], ids: dict[str, int], wanted: tuple[int | None, ...]
) -> None:
    cluster = cluster_of(annotations)
    context = context_of(cluster, **ids)
    assert context.pop("runAsNonRoot") is True
    names = ("runAsUser", "runAsGroup", "fsGroup")
    assert context == {key: value for key, value in zip(names, wanted) if value is not None}
    assert cluster.asked == [] and cluster.calls.count("get Namespace") == 1


def test_where_the_namespace_cannot_be_read_the_cluster_tells_and_decides() -> None:
    hidden: dict[str, Any] = {"unreadable": ("Namespace",)}
    plain = cluster_of({}, **hidden)
    assert context_of(plain)["runAsUser"] == 5000
    assert plain.asked == [openshift.API_VERSION]
    served = (openshift.API_VERSION,)
    assert context_of(cluster_of({}, served=served, **hidden)) == {"runAsNonRoot": True}
    given = cluster_of({}, served=served, **hidden)
    assert context_of(given, uid=7, gid=8)["runAsUser"] == 7 and given.asked == []


def test_host_paths_keep_the_user_of_the_server_image() -> None:
    cluster = cluster_of(PROJECT)
    labels = {"kubernetes.io/hostname": "n"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    cluster.add("Node", "n", metadata={"labels": labels}, status=ready)
    store = HostPathStore("ns", "/data")
    (target,) = checks.find_targets(cluster, store, [])  # type: ignore[arg-type]
    assert target.ids is None and cluster.asked == []
    assert HelperOptions("python", "ovms").owner == (5000, 5000)


def test_owners_that_the_cluster_chose_are_no_fault() -> None:
    def faults(ids: Ids | None) -> list[bool]:
        expected = expected_ownership(STORE, (5000, 5000), ids)
        return [bool(expected.owner_fault(uid, 1)) for uid in (5000, 1000680000)]

    assert faults(None) == [False, True]
    assert faults(Ids(1000680000, None, 1000680000)) == [True, False]
    assert faults(Ids()) == [False, False]
