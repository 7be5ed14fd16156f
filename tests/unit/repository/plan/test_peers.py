# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which node fetches which file from whom."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.peers import (
    GIVES_AT_ONCE,
    Board,
    Give,
    Move,
    Want,
    assign,
    fetch_all,
    seeds,
)
from hypothesis import given
from hypothesis import strategies as st

FILES = {0: ("aa", 1000), 1: ("bb", 50), 2: ("cc", 7)}


def wants(*targets: str, digest: str = "D", have: dict[str, int] | None = None) -> list[Want]:
    return [
        Want(target, digest, number, content, size, min((have or {}).get(target, 0), size))
        for target in targets
        for number, (content, size) in FILES.items()
    ]


def test_one_copy_crosses_the_link() -> None:
    found = assign(wants("n3", "n1", "n2"), [])
    sent = [want for want, give in found.items() if give is None]
    assert [want.target for want in sent] == ["n1"] * 3
    assert {give.target for give in found.values() if give} == {"n1"}


def test_the_seed_is_the_node_that_has_most() -> None:
    assert seeds(wants("n1", "n2", "n3", have={"n2": 900})) == ["n2", "n1", "n3"]
    deltas = [want._replace(delta=want.target == "n3") for want in wants("n1", "n2", "n3")]
    assert seeds(deltas)[0] == "n3"


def test_a_part_that_is_there_decides_for_its_file() -> None:
    """n1 has most in all, n2 more of the second file."""
    group = wants("n1", "n2", have={"n1": 30})
    group = [want._replace(have=40) if want[:3] == ("n2", "D", 1) else want for want in group]
    sent = {want.number: want.target for want, give in assign(group, []).items() if give is None}
    assert sent == {0: "n1", 1: "n2", 2: "n1"}


@pytest.mark.parametrize("have", [1, 499, 501])
def test_a_part_counts_also_where_all_have_a_basis_for_a_delta(have: int) -> None:
    group = [Want(f"n{n}", "D", 0, "aa", 1000, have if n == 2 else 0, True) for n in (1, 2)]
    assert [want.target for want, give in assign(group, []).items() if give is None] == ["n2"]


def test_what_a_node_has_is_not_sent_at_all() -> None:
    gives = [Give("n1", "E", number, content) for number, (content, _size) in FILES.items()]
    found = assign(wants("n2", "n3"), gives)
    assert all(give in gives for give in found.values())


def test_a_node_does_not_fetch_from_itself() -> None:
    found = assign(wants("n1"), [Give("n1", "E", 0, "aa")])
    assert set(found.values()) == {None}


def test_several_that_have_it_share_the_work() -> None:
    gives = [Give(name, "E", 0, "aa") for name in ("h1", "h2")]
    group = [Want(f"n{n}", "D", 0, "aa", 9) for n in range(4)]
    load = Counter(give.target for give in assign(group, gives).values() if give)
    assert load == {"h1": 2, "h2": 2}


contents = st.sampled_from(["a", "b", "c", "d"])
targets = st.sampled_from(["n1", "n2", "n3", "n4"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Want], list[Give]]:
    slots = draw(st.sets(st.tuples(targets, st.sampled_from("DE"), st.integers(0, 3)), min_size=1))
    wanted = [Want(t, d, n, draw(contents), draw(st.integers(1, 99))) for t, d, n in sorted(slots)]
    given_ = draw(st.sets(st.tuples(targets, contents)))
    return wanted, [Give(t, "X", 0, c) for t, c in sorted(given_)]


def _holds(found: dict[Want, Give | None], gives: list[Give]) -> list[Give]:
    sent = [want for want, give in found.items() if give is None]
    return [*gives, *(Give(w.target, w.digest, w.number, w.sha256) for w in sent)]


@given(situations())
def test_every_content_crosses_to_one_target_at_most_and_all_get_all(
    situation: tuple[list[Want], list[Give]],
) -> None:
    wanted, gives = situation
    found = assign(wanted, gives)
    assert set(found) == set(wanted)
    receivers: dict[str, set[str]] = {}
    for want, give in found.items():
        if give is None:
            receivers.setdefault(want.sha256, set()).add(want.target)
        else:
            assert give.target != want.target
            assert give.sha256 == want.sha256
    assert all(len(names) == 1 for names in receivers.values())
    board = Board([want for want, give in found.items() if give], _holds(found, gives))
    while move := board.next():
        board.end(move, {number: "done" for number, _give in move.files})
    assert board.left() == []


def _board(count: int) -> Board:
    fetched = wants(*(f"n{n}" for n in range(1, count)))
    return Board(fetched, [Give("n0", "D", n, content) for n, (content, _s) in FILES.items()])


def test_who_has_fetched_gives_to_the_next() -> None:
    board = _board(8)
    givers: list[str] = []
    while True:
        moves: list[Move] = []
        while move := board.next():
            moves.append(move)
        if not moves:
            break
        load = Counter(move.giver for move in moves)
        assert max(load.values()) <= GIVES_AT_ONCE
        for move in moves:
            givers.append(move.giver)
            board.end(move, {number: "done" for number, _give in move.files})
    assert board.left() == []
    assert len(givers) == 7
    assert len(set(givers)) > 1


def test_a_node_that_cannot_be_reached_is_asked_once() -> None:
    board = _board(3)
    asked: list[tuple[str, str]] = []
    while move := board.next():
        asked.append((move.taker, move.giver))
        board.end(move, {number: "no route" for number, _give in move.files})
    assert asked == [("n1", "n0"), ("n2", "n0")]
    assert {want.target for want in board.left()} == {"n1", "n2"}
    assert board.reasons == {"n1": "no route", "n2": "no route"}


def test_another_node_is_asked_when_one_gives_wrong_bytes() -> None:
    board = Board([Want("n2", "D", 0, "aa", 9)], [Give(n, "D", 0, "aa") for n in ("n0", "n1")])
    first = board.next()
    assert first
    board.end(first, {0: "bad"})
    second = board.next()
    assert second and second.giver != first.giver
    assert board.end(second, {0: "done"})
    assert board.left() == []


def test_files_that_did_arrive_are_not_asked_for_again() -> None:
    board = _board(2)
    first = board.next()
    assert first
    board.end(first, {0: "done", 1: "HTTP 404"})
    assert board.next() is None
    assert [want.number for want in board.left()] == [1, 2]


def test_fetches_run_side_by_side() -> None:
    board, meet = _board(3), threading.Barrier(2, timeout=5)
    arrived: list[Want] = []

    def fetch(move: Move) -> dict[int, str]:
        meet.wait()
        return {number: "done" for number, _give in move.files}

    fetch_all(board, fetch, arrived.extend, 2)
    assert len(arrived) == 6
