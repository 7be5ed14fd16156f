# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers that have stopped, and names that others have: cases 63 and 65."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.follow import Source
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import deploy, removal
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.guard import Guard
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.removal import remove
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import (
    controlled,
    leaving,
    manifests,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import made_by
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import (
    backend as operator,
)

from ...fakes.cluster import ServingCluster
from ..apply.conftest import CLAIM, NAMESPACE
from ..conftest import make_spec

IMAGE = "registry.example/ovms:2026.2.1"
OWNERS = {"operator": "ModelServer", "kserve": "InferenceService"}
BACKENDS = sorted(OWNERS)


class Stopped(ServingCluster):
    """Resources with a finalizer stay when they are deleted, as long as their controller is away;
    what they are made into stays for as long."""

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, **given: Any
    ) -> bool:
        """See KubeClient."""
        found = self.objects.get((kind, name))
        if kind not in OWNERS.values() or found is None or given.get("dry_run"):
            return super().delete(api_version, kind, name, namespace, **given)
        self.calls.append(f"delete {kind}")
        found["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z"
        return True

    def work(self, kind: str) -> None:
        """Let go of the resource that is being deleted."""
        self.objects = {
            key: item
            for key, item in self.objects.items()
            if not (key[0] == kind and "deletionTimestamp" in item["metadata"])
        }

    def make(self, backend: str, kind: str) -> None:
        """Put there what a controller makes of the server."""
        made = made_by(backend, "ocr")
        metadata = {"name": made.deployment, "namespace": "edge", "labels": dict(made.labels)}
        metadata["uid"] = "made"
        self.add({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": {}})

    def drop(self, kind: str) -> None:
        """Take all of a kind away."""
        self.objects = {key: item for key, item in self.objects.items() if key[0] != kind}


def wait_gone(client: Stopped, source: Source, timeout: float, *, what: str) -> None:
    """Look once in the place of waiting."""
    found = client.list(
        source.api_version,
        source.kind,
        source.namespace,
        source.label_selector,
        source.field_selector,
    )[0]
    if found:
        raise WaitError(f"not done within {timeout:g} s: still there", subject=what)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Stopped:
    made = Stopped()
    made.add(CLAIM)
    made.add(NAMESPACE)
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"name": "ocr-made", "uid": "made", "namespace": "edge"}
    pods = [{"metadata": metadata, "spec": {}, "status": ready}]
    monkeypatch.setattr(controlled, "wait_for", lambda *args, **_: pods)
    monkeypatch.setattr(operator.OperatorPods, "_behind_service", lambda *_: [])
    monkeypatch.setattr(leaving, "wait_gone", wait_gone)
    # What the pods serve is none of this file's business.
    monkeypatch.setattr(Guard, "wait", lambda *args, **_: None)
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod")[0]
    )

    def pods_gone(client: Stopped, namespace: str, name: str, timeout: float) -> None:
        labels = f"openvino.edge/server={name}"
        wait_gone(client, Source("v1", "Pod", namespace, labels), timeout, what="pods")

    monkeypatch.setattr(deploy, "wait_pods_gone", pods_gone)
    monkeypatch.setattr(removal, "wait_pods_gone", pods_gone)
    return made


def run(cluster: Stopped, backend: str, *, wait: bool = True, check: bool = False) -> Outcome:
    spec = make_spec(image=IMAGE, backend=backend)
    deployer = Deployer(cluster, spec, Runtime(check_mode=check), Waiting(wait, 10.0))  # type: ignore[arg-type]
    cluster.calls.clear()
    return deployer.present()


def absent(cluster: Stopped, *, wait: bool = True) -> Outcome:
    cluster.calls.clear()
    return remove(cluster, "edge", "ocr", Runtime(), Waiting(wait, 10.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_case_65_no_later_removal_is_green_while_something_is_there(
    cluster: Stopped, backend: str
) -> None:
    owner, record = OWNERS[backend], ("ConfigMap", f"ocr-{backend}")
    run(cluster, backend)
    for kind in ("Deployment", "Pod"):
        cluster.make(backend, kind)
    for _run in range(2):
        with pytest.raises(WaitError, match="has not let go of it within 10 s"):
            absent(cluster)
        assert record in cluster.objects
    cluster.work(owner)
    for kind in ("Deployment", "Pod"):
        with pytest.raises(WaitError, match="still there"):
            absent(cluster)
        assert record in cluster.objects
        cluster.drop(kind)
    assert absent(cluster).changed
    assert cluster.writes()[-1] == "delete ConfigMap"
    assert record not in cluster.objects
    assert not absent(cluster).changed


@pytest.mark.parametrize("backend", BACKENDS)
def test_case_65_without_waiting_the_record_stays_as_long_as_the_resource(
    cluster: Stopped, backend: str
) -> None:
    run(cluster, backend)
    cluster.make(backend, "Deployment")
    assert absent(cluster, wait=False).changed
    assert ("ConfigMap", f"ocr-{backend}") in cluster.objects
    cluster.work(OWNERS[backend])
    absent(cluster, wait=False)
    assert ("ConfigMap", f"ocr-{backend}") in cluster.objects
    cluster.drop("Deployment")
    absent(cluster, wait=False)
    assert ("ConfigMap", f"ocr-{backend}") not in cluster.objects


@pytest.mark.parametrize("backend", BACKENDS)
def test_case_65_no_later_move_is_green_while_something_is_there(
    cluster: Stopped, backend: str
) -> None:
    run(cluster, backend)
    cluster.make(backend, "Pod")
    for _run in range(2):
        with pytest.raises(WaitError, match="has not let go of it") as caught:
            run(cluster, "manifests")
        assert caught.value.details["changed"]
    assert ("Deployment", "ocr") in cluster.objects
    cluster.work(OWNERS[backend])
    with pytest.raises(WaitError, match="still there"):
        run(cluster, "manifests")
    assert ("ConfigMap", f"ocr-{backend}") in cluster.objects
    cluster.drop("Pod")
    assert run(cluster, "manifests").changed
    assert ("ConfigMap", f"ocr-{backend}") not in cluster.objects
    assert not run(cluster, "manifests").changed


@pytest.mark.parametrize("backend", BACKENDS)
def test_case_65_pods_of_ours_that_still_end_are_waited_for_later_too(
    cluster: Stopped, backend: str
) -> None:
    run(cluster, "manifests")
    for _run in range(2):
        with pytest.raises(WaitError, match="still there"):
            run(cluster, backend)
    with pytest.raises(WaitError, match="still there"):
        absent(cluster)
    cluster.drop("Pod")
    with pytest.raises(WaitError, match="has not let go"):
        absent(cluster)


def test_case_65_a_plain_removal_waits_again(cluster: Stopped) -> None:
    run(cluster, "manifests")
    for _run in range(2):
        with pytest.raises(WaitError, match="still there"):
            absent(cluster)
    cluster.drop("Pod")
    assert not absent(cluster).changed


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["Deployment", "Service"])
@pytest.mark.parametrize("release", ["ocr", ""])
@pytest.mark.parametrize("check", [True, False])
def test_case_63_a_name_that_others_have_is_refused(
    cluster: Stopped, backend: str, kind: str, release: str, check: bool
) -> None:
    cluster.make(backend, kind)
    ((key, found),) = [pair for pair in cluster.objects.items() if pair[0][0] == kind]
    found["metadata"]["annotations"] = {"meta.helm.sh/release-name": release} if release else {}
    whose = f"the Helm release '{release}'" if release else "someone else"
    with pytest.raises(InputError, match=f"name: {kind} edge/{key[1]}: it belongs to {whose}"):
        run(cluster, backend, check=check)
    assert cluster.writes() == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_case_63_what_was_made_of_our_own_resource_is_no_reason(
    cluster: Stopped, backend: str
) -> None:
    run(cluster, backend)
    for kind in ("Deployment", "Service"):
        cluster.make(backend, kind)
    cluster.objects[OWNERS[backend], "ocr"]["spec"] = {}
    assert run(cluster, backend).changed


def test_case_63_one_that_is_being_deleted_says_so(cluster: Stopped) -> None:
    cluster.make("operator", "Deployment")
    cluster.objects["Deployment", "ocr-ovms"]["metadata"]["deletionTimestamp"] = "now"
    with pytest.raises(InputError, match="it is being deleted"):
        run(cluster, "operator")
