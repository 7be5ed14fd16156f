# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the stand-in's tests: models made on the spot, the server as a process."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# Where this package is installed, importing openvino sends usage statistics; a test must not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov
from openvino import opset13 as ops

if TYPE_CHECKING:
    from ovms_standin.manager import ModelManager

HERE = Path(__file__).resolve().parent
STATE = re.compile(r'"version": "(\d+)",\s+"state": "(\w+)",\s+"status": {\s+"error_code": "(\w+)"')


def build_model(factor: float, *, dynamic: bool = False) -> Any:
    """input [1,10] (or [?,10]) times `factor` gives output."""
    parameter = ops.parameter([-1 if dynamic else 1, 10], np.float32, name="input")
    parameter.output(0).set_names({"input"})
    scaled = ops.multiply(parameter, ops.constant(np.full((10,), factor, np.float32)))
    scaled.output(0).set_names({"output"})
    return ov.Model([scaled], [parameter], "scale")


def write_ir(directory: Path, factor: float = 2.0, *, dynamic: bool = False) -> Path:
    """Write model.xml and model.bin into `directory`, made if needed."""
    directory.mkdir(parents=True, exist_ok=True)
    model = build_model(factor, dynamic=dynamic)
    ov.save_model(model, directory / "model.xml", compress_to_fp16=False)
    return directory


def write_heavy(directory: Path, size: int = 800, products: int = 12) -> Path:
    """Write a model whose inference takes tens of milliseconds: a chain of products."""
    directory.mkdir(parents=True, exist_ok=True)
    parameter = ops.parameter([1], np.float32, name="x")
    parameter.output(0).set_names({"x"})
    matrix = ops.constant(np.eye(size, dtype=np.float32))
    value = ops.multiply(matrix, parameter)
    for _ in range(products):
        value = ops.matmul(value, matrix, False, False)
    total = ops.reduce_sum(value, np.array([0, 1]))
    total.output(0).set_names({"y"})
    ov.save_model(ov.Model([total], [parameter], "heavy"), directory / "model.xml")
    return directory


def write_onnx(path: Path, factor: float = 2.0) -> Path:
    """Write the same model as ONNX, with its weights inside."""
    import onnx
    from onnx import TensorProto, helper

    shape = [1, 10]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["input", "factor"], ["output"])],
        "scale",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
        [helper.make_tensor("factor", TensorProto.FLOAT, [10], [factor] * 10)],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


def write_config(path: Path, *models: Mapping[str, Any], **sections: Any) -> Path:
    """Write a config.json of these `config` objects and other sections."""
    document = {"model_config_list": [{"config": dict(model)} for model in models], **sections}
    path.write_text(json.dumps(document))
    return path


# Below those that the kernel gives to clients (from 32768 on), which may take a port that was found
# free before a server listens on it. Each process begins elsewhere and takes one after the other.
LOWEST, PORTS = 10000, 20000
_next = itertools.count(os.getpid() * 97)


def free_ports(count: int) -> list[int]:
    """As many different ports of this machine that nobody listens on now."""
    found: list[int] = []
    while len(found) < count:
        port = LOWEST + next(_next) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true answer of `check`; AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, "still not so after the time given"
        time.sleep(0.05)


def environment(generation: str, **knobs: str) -> dict[str, str]:
    """The environment of a stand-in process."""
    found = {key: value for key, value in os.environ.items() if "OVMS_STANDIN" not in key}
    paths = [str(HERE), *filter(None, [found.get("PYTHONPATH")])]
    found["PYTHONPATH"] = os.pathsep.join(paths)
    found["OVMS_STANDIN_GENERATION"] = generation
    found.update({f"OVMS_STANDIN_{key}": value for key, value in knobs.items()})
    return found


def run_once(
    arguments: Sequence[str], generation: str = "2026.3", **knobs: str
) -> subprocess.CompletedProcess[str]:
    """Run the stand-in until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "ovms_standin", *arguments],
        env=environment(generation, **knobs),
        capture_output=True,
        text=True,
        timeout=30,
    )


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class StandIn:
    """A running stand-in on free loopback ports."""

    arguments: Sequence[str]
    generation: str = "2026.3"
    knobs: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> StandIn:
        self.rest, self.grpc = free_ports(2)
        self.lines: list[str] = []
        command = [sys.executable, "-m", "ovms_standin", *self.arguments]
        command += ["--rest_port", str(self.rest), "--port", str(self.grpc)]
        command += ["--rest_bind_address", "127.0.0.1", "--grpc_bind_address", "127.0.0.1"]
        self.process = subprocess.Popen(
            command,
            env=environment(self.generation, **self.knobs),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        eventually(self.live, 20)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def live(self) -> bool:
        """Whether REST answers."""
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return self.get("/v2/health/live").status == 200
        except OSError:
            return False

    def wait_ready(self) -> StandIn:
        """Wait for the first pass over the models."""
        eventually(lambda: self.get("/v2/health/ready").status == 200, 20)
        return self

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One HTTP request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=20)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            found = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, response.read(), found)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """One GET."""
        return self.request("GET", path)

    def post(self, path: str, document: Any = None) -> Answer:
        """One POST of JSON."""
        body = b"" if document is None else json.dumps(document).encode()
        return self.request("POST", path, body, **{"Content-Type": "application/json"})

    def stop(self) -> int:
        """End it by SIGTERM; the exit code. The log is in `lines` then."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        output = self.process.communicate(timeout=20)[0]
        if output:
            self.lines = output.splitlines()
        return self.process.returncode


def states(body: bytes) -> list[tuple[str, str, str]]:
    """(version, state, error code) of all versions in a status body, in order."""
    return STATE.findall(body.decode())


def shown(manager: ModelManager) -> dict[str, dict[int, tuple[str, str]]]:
    """name -> version -> (state, error code)."""
    return {
        name: {v: (s.state.name, s.error.name) for v, s in versions}
        for name, versions in manager.statuses().items()
    }


def entry(name: str, **more: Any) -> dict[str, Any]:
    """A `config` object with a relative base path."""
    return {"name": name, "base_path": name, **more}


def started(make: Callable[..., ModelManager], config: Path, **knobs: Any) -> ModelManager:
    """A manager after its first pass."""
    manager = make(config=config, **knobs)
    assert manager.start().ok
    return manager


@contextlib.contextmanager
def as_server_user() -> Iterator[None]:
    """Without root's right to read everything, in case the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(5000)
    try:
        yield
    finally:
        os.seteuid(0)
