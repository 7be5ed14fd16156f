# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub cluster in memory, which compares before it swaps and may lose requests or answers.

As an API server does, it refuses a merge patch whose C(resourceVersion) is an older one (409) and a
JSON patch whose test fails (422).
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    UnreachableError,
)

from .cluster import Cluster, Object


class Clock:
    """Seconds that go on only while somebody waits.

    Attributes:
        seconds: how many have gone on.
        meanwhile: called with each second that somebody waits.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        """Return how many seconds have gone on."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.seconds += seconds
        self.meanwhile()


@dataclass
class Hub(Cluster):
    """A hub that many threads may ask.

    Attributes:
        lost: so many of the next requests do not reach it.
        unanswered: so many of the next changes are made, and their answers are lost.
    """

    lost: int = 0
    unanswered: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, *args: Any, **given: Any) -> Object | None:
        """See KubeClient."""
        with self._lock:
            self._reach()
            return super().get(*args, **given)

    def list(self, *args: Any, **given: Any) -> Any:
        """See KubeClient."""
        with self._lock:
            self._reach()
            return super().list(*args, **given)

    def create(self, obj: Object, **given: Any) -> Object:
        """See KubeClient."""
        with self._lock, self._answering():
            return super().create(obj, **given)

    def patch(  # type: ignore[override]
        self, api_version: str, kind: str, name: str, namespace: str, body: Any, **given: Any
    ) -> Object:
        """See KubeClient."""
        with self._lock, self._answering():
            found = self._there(kind, name, namespace)
            if found is not None and isinstance(body, list):
                body = _steps(found, body)
            elif found is not None:
                version = body.get("metadata", {}).get("resourceVersion")
                if version not in (None, found["metadata"]["resourceVersion"]):
                    raise ConflictError("changed", status=409, reason="Conflict")
            return super().patch(api_version, kind, name, namespace, body, **given)

    def _reach(self) -> None:
        if self.lost:
            self.lost -= 1
            raise UnreachableError("the hub does not answer")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        self._reach()
        yield
        if self.unanswered:
            self.unanswered -= 1
            raise UnreachableError("the connection was cut")


def _steps(found: Object, steps: list[Any]) -> Object:
    """Return the merge patch that does what the steps of a JSON patch say.

    Only steps for the fields of a part, such as C(/spec/renewTime).
    """
    merged: Object = {}
    for step in steps:
        dummy, part, name = step["path"].split("/")
        if step["op"] == "test":
            if found.get(part, {}).get(name) != step["value"]:
                raise ApiError("the test failed", status=422, reason="Invalid")
        else:
            merged.setdefault(part, {})[name] = copy.deepcopy(step.get("value"))
    return merged
