# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that answer inferences: y = x * weight for each version, over the fake cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import (
    entry,
    record_entry,
)

from ...fakes.cluster import Cluster

KEY = "Inference-Header-Content-Length"
CASES: dict[str, Any] = {
    "golden": 1,
    "model": "m",
    "cases": [
        {
            "name": "one",
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}],
        }
    ],
}


@dataclass
class Pods:
    """Replicas in memory.

    Attributes:
        weights: by pod and version; what a pod multiplies with.
        wrong: answers of pods instead, by pod.
        noise: added to the last value, one for each answer in turn.
        took: seconds of an inference by version.
        now: the clock of the tests.
    """

    weights: dict[str, dict[int, float]]
    cluster: Cluster = field(default_factory=Cluster)
    wrong: dict[str, Response] = field(default_factory=dict)
    noise: list[float] = field(default_factory=list)
    took: dict[int, float] = field(default_factory=dict)
    now: float = 0.0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster.on_proxy = self.answer
        for name in self.weights:
            self.cluster.add(
                "Pod",
                name,
                metadata={"namespace": "edge", "labels": {"app": "ovms"}},
                spec={"nodeName": "n", "containers": [{"name": "ovms"}]},
                status={"phase": "Running", "podIP": "10.0.0.1"},
            )

    def clock(self) -> float:
        """Return the time of the tests."""
        return self.now

    def answer(
        self, namespace: str, pod: str, port: int, method: str, path: str, **given: Any
    ) -> Response:
        """Answer as a pod behind the API server's proxy."""
        assert (namespace, port) == ("edge", 8081)
        self.asked.append(f"{pod} {method} {path}")
        self.now += 0.002
        if path == "/v2/health/live":
            return Response(200, {}, b"")
        if pod in self.wrong and method == "POST":
            return self.wrong[pod]
        served = self.weights[pod]
        words = path.split("/")
        version = int(words[5]) if "versions" in words else max(served)
        if words[3] != "m" or version not in served:
            return Response(404, {}, b'{"error":"Model with requested version is not found"}')
        if method == "GET":
            x, y = ({"name": name, "datatype": "FP32", "shape": [1, 3]} for name in "xy")
            return Response(200, {}, json.dumps({"inputs": [x], "outputs": [y]}).encode())
        self.now += self.took.get(version, 0.0)
        return self.infer(version, served[version], given)

    def infer(self, version: int, weight: float, given: dict[str, Any]) -> Response:
        """Return y = x * weight."""
        length = int(given["headers"][KEY])
        values = np.frombuffer(given["body"][length:], "<f4") * np.float32(weight)
        if self.noise:
            values = values.copy()
            values[-1] += self.noise.pop(0)
        output = {
            "name": "y",
            "datatype": "FP32",
            "shape": [1, 3],
            "parameters": {"binary_data_size": 12},
        }
        head = json.dumps({"model_version": str(version), "outputs": [output]}).encode()
        return Response(200, {KEY.lower(): str(len(head))}, head + values.tobytes())


@dataclass
class Bench:
    """Runs both modules against pods, with files in a directory of its own."""

    folder: Path
    pods: Pods

    def write(self, name: str, document: Any) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return str(path)

    def golden(self, values: Any, **more: Any) -> str:
        """Write a golden file with these values for y."""
        case = {**CASES["cases"][0], **more.pop("case", {})}
        output = {"name": "y", "datatype": "FP32", "shape": [1, 3], "data": values, **more}
        return self.write("g.yml", {**CASES, "cases": [{**case, "outputs": [output]}]})

    def ask(self, *golden: str, **given: Any) -> dict[str, Any]:
        """Run model_inference."""
        files = list(golden)
        given = {"namespace": "edge", "label_selector": "app=ovms", "golden": files, **given}
        return entry.run(fill(entry.ARGUMENT_SPEC, given), Runtime())

    def record(self, src: str, check: bool = False, **given: Any) -> dict[str, Any]:
        """Run golden_record."""
        given = {"namespace": "edge", "label_selector": "app=ovms", "src": src, **given}
        given.setdefault("dest", str(self.folder / "golden.yml"))
        runtime = Runtime(check_mode=check, diff=True)
        return record_entry.run(fill(record_entry.ARGUMENT_SPEC, given), runtime)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    def make(**weights: dict[int, float]) -> Bench:
        made = Bench(tmp_path, Pods(weights or {"a": {1: 2.0}, "b": {1: 2.0}}))
        monkeypatch.setattr(KubeClient, "from_params", lambda params: made.pods.cluster)
        return made

    return make
