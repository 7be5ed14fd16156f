# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons of outputs: numbers, classes, boxes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.boxes import (
    Boxes,
    boxes_of,
    check_columns,
    compare_boxes,
    match,
    overlap,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.compare import (
    Classes,
    Expected,
    How,
    Mismatch,
    Numbers,
    best_classes,
    compare,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    datatype_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.tensors import (
    Tensor,
    from_data,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

NAN, INF = math.nan, math.inf


def tensor(values: Any, datatype: str = "FP32", shape: "tuple[int, ...] | None" = None) -> Tensor:
    return from_data("y", datatype_of(datatype), shape or (len(values),), values)


def compared(expected: Any, got: Any, how: How, datatype: str = "FP32") -> Mismatch | None:
    return compare(Expected("y", how, tensor(expected, datatype)), tensor(got, datatype))


def test_values_within_the_tolerance_pass() -> None:
    assert compared([1.0, -2.0, 0.0], [1.009, -2.019, 0.0], Numbers(rtol=0.01)) is None
    assert compared([0.0], [0.0009], Numbers(atol=0.001)) is None


def test_the_worst_value_is_named_with_its_place_and_tolerance() -> None:
    expected = Expected("y", Numbers(0.01, 0.5), tensor([1.0] * 6, shape=(2, 3)))
    found = compare(expected, tensor([1.0, 2.0, 1.0, 1.0, 9.0, 1.0], shape=(2, 3)))
    assert found is not None and (found.code, found.index) == ("value", [1, 1])
    assert (found.expected, found.got, found.tolerance) == (1.0, 9.0, "rtol 0.01, atol 0.5")
    assert found.message == "at index [1, 1] it is 9 instead of 1 ± 0.51 (2 of 6 values differ)"


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (NAN, NAN, True),
        (INF, INF, True),
        (-INF, -INF, True),
        (NAN, 0.0, False),
        (0.0, NAN, False),
        (INF, 3e38, False),
        (3e38, INF, False),
        (INF, -INF, False),
        (INF, NAN, False),
        (NAN, INF, False),
        (0.0, -0.0, True),
    ],
)
def test_what_is_no_number_is_what_it_is_whatever_the_tolerance(
    expected: float, got: float, same: bool
) -> None:
    for how in (Numbers(), Numbers(rtol=0.5, atol=10.0)):
        # A second value that differs in its last bit keeps the bytes from being the same.
        found = compared([expected, 1.0], [got, 1.0000001], Numbers(how.rtol or 1e-6, how.atol))
        assert (found is None) is same
    if not same:
        assert (
            found is not None
            and found.index == [0]
            and found.tolerance == ("rtol 0.5, atol 10" if math.isfinite(expected) else "exact")
        )


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(deadline=None)
@given(
    st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=5), st.floats(0, 2), st.floats(0, 100)
)
def test_the_verdict_is_that_of_numpy(
    pairs: list[tuple[float, float]], rtol: float, atol: float
) -> None:
    expected, got = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    with np.errstate(all="ignore"):
        theirs = np.allclose(
            np.array(got, dtype="f8"), np.array(expected, dtype="f8"), rtol, atol, equal_nan=True
        )
    assert (compared(expected, got, Numbers(rtol, atol)) is None) is theirs


@pytest.mark.parametrize(
    ("datatype", "expected", "got"),
    [
        ("INT32", [1, 2], [1, 3]),
        ("BOOL", [True, False], [True, True]),
        ("BYTES", ["a", "b"], ["a", "c"]),
    ],
)
def test_exact_values_differ_by_anything(datatype: str, expected: Any, got: Any) -> None:
    assert compared(expected, expected, Numbers(), datatype) is None
    found = compared(expected, got, Numbers(), datatype)
    assert found is not None and (found.index, found.tolerance) == ([1], "exact")


def test_integers_may_have_a_tolerance() -> None:
    assert compared([100], [101], Numbers(atol=1), "UINT8") is None


def test_another_datatype_or_shape_is_told() -> None:
    expected = Expected("y", Numbers(), tensor([1.0, 2.0], shape=(1, 2)))
    found = compare(expected, tensor([1.0, 2.0], "FP64", (1, 2)))
    assert found is not None and found.message == "its datatype is FP64 instead of FP32"
    found = compare(expected, tensor([1.0, 2.0], shape=(2, 1)))
    assert found is not None and found.message == "its shape is [2, 1] instead of [1, 2]"


def scores(*rows: Any) -> Tensor:
    flat = [value for row in rows for value in row]
    return tensor(flat, shape=(len(rows), len(rows[0])))


def test_the_best_class_counts_and_not_its_score() -> None:
    expected = Expected("y", Classes(), scores([0.1, 0.9, 0.0], [0.5, 0.2, 0.3]))
    assert compare(expected, scores([0.3, 0.4, 0.3], [9.0, 8.0, 7.0])) is None
    found = compare(expected, scores([0.1, 0.9, 0.0], [0.2, 0.3, 0.5]))
    assert found is not None and (found.index, found.expected, found.got) == ([1], 0, 2)
    assert "the expected class 0 has 0.2" in found.message and "place 3" in found.message


def test_the_expected_class_may_be_among_the_first() -> None:
    got = scores([0.5, 0.3, 0.2])
    assert compare(Expected("y", Classes(2), classes=(1,)), got) is None
    assert compare(Expected("y", Classes(1), classes=(1,)), got) is not None
    assert compare(Expected("y", Classes(2), classes=(2,)), got) is not None


