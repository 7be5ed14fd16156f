# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw a picture whose words are known, so that what a server reads can be compared."""

from __future__ import annotations

import random
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

FONT_SIZE = 44
"""Pixels. The recognition network works on lines 48 pixels high."""

MARGIN = 40
"""Pixels around the text and between two lines; detection needs some ground around a line."""


def words_for(seed: int) -> list[str]:
    """Return the two lines to draw for ``seed``: the digits differ from run to run."""
    digits = random.Random(seed)  # test data, not a secret
    numbers = [f"{digits.randrange(10_000):04d}" for _ in range(3)]
    return [f"OPENVINO EDGE {numbers[0]}", f"site {numbers[1]} line {numbers[2]}"]


def draw(lines: Sequence[str]) -> Image.Image:
    """Return a light picture with ``lines`` in dark letters, in the font Pillow brings along."""
    font = ImageFont.load_default(FONT_SIZE)
    boxes = [font.getbbox(line) for line in lines]
    width = int(max(box[2] for box in boxes)) + 2 * MARGIN
    height = (FONT_SIZE + MARGIN) * len(lines) + MARGIN
    picture = Image.new("RGB", (width, height), (244, 244, 240))
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + row * (FONT_SIZE + MARGIN)), line, (24, 32, 48), font)
    return picture
