# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status codes with their texts, HTTP and gRPC numbers.

Texts as in OVMS's src/status.cpp, HTTP codes as in src/http_server.cpp, gRPC codes as in
src/grpc_utils.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass

GRPC_INVALID_ARGUMENT, GRPC_NOT_FOUND, GRPC_FAILED_PRECONDITION = 3, 5, 9
GRPC_UNIMPLEMENTED, GRPC_INTERNAL, GRPC_UNAVAILABLE = 12, 13, 14


@dataclass(frozen=True)
class Code:
    """One outcome: its name in OVMS's source, its text, its HTTP and gRPC codes."""

    name: str
    text: str
    http: int = 500
    grpc: int = GRPC_INTERNAL


@dataclass(frozen=True)
class Status:
    """An outcome, with details that follow the text after " - "."""

    code: Code
    details: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return self.code.http < 300

    def text(self) -> str:
        """What OVMS writes into logs and error bodies."""
        return f"{self.code.text} - {self.details}" if self.details else self.code.text


class StatusError(Exception):
    """A request or a load that ends with a status other than OK."""

    def __init__(self, code: Code, details: str = "") -> None:
        super().__init__(code.name)
        self.status = Status(code, details)


OK_CODE = Code("OK", "", 200, 0)
OK = Status(OK_CODE)
RELOADED = Status(Code("OK_RELOADED", "", 200, 0))

PATH_INVALID = Code("PATH_INVALID", "The provided base path is invalid or doesn't exists", 400)
FILE_INVALID = Code("FILE_INVALID", "File not found or cannot open")
CONFIG_FILE_INVALID = Code("CONFIG_FILE_INVALID", "Configuration file not found or cannot open")
CONFIG_FILE_UNREADABLE = Code(
    "CONFIG_FILE_TIMESTAMP_READING_FAILED", "Error during config file timestamp reading"
)
JSON_INVALID = Code("JSON_INVALID", "The file is not valid json", 412)
MODEL_NOT_LOADED = Code("MODEL_NOT_LOADED", "Error while loading a model")
SERVER_NOT_READY = Code("SERVER_NOT_READY", "Server is not ready", 503, GRPC_UNAVAILABLE)
CANNOT_COMPILE = Code(
    "CANNOT_COMPILE_MODEL_INTO_TARGET_DEVICE",
    "Cannot compile model into target device",
    412,
    GRPC_FAILED_PRECONDITION,
)
RESHAPE_ERROR = Code(
    "RESHAPE_ERROR",
    "Model could not be reshaped with requested shape",
    412,
    GRPC_FAILED_PRECONDITION,
)
ANONYMOUS_SHAPE = Code(
    "ANONYMOUS_FIXED_SHAPE_NOT_ALLOWED",
    "Anonymous fixed shape is invalid for models with multiple inputs",
)
ANONYMOUS_LAYOUT = Code(
    "ANONYMOUS_FIXED_LAYOUT_NOT_ALLOWED",
    "Anonymous fixed layout is invalid for models with multiple inputs",
)
SHAPE_NOT_IN_MODEL = Code("CONFIG_SHAPE_IS_NOT_IN_MODEL", "Shape from config not found in model")
LAYOUT_NOT_IN_MODEL = Code("CONFIG_LAYOUT_IS_NOT_IN_MODEL", "Layout from config not found in model")
INVALID_NIREQ = Code("INVALID_NIREQ", "Nireq parameter too high")
SHAPE_WRONG_FORMAT = Code("SHAPE_WRONG_FORMAT", "The provided shape is in wrong format")
LAYOUT_WRONG_FORMAT = Code("LAYOUT_WRONG_FORMAT", "The provided layout is in wrong format")
PLUGIN_CONFIG_WRONG_FORMAT = Code("PLUGIN_CONFIG_WRONG_FORMAT", "Plugin config is in wrong format")
POLICY_WRONG_FORMAT = Code(
    "MODEL_VERSION_POLICY_WRONG_FORMAT", "Model version policy is in wrong format"
)
POLICY_UNSUPPORTED_KEY = Code(
    "MODEL_VERSION_POLICY_UNSUPPORTED_KEY", "Model version policy contains unsupported key"
)
MODEL_CONFIG_INVALID = Code("MODEL_CONFIG_INVALID", "Model config is invalid")
MODEL_NAME_OCCUPIED = Code("MODEL_NAME_OCCUPIED", "Given model name is already occupied")
METRICS_UNSUPPORTED = Code("INVALID_METRICS_FAMILY_NAME", "Invalid name in metrics_list")

