# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of docs/parity.md: a named test that is gone fails, a row that names none does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import parity  # noqa: E402
import steps  # noqa: E402

HERE = "tests/unit/test_house_parity.py"
KEPT = f"{HERE}::test_the_tree_as_it_is_passes"


def checked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    test: str,
) -> tuple[int, list[str]]:
    """Check a current page of one row; return the status and what was said."""
    rows = [("Row", [parity.Row("a thing", "`option`", test)])]
    monkeypatch.setattr(parity, "tables", lambda: rows)
    monkeypatch.setattr(parity, "PAGE", tmp_path / "parity.md")
    parity.PAGE.write_text(parity.page(), encoding="utf-8")
    return parity.main(["--check"]), capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (f"{HERE}::test_that_was_renamed", f"no test test_that_was_renamed in {HERE}"),
        ("tests/unit/test_gone.py::test_x", "no file tests/unit/test_gone.py"),
        (f"{KEPT}[absent]", f"no case absent in {HERE}"),
    ],
)
def test_a_named_test_that_is_gone_fails(
    test: str,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked(tmp_path, monkeypatch, capsys, test) == (1, [f"a thing: {why}"])


@pytest.mark.parametrize("test", ["", KEPT], ids=["none named", "there"])
def test_rows_without_a_test_and_with_one_pass(
    test: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked(tmp_path, monkeypatch, capsys, test) == (0, [])


def test_an_old_page_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parity, "PAGE", tmp_path / "parity.md")
    parity.PAGE.write_text("old", encoding="utf-8")
    assert parity.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/parity.md is not up to date: run make parity\n"
    assert parity.PAGE.read_text(encoding="utf-8") == "old"


def test_the_tree_as_it_is_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main(["--check"]) == 0, capsys.readouterr().out


def test_lint_runs_the_check() -> None:
    step = steps.STEPS["parity"]
    assert step.argv[1:] == ("tools/parity.py", "--check")
    assert step in steps.LINT
