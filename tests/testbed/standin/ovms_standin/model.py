# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model in the real OpenVINO runtime: read, reshape, compile, infer.

Imported only when the server starts to load, because importing openvino takes time.
"""

from __future__ import annotations

import hashlib
import os
import queue
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Where this package is installed, importing openvino sends usage statistics; a test must not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov

from ovms_standin.logs import MANAGER
from ovms_standin.model_config import ModelConfig
from ovms_standin.repository import ModelFiles
from ovms_standin.status import (
    ANONYMOUS_LAYOUT,
    ANONYMOUS_SHAPE,
    CANNOT_COMPILE,
    INFERENCE_ERROR,
    INVALID_NIREQ,
    LAYOUT_NOT_IN_MODEL,
    MODEL_NOT_LOADED,
    RESHAPE_ERROR,
    SHAPE_NOT_IN_MODEL,
    StatusError,
)

MAX_NIREQ = 100_000
#: Taken for every device (src/ov_utils.cpp); the stand-in maps files whatever it says.
_ALWAYS_KNOWN = "ENABLE_MMAP"

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class TensorInfo:
    """One input or output: OpenVINO's type name ("f32") and shape, -1 for a dynamic dimension."""

    name: str
    precision: str
    shape: tuple[int, ...]
    dtype: Any = field(compare=False)


@dataclass
class ReadModel:
    """A model as read from its files, and the sha256 over the bytes that were read."""

    model: Any
    digest: str


class Runtime:
    """The one OpenVINO core of the process."""

    def __init__(self, cache_dir: str = "") -> None:
        self.core = ov.Core()
        if cache_dir:
            self.core.set_property({"CACHE_DIR": cache_dir})

    def devices(self) -> list[str]:
        """Names of the devices that can be used."""
        return list(self.core.available_devices)

    def plugin_keys(self, config: ModelConfig) -> list[str]:
        """The settings that the devices of `config` know; a device that is not there knows none."""
        known = {_ALWAYS_KNOWN}
        for device in _devices(config.device):
            try:
                known.update(self.core.get_property(device, "SUPPORTED_PROPERTIES"))
            except RuntimeError as error:
                MANAGER.warning(
                    "ov_utils.cpp",
                    f"Exception thrown from IE when requesting plugin: {device}; "
                    f"key: SUPPORTED_PROPERTIES; value. Error: {error}",
                )
        return sorted(known)

    def read(self, files: ModelFiles) -> ReadModel:
        """Read the files; weights stay mapped. Raises whatever is wrong with them."""
        model = self.core.read_model(os.fspath(files.main))
        return ReadModel(model, _digest(files))

    def compile(self, read: ReadModel, config: ModelConfig) -> LoadedModel:
        """Compile for the target device. Raises StatusError."""
        _check_names(read, config)
        _apply_layouts(read, config)
        _reshape(read, config)
        settings = effective_settings(config)
        if config.nireq > MAX_NIREQ:
            raise StatusError(INVALID_NIREQ, "Exceeded allowed nireq value")
        try:
            compiled = self.core.compile_model(read.model, config.device, settings)
        except RuntimeError as error:
            raise StatusError(CANNOT_COMPILE, str(error)) from error
        return LoadedModel(read, compiled, config.nireq, settings)


def _devices(target: str) -> list[str]:
    """`HETERO:GPU.1(4),CPU` as HETERO, GPU.1, CPU."""
    first, colon, rest = target.partition(":")
    return [first, *(name.partition("(")[0] for name in rest.split(","))] if colon else [target]


def effective_settings(config: ModelConfig) -> dict[str, str]:
    """The plugin settings with OVMS's default: latency first (prepareDefaultPluginConfig)."""
    settings = {
        key: _setting(value) for key, value in config.plugin_config.items() if key != _ALWAYS_KNOWN
    }
    if not {"NUM_STREAMS", "PERFORMANCE_HINT"} & set(settings):
        settings["PERFORMANCE_HINT"] = "LATENCY"
    return settings


def _setting(value: Any) -> str:
    return ("YES" if value else "NO") if isinstance(value, bool) else str(value)


def _digest(files: ModelFiles) -> str:
    """The sha256 over the bytes of the files as they are at the load."""
    digest = hashlib.sha256()
    for path in (files.main, *files.others):
        if path.is_file():
            with path.open("rb") as stream:
                for chunk in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def _check_names(read: ReadModel, config: ModelConfig) -> None:
    """Raises StatusError for a shape or a layout of an input that the model does not have."""
    inputs = {port_name(port) for port in read.model.inputs}
    outputs = {port_name(port) for port in read.model.outputs}
    if "" in config.shapes and len(inputs) > 1:
        raise StatusError(ANONYMOUS_SHAPE, ANONYMOUS_SHAPE.text)
    if "" in config.layouts and len(inputs) > 1:
        raise StatusError(ANONYMOUS_LAYOUT, ANONYMOUS_LAYOUT.text)
    for name in sorted(set(config.shapes) - inputs - {""}):
        raise StatusError(SHAPE_NOT_IN_MODEL, f"Config shape - {name} not found in model")
    for name in sorted(set(config.layouts) - inputs - outputs - {""}):
        raise StatusError(LAYOUT_NOT_IN_MODEL, f"Config layout - {name} not found in model")


