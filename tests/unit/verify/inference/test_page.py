# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/golden.md: its golden files are read, and it has every key and the usual tolerances."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import golden
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.boxes import (
    DEFAULT_COLUMNS,
    Boxes,
    check_columns,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    DATATYPES,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.latency import (
    SMALLEST_MS,
)

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "golden.md").read_text(encoding="utf-8")
BLOCKS = [
    block
    for block in map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S))
    if isinstance(block, dict)
]
# One FP32 of numpy, whatever the file is called.
NPY = b"\x93NUMPY\x01\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(80)


def read(name: str) -> bytes:
    return NPY + b"\0\0\x80\x3f"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block["model"]))
def test_the_files_of_the_page_are_golden_files(block: Any) -> None:
    recording = "outputs" not in block["cases"][0]
    assert golden.parse(block, "golden.md", read, recording=recording)


def test_there_is_one_of_each_kind() -> None:
    kinds = [case.get("outputs", [{}])[0].get("compare") for b in BLOCKS for case in b["cases"]]
    assert kinds == [None, "classes", "boxes"]


def test_every_key_is_told() -> None:
    told = set(re.findall(r"`(\w+)`", PAGE))
    hows = {key for keys in golden.HOW_KEYS.values() for key in keys} | set(golden.HOW_KEYS)
    tensor = {*golden.INPUT_KEYS, "compare", "spread"}
    assert {*golden.TOP_KEYS, *golden.CASE_KEYS, *tensor} | hows - {"classes"} <= told


def test_the_usual_values_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.M)
    told = {
        name: (float(rtol), float(atol))
        for names, rtol, atol in rows
        for name in re.findall(r"\w+", names)
    }
    usual = {name: (item.rtol, item.atol) for name, item in DATATYPES.items() if item.rtol}
    assert told == usual
    boxes = dict(re.findall(r"^\| `([a-z_]+)` \| .* \| ([\d.]+) \|$", PAGE, re.M))
    assert {key: float(value) for key, value in boxes.items()} == {
        key: getattr(Boxes(), key) for key in ("iou", "score_tolerance", "min_score")
    }
    assert f"{SMALLEST_MS:g} ms more than the baseline" in PAGE


def test_the_usual_columns_are_those_of_the_code() -> None:
    (line,) = re.findall(r"^\| `columns` .* \| (7 columns: .*) \|$", PAGE, re.M)
    found = {int(n): tuple(names.split()) for n, names in re.findall(r"(\d)[^`]*`([^`]+)`", line)}
    assert found == DEFAULT_COLUMNS
    for columns in found.values():
        check_columns(columns)


def test_the_tests_that_the_page_names_exist() -> None:
    code = (Path(__file__).parent / "test_real_openvino.py").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert len(named) == 3 and all(f"def {name}(" in code for name in named)
