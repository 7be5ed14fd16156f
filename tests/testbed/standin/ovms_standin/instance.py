# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One version of one model and its state (src/modelinstance.cpp, src/modelversionstatus.cpp)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from ovms_standin.knobs import Defect, Knobs
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.model_config import ModelConfig
from ovms_standin.repository import (
    ModelFiles,
    find_model_files,
    is_single_file,
    single_file_model,
)
from ovms_standin.status import (
    CANNOT_COMPILE,
    FILE_INVALID,
    FORCED,
    INTERNAL_ERROR,
    INVALID_NIREQ,
    MODEL_NOT_LOADED,
    MODEL_VERSION_NOT_LOADED_YET,
    MODEL_VERSION_RETIRED,
    OK,
    PATH_INVALID,
    RESHAPE_ERROR,
    Status,
    StatusError,
)

if TYPE_CHECKING:
    from ovms_standin.model import LoadedModel, ReadModel, Runtime

#: What follows the text of a code in the log of a failed load.
_DETAILS = {INVALID_NIREQ: "Exceeded allowed nireq value"}
WAIT_FOR_LOADED_SECONDS = 10.0  # waitForModelLoadedTimeoutMs in src/modelmanager.hpp


class State(Enum):
    """ModelVersionState with its numbers in TensorFlow Serving's get_model_status.proto."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class ErrorCode(Enum):
    """ModelVersionStatusErrorCode; the numbers are those of gRPC."""

    OK = 0
    UNKNOWN = 2
    FAILED_PRECONDITION = 9


@dataclass(frozen=True)
class VersionStatus:
    """State and error code, changed together."""

    state: State
    error: ErrorCode = ErrorCode.OK

    @property
    def will_end_unloaded(self) -> bool:
        """Whether the version serves no more, or soon will not."""
        return self.state in (State.UNLOADING, State.END)

    @property
    def failed_loading(self) -> bool:
        """Whether the last load failed; OVMS then tries again at each poll."""
        return self.state is State.LOADING and self.error is ErrorCode.UNKNOWN


@dataclass(frozen=True)
class Tools:
    """What an instance needs from outside: the runtime, the settings, a sleep that can end."""

    runtime: Callable[[], Runtime]
    knobs: Knobs
    pause: Callable[[float], None]
    retired: Callable[[str, int], None]
    loaded: Callable[[str, int, LoadedModel], None]


class ModelInstance:
    """One version. State changes under `_changed`; readers take `status`, a whole value."""

    def __init__(self, name: str, version: int, tools: Tools) -> None:
        self.name = name
        self.version = version
        self.config: ModelConfig | None = None
        self.status = VersionStatus(State.START)
        self.model: LoadedModel | None = None
        self._read: ReadModel | None = None
        self._tools = tools
        self._changed = threading.Condition()
        self._users = 0

    def _set(self, state: State, error: ErrorCode = ErrorCode.OK) -> None:
        with self._changed:
            self.status = VersionStatus(state, error)
            self._changed.notify_all()
        SERVING.info(
            "modelversionstatus.cpp",
            f"STATUS CHANGE: Version {self.version} of model {self.name} status change. "
            f'New status: ( "state": "{state.name}", "error_code": "{error.name}" )',
        )

    def path(self, config: ModelConfig) -> str:
        """Where this version lies under the base path of `config`."""
        if is_single_file(config.base_path):
            return config.base_path
        return f"{config.base_path.rstrip('/')}/{self.version}"

    def load(self, config: ModelConfig) -> Status:
        """First load. Raises OSError when the directory cannot be listed, as OVMS throws."""
        self._set(State.START)
        SERVING.info(
            "modelinstance.cpp",
            f"Loading model: {self.name}, version: {self.version}, from path: "
            f"{self.path(config)}, with target device: {config.target_device} ...",
        )
        self._set(State.START)
        self._set(State.LOADING)
        return self._load(config)

    def reload(self, config: ModelConfig) -> Status:
        """Load again: after a failure, after END, or under a changed config."""
        self._set(State.LOADING)
        self._drain("reload")
        if config.layouts != (self.config.layouts if self.config else {}) or not self._keeps_read:
            self._read = None
        return self._load(config)

    @property
    def _keeps_read(self) -> bool:
        return self._tools.knobs.has(Defect.STALE_BASE_PATH)

    def _load(self, config: ModelConfig) -> Status:
        self.config = config
        try:
            model = self._build(config)
        except StatusError as error:
            self._set(State.LOADING, ErrorCode.UNKNOWN)
            return error.status
        self.model = model
        self._tools.loaded(self.name, self.version, model)
        SERVING.info(
            "modelinstance.cpp",
            f"Loaded model {self.name}; version: {self.version}; "
            f"batch size: {model.batch_size}; No of InferRequests: {model.nireq}",
        )
        self._set(State.AVAILABLE)
        return OK

    def _build(self, config: ModelConfig) -> LoadedModel:
        self._log_device(config)
        files = self._find(config)
        self._tools.pause(self._tools.knobs.delay_of(self.name, self.version))
        forced = self._tools.knobs.failure_of(self.name, self.version)
        if forced is not None:
            raise StatusError(FORCED[forced], "forced by a test")
        if self._read is None:
            self._read = self._read_files(files)
        model = self._compile(self._read, config)
        for info in model.inputs:
            self._log_tensor("Input", info.name, info.shape, info.precision)
        for info in model.outputs:
            self._log_tensor("Output", info.name, info.shape, info.precision)
        MANAGER.info("modelinstance.cpp", f"Plugin config for device: {config.device}")
        for key, value in model.settings.items():
            MANAGER.info(
                "modelinstance.cpp", f"OVMS set plugin settings key: {key}; value: {value};"
            )
        return model

    def _log_device(self, config: ModelConfig) -> None:
        if config.target_device:
            return
        MANAGER.info("ov_utils.cpp", "No GPU devices found, recommending CPU")
        MANAGER.info(
            "modelinstance.cpp",
            f"No target device specified for model: {self.name}; version: {self.version}; "
            f"using recommended device: {config.device}",
        )

    def _log_tensor(self, kind: str, name: str, shape: tuple[int, ...], precision: str) -> None:
        dimensions = ",".join(str(dimension) for dimension in shape)
        MANAGER.info(
            "modelinstance.cpp",
            f"{kind} name: {name}; mapping_name: {name}; shape: ({dimensions}); "
            f"precision: {precision.replace('f', 'FP').upper()}; layout: N...",
        )

    def _find(self, config: ModelConfig) -> ModelFiles:
        path = Path(config.local_path or config.base_path, str(self.version))
        if is_single_file(config.base_path):
            return single_file_model(Path(config.base_path))
        if not path.is_dir():
            SERVING.error("modelinstance.cpp", f"Missing model directory {path}")
            raise StatusError(PATH_INVALID)
        files = self._list(path)
        if files is None:
            SERVING.error(
                "modelinstance.cpp",
                f"Error loading model: no valid model file found for model: {self.name}, "
                f"version: {self.version}, path: {path}",
            )
            raise StatusError(FILE_INVALID)
        return files

    def _list(self, path: Path) -> ModelFiles | None:
        try:
            return find_model_files(path)
        except OSError as error:
            if self._tools.knobs.has(Defect.STUCK_LOADING):
                raise
            raise StatusError(FILE_INVALID, str(error)) from error

    def _read_files(self, files: ModelFiles) -> ReadModel:
        try:
            return self._tools.runtime().read(files)
        except (RuntimeError, ValueError, OSError) as error:
            SERVING.error(
                "modelinstance.cpp",
                # The runtime's text has several lines; only the last one names the model.
                f"Error: {error}; occurred during loading ov::Model model: "
                f"{self.name} version: {self.version}",
            )
            raise StatusError(INTERNAL_ERROR) from error

    def _compile(self, read: ReadModel, config: ModelConfig) -> LoadedModel:
        try:
            return self._tools.runtime().compile(read, config)
        except StatusError as error:
            self._log_refusal(error.status, config)
            raise StatusError(error.status.code, _DETAILS.get(error.status.code, "")) from error

    def _log_refusal(self, status: Status, config: ModelConfig) -> None:
        """Why a model that was read is not loaded; only a failed compilation names the version."""
        source = "modelinstance.cpp"
        if status.code is CANNOT_COMPILE:
            MANAGER.error(
                source,
                f"{CANNOT_COMPILE.text}; error: {status.details}; model: {self.name}; "
                f"version: {self.version}; device: {config.device}",
            )
        elif status.code is RESHAPE_ERROR:
            text = f"OV does not support reshaping model: {self.name} with provided shape"
            SERVING.warning(source, text)
            MANAGER.error(source, "Error during loading input tensors")
        elif status.code is INVALID_NIREQ:
            SERVING.warning(
                source,
                f"Invalid nireq because its value was too high: {config.nireq}. "
                f"Maximum value: 100000",
            )
        elif status.code is MODEL_NOT_LOADED:
            text = "Cannot change layout or preprocessing parameters. Error: "
            MANAGER.error(source, text + status.details)
            MANAGER.error(source, "Error during layout/preprocessing configuration")
        else:
            MANAGER.warning(source, status.details)
            MANAGER.error(source, "Error during configuration validation against model")

    def retire(self) -> None:
        """UNLOADING, wait for running inferences, END."""
        self._set(State.UNLOADING)
        self._drain("unload")
        self._unload()
        self._set(State.END)

    def end(self) -> None:
        """UNLOADING and END as the process ends, whatever the state was."""
        self._set(State.UNLOADING)
        self._drain("unload")
        self._set(State.END)

    def clean_up_failed(self) -> None:
        """Forget a failed load; the version stays listed as LOADING / UNKNOWN."""
        self._set(State.LOADING, ErrorCode.UNKNOWN)
        self._drain("unload")
        self._unload()

    def _unload(self) -> None:
        self.model = None
        self._read = None
        self._tools.retired(self.name, self.version)

    def _drain(self, purpose: str) -> None:
        with self._changed:
            while self._users:
                SERVING.debug(
                    "modelinstance.cpp",
                    f"Waiting to {purpose} model: {self.name} version: {self.version}. "
                    f"Blocked by: {self._users} inferences in progress.",
                )
                self._changed.wait(1.0)

    @contextmanager
    def use(self) -> Iterator[LoadedModel]:
        """The loaded model, kept loaded inside the block; waits for a running load.

        Raises StatusError when it is retired or does not load in time.
        """
        self._enter()
        try:
            assert self.model is not None
            yield self.model
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def _enter(self) -> None:
        deadline = time.monotonic() + WAIT_FOR_LOADED_SECONDS
        with self._changed:
            while self.status.state in (State.START, State.LOADING):
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise StatusError(MODEL_VERSION_NOT_LOADED_YET)
            if self.status.will_end_unloaded:
                raise StatusError(MODEL_VERSION_RETIRED)
            self._users += 1

    def loaded_now(self) -> LoadedModel:
        """The loaded model without waiting. Raises StatusError."""
        if self.status.will_end_unloaded:
            raise StatusError(MODEL_VERSION_RETIRED)
        model = self.model
        if self.status.state is not State.AVAILABLE or model is None:
            raise StatusError(MODEL_VERSION_NOT_LOADED_YET)
        return model