def _reshape(read: ReadModel, config: ModelConfig) -> None:
    wanted = _wanted_shapes(read, config)
    if not wanted:
        return
    try:
        read.model.reshape(wanted)
    except RuntimeError as error:
        raise StatusError(RESHAPE_ERROR, str(error)) from error


def _wanted_shapes(read: ReadModel, config: ModelConfig) -> dict[str, Any]:
    inputs = {port_name(port): port for port in read.model.inputs}
    if config.shapes:
        return {
            name or next(iter(inputs)): ov.PartialShape(shape)
            for name, shape in config.shapes.items()
            if shape != "auto"
        }
    if config.batch_size in ("", "auto"):
        return {}
    batch = config.batch_size.replace(":", "..").replace("-1", "?")
    return {name: _with_batch(port.partial_shape, batch) for name, port in inputs.items()}


def _with_batch(shape: Any, batch: str) -> Any:
    rest = [str(dimension) for dimension in shape][1:]
    return ov.PartialShape("[" + ",".join([batch, *rest]) + "]")


def _apply_layouts(read: ReadModel, config: ModelConfig) -> None:
    """Make the model take the client's layout: `NHWC:NCHW` means client NHWC, model NCHW."""
    pairs = {name: text.split(":") for name, text in config.layouts.items() if ":" in text}
    if not pairs:
        return
    try:
        steps = ov.preprocess.PrePostProcessor(read.model)
        for name, (client, own) in pairs.items():
            target = steps.input(name) if name else steps.input()
            target.tensor().set_layout(ov.Layout(client))
            target.model().set_layout(ov.Layout(own))
        read.model = steps.build()
    except RuntimeError as error:
        raise StatusError(MODEL_NOT_LOADED, str(error)) from error


def port_name(port: Any) -> str:
    """The tensor's name, or its node's when the tensor has none."""
    names = port.get_names()
    return str(port.get_any_name() if names else port.get_node().get_friendly_name())


def _info(port: Any) -> TensorInfo:
    shape = tuple(d.get_length() if d.is_static else -1 for d in port.partial_shape)
    kind = port.element_type
    dtype = np.dtype(object) if kind.get_type_name() == "string" else kind.to_dtype()
    return TensorInfo(port_name(port), kind.get_type_name(), shape, dtype)


class LoadedModel:
    """A compiled model with its pool of inference requests."""

    def __init__(
        self, read: ReadModel, compiled: Any, nireq: int, settings: Mapping[str, str]
    ) -> None:
        self.settings = settings
        self.digest = read.digest
        self.inputs = [_info(port) for port in compiled.inputs]
        self.outputs = [_info(port) for port in compiled.outputs]
        self.rt_info = _rt_info(read.model)
        self.streams = int(_property(compiled, "NUM_STREAMS", 1))
        self.nireq = nireq or int(_property(compiled, "OPTIMAL_NUMBER_OF_INFER_REQUESTS", 1))
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self.nireq):
            self._requests.put(compiled.create_infer_request())

    @property
    def batch_size(self) -> str:
        """The first dimension of the first input as the log shows it."""
        shape = self.inputs[0].shape if self.inputs else ()
        return str(shape[0]) if shape else "none"

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run one inference. Raises StatusError when the runtime refuses it."""
        request = self._requests.get()
        try:
            result = request.infer([inputs[info.name] for info in self.inputs], share_inputs=True)
            return {info.name: np.array(result[index]) for index, info in enumerate(self.outputs)}
        except RuntimeError as error:
            raise StatusError(INFERENCE_ERROR, str(error).strip()) from error
        finally:
            self._requests.put(request)


def _property(compiled: Any, name: str, default: int) -> Any:
    try:
        return compiled.get_property(name)
    except RuntimeError:
        return default


def _rt_info(model: Any) -> dict[str, Any]:
    """`model_info` of the IR's rt_info, which OVMS shows in the metadata."""
    if not model.has_rt_info(["model_info"]):
        return {}
    info = model.get_rt_info(["model_info"])
    plain = _plain(getattr(info, "value", info))
    return plain if isinstance(plain, dict) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(getattr(item, "value", item)) for key, item in value.items()}
    return str(getattr(value, "value", value))
