# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares detections: which boxes are expected, and which are there. Pure.

A row of the output is one detection. What its columns are differs between models: the layer
DetectionOutput of OpenVINO has seven, others have five or six (the defaults below).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .datatypes import FLOAT
from .tensors import Tensor

IMAGE, LABEL, SCORE, IGNORED = "image", "label", "score", "_"
CORNERS = ("x1", "y1", "x2", "y2")
CORNER_AND_SIZE = ("x", "y", "w", "h")
CENTRE_AND_SIZE = ("cx", "cy", "w", "h")
FORMS = (CORNERS, CORNER_AND_SIZE, CENTRE_AND_SIZE)
DEFAULT_COLUMNS: Dict[int, Tuple[str, ...]] = {
    7: (IMAGE, LABEL, SCORE, *CORNERS),
    6: (*CORNERS, SCORE, LABEL),
    5: (*CORNERS, SCORE),
}
MOST = 2000
"""Boxes of one output that are compared; more are no detections but raw proposals."""

Corners = Tuple[float, float, float, float]


@dataclass(frozen=True)
class Boxes:
    """Each expected box overlaps with one of the same label, and no other box is there.

    Attributes:
        iou: least intersection over union; 0.5 is what PASCAL VOC takes for found.
        score_tolerance: most difference of the scores.
        min_score: rows below it are no detections.
        columns: names of the values of a row; empty takes the usual ones of that many columns.
    """

    iou: float = 0.5
    score_tolerance: float = 0.1
    min_score: float = 0.5
    columns: Tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"iou {self.iou:g}, score_tolerance {self.score_tolerance:g}"


@dataclass(frozen=True)
class Box:
    """One detection."""

    image: float
    label: float
    score: float
    corners: Corners

    def __str__(self) -> str:
        corners = ", ".join(f"{value:.4g}" for value in self.corners)
        return f"label {self.label:g} with score {self.score:.3g} at ({corners})"


def check_columns(columns: Sequence[str]) -> None:
    """Check the names of columns.

    Raises:
        ValueError: one is unknown or twice, or a place or the score is missing.
    """
    known = {IMAGE, LABEL, SCORE, IGNORED, *CORNERS, *CORNER_AND_SIZE, *CENTRE_AND_SIZE}
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no column; there are {', '.join(sorted(known))}")
    named = [name for name in columns if name != IGNORED]
    if len(set(named)) != len(named):
        raise ValueError("a column is named twice")
    if SCORE not in named or not any(set(form) <= set(named) for form in FORMS):
        raise ValueError("columns need score and one of x1 y1 x2 y2, x y w h, cx cy w h")


def boxes_of(how: Boxes, tensor: Tensor, least: float) -> List[Box]:
    """Return the detections of an output whose score is at least C(least).

    Raises:
        ValueError: its rows do not have these columns, or it has too many detections.
    """
    width = tensor.shape[-1] if tensor.shape else 0
    columns = how.columns or DEFAULT_COLUMNS.get(width, ())
    if len(columns) != width or tensor.datatype.kind != FLOAT:
        raise ValueError(
            f"boxes need rows of {len(how.columns) or '5, 6 or 7'} floating point numbers, it is"
            f" {tensor.datatype.name} {list(tensor.shape)}: give 'columns' for other rows"
        )
    values, found = tensor.values(), []
    for start in range(0, len(values), width):
        row = dict(zip(columns, values[start : start + width]))
        # DetectionOutput ends its list with a row of image -1.
        if row.get(IMAGE, 0.0) >= 0 and row[SCORE] >= least:
            image, label = row.get(IMAGE, 0.0), row.get(LABEL, 0.0)
            found.append(Box(image, label, row[SCORE], _corners(row)))
    if len(found) > MOST:
        raise ValueError(f"{len(found)} boxes have a score of at least {least:g}")
    return found


def _corners(row: Dict[str, Any]) -> Corners:
    if "x1" in row:
        return row["x1"], row["y1"], row["x2"], row["y2"]
    width, height = row["w"], row["h"]
    if "cx" in row:
        left, top = row["cx"] - width / 2, row["cy"] - height / 2
    else:
        left, top = row["x"], row["y"]
    return left, top, left + width, top + height


def overlap(one: Corners, other: Corners) -> float:
    """Return the intersection over the union of two boxes, 0 where either has no area."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if not (width > 0 and height > 0):
        return 0.0
    shared = width * height
    union = _area(one) + _area(other) - shared
    # An area that is too small for a float is none, though its sides have a length.
    return shared / union if union > 0 else 0.0


def _area(box: Corners) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def compare_boxes(how: Boxes, wanted: Tensor, got: Tensor) -> str:
    """Return what differs in words, empty if all expected boxes are there and no others.

    A box near C(min_score) may be on either side of it: one that is expected is looked for down to
    C(min_score - score_tolerance), and one that is not is too much from C(min_score +
    score_tolerance) on.
    """
    expected = boxes_of(how, wanted, how.min_score)
    try:
        there = boxes_of(how, got, how.min_score - how.score_tolerance)
    except ValueError as error:
        return str(error)
    fits = [[at for at, box in enumerate(there) if _fits(how, want, box)] for want in expected]
    pairs = match(fits)
    lost = [box for at, box in enumerate(expected) if at not in pairs]
    taken = set(pairs.values())
    certain = how.min_score + how.score_tolerance
    extra = [box for at, box in enumerate(there) if at not in taken and box.score >= certain]
    if lost:
        near = max(there, key=lambda box: overlap(lost[0].corners, box.corners), default=None)
        return _lost(lost, len(expected), near)
    if extra:
        return f"{len(extra)} boxes are not expected, the first is {extra[0]}"
    return ""


def _fits(how: Boxes, want: Box, box: Box) -> bool:
    return (
        want.image == box.image
        and want.label == box.label
        and abs(want.score - box.score) <= how.score_tolerance
        and overlap(want.corners, box.corners) >= how.iou
    )


def _lost(lost: Sequence[Box], wanted: int, near: Optional[Box]) -> str:
    text = f"{len(lost)} of {wanted} expected boxes are not found, the first is {lost[0]}"
    if near is None:
        return f"{text}; there is no box at all"
    return f"{text}; nearest is {near}, overlap {overlap(lost[0].corners, near.corners):.2f}"


def match(fits: Sequence[Sequence[int]]) -> Dict[int, int]:
    """Return as many pairs as there can be, each one with one that fits it.

    Which box goes with which matters where they crowd: the first fit would leave another without
    any. Paths that free a box are searched breadth first (Hopcroft and Karp's idea, one at a time).
    """
    taken: Dict[int, int] = {}
    for start in range(len(fits)):
        came: Dict[int, int] = {}
        queue, end = deque([start]), -1
        while queue and end < 0:
            one = queue.popleft()
            for other in fits[one]:
                if other in came:
                    continue
                came[other] = one
                if other not in taken:
                    end = other
                    break
                queue.append(taken[other])
        _turn(taken, came, end, start)
    return {one: other for other, one in taken.items()}


def _turn(taken: Dict[int, int], came: Dict[int, int], end: int, start: int) -> None:
    """Give each one on the path the box that it reached, from the free box at its end."""
    while end >= 0:
        one = came[end]
        before = next((other for other, owner in taken.items() if owner == one), -1)
        if before >= 0:
            del taken[before]
        taken[end] = one
        end = -1 if one == start else before
