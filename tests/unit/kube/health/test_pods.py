# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a pod does not run: one case per trouble a person may meet."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.pods import (
    CREATE_GRACE,
    MOUNT_GRACE,
    PULL_GRACE,
    SCHEDULE_GRACE,
    creation_trouble,
    deadline_trouble,
    is_ready,
    pod_trouble,
)

from ..objects import event, pod, ready, terminated, waiting


def unschedulable(message: str) -> dict[str, Any]:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    return pod(conditions=[condition])


def test_nothing_is_wrong() -> None:
    assert pod_trouble(pod()) is None
    assert pod_trouble(pod(containerStatuses=[waiting("ContainerCreating")])) is None
    assert pod_trouble(pod(containerStatuses=[waiting("PodInitializing")])) is None
    assert pod_trouble(ready()) is None
    gate = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
    assert pod_trouble(pod(conditions=[gate])) is None
    finished = {"name": "init", "state": terminated(0, "Completed")}
    assert pod_trouble(pod(initContainerStatuses=[finished])) is None


@pytest.mark.parametrize(
    ("reason", "text", "hint", "grace"),
    [
        ("ImagePullBackOff", "Back-off: not found", "Check name and tag", 0),
        ("ImagePullBackOff", "401 Unauthorized", "image_pull_secrets", 0),
        ("ImagePullBackOff", "dial tcp: connection refused", "registry and network", 0),
        ("ErrImagePull", "manifest unknown", "Check name and tag", PULL_GRACE),
        ("ErrImageNeverPull", "is not present with pull policy of Never", "Load the image", 0),
        ("InvalidImageName", "couldn't parse", "HOST/NAME:TAG", 0),
    ],
)
def test_image(reason: str, text: str, hint: str, grace: float) -> None:
    trouble = pod_trouble(pod(containerStatuses=[waiting(reason, text)]))
    assert trouble is not None
    assert (trouble.reason, trouble.fatal, trouble.grace) == (reason, True, grace)
    assert "pod p, container ovms: image localhost/ovms:1 cannot be had" in trouble.message
    assert hint in trouble.hint
    assert str(trouble).endswith(f"{trouble.hint}.")


@pytest.mark.parametrize("about", ["localhost/ovms:1", "registry.example/models:1"])
def test_an_image_that_is_a_volume_is_named(about: str) -> None:
    text = f'failed to pull and unpack image "{about}": not found'
    broken = pod(containerStatuses=[waiting("ErrImagePull", text)])
    reference = {"name": "models", "image": {"reference": "registry.example/models:1"}}
    broken["spec"] = {"volumes": [{"name": "tmp", "emptyDir": {}}, reference]}
    trouble = pod_trouble(broken)
    assert trouble is not None and f"image {about} cannot be had" in trouble.message


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ('0/1 nodes are available: persistentvolumeclaim "m" not found.', "claim_name"),
        ("pod has unbound immediate PersistentVolumeClaims.", "StorageClass"),
        ("1 node(s) had volume node affinity conflict", "another node"),
        ("1 node(s) didn't match Pod's node affinity/selector", "node_selector"),
        ("1 node(s) had untolerated taint {a: b}", "toleration"),
        ("1 Insufficient memory", "Lower resources"),
        ("no nodes available to schedule pods", "no node that is ready"),
        ("something new", "Compare"),
    ],
)
def test_unschedulable(message: str, hint: str) -> None:
    trouble = pod_trouble(unschedulable(message))
    assert trouble is not None
    assert (trouble.reason, trouble.grace) == ("Unschedulable", SCHEDULE_GRACE)
    assert not trouble.message.endswith(".")
    assert hint in trouble.hint


def test_crash_loop() -> None:
    status = waiting("CrashLoopBackOff", lastState=terminated(137))
    trouble = pod_trouble(pod(containerStatuses=[status]))
    assert trouble is not None
    assert (trouble.reason, trouble.fatal, trouble.container) == ("Crash", True, "ovms")
    assert "exit code 137 (SIGKILL)" in trouble.message
    assert "last log lines" in trouble.hint


def test_first_crash_may_pass() -> None:
    """A container that is started again is not given up at once, one of a Job is."""
    crashed = pod(containerStatuses=[{"name": "ovms", "state": terminated(2, message="a\nbad")}])
    trouble = pod_trouble(crashed)
    assert trouble is not None
    assert not trouble.fatal
    assert trouble.message.endswith("exit code 2: bad")
    crashed["spec"]["restartPolicy"] = "Never"
    trouble = pod_trouble(crashed)
    assert trouble is not None
    assert trouble.fatal


def test_running_again_after_a_crash() -> None:
    status = {"name": "ovms", "state": {"running": {}}, "lastState": terminated(1)}
    assert pod_trouble(pod(containerStatuses=[status])) is None


def test_out_of_memory() -> None:
    status = waiting("CrashLoopBackOff", lastState=terminated(137, "OOMKilled"))
    trouble = pod_trouble(pod(containerStatuses=[status]))
    assert trouble is not None
    assert trouble.reason == "OOMKilled"
    assert "limits.memory" in trouble.hint


