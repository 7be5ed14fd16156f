# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole task against a url: the stand-in for OVMS on loopback, REST and gRPC."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import entry
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.program import BenchmarkError
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

from ..fakes.loopback import answer, api

sys.path.append(str(Path(__file__).resolve().parents[2] / "testbed" / "standin"))

from harness import StandIn, write_ir


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A model C(m) whose input has a free first dimension."""
    folder = tmp_path_factory.mktemp("m")
    write_ir(folder / "1", dynamic=True)
    with StandIn(["--model_name", "m", "--model_path", str(folder)]) as running:
        yield running.wait_ready()


def measure(url: str, runtime: Runtime | None = None, **given: Any) -> dict[str, Any]:
    params = fill(entry.ARGUMENT_SPEC, {"model": "m", "url": url, **given})
    return entry.run(params, runtime or Runtime())


def test_rest_and_grpc_measure_the_same_model(standin: StandIn, tmp_path: Path) -> None:
    urls = {
        "rest": f"http://127.0.0.1:{standin.rest}",
        "grpc": f"grpc://127.0.0.1:{standin.grpc}",
    }
    for client, url in urls.items():
        dest = tmp_path / client
        result = measure(
            url,
            client=client,
            requests=40,
            concurrency=2,
            inputs=[{"name": "input", "shape": [3, 10]}],
            slo={"error_rate": 0.0},
            dest=str(dest),
        )
        assert result["requests"] == {"sent": 40, "answered": 40, "failed": 0}, client
        assert result["inputs"] == [
            {
                "name": "input",
                "datatype": "FP32",
                "shape": [3, 10],
                "bytes": 120,
                "values": "random",
            }
        ]
        assert result["bytes"]["answer"] > 120 and result["changed"] is True
        assert result["passed"] and [item["ok"] for item in result["slo"]] == [True]
        assert result["from"] == "controller" and result["shares"] == []
        assert result["msg"].startswith(f"m at 127.0.0.1:{url.rpartition(':')[2]}, {client} from")
        written = json.loads((dest / "benchmark.json").read_text())
        assert written["statistics"] == result["statistics"]
        assert sum(bar["count"] for bar in written["distribution"]) == 40


def test_an_open_loop_sends_what_its_rate_says(standin: StandIn) -> None:
    url = f"http://127.0.0.1:{standin.rest}"
    result = measure(url, rate=50.0, duration=1.0, concurrency=4, version=1)
    assert result["requests"]["sent"] == 50 and result["changed"] is False
    assert sum(result["timeline"]["answers"]) == 50


def test_check_mode_sends_nothing(standin: StandIn, tmp_path: Path) -> None:
    runtime = Runtime(check_mode=True)
    dest = tmp_path / "reports"
    result = measure(f"http://127.0.0.1:{standin.rest}", runtime, requests=7, dest=str(dest))
    assert result["msg"].startswith("would send 10 requests of warm-up and 7 requests of")
    assert result["changed"] is True and not dest.exists()

    asked = []

    def answers(request: Any) -> bytes:
        asked.append(request.method)
        return answer(200, {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1]}]})

    with api(answers) as server:
        measure(server.url, runtime)
    assert asked == ["GET"]


def test_what_cannot_be_measured_is_one_error(standin: StandIn) -> None:
    url = f"http://127.0.0.1:{standin.rest}"
    for given, says in (
        ({"model": "nobody"}, "HTTP 404: Model with requested name is not found"),
        ({"version": 9}, "HTTP 404: Model with requested version is not found"),
    ):
        with pytest.raises(BenchmarkError, match=says):
            measure(url, **given)
    with pytest.raises(InputError, match=r"its shape is \[3\], the model has \[-1, 10\]"):
        measure(url, inputs=[{"name": "input", "shape": [3]}])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BenchmarkError, match="refused: nobody listens"):
        measure(f"http://127.0.0.1:{port}")
    grpc = f"grpc://127.0.0.1:{standin.grpc}"
    with pytest.raises(BenchmarkError, match="NOT_FOUND"):
        measure(grpc, client="grpc", model="nobody")


def model(answers: bytes) -> Any:
    """Return a server that tells what a model takes, and answers inferences like this."""
    ports = [{"name": "x", "datatype": "FP32", "shape": [1, 4]}]

    def reply(request: Any) -> bytes:
        told = answer(200, {"inputs": ports, "outputs": ports})
        return told if request.method == "GET" else answers

    return api(reply)


def test_errors_are_counted_and_without_any_answer_it_fails() -> None:
    with model(answer(503, {"error": "busy"})) as server:
        with pytest.raises(BenchmarkError, match="none of 5 requests .* HTTP 503, busy") as caught:
            measure(server.url, requests=5)
        assert caught.value.hint
    with model(answer(200, b"{}")) as server:
        runtime = Runtime()
        with pytest.raises(entry.SloError, match="p99 is") as failed:
            measure(server.url, runtime, requests=5, slo={"p99_ms": 0.0001})
        assert failed.value.details["requests"]["answered"] == 5
        assert measure(server.url, requests=5, slo={"p99_ms": 0.0001}, report_only=True)["slo"] == [
            {
                "name": "p99_ms",
                "bound": 0.0001,
                "measured": pytest.approx(1.0, abs=999),
                "ok": False,
            }
        ]


def test_a_graph_without_inputs_is_refused() -> None:
    with (
        api(lambda request: answer(200, {"inputs": [], "outputs": []})) as server,
        pytest.raises(InputError, match="tells no inputs"),
    ):
        measure(server.url)


def test_a_missing_package_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = subprocess.run

    def without_packages(command: list[str], **given: Any) -> Any:
        return hidden([command[0], "-I", "-S", *command[1:]], **given)

    monkeypatch.setattr(subprocess, "run", without_packages)
    with pytest.raises(UnsupportedError, match=r"tritonclient\[grpc\] is missing") as caught:
        measure("grpc://127.0.0.1:1", client="grpc")
    assert caught.value.option == "client" and "take client: rest" in str(caught.value.hint)


def test_a_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "SLACK", -59.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EdgeError, match="have not ended within"):
            measure(url, timeout=60)
