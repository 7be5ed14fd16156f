# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries of custom nodes: opened by the dynamic linker, asked for their inputs and outputs.

Sources: src/dags/custom_node_library_manager.cpp, src/custom_node_interface.h,
src/dags/pipelinedefinition.cpp. Their code runs in this process, as it does in OVMS: a library
that crashes takes the server with it. `execute` is never called.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Any

from ovms_standin.logs import MANAGER
from ovms_standin.status import (
    NODE_LIBRARY_INITIALIZE_FAILED,
    NODE_LIBRARY_INVALID,
    NODE_LIBRARY_METADATA_FAILED,
    NODE_LIBRARY_OUTPUTS_CORRUPTED,
    NODE_LIBRARY_OUTPUTS_CORRUPTED_COUNT,
    OK,
    PIPELINE_INPUT_MISSING,
    PIPELINE_INPUTS_OPEN,
    PIPELINE_OUTPUT_MISSING,
    Status,
    StatusError,
)

_SOURCE = "custom_node_library_manager.cpp"
_SYMBOLS = ("initialize", "deinitialize", "execute", "getInputsInfo", "getOutputsInfo", "release")


class _Param(ctypes.Structure):
    _fields_ = (("key", ctypes.c_char_p), ("value", ctypes.c_char_p))


class _TensorInfo(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("dims", ctypes.POINTER(ctypes.c_uint64)),
        ("dims_count", ctypes.c_uint64),
        ("precision", ctypes.c_int),
    )


class Library:
    """One open library."""

    def __init__(self, path: str, handle: ctypes.CDLL) -> None:
        self.path = path
        self._handle = handle

    def tensors(self, params: Mapping[str, str]) -> tuple[set[str], set[str]]:
        """The names of inputs and outputs that it tells for these parameters.

        Raises StatusError when a function of it fails.
        """
        array = (_Param * len(params))()
        for slot, (key, value) in zip(array, params.items(), strict=True):
            slot.key, slot.value = key.encode(), value.encode()
        memory = ctypes.c_void_p()
        if self._handle.initialize(ctypes.byref(memory), array, len(params)):
            text = f"Initialization of library with base path: {self.path} failed"
            raise StatusError(NODE_LIBRARY_INITIALIZE_FAILED, text)
        try:
            asked = (array, len(params), memory)
            return self._names("getInputsInfo", *asked), self._names("getOutputsInfo", *asked)
        finally:
            self._handle.deinitialize(memory)

    def _names(self, function: str, array: Any, count: int, memory: Any) -> set[str]:
        infos, number = ctypes.POINTER(_TensorInfo)(), ctypes.c_int()
        result = getattr(self._handle, function)(
            ctypes.byref(infos), ctypes.byref(number), array, count, memory
        )
        if result:
            text = f"Metadata call returned error code: {result}"
            raise StatusError(NODE_LIBRARY_METADATA_FAILED, text)
        if not infos:
            raise StatusError(NODE_LIBRARY_OUTPUTS_CORRUPTED)
        if number.value <= 0:
            self._handle.release(infos, memory)
            raise StatusError(NODE_LIBRARY_OUTPUTS_CORRUPTED_COUNT)
        found = set()
        for info in infos[: number.value]:
            if info.name is not None:
                found.add(info.name.decode())
                self._handle.release(info.dims, memory)
        self._handle.release(infos, memory)
        return found


class Libraries:
    """What is open, by name. A path that was opened is never looked at again."""

    def __init__(self) -> None:
        self.opened: dict[str, Library] = {}

    def apply(self, wanted: Mapping[str, str]) -> None:
        """Open what config.json names and forget the rest; what fails is for pipelines to miss."""
        for name, path in wanted.items():
            self._open(name, path)
        for name in set(self.opened) - set(wanted):
            del self.opened[name]

    def _open(self, name: str, path: str) -> None:
        if ".." in path.split("/"):
            MANAGER.error(_SOURCE, f"Path {path} escape with .. is forbidden.")
            return
        if name in self.opened and self.opened[name].path == path:
            MANAGER.debug(_SOURCE, f"Custom node library name: {name} is already loaded")
            return
        MANAGER.info(_SOURCE, f"Loading custom node library name: {name}; base_path: {path}")
        try:
            library = ctypes.CDLL(path, mode=os.RTLD_LAZY | os.RTLD_LOCAL)
        except OSError as error:
            MANAGER.error(
                _SOURCE,
                f"Library name: {name} failed to open base_path: {path} with error: {error}",
            )
            return
        for symbol in _SYMBOLS:
            if not hasattr(library, symbol):
                MANAGER.error(
                    _SOURCE,
                    f"Failed to load library name: {name} with error: {path}: "
                    f"undefined symbol: {symbol}",
                )
                return
        self.opened[name] = Library(path, library)
        MANAGER.info(
            _SOURCE, f"Successfully loaded custom node library name: {name}; base_path: {path}"
        )

    def check(self, node: Mapping[str, Any]) -> Status:
        """Whether a custom node can have its library and is connected as the library says."""
        library, name = self.opened.get(node["library_name"]), node["name"]
        if library is None:
            return Status(NODE_LIBRARY_INVALID, f"node: {name} refers to invalid library")
        try:
            inputs, outputs = library.tensors(node.get("params", {}))
        except StatusError as error:
            return error.status
        connected = {key for source in node["inputs"] for key in source}
        for unknown in sorted(connected - inputs):
            text = f"Node: {name} has no input with name: {unknown}"
            return Status(PIPELINE_INPUT_MISSING, text)
        for unknown in sorted({item["data_item"] for item in node["outputs"]} - outputs):
            text = f"Missing output: {unknown} of dependency node: {name}"
            return Status(PIPELINE_OUTPUT_MISSING, text)
        left = "".join(f"{key}, " for key in sorted(inputs - connected))
        text = f"Node: {name} has inputs:: {left} not connected to any source"
        return Status(PIPELINE_INPUTS_OPEN, text) if left else OK
