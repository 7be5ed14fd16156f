# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read one line of text with a CTC recognition network (pure functions on arrays and files)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .detection import Box, Floats, normalized
from .names import RECOGNITION

LINE_HEIGHT = 48
"""Pixels; fixed in the network."""

MIN_WIDTH = 320
"""Pixels; the width PP-OCR's recognition is trained with. Shorter lines are padded to it."""

BLANK = 0
"""Class 0 of a CTC network means "no new letter here"."""


def dictionary_of(model_xml: Path) -> list[str]:
    """Return the letter of each class of the recognition network.

    The conversion to IR keeps the ONNX metadata under ``rt_info/framework``; its entry
    ``character`` holds one letter a line. PP-OCR adds the blank before and a space after them.

    Raises:
        ValueError: the model carries no dictionary.
    """
    entry = ET.parse(model_xml).find("./rt_info/framework/character")  # our own file
    if entry is None or "value" not in entry.attrib:
        raise ValueError(f"{model_xml}: no dictionary in rt_info/framework/character")
    return ["", *entry.attrib["value"].split("\n"), " "]


def repository_dictionary(repository: Path, version: int = 1) -> list[str]:
    """Return the dictionary of the recognition model in a generated model repository."""
    return dictionary_of(repository / RECOGNITION / str(version) / "model.xml")


def line_input(picture: Image.Image, box: Box) -> Floats:
    """Return what the recognition network takes for the part of ``picture`` in ``box``."""
    part = picture.crop((box.left, box.top, box.right, box.bottom))
    width = max(1, round(LINE_HEIGHT * box.width / box.height))
    pixels = normalized(part.resize((width, LINE_HEIGHT), Image.Resampling.BILINEAR))
    missing = max(0, MIN_WIDTH - width)
    return np.pad(pixels, ((0, 0), (0, 0), (0, 0), (0, missing)))


def ctc_text(scores: Floats, dictionary: Sequence[str]) -> str:
    """Decode greedily: the best class of each step, repeats folded, blanks dropped.

    Args:
        scores: steps x classes.
        dictionary: the letter of each class.

    Raises:
        ValueError: the network has another number of classes than the dictionary.
    """
    if scores.shape[1] != len(dictionary):
        raise ValueError(f"{scores.shape[1]} classes, but {len(dictionary)} letters")
    best = scores.argmax(axis=1)
    changed = np.concatenate(([True], best[1:] != best[:-1]))
    return "".join(dictionary[index] for index in best[changed & (best != BLANK)])
