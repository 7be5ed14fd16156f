# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into one request: given tensors, and random ones for the rest. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..errors import InputError
from ..verify.inference.datatypes import datatype_of
from ..verify.inference.protocol import Metadata, describe
from ..verify.inference.tensors import Tensor, count_of
from .worker import values

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of all inputs of a request. Chosen here: as much as a pod of 512 MiB holds some times over,
and a hundred times a picture of 640 x 640 in bytes."""


@dataclass(frozen=True)
class Input:
    """One input: given bytes, or the seed from which the worker makes random ones."""

    name: str
    datatype: str
    shape: Tuple[int, ...]
    size: int
    raw: bytes = b""
    seed: int = -1

    def as_plan(self) -> Dict[str, Any]:
        """Return what the worker has to know of it."""
        about = {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}
        if self.seed < 0:
            return {**about, "size": self.size, "seed": None}
        return {**about, "count": count_of(self.shape), "seed": self.seed}

    def described(self) -> Dict[str, Any]:
        """Return what the request says of it."""
        return describe(self.name, self.datatype, self.shape, self.size)


def fit(
    metadata: Metadata,
    given: Sequence[Tensor],
    shapes: Mapping[str, Tuple[int, ...]],
    seed: int,
    model: str,
) -> List[Input]:
    """Return the inputs of a request, in the order of the model.

    Args:
        metadata: what the server says of the model.
        given: tensors with values.
        shapes: of inputs with random values; without one, a free dimension is 1.
        seed: of the random values.
        model: for messages.

    Raises:
        InputError: the inputs are not known, or a tensor does not fit.
    """
    if not metadata.inputs:
        raise InputError(
            "the server tells no inputs of it, so nobody knows what to send",
            option="model",
            subject=model,
            hint="Measure a model with inputs; graphs that take texts or streams have none",
        )
    tensors = {tensor.name: tensor for tensor in given}
    for name in [*tensors, *shapes]:
        if name not in metadata.inputs:
            raise InputError(
                f"the model has no input '{name}'",
                option="inputs",
                subject=model,
                hint=f"It has {', '.join(metadata.inputs)}",
            )
    found = [
        _given(tensors[name], datatype, metadata.shapes.get(name, ()), model)
        if name in tensors
        else _random(name, datatype, metadata.shapes.get(name, ()), shapes, seed + at, model)
        for at, (name, datatype) in enumerate(metadata.inputs.items())
    ]
    size = sum(item.size for item in found)
    if size > MOST_BYTES:
        raise InputError(
            f"the inputs have {size} bytes, more than {MOST_BYTES}", option="inputs", subject=model
        )
    return found


def _given(tensor: Tensor, datatype: str, shape: Tuple[int, ...], model: str) -> Input:
    if tensor.datatype.name != datatype:
        raise _misfit(tensor.name, model, f"it is {tensor.datatype.name}, the model has {datatype}")
    _check_shape(tensor.name, tensor.shape, shape, model)
    return Input(tensor.name, datatype, tensor.shape, len(tensor.raw), tensor.raw)


def _random(
    name: str,
    datatype: str,
    shape: Tuple[int, ...],
    shapes: Mapping[str, Tuple[int, ...]],
    seed: int,
    model: str,
) -> Input:
    wanted = shapes.get(name)
    if wanted is None:
        wanted = tuple(1 if size < 0 else size for size in shape)
    else:
        _check_shape(name, wanted, shape, model)
    try:
        size = values.size(datatype_of(datatype).name, count_of(wanted))
    except ValueError as error:
        raise _misfit(name, model, str(error)) from None
    # Seeds are from 0; the sign of one that is not would tell a given tensor.
    return Input(name, datatype, wanted, size, seed=abs(seed))


def _check_shape(name: str, here: Sequence[int], there: Sequence[int], model: str) -> None:
    fits = len(here) == len(there) and all(
        wanted in (size, -1) for size, wanted in zip(here, there)
    )
    if not fits:
        raise _misfit(
            name, model, f"its shape is {list(here)}, the model has {list(there)} (-1 is free)"
        )


def _misfit(name: str, model: str, why: str) -> InputError:
    return InputError(
        f"the input '{name}' does not fit: {why}",
        option="inputs",
        subject=model,
        hint="Give a tensor that fits, or leave it out for random values",
    )
