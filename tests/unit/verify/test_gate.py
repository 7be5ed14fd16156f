# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's rule on plain data."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.gate import (
    FAILED,
    PASSED,
    PENDING,
    Limits,
    Observation,
    Verdict,
    Wanted,
    verdict,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.status import (
    ConfigStatus,
    ModelVersionStatus,
)
from hypothesis import given
from hypothesis import strategies as st

WANTED = Wanted({"ocr": frozenset({1, 2})})
ONE = Wanted({"ocr": frozenset({1})})
LIMITS = Limits(server_poll=1.0, stuck_after=60.0)

Item = Tuple[str, int, str, str]


def answer(at: float, *items: Item, replica: str = "a", names: Sequence[str] = ()) -> Observation:
    versions = tuple(ModelVersionStatus(m, v, s, c, c) for m, v, s, c in items)
    models = tuple(dict.fromkeys([*names, *(item.model for item in versions)]))
    return Observation(replica, at, ConfigStatus(models, versions))


def ocr(version: int, state: str, code: str = "OK") -> Item:
    return ("ocr", version, state, code)


def run(
    seen: List[Observation], wanted: Wanted = ONE, expected: int = 1, limits: Limits = LIMITS
) -> Verdict:
    return verdict(seen, wanted, expected, limits)


def codes(result: Verdict) -> List[str]:
    return [finding.code for finding in result.findings]


def test_all_wanted_available() -> None:
    result = run([answer(0, ocr(1, "AVAILABLE"), ocr(2, "AVAILABLE"))], WANTED)
    assert result == Verdict(PASSED)


def test_history_does_not_matter() -> None:
    seen = answer(0, ocr(1, "AVAILABLE"), ocr(7, "END"), ("old", 1, "END", "OK"))
    assert run([seen]).outcome == PASSED


def test_one_replica_is_not_enough() -> None:
    seen = [answer(0, ocr(1, "AVAILABLE"))]
    assert codes(run(seen, expected=2)) == ["replica_count"]
    seen.append(answer(0, ocr(1, "LOADING"), replica="b"))
    assert codes(run(seen, expected=2)) == ["loading"]
    seen.append(answer(1, ocr(1, "AVAILABLE"), replica="b"))
    assert run(seen, expected=2).outcome == PASSED


def test_an_old_replica_too_many_keeps_the_gate_closed() -> None:
    seen = [answer(0, ocr(1, "AVAILABLE"), replica=name) for name in "ab"]
    assert run(seen, expected=1).outcome == PENDING


def test_zero_replicas_never_pass() -> None:
    assert codes(run([], expected=0)) == ["no_replicas"]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (ocr(3, "AVAILABLE"), "unwanted"),
        (("other", 1, "AVAILABLE", "OK"), "unwanted"),
    ],
)
def test_unwanted_versions(item: Item, code: str) -> None:
    result = run([answer(0, ocr(1, "AVAILABLE"), item)])
    assert (result.outcome, codes(result)) == (PENDING, [code])


def test_other_models_may_be_allowed_but_not_other_versions() -> None:
    shared = Wanted({"ocr": frozenset({1})}, exclusive=False)
    others = answer(0, ocr(1, "AVAILABLE"), ("other", 1, "AVAILABLE", "OK"))
    assert run([others], shared).outcome == PASSED
    assert run([answer(0, ocr(1, "AVAILABLE"), ocr(3, "AVAILABLE"))], shared).outcome == PENDING


@pytest.mark.parametrize("code", ["UNKNOWN", "FAILED_PRECONDITION"])
def test_a_load_that_fails_twice_more_than_a_poll_apart(code: str) -> None:
    seen = [answer(0, ocr(1, "LOADING", code)), answer(1.0, ocr(1, "LOADING", code))]
    assert run(seen).outcome == PENDING
    result = run([*seen, answer(1.6, ocr(1, "LOADING", code))])
    assert (result.outcome, codes(result)) == (FAILED, ["load_failed"])
    assert "log" in result.findings[0].hint


def test_a_load_is_final_when_the_replica_itself_has_tried_again() -> None:
    seldom = Limits(stuck_after=60.0, polls={"a": 20.0})
    seen = [answer(at, ocr(1, "LOADING", "UNKNOWN")) for at in (0, 2, 20.2)]
    result = verdict(seen, WANTED, 1, seldom)
    assert result.outcome == PENDING and "every 20 s" in result.findings[0].message
    seen.append(answer(21, ocr(1, "LOADING", "UNKNOWN")))
    assert verdict(seen, WANTED, 1, seldom).outcome == FAILED


def test_with_polling_off_a_failure_is_final_and_said_so() -> None:
    off = Limits(stuck_after=60.0, polls={"a": 0.0})
    result = verdict([answer(0, ocr(1, "LOADING", "UNKNOWN"))], WANTED, 1, off)
    assert result.outcome == FAILED and "polling is off" in result.findings[0].message
    assert "/v1/config/reload" in result.findings[0].hint


def test_the_retry_between_two_failures_is_not_a_recovery() -> None:
    seen = [
        answer(0, ocr(1, "LOADING", "UNKNOWN")),
        answer(0.5, ocr(1, "LOADING")),
        answer(9, ocr(1, "LOADING")),
        answer(9.5, ocr(1, "LOADING", "UNKNOWN")),
    ]
    assert [run(seen[: n + 1]).outcome for n in range(4)] == [PENDING, PENDING, PENDING, FAILED]


def test_a_failure_heals() -> None:
    seen = [
        answer(0, ocr(1, "LOADING", "UNKNOWN")),
        answer(0.9, ocr(1, "AVAILABLE")),
        answer(5, ocr(1, "LOADING", "UNKNOWN")),
    ]
    assert [run(seen[: n + 1]).outcome for n in range(3)] == [PENDING, PASSED, PENDING]


