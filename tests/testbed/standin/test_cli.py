# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line and the ways the process ends."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from pathlib import Path

import pytest
from harness import (
    StandIn,
    eventually,
    free_ports,
    run_once,
    write_config,
    write_heavy,
    write_ir,
    write_onnx,
)

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
        (
            [*MODEL, "--rest_port", "1", "--rest_bind_address", "127.0.0.1,300.1.1.1"],
            "rest_bind_address has invalid format: proper hostname or IP address expected.",
        ),
        (
            [*MODEL, "--port", "1", "--grpc_bind_address", "fe80::x"],
            "grpc_bind_address has invalid format: proper hostname or IP address expected.",
        ),
        (
            [*MODEL, "--rest_port", "1", "--cpu_extension", "/no.so"],
            "parameter does not exist in the filesystem: /no.so",
        ),
        ([*MODEL, "--rest_port", "70000"], "rest_port number out of range from 0 to 65535"),
        ([*MODEL, "--rest_port", "1", "--log_level", "info"], "log_level should be one of: TRACE"),
        (
            [*MODEL, "--rest_port", "1", "--grpc_workers", "9999"],
            "grpc_workers count should be from 1 to CPU core count : ",
        ),
        (
            [*MODEL, "--rest_port", "1", "--rest_workers", "10001"],
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
    result = run_once([*arguments, "--rest_port", str(free_ports(1)[0])])
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Couldn't start model manager" in result.stdout
    reason = f"ovms::ModelManager::Start() Error: {status}\n"
    assert reason in result.stdout
    _, _, after = result.stdout.partition(reason)
    assert [text(line) for line in after.splitlines() if "STATUS CHANGE" not in line] == SHUTDOWN
    return result.stdout


#: What follows the reason of a failed start (gRPC off), besides the states of versions.
SHUTDOWN = [
    "GRPCServerModule shutting down",
    "GRPCServerModule shutdown",
    "HTTPServerModule shutting down",
    "Shutdown HTTP server",
    "ServableManagerModule shutting down",
    "ServableManagerModule shutdown",
    "C-APIModule shutting down",
    "C-APIModule shutdown",
]


def text(line: str) -> str:
    """A line of the log without its head."""
    assert LOG_LINE.match(line), line
    return line.split("] ", 1)[1]


def records(log: str) -> list[str]:
    """The log's records: lines without a head belong to the one before."""
    found: list[str] = []
    for line in log.splitlines():
        if LOG_LINE.match(line):
            found.append(line)
        else:
            found[-1] += "\n" + line
    return found


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
    line = "Configuration file is not a valid JSON file. Error: Missing a name for object member."
    assert log.count(f"[serving][error][schema.cpp:1] {line}\n") == 3


def test_an_empty_config_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.touch()
    status = "The file is not valid json"
    log = failed_start(tmp_path, "--config_path", str(path), status=status)
    assert log.count("is not a valid JSON file. Error: The document is empty.\n") == 3


def test_a_node_with_two_inputs_in_one_object_ends_the_start(tmp_path: Path) -> None:
    source = {"node_name": "request", "data_item": "x"}
    node = {
        "name": "n",
        "type": "DL model",
        "model_name": "m",
        "outputs": [],
        "inputs": [{"a": source, "b": source}],
    }
    pipeline = {"name": "p", "inputs": ["x"], "nodes": [node], "outputs": []}
    write_ir(tmp_path / "m" / "1")
    path = write_config(
        tmp_path / "config.json",
        {"name": "m", "base_path": "m"},
        pipeline_config_list=[pipeline],
    )
    status = "The file is not valid json"
    log = failed_start(tmp_path, "--config_path", str(path), status=status)
    assert "Keyword:maxProperties Key: #/pipeline_config_list/0/nodes/0/inputs/0" in log


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
    cause = next(record for record in records(log) if "Incorrect weights in bin file!" in record)
    first, *middle, last = cause.splitlines()
    assert first.endswith("Error: Exception from src/inference/src/cpp/core.cpp:84:")
    assert middle[-2:] == ["Incorrect weights in bin file!", ""]
    assert last == "; occurred during loading ov::Model model: m version: 1"
    # The version's states end as the process does, after the reason.
    assert text(log.splitlines()[-4]).endswith('( "state": "END", "error_code": "OK" )')


def test_a_device_that_is_not_there_is_told_in_several_lines(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    log = failed_start(
        tmp_path,
        *single(tmp_path, "--target_device", "NOPE"),
        status="Cannot compile model into target device",
    )
    known = 'Device with "NOPE" name is not registered in the OpenVINO Runtime'
    asked, failed = (record for record in records(log) if known in record)
    assert "requesting plugin: NOPE; key: SUPPORTED_PROPERTIES; value. Error: Exc" in asked
    assert "Cannot compile model into target device; error: Exception from" in failed
    assert failed.splitlines()[-1] == "; model: m; version: 1; device: NOPE"


def test_an_unknown_plugin_key_is_followed_by_all_keys_there_are(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    log = failed_start(
        tmp_path,
        *single(tmp_path, "--plugin_config", '{"NOPE": "1"}'),
        status="Model config is invalid",
    )
    lines = [text(line) for line in log.splitlines()]
    wrong = "Plugin config key: NOPE not found in supported config keys for device: CPU."
    at = lines.index(wrong)
    assert lines[at + 1] == "List of supported keys for this device:"
    assert lines.index("PERFORMANCE_HINT") < lines.index("Plugin config contains unsupported keys")


def test_a_cache_that_cannot_be_made_ends_the_start(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "cache"
    result = run_once([*single(tmp_path, "--cache_dir", str(path)), "--rest_port", "1"])
    assert (result.returncode, result.stderr) == (1, "")
    assert "Exception catch: filesystem error: cannot create directories: " in result.stdout
    assert f"[{path}] - will now terminate." in result.stdout


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


@pytest.mark.parametrize(
    ("option", "value", "status"),
    [
        ("shape", "(1,x)", "The provided shape is in wrong format"),
        ("layout", "NZZZ", "The provided layout is in wrong format"),
    ],
)
def test_a_bad_shape_or_layout_ends_the_start(
    tmp_path: Path, option: str, value: str, status: str
) -> None:
    write_ir(tmp_path / "1")
    log = failed_start(tmp_path, *single(tmp_path, f"--{option}", value), status=status)
    assert f"Couldn't parse {option} parameter" in log


def test_no_versions_asked_for_on_the_command_line(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    policy = json.dumps({"latest": {"num_versions": 0}})
    with StandIn(single(tmp_path, "--model_version_policy", policy)) as server:
        server.wait_ready()
        assert b'"model_version_status": []' in server.get("/v1/config").body


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
        "C-APIModule started",
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
        'STATUS CHANGE: Version 1 of model m status change. New status: ( "state": "START", ',
        f"Loading model: m, version: 1, from path: {tmp_path}/1, with target device:  ...",
        'STATUS CHANGE: Version 1 of model m status change. New status: ( "state": "START", ',
        'STATUS CHANGE: Version 1 of model m status change. New status: ( "state": "LOADING", ',
        "No target device specified for model: m; version: 1; using recommended device: CPU",
        "Loaded model m; version: 1; batch size: 1; No of InferRequests: ",
        '( "state": "AVAILABLE", "error_code": "OK" )',
        "Updated default version for model: m, to: 1",
        "ServableManagerModule started",
        "GRPCServerModule shutting down",
        "Shutdown gRPC server",
        "GRPCServerModule shutdown",
        "HTTPServerModule shutting down",
        "Shutdown HTTP server",
        "ServableManagerModule shutting down",
        "Shutdown model manager",
        '( "state": "UNLOADING", "error_code": "OK" )',
        '( "state": "END", "error_code": "OK" )',
        "ServableManagerModule shutdown",
        "C-APIModule shutdown",
    ]
    position = 0
    for text in expected:
        found = [n for n, line in enumerate(lines) if n >= position and text in line]
        assert found, f"{text!r} is missing after line {position}: {lines}"
        position = found[0]
    assert any("Started model manager thread" in line for line in lines)


def test_sigterm_closes_the_sockets_and_ends_with_0_under_heavy_inference(tmp_path: Path) -> None:
    write_heavy(tmp_path / "1")
    body = json.dumps(
        {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1.0]}]}
    ).encode()
    answers: list[int | str] = []

    def ask(server: StandIn) -> None:
        try:
            while True:
                answers.append(server.request("POST", "/v2/models/m/infer", body).status)
        except (OSError, http.client.HTTPException) as error:
            answers.append(type(error).__name__)

    with StandIn(single(tmp_path, "--rest_workers", "0")) as server:
        server.wait_ready()
        idle = http.client.HTTPConnection("127.0.0.1", server.rest, timeout=10)
        idle.request("GET", "/v2/health/live")
        idle.getresponse().read()
        clients = [threading.Thread(target=ask, args=(server,)) for _ in range(6)]
        for client in clients:
            client.start()
        eventually(lambda: answers.count(200) >= 6)
        assert server.stop() == 0
        for client in clients:
            client.join()
        assert [answer for answer in answers if answer != 200], answers
        assert not any("terminate called" in line for line in server.lines)
        assert idle.sock.recv(1) == b""  # a kept connection is closed, too
        with pytest.raises(OSError):
            server.get("/v2/health/live")
