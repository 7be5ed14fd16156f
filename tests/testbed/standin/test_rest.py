# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""REST: routes, codes and bodies, byte for byte where a client could depend on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import states, write_config, write_ir
from ovms_standin import bodies
from ovms_standin.instance import ErrorCode, State, VersionStatus
from ovms_standin.knobs import Generation
from ovms_standin.manager import ModelManager
from ovms_standin.metrics import Metrics
from ovms_standin.routes import Reply, Request, Routes

MakeManager = Callable[..., ModelManager]
Ask = Callable[..., Reply]
BOTH = [Generation.TFS, Generation.KSERVE]
ROW = [float(n) for n in range(10)]
TWICE = [2 * n for n in ROW]

#: The example of upstream's src/test/http_rest_api_handler_test.cpp.
TWO_VERSIONS = b"""{
"dummy" : 
{
 "model_version_status": [
  {
   "version": "1",
   "state": "END",
   "status": {
    "error_code": "OK",
    "error_message": "OK"
   }
  },
  {
   "version": "2",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": "OK"
   }
  }
 ]
}
}"""  # noqa: W291


def test_the_status_body_byte_for_byte() -> None:
    versions = [(1, VersionStatus(State.END)), (2, VersionStatus(State.AVAILABLE))]
    assert bodies.config_status({"dummy": versions}) == TWO_VERSIONS
    assert bodies.config_status({}) == b"{}"
    failed = VersionStatus(State.LOADING, ErrorCode.FAILED_PRECONDITION)
    two = bodies.config_status({"a": [], "b": [(1, failed)]})
    assert two.startswith(b'{\n"a" : \n{\n "model_version_status": []\n},\n"b" : \n{\n')
    assert b'"error_message": "FAILED_PRECONDITION"' in two
    assert bodies.model_status([]) == b'{\n "model_version_status": []\n}\n'


@pytest.fixture
def ask(repository: Path, make_manager: MakeManager) -> Callable[[Generation], Ask]:
    """Starts `m` (version 1 good, 2 broken) and `late` (nothing); answers requests."""
    (repository / "m" / "2").mkdir()
    config = write_config(
        repository / "config.json",
        {"name": "m", "base_path": "m"},
        {"name": "late", "base_path": "late"},
    )

    def start(generation: Generation) -> Ask:
        manager = make_manager(config=config, generation=generation, metrics=Metrics())
        assert manager.start().ok
        routes = Routes(manager, lambda: True)

        def answer(method: str, path: str, body: Any = None, **headers: str) -> Reply:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            return routes.answer(Request(method, path, headers, data))

        return answer

    return start


def error(status: int, text: str) -> tuple[int, bytes]:
    """Status and body of an ordinary error."""
    return status, ('{"error":"' + text + '"}').encode()


def both(reply: Reply) -> tuple[int, bytes]:
    """Status and body."""
    return reply.status, reply.body


NAME = "Model with requested name is not found"
VERSION = "Model with requested version is not found"
NOT_YET = "Model with requested version is not loaded yet"
SAME = [
    ("GET", "/v2/health/live", (200, b"")),
    ("GET", "/v2/health/ready", (200, b"")),
    ("GET", "/v2/models/m/ready", (200, b"")),
    ("GET", "/v2/models/m/versions/1/ready", (200, b"")),
    ("GET", "/v2/models/m/versions/2/ready", error(404, NOT_YET)),
    ("GET", "/v2/models/m/versions/3/ready", error(404, VERSION)),
    ("GET", "/v2/models/m/versions/0/ready", error(404, VERSION)),
    ("GET", "/v2/models/m/versions/0", error(404, VERSION)),
    ("POST", "/v2/models/none/infer", error(404, "Pipeline with requested name is not found")),
    ("GET", "/v2/models/m/versions/2", error(404, NOT_YET)),
    ("GET", "/v2/models/late/ready", error(404, VERSION)),
    ("GET", "/v2/models/none/ready", error(404, NAME)),
    ("GET", "/v2/models/none", error(404, NAME)),
    ("GET", "/metrics", error(400, "Invalid request URL")),
    ("GET", "/nothing", error(400, "Invalid request URL")),
    ("POST", "/v2/nothing", error(400, "Invalid request URL")),
    ("GET", "/v1/config/", error(400, "Invalid request URL")),
    ("HEAD", "/v2/health/ready", (200, b"")),
    ("HEAD", "/v2/models/none/ready", error(404, NAME)),
    ("HEAD", "/v1/config/reload", error(406, "Unsupported method")),
    ("DELETE", "/v1/config", error(406, "Unsupported method")),
    ("GET", "/v1/config/reload", error(406, "Unsupported method")),
    ("GET", "/v2/models/m/infer", error(406, "Unsupported method")),
    ("POST", "/v2/health/ready", error(406, "Unsupported method")),
]


