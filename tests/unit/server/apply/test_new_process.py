# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says after one that ended half-way: nothing is taken for loaded that is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    UnreachableError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.apply import reload

from ...fakes.cluster import ServingCluster
from .conftest import run


@pytest.mark.parametrize("moved_back", [False, True])
def test_80_pods_that_an_earlier_run_did_not_come_to_replace_are_replaced(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch, moved_back: bool
) -> None:
    """It ended between the configuration, which running servers read, and the Deployment."""
    run(cluster)
    moved = [{"name": "detection", "versions": [1], "directory": "other"}]
    real = cluster.apply

    def apply(item: Any, **options: Any) -> Any:
        if item["kind"] == "Deployment" and not options.get("dry_run"):
            raise UnreachableError("the API server went away")
        return real(item, **options)

    with monkeypatch.context() as patched:
        patched.setattr(cluster, "apply", apply)
        with pytest.raises(UnreachableError):
            run(cluster, models=moved)
    assert "/models/other" in cluster.objects["ConfigMap", "ocr-config"]["data"]["config.json"]
    options: dict[str, Any] = {} if moved_back else {"models": moved}
    assert run(cluster, **options).reload == "rolling_restart"
    assert not run(cluster, **options).changed


def test_30_an_unchanged_run_asks_whether_the_configuration_is_loaded(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run before was cut off when it had sent it, and no server has it yet."""
    gpu = [{"name": "detection", "versions": [1], "target_device": "GPU"}]
    run(cluster)
    cluster.lag = 10**9

    def cut(self: Any, pods: Any) -> None:
        raise UnreachableError("the API server went away")

    with monkeypatch.context() as patched:
        patched.setattr(reload.Reload, "begin", cut)
        with pytest.raises(UnreachableError):
            run(cluster, models=gpu)
    with pytest.raises(WaitError, match="has not loaded the configuration") as caught:
        run(cluster, models=gpu)
    assert caught.value.details["changed"] is False
    cluster.late.clear()
    cluster.lag = 3
    assert not run(cluster, models=gpu).changed
    assert "GPU" in cluster.loaded["ocr-0"]
    assert not run(cluster, models=gpu).changed
    assert cluster.writes() == []
