# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server with a cloud store over its life: made, left alone, rotated, moved away, removed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import render_diff
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import (
    deploy,
    hold,
    removal,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.removal import remove
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec
from .conftest import new_pods

SECRET_KEY = "c3VyZWx5IG5vdCBhIGtleQ"
S3: dict[str, Any] = {
    "uri": "s3://models",
    "endpoint": "minio.storage.svc:9000",
    "access_key_id": "AKIDEDGE",
    "secret_access_key": SECRET_KEY,
}
NAMED: dict[str, Any] = {"uri": "s3://models", "region": "x", "secret_name": "login"}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> ServingCluster:
    monkeypatch.setattr(deploy, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(removal, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod", "edge")[0]
    )
    monkeypatch.setattr(hold, "wait_first", new_pods)
    made = ServingCluster()
    made.add({"kind": "Namespace", "metadata": {"name": "edge", "labels": {}}})
    made.add({"kind": "PersistentVolumeClaim", "metadata": {"name": "models"}, **BOUND})
    return made


BOUND = {
    "spec": {"accessModes": ["ReadWriteOnce"]},
    "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"]},
}


def login(version: str, *keys: str) -> dict[str, Any]:
    """Return an existing Secret."""
    data = dict.fromkeys(keys or ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "eA==")
    metadata = {"name": "login", "namespace": "edge", "resourceVersion": version}
    return {"kind": "Secret", "metadata": metadata, "data": data}


def run(cluster: ServingCluster, runtime: Runtime | None = None, **options: Any) -> Outcome:
    s3 = options.pop("s3", S3)
    spec = make_spec(**{"pvc": None, "cloud": {"s3": s3} if s3 else None, **options})
    runtime = runtime or Runtime()
    cluster.calls.clear()
    outcome = Deployer(cluster, spec, runtime, Waiting(True, 100.0)).present()  # type: ignore[arg-type]
    # Whatever happens, nothing that a person or a log sees has the secret in it.
    shown = json.dumps([render_diff(outcome.changes), runtime.warnings, str(outcome)])
    assert SECRET_KEY not in shown
    assert "NvbnN" not in shown
    return outcome


def done(outcome: Outcome) -> dict[str, str]:
    return {change.kind: change.action for change in outcome.changes}


def test_the_secret_is_there_before_the_pods(cluster: ServingCluster) -> None:
    assert done(run(cluster))["Secret"] == "created"
    writes = cluster.writes()
    assert writes.index("apply Secret") < writes.index("apply Deployment")


def test_an_unchanged_run_sends_nothing(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster)
    assert cluster.writes() == []
    assert not outcome.changed


def test_rotated_keys_replace_the_pods(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster, s3={**S3, "secret_access_key": "another"})
    changed = {kind for kind, action in done(outcome).items() if action == "updated"}
    assert changed == {"Secret", "Deployment"}
    assert outcome.reload == "rolling_restart"
    text = render_diff(outcome.changes)["after"]
    assert "AWS_SECRET_ACCESS_KEY: (hidden, changed)" in text
    assert "AWS_ACCESS_KEY_ID: (hidden)" in text
    assert "salt: (hidden)" in text


def test_check_mode_sends_nothing(cluster: ServingCluster) -> None:
    assert done(run(cluster, Runtime(check_mode=True)))["Secret"] == "created"
    assert cluster.writes() == []


def test_away_from_given_keys(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster, s3=None, pvc={"claim_name": "models"})
    assert done(outcome)["Secret"] == "deleted"
    assert ("Secret", "ocr-credentials") not in cluster.objects
    run(cluster, s3=None, pvc={"claim_name": "models"})
    assert not any("Secret" in call for call in cluster.calls)


def test_removal_takes_the_secret_and_says_nothing_of_it(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = remove(cluster, "edge", "ocr", Runtime(), Waiting(True, 10.0))  # type: ignore[arg-type]
    assert done(outcome)["Secret"] == "deleted"
    text = json.dumps(render_diff(outcome.changes))
    assert "(hidden)" in text
    assert "sha256" not in text
    assert [kind for kind, _name in cluster.objects if kind in ("Secret", "Deployment")] == []


def test_a_secret_of_somebody_else_is_not_taken(cluster: ServingCluster) -> None:
    item = login("1")
    item["metadata"]["name"] = "ocr-credentials"
    cluster.add(item)
    with pytest.raises(InputError, match="belongs to someone else"):
        run(cluster)
    assert cluster.writes() == []


def test_an_existing_secret_by_its_version(cluster: ServingCluster) -> None:
    cluster.add(login("7"))
    run(cluster, s3=NAMED)
    assert not run(cluster, s3=NAMED).changed
    cluster.add(login("8"))
    outcome = run(cluster, s3=NAMED)
    assert [kind for kind, action in done(outcome).items() if action != "unchanged"] == [
        "Deployment"
    ]
    assert "apply Secret" not in cluster.calls


def test_an_existing_secret_is_checked_first(cluster: ServingCluster) -> None:
    with pytest.raises(InputError, match="does not exist"):
        run(cluster, s3=NAMED)
    cluster.add(login("7", "access_key"))
    with pytest.raises(InputError, match="it has access_key"):
        run(cluster, s3=NAMED)
    assert cluster.writes() == []


def test_without_the_right_to_get_it_a_warning_says_what_is_missed(cluster: ServingCluster) -> None:
    cluster.unreadable = ("Secret",)
    runtime = Runtime()
    run(cluster, runtime, s3=NAMED)
    assert "pods are not replaced when it changes" in runtime.warnings[0]
    with pytest.raises(ForbiddenError):
        run(cluster)
