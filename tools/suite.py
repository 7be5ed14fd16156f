"""Run named steps, time each, and end with one line `N passed, N failed`.

A step is one command; a step that runs pytest counts with each of its tests, any other as one.
Groups run in order; a group with a failure ends the run, because later groups cost more.
"""

from __future__ import annotations

import argparse
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
LINT_WORKERS = 2


@dataclass
class Outcome:
    """What one step came to; ``passed``, ``failed`` and ``skipped`` count tests."""

    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    output: str = field(default="", repr=False)

    def line(self) -> str:
        """Return the step's line of the table at the end."""
        verdict = "FAILED" if self.failed else "ok"
        return f"  {self.name:<24} {verdict:<7} {self.seconds:7.1f} s  {self.counts()}"

    def counts(self) -> str:
        """Return the counts as words."""
        words = f"{self.passed} passed, {self.failed} failed"
        return f"{words}, {self.skipped} skipped" if self.skipped else words


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
    done = subprocess.run(
        argv,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        check=False,
    )
    outcome = Outcome(step.name, time.monotonic() - start, output=done.stdout or "")
    count(outcome, done.returncode, report if step.pytest else None)
    return outcome


def count(outcome: Outcome, status: int, report: Path | None) -> None:
    """Fill the counts from the exit status and, for pytest, from its report."""
    if report and report.is_file():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            outcome.failed += bad
            outcome.skipped += skipped
            outcome.passed += int(suite.get("tests", 0)) - bad - skipped
    elif status == 0 and report is None:
        outcome.passed = 1
    if status and not outcome.failed:
        outcome.failed = 1
    if report is not None and not outcome.passed:
        outcome.failed = outcome.failed or 1


def run_group(steps: Sequence[Step], *, parallel: bool, keep_going: bool) -> list[Outcome]:
    """Run the steps of one group; without ``keep_going`` stop behind the first failure."""
    if parallel:
        with ThreadPoolExecutor(LINT_WORKERS) as pool:
            return list(pool.map(_captured, steps))
    outcomes = []
    for step in steps:
        print(f"==> {step.name}: {step.text}", flush=True)
        outcome = run_step(step, capture=False)
        print(f"<== {step.name}: {outcome.seconds:.1f} s, {outcome.counts()}", flush=True)
        outcomes.append(outcome)
        if outcome.failed and not keep_going:
            break
    return outcomes


def _captured(step: Step) -> Outcome:
    outcome = run_step(step, capture=True)
    head = f"==> {step.name}: {step.text}: {outcome.seconds:.1f} s, {outcome.counts()}\n"
    sys.stdout.write(head + (outcome.output if outcome.failed else ""))
    sys.stdout.flush()
    return outcome


def run(names: Sequence[str], *, keep_going: bool = False) -> list[Outcome]:
    """Run groups and single steps by name, in order."""
    outcomes: list[Outcome] = []
    for name in names:
        group = GROUPS.get(name)
        steps = [STEPS[step] for step in group.steps] if group else [STEPS[name]]
        parallel = bool(group and group.parallel)
        outcomes += run_group(steps, parallel=parallel, keep_going=keep_going)
        if any(outcome.failed for outcome in outcomes) and not keep_going:
            break
    return outcomes


def finish(outcomes: Sequence[Outcome], wanted: int) -> int:
    """Print the table and the closing line; return the exit status."""
    print("\nstep                       result    seconds  tests")
    for outcome in outcomes:
        print(outcome.line())
    not_run = wanted - len(outcomes)
    if not_run:
        print(f"  {not_run} later steps were not run")
    total = Outcome(
        "total",
        passed=sum(outcome.passed for outcome in outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
        skipped=sum(outcome.skipped for outcome in outcomes),
    )
    print(total.counts(), flush=True)
    return 1 if total.failed or not_run else 0


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--keep-going", action="store_true", help="run all steps, also after a failure"
    )
    parser.add_argument("--always", choices=[*STEPS], help="run this one last, whatever happened")
    parser.add_argument("names", nargs="+", choices=[*GROUPS, *STEPS], metavar="STEP")
    options = parser.parse_args(arguments)
    wanted = sum(len(GROUPS[name].steps) if name in GROUPS else 1 for name in options.names)
    outcomes = run(options.names, keep_going=options.keep_going)
    if options.always:
        wanted += 1
        outcomes += run([options.always])
    return finish(outcomes, wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
