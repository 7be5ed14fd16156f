# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CTC decoding, the dictionary of a model, and the drawing of pictures, without a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from edge_ocr.detection import Box, Floats
from edge_ocr.drawing import draw, words_for
from edge_ocr.reading import read_picture, same_text
from edge_ocr.recognition import ctc_text, dictionary_of, line_input
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

LETTERS = ["", "A", "B", "7", " "]


def steps(*classes: int) -> Floats:
    """Return scores whose best class is the given one at each step."""
    scores = np.full((len(classes), len(LETTERS)), 0.1, dtype=np.float32)
    scores[np.arange(len(classes)), classes] = 0.8
    return scores


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ((1, 1, 0, 1, 2), "AAB"),
        ((0, 0, 0), ""),
        ((3, 3, 3), "7"),
        ((1, 4, 2), "A B"),
        ((2, 0, 0, 2), "BB"),
    ],
)
def test_repeats_fold_and_blanks_part(classes: tuple[int, ...], text: str) -> None:
    assert ctc_text(steps(*classes), LETTERS) == text


@given(st.text("AB7 ", max_size=12), st.integers(1, 3))
def test_decoding_undoes_any_spelling(text: str, repeats: int) -> None:
    classes = [index for letter in text for index in [LETTERS.index(letter)] * repeats + [0]]
    assert ctc_text(steps(0, *classes), LETTERS) == text


def test_a_dictionary_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="5 classes, but 3 letters"):
        ctc_text(steps(1), LETTERS[:3])


def test_the_dictionary_stands_in_the_model(tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text(
        '<net><rt_info><framework><character value="!&#10;&lt;&#10;A"/></framework></rt_info></net>'
    )
    assert dictionary_of(path) == ["", "!", "<", "A", " "]


def test_a_model_without_a_dictionary_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text("<net><rt_info/></net>")
    with pytest.raises(ValueError, match="model.xml: no dictionary"):
        dictionary_of(path)


def test_a_short_line_is_padded_and_a_long_one_keeps_its_shape() -> None:
    picture = Image.new("RGB", (1000, 100), (255, 255, 255))
    short = line_input(picture, Box(0, 0, 96, 48))
    assert short.shape == (1, 3, 48, 320)
    assert short[0, 0, 0, 95] == 1.0
    assert short[0, 0, 0, 96] == 0.0
    assert line_input(picture, Box(0, 0, 1000, 50)).shape == (1, 3, 48, 960)


def test_the_words_depend_on_the_seed_only() -> None:
    assert words_for(7) == words_for(7)
    assert words_for(7) != words_for(8)
    assert draw(words_for(7)).tobytes() == draw(words_for(7)).tobytes()


class ScriptedNetwork:
    """Finds two lines and spells each from its place in the dictionary."""

    def __init__(self) -> None:
        self.lines = [steps(1, 0, 1), steps(2, 3)]

    def infer(self, model: str, tensor: Floats) -> Floats:
        if model == "ocr_recognition":
            return self.lines.pop(0)[np.newaxis]
        probability = np.zeros((1, 1, *tensor.shape[2:]), dtype=np.float32)
        probability[0, 0, 10:20, 10:60] = probability[0, 0, 40:50, 10:60] = 0.9
        return probability


def test_a_picture_is_read_line_by_line() -> None:
    assert read_picture(Image.new("RGB", (96, 64)), ScriptedNetwork(), LETTERS) == ["AA", "B7"]


def test_only_white_space_is_free() -> None:
    assert same_text(["A  B ", "7"], ["A B", "7"])
    assert not same_text(["A B"], ["A B", "7"])
    assert not same_text(["AB"], ["A B"])