@pytest.mark.parametrize("generation", BOTH)
def test_calls_that_mean_the_same_in_both_generations(
    ask: Callable[[Generation], Ask], generation: Generation
) -> None:
    answer = ask(generation)
    found = [(method, path, both(answer(method, path))) for method, path, _ in SAME]
    assert found == SAME
    assert states(answer("GET", "/v1/config").body) == [
        ("1", "AVAILABLE", "OK"),
        ("2", "LOADING", "UNKNOWN"),
    ]
    assert answer("GET", "/v1/config").body.startswith(b'{\n"late" : \n')


@pytest.mark.parametrize("generation", BOTH)
def test_server_and_model_metadata(
    ask: Callable[[Generation], Ask], generation: Generation
) -> None:
    answer = ask(generation)
    server = json.loads(answer("GET", "/v2").body)
    assert server["name"] == "OpenVINO Model Server"
    assert server["version"].startswith(generation.value)
    tensor = '{"name":"%s","datatype":"FP32","shape":[1,10]}'
    expected = (
        '{"name":"m","versions":["1"],"platform":"OpenVINO",'
        f'"inputs":[{tensor % "input"}],"outputs":[{tensor % "output"}]}}'
    )
    assert answer("GET", "/v2/models/m").body.decode() == expected
    assert answer("GET", "/v2/models/%6d").body.decode() == expected


@pytest.mark.parametrize("generation", BOTH)
def test_the_reload_call(
    ask: Callable[[Generation], Ask], generation: Generation, repository: Path
) -> None:
    answer = ask(generation)
    failed = '{\n\t"error": "Reloading config file failed. Check server logs for more info."\n}'
    # Both reasons are there: `late` has no directory (PATH_INVALID) and m/2 no model.
    assert both(answer("POST", "/v1/config/reload"))[1] == failed.encode()
    (repository / "m" / "2").rmdir()
    (repository / "late").mkdir()
    reply = answer("POST", "/v1/config/reload")
    assert (reply.status, reply.body) == both(answer("GET", "/v1/config"))
    (repository / "config.json").unlink()
    missing = '{\n\t"error": "Config file not found or cannot open."\n}'
    assert both(answer("POST", "/v1/config/reload")) == (500, missing.encode())


def test_the_code_of_a_reload_is_that_of_the_first_error(
    repository: Path, make_manager: MakeManager
) -> None:
    entries = [{"name": "late", "base_path": "late"}, {"name": "m", "base_path": "m"}]
    config = write_config(repository / "config.json", *entries)
    manager = make_manager(config=config)
    assert manager.start().ok
    routes = Routes(manager, lambda: True)
    assert routes.answer(Request("POST", "/v1/config/reload")).status == 400
    write_config(config, {"name": "m", "base_path": "m", "target_device": "GPU"})
    assert routes.answer(Request("POST", "/v1/config/reload")).status == 412


