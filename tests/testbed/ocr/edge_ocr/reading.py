# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture to its text: detection, then recognition of each line."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from .detection import Box, detection_input, find_boxes
from .names import DETECTION, RECOGNITION
from .recognition import ctc_text, line_input
from .serving import Network


def find_lines(picture: Image.Image, network: Network) -> list[Box]:
    """Return where text stands in the picture, in reading order."""
    answer = network.infer(DETECTION, detection_input(picture))
    return find_boxes(answer[0, 0], *picture.size)


def read_picture(picture: Image.Image, network: Network, dictionary: Sequence[str]) -> list[str]:
    """Return the lines of text in the picture."""
    lines = []
    for box in find_lines(picture, network):
        scores = network.infer(RECOGNITION, line_input(picture, box))
        lines.append(ctc_text(scores[0], dictionary).strip())
    return lines


def same_text(read: Sequence[str], expected: Sequence[str]) -> bool:
    """Compare line by line; only the amount of white space is free."""
    return [line.split() for line in read] == [line.split() for line in expected]
