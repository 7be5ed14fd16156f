# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows in the time zone of the site."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.fleet.windows import closed_until

NIGHT = {"from": "22:00", "to": "05:00", "zone": "Europe/Berlin"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        # Berlin is two hours ahead in July and one in January.
        ("2026-07-01T20:00", None),
        ("2026-07-01T19:59", "2026-07-01 22:00 Europe/Berlin"),
        ("2026-07-02T02:59", None),
        ("2026-07-02T03:00", "2026-07-02 22:00 Europe/Berlin"),
        ("2026-01-15T21:00", None),
        ("2026-01-15T20:59", "2026-01-15 22:00 Europe/Berlin"),
    ],
)
def test_the_hours_are_those_of_the_site(now: str, opens: "str | None") -> None:
    found = closed_until([NIGHT], at(now))
    assert (found is None) == (opens is None)
    assert opens is None or str(found).endswith(f"opens {opens}")


def test_the_days_are_those_on_which_it_begins() -> None:
    friday = {**NIGHT, "days": ["fri"]}
    # 2026-07-03 is a Friday; the window goes on into Saturday.
    assert closed_until([friday], at("2026-07-04T01:00")) is None
    assert closed_until([friday], at("2026-07-03T01:00")) is not None
    assert "2026-07-10 22:00" in str(closed_until([friday], at("2026-07-04T12:00")))


def test_a_day_may_be_written_in_full() -> None:
    for days in (["Friday"], "fri", ["FRI "]):
        assert closed_until([{**NIGHT, "days": days}], at("2026-07-04T01:00")) is None
        assert closed_until([{**NIGHT, "days": days}], at("2026-07-03T01:00")) is not None


def test_of_several_windows_one_has_to_be_open() -> None:
    noon = {"from": "12:00", "to": "13:00"}
    assert closed_until([NIGHT, noon], at("2026-07-01T12:30")) is None
    assert "2026-07-01 12:00 UTC" in str(closed_until([NIGHT, noon], at("2026-07-01T06:00")))
    assert closed_until([], at("2026-07-01T06:00")) is None


def test_yaml_reads_an_unquoted_time_as_a_number_of_minutes() -> None:
    assert closed_until([{"from": 22 * 60, "to": 5 * 60}], at("2026-07-01T23:00")) is None


def test_a_whole_day_has_the_same_begin_and_end() -> None:
    assert closed_until([{"from": "00:00", "to": "00:00"}], at("2026-07-01T12:00")) is None


@pytest.mark.parametrize(
    ("window", "option"),
    [
        ({"from": "22:00"}, "windows[0]"),
        ({"from": "22:00", "to": "24:00"}, "windows[0].to"),
        ({"from": "late", "to": "05:00"}, "windows[0].from"),
        ({**NIGHT, "days": ["someday"]}, "windows[0].days"),
        ({**NIGHT, "days": ["mon-fri"]}, "windows[0].days"),
        ({**NIGHT, "days": "mon, tue"}, "windows[0].days"),
        ({**NIGHT, "days": ["monkey"]}, "windows[0].days"),
        ({**NIGHT, "zone": "Europe/Nowhere"}, "windows[0].zone"),
        ({**NIGHT, "zone": "../etc"}, "windows[0].zone"),
        ({**NIGHT, "until": "05:00"}, "windows[0]"),
        ("22:00-05:00", "windows[0]"),
    ],
)
def test_a_window_that_makes_no_sense_names_its_option(window: Any, option: str) -> None:
    with pytest.raises(InputError) as caught:
        closed_until([window], at("2026-07-01T12:00"))
    assert caught.value.option == option and caught.value.hint
