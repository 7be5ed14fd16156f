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


def test_what_only_the_stand_in_can_pass_is_counted_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the report that pytest itself writes, side by side or not."""
    marks = (
        'import pytest\npytestmark = pytest.mark.skip(reason="stand-in only: it has no Python")\n'
    )
    (tmp_path / "test_apart.py").write_text(f"{marks}def test_a(): pass\ndef test_b(): pass\n")
    (tmp_path / "test_others.py").write_text(
        "import pytest\ndef test_good(): pass\ndef test_skipped(): pytest.skip('no CRDs')\n"
    )
    outcome = suite.Outcome("integration")
    for more in ((), ("-n", "1")):
        report = tmp_path / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", f"--rootdir={tmp_path}"]
        done = subprocess.run(
            [*command, f"--junitxml={report}", *more, str(tmp_path)], capture_output=True, text=True
        )
        outcome = suite.Outcome("integration")
        suite.count(outcome, done.returncode, report)
        assert (outcome.passed, outcome.failed, outcome.skipped, outcome.apart) == (1, 0, 1, 2)
    assert suite.finish([outcome, suite.Outcome("site", passed=1)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2 passed, 0 failed, 1 skipped, 2 for the stand-in only, not run"


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


def test_a_report_that_was_cut_off_is_a_failure(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT[:20])
    outcome = suite.Outcome("unit")
    suite.count(outcome, 0, report)
    assert (outcome.passed, outcome.failed) == (0, 1)


def test_nothing_run_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.finish([]) == 1
    assert suite.finish([suite.Outcome("a", passed=3)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 0 failed"


def test_the_last_words_of_a_failed_step_come_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGE_STATE", str(tmp_path))
    said = "for i in $(seq 99); do echo line $i; done; echo why >&2; exit 3"
    bad = suite.run_step(steps.Step("bad", "", ("sh", "-c", said)), capture=False)
    good = suite.run_step(steps.Step("good", "", ("echo", "fine")), capture=True)
    shown = capfd.readouterr().out
    assert "line 1\n" in shown and shown.endswith("why\n")
    assert suite.finish([bad, good]) == 1
    printed = capfd.readouterr().out.splitlines()
    assert printed[-2:] == ["why", "1 passed, 1 failed"]
    assert "line 99" in printed and "line 80" not in printed and "fine" not in printed


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Steps and groups of the test's own; each step that runs leaves a file of its name."""
    monkeypatch.setenv("EDGE_STATE", str(tmp_path))
    ran = tmp_path / "ran"
    ran.mkdir()

    def add(name: str, command: str, *needs: str) -> None:
        argv = ("sh", "-c", f"touch {ran}/{name}; {command}")
        monkeypatch.setitem(steps.STEPS, name, steps.Step(name, command, argv, needs=needs))

    add("bad", "exit 3")
    add("good", "exit 0")
    add("leans", "exit 0", "bad")
    add("leans-on-that", "exit 0", "leans")
    missing = steps.Step("missing", "no such program", ("no-such-program-at-all",))
    monkeypatch.setitem(steps.STEPS, "missing", missing)
    for name, group in {
        "cheap": steps.Group(("bad", "good"), parallel=True),
        "dear": steps.Group(("missing", "leans", "leans-on-that", "good")),
    }.items():
        monkeypatch.setitem(steps.GROUPS, name, group)
    return ran


@pytest.mark.parametrize("first", ["bad", "missing", "cheap"])
def test_no_step_hides_the_result_of_a_later_one(
    first: str, stage: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert suite.main([first, "good"]) == 1
    assert (stage / "good").exists()
    assert capfd.readouterr().out.splitlines()[-1].endswith(", 1 failed")


def test_a_failure_within_a_group_hides_nothing(
    stage: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert suite.main(["dear"]) == 1
    assert {path.name for path in stage.iterdir()} == {"leans", "leans-on-that", "good"}
    assert capfd.readouterr().out.splitlines()[-1] == "3 passed, 1 failed"


def test_what_needs_a_failed_step_counts_as_failed(
    stage: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert suite.main(["--always", "good", "cheap", "dear"]) == 1
    shown = capfd.readouterr().out
    assert not (stage / "leans").exists()
    assert not (stage / "leans-on-that").exists()
    assert "0 passed, 1 failed: not run, since this failed: bad" in shown
    assert "0 passed, 1 failed: not run, since this failed: leans" in shown
    assert shown.splitlines()[-1] == "3 passed, 4 failed"


def test_steps_on_the_clusters_need_the_clusters() -> None:
    first, *others = steps.GROUPS["clusters"].steps
    assert first == "lab"
    # The faults have a cluster of their own.
    assert {name for name in others if not steps.STEPS[name].needs} == {"faults"}
    for step in steps.STEPS.values():
        assert set(step.needs) <= set(steps.STEPS)


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
