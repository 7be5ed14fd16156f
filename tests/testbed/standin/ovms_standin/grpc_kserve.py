# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""inference.GRPCInferenceService (src/kfs_frontend/kfs_grpc_inference_service.cpp)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ovms_standin import kserve, protos
from ovms_standin.grpc_server import Service
from ovms_standin.inference import Origin, find_definition, run, use_model
from ovms_standin.instance import State
from ovms_standin.knobs import VERSIONS
from ovms_standin.manager import ModelManager
from ovms_standin.routes import SERVER_NAME
from ovms_standin.status import (
    INVALID_MESSAGE_STRUCTURE,
    INVALID_PRECISION,
    MODEL_VERSION_INVALID,
    StatusError,
)

if TYPE_CHECKING:
    from ovms_standin.model import Array

#: Datatype to the field of InferTensorContents that holds its values.
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def _version(text: str) -> int | None:
    """The version asked for; an inference takes 0 for none, nothing else does."""
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise StatusError(MODEL_VERSION_INVALID) from error


class KServeCalls:
    """The service's calls as functions from message to message."""

    def __init__(self, manager: ModelManager, is_ready: Callable[[], bool]) -> None:
        self._manager = manager
        self._is_ready = is_ready
        self._pb = protos.kserve()

    def service(self) -> Service:
        """The service for the gRPC server."""
        pb = self._pb
        return Service(
            "inference.GRPCInferenceService",
            {
                "ServerLive": (self.server_live, pb.ServerLiveRequest),
                "ServerReady": (self.server_ready, pb.ServerReadyRequest),
                "ModelReady": (self.model_ready, pb.ModelReadyRequest),
                "ServerMetadata": (self.server_metadata, pb.ServerMetadataRequest),
                "ModelMetadata": (self.model_metadata, pb.ModelMetadataRequest),
                "ModelInfer": (self.model_infer, pb.ModelInferRequest),
            },
        )

    def server_live(self, _request: Any) -> Any:
        """Live as soon as the port answers."""
        return self._pb.ServerLiveResponse(live=True)

    def server_ready(self, _request: Any) -> Any:
        """Ready once the first pass over the models has ended."""
        return self._pb.ServerReadyResponse(ready=self._is_ready())

    def server_metadata(self, _request: Any) -> Any:
        """Name and version."""
        version = VERSIONS[self._manager.knobs.generation]
        return self._pb.ServerMetadataResponse(name=SERVER_NAME, version=version)

    def model_ready(self, request: Any) -> Any:
        """Whether a version serves: false, not an error, for one that does not yet."""
        definition = find_definition(self._manager, request.name)
        if definition is not None and request.name not in self._manager.models:
            ready = definition.status.state is State.AVAILABLE
            return self._pb.ModelReadyResponse(ready=ready)
        instance = self._manager.instance(request.name, _version(request.version))
        self._manager.metrics.request("gRPC", "KServe", "ModelReady", request.name, 0, True)
        return self._pb.ModelReadyResponse(ready=instance.status.state is State.AVAILABLE)

    def model_metadata(self, request: Any) -> Any:
        """Inputs, outputs and the versions that serve."""
        name, version = request.name, _version(request.version)
        definition = find_definition(self._manager, name)
        if definition is not None and name not in self._manager.models:
            definition.require_available()
            return self._pb.ModelMetadataResponse(name=name, versions=["1"], platform="OpenVINO")
        instance = self._manager.instance(name, version)
        model = instance.loaded_now()
        available = self._manager.models[name].available()
        self._manager.metrics.request(
            "gRPC", "KServe", "ModelMetadata", name, instance.version, True
        )
        known = kserve.model_metadata(name, available, model)
        known.pop("rt_info", None)
        return self._pb.ModelMetadataResponse(**known)

    def model_infer(self, request: Any) -> Any:
        """One inference; the answer has all outputs, raw."""
        name = request.model_name
        origin = Origin("gRPC", "KServe", "ModelInfer")
        version = _version(request.model_version) or None
        with use_model(self._manager, name, version, origin) as (number, model):
            inputs = _inputs(request)
            results = run(self._manager, name, number, model, inputs)
        response = self._pb.ModelInferResponse(
            model_name=name, model_version=str(number), id=request.id
        )
        for info in model.outputs:
            array, datatype = results[info.name], kserve.DATATYPES.get(info.precision, "")
            response.outputs.add(name=info.name, datatype=datatype, shape=list(array.shape))
            response.raw_output_contents.append(kserve.to_raw(array))
        return response


def _inputs(request: Any) -> dict[str, Array]:
    raw = list(request.raw_input_contents)
    if raw and len(raw) != len(request.inputs):
        raise StatusError(INVALID_MESSAGE_STRUCTURE)
    found: dict[str, Array] = {}
    for position, tensor in enumerate(request.inputs):
        shape = list(tensor.shape)
        if raw:
            if tensor.HasField("contents"):
                raise StatusError(INVALID_MESSAGE_STRUCTURE)
            found[tensor.name] = kserve.from_raw(raw[position], tensor.datatype, shape)
        else:
            found[tensor.name] = _typed(tensor, shape)
    return found


def _typed(tensor: Any, shape: list[int]) -> Array:
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise StatusError(INVALID_PRECISION, tensor.datatype)
    values = list(getattr(tensor.contents, field))
    array: Array = np.array(values, dtype=kserve.NUMPY[tensor.datatype])
    return kserve.from_typed(array, shape)
