# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A straight line through points, and how far from it they are. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence, Tuple


@dataclass(frozen=True)
class Line:
    """C(start + slope * x).

    Attributes:
        start: the value at 0.
        slope: what one more of x adds.
        residual: root mean square of the distances from the line, in the unit of y.
    """

    start: float
    slope: float
    residual: float

    def at(self, x: float) -> float:
        """Return the value of the line at a place."""
        return self.start + self.slope * x


def line(points: Sequence[Tuple[float, float]]) -> Line:
    """Return the line with the least squares of distances in y.

    Raises:
        ValueError: the points do not have two different x.
    """
    if len({x for x, _y in points}) < 2:
        raise ValueError("a line needs two places")
    count = len(points)
    mean_x = math.fsum(x for x, _y in points) / count
    mean_y = math.fsum(y for _x, y in points) / count
    spread = math.fsum((x - mean_x) ** 2 for x, _y in points)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    start = mean_y - slope * mean_x
    squares = math.fsum((y - start - slope * x) ** 2 for x, y in points)
    return Line(start, slope, math.sqrt(squares / count))