def test_model_calls_of_the_old_generation(ask: Callable[[Generation], Ask]) -> None:
    answer = ask(Generation.TFS)
    body = answer("GET", "/v1/models/m").body
    assert body.startswith(b'{\n "model_version_status": [\n  {\n   "version": "1",\n')
    assert body.endswith(b" ]\n}\n")
    assert states(body) == [("1", "AVAILABLE", "OK"), ("2", "LOADING", "UNKNOWN")]
    assert states(answer("GET", "/v1/models/m/versions/2").body) == [("2", "LOADING", "UNKNOWN")]
    assert both(answer("GET", "/v1/models/m/versions/3")) == error(404, VERSION)
    assert both(answer("GET", "/v1/models/none")) == error(404, NAME)
    assert both(answer("GET", "/v1/models")) == error(404, NAME)
    metadata = json.loads(answer("GET", "/v1/models/m/versions/1/metadata").body)
    assert metadata["modelSpec"] == {"name": "m", "signatureName": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signatureDef"]["serving_default"]
    assert signature["inputs"]["input"]["dtype"] == "DT_FLOAT"
    assert both(answer("POST", "/v1/models/m")) == error(406, "Unsupported method")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"instances": [ROW]}, {"predictions": [TWICE]}),
        ({"instances": [{"input": ROW}]}, {"predictions": [TWICE]}),
        ({"inputs": [ROW]}, {"outputs": [TWICE]}),
        ({"inputs": {"input": [ROW]}}, {"outputs": [TWICE]}),
    ],
)
def test_predict_of_the_old_generation(
    ask: Callable[[Generation], Ask], body: Any, expected: Any
) -> None:
    assert json.loads(ask(Generation.TFS)("POST", "/v1/models/m:predict", body).body) == expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Invalid JSON structure. Could not detect row or column format"),
        ([], "Request body should be JSON object"),
        ({"instances": []}, "Invalid JSON structure. Missing instances in row format"),
        ({"inputs": {}}, "Invalid JSON structure, missing inputs"),
    ],
)
def test_bad_predict_calls(ask: Callable[[Generation], Ask], body: Any, text: str) -> None:
    assert both(ask(Generation.TFS)("POST", "/v1/models/m:predict", body)) == error(400, text)


def test_the_old_paths_in_the_new_generation(ask: Callable[[Generation], Ask]) -> None:
    answer = ask(Generation.KSERVE)
    model = json.loads(answer("GET", "/v1/models/m").body)
    assert model | {"created": 0} == {
        "id": "m",
        "object": "model",
        "created": 0,
        "owned_by": "OVMS",
    }
    gone = error(500, "Model not found")
    for path in ("none", "late", "m/versions/1", "m/metadata"):
        assert both(answer("GET", f"/v1/models/{path}")) == gone
    listed = json.loads(answer("GET", "/v1/models").body)
    assert [item["id"] for item in listed["data"]] == ["m"]
    assert list(listed) == ["data", "object"]
    json_type = {"content-type": "application/json"}
    reply = answer("POST", "/v1/models/m:predict", {"instances": []}, **json_type)
    text = "The file is not valid json - model field is missing in JSON body"
    assert both(reply) == error(412, text)
    assert answer("POST", "/v1/models/m:predict", b"").status == 404


def tensor(**changes: Any) -> dict[str, Any]:
    """The request for one row, changed."""
    item = {"name": "input", "shape": [1, 10], "datatype": "FP32", "data": ROW}
    return {"inputs": [{**item, **changes}]}


@pytest.mark.parametrize("generation", BOTH)
def test_kserve_inference_as_json(ask: Callable[[Generation], Ask], generation: Generation) -> None:
    reply = ask(generation)("POST", "/v2/models/m/infer", {**tensor(), "id": "7"})
    body = json.loads(reply.body)
    assert (body["model_name"], body["model_version"], body["id"]) == ("m", "1", "7")
    assert body["outputs"] == [
        {"name": "output", "datatype": "FP32", "shape": [1, 10], "data": TWICE}
    ]


#: As a real server wrote it, with other names and numbers.
WHOLE = """{
    "model_name": "m",
    "id": "7",
    "model_version": "1",
    "outputs": [{
            "name": "output",
            "shape": [1, 10],
            "datatype": "FP32",
            "data": [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0]
        }]
}"""
BINARY_PART = """            "parameters": {
                "binary_data_size": 40
            }
        }]
}"""


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "none"}]},
        {"outputs": [{"name": "none", "parameters": {"binary_data": True}}]},
        {"outputs": [{"name": "output", "parameters": {"binary_data": False}}]},
    ],
)
def test_the_infer_body_byte_for_byte(
    ask: Callable[[Generation], Ask], more: dict[str, Any]
) -> None:
    reply = ask(Generation.KSERVE)("POST", "/v2/models/m/infer", {**tensor(), "id": "7", **more})
    assert both(reply) == (200, WHOLE.encode())


