# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""REST over sockets: headers, connections, loads and polls that go on beside."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from harness import StandIn, eventually, states, write_config, write_ir


def test_a_reload_that_reloads_answers_200(repository: Path) -> None:
    config = write_config(repository / "config.json", {"name": "m", "base_path": "m"})
    arguments = ["--config_path", str(config), "--file_system_poll_wait_seconds", "0"]
    with StandIn(arguments) as server:
        server.wait_ready()
        write_config(config, {"name": "m", "base_path": "m", "nireq": 2})
        for _ in range(2):
            reply = server.post("/v1/config/reload")
            assert (reply.status, states(reply.body)) == (200, [("1", "AVAILABLE", "OK")])
        server.stop()
    assert sum("Will reload model: m; version: 1 ..." in line for line in server.lines) == 1


def test_headers_and_protocol_of_every_answer(repository: Path) -> None:
    arguments = ["--model_name", "m", "--model_path", str(repository / "m")]
    everywhere = {
        "content-type": "application/json; charset=utf-8",
        "access-control-allow-headers": "*",
        "access-control-allow-methods": "*",
        "access-control-allow-origin": "https://a.example",
    }
    with StandIn([*arguments, "--allowed_origins", "https://a.example"]) as server:
        server.wait_ready()
        for method, path in (
            ("GET", "/v1/config"),
            ("POST", "/v1/config/reload"),
            ("GET", "/none"),
            ("OPTIONS", "/v1/config"),
            ("HEAD", "/v2/health/ready"),
            ("POST", "/metrics"),
        ):
            headers = server.request(method, path).headers
            assert {key: headers.get(key) for key in everywhere} == everywhere, path
        text = everywhere | {"content-type": "text/plain; charset=utf-8"}
        headers = server.get("/metrics").headers
        assert {key: headers.get(key) for key in text} == text
        with socket.create_connection(("127.0.0.1", server.rest), timeout=10) as connection:
            connection.sendall(b"HEAD /v1/config HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        length = len(server.get("/v1/config").body)
        start = f"HTTP/1.0 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n"
        assert answer.startswith(start.encode())
        assert answer.endswith(b"\r\n\r\n")


def test_rest_is_up_while_models_load(repository: Path) -> None:
    arguments = ["--model_name", "m", "--model_path", str(repository / "m")]
    with StandIn(arguments, knobs={"LOAD_SECONDS": "m=3"}) as server:
        assert server.get("/v2/health/ready").status == 503
        assert states(server.get("/v1/config").body) in ([], [("1", "LOADING", "OK")])
        server.wait_ready()
        assert states(server.get("/v1/config").body) == [("1", "AVAILABLE", "OK")]


def test_polls_happen_by_themselves_unless_the_interval_is_0(repository: Path) -> None:
    config = write_config(repository / "config.json", {"name": "m", "base_path": "m"})
    interval = "--file_system_poll_wait_seconds"
    with (
        StandIn(["--config_path", str(config)]) as polling,
        StandIn(["--config_path", str(config), interval, "0"]) as still,
    ):
        polling.wait_ready(), still.wait_ready()
        write_ir(repository / "m" / "2", 3.0)
        gone = [("1", "END", "OK"), ("2", "AVAILABLE", "OK")]
        eventually(lambda: states(polling.get("/v1/config").body) == gone, 15)
        assert states(still.get("/v1/config").body) == [("1", "AVAILABLE", "OK")]
        reply = still.post("/v1/config/reload")
        assert (reply.status, states(reply.body)) == (200, gone)
        assert still.stop() == 0
        assert not any("Started model manager thread" in line for line in still.lines)


def test_chunked_requests_and_kept_connections(repository: Path) -> None:
    arguments = ["--model_name", "m", "--model_path", str(repository / "m")]
    with StandIn(arguments) as server:
        server.wait_ready()
        connection = http.client.HTTPConnection("127.0.0.1", server.rest, timeout=10)
        tensor = {"name": "input", "shape": [1, 10], "datatype": "FP32", "data": [0.0] * 10}
        data = json.dumps({"inputs": [tensor]}).encode()
        for _ in range(2):
            parts = iter([data[:20], data[20:]])
            connection.request("POST", "/v2/models/m/infer", parts, encode_chunked=True)
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["model_version"]) == (200, "1")
        connection.close()
