# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows of a site, in its own time zone. Pure: the time is given.

A window is C({days: [mon, fri], from: "22:00", to: "05:00", zone: Europe/Berlin}). One whose end is
not after its begin goes on into the next day; its days are those on which it begins. Its hours are
those of the clock on the wall, so a window over a change to summer time is an hour shorter.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo
from typing import Any, List, Mapping, Optional, Sequence, Tuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import InputError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KEYS = ("days", "from", "to", "zone")


def closed_until(windows: Sequence[Any], now: datetime) -> Optional[str]:
    """Return why no window is open, with the next one's begin; None if one is, or there are none.

    Args:
        windows: the option C(windows).
        now: with a time zone.

    Raises:
        InputError: a window cannot be understood.
    """
    parsed = [_parsed(item, f"windows[{number}]") for number, item in enumerate(windows)]
    begins: List[Tuple[datetime, str]] = []
    for days, start, end, zone in parsed:
        local = now.astimezone(zone)
        # One that began yesterday may still be open; within a week each comes again.
        for offset in range(-1, 8):
            day = local.date() + timedelta(days=offset)
            if DAYS[day.weekday()] not in days:
                continue
            opens = datetime.combine(day, start, zone)
            closes = datetime.combine(day + timedelta(days=int(end <= start)), end, zone)
            if opens <= local < closes:
                return None
            if opens > local:
                begins.append((opens, f"{opens:%Y-%m-%d %H:%M} {zone}"))
    if not begins:
        return None
    return f"outside its maintenance windows; the next one opens {min(begins)[1]}"


_Window = Tuple[Tuple[str, ...], time, time, tzinfo]


def _parsed(item: Any, option: str) -> _Window:
    if not isinstance(item, Mapping) or set(item) - set(_KEYS) or not {"from", "to"} <= set(item):
        raise InputError(
            "this is no maintenance window",
            option=option,
            hint='Write {days: [mon, tue], from: "22:00", to: "05:00", zone: Europe/Berlin}',
        )
    days = item.get("days") or DAYS
    words = [str(day).strip().lower() for day in ([days] if isinstance(days, str) else days)]
    wrong = [word for word in words if word not in DAYS and word not in _WHOLE]
    if wrong:
        # Also several in one text, such as mon-fri: nobody should find out on a Tuesday.
        raise InputError(
            f"'{wrong[0]}' is no day of the week",
            option=f"{option}.days",
            hint=f"Write a list, as in days: [mon, tue]; days are {', '.join(DAYS)}",
        )
    start, end = _time(item["from"], f"{option}.from"), _time(item["to"], f"{option}.to")
    return tuple(word[:3] for word in words), start, end, _zone(item.get("zone"), option)


def _zone(name: Any, option: str) -> tzinfo:
    try:
        return ZoneInfo(str(name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"this controller knows no time zone '{name}'",
            option=f"{option}.zone",
            hint="Write it as in Europe/Berlin; the package tzdata has all of them",
        ) from error


def _time(value: Any, option: str) -> time:
    """Return an hour of the day; YAML 1.1 reads an unquoted 22:00 as the number 1320."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    try:
        hour, minute = str(value).strip().split(":")
        return time(int(hour), int(minute))
    except ValueError as error:
        raise InputError(
            f"'{value}' is no time of the day", option=option, hint='Write it as "22:00"'
        ) from error
