# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line and the ways the process ends."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from harness import StandIn, eventually, free_port, run_once, write_config, write_ir, write_onnx

LOG_LINE = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[\w+\]"
    r"\[(trace|debug|info|warning|error)\]\[[\w.]+:\d+\] .*"
)
MODEL = ["--model_name", "m", "--model_path", "/nowhere"]
REMOVED = [
    *["--stateful", "--idle_sequence_cleanup", "--low_latency_transformation"],
    *["--max_sequence_number", "--sequence_cleaner_poll_wait_minutes"],
]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            [*MODEL, "--rest_port", "1", "--sequence_cleaner_poll_wait_minutes", "0"],
            "error parsing options - unmatched arguments: "
            "--sequence_cleaner_poll_wait_minutes, 0, ",
        ),
        (
            ["--config_path", "c", "--port", "44", "grpc_workers", "2"],
            "error parsing options - unmatched arguments: grpc_workers, 2, ",
        ),
        (
            ["--config_path", "c", *MODEL, "--rest_port", "1"],
            "Use either config_path or model_path with model_name",
        ),
        (["--rest_port", "1"], "Use config_path or model_path with model_name"),
        (
            ["--config_path", "c", "--nireq", "2", "--rest_port", "1"],
            "Model parameters in CLI are exclusive with the config file",
        ),
        (MODEL, "port and rest_port cannot both be unset"),
        ([*MODEL, "--port", "9", "--rest_port", "9"], "port and rest_port cannot have the same"),
        ([*MODEL, "--rest_port", "70000"], "rest_port number out of range from 0 to 65535"),
        ([*MODEL, "--rest_port", "1", "--log_level", "info"], "log_level should be one of: TRACE"),
        (
            [*MODEL, "--rest_port", "1", "--grpc_workers", "9999"],
            "grpc_workers count should be from 1 to CPU core count : ",
        ),
        (
            [*MODEL, "--rest_port", "1", "--rest_workers", "1"],
            "rest_workers count should be from 2 to 10000",
        ),
        (
            [*MODEL, "--rest_port", "1", "--metrics_list", "ovms_streams"],
            "metrics_enable setting is missing, required when metrics_list is provided",
        ),
        (
            [*MODEL, "--port", "1", "--metrics_enable"],
            "rest_port setting is missing, metrics are enabled on rest port",
        ),
        (
            [*MODEL, "--rest_port", "x"],
            "error parsing options: Argument \N{LEFT SINGLE QUOTATION MARK}x",
        ),
        ([*MODEL, "--rest_port"], "error parsing options: "),
    ],
)
def test_a_bad_command_line_ends_with_64_and_a_plain_line_on_stderr(
    arguments: list[str], text: str
) -> None:
    result = run_once(arguments)
    assert (result.returncode, result.stdout) == (64, "")
    assert text in result.stderr
    assert not LOG_LINE.match(result.stderr)


@pytest.mark.parametrize("option", REMOVED)
def test_options_removed_in_2026_3_are_unknown_there(option: str) -> None:
    result = run_once([*MODEL, "--rest_port", "1", option])
    assert result.returncode == 64
    assert f"unmatched arguments: {option}, " in result.stderr


