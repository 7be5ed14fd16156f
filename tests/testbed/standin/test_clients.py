# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that nobody here wrote: tritonclient for both generations, ovmsclient for the old one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import ovmsclient
import pytest
import tritonclient.grpc
import tritonclient.http
from harness import StandIn, eventually, states, write_config, write_ir
from tritonclient.utils import InferenceServerException

GENERATIONS = ["2026.2", "2026.3"]
ROW = np.arange(10, dtype=np.float32).reshape(1, 10)


@pytest.fixture(scope="module", params=GENERATIONS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandIn]:
    """A server with `m` in the versions 1 and 2, and 3 that fails."""
    yield from _serve(request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def old_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The same in the old generation only."""
    yield from _serve("2026.2", tmp_path_factory)


def _serve(generation: str, factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    root = factory.mktemp("models")
    write_ir(root / "m" / "1", 2.0)
    write_ir(root / "m" / "2", 3.0)
    (root / "m" / "3").mkdir()
    policy = {"specific": {"versions": [1, 2, 3]}}
    model = {"name": "m", "base_path": "m", "model_version_policy": policy}
    config = write_config(root / "config.json", model, {"name": "empty", "base_path": "m"})
    arguments = ["--config_path", str(config), "--file_system_poll_wait_seconds", "0"]
    with StandIn(arguments, generation) as running:
        yield running.wait_ready()


def _inputs(module: Any, **binary: bool) -> list[Any]:
    tensor = module.InferInput("input", [1, 10], "FP32")
    tensor.set_data_from_numpy(ROW, **binary)
    return [tensor]


@pytest.mark.parametrize("binary", [True, False])
def test_triton_http(server: StandIn, binary: bool) -> None:
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.rest}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.is_model_ready("m", "2")
    assert not client.is_model_ready("m", "3")
    assert not client.is_model_ready("none")
    assert client.get_server_metadata()["name"] == "OpenVINO Model Server"
    metadata = client.get_model_metadata("m")
    assert (metadata["versions"], metadata["platform"]) == (["1", "2"], "OpenVINO")
    assert client.get_model_metadata("m", "1")["versions"] == ["1", "2"]
    wanted = [tritonclient.http.InferRequestedOutput("output", binary_data=binary)]
    inputs = _inputs(tritonclient.http, binary_data=binary)
    for version, factor in (("", 3), ("1", 2)):
        result = client.infer("m", inputs, version, outputs=wanted)
        np.testing.assert_array_equal(result.as_numpy("output"), ROW * factor)
    result = client.infer("m", inputs)  # without outputs named
    np.testing.assert_array_equal(result.as_numpy("output"), ROW * 3)
    client.close()


def test_triton_http_errors(server: StandIn) -> None:
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.rest}")
    with pytest.raises(InferenceServerException, match="Pipeline with requested name is not found"):
        client.infer("none", _inputs(tritonclient.http))
    with pytest.raises(InferenceServerException, match="Model with requested name is not found"):
        client.get_model_metadata("none")
    with pytest.raises(InferenceServerException, match="requested version is not found"):
        client.get_model_metadata("m", "9")
    client.close()


def test_triton_grpc(server: StandIn) -> None:
    client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert not client.is_model_ready("m", "3")  # OK with ready: false
    assert client.get_server_metadata().version.startswith(server.generation)
    metadata = client.get_model_metadata("m")
    assert (list(metadata.versions), metadata.platform) == (["1", "2"], "OpenVINO")
    assert [(t.name, t.datatype, list(t.shape)) for t in metadata.inputs] == [
        ("input", "FP32", [1, 10])
    ]
    for version, factor in (("", 3), ("1", 2)):
        result = client.infer("m", _inputs(tritonclient.grpc), version)
        np.testing.assert_array_equal(result.as_numpy("output"), ROW * factor)
    unknown = [tritonclient.grpc.InferRequestedOutput("none")]
    result = client.infer("m", _inputs(tritonclient.grpc), outputs=unknown)
    assert [output.name for output in result.get_response().outputs] == ["output"]
    client.close()


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        (("get_model_metadata", "none"), "NOT_FOUND", "Model with requested name is not found"),
        (("get_model_metadata", "m", "9"), "NOT_FOUND", "requested version is not found"),
        (("get_model_metadata", "m", "3"), "UNAVAILABLE", "is not loaded yet"),
        (("get_model_metadata", "m", "0"), "NOT_FOUND", "requested version is not found"),
        (("get_model_metadata", "m", "x"), "INVALID_ARGUMENT", "invalid model version format"),
        (("is_model_ready", "none"), "NOT_FOUND", "Model with requested name is not found"),
    ],
)
def test_triton_grpc_codes(server: StandIn, call: tuple[str, ...], code: str, text: str) -> None:
    client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}")
    with pytest.raises(InferenceServerException, match=text) as caught:
        getattr(client, call[0])(*call[1:])
    assert caught.value.status() == f"StatusCode.{code}"
    client.close()


def test_typed_contents_over_grpc(server: StandIn) -> None:
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.ModelInferRequest(model_name="m", id="9")
        tensor = request.inputs.add(name="input", datatype="FP32", shape=[1, 10])
        tensor.contents.fp32_contents.extend(ROW.reshape(-1).tolist())
        response = stub.ModelInfer(request, timeout=10)
    assert (response.model_version, response.id) == ("2", "9")
    assert list(response.raw_output_contents) == [(ROW * 3).tobytes()]
    assert not response.outputs[0].HasField("contents")


def _call_raw(server: StandIn, method: str) -> grpc.StatusCode:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        try:
            channel.unary_unary(method)(b"", timeout=10)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize(
    "method",
    [
        "/tensorflow.serving.ModelService/GetModelStatus",
        "/tensorflow.serving.PredictionService/Predict",
        "/tensorflow.serving.PredictionService/GetModelMetadata",
    ],
)
def test_the_old_services_are_gone_in_the_new_generation(server: StandIn, method: str) -> None:
    old = server.generation == "2026.2"
    wanted = grpc.StatusCode.INVALID_ARGUMENT if old else grpc.StatusCode.UNIMPLEMENTED
    assert _call_raw(server, method) is wanted


@pytest.mark.parametrize("method", ["/grpc.health.v1.Health/Check", "/x.Y/Z"])
def test_services_ovms_never_had(server: StandIn, method: str) -> None:
    assert _call_raw(server, method) is grpc.StatusCode.UNIMPLEMENTED


def _ovms_client(server: StandIn, protocol: str) -> Any:
    if protocol == "http":
        return ovmsclient.make_http_client(f"127.0.0.1:{server.rest}")
    return ovmsclient.make_grpc_client(f"127.0.0.1:{server.grpc}")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_ovmsclient(old_server: StandIn, protocol: str) -> None:
    client = _ovms_client(old_server, protocol)
    status = client.get_model_status("m")
    available = {"state": "AVAILABLE", "error_code": 0, "error_message": "OK"}
    failed = {"state": "LOADING", "error_code": 2, "error_message": "UNKNOWN"}
    assert status == {1: available, 2: available, 3: failed}
    assert client.get_model_status("m", 2) == {2: available}
    metadata = client.get_model_metadata("m")
    tensor = {"shape": [1, 10], "dtype": "DT_FLOAT"}
    assert metadata == {
        "model_version": 2,
        "inputs": {"input": tensor},
        "outputs": {"output": tensor},
    }
    for version, factor in ((0, 3), (1, 2)):
        result = client.predict({"input": ROW}, "m", version)
        np.testing.assert_array_equal(result, ROW * factor)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_ovmsclient_errors(old_server: StandIn, protocol: str) -> None:
    from ovmsclient.tfs_compat.base.errors import InvalidInputError, ModelNotFoundError

    client = _ovms_client(old_server, protocol)
    with pytest.raises(ModelNotFoundError):
        client.get_model_status("none")
    with pytest.raises(ModelNotFoundError):
        client.get_model_metadata("m", 9)
    with pytest.raises(InvalidInputError):
        client.predict({"input": ROW[:, :5]}, "m")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_client_is_served_through_an_upgrade(tmp_path: Path, generation: str) -> None:
    write_ir(tmp_path / "1", 2.0)
    arguments = ["--model_name", "m", "--model_path", str(tmp_path)]
    with StandIn(arguments, generation) as server:
        server.wait_ready()
        client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}")
        seen = set()

        def infer() -> bool:
            result = client.infer("m", _inputs(tritonclient.grpc))
            seen.add(float(result.as_numpy("output")[0, 1]))
            return 3.0 in seen

        assert not infer()
        write_ir(tmp_path / "2", 3.0)
        eventually(infer)
        assert seen == {2.0, 3.0}
        eventually(
            lambda: (
                states(server.get("/v1/config").body)
                == [("1", "END", "OK"), ("2", "AVAILABLE", "OK")]
            )
        )
        client.close()
