# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps some lines at the foot of a terminal, while others print above them.

The terminal is told to scroll all but its last lines (DECSTBM of the VT100). So whatever the other
callbacks print, at whatever time, never meets these lines, and nobody has to be asked before.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import time
from typing import Callable, List, Optional, Tuple

from ...module_utils.repository.progress import is_unwatched

HEIGHT = 2
# A smaller window has no place for lines that stay.
MIN_ROWS = 10
# After a drawing none is made for so many times the time that it took: each task of each cluster
# asks for one, and with thousands of clusters counting them takes milliseconds.
REST = 20

Size = Tuple[int, int]


def window() -> Size:
    """Return columns and rows of the terminal."""
    found = shutil.get_terminal_size()
    return found.columns, found.lines


class Foot:
    """The lines at the foot.

    Args:
        draw: writes text to the terminal as it is.
        size: tells columns and rows.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        draw: Callable[[str], None],
        size: Callable[[], Size] = window,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._draw, self._size, self._clock = draw, size, clock
        self._held: Optional[Size] = None
        self._next = float("-inf")
        self._process = os.getpid()

    @classmethod
    def of_terminal(cls, draw: Callable[[str], None]) -> Optional[Foot]:
        """Return a foot of the terminal on standard output; null if there is none."""
        term = os.environ.get("TERM", "")
        if not sys.stdout.isatty() or term in ("", "dumb") or is_unwatched():
            return None
        foot = cls(draw)
        # An interrupted run would leave a terminal that scrolls a part of itself.
        atexit.register(foot.close)
        return foot

    def show(self, content: Callable[[int], List[str]]) -> None:
        """Draw the lines that C(content) makes for a width, unless the last ones took too long."""
        begun = self._clock()
        if begun < self._next:
            return
        columns, rows = self._size()
        if rows < MIN_ROWS:
            self.close()
            return
        text = "" if self._held == (columns, rows) else self._hold(columns, rows)
        # Without wrapping: a wide character counts as one here.
        text += "\0337\033[?7l"
        for number, line in enumerate(content(columns)[:HEIGHT]):
            text += f"\033[{rows - HEIGHT + 1 + number};1H\033[2K\033[7m{line}\033[0m"
        self._draw(text + "\033[?7h\0338")
        sys.stdout.flush()
        ended = self._clock()
        self._next = ended + REST * (ended - begun)

    def close(self) -> None:
        """Give the whole terminal back; without effect if nothing is drawn, or in a worker."""
        if self._held is None or os.getpid() != self._process:
            return
        rows = self._held[1]
        self._held = None
        wiped = "".join(f"\033[{rows - number};1H\033[2K" for number in range(HEIGHT))
        self._draw(f"\0337\033[r{wiped}\0338")
        sys.stdout.flush()

    def _hold(self, columns: int, rows: int) -> str:
        """Return what makes place for the lines: the text above moves up by as many lines."""
        self._held = (columns, rows)
        return "\n" * HEIGHT + f"\033[{HEIGHT}A\0337\033[1;{rows - HEIGHT}r\0338"