def test_the_old_generation_knows_the_removed_options(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    arguments = ["--model_name", "m", "--model_path", str(tmp_path)]
    arguments += ["--sequence_cleaner_poll_wait_minutes", "0"]
    with StandIn(arguments, "2026.2") as server:
        server.wait_ready()


def test_version_and_help_end_with_0() -> None:
    result = run_once(["--version"], "2026.2")
    assert result.returncode == 0
    assert result.stdout.startswith("OpenVINO Model Server 2026.2.1")
    assert run_once([]).returncode == 0


@pytest.mark.parametrize(
    ("generation", "knobs"),
    [
        ("2025.1", {}),
        ("2026.3", {"FAIL": "m=NOTHING"}),
        ("2026.3", {"DEFECTS": "none-of-ours"}),
        ("2026.3", {"LOAD_SECONDS": "3"}),
    ],
)
def test_a_bad_knob_is_refused(generation: str, knobs: dict[str, str]) -> None:
    result = run_once([], generation, **knobs)
    assert result.returncode == 64
    assert "bad OVMS_STANDIN_* setting: " in result.stderr


def test_sigterm_cuts_a_slow_first_load_short(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    with StandIn(single(tmp_path), knobs={"LOAD_SECONDS": "*=60"}) as server:
        assert server.get("/v2/health/ready").status == 503
        assert server.stop() == 0


def failed_start(tmp_path: Path, *arguments: str, status: str) -> str:
    """Run a start that must fail with `status`; the log."""
    result = run_once([*arguments, "--rest_port", str(free_port())])
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Couldn't start model manager" in result.stdout
    assert f"ovms::ModelManager::Start() Error: {status}" in result.stdout
    assert all(LOG_LINE.match(line) for line in result.stdout.splitlines())
    return result.stdout


def test_a_missing_config_file_is_tried_three_times(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    status = "Configuration file not found or cannot open"
    log = failed_start(tmp_path, "--config_path", str(path), status=status)
    assert log.count(f"Configuration file is invalid {path}") == 3


def test_a_config_file_that_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_config_list": [],}')
    status = "The file is not valid json"
    log = failed_start(tmp_path, "--config_path", str(path), status=status)
    assert "Configuration file is not a valid JSON file. Error: " in log


def test_a_config_file_against_the_schema(tmp_path: Path) -> None:
    path = write_config(tmp_path / "config.json", {"name": "m", "mean": "1"})
    status = "The file is not valid json"
    log = failed_start(tmp_path, "--config_path", str(path), status=status)
    assert "JSON schema parse error:#/definitions/model_config" in log
    assert "Configuration file is not in valid configuration format" in log


def test_metrics_in_both_places_clash(tmp_path: Path) -> None:
    monitoring = {"metrics": {"enable": True}}
    path = write_config(tmp_path / "config.json", monitoring=monitoring)
    log = failed_start(
        tmp_path,
        *("--config_path", str(path), "--metrics_enable"),
        status="Configuration file not found or cannot open",
    )
    assert "Metrics configuration duplicated in configuration file and CLI parameters" in log


def test_an_unknown_metric_fails_the_start(tmp_path: Path) -> None:
    monitoring = {"metrics": {"enable": True, "metrics_list": ["ovms_graph_request_latency_us"]}}
    path = write_config(tmp_path / "config.json", monitoring=monitoring)
    status = "Invalid name in metrics_list"
    log = failed_start(tmp_path, "--config_path", str(path), status=status)
    assert "Metrics family name not supported: ovms_graph_request_latency_us" in log


def single(path: Path, *more: str) -> tuple[str, ...]:
    """Arguments of single-model mode."""
    return ("--model_name", "m", "--model_path", str(path), *more)


def test_single_model_mode_ends_when_the_model_is_broken(tmp_path: Path) -> None:
    weights = write_ir(tmp_path / "1") / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-4])
    log = failed_start(tmp_path, *single(tmp_path), status="Internal server error")
    assert "Error occurred while loading model: m; version: 1; error: " in log


def test_single_model_mode_ends_when_the_onnx_file_is_cut_off(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "1" / "m.onnx")
    path.write_bytes(path.read_bytes()[:-10])
    failed_start(tmp_path, *single(tmp_path), status="Internal server error")


def test_single_model_mode_ends_when_the_path_is_no_directory(tmp_path: Path) -> None:
    status = "The provided base path is invalid or doesn't exists"
    log = failed_start(tmp_path, *single(tmp_path / "absent"), status=status)
    assert f"Directory does not exist: {tmp_path}/absent" in log


def test_an_escaped_plugin_config_is_no_json(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    log = failed_start(
        tmp_path,
        *single(tmp_path, "--plugin_config", '{\\"NUM_STREAMS\\":\\"1\\"}'),
        status="Plugin config is in wrong format",
    )
    assert "Couldn't parse plugin config" in log


def test_a_bad_policy_ends_the_start(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    failed_start(
        tmp_path,
        *single(tmp_path, "--model_version_policy", json.dumps({"newest": {}})),
        status="Model version policy contains unsupported key",
    )


def test_a_busy_port_ends_with_1(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("0.0.0.0", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        for option in ("--rest_port", "--port"):
            assert run_once([*single(tmp_path), option, port]).returncode == 1


def test_graph_with_model_settings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "graph.pbtxt").write_text("input_stream: 'x'\n")
    result = run_once([*single(tmp_path, "--target_device", "CPU"), "--rest_port", "1"])
    assert result.returncode == 64
    assert "Starting mediapipe graph with unsupported model settings: " in result.stderr


def test_an_empty_directory_keeps_the_server_up_and_ready(tmp_path: Path) -> None:
    with StandIn(single(tmp_path)) as server:
        server.wait_ready()
        body = server.get("/v1/config").body
        assert body == b'{\n"m" : \n{\n "model_version_status": []\n}\n}'
        assert server.stop() == 0
        assert any("No version found for model in path" in line for line in server.lines)


def test_sigterm_ends_with_0_and_the_log_tells_the_start(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    with StandIn(single(tmp_path)) as server:
        server.wait_ready()
        eventually(lambda: b"AVAILABLE" in server.get("/v1/config").body)
        assert server.stop() == 0
        lines = server.lines
    assert all(LOG_LINE.match(line) for line in lines), lines
    expected = [
        "OpenVINO Model Server 2026.3.0",
        "GRPCServerModule starting",
        "GRPCServerModule started",
        f"Started gRPC server on port {server.grpc}",
        "HTTPServerModule starting",
        "HTTPServerModule started",
        f"Started REST server at 127.0.0.1:{server.rest}",
        "ServableManagerModule starting",
        f"Getting model from {tmp_path}",
        f"Model downloaded to {tmp_path}",
        "Will add model: m; version: 1 ...",
        f"Loading model: m, version: 1, from path: {tmp_path}/1, with target device: CPU ...",
        'STATUS CHANGE: Version 1 of model m status change. New status: ( "state": "START", ',
        'STATUS CHANGE: Version 1 of model m status change. New status: ( "state": "LOADING", ',
        "Loaded model m; version: 1; batch size: 1; No of InferRequests: ",
        '( "state": "AVAILABLE", "error_code": "OK" )',
        "Updated default version for model: m, to: 1",
        "ServableManagerModule started",
    ]
    position = 0
    for text in expected:
        found = [n for n, line in enumerate(lines) if n >= position and text in line]
        assert found, f"{text!r} is missing after line {position}: {lines}"
        position = found[0]
    assert any("Started model manager thread" in line for line in lines)
