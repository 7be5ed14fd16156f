# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splits a container's log into records, and selects those that tell why it ended. Pure.

A program that logs with a head on each record (C([time][thread][module][level][file:line] text))
writes a record over several lines when its text has line breaks: the lines without a head belong to
the one before them, and a cause is often in the first while the last says what it is about.
"""

from __future__ import annotations

import re
from typing import List

_HEAD = re.compile(r"\[\d{4}-\d\d-\d\d[ T][\d:.]+Z?\]\[")
_LOUD = ("[error]", "[critical]")
MOST_RECORDS = 6
MOST_LINES = 10


def records(text: str) -> List[str]:
    """Return the records of a log, each with its continuation lines; blank lines are dropped.

    Lines before the first head are records of their own, and so is each line of a log without any.
    """
    found: List[str] = []
    headed = False
    for line in text.splitlines():
        line = line.strip()
        if not line:
            continue
        if _HEAD.match(line) or not headed:
            headed = headed or bool(_HEAD.match(line))
            found.append(line)
        else:
            found[-1] += f"\n{line}"
    return found


def is_loud(record: str) -> bool:
    """Tell whether a record is an error."""
    return any(level in record.partition("\n")[0] for level in _LOUD)


def without_time(record: str) -> str:
    """Drop the time stamp: repeated attempts then count as one record."""
    return record.partition("]")[2] if _HEAD.match(record) else record


def last_words(text: str) -> List[str]:
    """Return the lines that tell why a process ended: its last errors, else its last lines.

    The steps of a shutdown are logged after its reason, so the very last lines are seldom the
    reason. Text without a head behind the last record (a message on stderr) is shown with it.
    """
    found = records(text)
    loud = [record for record in found if is_loud(record)][-MOST_RECORDS:]
    if not loud:
        return [line.rstrip() for line in text.strip().splitlines()][-MOST_LINES:]
    if "\n" in found[-1] and found[-1] not in loud:
        loud.append(found[-1])
    return [line for record in loud for line in record.splitlines()]
