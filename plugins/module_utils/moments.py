# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of certificates and revocation lists, with a time zone on every C(cryptography). Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Optional


def moment(item: Any, name: str) -> datetime:
    """Return a time that every item has, such as C(not_valid_after).

    Raises:
        ValueError: the item does not have it.
    """
    found = moment_or_none(item, name)
    if found is None:
        raise ValueError(f"{name} is not set")
    return found


def moment_or_none(item: Any, name: str) -> Optional[datetime]:
    """Return a time; packages before 42 have it without a time zone only."""
    if hasattr(item, f"{name}_utc"):
        aware: Optional[datetime] = getattr(item, f"{name}_utc")
        return aware
    naive: Optional[datetime] = getattr(item, name)
    return None if naive is None else naive.replace(tzinfo=timezone.utc)
