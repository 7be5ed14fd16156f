# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or not there, and the foot of a terminal is given back."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.openvino.edge.plugins.plugin_utils.report import files
from ansible_collections.openvino.edge.plugins.plugin_utils.report.foot import HEIGHT, Foot

ROWS = 12


def test_the_directory_is_made_and_files_may_be_read(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        files.write(str(tmp_path / "a" / "b"), {"x.json": "{}", "y": "\ud800"})
    finally:
        os.umask(old)
    made = tmp_path / "a" / "b" / "x.json"
    assert made.read_text() == "{}"
    assert stat.S_IMODE(made.stat().st_mode) == 0o644


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(str(tmp_path), {"x": "old"})

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(str(tmp_path), {"x": "new"})
    assert (tmp_path / "x").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(OSError):
        files.write(str(tmp_path / "x"), {"y": ""})


class Screen:
    """As much of a terminal as the foot needs: rows, a cursor, a region that scrolls."""

    def __init__(self, rows: int = ROWS) -> None:
        self.rows = [""] * rows
        self.row, self.saved, self.region = 0, 0, (0, rows - 1)

    def write(self, text: str) -> None:
        for token in re.findall(r"\033\[[0-9;?]*[A-Za-z]|\033[78]|\n|[^\033\n]+", text):
            self._act(token)

    def _act(self, token: str) -> None:
        if token == "\n":
            self._feed()
        elif token == "\0337":
            self.saved = self.row
        elif token == "\0338":
            self.row = self.saved
        elif not token.startswith("\033"):
            self.rows[self.row] += token
        else:
            numbers, kind = re.findall(r"\d+", token), token[-1]
            if kind == "H":
                self.row = int(numbers[0]) - 1
            elif kind == "K":
                self.rows[self.row] = ""
            elif kind == "A":
                self.row = max(0, self.row - int(numbers[0]))
            elif kind == "r":
                whole = (1, len(self.rows))
                top, bottom = map(int, numbers) if numbers else whole
                self.region, self.row = (top - 1, bottom - 1), 0

    def _feed(self) -> None:
        if self.row < self.region[1]:
            self.row += 1
        elif self.row == self.region[1]:
            del self.rows[self.region[0]]
            self.rows.insert(self.region[1], "")


def status(word: str) -> Callable[[int], "list[str]"]:
    return lambda width: [f"{word} one", f"{word} two {width}"]


def test_lines_scroll_above_the_foot() -> None:
    screen = Screen()
    foot = Foot(screen.write, lambda: (80, ROWS), lambda: 0.0)
    for number in range(30):
        screen.write(f"task {number}\n")
        foot.show(status(f"s{number}"))
    assert screen.rows[-HEIGHT:] == ["s29 one", "s29 two 80"]
    assert screen.rows[: ROWS - HEIGHT] == [*(f"task {n}" for n in range(21, 30)), ""]


def test_the_terminal_is_given_back() -> None:
    screen = Screen()
    foot = Foot(screen.write, lambda: (80, ROWS), lambda: 0.0)
    screen.write("task\n")
    foot.show(status("s"))
    foot.close()
    foot.close()
    assert screen.region == (0, ROWS - 1)
    assert [row for row in screen.rows if row] == ["task"]
    screen.write("after\n")
    assert screen.rows[:2] == ["task", "after"]


def test_a_slow_drawing_is_not_made_at_each_event() -> None:
    drawn: "list[str]" = []
    now = [0.0]

    def slow(_width: int) -> "list[str]":
        now[0] += 0.01
        return ["one", "two"]

    foot = Foot(drawn.append, lambda: (80, ROWS), lambda: now[0])
    foot.show(slow)
    now[0] += 0.1
    foot.show(slow)
    assert len(drawn) == 1
    now[0] += 0.2
    foot.show(slow)
    assert len(drawn) == 2


def test_a_window_that_changes_and_one_that_is_too_small() -> None:
    drawn: "list[str]" = []
    sizes = [(80, ROWS), (100, ROWS), (80, 5)]
    foot = Foot(drawn.append, lambda: sizes[0], lambda: 0.0)
    foot.show(status("a"))
    del sizes[0]
    foot.show(status("c"))
    assert "c two 100" in drawn[-1] and f"\033[1;{ROWS - HEIGHT}r" in drawn[-1]
    del sizes[0]
    foot.show(status("d"))
    assert "\033[r" in drawn[-1] and "d one" not in "".join(drawn)


def test_no_foot_on_a_terminal_that_cannot_hold_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert Foot.of_terminal(print) is None
