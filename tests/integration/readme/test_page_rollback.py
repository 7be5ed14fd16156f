# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/rollback.md: each command is run, and what it says is printed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from userkit import User, below, publish, seen, start

PAGE = "docs/rollback.md"


# Eight minutes, nearly all of them the kubelet's; molecule's scenario rollback goes the same way.
@pytest.mark.whole
def test_roll_back(make_user: Callable[[], User]) -> None:
    user = make_user()
    look_and_run, _ask = start(user)
    for version in (1, 2):
        publish(user.home, version)
        inventory = (user.home / "fleet.yml").read_text()
        changed = re.sub(r"versions: \[\d+\]", f"versions: [{version}]", inventory)
        (user.home / "fleet.yml").write_text(changed)
        user.sh(look_and_run)

    command, table = below(PAGE, "At 3 a.m.")
    looked = user.sh(f"{command.text.strip()} --check --diff")
    assert "not done in check mode" in looked.text
    done = user.sh(command.text)
    seen(table, done.text)
    assert set(done.changed.values()) == {1} and set(done.failed.values()) == {0}
    assert set(user.sh(command.text).changed.values()) == {0}, "twice changes nothing"

    play, shown = below(PAGE, "What was released")
    user.write("releases.yml", play.text)
    seen(shown, user.sh("ansible-playbook releases.yml -i fleet.yml").text)

    named, told = below(PAGE, "A certain release")
    seen(told, user.sh(named.text).text)
    verified = user.sh("ansible-playbook openvino.edge.verify -i fleet.yml -l shop-north")
    assert re.search(r"ocr_detection +2 +AVAILABLE", verified.text), verified.text
