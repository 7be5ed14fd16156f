# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner behind `make test`: a failure, a skip and a missing report are never a pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import main_job  # noqa: E402
import steps  # noqa: E402
import suite  # noqa: E402

REPORT = """<testsuites><testsuite tests="5" failures="{failures}" errors="0" skipped="{skipped}"/>
</testsuites>"""


def counted(
    tmp_path: Path, *, status: int, failures: int = 0, skipped: int = 0
) -> "tuple[int, int, int]":
    report = tmp_path / "report.xml"
    report.write_text(REPORT.format(failures=failures, skipped=skipped))
    outcome = suite.Outcome("unit")
    suite.count(outcome, status, report)
    return outcome.passed, outcome.failed, outcome.skipped


def test_pytest_counts_each_test(tmp_path: Path) -> None:
    assert counted(tmp_path, status=0) == (5, 0, 0)
    assert counted(tmp_path, status=1, failures=2, skipped=1) == (2, 2, 1)


def test_pytest_that_ends_badly_counts_as_failed(tmp_path: Path) -> None:
    assert counted(tmp_path, status=3) == (5, 1, 0)


def test_only_skipped_tests_are_a_failure(tmp_path: Path) -> None:
    assert counted(tmp_path, status=0, skipped=5) == (0, 1, 5)


def test_missing_report_is_a_failure(tmp_path: Path) -> None:
    outcome = suite.Outcome("unit")
    suite.count(outcome, 0, tmp_path / "none.xml")
    assert (outcome.passed, outcome.failed) == (0, 1)


@pytest.mark.parametrize(("status", "expected"), [(0, (1, 0)), (7, (0, 1))])
def test_other_commands_count_as_one(status: int, expected: "tuple[int, int]") -> None:
    outcome = suite.Outcome("lab")
    suite.count(outcome, status, None)
    assert (outcome.passed, outcome.failed) == expected


def test_steps_not_run_fail_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.finish([suite.Outcome("a", passed=3)], wanted=2) == 1
    assert suite.finish([suite.Outcome("a", passed=3)], wanted=1) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 0 failed"


def test_first_failure_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGE_STATE", str(tmp_path))
    monkeypatch.setitem(steps.STEPS, "bad", steps.Step("bad", "fails", ("false",)))
    monkeypatch.setitem(steps.STEPS, "later", steps.Step("later", "never runs", ("true",)))
    assert suite.main(["bad", "later"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"


def test_groups_name_existing_steps() -> None:
    for group in steps.GROUPS.values():
        assert set(group.steps) <= set(steps.STEPS)


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("site", "test", "lab-up", "lint", "bench", "build", "matrix"):
        assert f"make {target} " in done.stdout


RECAP = """
PLAY RECAP *********************************************************************
factory                    : ok=9    changed={0}    unreachable=0    failed={1}    skipped=0
shop                       : ok=9    changed=0    unreachable=0    failed=0    skipped=0
"""


def test_recap_of_a_play_is_read() -> None:
    assert main_job.changes(RECAP.format(3, 0).splitlines()) == {"factory": 3, "shop": 0}


@pytest.mark.parametrize("text", ["", RECAP.format(0, 1)])
def test_failed_or_empty_play_is_an_error(text: str) -> None:
    with pytest.raises(main_job.SiteError):
        main_job.changes(text.splitlines())


PLAY = """
TASK [Show what was read] ******
ok: [shop] =>
    msg:
    - 'ovms-1: OPENVINO EDGE (0.34 s)'

PLAY RECAP *********
shop : ok=1
"""


def test_lines_that_a_task_shows_are_found() -> None:
    lines = main_job.shown(PLAY.splitlines(), "Show what was read")
    assert lines == ["ovms-1: OPENVINO EDGE (0.34 s)"]
