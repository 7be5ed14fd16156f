# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The finding of text boxes, on small maps drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from edge_ocr.detection import (
    Box,
    Floats,
    components,
    core_of,
    detection_input,
    detection_size,
    find_boxes,
    normalized,
    reading_order,
    runs_of,
    unclip,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

Drawing = list[str]


def mask_of(*rows: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return a mask in which every C(#) is a text pixel."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def area_map(rows: int, columns: int, *boxes: Box, value: float = 0.9) -> Floats:
    probability = np.zeros((rows, columns), dtype=np.float32)
    for box in boxes:
        probability[box.top : box.bottom, box.left : box.right] = value
    return probability


def cores(*rows: str) -> list[Box]:
    return sorted((core_of(area) for area in components(mask_of(*rows))), key=str)


def test_runs_at_the_edges_are_seen() -> None:
    runs = [(run.row, run.start, run.stop) for run in runs_of(mask_of("##.#", "....", "####"))]
    assert runs == [(0, 0, 2), (0, 3, 4), (2, 0, 4)]


def test_an_empty_map_has_no_component() -> None:
    assert components(mask_of("....", "....")) == []


def test_arms_that_meet_later_are_one_component() -> None:
    assert cores("#..#", "#..#", "####") == [Box(0, 0, 4, 3)]


def test_corners_connect_and_gaps_do_not() -> None:
    assert cores("#...", ".#..") == [Box(0, 0, 2, 2)]
    assert len(cores("#.#.", "#.#.")) == 2
    assert len(cores("##", "..", "##")) == 2


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=6))
def test_components_share_out_every_pixel_once(rows: list[list[bool]]) -> None:
    mask = np.array(rows)
    pixels = [
        (run.row, column)
        for area in components(mask)
        for run in area
        for column in range(run.start, run.stop)
    ]
    assert sorted(pixels) == sorted(zip(*(axis.tolist() for axis in np.nonzero(mask))))


def test_unclip_grows_by_area_and_perimeter_and_stays_inside() -> None:
    # 100 x 10: 1000 * 1.6 / 220 = 7.27 pixels on each side
    assert unclip(Box(50, 50, 150, 60), 400, 300) == Box(43, 43, 157, 67)
    assert unclip(Box(0, 2, 100, 12), 102, 14) == Box(0, 0, 102, 14)


def test_boxes_come_back_in_pixels_of_the_picture() -> None:
    probability = area_map(64, 128, Box(20, 10, 100, 20), Box(20, 40, 60, 50))
    assert find_boxes(probability, 256, 64) == [Box(26, 3, 214, 27), Box(28, 34, 132, 56)]


@pytest.mark.parametrize(
    "probability",
    [
        area_map(64, 64, Box(10, 10, 50, 20), value=0.25),
        area_map(64, 64, Box(10, 10, 50, 20), value=0.4),
        area_map(64, 64, Box(10, 10, 50, 12)),
    ],
    ids=["below the pixel threshold", "too weak on average", "too thin"],
)
def test_noise_is_no_box(probability: Floats) -> None:
    assert find_boxes(probability, 64, 64) == []


def test_reading_order_is_line_by_line() -> None:
    first, second, below = Box(10, 12, 50, 40), Box(60, 10, 90, 38), Box(5, 60, 50, 88)
    assert reading_order([below, second, first]) == [first, second, below]


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((534, 208), (544, 192)), ((1920, 1080), (960, 544)), ((5, 3), (32, 32))],
)
def test_detection_size_is_a_multiple_of_the_stride(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert detection_size(*size) == wanted


def test_the_input_is_blue_first_and_within_one() -> None:
    tensor = normalized(Image.new("RGB", (2, 1), (255, 127, 0)))
    assert tensor.shape == (1, 3, 1, 2)
    assert tensor[0, :, 0, 0].tolist() == pytest.approx([-1.0, -0.00392157, 1.0])
    assert detection_input(Image.new("L", (70, 40))).shape == (1, 3, 32, 64)
