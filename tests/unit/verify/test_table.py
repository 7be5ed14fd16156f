# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and text tables."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter.status_table import (
    FilterModule,
    status_table,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.gate import (
    Observation,
    Wanted,
    observe,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.status import (
    ConfigStatus,
    ModelVersionStatus,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.table import status_rows


def test_one_row_per_report_and_per_missing_version() -> None:
    wanted = Wanted({"ocr": frozenset({2, 3})})
    versions = (
        ModelVersionStatus("ocr", 1, "END"),
        ModelVersionStatus("ocr", 2, "AVAILABLE"),
        ModelVersionStatus("x", 1, "AVAILABLE"),
    )
    seen = Observation("a", 0, ConfigStatus(("ocr", "x"), versions))
    silent = Observation("b", 0, None, "refused")
    tracks = {"a": observe(None, seen, wanted), "b": observe(None, silent, wanted)}
    rows = status_rows(tracks, wanted, {"a": "n1"})
    assert [(r["version"], r["state"], r["wanted"], r["ok"]) for r in rows] == [
        (1, "END", False, True),
        (2, "AVAILABLE", True, True),
        (1, "AVAILABLE", False, False),
        (3, "MISSING", True, False),
    ]
    assert {(r["replica"], r["node"]) for r in rows} == {("a", "n1")}


def test_columns_are_aligned() -> None:
    rows = [
        {"replica": "a", "version": 1, "error_code": None, "ok": True, "seconds": 1.26},
        {"replica": "longer", "version": 12, "error_code": "OK"},
    ]
    text = status_table(rows, ["replica", "version", "error_code", "ok", "seconds"])
    assert text.splitlines() == [
        "REPLICA  VERSION  ERROR CODE  OK   SECONDS",
        "a        1        -           yes  1.3",
        "longer   12       OK          -    -",
    ]
    assert status_table([], ["a"]) == "A"


@pytest.mark.parametrize("rows", ["text", {"a": 1}, [1]])
def test_only_lists_of_dictionaries(rows: object) -> None:
    with pytest.raises(AnsibleFilterError):
        status_table(rows)
    assert list(FilterModule().filters()) == ["status_table"]
