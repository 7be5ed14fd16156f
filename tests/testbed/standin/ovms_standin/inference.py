# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inference on behalf of any of the protocols (src/prediction_service_utils.cpp)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovms_standin.definitions import Definition
from ovms_standin.kserve import DATATYPES, NUMPY
from ovms_standin.manager import ModelManager
from ovms_standin.status import (
    INVALID_BATCH_SIZE,
    INVALID_DIMENSIONS,
    INVALID_MISSING_INPUT,
    INVALID_NO_OF_INPUTS,
    INVALID_PRECISION,
    INVALID_SHAPE,
    NOT_IMPLEMENTED,
    PIPELINE_NAME_MISSING,
    StatusError,
)

if TYPE_CHECKING:
    from ovms_standin.model import Array, LoadedModel, TensorInfo


@dataclass(frozen=True)
class Origin:
    """Where a request came from, for the metrics: ("REST", "KServe", "ModelInfer")."""

    interface: str
    api: str
    method: str


def find_definition(manager: ModelManager, name: str) -> Definition | None:
    """The pipeline or graph of that name, if there is one."""
    for definitions in (manager.pipelines, manager.graphs):
        if name in definitions.items:
            return definitions.items[name]
    return None


def _shape_text(shape: tuple[int, ...]) -> str:
    return "(" + ",".join(str(dimension) for dimension in shape) + ")"


def _check_tensor(info: TensorInfo, array: Array) -> None:
    details = f"Expected: {_shape_text(info.shape)}; Actual: {_shape_text(array.shape)}"
    # Twice, since the name that src/kfs_frontend/validation.cpp puts there has these words already.
    name = f"input name: input name: {info.name}"
    if len(info.shape) != array.ndim:
        raise StatusError(INVALID_DIMENSIONS, f"{details}; {name}")
    for position, (wanted, actual) in enumerate(zip(info.shape, array.shape, strict=True)):
        if wanted in (-1, actual):
            continue
        if position == 0:
            raise StatusError(INVALID_BATCH_SIZE, f"Expected: {wanted}; Actual: {actual}; {name}")
        raise StatusError(INVALID_SHAPE, f"{details}; {name}")
    wanted_type = DATATYPES.get(info.precision, "")
    if array.dtype != NUMPY.get(wanted_type):
        actual_type = next(key for key, kind in NUMPY.items() if kind == array.dtype)
        raise StatusError(
            INVALID_PRECISION, f"Expected: {wanted_type}; Actual: {actual_type}; {name}"
        )


def check_inputs(model: LoadedModel, inputs: Mapping[str, Array]) -> None:
    """Raises StatusError when names, shapes or types are not the model's."""
    if len(inputs) != len(model.inputs):
        raise StatusError(
            INVALID_NO_OF_INPUTS, f"Expected: {len(model.inputs)}; Actual: {len(inputs)}"
        )
    for info in model.inputs:
        if info.name not in inputs:
            raise StatusError(INVALID_MISSING_INPUT, f"Required input: {info.name}")
        _check_tensor(info, inputs[info.name])


@contextmanager
def _counted(manager: ModelManager, origin: Origin, name: str, version: int) -> Iterator[None]:
    began, ok = time.monotonic(), False
    manager.metrics.running(name, version, 1)
    try:
        yield
        ok = True
    finally:
        seconds = time.monotonic() - began
        manager.metrics.running(name, version, -1)
        manager.metrics.request(origin.interface, origin.api, origin.method, name, version, ok)
        if ok:
            manager.metrics.request_time(origin.interface, name, version, seconds)


def no_execution(manager: ModelManager, name: str) -> None:
    """Refuse to run a pipeline or a graph, after the checks that OVMS would make first."""
    definition = find_definition(manager, name)
    if definition is None:
        raise StatusError(PIPELINE_NAME_MISSING)
    definition.require_available()
    raise StatusError(NOT_IMPLEMENTED, "the stand-in does not execute pipelines and graphs")


@contextmanager
def use_model(
    manager: ModelManager, name: str, version: int | None, origin: Origin
) -> Iterator[tuple[int, LoadedModel]]:
    """The loaded model a request is for, with its version; the request is counted.

    Raises StatusError as OVMS would answer.
    """
    if name not in manager.models:
        no_execution(manager, name)
    instance = manager.instance(name, version)
    with _counted(manager, origin, name, instance.version), instance.use() as model:
        yield instance.version, model


def run(
    manager: ModelManager, name: str, version: int, model: LoadedModel, inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Check the inputs and infer. Raises StatusError."""
    check_inputs(model, inputs)
    began = time.monotonic()
    results = model.infer(inputs)
    manager.metrics.inference(name, version, time.monotonic() - began)
    return results
