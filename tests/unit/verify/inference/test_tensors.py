# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datatypes, shapes and .npy files, against numpy, which the engine does not use."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    DATATYPES,
    datatype_of,
    number,
    pack,
    unpack,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.npy import parse_npy
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.tensors import (
    from_data,
    from_file,
    from_raw,
    place,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NUMPY = {
    "FP64": "<f8",
    "FP32": "<f4",
    "FP16": "<f2",
    "INT64": "<i8",
    "INT32": "<i4",
    "INT16": "<i2",
    "INT8": "<i1",
    "UINT64": "<u8",
    "UINT32": "<u4",
    "UINT16": "<u2",
    "UINT8": "<u1",
    "BOOL": "?",
}


@pytest.mark.parametrize("name", NUMPY)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_values_are_those_of_numpy(name: str, data: st.DataObject) -> None:
    size = DATATYPES[name].size
    raw = data.draw(st.binary(max_size=size * 9).filter(lambda item: len(item) % size == 0))
    if name == "BOOL":
        raw = bytes(byte % 2 for byte in raw)
    theirs = np.frombuffer(raw, dtype=NUMPY[name]).tolist()
    ours = list(unpack(raw, DATATYPES[name]))
    floats = DATATYPES[name].kind == "float"
    assert np.array_equal(np.array(ours), np.array(theirs), equal_nan=floats)
    again = unpack(pack(ours, DATATYPES[name]), DATATYPES[name])
    assert repr(list(again)) == repr(ours)


@given(st.floats(width=32, allow_nan=False))
def test_bfloat16_is_the_nearest(value: float) -> None:
    (near,) = unpack(pack([value], DATATYPES["BF16"]), DATATYPES["BF16"])
    bits = int(np.float32(value).view(np.uint32))
    around = [bits & 0xFFFF0000, min((bits & 0xFFFF0000) + 0x10000, 0xFFFFFFFF)]
    candidates = [float(np.uint32(item).view(np.float32)) for item in around]
    assert near in candidates
    if math.isfinite(value) and all(map(math.isfinite, candidates)):
        assert abs(near - value) == min(abs(item - value) for item in candidates)


def test_bfloat16_keeps_nan_and_infinity() -> None:
    found = unpack(pack(["NaN", "-Infinity", 1.0], DATATYPES["BF16"]), DATATYPES["BF16"])
    assert math.isnan(found[0]) and list(found[1:]) == [-math.inf, 1.0]


@given(st.lists(st.binary(max_size=9)))
def test_bytes_come_back(items: list[bytes]) -> None:
    assert list(unpack(pack(items, DATATYPES["BYTES"]), DATATYPES["BYTES"])) == items


@pytest.mark.parametrize("raw", [b"\x05\0\0\0abc", b"\x01\0"])
def test_bytes_that_are_cut_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="longer than the bytes"):
        unpack(raw, DATATYPES["BYTES"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INT8", 128),
        ("UINT8", -1),
        ("INT32", 1.5),
        ("INT32", True),
        ("FP32", "much"),
        ("FP32", None),
        ("FP32", 1e39),
        ("FP16", 70000.0),
        ("BOOL", 2),
        ("BYTES", 7),
    ],
)
def test_values_that_do_not_fit_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"range|no value|no number|no text"):
        pack([value], DATATYPES[name])


@pytest.mark.parametrize(
    ("text", "value"), [("1e-5", 1e-5), ("Infinity", math.inf), ("-inf", -math.inf), (3, 3.0)]
)
def test_numbers_of_files(text: Any, value: float) -> None:
    assert number(text) == value


def test_an_unknown_datatype_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="FLOAT32 is unknown; there are FP64, FP32"):
        datatype_of("FLOAT32")


ARRAYS = [
    np.arange(6, dtype="<f4").reshape(2, 3),
    np.arange(6, dtype=">f4").reshape(2, 3),
    np.arange(4, dtype=">i8"),
    np.array(True),
    np.zeros((0, 3), dtype="<f2"),
    np.asfortranarray(np.arange(3, dtype="<u2")),
]


@pytest.mark.parametrize("array", ARRAYS, ids=str)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_files_of_numpy_are_read(array: Any, version: tuple[int, int]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    name, shape, raw = parse_npy(file.getvalue())
    assert shape == array.shape
    again = np.frombuffer(raw, dtype=NUMPY[name]).reshape(shape)
    assert np.array_equal(again, array)


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (saved(np.asfortranarray(np.zeros((2, 3)))), "column by column"),
        (saved(np.array(["a"])), "no datatype"),
        (saved(np.zeros(2, dtype=[("a", "f4")])), "no datatype"),
        (saved(np.zeros(2))[:20], "no whole"),
        (b"\x93NUMPY\x01", "no whole"),
    ],
)
def test_npy_files_that_are_no_tensor_are_refused(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_npy(content)


def test_an_npy_file_tells_datatype_and_shape() -> None:
    content = saved(np.arange(6, dtype="<f4").reshape(2, 3))
    assert from_file("x", None, None, content).shape == (2, 3)
    assert from_file("x", "FP32", (1, 6), content).shape == (1, 6)
    for datatype, shape, why in (("FP64", None, "holds FP32"), (None, (2, 2), "has the shape")):
        with pytest.raises(ValueError, match=why):
            from_file("x", datatype, shape, content)
    with pytest.raises(ValueError, match="no .npy file needs"):
        from_file("x", None, (1,), b"\0\0\0\0")
    with pytest.raises(ValueError, match="4 bytes, but FP32"):
        from_file("x", "FP32", (2,), b"\0\0\0\0")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([1.0], "1 values"),
        ([[1.0, 2.0], [3.0, 4.0]], r"nested as \[2, 2\]"),
        ([[1], 2], "2 values"),
    ],
)
def test_data_that_does_not_fit_the_shape_is_refused(data: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_data("x", DATATYPES["FP32"], (4, 1), data)


def test_the_number_of_texts_has_to_fit() -> None:
    raw = pack(["a", "b"], DATATYPES["BYTES"])
    assert from_raw("x", DATATYPES["BYTES"], (2,), raw).values() == [b"a", b"b"]
    with pytest.raises(ValueError, match="2 elements"):
        from_raw("x", DATATYPES["BYTES"], (3,), raw)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_places_are_those_of_numpy(shape: list[int], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, int(np.prod(shape)) - 1))
    assert place(index, tuple(shape)) == [int(at) for at in np.unravel_index(index, shape)]
