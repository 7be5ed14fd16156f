# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KServe v2 requests and answers as bytes, and a real exchange over loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from edge_ocr.cluster import is_ready
from edge_ocr.kserve import ServingError, checked, first_output, infer_request
from edge_ocr.serving import Answer, RestNetwork, ask_url

TENSOR = np.array([[1.5, -2.0]], dtype=np.float32)


def binary_answer(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Answer:
    raw = values.astype("<f4").tobytes()
    output = {
        "name": "y",
        "datatype": "FP32",
        "shape": list(values.shape),
        "parameters": {"binary_data_size": len(raw)},
    }
    head = json.dumps({"outputs": [output]}).encode()
    return 200, {"inference-header-content-length": str(len(head))}, head + raw


def test_binary_request() -> None:
    body, headers = infer_request("x", TENSOR, binary=True)
    head = int(headers["Inference-Header-Content-Length"])
    assert json.loads(body[:head]) == {
        "inputs": [
            {
                "name": "x",
                "shape": [1, 2],
                "datatype": "FP32",
                "parameters": {"binary_data_size": 8},
            }
        ],
        "parameters": {"binary_data_output": True},
    }
    assert body[head:] == b"\x00\x00\xc0\x3f\x00\x00\x00\xc0"


def test_json_request() -> None:
    body, headers = infer_request("x", TENSOR, binary=False)
    inputs = [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, -2.0]}]
    assert json.loads(body) == {"inputs": inputs}
    assert "Inference-Header-Content-Length" not in headers


def test_both_forms_of_an_answer() -> None:
    _status, headers, body = binary_answer(TENSOR)
    assert first_output(body, headers).tolist() == [[1.5, -2.0]]
    output = {"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [1.5, -2.0]}
    plain = json.dumps({"outputs": [output]}).encode()
    assert first_output(plain, {}).tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"outputs": []}',
        b'{"outputs": [{"datatype": "FP32", "shape": [3], "data": [1]}]}',
        b'{"outputs": [{"datatype": "INT64", "shape": [1], "data": [1]}]}',
    ],
    ids=["not JSON", "no output", "shape does not fit", "other type"],
)
def test_a_wrong_answer_is_a_serving_error(body: bytes) -> None:
    with pytest.raises(ServingError):
        first_output(body, {})


def test_the_servers_words_are_kept() -> None:
    with pytest.raises(ServingError, match="/v2: HTTP 404: .*not found"):
        checked(404, b'{"error":"Model with requested name is not found"}', "/v2")


def test_the_name_of_the_input_is_asked_once() -> None:
    asked = []

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        asked.append(f"{method} {path}")
        if method == "GET":
            return 200, {}, b'{"inputs": [{"name": "x"}]}'
        return binary_answer(TENSOR)

    network = RestNetwork(ask)
    for _ in range(2):
        assert network.infer("m", TENSOR).tolist() == [[1.5, -2.0]]
    assert asked == ["GET /v2/models/m", "POST /v2/models/m/infer", "POST /v2/models/m/infer"]


class Doubler(BaseHTTPRequestHandler):
    """A server that answers with twice its input."""

    def do_GET(self) -> None:
        self.reply(200, {}, json.dumps({"inputs": [{"name": "x"}]}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = int(self.headers["Inference-Header-Content-Length"])
        shape = json.loads(body[:head])["inputs"][0]["shape"]
        values = np.frombuffer(body[head:], dtype="<f4").reshape(shape)
        self.reply(*binary_answer(values * 2))

    def reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    listener = HTTPServer(("127.0.0.1", 0), Doubler)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}"
    listener.shutdown()
    listener.server_close()
    thread.join()


def test_an_exchange_over_loopback(server: str) -> None:
    assert RestNetwork(ask_url(server)).infer("m", TENSOR).tolist() == [[3.0, -4.0]]


def pod(ready: str, **metadata: str) -> dict[str, object]:
    return {
        "metadata": {"name": "p", **metadata},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_only_ready_pods_that_stay_are_asked() -> None:
    assert is_ready(pod("True"))
    assert not is_ready(pod("False"))
    assert not is_ready(pod("True", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert not is_ready({"metadata": {}, "status": {}})