@pytest.mark.parametrize(
    "more",
    [
        {"outputs": [{"name": "output", "parameters": {"binary_data": True}}]},
        {"parameters": {"binary_data_output": True}, "outputs": [{"name": "output"}]},
    ],
)
def test_an_output_wanted_as_raw_bytes_follows_the_json(
    ask: Callable[[Generation], Ask], more: dict[str, Any]
) -> None:
    reply = ask(Generation.KSERVE)("POST", "/v2/models/m/versions/0/infer", {**tensor(), **more})
    length = int(reply.headers["inference-header-content-length"])
    head, tail = reply.body[:length].decode(), reply.body[length:]
    assert head.endswith(BINARY_PART)
    assert tail == np.array(TWICE, np.float32).tobytes()
    assert reply.content_type == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        ("x", "Inference-Header-Content-Length header is invalid and couldn't be parsed"),
        ("9999", "Inference-Header-Content-Length header exceeds actual payload length"),
    ],
)
def test_a_bad_length_of_the_json_part(
    ask: Callable[[Generation], Ask], length: str, text: str
) -> None:
    headers = {"inference-header-content-length": length}
    reply = ask(Generation.KSERVE)("POST", "/v2/models/m/infer", tensor(), **headers)
    assert both(reply) == error(500, text)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (tensor(name="x"), 400, "Missing input with specific name - Required input: input"),
        (tensor(shape=[10]), 400, "Invalid number of shape dimensions - Expected: (1,10); "),
        (
            tensor(shape=[2, 5]),
            400,
            "Invalid input batch size - Expected: 1; Actual: 2; input name: input name: input",
        ),
        (
            tensor(shape=[1, 5], data=ROW[:5]),
            400,
            "Invalid input shape - Expected: (1,10); Actual: (1,5)",
        ),
        (
            tensor(datatype="FP64"),
            400,
            "Invalid input precision - Expected: FP32; Actual: FP64; input name: input name: inp",
        ),
        (
            {"inputs": tensor()["inputs"] * 2},
            400,
            "Invalid number of inputs - Expected: 1; Actual: 2",
        ),
        (
            {
                "inputs": [
                    {key: tensor()["inputs"][0][key] for key in ("name", "shape", "datatype")}
                ]
            },
            400,
            "Received buffer size is smaller than binary_data_size parameter indicates",
        ),
        (tensor(data=ROW[:3]), 400, "Invalid number of values in tensor proto container"),
        (tensor(datatype="FP7"), 400, "Could not parse input content. Unsupported data precision"),
        (
            {"inputs": tensor()["inputs"] * 1 + [{**tensor()["inputs"][0], "name": "y"}]},
            400,
            "Invalid number of inputs - Expected: 1; Actual: 2",
        ),
        ({"inputs": []}, 400, "Invalid JSON structure, missing inputs"),
        (
            b"{",
            412,
            "The file is not valid json - Error: Missing a name for object member. Offset: 1",
        ),
        (b"", 412, "The file is not valid json - Error: The document is empty. Offset: 0"),
        (b'{"inputs": NaN}', 412, "The file is not valid json - Error: Invalid value. Offset: 11"),
    ],
)
def test_bad_inference_requests(
    ask: Callable[[Generation], Ask], body: Any, status: int, text: str
) -> None:
    reply = ask(Generation.KSERVE)("POST", "/v2/models/m/infer", body)
    assert reply.status == status
    assert json.loads(reply.body)["error"].startswith(text)


def test_inference_on_a_retired_version(repository: Path, make_manager: MakeManager) -> None:
    manager = make_manager(model={"name": "m", "base_path": str(repository / "m")})
    assert manager.start().ok
    write_ir(repository / "m" / "2")
    manager.poll()
    routes = Routes(manager, lambda: True)
    reply = routes.answer(
        Request("POST", "/v2/models/m/versions/1/infer", {}, json.dumps(tensor()).encode())
    )
    assert both(reply) == error(404, "Model with requested version is retired")


def test_not_ready_before_the_first_pass_ends(repository: Path, make_manager: MakeManager) -> None:
    manager = make_manager(model={"name": "m", "base_path": str(repository / "m")})
    routes = Routes(manager, lambda: False)
    assert both(routes.answer(Request("GET", "/v2/health/live"))) == (200, b"")
    ready = both(routes.answer(Request("GET", "/v2/health/ready")))
    assert ready == error(503, "Server is not ready")
    assert routes.answer(Request("GET", "/v1/config")).body == b"{}"


def test_digests_tell_which_bytes_are_served(repository: Path, make_manager: MakeManager) -> None:
    import hashlib

    manager = make_manager(model={"name": "m", "base_path": str(repository / "m")})
    assert manager.start().ok
    files = [repository / "m" / "1" / name for name in ("model.xml", "model.bin")]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    reply = Routes(manager, lambda: True).answer(Request("GET", "/standin/digests"))
    assert json.loads(reply.body) == {"m": {"1": f"sha256:{wanted}"}}
