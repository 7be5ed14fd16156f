# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/scaling.md: each command is run, and what it says is printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from userkit import User, below, publish, seen, start

PAGE = "docs/scaling.md"


@pytest.mark.whole
def test_ask_a_whole_fleet(make_user: Callable[[], User]) -> None:
    user = make_user()
    look_and_run, _ask = start(user)
    publish(user.home, 1)
    user.sh(look_and_run)
    ask, shown = below(PAGE, "Ask a whole fleet")
    seen(shown, user.sh(ask.text).text)

    again, shown = below(PAGE, "A run that changes little")
    seen(shown, user.sh(again.text).text)

    together, shown = below(PAGE, "Many clusters from one task")
    seen(shown, user.sh(together.text).text)

    play, look = below(PAGE, "Go on from the answers")
    user.write("look.yml", play.text)
    well = user.sh(look.text)
    assert "Say what is wrong" not in well.text

    inventory, settings = user.home / "fleet.yml", user.home / "group_vars" / "all.yml"
    assert "versions: [1]" in inventory.read_text()
    inventory.write_text(inventory.read_text().replace("versions: [1]", "versions: [9]"))
    settings.write_text(settings.read_text() + "verify_wait_timeout: 2\n")
    bad = user.sh(look.text)
    assert "Say what is wrong" in bad.text and "9" in bad.text
    failed = user.sh(ask.text, code=2)
    assert failed.failed == dict.fromkeys(user.sites, 1)