def test_a_restart_forgets_the_failure() -> None:
    seen = [
        answer(0, ocr(1, "LOADING", "UNKNOWN")),
        Observation("a", 2, None, "connection refused"),
        answer(4, ocr(1, "LOADING", "UNKNOWN")),
    ]
    assert [run(seen[: n + 1]).outcome for n in range(3)] == [PENDING, PENDING, PENDING]


@pytest.mark.parametrize("state", ["START", "LOADING"])
def test_stuck(state: str) -> None:
    seen = [answer(0, ocr(1, state)), answer(60, ocr(1, state))]
    assert codes(run(seen)) == ["loading"]
    result = run([*seen, answer(60.5, ocr(1, state))])
    assert (result.outcome, codes(result)) == (FAILED, ["stuck"])
    assert "mode alone heals nothing" in result.findings[0].hint


@pytest.mark.parametrize(("names", "code"), [(("ocr",), "no_version"), ((), "not_configured")])
def test_nothing_found(names: Tuple[str, ...], code: str) -> None:
    seen = [answer(0, names=names)]
    assert (run(seen).outcome, codes(run(seen))) == (PENDING, [code])
    assert run([*seen, answer(61, names=names)]).outcome == FAILED


def test_wanted_but_retired() -> None:
    result = run([answer(0, ocr(1, "END"))])
    assert (result.outcome, codes(result)) == (PENDING, ["retired"])


def test_unreachable_says_why() -> None:
    result = run([Observation("a", 0, None, "connection refused")])
    assert (result.outcome, result.findings[0].message) == (PENDING, "connection refused")
    dead = run([Observation("a", 0, None, "ImagePullBackOff", fatal=True)])
    assert dead.outcome == FAILED


def test_a_fatal_problem_gets_its_grace() -> None:
    seen = [Observation("a", at, None, "no image", "", True, 5.0) for at in (0.0, 4.9, 5.0)]
    assert [run(seen[: n + 1]).outcome for n in range(3)] == [PENDING, PENDING, FAILED]
    between = Observation("a", 4.95, None, "starting")
    assert run([*seen[:2], between, seen[2]]).outcome == PENDING


def test_any_version() -> None:
    any_version = Wanted({"ocr": frozenset()})
    assert run([answer(0, ocr(4, "AVAILABLE"), ocr(3, "END"))], any_version).outcome == PASSED
    assert codes(run([answer(0, names=["ocr"])], any_version)) == ["no_version"]
    mixed = answer(0, ocr(4, "AVAILABLE"), ocr(5, "LOADING"))
    assert codes(run([mixed], any_version)) == ["loading"]


def test_without_a_list_everything_configured_must_work() -> None:
    anything = Wanted(listed=False)
    good = answer(0, ocr(1, "AVAILABLE"), ("b", 2, "AVAILABLE", "OK"))
    assert run([good], anything).outcome == PASSED
    assert codes(run([answer(0, ocr(1, "AVAILABLE"), names=["b"])], anything)) == ["no_version"]
    assert codes(run([answer(0)], anything)) == ["serves_nothing"]


STATE = st.sampled_from(
    [
        ("AVAILABLE", "OK"),
        ("LOADING", "OK"),
        ("LOADING", "UNKNOWN"),
        ("LOADING", "FAILED_PRECONDITION"),
        ("START", "OK"),
        ("UNLOADING", "OK"),
        ("END", "OK"),
    ]
)
SNAPSHOT = st.none() | st.dictionaries(st.sampled_from([1, 2, 3]), STATE)
STEPS = st.lists(st.tuples(st.floats(0.01, 100), st.sampled_from("ab"), SNAPSHOT), max_size=25)


def history(steps: Sequence[Tuple[float, str, Optional[Dict[int, Any]]]]) -> List[Observation]:
    at, seen = 0.0, []
    for delay, replica, versions in steps:
        at += delay
        if versions is None:
            seen.append(Observation(replica, at, None, "no answer"))
        else:
            items = [ocr(version, *state) for version, state in sorted(versions.items())]
            seen.append(answer(at, *items, replica=replica))
    return seen


@given(STEPS)
def test_passes_exactly_when_the_last_answers_are_right(steps: Any) -> None:
    seen = history(steps)
    last = {item.replica: item.status for item in seen}
    right = len(last) == 2 and all(
        status is not None and {item.version for item in status.versions if item.serving} == {1, 2}
        for status in last.values()
    )
    assert (run(seen, WANTED, expected=2).outcome == PASSED) == right


@given(STEPS)
def test_a_failure_is_never_called_within_one_poll_of_the_first_sight(steps: Any) -> None:
    seen = [item for item in history(steps) if item.replica == "a"]
    compressed = [
        Observation(item.replica, index * 0.9 / max(len(seen), 1), item.status, item.problem)
        for index, item in enumerate(seen)
    ]
    assert run(compressed, WANTED).outcome != FAILED


@given(STEPS)
def test_every_closed_gate_says_what_to_do(steps: Any) -> None:
    result = run(history(steps), WANTED, expected=2)
    assert (result.outcome == PASSED) == (not result.findings)
    assert all(finding.message and finding.hint for finding in result.findings)


def test_87_a_directory_that_the_server_may_not_read_says_what_heals_it() -> None:
    seen = [answer(at, ("ocr", 1, "LOADING", "OK")) for at in (0.0, 70.0)]
    found = verdict(seen, ONE, 1, LIMITS)
    (finding,) = found.findings
    assert "may not read the version directory" in finding.hint
    assert "alone heals nothing" in finding.hint and "only in a new pod" in finding.hint