MODEL_NAME_MISSING = Code(
    "MODEL_NAME_MISSING", "Model with requested name is not found", 404, GRPC_NOT_FOUND
)
MODEL_VERSION_MISSING = Code(
    "MODEL_VERSION_MISSING", "Model with requested version is not found", 404, GRPC_NOT_FOUND
)
MODEL_VERSION_RETIRED = Code(
    "MODEL_VERSION_NOT_LOADED_ANYMORE",
    "Model with requested version is retired",
    404,
    GRPC_NOT_FOUND,
)
MODEL_VERSION_NOT_LOADED_YET = Code(
    "MODEL_VERSION_NOT_LOADED_YET",
    "Model with requested version is not loaded yet",
    404,
    GRPC_UNAVAILABLE,
)
PIPELINE_NAME_MISSING = Code(
    "PIPELINE_DEFINITION_NAME_MISSING",
    "Pipeline with requested name is not found",
    404,
    GRPC_NOT_FOUND,
)
PIPELINE_RETIRED = Code(
    "PIPELINE_DEFINITION_NOT_LOADED_ANYMORE", "Pipeline is retired", 404, GRPC_NOT_FOUND
)
PIPELINE_NOT_LOADED_YET = Code(
    "PIPELINE_DEFINITION_NOT_LOADED_YET", "Pipeline is not loaded yet", 404, GRPC_UNAVAILABLE
)
MEDIAPIPE_RETIRED = Code(
    "MEDIAPIPE_DEFINITION_NOT_LOADED_ANYMORE", "Mediapipe is retired", 404, GRPC_NOT_FOUND
)
MEDIAPIPE_NOT_LOADED_YET = Code(
    "MEDIAPIPE_DEFINITION_NOT_LOADED_YET", "Mediapipe is not loaded yet", 404, GRPC_UNAVAILABLE
)
NODE_LIBRARY_INVALID = Code(
    "PIPELINE_DEFINITION_INVALID_NODE_LIBRARY", "Pipeline refers to incorrect library"
)
NODE_LIBRARY_INITIALIZE_FAILED = Code(
    "NODE_LIBRARY_INITIALIZE_FAILED", "Failure during custom node library initialization"
)
NODE_LIBRARY_METADATA_FAILED = Code(
    "NODE_LIBRARY_METADATA_FAILED", "Custom node failed on metadata call"
)
NODE_LIBRARY_OUTPUTS_CORRUPTED = Code(
    "NODE_LIBRARY_OUTPUTS_CORRUPTED", "Custom node library has returned corrupted outputs handle"
)
NODE_LIBRARY_OUTPUTS_CORRUPTED_COUNT = Code(
    "NODE_LIBRARY_OUTPUTS_CORRUPTED_COUNT",
    "Custom node library has produced corrupted number of outputs",
)
PIPELINE_INPUT_MISSING = Code(
    "PIPELINE_CONNECTION_TO_MISSING_MODEL_INPUT",
    "Pipeline definition has connection to non existing model input",
)
PIPELINE_INPUTS_OPEN = Code(
    "PIPELINE_NOT_ALL_INPUTS_CONNECTED",
    "Pipeline definition does not have connections for all inputs of underlying models",
)
PIPELINE_OUTPUT_MISSING = Code(
    "PIPELINE_NODE_REFERING_TO_MISSING_MODEL_OUTPUT",
    "Pipeline definition has reference to missing model output",
)
GRAPH_FILE_INVALID = Code(
    "MEDIAPIPE_GRAPH_CONFIG_FILE_INVALID", "Failed to read protobuf graph configuration file"
)
MODEL_VERSION_INVALID = Code(
    "MODEL_VERSION_INVALID_FORMAT",
    "invalid model version format in request",
    400,
    GRPC_INVALID_ARGUMENT,
)
MODEL_SPEC_MISSING = Code(
    "MODEL_SPEC_MISSING", "model_spec missing in request", 400, GRPC_INVALID_ARGUMENT
)
INVALID_SIGNATURE = Code(
    "INVALID_SIGNATURE_DEF", "Invalid signature name", 400, GRPC_INVALID_ARGUMENT
)
NOT_IMPLEMENTED = Code("NOT_IMPLEMENTED", "Functionality not implemented", 501, GRPC_UNIMPLEMENTED)
INTERNAL_ERROR = Code("INTERNAL_ERROR", "Internal server error")
INFERENCE_ERROR = Code("OV_INTERNAL_INFERENCE_ERROR", "Internal inference error")


