# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory whose clock only sleeping moves, and one run of the deployer against it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import (
    deploy,
    guard,
    hold,
    reload,
    removal,
    watch_over,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

CLAIM = {
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models"},
    "spec": {"accessModes": ["ReadWriteOnce"]},
    "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"]},
}
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "edge", "labels": {}}}


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def new_pods(
    cluster: ServingCluster, spec: Any, kind: str, old: Any, *rest: Any
) -> list[dict[str, Any]]:
    """Stand for C(wait_first): this cluster's controllers need no time."""
    pods = cluster.list("v1", "Pod", "edge")[0]
    return [pod for pod in pods if pod["metadata"]["uid"] not in old]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(reload, "time", made)
    monkeypatch.setattr(watch_over, "time", made)
    monkeypatch.setattr(guard, "time", made)
    monkeypatch.setattr(hold, "wait_first", new_pods)
    monkeypatch.setattr(deploy, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(removal, "wait_pods_gone", lambda *args: None)
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod", "edge")[0]
    )
    return made


@pytest.fixture
def cluster(clock: Clock) -> ServingCluster:
    made = ServingCluster()
    made.add(CLAIM)
    made.add(NAMESPACE)
    return made


def run(
    cluster: ServingCluster,
    *,
    check: bool = False,
    wait: bool = True,
    runtime: Runtime | None = None,
    **options: Any,
) -> Outcome:
    runtime = runtime or Runtime(check_mode=check)
    deployer = Deployer(cluster, make_spec(**options), runtime, Waiting(wait, 100.0))  # type: ignore[arg-type]
    cluster.calls.clear()
    return deployer.present()
