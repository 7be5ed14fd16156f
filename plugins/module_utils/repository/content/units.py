# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of bytes as people read them. Pure."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Optional

# Suffixes of amounts (k8s.io/apimachinery pkg/api/resource/suffix.go).
_FACTORS = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(1000)}
for _power, _letter in enumerate("KMGTPE", 1):
    _FACTORS[f"{_letter}i"] = Decimal(1024**_power)
    _FACTORS.setdefault(_letter, Decimal(1000**_power))
del _FACTORS["K"]  # only the small letter is a suffix
_AMOUNT = re.compile(r"\+?(\d+\.?\d*|\.\d+)(?:[eE](\d{1,2})|([a-zA-Z]*))")


def format_bytes(count: float) -> str:
    """Return a size for people: C(0 B), C(1.5 KiB), C(300.0 MiB)."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def parse_amount(text: str) -> Optional[int]:
    """Return the bytes of an amount of storage, C(10Gi), rounded up; None if it is none."""
    found = _AMOUNT.fullmatch(text)
    if not found or (found[3] or "") not in _FACTORS:
        return None
    factor = Decimal(10) ** int(found[2]) if found[2] else _FACTORS[found[3] or ""]
    return math.ceil(Decimal(found[1]) * factor)
