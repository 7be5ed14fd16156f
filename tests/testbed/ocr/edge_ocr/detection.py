# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find lines of text in the answer of a DB detection network (pure functions on arrays).

DB ("Real-time Scene Text Detection with Differentiable Binarization", Liao et al., 2019) answers
with one map: for each pixel the probability that it belongs to the shrunk core of a text line.
Boxes here are upright, which is enough for generated pictures; turned text is not handled.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float32]

PIXEL_THRESHOLD = 0.3
"""A pixel above it is text; the value PP-OCR's detection is trained and shipped with."""

BOX_THRESHOLD = 0.5
"""Mean probability below which a box is noise; PP-OCRv6's shipped setting."""

UNCLIP_RATIO = 1.6
"""How far a core grows back to the line: area * ratio / perimeter (section 3 of the paper)."""

MIN_SIDE = 3
"""Pixels; a smaller core is noise."""

STRIDE = 32
"""The network halves its input five times, so its sides must be multiples of 2 ** 5."""

MAX_SIDE = 960
"""Pixels; bigger pictures are shrunk to it."""


@dataclass(frozen=True)
class Box:
    """An upright rectangle in pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Run:
    """Text pixels side by side in one row: ``start`` to ``stop`` (exclusive)."""

    row: int
    start: int
    stop: int


def normalized(picture: Image.Image) -> Floats:
    """Return the pixels as 1 x 3 x H x W in blue, green, red order, -1 to 1.

    Both networks are trained on that order and range.
    """
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)[:, :, ::-1]
    scaled = (pixels / 255.0 - 0.5) / 0.5
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def detection_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) to which a picture is scaled for detection."""
    ratio = min(1.0, MAX_SIDE / max(width, height))
    steps = (max(1, round(side * ratio / STRIDE)) for side in (width, height))
    return next(steps) * STRIDE, next(steps) * STRIDE


def detection_input(picture: Image.Image) -> Floats:
    """Return what the detection network takes for ``picture``."""
    size = detection_size(*picture.size)
    return normalized(picture.resize(size, Image.Resampling.BILINEAR))


def runs_of(mask: npt.NDArray[np.bool_]) -> list[Run]:
    """Return the runs of true pixels, row by row."""
    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _rows, stops = np.nonzero(steps == -1)
    return [
        Run(int(row), int(start), int(stop))
        for row, start, stop in zip(rows, starts, stops, strict=True)
    ]


def neighbours(above: list[Run], below: list[Run]) -> Iterator[tuple[Run, Run]]:
    """Yield the pairs that touch, corners included (8-connectivity)."""
    for upper, lower in itertools.product(above, below):
        if upper.start <= lower.stop and lower.start <= upper.stop:
            yield upper, lower


def components(mask: npt.NDArray[np.bool_]) -> list[list[Run]]:
    """Return the connected areas of true pixels, each as its runs."""
    runs = runs_of(mask)
    parent = {run: run for run in runs}

    def root(run: Run) -> Run:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    rows = {row: list(group) for row, group in itertools.groupby(runs, key=lambda run: run.row)}
    for row, below in rows.items():
        for upper, lower in neighbours(rows.get(row - 1, []), below):
            parent[root(lower)] = root(upper)
    areas: dict[Run, list[Run]] = {}
    for run in runs:
        areas.setdefault(root(run), []).append(run)
    return list(areas.values())


def core_of(area: list[Run]) -> Box:
    """Return the rectangle around one connected area."""
    return Box(
        min(run.start for run in area),
        min(run.row for run in area),
        max(run.stop for run in area),
        max(run.row for run in area) + 1,
    )


def unclip(core: Box, width: int, height: int) -> Box:
    """Grow a core back to the line it stands for, within a map of ``width`` x ``height``."""
    area = core.width * core.height
    distance = round(area * UNCLIP_RATIO / (2 * (core.width + core.height)))
    return Box(
        max(0, core.left - distance),
        max(0, core.top - distance),
        min(width, core.right + distance),
        min(height, core.bottom + distance),
    )


def scale(box: Box, across: float, down: float) -> Box:
    """Return the box in a picture that is ``across`` times wider and ``down`` times higher."""
    return Box(
        round(box.left * across),
        round(box.top * down),
        round(box.right * across),
        round(box.bottom * down),
    )


def reading_order(boxes: list[Box]) -> list[Box]:
    """Sort from top to bottom; boxes that overlap by half a height stand in one line."""
    lines: list[list[Box]] = []
    for box in sorted(boxes, key=lambda item: item.top + item.bottom):
        last = lines[-1][0] if lines else None
        if last and min(box.bottom, last.bottom) - max(box.top, last.top) > box.height / 2:
            lines[-1].append(box)
        else:
            lines.append([box])
    return [box for line in lines for box in sorted(line, key=lambda item: item.left)]


def find_boxes(probability: Floats, width: int, height: int) -> list[Box]:
    """Return the lines of text in reading order, in pixels of a ``width`` x ``height`` picture.

    Args:
        probability: the network's answer, rows x columns, 0 to 1.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    rows, columns = probability.shape
    found = []
    for area in components(probability > PIXEL_THRESHOLD):
        core = core_of(area)
        inside = probability[core.top : core.bottom, core.left : core.right]
        if min(core.width, core.height) < MIN_SIDE or inside.mean() < BOX_THRESHOLD:
            continue
        found.append(scale(unclip(core, columns, rows), width / columns, height / rows))
    return reading_order(found)
