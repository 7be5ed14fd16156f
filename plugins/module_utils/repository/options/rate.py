# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options C(bandwidth_limit...): a number with a unit to bytes a second. Pure."""

from __future__ import annotations

import re
from typing import Any, Optional

from ...errors import InputError

LOWEST_RATE = 1024  # bytes per second; a lower value is taken for a typing error


_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_rate(value: Any, option: str = "bandwidth_limit") -> Optional[int]:
    """Return bytes per second of C(20M), C(512K), C(1000000); C(None) for nothing or 0.

    Raises:
        InputError: not a rate, or less than 1 KiB/s.
    """
    text = str(value if value is not None else "").strip()
    if text in ("", "0"):
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMG]?)(?:i?B)?(?:/s)?", text, re.IGNORECASE)
    if not found:
        raise InputError(
            f"'{text}' is not a number of bytes per second",
            option=option,
            hint="Write for example 20M (MiB/s), 512K (KiB/s) or 1000000",
        )
    rate = int(float(found.group(1)) * _UNITS[found.group(2).upper()])
    if rate < LOWEST_RATE:
        raise InputError(f"'{text}' is less than 1 KiB/s", option=option)
    return rate
