# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that may take long: each runs in a thread of its own, its result is kept for a while.

No request waits long for an answer, and a connection that breaks loses no result; see C(main.py).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar, Union

from . import files as fs

AT_ONCE = 2  # files read at once: more make a rotating disk seek, and a small node has few cores
KEPT = 256  # finished results that are kept, for a request that is sent again

Json = Dict[str, Any]
Result = Union[Json, bytes]
Work = Callable[["Task"], Result]
Item = TypeVar("Item")
Made = TypeVar("Made")


def outcome(work: Callable[[], Result]) -> Tuple[int, Result]:
    """Run something; return the HTTP status and the body of its answer."""
    try:
        return 200, work()
    except fs.Refused as error:
        refused = error
    except OSError as error:
        refused = fs.os_refused(error)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        refused = fs.bad_request(error)
    return refused.status, refused.body


def side_by_side(step: Callable[[Item], Made], items: Sequence[Item]) -> List[Made]:
    """Do the same with each item, some at once, and return the results in the order of the items.

    The first failure is raised once all that had begun have ended; nothing is begun after it.
    (C(concurrent.futures) is slow to import for a helper.)
    """
    left, guard = iter(range(len(items))), threading.Lock()
    made: Dict[int, Made] = {}
    failures: List[Exception] = []

    def work() -> None:
        while not failures:
            with guard:
                number = next(left, -1)
            if number < 0:
                return
            try:
                made[number] = step(items[number])
            except Exception as error:
                failures.append(error)

    count = min(AT_ONCE, len(items))
    threads = [threading.Thread(target=work, daemon=True) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [made[number] for number in range(len(items))]


class Task:
    """One command at work, or done."""

    def __init__(self, identity: str) -> None:
        self.id = identity
        self.progress: Json = {}
        self.done = threading.Event()
        self.status = 500
        self.result: Result = {"error": "the task ended without a result"}

    def run(self, work: Work) -> None:
        """Run the command and keep its result."""
        try:
            self.status, self.result = outcome(lambda: work(self))
        except BaseException as error:
            self.status, self.result = 500, {"error": f"the helper failed: {error!r}"}
            raise
        finally:
            self.done.set()

    def answer(self) -> Tuple[int, Result]:
        """Return the present answer: the result, or 202 while the task runs."""
        if self.done.is_set():
            return self.status, self.result
        return 202, {"task": self.id, "progress": dict(self.progress)}


class Tasks:
    """All tasks of this helper."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: "OrderedDict[str, Task]" = OrderedDict()
        self._running = 0
        self.ended = time.monotonic()

    @property
    def running(self) -> int:
        """Number of tasks at work."""
        return self._running

    def start(self, identity: Optional[str], work: Work) -> Task:
        """Start a task, or return the one that the same request started before."""
        with self._guard:
            task = self._known.get(identity or "")
            if task is not None:
                return task
            task = Task(identity or uuid.uuid4().hex)
            self._known[task.id] = task
            self._drop_old()
            self._running += 1
        threading.Thread(target=self._run, args=(task, work), daemon=True).start()
        return task

    def get(self, identity: str) -> Task:
        """Return a task; refuses one that is not known (any more)."""
        with self._guard:
            task = self._known.get(identity)
        if task is None:
            raise fs.Refused(404, "no such task")
        return task

    def _run(self, task: Task, work: Work) -> None:
        try:
            task.run(work)
        finally:
            with self._guard:
                self._running -= 1
                self.ended = time.monotonic()

    def _drop_old(self) -> None:
        done = [key for key, task in self._known.items() if task.done.is_set()]
        for key in done[: max(0, len(self._known) - KEPT)]:
            del self._known[key]