def test_init_container() -> None:
    status = {**waiting("CrashLoopBackOff", lastState=terminated(1)), "name": "prepare"}
    trouble = pod_trouble(
        pod(initContainerStatuses=[status], containerStatuses=[waiting("PodInitializing")])
    )
    assert trouble is not None
    assert "init container prepare" in trouble.message
    assert trouble.container == "prepare"


@pytest.mark.parametrize(
    ("reason", "text", "hint"),
    [
        ("CreateContainerConfigError", 'configmap "config" not found', "Create what is named"),
        ("CreateContainerConfigError", "has runAsNonRoot and image will run as root", "a uid"),
        ("CreateContainerError", "no command specified", "Check the image"),
        ("RunContainerError", "exec: ovms: not found", "Check the image"),
    ],
)
def test_container_that_cannot_be_made(reason: str, text: str, hint: str) -> None:
    trouble = pod_trouble(pod(containerStatuses=[waiting(reason, text)]))
    assert trouble is not None
    assert (trouble.reason, trouble.fatal, trouble.grace) == (reason, True, CREATE_GRACE)
    assert text in trouble.message
    assert hint in trouble.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hostPath type check failed: /models is not a directory", "missing on that node"),
        ('configmap "config" not found', "Create what is named"),
        ("Multi-Attach error for volume", "ReadWriteMany"),
        ("timed out", "its driver"),
    ],
)
def test_mount(text: str, hint: str) -> None:
    events = [event("FailedMount", text), event("Scheduled", when="2026-01-01T00:00:01Z")]
    trouble = pod_trouble(pod(), events)
    assert trouble is not None
    assert (trouble.reason, trouble.grace) == ("FailedMount", MOUNT_GRACE)
    assert hint in trouble.hint


def test_events_that_do_not_count() -> None:
    failed = event("FailedMount", "x")
    later = event("Pulling", when="2026-01-01T00:00:11Z")
    assert pod_trouble(pod(), [failed, later]) is None
    assert pod_trouble(pod(), [event("FailedMount", "x", name="other")]) is None
    assert pod_trouble(pod(), [event("FailedMount", "x", uid="older pod")]) is None
    running = pod(containerStatuses=[{"name": "c", "state": {"running": {}}}])
    assert pod_trouble(running, [failed]) is None


def test_sandbox() -> None:
    trouble = pod_trouble(pod(), [event("FailedCreatePodSandBox", "network: no address")])
    assert trouble is not None
    assert "network: no address" in trouble.message


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        ({"reason": "DeadlineExceeded", "message": "x"}, "DeadlineExceeded", "activeDeadline"),
        ({"reason": "Evicted", "message": "low on disk"}, "Evicted", "low on disk"),
        ({"reason": "NodeLost", "message": "gone"}, "NodeLost", "gone"),
        ({"containerStatuses": [{"name": "c", "state": terminated(3)}]}, "Crash", "code 3"),
        ({}, "Failed", "failed"),
    ],
)
def test_failed_pod(status: dict[str, Any], reason: str, text: str) -> None:
    trouble = pod_trouble(pod(phase="Failed", **status))
    assert trouble is not None
    assert trouble.reason == reason
    assert text in trouble.message


def replica_set(*conditions: dict[str, Any]) -> dict[str, Any]:
    meta = {"name": "ovms-1", "uid": "rs-1"}
    return {"kind": "ReplicaSet", "metadata": meta, "status": {"conditions": list(conditions)}}


@pytest.mark.parametrize(
    ("message", "reason", "text"),
    [
        (
            'pods "x" is forbidden: exceeded quota: q, requested: pods=1',
            "Quota",
            "Raise the ResourceQuota",
        ),
        (
            'pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes',
            "PodSecurity",
            "pod-security.kubernetes.io/enforce=privileged; or use a pvc",
        ),
        (
            'pods "x" is forbidden: unable to validate against any security context constraint: '
            "[.containers[0].runAsUser: Invalid value: 5000: must be in the ranges: [1, 2]]",
            "Constraint",
            "Leave out user and group ids",
        ),
        ('error looking up service account n/x: serviceaccount "x" not found', "FailedCreate", ""),
        ("webhook says no", "FailedCreate", "webhook says no"),
    ],
)
def test_pods_that_admission_refuses(message: str, reason: str, text: str) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}
    job = {"kind": "Job", "metadata": {"name": "j", "uid": "job-1"}}
    about = {"kind": "Job", "name": "j", "uid": "job-1"}
    for trouble in (
        creation_trouble(replica_set(condition)),
        creation_trouble(job, [event("FailedCreate", message, **about)]),
    ):
        assert trouble is not None
        assert trouble.reason == reason
        assert text in str(trouble)
        assert trouble.fatal
    assert creation_trouble(replica_set()) is None


def test_progress_deadline() -> None:
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": "timed out",
    }
    deployment = {"kind": "Deployment", "metadata": {"name": "d"}, "status": {}}
    assert deadline_trouble(deployment) is None
    deployment["status"] = {"conditions": [condition]}
    trouble = deadline_trouble(deployment)
    assert trouble is not None
    assert "Deployment d made no progress: timed out" in trouble.message


def test_ready() -> None:
    assert is_ready(ready())
    assert not is_ready(pod())
    leaving = ready()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not is_ready(leaving)
