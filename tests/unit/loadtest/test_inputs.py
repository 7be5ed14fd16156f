# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors: random ones of the datatype and shape of the model, and given ones that fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import inputs
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker import values
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    DATATYPES,
    datatype_of,
    unpack,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.protocol import (
    Metadata,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.tensors import (
    from_data,
)

METADATA = Metadata({"x": "FP32", "n": "INT64"}, {"y": "FP32"}, {"x": (-1, 3), "n": (2,)})
ROW = from_data("x", datatype_of("FP32"), (2, 3), [1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("name", sorted(DATATYPES))
def test_random_values_are_values_of_their_datatype(name: str) -> None:
    raw = values.raw(name, 100, 7)
    assert len(raw) == values.size(name, 100)
    found = list(unpack(raw, datatype_of(name)))
    assert len(found) == 100 and len(set(found)) > 1
    assert raw == values.raw(name, 100, 7)
    assert raw != values.raw(name, 100, 8)
    if datatype_of(name).kind == "float":
        assert all(0 <= value <= 1 for value in found)


def test_fp16_is_what_numpy_reads() -> None:
    found = np.frombuffer(values.raw("FP16", 5, 1), "<f2")
    assert found.dtype == np.float16 and found.min() >= 0 and found.max() <= 1


def test_inputs_that_are_not_named_are_random() -> None:
    x, n = inputs.fit(METADATA, (), {}, 5, "m")
    assert (x.name, x.shape, x.size, x.raw) == ("x", (1, 3), 12, b"")
    assert x.as_plan() == {
        "name": "x",
        "datatype": "FP32",
        "shape": [1, 3],
        "count": 3,
        "seed": 5,
    }
    assert n.as_plan()["seed"] == 6 and n.size == 16


def test_given_tensors_and_shapes_fill_free_dimensions() -> None:
    x, n = inputs.fit(METADATA, (ROW,), {"n": (2,)}, 0, "m")
    assert x.shape == (2, 3) and x.raw == ROW.raw and x.as_plan()["size"] == 24
    assert n.seed >= 0
    assert inputs.fit(METADATA, (), {"x": (4, 3)}, 0, "m")[0].shape == (4, 3)


@pytest.mark.parametrize(
    ("given", "shapes", "says"),
    [
        ([from_data("z", datatype_of("FP32"), (1,), [1])], {}, "has no input 'z'"),
        ([], {"z": (1,)}, "has no input 'z'"),
        ([from_data("x", datatype_of("FP64"), (1, 3), [1, 2, 3])], {}, "it is FP64, the model has"),
        ([from_data("x", datatype_of("FP32"), (3,), [1, 2, 3])], {}, r"its shape is \[3\]"),
        ([], {"x": (1, 4)}, r"its shape is \[1, 4\], the model has \[-1, 3\]"),
        ([], {"x": (10_000_000, 3)}, "more than"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    given: list[Any], shapes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        inputs.fit(METADATA, given, shapes, 0, "m")
    assert caught.value.option == "inputs" and caught.value.subject == "m"


def test_a_model_without_known_inputs_is_refused() -> None:
    with pytest.raises(InputError, match="tells no inputs") as caught:
        inputs.fit(Metadata({}, {"y": "FP32"}), (), {}, 0, "graph")
    assert caught.value.option == "model"


def test_a_datatype_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="FP4 is unknown"):
        inputs.fit(Metadata({"x": "FP4"}, {}, {"x": (1,)}), (), {}, 0, "m")
