# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch protocol without its socket: bytes in, events out."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from ...errors import ApiError, GoneError
from ..types import WatchEvent


class WatchDecoder:
    """Turns the body of a watch into events and remembers where to resume.

    Attributes:
        resource_version: of the last event or bookmark; a new watch goes on from here.
    """

    def __init__(self, resource_version: Optional[str] = None) -> None:
        self.resource_version = resource_version
        self._rest = b""

    def feed(self, data: bytes) -> List[WatchEvent]:
        """Return the events that are now complete; bookmarks only move the version.

        Raises:
            GoneError: the version is too old; list again.
            ApiError: the server ended the watch with another failure.
        """
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        events = (self._event(json.loads(line)) for line in lines if line.strip())
        return [event for event in events if event is not None]

    def reset(self) -> None:
        """Discard an incomplete line after the connection has ended."""
        self._rest = b""

    def _event(self, raw: Dict[str, Any]) -> Optional[WatchEvent]:
        kind, obj = str(raw.get("type")), raw.get("object") or {}
        if kind == "ERROR":
            raise _failure(obj)
        version = (obj.get("metadata") or {}).get("resourceVersion")
        if version:
            self.resource_version = version
        return None if kind == "BOOKMARK" else WatchEvent(kind, obj)


def _failure(status: Dict[str, Any]) -> ApiError:
    code = int(status.get("code") or 0)
    reason = str(status.get("reason") or "")
    message = str(status.get("message") or reason or "the watch failed")
    cls = GoneError if code == 410 or reason in ("Expired", "Gone") else ApiError
    return cls(message, status=code, reason=reason)
