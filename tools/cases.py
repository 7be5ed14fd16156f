"""Run the tests of the cases from the field, and print `cases N, failing M`.

A case is a fault that a real file, a public report, a peer or a hostile condition has shown. Each
has a number and at least one unit test that holds its right value: either its number is in the name
of the test (`test_case_26_...`, `test_30_...`), or the table below names the test. A case whose
tests are missing, fail or are skipped counts as failing, and so does one that is not mended yet.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path
from typing import DefaultDict, Dict, List

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "tests" / "unit"
# Every case, in the order of its kind.
CASES = [
    "04",
    "05",
    "06",
    "01",
    "03",
    "08",
    "13",
    "24",
    "02",
    "09",
    "10",
    "20",
    "21",
    "23",
    "07",
    "12",
    "26",
    "25",
    "30",
    "31",
    "32",
    "33",
    "34",
    "35",
    "36",
    "37",
    "38",
    "39",
    "40",
    "41",
    "42",
    "43",
    "50",
    "51",
    "52",
    "53",
    "54",
    "55",
    "60",
    "61",
    "62",
    "63",
    "64",
    "65",
    "66",
    "67",
    "68",
    "70",
    "71",
    "80",
    "81",
    "82",
    "83",
    "84",
    "85",
    "86",
    "87",
    "88",
]
# Tests that hold a case without having its number in their name.
NAMED: Dict[str, str] = {
    "test_what_is_named_is_trusted": "04",
    "test_another_chain_stays_refused": "04",
    "test_who_the_file_acts_as": "05",
    "test_base64_with_line_breaks": "06",
    "test_urls_in_every_option_of": "40",
    "test_a_kubeconfig_is_shown_without_what_it_hides": "40",
    "test_30_success_waits_for_a_kubelet_that_is_slow": "54",
    "test_kubernetes_36_is_excluded": "55",
    "test_a_load_is_final_when_the_replica_itself_has_tried_again": "81",
    "test_the_poll_is_that_of_the_replica": "81",
    "test_a_cause_over_several_lines_is_one_record": "82",
    "test_the_reason_is_that_of_the_version": "82",
    "test_why_a_process_ended_at_its_start": "83",
    "test_a_pod_that_ends_serves_on_until_all_have_heard_of_it": "86",
}
_NUMBER = re.compile(r"test_(?:case_)?([0-9]{2})_")


def case_of(name: str) -> List[str]:
    """Return the cases that a test holds, by its name."""
    name = name.partition("[")[0]
    found = [NAMED[name]] if name in NAMED else []
    number = _NUMBER.match(name)
    return [*found, number.group(1)] if number else found


def files() -> List[str]:
    """Return the test files that hold a case."""
    found = []
    for path in sorted(UNIT.rglob("test_*.py")):
        names = re.findall(r"^\s*def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
        if any(case_of(name) for name in names):
            found.append(str(path.relative_to(ROOT)))
    return found


def run(report: Path) -> Dict[str, List[str]]:
    """Run the files and return the outcomes of each case: C(passed), or why not."""
    argv = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *files()]
    subprocess.run(argv, cwd=ROOT, check=False, stdin=subprocess.DEVNULL)
    outcomes: DefaultDict[str, List[str]] = defaultdict(list)
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = str(case.get("name"))
        bad = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        for number in case_of(name):
            outcomes[number].append(f"{bad[0]}: {name}" if bad else "passed")
    return outcomes


def failing(outcomes: Dict[str, List[str]]) -> List[str]:
    """Return a line for each case that does not hold."""
    lines = []
    for number in CASES:
        bad = [text for text in outcomes.get(number, ["no test"]) if text != "passed"]
        if bad:
            lines.append(f"case {number}: {bad[0]}")
    return lines


def main() -> int:
    """Run everything, print what does not hold, and return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run(Path(folder) / "report.xml")
    lines = failing(outcomes)
    for line in lines:
        print(line)
    print(f"cases {len(CASES)}, failing {len(lines)}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