def _request(name: str, text: str) -> Code:
    return Code(name, text, 400, GRPC_INVALID_ARGUMENT)


INVALID_NO_OF_INPUTS = _request("INVALID_NO_OF_INPUTS", "Invalid number of inputs")
INVALID_MISSING_INPUT = _request("INVALID_MISSING_INPUT", "Missing input with specific name")
INVALID_MISSING_OUTPUT = _request("INVALID_MISSING_OUTPUT", "Missing output with specific name")
INVALID_DIMENSIONS = _request(
    "INVALID_NO_OF_SHAPE_DIMENSIONS", "Invalid number of shape dimensions"
)
INVALID_BATCH_SIZE = _request("INVALID_BATCH_SIZE", "Invalid input batch size")
INVALID_SHAPE = _request("INVALID_SHAPE", "Invalid input shape")
INVALID_PRECISION = _request("INVALID_PRECISION", "Invalid input precision")
INVALID_CONTENT_SIZE = _request("INVALID_CONTENT_SIZE", "Invalid content size of tensor proto")
INVALID_VALUE_COUNT = _request(
    "INVALID_VALUE_COUNT", "Invalid number of values in tensor proto container"
)
INVALID_MESSAGE_STRUCTURE = _request(
    "INVALID_MESSAGE_STRUCTURE",
    "Passing buffers both in ModelInferRequest::InferInputTensor::contents and in "
    "ModelInferRequest::raw_input_contents is not allowed",
)
REST_INVALID_URL = _request("REST_INVALID_URL", "Invalid request URL")
REST_UNSUPPORTED_METHOD = Code("REST_UNSUPPORTED_METHOD", "Unsupported method", 406)
REST_BODY_NOT_OBJECT = _request("REST_BODY_IS_NOT_AN_OBJECT", "Request body should be JSON object")
REST_UNKNOWN_ORDER = _request(
    "REST_PREDICT_UNKNOWN_ORDER", "Invalid JSON structure. Could not detect row or column format"
)
REST_NO_INPUTS = _request("REST_NO_INPUTS_FOUND", "Invalid JSON structure, missing inputs")
REST_NO_INSTANCES = _request(
    "REST_NO_INSTANCES_FOUND", "Invalid JSON structure. Missing instances in row format"
)
REST_BAD_INPUT = _request(
    "REST_COULD_NOT_PARSE_INPUT", "Could not parse input content. Not valid ndarray detected"
)
REST_BAD_OUTPUT = _request("REST_COULD_NOT_PARSE_OUTPUT", "Could not parse output content.")
REST_UNSUPPORTED_PRECISION = _request(
    "REST_UNSUPPORTED_PRECISION",
    "Could not parse input content. Unsupported data precision detected",
)
REST_BINARY_SIZE_INVALID = _request(
    "REST_BINARY_DATA_SIZE_PARAMETER_INVALID",
    "binary_data_size parameter is invalid and cannot be parsed",
)
REST_BINARY_EXCEEDED = _request(
    "REST_BINARY_BUFFER_EXCEEDED",
    "Received buffer size is smaller than binary_data_size parameter indicates",
)
#: Neither has a code of its own in src/http_server.cpp: 500.
REST_HEADER_LENGTH_INVALID = Code(
    "REST_INFERENCE_HEADER_CONTENT_LENGTH_INVALID",
    "Inference-Header-Content-Length header is invalid and couldn't be parsed",
)
REST_HEADER_LENGTH_EXCEEDED = Code(
    "REST_INFERENCE_HEADER_CONTENT_LENGTH_EXCEEDED",
    "Inference-Header-Content-Length header exceeds actual payload length",
)

#: What a test may ask a load to end with (OVMS_STANDIN_FAIL).
FORCED = {code.name: code for code in (CANNOT_COMPILE, FILE_INVALID, INTERNAL_ERROR)}
