# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits over real objects: done when it is done, and given up with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.wait import (
    wait_deployment,
    wait_job,
)

LABELS = {"app": "d"}
PodSpec = Callable[..., dict[str, Any]]


def deploy(client: KubeClient, namespace: str, spec: dict[str, Any], replicas: int = 1) -> None:
    meta = {"name": "d", "namespace": namespace}
    template = {"metadata": {"labels": LABELS}, "spec": spec}
    body = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    client.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body})


def failure(client: KubeClient, namespace: str, timeout: float = 60) -> WaitError:
    with pytest.raises(WaitError) as caught:
        wait_deployment(client, namespace, "d", timeout, label_selector="app=d")
    return caught.value


def test_rollout(client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec) -> None:
    seen: list[str] = []
    deploy(client, namespace, pod_spec(agent_image, "sleep", "600"), replicas=2)
    found = wait_deployment(
        client, namespace, "d", 60, label_selector="app=d", progress=seen.append
    )
    assert found["status"]["availableReplicas"] == 2
    assert seen[-1] == "2 of 2 replicas available"
    started = time.monotonic()
    wait_deployment(client, namespace, "d", 60, label_selector="app=d")
    assert time.monotonic() - started < 1


def test_image_that_is_nowhere(client: KubeClient, namespace: str, pod_spec: PodSpec) -> None:
    deploy(client, namespace, pod_spec("localhost/no-such-image:1", "x"))
    started = time.monotonic()
    error = failure(client, namespace)
    assert time.monotonic() - started < 30
    assert "image localhost/no-such-image:1 cannot be had" in str(error)


def test_crash_with_its_last_lines(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    script = "echo reading config; echo cannot parse it; exit 3"
    spec = pod_spec(agent_image, "sh", "-c", script)
    spec["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8081}}
    deploy(client, namespace, spec)
    error = failure(client, namespace)
    assert "exit code 3; last log lines: reading config | cannot parse it" in str(error)
    assert error.details["reason"] == "Crash"


def test_crash_of_an_init_container(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    spec = pod_spec(agent_image, "sleep", "600")
    init = {**spec["containers"][0], "name": "prepare", "command": ["sh", "-c", "exit 4"]}
    deploy(client, namespace, {**spec, "initContainers": [init]})
    assert "init container prepare ended with exit code 4" in str(failure(client, namespace))


def test_node_that_is_nowhere(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    spec = pod_spec(agent_image, "sleep", "600", nodeSelector={"no-such": "label"})
    deploy(client, namespace, spec)
    assert "No node fits node_selector" in str(failure(client, namespace))


def test_claim_that_is_missing(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    spec = pod_spec(agent_image, "sleep", "600")
    spec["volumes"].append({"name": "m", "persistentVolumeClaim": {"claimName": "none"}})
    deploy(client, namespace, spec)
    error = failure(client, namespace)
    assert 'persistentvolumeclaim "none" not found' in str(error)
    assert "claim_name" in str(error)


def test_config_map_that_is_missing(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    spec = pod_spec(agent_image, "sleep", "600")
    spec["volumes"].append({"name": "c", "configMap": {"name": "none"}})
    spec["containers"][0]["volumeMounts"].append({"name": "c", "mountPath": "/config"})
    deploy(client, namespace, spec)
    error = failure(client, namespace)
    assert 'configmap "none" not found' in str(error)
    assert error.details["reason"] == "FailedMount"


def test_quota(client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}}}
    client.apply({**quota, "metadata": {"name": "q", "namespace": namespace}})
    deploy(client, namespace, pod_spec(agent_image, "sleep", "600"))
    error = failure(client, namespace)
    assert "exceeded quota: q" in str(error)
    assert error.details["reason"] == "Quota"


def test_pod_security(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    spec = pod_spec(agent_image, "sleep", "600")
    spec["volumes"].append({"name": "m", "hostPath": {"path": "/tmp"}})
    deploy(client, namespace, spec)
    started = time.monotonic()
    error = failure(client, namespace)
    assert time.monotonic() - started < 10
    assert "pod-security.kubernetes.io/enforce=privileged; or use a pvc" in str(error)


def job(namespace: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    meta = {"name": "j", "namespace": namespace}
    body = {"backoffLimit": 0, "template": {"spec": {**spec, "restartPolicy": "Never"}}, **more}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": body}


def test_jobs(client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec) -> None:
    client.apply(job(namespace, pod_spec(agent_image, "true")))
    assert wait_job(client, namespace, "j", 60)["status"]["succeeded"] == 1
    client.delete("batch/v1", "Job", "j", namespace, propagation="Foreground")
    while client.get("batch/v1", "Job", "j", namespace):
        time.sleep(0.2)
    client.apply(job(namespace, pod_spec(agent_image, "sh", "-c", "echo no; exit 5")))
    with pytest.raises(WaitError, match="exit code 5; last log lines: no"):
        wait_job(client, namespace, "j", 60)


def test_job_that_runs_too_long(
    client: KubeClient, namespace: str, agent_image: str, pod_spec: PodSpec
) -> None:
    spec = pod_spec(agent_image, "sleep", "600")
    client.apply(job(namespace, spec, activeDeadlineSeconds=2))
    with pytest.raises(WaitError, match="deadline"):
        wait_job(client, namespace, "j", 60)
