# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tensorflow.serving.ModelService and PredictionService of the old generation.

Sources, of the last release that had them: src/model_service.cpp, src/prediction_service.cpp,
src/get_model_metadata_impl.cpp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ovms_standin import protos
from ovms_standin.grpc_server import Service
from ovms_standin.inference import Origin, run, use_model
from ovms_standin.kserve import DATATYPES, NUMPY
from ovms_standin.manager import ModelManager
from ovms_standin.status import (
    INVALID_PRECISION,
    INVALID_VALUE_COUNT,
    MODEL_NAME_MISSING,
    MODEL_SPEC_MISSING,
    StatusError,
)
from ovms_standin.tfs import TF_TYPES

if TYPE_CHECKING:
    from ovms_standin.model import Array, TensorInfo

_PRECISIONS = {number: precision for precision, (_, number) in TF_TYPES.items()}
#: tensorflow.DataType to the field of TensorProto that holds its values.
_VALUES = {
    "f32": "float_val",
    "f64": "double_val",
    "i32": "int_val",
    "u8": "int_val",
    "i16": "int_val",
    "i8": "int_val",
    "u16": "int_val",
    "i64": "int64_val",
    "boolean": "bool_val",
    "u32": "uint32_val",
    "u64": "uint64_val",
    "string": "string_val",
}
_SIGNATURE_TYPE = "type.googleapis.com/tensorflow.serving.SignatureDefMap"


class TfsCalls:
    """The services' calls as functions from message to message."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager
        self._status = protos.tfs_status()
        self._management = protos.tfs_management()
        self._metadata = protos.tfs_metadata()
        self._predict = protos.tfs_predict()

    def services(self) -> list[Service]:
        """The services for the gRPC server."""
        status, management = self._status, self._management
        return [
            Service(
                "tensorflow.serving.ModelService",
                {
                    "GetModelStatus": (self.get_status, status.GetModelStatusRequest),
                    "HandleReloadConfigRequest": (
                        self.handle_reload,
                        management.ReloadConfigRequest,
                    ),
                },
            ),
            Service(
                "tensorflow.serving.PredictionService",
                {
                    "Predict": (self.predict, self._predict.PredictRequest),
                    "GetModelMetadata": (
                        self.get_metadata,
                        self._metadata.GetModelMetadataRequest,
                    ),
                },
            ),
        ]

    def get_status(self, request: Any) -> Any:
        """States of all versions, or of the one asked for."""
        name, version = _spec(request)
        statuses = self._manager.statuses()
        if name not in statuses:
            raise StatusError(MODEL_NAME_MISSING)
        found = statuses[name]
        if version is not None and name in self._manager.models:
            found = [(version, self._manager.instance(name, version).status)]
        response = self._status.GetModelStatusResponse()
        for number, status in found:
            item = response.model_version_status.add(version=number, state=status.state.value)
            item.status.error_code = status.error.value
            item.status.error_message = status.error.name
        return response

    def handle_reload(self, _request: Any) -> Any:
        """Does nothing and says OK, as OVMS does."""
        return self._management.ReloadConfigResponse()

    def get_metadata(self, request: Any) -> Any:
        """The signature of a version, as a SignatureDefMap."""
        name, version = _spec(request)
        instance = self._manager.instance(name, version)
        model = instance.loaded_now()
        signatures = self._metadata.SignatureDefMap()
        signature = signatures.signature_def["serving_default"]
        for table, infos in ((signature.inputs, model.inputs), (signature.outputs, model.outputs)):
            for info in infos:
                _fill_info(table[info.name], info)
        response = self._metadata.GetModelMetadataResponse()
        response.model_spec.name = name
        response.model_spec.version.value = instance.version
        packed = response.metadata["signature_def"]
        packed.type_url = _SIGNATURE_TYPE
        packed.value = signatures.SerializeToString()
        return response

    def predict(self, request: Any) -> Any:
        """One inference."""
        name, version = _spec(request)
        origin = Origin("gRPC", "TensorFlowServing", "Predict")
        with use_model(self._manager, name, version, origin) as (number, model):
            inputs = {key: _array(tensor) for key, tensor in request.inputs.items()}
            results = run(self._manager, name, number, model, inputs)
        response = self._predict.PredictResponse()
        response.model_spec.name = name
        response.model_spec.version.value = number
        kinds = {info.name: info.precision for info in model.outputs}
        for output in request.output_filter or results:
            if output in results:
                _fill_tensor(response.outputs[output], results[output], kinds[output])
        return response


def _spec(request: Any) -> tuple[str, int | None]:
    if not request.HasField("model_spec"):
        raise StatusError(MODEL_SPEC_MISSING)
    spec = request.model_spec
    return spec.name, (spec.version.value or None) if spec.HasField("version") else None


def _fill_info(target: Any, info: TensorInfo) -> None:
    target.dtype = TF_TYPES.get(info.precision, ("", 0))[1]
    target.name = info.name
    for size in info.shape:
        target.tensor_shape.dim.add(size=size)


def _array(tensor: Any) -> Array:
    precision = _PRECISIONS.get(tensor.dtype)
    dtype = NUMPY.get(DATATYPES.get(precision or "", ""))
    if precision is None or dtype is None:
        raise StatusError(INVALID_PRECISION, f"dtype {tensor.dtype}")
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.tensor_content:
        array: Array = np.frombuffer(tensor.tensor_content, dtype=dtype)
    elif precision == "f16":
        array = np.array(tensor.half_val, dtype=np.uint16).view(np.float16)
    else:
        array = np.array(list(getattr(tensor, _VALUES[precision])), dtype=dtype)
    if array.size != int(np.prod(shape, dtype=np.int64)):
        raise StatusError(INVALID_VALUE_COUNT)
    return array.reshape(shape)


def _fill_tensor(target: Any, array: Array, precision: str) -> None:
    target.dtype = TF_TYPES.get(precision, ("", 0))[1]
    for size in array.shape:
        target.tensor_shape.dim.add(size=size)
    if precision == "string":
        target.string_val.extend(str(item).encode() for item in array.reshape(-1))
    else:
        target.tensor_content = np.ascontiguousarray(array).tobytes()
