# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a controller accepts objects, by the conditions that it writes into their status."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ...errors import WaitError
from ...runtime import Runtime

PAUSE = 0.5  # seconds between two polls
# Seconds for a controller to see what was sent just before; until then it may refuse an object.
REFUSED_GRACE = 10.0
# Seconds without a word after which a warning says that no controller reads the object.
SILENT_GRACE = 15.0


class Verdict(NamedTuple):
    """What a controller says about the present generation of an object.

    Attributes:
        good: it accepts the object.
        message: what it has against it, a whole sentence without a full stop.
        hint: the way out.
        reason: one word, for programs.
    """

    good: bool
    message: str = ""
    hint: str = ""
    reason: str = ""


# The verdict on each object by kind, namespace and name; None as long as there is none.
Verdicts = Mapping[str, Optional[Verdict]]


def generation_of(item: Mapping[str, Any]) -> int:
    """Return the number of the present contents of an object."""
    return int(item["metadata"].get("generation") or 0)


def is_current(condition: Mapping[str, Any], generation: int) -> bool:
    """Tell whether a condition is about the present generation of its object."""
    return int(condition.get("observedGeneration") or 0) >= generation


def until_accepted(
    look: Callable[[], Verdicts], runtime: Runtime, timeout: Optional[float], waits: str
) -> List[str]:
    """Wait until all objects are accepted; return those on which nobody has said anything.

    Args:
        look: reads the verdicts.
        runtime: progress and warnings.
        timeout: seconds; None looks once, and warns.
        waits: what is waited for, as a line of progress.

    Raises:
        WaitError: an object is refused, with what its controller says.
    """
    begun = time.monotonic()
    patience = 0.0 if timeout is None else timeout
    refused: Dict[str, float] = {}
    while True:
        now, found = time.monotonic(), look()
        for subject, word in found.items():
            if word is None or word.good:
                refused.pop(subject, None)
            elif timeout is None:
                runtime.warn(f"{subject}: {word.message}.")
            elif now - refused.setdefault(subject, now) >= min(REFUSED_GRACE, patience):
                raise WaitError(
                    word.message, subject=subject, hint=word.hint, details={"reason": word.reason}
                )
        silent = [subject for subject, word in found.items() if word is None]
        settled = all(word is not None and word.good for word in found.values())
        if settled or timeout is None or (now - begun >= min(SILENT_GRACE, patience) and silent):
            return silent
        runtime.progress(waits)
        time.sleep(PAUSE)
