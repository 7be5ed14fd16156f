"""Run named steps, time each, and end with one line `N passed, N failed`.

A step is one command; a step that runs pytest counts with each of its tests, any other as one.
Tests that only the stand-in for OVMS can pass are counted apart where another server runs.
A failure never hides what the other steps would tell: all of them run, in order. Only what needs a
step that failed does not, and counts as failed. The last lines of each failed step come once more
at the very end, since whoever reads a long log often has only its end.
"""

from __future__ import annotations

import argparse
import codecs
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

from steps import GROUPS, STEPS, Step

ROOT = Path(__file__).resolve().parent.parent
SIDE_BY_SIDE = 2
# Lines of a failed step that are shown once more: pytest's list, a program's last words.
LAST_LINES = 12
# How the reason of a skip begins that tests/integration/conftest.py gives to such a test.
APART = "stand-in only: "


@dataclass
class Outcome:
    """What one step came to; ``passed``, ``failed``, ``skipped`` and ``apart`` count tests.

    ``apart`` are those that only the stand-in could pass, and that were not run for that reason.
    ``lacks`` names the steps that it needs and that failed: it was not run.
    """

    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    apart: int = 0
    output: str = field(default="", repr=False)
    lacks: str = ""

    def line(self) -> str:
        """Return the step's line of the table at the end."""
        verdict = "FAILED" if self.failed else "ok"
        return f"  {self.name:<24} {verdict:<7} {self.seconds:7.1f} s  {self.counts()}"

    def counts(self) -> str:
        """Return the counts as words."""
        words = f"{self.passed} passed, {self.failed} failed"
        if self.lacks:
            return f"{words}: not run, since this failed: {self.lacks}"
        words += f", {self.skipped} skipped" if self.skipped else ""
        return f"{words}, {self.apart} for the stand-in only, not run" if self.apart else words


def reports() -> Path:
    """Return the folder of the JUnit reports, outside the tree."""
    base = Path(os.environ["EDGE_STATE"]) / "reports"
    base.mkdir(parents=True, exist_ok=True)
    return base


def run_step(step: Step, *, capture: bool) -> Outcome:
    """Run one step to its end; output is kept when steps run side by side, else shown at once."""
    report = reports() / f"{step.name}.xml"
    report.unlink(missing_ok=True)
    argv = [*step.argv, f"--junitxml={report}"] if step.pytest else list(step.argv)
    start = time.monotonic()
    try:
        status, output = watched(argv, show=not capture)
    except OSError as error:
        print(f"{step.name}: {error}", flush=True)
        return Outcome(step.name, failed=1, output=str(error))
    outcome = Outcome(step.name, time.monotonic() - start, output=output)
    count(outcome, status, report if step.pytest else None)
    return outcome


def watched(argv: Sequence[str], *, show: bool) -> tuple[int, str]:
    """Run a command and return its exit status and its output, which C(show) shows meanwhile."""
    parts: list[str] = []
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Python keeps whole blocks back when it does not write to a terminal.
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        # Not by lines: a line of pytest's dots takes minutes.
        while chunk := os.read(process.stdout.fileno(), 65536):
            parts.append(decoder.decode(chunk))
            if show:
                sys.stdout.write(parts[-1])
                sys.stdout.flush()
    return process.returncode, "".join(parts)


def count(outcome: Outcome, status: int, report: Path | None) -> None:
    """Fill the counts from the exit status and, for pytest, from its report."""
    for suite in _suites(report):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped, apart = int(suite.get("skipped", 0)), _apart(suite)
        outcome.failed += bad
        outcome.skipped += skipped - apart
        outcome.apart += apart
        outcome.passed += int(suite.get("tests", 0)) - bad - skipped
    if status == 0 and report is None:
        outcome.passed = 1
    if status and not outcome.failed:
        outcome.failed = 1
    if report is not None and not outcome.passed:
        outcome.failed = outcome.failed or 1


def _apart(suite: ElementTree.Element) -> int:
    """Count the tests of a suite that were skipped since they lean on the stand-in."""
    reasons = [item.get("message", "") for item in suite.iter("skipped")]
    return sum(reason.startswith(APART) for reason in reasons)


def _suites(report: Path | None) -> list[ElementTree.Element]:
    """Return the suites of a report; none where it is missing, or was cut off in the middle."""
    if report is None or not report.is_file():
        return []
    try:
        return list(ElementTree.parse(report).getroot().iter("testsuite"))
    except ElementTree.ParseError:
        return []


def run_group(steps: Sequence[Step], before: Sequence[Outcome], *, parallel: bool) -> list[Outcome]:
    """Run the steps of one group, whatever becomes of each; ``before`` are the earlier outcomes."""
    if parallel:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return list(pool.map(_captured, steps))
    outcomes: list[Outcome] = []
    for step in steps:
        print(f"==> {step.name}: {step.text}", flush=True)
        outcome = not_run(step, [*before, *outcomes]) or run_step(step, capture=False)
        print(f"<== {step.name}: {outcome.seconds:.1f} s, {outcome.counts()}", flush=True)
        outcomes.append(outcome)
    return outcomes


def not_run(step: Step, before: Sequence[Outcome]) -> Outcome | None:
    """Return the outcome of a step that has nothing to stand on, None for one that can run."""
    failed = [outcome.name for outcome in before if outcome.failed and outcome.name in step.needs]
    return Outcome(step.name, failed=1, lacks=", ".join(failed)) if failed else None


def _captured(step: Step) -> Outcome:
    outcome = run_step(step, capture=True)
    head = f"==> {step.name}: {step.text}: {outcome.seconds:.1f} s, {outcome.counts()}\n"
    sys.stdout.write(head + (outcome.output if outcome.failed else ""))
    sys.stdout.flush()
    return outcome


def run(names: Sequence[str]) -> list[Outcome]:
    """Run groups and single steps by name, in order."""
    outcomes: list[Outcome] = []
    for name in names:
        group = GROUPS.get(name)
        steps = [STEPS[step] for step in group.steps] if group else [STEPS[name]]
        outcomes += run_group(steps, outcomes, parallel=bool(group and group.parallel))
    return outcomes


def finish(outcomes: Sequence[Outcome]) -> int:
    """Print the table and the closing line; return the exit status."""
    print("\nstep                       result    seconds  tests")
    for outcome in outcomes:
        print(outcome.line())
    for outcome in outcomes:
        if outcome.failed and outcome.output:
            print(f"\n{outcome.name} failed; its last lines:")
            print("\n".join(outcome.output.rstrip().splitlines()[-LAST_LINES:]))
    total = Outcome(
        "total",
        passed=sum(outcome.passed for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
        skipped=sum(outcome.skipped for outcome in outcomes),
        apart=sum(outcome.apart for outcome in outcomes),
    )
    print(total.counts(), flush=True)
    return 1 if total.failed or not outcomes else 0


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--always", choices=[*STEPS], help="run this one last, whatever happened")
    parser.add_argument("names", nargs="+", choices=[*GROUPS, *STEPS], metavar="STEP")
    options = parser.parse_args(arguments)
    outcomes = run(options.names)
    if options.always:
        outcomes += run([options.always])
    return finish(outcomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
