# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site: a cluster in memory on which servers are deployed, listed and put back by the modules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.rollout import deploy, entry, info
from ansible_collections.openvino.edge.plugins.module_utils.rollout.history import History
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from ansible_collections.openvino.edge.plugins.module_utils.server.config.render import (
    served_names,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as gate
from ansible_collections.openvino.edge.plugins.module_utils.verify.probe import Prober
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import (
    Fleet,
    replicas_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.watcher import Watcher

from ..fakes.cluster import ServingCluster
from ..server.apply.conftest import Clock, clock, cluster

__all__ = ["clock", "cluster"]

SERVER = {
    "namespace": "edge",
    "name": "ocr",
    "pvc": {"claim_name": "models"},
    "image": "registry.example/ovms:1",
}


@dataclass
class Site:
    """One cluster, and the modules that work on it.

    Attributes:
        cluster: it.
        broken: versions that no server can load.
        warnings: of all tasks.
    """

    cluster: ServingCluster
    broken: set[int] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def deploy(self, *versions: int, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run model_server with versions of the model det."""
        given: dict[str, Any] = {**SERVER, **options}
        given = {name: value for name, value in given.items() if value is not None}
        if versions:
            given["models"] = [{"name": "det", "versions": list(versions)}]
        return self._run(deploy, given, check)

    def back(self, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run release."""
        return self._run(entry, {"namespace": "edge", "name": "ocr", **options}, check)

    def info(self, **options: Any) -> dict[str, Any]:
        """Run release_info."""
        return self._run(info, {"namespace": "edge", "name": "ocr", **options}, False)

    def served(self) -> list[int]:
        """Return the versions that the configuration on the cluster pins."""
        text = self.cluster.objects["ConfigMap", "ocr-config"]["data"]["config.json"]
        return served_names(json.loads(text))["det"]

    def verdicts(self) -> dict[int, str]:
        """Return the verdict of each release."""
        releases = History(self.cluster, "edge", "ocr").read()  # type: ignore[arg-type]
        return {item.number: item.verdict for item in releases}

    def _run(self, module: Any, given: Mapping[str, Any], check: bool) -> dict[str, Any]:
        checked = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **module.SPEC_RULES).validate(
            dict(given)
        )
        assert not checked.error_messages, checked.error_messages
        runtime = Runtime(check_mode=check, diff=True, warnings=self.warnings)
        self.cluster.calls.clear()
        result: dict[str, Any] = module.run(checked.validated_parameters, runtime)
        return result


def _on_time(clock: Clock) -> Any:
    """Return what makes a prober that goes by a clock."""

    def make(client: Any, namespace: str, port: int) -> Prober:
        return Prober(client, namespace, port, clock.monotonic)

    return make


@pytest.fixture
def site(cluster: ServingCluster, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Site:
    for module in (deploy, entry, info, server, gate):
        monkeypatch.setattr(module.KubeClient, "from_params", lambda params: cluster)
    made = Site(cluster)

    def reports(pod: str) -> dict[str, Any]:
        """Report what the pod's configuration pins, and that broken versions do not load."""
        config = json.loads(cluster.loaded[pod])
        return {
            name: {
                version: "LOADING/UNKNOWN" if version in made.broken else "AVAILABLE"
                for version in versions
            }
            for name, versions in served_names(config).items()
        }

    def fleet(client: Any, target: Any, deployment: Any = None) -> Fleet:
        pods = client.list("v1", "Pod", target.namespace)[0]
        return Fleet(len(pods), replicas_of(pods, target.rest_port))

    cluster.reports = reports
    monkeypatch.setattr(gate, "find_fleet", fleet)
    monkeypatch.setattr(gate, "Prober", _on_time(clock))
    monkeypatch.setattr(gate, "Watcher", partial(Watcher, clock=clock.monotonic, sleep=clock.sleep))
    return made