def test_an_answer_of_zeros_or_nan_is_no_class() -> None:
    expected = Expected("y", Classes(2), classes=(0,))
    zeros = compare(expected, scores([0.0, 0.0, 0.0]))
    assert zeros is not None and "same score" in zeros.message
    bad = compare(expected, scores([1.0, NAN, 0.0]))
    assert bad is not None and "NaN" in bad.message


def test_classes_need_as_many_rows_and_classes() -> None:
    for got in (scores([1.0, 0.0], [1.0, 0.0]), scores([1.0])):
        found = compare(Expected("y", Classes(), classes=(1,)), got)
        assert found is not None and found.code == "shape"


@pytest.mark.parametrize("values", [[0.0, 0.0], [NAN, 1.0]])
def test_an_unclear_class_is_no_expectation(values: list[float]) -> None:
    with pytest.raises(ValueError, match="no class has the highest"):
        best_classes(tensor(values))


def rows(*items: tuple[float, ...]) -> Tensor:
    flat = [value for item in items for value in item]
    return tensor(flat, shape=(1, 1, len(items), len(items[0])))


# image, label, score, corners, as the layer DetectionOutput has them.
CAT = (0, 1, 0.9, 0.1, 0.1, 0.5, 0.5)
DOG = (0, 2, 0.8, 0.6, 0.6, 0.9, 0.9)
END = (-1, 0, 0.99, 0, 0, 0, 0)


def moved(row: tuple[float, ...], by: float = 0.0, score: float = 0.0) -> tuple[float, ...]:
    image, label, old, x1, y1, x2, y2 = row
    return (image, label, old + score, x1 + by, y1, x2 + by, y2)


def test_boxes_may_move_a_little_and_come_in_any_order() -> None:
    got = rows(moved(DOG, 0.02, -0.05), moved(CAT, 0.02), END)
    assert compare_boxes(Boxes(), rows(CAT, DOG, END), got) == ""
    expected = Expected("y", Boxes(), rows(CAT, DOG, END))
    assert compare(expected, got) is None


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (rows(CAT, END), "1 of 2 expected boxes are not found, the first is label 2"),
        (rows(CAT, moved(DOG, 0.2)), "overlap 0.20"),
        (rows(CAT, moved(DOG, score=-0.2)), "not found"),
        (rows(CAT, (0, 3, *DOG[2:])), "not found"),
        (rows(CAT, (1, *DOG[1:])), "not found"),
        (rows(END), "there is no box at all"),
        (rows(CAT, DOG, moved(CAT, 0.5)), "1 boxes are not expected"),
        (rows(CAT, (NAN,) * 7), "not found"),
        (rows(CAT, (0, 2, 0.8, NAN, NAN, NAN, NAN)), "not found"),
        (tensor([1.0] * 8, shape=(1, 8)), "give 'columns'"),
    ],
)
def test_boxes_that_differ_are_told(got: Tensor, why: str) -> None:
    assert why in compare_boxes(Boxes(), rows(CAT, DOG, END), got)
    found = compare(Expected("y", Boxes(), rows(CAT, DOG, END)), got)
    assert found is not None and found.code == "box"


def test_a_box_near_the_least_score_may_be_there_or_not() -> None:
    weak = (0, 1, 0.52, 0.1, 0.1, 0.5, 0.5)
    assert compare_boxes(Boxes(), rows(weak, DOG), rows(moved(weak, 0, -0.05), DOG)) == ""
    assert compare_boxes(Boxes(), rows(DOG), rows(DOG, weak)) == ""


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ((), (0.1, 0.1, 0.5, 0.5, 0.9)),
        (("label", "score", "x", "y", "w", "h"), (0, 0.9, 0.1, 0.1, 0.4, 0.4)),
        (("cx", "cy", "w", "h", "_", "score"), (0.3, 0.3, 0.4, 0.4, 7, 0.9)),
    ],
)
def test_rows_have_many_forms(columns: tuple[str, ...], row: tuple[float, ...]) -> None:
    (box,) = boxes_of(Boxes(columns=columns), rows(row), 0.5)
    assert box.corners == pytest.approx((0.1, 0.1, 0.5, 0.5)) and box.score == pytest.approx(0.9)


@pytest.mark.parametrize(
    "columns", [["score", "x1"], ["x1", "y1", "x2", "y2"], ["score", "score"], ["confidence"]]
)
def test_columns_that_make_no_box_are_refused(columns: list[str]) -> None:
    with pytest.raises(ValueError, match="column"):
        check_columns(columns)


CORNER = st.floats(-10, 10)
BOX = st.tuples(CORNER, CORNER, CORNER, CORNER)


TINY_BOX = (0.0, 0.0, 1e-170, 1e-300)


@given(BOX, BOX)
@example(TINY_BOX, TINY_BOX)
def test_overlap_is_a_share_and_the_same_from_both_sides(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> None:
    assert 0.0 <= overlap(one, other) <= 1.0 + 1e-9
    assert overlap(one, other) == pytest.approx(overlap(other, one))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=4))
def test_as_many_pairs_as_there_can_be(fits: list[list[int]]) -> None:
    pairs = match(fits)
    assert all(other in fits[one] for one, other in pairs.items())
    assert len(set(pairs.values())) == len(pairs)
    most = max(
        sum(1 for one, other in enumerate(choice) if other in fits[one])
        for choice in itertools.permutations(range(len(fits) + 4), len(fits))
    )
    assert len(pairs) == most
